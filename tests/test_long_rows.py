"""Rows of several segments: a few distinct classes many times over, so that the answer is exact."""

import threading

import numpy as np
import pytest
from cases import BOUNDS, MAKERS, SIGNATURES
from exact import ulps
from mpmath import mp, mpf

import fastdiv
from fastdiv import _threads
from fastdiv._dispatch import kernels

SEGMENT = 1 << 20
CLASSES = 3 * SEGMENT + 1001
# Distinct classes of a segment.
EACH = 5


def logits(dtype, arrangement):
    """Two rows of EACH logits for each of four segments."""
    rng = np.random.default_rng(4)
    xp = rng.normal(size=(4, EACH)) * 3
    xq = xp + rng.normal(size=(4, EACH)) * 0.3
    steps = np.arange(4.0)[:, None]
    if arrangement == "rising":
        xp, xq = xp + 9 * steps, xq + 8 * steps
    elif arrangement == "falling":
        xp, xq = xp - 30 * steps, xq - 31 * steps
    elif arrangement == "shifted":
        xp, xq = xp.astype(dtype), xp.astype(dtype)
        xq = xq + np.array([[0], [3], [-2], [0.5]])
    elif arrangement == "near":
        xp = xp.astype(dtype)
        xq = xp.copy()
        xq[1, 2] = np.nextafter(xq[1, 2], np.inf, dtype=dtype)
        xq[2, 1] = np.nextafter(xq[2, 1], -np.inf, dtype=dtype)
    elif arrangement == "equal":
        xq = xp
    elif arrangement == "masked":
        xp, xq = xp.copy(), xq.copy()
        xp[[0, 2]] = xq[[0, 2]] = -np.inf
        xp[3, 1] = -np.inf
    return xp.astype(dtype), xq.astype(dtype)


ARRANGEMENTS = ["alike", "rising", "falling", "shifted", "near", "equal", "masked"]


def spread(few):
    """A row whose segments hold their classes in turn, and how often each one is there."""
    lengths = [SEGMENT, SEGMENT, SEGMENT, CLASSES - 3 * SEGMENT]
    row = np.concatenate([np.resize(v, n) for v, n in zip(few, lengths, strict=True)])
    counts = [[len(range(k, n, EACH)) for k in range(EACH)] for n in lengths]
    return row[None], np.ravel(counts).tolist()


def weights_of(few, kind, dtype):
    """Weights next to the probabilities of the logits, or the logits."""
    if kind == "x":
        return few
    m = few.max()
    return np.exp((few - m).astype(np.float64)).astype(dtype)


def exact(name, few, counts):
    """The answer in 60 digits."""
    lists = [[mpf(float(v)) for v in np.ravel(a)] for a in few]
    with mp.workdps(60):
        p, q = (
            [mp.exp(v) if kind == "x" else v for v in a]
            for a, kind in zip((lists * 2)[:2], (SIGNATURES[name] * 2)[:2], strict=True)
        )
        total_p = mp.fsum(n * v for n, v in zip(counts, p, strict=True))
        total_q = mp.fsum(n * v for n, v in zip(counts, q, strict=True))
        p, q = [v / total_p for v in p], [v / total_q for v in q]
        if name == "logsumexp":
            return mp.log(total_p)
        if name in MAKERS:
            return p if name == "softmax" else [mp.log(v) if v else -mp.inf for v in p]

        def expectation(weights, values):
            terms = zip(counts, weights, values, strict=True)
            return mp.fsum(n * w * v() for n, w, v in terms if w)

        def kl(a, b):
            return expectation(
                a,
                [
                    lambda s=s, t=t: mp.log(s / t) if t else mp.inf
                    for s, t in zip(a, b, strict=True)
                ],
            )

        if name.startswith(("entropy", "cross_entropy")):
            return expectation(p, [lambda v=v: -mp.log(v) for v in q])
        if name.startswith("kl"):
            return kl(p, q)
        middle = [(s + t) / 2 for s, t in zip(p, q, strict=True)]
        js = (kl(p, middle) + kl(q, middle)) / 2
        return mp.sqrt(js) if name == "js_distance" else js


