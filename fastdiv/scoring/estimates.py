"""Means and shares with what is known of their error."""

import math
import sys
from typing import NamedTuple

from fastdiv.scoring.rationals import quotient

# A normal variable lies within so many standard deviations with probability 0.95.
_NORMAL_95 = 1.959963984540054


class Mean(NamedTuple):
    """A mean and its standard error, sqrt(variance / (n - 1)) as in llama.cpp."""

    mean: float
    standard_error: float


class Share(NamedTuple):
    """A share of rows and the ends of its 95 % interval."""

    share: float
    low: float
    high: float


def share(count: int, rows: int) -> Share:
    """Return ``count`` of ``rows`` with Wilson's interval, NaN if there are no rows.

    The interval stays within 0 and 1 and is of use at both ends, where p +- 1.96 sqrt(p (1 - p)/n)
    has no width: Wilson, "Probable inference", J. Am. Stat. Assoc. 22 (1927).
    """
    if rows == 0:
        return Share(math.nan, math.nan, math.nan)
    p = quotient(count, rows)
    squared = _NORMAL_95**2
    middle = count + squared / 2
    reach = _NORMAL_95 * math.sqrt(quotient(count * (rows - count), rows) + squared / 4)
    low = (middle - reach) / (rows + squared) if count else 0.0
    high = (middle + reach) / (rows + squared) if count < rows else 1.0
    return Share(p, low, high)


def exponential(x: float) -> float:
    """Return e^x, infinity where it is too large."""
    return math.inf if x > math.log(sys.float_info.max) else math.exp(x)


def exponential_of(log: Mean) -> Mean:
    """Return e^mean; its error to first order is e^mean times the mean's (the delta method)."""
    value = exponential(log.mean)
    return Mean(value, value * log.standard_error)


def scaled(value: Mean, factor: float) -> Mean:
    """Return a mean in another unit."""
    return Mean(value.mean * factor, value.standard_error * factor)
