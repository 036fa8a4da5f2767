"""JAX, each call compiled whole; its thread pool is as large as the affinity at its import."""

from collections.abc import Callable
from typing import Any

import jax
from jax import numpy as jnp
from jax.scipy.special import entr, logsumexp, rel_entr, xlogy

jax.config.update("jax_enable_x64", True)


def prepared(d: Any) -> Any:
    """Arrays on JAX's device, the CPU."""
    device = jax.devices("cpu")[0]
    return type(d)(*(jax.device_put(a, device) for a in d))


def _js(p: Any, q: Any) -> Any:
    m = (p + q) / 2
    return (rel_entr(p, m) + rel_entr(q, m)).sum(-1) / 2


def _kl_from_logits(x: Any, z: Any) -> Any:
    log_p = jax.nn.log_softmax(x)
    return (jnp.exp(log_p) * (log_p - jax.nn.log_softmax(z))).sum(-1)


def _entropy_from_logits(x: Any) -> Any:
    log_p = jax.nn.log_softmax(x)
    return -(jnp.exp(log_p) * log_p).sum(-1)


def _loss(y: Any, x: Any) -> Any:
    return logsumexp(x, axis=-1) - jnp.take_along_axis(x, y[:, None], -1)[:, 0]


def _compiled(function: Callable[..., Any], *fields: str) -> Callable[[Any], Any]:
    run = jax.jit(function)
    return lambda d: run(*(getattr(d, f) for f in fields)).block_until_ready()


CALLS = {
    "entropy": _compiled(lambda p: entr(p).sum(-1), "p"),
    "cross_entropy": _compiled(lambda p, q: -xlogy(p, q).sum(-1), "p", "q"),
    "kl_divergence": _compiled(lambda p, q: rel_entr(p, q).sum(-1), "p", "q"),
    "js_divergence": _compiled(_js, "p", "q"),
    "js_distance": _compiled(lambda p, q: jnp.sqrt(_js(p, q)), "p", "q"),
    "logsumexp": _compiled(lambda x: logsumexp(x, axis=-1), "x"),
    "softmax": _compiled(jax.nn.softmax, "x"),
    "log_softmax": _compiled(jax.nn.log_softmax, "x"),
    "entropy_from_logits": _compiled(_entropy_from_logits, "x"),
    "cross_entropy_from_logits": _compiled(_loss, "y", "x"),
    "kl_divergence_from_logits": _compiled(_kl_from_logits, "x", "z"),
    "js_divergence_from_logits": _compiled(
        lambda x, z: _js(jax.nn.softmax(x), jax.nn.softmax(z)), "x", "z"
    ),
}
