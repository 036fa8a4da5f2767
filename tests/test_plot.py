"""The pictures show the numbers: bars are as long as what they stand for, and labels say it."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from results import Result

import fastdiv
from fastdiv import _reference, plot
from fastdiv.plot import Counts, _shares, _style

matplotlib = pytest.importorskip("matplotlib")
pytestmark = pytest.mark.thread_unsafe  # so is pyplot


@pytest.fixture(autouse=True)
def _pyplot(monkeypatch):
    """Figures without a window, which the test leaves none of open; settings stay as they are."""
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "show", lambda: pytest.fail("shows a window"))
    pyplot.switch_backend("agg")
    before = dict(matplotlib.rcParams)
    yield
    for number in pyplot.get_fignums():
        pyplot.figure(number).canvas.draw()
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


def texts(ax):
    return [t.get_text() for t in ax.texts]


def ticks(axis):
    return [t.get_text() for t in axis.get_ticklabels()]


def bars(ax):
    """Begin and length of every horizontal bar, in the order drawn."""
    return [(b.get_x(), b.get_width()) for b in ax.patches]


X = np.load("examples/digits/logits.npy")
Z = np.load("examples/digits/logits_8bit.npy")
Y = np.load("examples/digits/labels.npy")


def test_needs_numpy_only_until_something_is_drawn():
    code = (
        "import sys; sys.modules['matplotlib'] = None; from fastdiv import plot\n"
        "try: plot.histogram([1.0])\nexcept ImportError as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'fastdiv[plot]'" in done.stdout


@pytest.mark.parametrize("name", [n for n in plot.__all__ if n != "Counts"])
def test_draws_where_it_is_told(name):
    from matplotlib import pyplot

    arguments = {
        "calibration": ([0.5, 0.9], [True, False]),
        "decomposition": ([1, 2], [2, 1]),
        "distributions": ([1, 2], [2, 1]),
    }.get(name, ([1, 2, 3],))
    figure, axes = pyplot.subplots(1, 2)
    made = getattr(plot, name)(*arguments, ax=axes[1])
    panels = made if isinstance(made, tuple) else (made,)
    assert all(panel is axes[1] or panel in axes[1].child_axes for panel in panels)
    assert pyplot.get_fignums() == [figure.number]
    assert not axes[0].has_data()


# Histograms


@pytest.mark.parametrize("log", [True, False])
def test_histogram_counts_every_row(log):
    values = np.r_[np.geomspace(1e-6, 1, 50), np.zeros(7), [np.inf] * 3, [np.nan] * 2]
    ax = plot.histogram(values, log=log)
    stairs = next(p for p in ax.patches if p.get_label() == "_rows").get_data()
    beside = {b.get_label(): b[0].get_height() for b in ax.containers}
    inside = stairs.values.sum()
    assert inside == (50 if log else 57)
    assert beside == ({"_0": 7} if log else {}) | {"_∞": 3, "_NaN": 2}
    assert ax.get_xscale() == ("log" if log else "linear")
    assert {"∞", "NaN"} <= set(ticks(ax.xaxis))
    assert ("0" in ticks(ax.xaxis)) or log
    assert any("3" in t and "4.8 %" in t for t in texts(ax))
    assert ax.get_ylabel() == "rows"


def test_histogram_marks_quantiles():
    loss = fastdiv.cross_entropy_from_logits(Y, X)
    ax = plot.histogram(loss)
    assert ax.get_xscale() == "log"
    at = [line.get_xdata()[0] for line in ax.lines]
    assert at == [np.quantile(loss, level, method="nearest") for level in (0.5, 0.9, 0.99)]
    assert [t.get_text().split()[0] for t in ax.get_legend().get_texts()] == ["median", "90", "99"]


def test_histogram_of_zeros_is_one_bar():
    ax = plot.histogram(np.zeros(500), name="KL(p‖q)")
    (bar,) = ax.patches
    assert bar.get_height() == 500
    assert ticks(ax.xaxis) == ["0"]
    assert texts(ax) == ["500\n100 %"]


def test_a_bar_that_would_hide_the_others_is_cut_and_says_so():
    ax = plot.histogram(np.r_[np.zeros(10**6), np.geomspace(1e-9, 1, 40)])
    (zeros,) = [b[0] for b in ax.containers]
    assert zeros.get_height() < 100
    assert texts(ax)[0].split("\n")[:2] == ["1\N{THIN SPACE}000\N{THIN SPACE}000", "(cut)"]


def test_histogram_of_counts_of_unequal_width_has_true_areas():
    counts = Result(edges=[1.0, 2.0, 4.0, 5.0], counts=[3, 8, 2], zeros=0, infinite=1, nan=0)
    ax = plot.histogram(counts, name="KL(p‖q)")
    data = ax.patches[0].get_data()
    np.testing.assert_array_equal(data.values * np.diff(data.edges), [3, 8, 2])
    assert ax.get_ylabel() == "rows per nat"


@pytest.mark.parametrize("values", [[0.7], [np.inf, np.nan], [1e-280, 1e280], [-1.0, 2.0]])
def test_histogram_of_odd_values(values):
    counts = Counts.of(values)
    assert counts.rows == len(values)
    assert plot.histogram(values).has_data()


def test_counts_are_numpys():
    values = fastdiv.kl_divergence_from_logits(X, Z)
    counts = Counts.of(values, bins=12, log=False)
    expected, edges = np.histogram(values.astype(float), 12)
    np.testing.assert_array_equal(counts.counts, expected)
    np.testing.assert_allclose(counts.edges, edges, rtol=1e-12)


def test_fine_counts_are_joined():
    edges = np.arange(1, 102) / 10
    fine = Counts(edges, np.arange(100), zeros=3)
    coarse = fine.coarser(12)
    assert coarse.rows == fine.rows
    np.testing.assert_array_equal(coarse.counts, [*np.arange(99).reshape(11, 9).sum(1), 99])
    np.testing.assert_array_equal(coarse.edges, [*edges[:100:9], edges[-1]])
    assert fine.coarser(100) is fine
    assert Counts(np.empty(0), np.empty(0, int), zeros=2).coarser().rows == 2
    data = plot.histogram(fine, bins=12).patches[0].get_data()
    np.testing.assert_array_equal(data.edges, coarse.edges)


def test_counts_with_too_few_edges():
    broken = Result(edges=[0.0, 1.0], counts=[1, 2], zeros=0, infinite=0, nan=0)
    with pytest.raises(ValueError, match="2 bins have 3 edges, not 2"):
        plot.histogram(broken)


# Quantiles and worst rows


def test_quantiles_of_rows_are_the_rows_in_order():
    loss = fastdiv.cross_entropy_from_logits(Y, X)
    line = plot.quantiles(loss).lines[0]
    np.testing.assert_array_equal(line.get_ydata(), np.sort(loss).astype(float))
    assert np.all(np.diff(line.get_xdata()) >= 0)
    # The median is in the middle of the axis.
    assert abs(np.interp(0, line.get_xdata(), line.get_ydata()) - np.median(loss)) < 1e-3


def test_quantiles_keep_both_ends_of_many_rows():
    values = np.random.default_rng(0).exponential(size=50_000)
    y = plot.quantiles(values).lines[0].get_ydata()
    assert (y[0], y[-1]) == (values.min(), values.max())
    assert len(y) < 1100


def test_quantiles_of_zeros_infinities_and_nan():
    ax = plot.quantiles(np.r_[np.zeros(50), np.geomspace(1e-6, 1, 40), [np.inf] * 9, np.nan])
    assert ax.get_yscale() == "log"
    assert ax.get_xlabel() == "rows with less, % (1 NaN left out)"
    assert {"0", "∞"} <= set(texts(ax))
    assert len(ax.lines[0].get_ydata()) == 40


def test_worst_rows():
    values = [1.0, np.inf, 3.0, np.nan, 2.0, 3.0]
    ax = plot.worst_rows(values, ids=list("abcdef"), n=4)
    assert ticks(ax.yaxis) == ["b", "c", "f", "e"]
    lengths = [length for _, length in bars(ax)]
    assert lengths[1:] == [3, 3, 2]
    assert lengths[0] > 3
    assert texts(ax) == ["∞", "3", "3", "2", "row"]
    assert "1 NaN not drawn" in ax.get_xlabel()
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the worst is on top"


# Labels


def test_calibration_by_rows_and_by_bins():
    p = fastdiv.softmax(X).astype(float)
    sure, right = p.max(1), p.argmax(1) == Y
    ax = plot.calibration(sure, right)
    heights = [b.get_height() for b in ax.containers[0]]
    which = np.ceil(sure * 15).astype(int) - 1
    np.testing.assert_allclose(heights, [right[which == b].mean() for b in np.unique(which)])
    error = sum(
        (which == b).mean() * abs(right[which == b].mean() - sure[which == b].mean())
        for b in range(15) if (which == b).any()
    )  # fmt: skip
    assert ax.get_xlabel() == f"confidence (calibration error {_style.number(error)})"
    bins = [
        (b / 15, (b + 1) / 15, sum(which == b), sure[which == b].mean(), right[which == b].mean())
        if (which == b).any()
        else (b / 15, (b + 1) / 15, 0, np.nan, np.nan)
        for b in range(15)
    ]
    again = plot.calibration(bins)
    assert again.get_xlabel() == ax.get_xlabel()
    np.testing.assert_allclose([b.get_height() for b in again.containers[0]], heights)


def test_rank_curve():
    ax = plot.rank_curve([1, 3, 1, 0])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.5, 0.5, 0.75])
    assert texts(ax) == ["top 1: 50 %"]
    ax = plot.rank_curve({1: 0.5, 2: 0.75, 5: 0.9, 10: 1.0}, classes=128256)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 5, 10])
    assert ax.get_xscale() == "log"
    assert texts(ax) == ["top 1: 50 %", "top 5: 90 %"]


# Two distributions


@pytest.mark.parametrize("kind", ["logits", "weights"])
def test_distributions_of_a_row(kind):
    a, b = X[17].astype(float), Z[17].astype(float) + np.linspace(0, 0.3, 10)
    if kind == "weights":
        a, b = 7 * np.exp(a), np.exp(b)
    left, right = plot.distributions(a, b, logits=kind == "logits")
    log_p, log_q = _reference.log_softmax(X[17].astype(float)), None
    log_q = _reference.log_softmax(Z[17].astype(float) + np.linspace(0, 0.3, 10))
    p, q = np.exp(log_p), np.exp(log_q)
    order = [int(t) for t in ticks(left.yaxis)[:-1]]
    assert sorted(order) == list(range(10))
    for container, values in zip(left.containers, (p, q), strict=True):
        np.testing.assert_allclose([b.get_width() for b in container], values[order], rtol=1e-9)
    share = p * (log_p - log_q)
    ways = bars(right)
    np.testing.assert_allclose([w for _, w in ways[:-1]], share[order], rtol=1e-9, atol=1e-15)
    assert all(x == pytest.approx(a + w, abs=1e-12) for (a, w), (x, _) in pairwise(ways[:-1]))
    assert list(share[order]) == sorted(share, reverse=True)
    # They end where the sum does, and that is KL.
    assert sum(ways[-2]) == pytest.approx(share.sum(), abs=1e-12)
    assert ways[-1] == (0, pytest.approx(share.sum(), rel=1e-9))
    assert right.get_title("left") == f"KL(p‖q) = {_style.number(share.sum())} nats"


def test_many_classes_are_gathered_and_counted():
    rng = np.random.default_rng(0)
    a = rng.normal(size=128256) * 3
    b = a + rng.normal(size=a.size) * 0.1
    left, right = plot.distributions(a, b, logits=True, top=7)
    assert ticks(left.yaxis)[-2:] == [f"128{_style.THIN}249 others", "sum = KL"]
    p, q = _reference.softmax(a), _reference.softmax(b)
    share = p * np.log(p / q)
    largest = set(np.argsort(-np.abs(share))[:7])
    assert {int(t) for t in ticks(left.yaxis)[:7]} == largest
    assert sum(w for _, w in bars(right)[:-1]) == pytest.approx(share.sum(), rel=1e-9)
    rest = np.ones(a.size, bool)
    rest[list(largest)] = False
    assert left.containers[0][7].get_width() == pytest.approx(p[rest].sum(), rel=1e-9)
    assert f"{_style.number(p[rest].sum())} →" in texts(left), "the bar is cut and says its length"


def test_infinite_kl_is_seen():
    left, right = plot.distributions([0.5, 0.2, 0.2, 0.1], [0.5, 0.5, 0, 0], names=list("abcd"))
    assert ticks(left.yaxis)[:2] == ["c", "d"]
    assert texts(right).count("+∞") == 3, "both classes and the sum"
    assert texts(left).count("0") == 2, "where q has nothing"
    assert "∞" in right.get_title("left")
    assert sum(line.get_marker() == ">" for line in right.lines) == 3
    ax = plot.decomposition([0.5, 0.2, 0.2, 0.1], [0.5, 0.5, 0, 0])
    assert texts(ax)[1:] == ["KL(p‖q) = ∞", "H(p, q) = ∞"]
    assert sum(line.get_marker() == ">" for line in ax.lines) == 2


def test_decomposition_lengths_add_up():
    ax = plot.decomposition(X[17], Z[17], logits=True)
    (zero, entropy), (begin, kl), (start, cross) = bars(ax)
    a, b = X[17].astype(float), Z[17].astype(float)
    assert (zero, start) == (0, 0)
    assert entropy == pytest.approx(_reference.entropy_from_logits(a), rel=1e-12)
    assert kl == pytest.approx(fastdiv.kl_divergence_from_logits(a, b), rel=1e-12)
    assert begin == entropy
    assert cross == entropy + kl
    assert "% of H(p, q)" in texts(ax)[1], "a length too small to see is told"


@pytest.mark.parametrize(
    ("p", "q", "logits", "message"),
    [
        ([1, -1], [1, 1], False, "p is no distribution: class 1 is -1"),
        ([1, 1], [0, 0], False, "q is no distribution: every class is 0"),
        ([1, np.nan], [1, 1], True, "p is no distribution: class 1 is nan"),
        ([0, 1], [np.inf, 1], True, "q is no distribution: class 0 is inf"),
        ([-np.inf] * 2, [0, 1], True, "p is no distribution: every logit is -inf"),
        ([1, 1], [1, 1, 1], False, r"shapes \(2,\) and \(3,\)"),
    ],
)
def test_what_is_no_distribution_is_not_drawn(p, q, logits, message):
    with pytest.raises(ValueError, match=message):
        plot.distributions(p, q, logits=logits)


def test_masked_classes_and_equal_rows_have_no_share():
    row = _shares.shares([0, -np.inf, 1], [0, -np.inf, 1], logits=True)
    assert list(row.share) == [0, 0, 0]
    assert row.kl_divergence == 0
    row = _shares.shares([1e308, 1e308], [1, 1], logits=False)
    assert list(row.p) == [0.5, 0.5]
    left, right = plot.distributions([3], [2])
    assert ticks(left.yaxis) == ["0", "sum = KL"]
    assert texts(right) == ["0", "0"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.histogram([]), "there is no row"),
        (lambda: plot.quantiles([np.nan]), "no number"),
        (lambda: plot.quantiles({1.5: 1.0}), "from 0 to 1"),
        (lambda: plot.worst_rows([1, 2], ids=["a"]), "1 names for 2 values"),
        (lambda: plot.worst_rows([1], n=0), "at least one"),
        (lambda: plot.calibration([0.1], [True, False]), "1 rows, correct 2"),
        (lambda: plot.calibration([1.1], [True]), "from 0 to 1"),
        (lambda: plot.calibration([0.5, 0.6]), "pass correct too"),
        (lambda: plot.rank_curve([]), "there is no row"),
        (lambda: plot.distributions([1, 2], [1, 2], names=["a"]), "1 names for 2 classes"),
        (lambda: plot.distributions([1, 2], [1, 2], top=0), "at least one"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123456, "0.0123"), (4.5e-9, "4.5·10⁻⁹"), (9.996, "10"), (0, "0"),
        (1234.5, "1\u2009234"),
        (-2.5, "\u22122.5"), (float("inf"), "∞"), (float("nan"), "NaN"), (5e-324, "4.94·10⁻³²⁴"),
        (9.9999e-5, "1·10⁻⁴"), (1e308, "1·10³⁰⁸"),
    ],
)  # fmt: skip
def test_numbers(value, text):
    assert _style.number(value) == text


def test_names_are_no_formulas_and_stay_on_a_line():
    assert _style.plain("$x$") == r"\$x\$"
    assert _style.plain("a\nb\x1b") == r"a\nb\x1b"
    assert len(_style.plain("x" * 100)) == 24
