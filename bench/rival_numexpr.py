"""numexpr: where the whole formula is one expression."""

import numexpr

numexpr.set_num_threads(1)

CALLS = {
    "entropy": lambda d: -numexpr.evaluate("sum(p * log(p), axis=1)", {"p": d.p}),
    "cross_entropy": lambda d: -numexpr.evaluate("sum(p * log(q), axis=1)", {"p": d.p, "q": d.q}),
    "kl_divergence": lambda d: numexpr.evaluate(
        "sum(p * log(p / q), axis=1)", {"p": d.p, "q": d.q}
    ),
}
