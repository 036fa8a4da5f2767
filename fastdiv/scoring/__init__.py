"""Scoring of files: rows of any format in blocks, what is told of them, the command line."""

from fastdiv.scoring.compare_summary import CompareResult, CompareSummary
from fastdiv.scoring.llama import llama_lines
from fastdiv.scoring.score_summary import ScoreResult, ScoreSummary
from fastdiv.scoring.sources import InputError, iter_blocks, iter_pairs, open_rows

__all__ = [
    "CompareResult",
    "CompareSummary",
    "InputError",
    "ScoreResult",
    "ScoreSummary",
    "iter_blocks",
    "iter_pairs",
    "llama_lines",
    "open_rows",
]