def arguments(name, dtype, arrangement):
    few = [
        weights_of(v, kind, dtype)
        for v, kind in zip(logits(dtype, arrangement), SIGNATURES[name], strict=False)
    ]
    rows = [spread(v) for v in few]
    return few, [row for row, _ in rows], rows[0][1]


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_long_rows_keep_the_promise(name, function, dtype, arrangement):
    few, rows, counts = arguments(name, dtype, arrangement)
    got = function(*rows)[0]
    want = exact(name, few, counts)
    bound = BOUNDS[name][dtype == np.float64]
    if name in MAKERS:
        # The first EACH classes of every segment.
        starts = [k * SEGMENT + j for k in range(4) for j in range(EACH)]
        assert max(ulps(got[at], w) for at, w in zip(starts, want, strict=True)) <= bound
    else:
        assert ulps(got, want) <= bound
        assert got >= 0 or name == "logsumexp"
        if arrangement == "equal" and "divergence" in name:
            assert got == 0


@pytest.mark.parametrize(
    "tops",
    [
        [0, 1, 2, 3, 4, 5, 6],
        [6, 5, 4, 3, 2, 1, 0],
        [2, 0, 1, 3, 0, 1, 9],
        [2, 0, 2, 0, 0, 2, 2],
        [0, 0, 0, 0, 0, 0, 200],
        [-np.inf, 0, -np.inf, 1, 1, 0, 0],
    ],
)
def test_the_largest_logit_in_any_block(dtype, tops):
    # Three logits and the block's largest, which is there once; the last block is a part of one.
    length = 1024 if dtype == np.float32 else 512
    row = np.empty((len(tops), length), dtype)
    row[:] = np.resize(np.array([-3, -1.25, -0.5], dtype), length) + np.array(tops)[:, None]
    row[np.arange(len(tops)), np.arange(len(tops)) * 70] = tops
    row = row.ravel()[: -length // 2 - 7]
    values, counts = np.unique(row, return_counts=True)
    with mp.workdps(60):
        total = mp.fsum(int(n) * mp.exp(mpf(float(v))) for v, n in zip(values, counts, strict=True))
        want = mp.log(total)
    name = "cross_entropy_from_logits"
    bounds = [BOUNDS[of][dtype == np.float64] for of in ("logsumexp", name, "softmax")]
    assert ulps(fastdiv.logsumexp(row), want) <= bounds[0]
    for at in (0, len(row) // 2, len(row) - 1):
        if row[at] > -np.inf:
            with mp.workdps(60):
                loss, share = want - mpf(float(row[at])), mp.exp(mpf(float(row[at]))) / total
            assert ulps(fastdiv.cross_entropy_from_logits(at, row), loss) <= bounds[1]
            assert ulps(fastdiv.softmax(row)[at], share) <= bounds[2]
        bad = row.copy()
        bad[at] = np.nan
        assert np.isnan(fastdiv.logsumexp(bad))


@pytest.mark.parametrize("logits_in", [False, True])
@pytest.mark.parametrize("at", [0, SEGMENT, CLASSES - 1])
def test_labels_in_any_segment(dtype, logits_in, at):
    name = "logsumexp" if logits_in else "entropy"
    few, (row,), counts = arguments(name, dtype, "rising")
    function = fastdiv.cross_entropy_from_logits if logits_in else fastdiv.cross_entropy
    with mp.workdps(60):
        p = [mp.exp(mpf(float(v))) if logits_in else mpf(float(v)) for v in np.ravel(few[0])]
        total = mp.fsum(n * v for n, v in zip(counts, p, strict=True))
        label = mpf(float(row[0, at]))
        want = mp.log(total / (mp.exp(label) if logits_in else label))
    assert ulps(function([at], row)[0], want) <= BOUNDS[function.__name__][dtype == np.float64]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 2 * SEGMENT + 5, CLASSES - 1])
def test_a_bad_number_in_any_segment_is_seen(name, function, bad, at):
    _, rows, _ = arguments(name, np.float32, "alike")
    rows[-1][0, at] = bad
    got = function(*rows)
    assert np.isnan(got).any() or (name == "logsumexp" and got == bad)


@pytest.mark.parametrize("arrangement", ["shifted", "near"])
@pytest.mark.parametrize("workers", [2, 5])
def test_long_rows_are_shared_out_with_the_same_bits(
    name, function, dtype, arrangement, workers, monkeypatch
):
    monkeypatch.setattr(_threads, "LEAST_LONG", SEGMENT)
    _, rows, _ = arguments(name, dtype, arrangement)
    expected = function(*rows)
    got = function(*rows, workers=workers)
    np.testing.assert_array_equal(got.view(np.uint8), expected.view(np.uint8))


