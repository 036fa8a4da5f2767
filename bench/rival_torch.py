"""PyTorch."""

from typing import Any

import torch
from torch.nn import functional as F

torch.set_num_threads(1)


def prepared(d: Any) -> Any:
    """Tensors over the same memory."""
    return type(d)(*map(torch.from_numpy, d))


def _js(p: Any, q: Any) -> Any:
    log_m = ((p + q) / 2).log()
    one, two = (F.kl_div(log_m, r, reduction="none").sum(-1) for r in (p, q))
    return (one + two) / 2


def _kl_from_logits(x: Any, z: Any) -> Any:
    return F.kl_div(
        F.log_softmax(z, -1), F.log_softmax(x, -1), reduction="none", log_target=True
    ).sum(-1)


CALLS = {
    "entropy": lambda d: torch.special.entr(d.p).sum(-1),
    "cross_entropy": lambda d: -torch.xlogy(d.p, d.q).sum(-1),
    "kl_divergence": lambda d: F.kl_div(d.q.log(), d.p, reduction="none").sum(-1),
    "js_divergence": lambda d: _js(d.p, d.q),
    "js_distance": lambda d: _js(d.p, d.q).sqrt(),
    "logsumexp": lambda d: torch.logsumexp(d.x, -1),
    "softmax": lambda d: torch.softmax(d.x, -1),
    "log_softmax": lambda d: torch.log_softmax(d.x, -1),
    "entropy_from_logits": lambda d: torch.special.entr(torch.softmax(d.x, -1)).sum(-1),
    "cross_entropy_from_logits": lambda d: F.cross_entropy(d.x, d.y, reduction="none"),
    "kl_divergence_from_logits": lambda d: _kl_from_logits(d.x, d.z),
    "js_divergence_from_logits": lambda d: _js(torch.softmax(d.x, -1), torch.softmax(d.z, -1)),
}
