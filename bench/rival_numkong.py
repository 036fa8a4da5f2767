"""NumKong (SimSIMD's successor). It adds 1e-7 to every probability: see INEXACT."""

import numkong
import numpy as np

CALLS = {
    "kl_divergence": lambda d: np.asarray(numkong.kullbackleibler(d.p, d.q)),
    "js_distance": lambda d: np.asarray(numkong.jensenshannon(d.p, d.q)),
    "js_divergence": lambda d: np.asarray(numkong.jensenshannon(d.p, d.q)) ** 2,
}
