"""Files as they are: rows, labels and ids from any format, in blocks of bounded size.

====================  ==========================================  =================
format                library                                     read
====================  ==========================================  =================
.npy, .npz            NumPy                                       anywhere
safetensors           safetensors                                 anywhere
Arrow IPC, Feather    pyarrow                                     anywhere
Zarr, HDF5            zarr, h5py                                  by whole chunks
llama.cpp's KL base   NumPy                                       anywhere
Parquet               pyarrow                                     in order
Arrow stream, ``-``   pyarrow                                     in order
====================  ==========================================  =================
"""

from fastdiv.scoring.sources.block import Block, Planned, Shard
from fastdiv.scoring.sources.blocks import iter_blocks, iter_pairs, plan_pairs
from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.sources.opening import open_rows
from fastdiv.scoring.sources.source import Source

__all__ = [
    "Block",
    "InputError",
    "Planned",
    "Shard",
    "Source",
    "iter_blocks",
    "iter_pairs",
    "open_rows",
    "plan_pairs",
]