def test_long_rows_of_any_layout_have_the_same_bits(name, function):
    _, rows, _ = arguments(name, np.float32, "shifted")
    expected = function(*rows)
    strided = [np.repeat(row, 2, axis=-1)[:, ::2] for row in rows]
    np.testing.assert_array_equal(function(*strided), expected)
    swapped = [row.astype(">f4") for row in rows]
    np.testing.assert_array_equal(function(*swapped), expected)


@pytest.mark.parametrize("workers", [1, 3])
def test_options_of_long_rows(workers):
    _, (p, x), _ = arguments("cross_entropy_from_logits", np.float64, "alike")
    got = fastdiv.cross_entropy_from_logits(p, x, temperature=2.0, workers=workers)
    np.testing.assert_allclose(got, fastdiv.cross_entropy_from_logits(p, x / 2), rtol=1e-15)
    got = fastdiv.cross_entropy_from_logits(p, x, label_smoothing=0.3, workers=workers)
    of_p = fastdiv.cross_entropy_from_logits(p, x)
    uniform = fastdiv.cross_entropy_from_logits(np.ones_like(p), x)
    np.testing.assert_allclose(got, 0.7 * of_p + 0.3 * uniform, rtol=1e-14)


@pytest.mark.parametrize("workers", [1, 3])
def test_targets_of_long_rows_of_weights(dtype, workers):
    rng = np.random.default_rng(0)
    p, q = rng.exponential(1, (2, 1, CLASSES)).astype(dtype)
    # The largest weight in a later segment.
    q[0, 2 * SEGMENT + 7] = 50
    even = np.ones_like(p)
    weight = np.arange(CLASSES) % 3 / 2.0
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    got = fastdiv.cross_entropy(p, q, label_smoothing=0.3, workers=workers)
    wanted = 0.7 * fastdiv.cross_entropy(p, q) + 0.3 * fastdiv.cross_entropy(even, q)
    np.testing.assert_allclose(got, wanted, tolerance)
    got = fastdiv.cross_entropy(p, q, class_weight=weight, workers=workers)
    of_weighted = fastdiv.cross_entropy(p * weight.astype(dtype), q)
    wanted = of_weighted * (p.astype(np.float64) @ weight / p.sum(dtype=np.float64))
    np.testing.assert_allclose(got, wanted, tolerance)
    assert got == fastdiv.cross_entropy(p, q, class_weight=weight)


@pytest.mark.parametrize("arrangement", ["alike", "rising", "falling", "masked"])
@pytest.mark.parametrize("workers", [1, 3])
def test_all_numbers_of_a_score(dtype, arrangement, workers, monkeypatch):
    monkeypatch.setattr(_threads, "LEAST_LONG", SEGMENT)
    few, (x,), counts = arguments("logsumexp", dtype, arrangement)
    label = SEGMENT + 1
    got = fastdiv.score([label], x, workers=workers)
    assert got.cross_entropy == fastdiv.cross_entropy_from_logits([label], x)
    assert got.logsumexp == fastdiv.logsumexp(x)
    assert got.entropy == fastdiv.entropy_from_logits(x)
    assert got.top_class == np.argmax(x)
    assert got.rank == 1 + (x > x[0, label]).sum() + (x[0, :label] == x[0, label]).sum()
    with mp.workdps(60):
        p = [mp.exp(mpf(float(v))) for v in np.ravel(few[0])]
        total = mp.fsum(n * v for n, v in zip(counts, p, strict=True))
        squares = mp.fsum(n * (v / total) ** 2 for n, v in zip(counts, p, strict=True))
        at_label = mp.exp(mpf(float(x[0, label]))) / total
        brier = squares - 2 * at_label + 1
    wide = dtype == np.float64
    assert ulps(got.brier_score[0], brier) <= (3, 7)[wide]
    assert ulps(got.probability[0], at_label) <= (2, 4)[wide]
    assert ulps(got.confidence[0], max(p) / total) <= (2, 4)[wide]


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_all_numbers_of_a_comparison(dtype, arrangement, monkeypatch):
    monkeypatch.setattr(_threads, "LEAST_LONG", SEGMENT)
    few, (p, q), counts = arguments("kl_divergence_from_logits", dtype, arrangement)
    label = SEGMENT + 2
    got = fastdiv.compare(p, q, [label])
    for name, value in vars(fastdiv.compare(p, q, [label], workers=3)).items():
        np.testing.assert_array_equal(value, getattr(got, name))
    assert got.p_cross_entropy == fastdiv.cross_entropy_from_logits([label], p)
    assert got.q_cross_entropy == fastdiv.cross_entropy_from_logits([label], q)
    assert got.same_top_class == (np.argmax(p) == np.argmax(q))
    bound = (7, 16)[dtype == np.float64]
    exactly = {
        "kl_divergence": exact("kl_divergence_from_logits", few, counts),
        "reverse_kl_divergence": exact("kl_divergence_from_logits", few[::-1], counts),
        "js_divergence": exact("js_divergence_from_logits", few, counts),
    }
    with mp.workdps(60):
        a, b = ([mp.exp(mpf(float(v))) for v in np.ravel(f)] for f in few)
        totals = [mp.fsum(n * v for n, v in zip(counts, w, strict=True)) for w in (a, b)]
        exactly["total_variation"] = mp.fsum(
            n * abs(v / totals[0] - w / totals[1]) / 2 for n, v, w in zip(counts, a, b, strict=True)
        )
    for name, want in exactly.items():
        assert ulps(getattr(got, name)[0], want) <= bound, name


