"""Two rows of logits of any size: next to each other or as far apart as the type allows."""

import numpy as np
import pytest
from measure import Call, check
from sweeps import Rows

import fastdiv

CALLS = [
    Call("kl_divergence_from_logits"),
    Call("js_divergence_from_logits"),
    *(
        Call("compare", field=field)
        for field in ("kl_divergence", "js_divergence", "total_variation", "delta_p")
    ),
]
# Classes of no weight make a pair short rows, rows of one block or longer ones.
COPIES = [0, 100, 600, 1030]


def hold(p, q, copies):
    """Hold everything that is told of a pair to its bound, both ways."""
    p, q = (np.append(x, np.full(copies, x.min() - x.dtype.type(1000))) for x in (p, q))
    for call in CALLS:
        for a, b in ((p, q), (q, p)):
            check(call, [Rows(a, b, a, b, f"{p}, {q}", 0)], p.dtype)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        # The log-sum-exps differ by what a float leaves of their difference, which is more than all
        # that is between two confident rows.
        np.float32([[-2.110863208770752, -38.225799560546875], [-0.9246522784233093, -38.3335876]]),
        # Exponentials are kept multiplied by 2^32 or 2^128, and their products overflow.
        np.float32([[0, 0], [0, -1e29]]),
        np.float32([[0, 0], [0, -3e38]]),
        np.float64([[0, 0], [0, -1e272]]),
        np.float64([[0, 0], [0, -1.7e308]]),
        # So do three of them, of which a fourth would be infinite.
        np.float64([[1.1e307, 1.1e307, 1.1e307], [-2e307, 2.5e307, 3.9e307]]),
        # The difference of the log-sum-exps takes more than two numbers of the type.
        np.float32([[-1e6, -1e6], [-1653049.125, 1.366424e12]]),
        np.float32([[3.4394451e12, 3.4394451e12], [1.6750364e36, 2.8168692e36]]),
        np.float64([[1e37, 1e37, 1e37], [2.7e17, 1, 0]]),
        np.float64([[-1.64159374e218, -1.64159374e218], [-4.72140096e14, -4.72140096e14]]),
        # The difference of two logits of one class is beyond the largest number.
        np.float32([[3e38, 0], [-3e38, 0]]),
        np.float64([[1e308, 0], [-1e308, 0]]),
        np.float64([[1e308, 0], [-1e308, -1e308]]),
        np.float64([[1e308, -1e308], [-1e308, 1e308]]),
    ],
)
@pytest.mark.parametrize("copies", COPIES)
def test_pairs_of_two_sizes(p, q, copies):
    hold(p, q, copies)


def row(rng, k, dtype):
    """Logits of any size: equal, close by, far apart or of the usual size."""
    most = np.log10(np.finfo(dtype).max) - 1
    size = 10 ** rng.uniform(0, rng.choice([6, 16, most]).clip(max=most)) * rng.choice([-1, 1])
    kind = rng.integers(4)
    if kind == 0:
        return np.full(k, size, dtype)
    if kind == 1:
        return (size + 10 ** rng.uniform(-3, 2) * rng.normal(size=k)).astype(dtype)
    if kind == 2:
        return (size * rng.uniform(-1, 1, k)).astype(dtype)
    return (3 * rng.normal(size=k)).astype(dtype)


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("seed", range(6))
def test_pairs_of_any_sizes(seed, copies, dtype):
    rng = np.random.default_rng([seed, copies])
    k = int(rng.integers(1, 5))
    hold(row(rng, k, dtype), row(rng, k, dtype), copies)


@pytest.mark.parametrize("c", [3, 100, 300, 1000, 1100])
@pytest.mark.parametrize("nats", [-60, -80, -100, -610, -700])
def test_a_class_next_to_nothing_that_counts(nats, c, dtype):
    # Masked in q by the lowest number there is: times that, exp(-80) is no little.
    if nats < -100 and dtype == np.float32:
        pytest.skip("float32 has no such weight")
    rng = np.random.default_rng(c)
    p, change = 0.5 * rng.normal(size=(2, c))
    p, q = p.astype(dtype), (p + 0.1 * change).astype(dtype)
    p[1], q[1] = nats, np.finfo(dtype).min
    for call in (Call("kl_divergence_from_logits"), Call("compare", field="kl_divergence")):
        check(call, [Rows(p, q, p, q, f"{nats} nats, {c} classes", 0)], dtype)


