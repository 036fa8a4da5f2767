"""Which format a file is in, told by its first bytes, and which files a path stands for."""

import glob
import importlib
from pathlib import Path

from fastdiv.scoring.sources import llama
from fastdiv.scoring.sources.errors import InputError, explained, some_of
from fastdiv.scoring.sources.table import Table

# First bytes, and the name of the format.
MAGIC = {
    b"\x93NUMPY": "npy",
    b"PK": "npz",
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "stream",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    llama.MAGIC: "llama",
}
SUFFIXES = {
    ".npy": "npy",
    ".npz": "npz",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".arrows": "stream",
    ".safetensors": "safetensors",
    ".zarr": "zarr",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
}
SAVE = {
    "npy": "is not a .npy file: save the array with numpy.save",
    "npz": "is not a .npz file: save the arrays with numpy.savez",
    "parquet": "is not a Parquet file",
    "arrow": "is not an Arrow file; Feather must be of version 2",
    "stream": "is not a stream of Arrow batches",
    "hdf5": "is not an HDF5 file",
}
# Module and class of the reader.
READERS = {
    "npy": ("npy", "Npy"),
    "npz": ("npy", "Npz"),
    "llama": ("llama", "LlamaBase"),
    "parquet": ("parquet", "Parquet"),
    "arrow": ("arrow_file", "ArrowFile"),
    "stream": ("arrow_stream", "ArrowStream"),
    "safetensors": ("safetensors_file", "Safetensors"),
    "zarr": ("grids", "Zarr"),
    "hdf5": ("grids", "Hdf5"),
}
ZARR = ("zarr.json", ".zarray", ".zgroup")


def format_of(path: Path) -> str:
    """Return the name of a file's format."""
    with explained(path):
        if path.is_dir():
            if _is_zarr(path):
                return "zarr"
            raise InputError(f"{path}: is a folder, and no Zarr array: it has no zarr.json")
        if not path.is_file():
            # A pipe has no bytes to spare; the reader says what is wrong.
            return SUFFIXES.get(path.suffix, "npy")
        with path.open("rb") as file:
            head = file.read(16)
    if not head:
        raise InputError(f"{path}: is empty")
    for magic, name in MAGIC.items():
        if head.startswith(magic):
            return name
    by_suffix = SUFFIXES.get(path.suffix.lower())
    if by_suffix == "safetensors" or head[8:9] == b"{":
        return "safetensors"
    if by_suffix in SAVE:
        raise InputError(f"{path}: {SAVE[by_suffix]}")
    raise InputError(f"{path}: is in no format that is read here: {some_of(sorted(SUFFIXES), 20)}")


def open_table(path: Path) -> Table:
    """Open a file of any format."""
    module, reader = READERS[format_of(path)]
    # Only now, as the library that it uses may not be there.
    opened: Table = getattr(importlib.import_module(f"fastdiv.scoring.sources.{module}"), reader)(
        path
    )
    return opened


def find_files(place: str | Path | list[str]) -> list[Path]:
    """Return the file that a path names, or the shards of a folder or a glob in their order."""
    if isinstance(place, list):
        return [path for one in place for path in find_files(one)]
    path = Path(place)
    with explained(path):
        if path.is_dir() and not _is_zarr(path):
            return _in_folder(path)
        if path.exists() or not glob.has_magic(str(place)):
            return [path]
    # A glob may have an absolute root, which Path.glob does not take.
    found = sorted(Path(name) for name in glob.glob(str(place), recursive=True))  # noqa: PTH207
    if not found:
        raise InputError(f"{place}: there is no such file")
    return found


def _is_zarr(folder: Path) -> bool:
    return any((folder / name).exists() for name in ZARR)


def _in_folder(folder: Path) -> list[Path]:
    """Return the files of a folder that are of a known format, which must be the same of all."""
    with explained(folder):
        found = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "_"))
        )
    if not found:
        raise InputError(
            f"{folder}: is a folder without {some_of(sorted(SUFFIXES), 20)} files: name the files "
            f"by a pattern, as '{folder}/**/*.parquet'"
        )
    kinds = sorted({SUFFIXES[path.suffix.lower()] for path in found})
    if len(kinds) > 1:
        raise InputError(
            f"{folder}: holds files of several formats, {some_of(kinds)}: name those you mean by a "
            f"pattern, as '{folder}/*{found[0].suffix}'"
        )
    return found