@pytest.mark.parametrize("apart", [1e-6, 0.1, 1, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kept_exponentials_have_the_bits_of_those_taken_again(dtype, apart):
    """A row of one segment keeps its exponentials; with a masked class beyond, it does not."""
    rng = np.random.default_rng(8)
    c = 5 * 1024  # whole blocks, summed in the same order either way
    x = rng.normal(0, 4, (8, c))
    y = x + rng.normal(0, apart, x.shape)
    # The largest so far in every block, in the first alone, in one; references far from each other.
    x[1], y[1] = np.sort(x[1]), np.sort(y[1])
    x[2], y[2] = np.sort(x[2])[::-1], np.sort(y[2])[::-1]
    x[3, 3000] = y[4, 3000] = 60
    x[5] = np.linspace(-200, 200, c)
    y[5] = x[5] + rng.normal(0, apart, c)
    x[6, ::7] = y[6, ::7] = -np.inf
    y[7] += 1e6
    # Of rows with masked classes both ways have the same loops.
    x[:, -9:] = y[:, -9:] = -np.inf
    p, q = (a.astype(dtype) for a in (x, y))
    longer = np.full((2, *p.shape[:1], SEGMENT + 1), -np.inf, dtype)
    longer[0, :, :c], longer[1, :, :c] = p, q
    np.testing.assert_array_equal(
        fastdiv.js_divergence_from_logits(p, q), fastdiv.js_divergence_from_logits(*longer)
    )
    kept, again = vars(fastdiv.compare(p, q)), vars(fastdiv.compare(*longer))
    for name, values in kept.items():
        np.testing.assert_array_equal(values, again[name], name)


def test_a_team_that_nobody_joins_does_all():
    """As at the end of the interpreter, where no thread can be had."""
    _, (x,), _ = arguments("logsumexp", np.float32, "alike")
    out = np.empty(1, np.float32)
    team = kernels.Team()
    number = kernels.ROWS.index("logsumexp")
    kernels.run(number, False, x, None, None, out, helpers=team)
    team.close()
    assert out == fastdiv.logsumexp(x)


def test_helpers_leave_when_the_team_is_closed():
    team = kernels.Team()
    threads = [threading.Thread(target=team.help) for _ in range(7)]
    for thread in threads:
        thread.start()
    team.close()
    late = threading.Thread(target=team.help)
    late.start()
    for thread in [*threads, late]:
        thread.join(10)
        assert not thread.is_alive()


def test_a_team_serves_one_row_after_the_other(monkeypatch):
    """Many short passes, where a helper is late more often than not."""
    monkeypatch.setattr(_threads, "LEAST_LONG", SEGMENT)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, SEGMENT + 1)).astype(np.float32)
    expected = fastdiv.js_divergence_from_logits(x, x[::-1])
    for _ in range(10):
        got = fastdiv.js_divergence_from_logits(x, x[::-1], workers=3)
        np.testing.assert_array_equal(got, expected)