@pytest.mark.parametrize("copies", COPIES)
def test_any_weight_at_all_under_a_mask_is_infinite(copies, dtype):
    p = np.append(np.array([0, -1e4], dtype), np.zeros(copies, dtype))
    q = np.append(np.array([0, -np.inf], dtype), np.zeros(copies, dtype))
    assert fastdiv.kl_divergence_from_logits(p, q) == np.inf
    assert fastdiv.compare(p, q).kl_divergence == np.inf


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("options", ["", "smoothing"])
@pytest.mark.parametrize(
    ("p", "x"),
    [
        # A difference, its product with a weight and the sum of some are beyond the largest float.
        ([3, 1], [3e38, -3e38]),
        ([5e8, 5e8], [0, -1e30]),
        ([1, 1, 1], [0, -3e38, -3e38]),
    ],
)
def test_cross_entropies_next_to_the_end_of_the_range(p, x, options, copies):
    p, x = np.float32(p), np.float32(x)
    p = np.append(p, np.zeros(copies, np.float32))
    x = np.append(x, np.full(copies, x.min()))
    rows = [Rows(x, x, p, p, f"{p}, {x}", 0)]
    check(Call("cross_entropy_from_logits", options=options), rows, np.float32)
    check(Call("cross_entropy_from_logits", True, options), rows, np.float32)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("copies", COPIES)
def test_beyond_the_largest_number_is_masked(copies):
    # As far below the row's largest as no number of the type is.
    p = np.append(np.zeros(2), np.full(copies, -1e4))
    q = np.append([1.7e308, -1.7e308], np.full(copies, -1e4))
    masked = np.append([1.7e308, -np.inf], np.full(copies, -1e4))
    for a, b in ((p, q), (q, p)):
        of = [masked if x is q else x for x in (a, b)]
        for name in ("kl_divergence_from_logits", "js_divergence_from_logits"):
            function = getattr(fastdiv, name)
            assert function(a, b) == function(*of), name
        assert vars(fastdiv.compare(a, b)) == vars(fastdiv.compare(*of))


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("copies", COPIES)
def test_float32_is_held_by_double(copies):
    # What is beyond float32's range is not beyond that which it is computed in.
    p = np.append(np.float32([3e38, -3e38]), np.full(copies, -3e38, np.float32))
    q = np.append(np.float32([0, 0]), np.full(copies, -1e4, np.float32))
    assert fastdiv.kl_divergence_from_logits(q, p) == np.float32(3e38)
    assert fastdiv.compare(p, q).reverse_kl_divergence == np.float32(3e38)


@pytest.mark.parametrize("c", [2, 130, 230, 513, 1100, 3000])
@pytest.mark.parametrize("top", [1e200, 1e270, 1e300, 1.7e308])
def test_the_last_logit_is_far_above_the_others(c, top):
    x = np.zeros((3, c))
    x[:, -1] = top
    assert np.all(fastdiv.entropy_from_logits(x) == 0)
    assert np.all(fastdiv.score([c - 1] * 3, x).entropy == 0)
    assert np.all(fastdiv.logsumexp(x) == top)


@pytest.mark.parametrize("c", [2, 61, 130, 230, 600, 1100])
def test_counts_against_huge_logits(c):
    p, x = np.zeros((20, c)), np.zeros((20, c))
    p[:, [0, -1]], x[:, -1] = 50, 1e307
    assert fastdiv.cross_entropy_from_logits(p, x) == pytest.approx(5e306)
    x[:, 0] = -np.inf
    assert np.all(fastdiv.cross_entropy_from_logits(p, x) == np.inf)
