"""The state of a job in a folder, from which it goes on after whatever ended it.

``state.json`` says how many rows are done, what is known of them, and in which files their numbers
are. It is the first file there, so that only an empty folder is ever begun in, and is replaced as a
whole, after the files it names have reached the disk. The one of an interrupted stretch, which it
does not name yet, is made anew. No other file is written or removed.
"""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

import fastdiv
from fastdiv.scoring.job import Columns, Job, Tally
from fastdiv.scoring.output import RowsFile, read, rows_file
from fastdiv.scoring.sources.errors import InputError, explained, some_of
from fastdiv.scoring.whole_file import whole_file

SCHEMA = 1


class Resume:
    """A folder that a job is kept in; one that ends in an error before a row is kept leaves none.

    Parameters
    ----------
    folder : pathlib.Path
        Made if it is not there.
    job : Job
    options : dict
        What the job was asked for: with others it is another job.
    out : pathlib.Path or None
        Where the rows' numbers go in the end.
    """

    def __init__(self, folder: Path, job: Job, options: dict[str, Any], out: Path | None) -> None:
        self._folder, self._job, self._suffix = folder, job, out.suffix if out else ""
        self._parts: list[str] = []
        self._part: tuple[Any, RowsFile] | None = None
        self.rows = 0
        self.before: Tally | None = None
        # As JSON will give it back.
        self._of = json.loads(json.dumps({**_described(job), **options, "out": str(out)}))
        _check_apart(folder, job)
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            there = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
        if "state.json" in there:
            self._load()
        elif there:
            raise InputError(
                f"{folder}: is a folder of something else, with {some_of(sorted(there), 3)}: name "
                "a new one for this job"
            )
        else:
            self._keep(0, Tally(job.empty()))

    def __enter__(self) -> "Resume":
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, at: TracebackType | None
    ) -> None:
        """Leave no folder of a job that has not begun to be done."""
        if kind is not None and self.rows == 0:
            self.remove()

    def _load(self) -> None:
        path = self._folder / "state.json"
        with explained(path, (ValueError, KeyError, TypeError)):
            state = json.loads(path.read_text())
            of, schema = state["job"], state["schema"]
        if schema != SCHEMA:
            raise InputError(f"{path}: is of another version of fastdiv: start in another folder")
        if of != self._of:
            changed = sorted(k for k in of.keys() | self._of if of.get(k) != self._of.get(k))
            raise InputError(
                f"{path}: is of another job, with other {', '.join(changed)}: start in another "
                "folder, or remove this one"
            )
        self.rows, self._parts = state["rows"], state["parts"]
        tally = Tally(self._job.empty())
        tally.summary = type(tally.summary).from_json(state["summary"])
        tally.worst.restore(state["worst"])
        self.before = tally

    @property
    def _next(self) -> Path:
        """The file of the stretch after what is kept, which an interrupted one may have begun."""
        return self._folder / f"part-{self.rows}{self._suffix}"

    def write(self, start: int, columns: Columns) -> None:
        """Append the numbers of the rows from ``start`` on."""
        if self._part is None:
            path = self._next
            with explained(path):
                file = path.open("wb")
            self._part = file, rows_file(path, file, self._job)
        with explained(self._folder):
            self._part[1].write(start, columns)

    def save(self, rows: int, tally: Tally) -> None:
        """Keep that the first rows are done."""
        if self._part is not None:
            file, numbers = self._part
            with explained(self._folder):
                numbers.finish()
                file.flush()
                os.fsync(file.fileno())
                file.close()
            self._parts.append(Path(file.name).name)
            self._part = None
        self._keep(rows, tally)

    def _keep(self, rows: int, tally: Tally) -> None:
        """Replace the state."""
        state = {
            "schema": SCHEMA,
            "job": self._of,
            "rows": rows,
            "parts": self._parts,
            "worst": tally.worst.state(),
            "summary": tally.summary.to_json(),
        }
        with whole_file(self._folder / "state.json") as whole:
            whole.write(json.dumps(state).encode())
        self.rows = rows

    def copy_to(self, out: RowsFile) -> None:
        """Write all numbers to a file."""
        start = 0
        for name in self._parts:
            for _, columns in read(self._folder / name, self._job):
                out.write(start, columns)
                start += len(next(iter(columns.values())))

    def remove(self) -> None:
        """Leave nothing that the job made; the folder itself goes if nothing else is there."""
        made = [*(self._folder / name for name in self._parts), self._next]
        with explained(self._folder):
            # Of a state that was half written when the job was killed.
            made += self._folder.glob(".state.json.*")
            for path in (*made, self._folder / "state.json"):
                path.unlink(missing_ok=True)
            if not any(self._folder.iterdir()):
                self._folder.rmdir()


def _check_apart(folder: Path, job: Job) -> None:
    """Refuse a folder that is or holds a file of the job."""
    whole = folder.resolve()
    for path in job.files:
        if whole in (path.resolve(), *path.resolve().parents):
            raise InputError(f"{folder}: has {path}, which is read: name a new one for this job")


def _described(job: Job) -> dict[str, Any]:
    """Return what makes a job the same one: its files as they are, and how they are read."""
    for source in job.sources:
        if source.rows is None:
            path = source.shards[0].path
            raise InputError(f"{path}: a stream cannot be resumed: save it as a file")
    files = []
    for path in job.files:
        with explained(path):
            seen = path.stat()
        files.append([str(path), seen.st_size, seen.st_mtime_ns])
    return {
        "command": job.measure.name,
        "files": files,
        **job.measure.settings,
        "probs": job.measure.probs,
        "columns": job.measure.columns,
        "fastdiv": fastdiv.__version__,
    }
