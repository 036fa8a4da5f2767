"""Pictures of scores and divergences. Every function draws on axes of matplotlib and returns them.

They need ``pip install 'fastdiv[plot]'``; without it the first call says so. None shows a window,
none changes a setting of matplotlib. Text, ticks and background keep the colours of the style that
is in use.
"""

from fastdiv.plot._calibration import calibration
from fastdiv.plot._counts import Counts
from fastdiv.plot._histogram import histogram
from fastdiv.plot._lengths import decomposition
from fastdiv.plot._pairs import distributions
from fastdiv.plot._quantiles import quantiles
from fastdiv.plot._ranks import rank_curve
from fastdiv.plot._worst import worst_rows

__all__ = [
    "Counts",
    "calibration",
    "decomposition",
    "distributions",
    "histogram",
    "quantiles",
    "rank_curve",
    "worst_rows",
]
