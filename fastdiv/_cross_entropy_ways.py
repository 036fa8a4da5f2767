"""How the options of cross-entropy are computed: by which row function, in which type."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdiv import _options

# Of the row functions: by whether the truth is labels, and the prediction logits.
NAMES = {
    (labelled, logits): f"cross_entropy{'_label' * labelled}{'_from_logits' * logits}"
    for labelled in (False, True)
    for logits in (False, True)
}


def way(
    logits: bool,
    labelled: bool,
    weight: NDArray[np.float64] | None,
    base: float | None,
    normalize: bool,
    smoothing: float,
    temperature: float,
    narrow: bool,
) -> tuple[str, bool, dict[str, Any]]:
    """Say how options are computed: the row function, whether in double, and what it is told.

    narrow: all that is given and asked for is float32 or less.
    """
    unit = _options.log_unit(base)
    blended = smoothing > 0 or (weight is not None and not labelled)
    if temperature != 1 and not logits and not normalize:
        # log q / T as it stands: the temperature is one more unit.
        unit, temperature = unit * temperature, 1.0
    from_weights = not logits and temperature == 1
    # A factor in the exponential, but next to the ends of the range. Logarithms that count from 1
    # are off by their size in u, of which float32 sees nothing; else they count from the largest.
    least, most = (2.0**-500, 2.0**500) if logits else (2.0**-16, 2.0**60)
    divided = temperature != 1 and not (least < temperature < most and (logits or narrow))
    # A quotient or a logarithm is made in double.
    logarithm = not logits and temperature != 1
    wide = divided or logarithm or not 2.0**-60 < temperature < 2.0**60
    wide = wide or (blended and not _options.are_moderate(weight))
    return (
        NAMES[labelled and not blended, not from_weights],
        wide,
        {
            "normalize": normalize,
            "unit": unit,
            "temperature": temperature,
            "divided": divided,
            "logarithm": logarithm,
            "smoothing": smoothing,
            "blended": blended,
        },
    )
