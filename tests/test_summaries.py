"""Summaries of blocks: what they tell, and that no split and no order changes a bit of it."""

import itertools
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

import fastdiv
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.estimates import share
from fastdiv.scoring.llama import llama_lines
from fastdiv.scoring.score_summary import POINTS, ScoreSummary

some = settings(max_examples=60, deadline=None)
CLASSES = 50


def logits(seed, rows=997):
    """Labels, a model's logits and another's that is nearly the same, in float64."""
    rng = np.random.default_rng(seed)
    p = rng.normal(0, 3, (rows, CLASSES))
    q = p + rng.normal(0, 0.3, p.shape)
    y = np.array([rng.choice(CLASSES, p=special.softmax(row)) for row in p])
    return y, p, q


def scores(y, x):
    """Columns as `fastdiv.score` makes them, of NumPy's making."""
    log = special.log_softmax(x, axis=-1)
    at = np.arange(len(y))
    prob = np.exp(log)
    own = x[at, y][:, None]
    ahead = (x > own).sum(-1) + ((x == own) & (np.arange(x.shape[-1]) < y[:, None])).sum(-1)
    return SimpleNamespace(
        cross_entropy=-log[at, y],
        entropy=-(prob * log).sum(-1),
        brier_score=((prob - np.eye(x.shape[-1])[y]) ** 2).sum(-1),
        confidence=prob.max(-1),
        rank=ahead + 1,
    )


def comparison(y, p, q):
    """Columns as `fastdiv.compare` makes them, from the functions of one divergence each."""
    a, b = (fastdiv.cross_entropy_from_logits(y, x) for x in (p, q))
    return SimpleNamespace(
        kl_divergence=fastdiv.kl_divergence_from_logits(p, q),
        reverse_kl_divergence=fastdiv.kl_divergence_from_logits(q, p),
        js_divergence=fastdiv.js_divergence_from_logits(p, q),
        total_variation=np.abs(fastdiv.softmax(p) - fastdiv.softmax(q)).sum(-1) / 2,
        same_top_class=p.argmax(-1) == q.argmax(-1),
        p_cross_entropy=a,
        q_cross_entropy=b,
        delta_p=np.exp(-b) - np.exp(-a),
    )


def part(block, start, stop):
    return SimpleNamespace(**{k: v[start:stop] for k, v in vars(block).items()})


def whole(make, block):
    made = make()
    made.update(block)
    return made


def score_summary():
    return ScoreSummary(CLASSES, top_k=(1, 3), bins=10)


def compare_summary():
    return CompareSummary(CLASSES)


def llama_figures(y, p, q):
    """Compute what perplexity.cpp prints, in plain float64 from the logits: (value, error)."""
    n = len(y)
    at = np.arange(n)
    log_p, log_q = (x - np.log(np.exp(x).sum(-1, keepdims=True)) for x in (p, q))
    nll_base, nll = -log_p[at, y], -log_q[at, y]
    kld = (np.exp(log_p) * (log_p - log_q)).sum(-1)
    change = np.exp(-nll) - np.exp(-nll_base)

    def mean(x):
        f = x.sum() / n
        return f, math.sqrt(((x * x).sum() / n - f * f) / (n - 1))

    log_ppl, log_base = mean(nll), mean(nll_base)
    ppl, base = (math.exp(f) for f, _ in (log_ppl, log_base))
    ppl_error, base_error = ppl * log_ppl[1], base * log_base[1]
    cov = ((nll * nll_base).sum() / n - nll.sum() / n * (nll_base.sum() / n)) / (n - 1)
    ratio = log_ppl[0] - log_base[0]
    ratio_error = math.sqrt(log_ppl[1] ** 2 + log_base[1] ** 2 - 2 * cov)
    difference_error = math.sqrt(ppl_error**2 + base_error**2 - 2 * ppl * base * cov)
    square = mean(change**2)
    same = np.count_nonzero(p.argmax(-1) == q.argmax(-1)) / n
    percentiles = {"99.9%": 99.9, "99.0%": 99, "95.0%": 95, "90.0%": 90, "75.0%": 75}
    percentiles |= {"Median": 50, "25.0%": 25, "10.0%": 10, " 5.0%": 5, " 1.0%": 1, " 0.1%": 0.1}
    percentiles |= {"Maximum": 100, "Minimum": 0}
    return {
        "Mean PPL(Q)": (ppl, ppl_error),
        "Mean PPL(base)": (base, base_error),
        "Cor(ln(PPL(Q)), ln(PPL(base)))": (cov / (log_ppl[1] * log_base[1]), None),
        "Mean ln(PPL(Q)/PPL(base))": (ratio, ratio_error),
        "Mean PPL(Q)/PPL(base)": (math.exp(ratio), math.exp(ratio) * ratio_error),
        "Mean PPL(Q)-PPL(base)": (ppl - base, difference_error),
        "Mean    KLD": mean(kld),
        **{f"{name:7} KLD": (np.percentile(kld, at), None) for name, at in percentiles.items()},
        "Mean    Δp": mean(change),
        **{f"{name:7} Δp": (np.percentile(change, at), None) for name, at in percentiles.items()},
        "RMS Δp": (math.sqrt(square[0]), 0.5 / math.sqrt(square[0]) * square[1]),
        "Same top p": (same, math.sqrt(same * (1 - same) / (n - 1))),
    }


def our_figures(r):
    points = dict(zip(POINTS, [100 * p for p in POINTS], strict=True))
    names = {99.9: "99.9%", 99: "99.0%", 95: "95.0%", 90: "90.0%", 75: "75.0%", 50: "Median"}
    names |= {25: "25.0%", 10: "10.0%", 5: " 5.0%", 1: " 1.0%", 0.1: " 0.1%"}
    names |= {100: "Maximum", 0: "Minimum"}
    return {
        "Mean PPL(Q)": r.q_perplexity,
        "Mean PPL(base)": r.p_perplexity,
        "Cor(ln(PPL(Q)), ln(PPL(base)))": (r.correlation, None),
        "Mean ln(PPL(Q)/PPL(base))": r.log_perplexity_ratio,
        "Mean PPL(Q)/PPL(base)": r.perplexity_ratio,
        "Mean PPL(Q)-PPL(base)": r.perplexity_difference,
        "Mean    KLD": r.kl_divergence,
        **{f"{names[points[p]]:7} KLD": (v, None) for p, v in r.kl_quantiles.items()},
        "Mean    Δp": r.delta_p,
        **{f"{names[points[p]]:7} Δp": (v, None) for p, v in r.delta_p_quantiles.items()},
        "RMS Δp": r.delta_p_rms,
        "Same top p": r.same_top_class,
    }


LLAMA = logits(11)
FIGURES = llama_figures(*LLAMA)


@pytest.fixture(scope="module")
def compared():
    return whole(compare_summary, comparison(*LLAMA)).result()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_llama_perplexity_to_ten_digits(name, compared):
    value, error = our_figures(compared)[name]
    np.testing.assert_allclose(value, FIGURES[name][0], rtol=1e-10)
    if FIGURES[name][1] is not None:
        np.testing.assert_allclose(error, FIGURES[name][1], rtol=1e-10)


def test_every_line_of_llama_perplexity(compared):
    # Between the quartiles it prints no KLD.
    names = [n for n in FIGURES if n not in ("75.0%   KLD", "25.0%   KLD")]
    lines = dict(llama_lines(compared))
    assert sorted(lines) == sorted(names)
    value, error = FIGURES["Mean PPL(Q)-PPL(base)"]
    assert lines["Mean PPL(Q)-PPL(base)"] == f"{value:10.6f} ± {error:10.6f}"
    value, error = FIGURES["Same top p"]
    assert lines["Same top p"] == f"{100 * value:6.3f} ± {100 * error:5.3f} %"
    assert lines[" 1.0%   Δp"] == f"{100 * FIGURES[' 1.0%   Δp'][0]:6.3f}%"


def test_a_comparison_without_labels(compared):
    block = comparison(*LLAMA)
    for name in ("p_cross_entropy", "q_cross_entropy", "delta_p"):
        setattr(block, name, None)
    r = whole(compare_summary, block).result()
    assert r.kl_divergence == compared.kl_divergence
    assert r.same_top_class == compared.same_top_class
    assert r.same_top_class_share == compared.same_top_class_share
    missing = {name for name, value in r._asdict().items() if value is None}
    assert missing == {
        "p_cross_entropy", "q_cross_entropy", "p_perplexity", "q_perplexity", "correlation",
        "log_perplexity_ratio", "perplexity_ratio", "perplexity_difference",
        "delta_p", "delta_p_quantiles", "delta_p_rms",
    }  # fmt: skip
    assert [name for name, _ in llama_lines(r)][-1] == "Same top p"


def test_the_other_means(compared):
    _, p, q = LLAMA
    a, b = special.softmax(p, axis=-1), special.softmax(q, axis=-1)
    m = (a + b) / 2
    expected = {
        "reverse_kl_divergence": special.rel_entr(b, a).sum(-1),
        "js_divergence": (special.rel_entr(a, m) + special.rel_entr(b, m)).sum(-1) / 2,
        "total_variation": np.abs(a - b).sum(-1) / 2,
    }
    for name, rows in expected.items():
        found = getattr(compared, name)
        np.testing.assert_allclose(found, (rows.mean(), stats.sem(rows)), rtol=1e-10)


def test_equal_models():
    y, p, _ = LLAMA
    r = whole(compare_summary, comparison(y, p, p)).result()
    assert r.kl_divergence == r.log_perplexity_ratio == r.perplexity_difference == (0, 0)
    assert r.perplexity_ratio == r.same_top_class == (1, 0)
    assert r.delta_p == r.delta_p_rms == (0, 0)
    assert r.correlation == 1
    assert r.kl_histogram.zeros == len(y)


def test_scores():
    y, x, _ = logits(12)
    block = scores(y, x)
    r = whole(score_summary, block).result()
    n, loss = len(y), block.cross_entropy
    mean, error = loss.mean(), stats.sem(loss)
    assert (r.rows, r.classes, r.infinite_rows, r.nan_rows) == (n, CLASSES, 0, 0)
    np.testing.assert_allclose(r.cross_entropy, (mean, error), rtol=1e-12)
    np.testing.assert_allclose(r.perplexity, (np.exp(mean), np.exp(mean) * error), rtol=1e-12)
    np.testing.assert_allclose(r.bits, (mean / np.log(2), error / np.log(2)), rtol=1e-12)
    for name in ("entropy", "brier_score"):
        rows = getattr(block, name)
        np.testing.assert_allclose(getattr(r, name), (rows.mean(), stats.sem(rows)), rtol=1e-12)
    assert r.accuracy.share == (x.argmax(-1) == y).mean()
    assert r.top_k_accuracy.keys() == {1, 3}
    assert r.top_k_accuracy[1] == r.accuracy
    top = np.argsort(-x, axis=-1)
    for k, found in {**r.rank_curve, 3: r.top_k_accuracy[3].share}.items():
        assert found == (top[:, :k] == y[:, None]).any(-1).mean()
    assert list(r.rank_curve) == [1, 2, 3, 5, 10, 20, 50]
    quantiles = np.quantile(loss, POINTS)
    np.testing.assert_allclose(list(r.cross_entropy_quantiles.values()), quantiles, rtol=1e-12)
    assert r.quantile_error == 0
    assert sum(r.cross_entropy_histogram.counts) == n


def test_calibration():
    y, x, _ = logits(13)
    block = scores(y, x / 2)
    r = whole(score_summary, block).result()
    c, hit = block.confidence, block.rank == 1
    expected, edges = 0, np.arange(11) / 10
    for (low, high), found in zip(itertools.pairwise(edges), r.calibration, strict=True):
        inside = (low < c) & (c <= high)
        assert (found.low, found.high, found.rows) == (low, high, inside.sum())
        if inside.any():
            np.testing.assert_allclose(found.confidence, c[inside].mean(), rtol=1e-13)
            assert found.accuracy == hit[inside].mean()
            expected += inside.mean() * abs(hit[inside].mean() - c[inside].mean())
        else:
            assert np.isnan([found.confidence, found.accuracy]).all()
    np.testing.assert_allclose(r.calibration_error, expected, rtol=1e-12)


def test_a_confidence_on_an_edge_is_in_the_bin_below():
    block = SimpleNamespace(
        cross_entropy=np.zeros(5),
        rank=np.array([1, 2, 1, 1, 1]),
        confidence=np.array([0.5, np.nextafter(0.5, 1), 1.0, 0.25, 0.0]),
    )
    bins = whole(lambda: ScoreSummary(4, bins=4), block).result().calibration
    assert [b.rows for b in bins] == [2, 1, 1, 1]


@pytest.mark.parametrize("rows", [1, 10, 1000])
def test_intervals_are_wilsons(rows):
    for k in {0, 1, rows // 3, rows - 1, rows}:
        expected = stats.binomtest(k, rows).proportion_ci(0.95, "wilson")
        np.testing.assert_allclose(
            share(k, rows), (k / rows, expected.low, expected.high), rtol=1e-12, atol=1e-15
        )
    assert np.isnan(share(0, 0)).all()


def test_rows_that_are_not_finite_are_counted_and_not_left_out():
    block = SimpleNamespace(
        cross_entropy=np.array([1.0, math.inf, 2.0], np.float32),
        rank=np.array([1, 4, 2]),
        entropy=np.array([0.5, 0.5, 0.5], np.float32),
        confidence=np.array([0.5, 0.5, 0.5], np.float32),
    )
    r = whole(lambda: ScoreSummary(4), block).result()
    assert (r.infinite_rows, r.nan_rows) == (1, 0)
    assert r.cross_entropy.mean == r.perplexity.mean == math.inf
    assert math.isnan(r.cross_entropy.standard_error)
    assert r.cross_entropy_quantiles[1.0] == math.inf
    assert r.cross_entropy_quantiles[0.5] == 2
    assert r.entropy == (0.5, 0)
    assert r.brier_score is None
    for name, column in vars(block).items():
        column[1] = 0 if name == "rank" else math.nan
    r = whole(lambda: ScoreSummary(4), block).result()
    assert (r.infinite_rows, r.nan_rows) == (0, 1)
    assert np.isnan([*r.cross_entropy, *r.perplexity, *r.entropy, r.calibration_error]).all()
    assert math.isnan(r.cross_entropy_quantiles[0.5])
    assert r.accuracy.share == 1 / 3
    assert r.rank_curve == {1: 1 / 3, 2: 2 / 3, 4: 2 / 3, 5: 2 / 3}
    assert sum(b.rows for b in r.calibration) == 2


@pytest.mark.parametrize("make", [score_summary, compare_summary])
def test_no_rows(make):
    r = make().result()
    assert r.rows == 0
    values = r.cross_entropy if make is score_summary else r.kl_divergence
    assert np.isnan(values).all()
    again = type(make()).from_json(make().to_json())
    assert again.to_json() == make().to_json()
    again.merge(make())
    assert again.to_json() == make().to_json()


BLOCKS = {score_summary: scores(*LLAMA[:2]), compare_summary: comparison(*LLAMA)}
STRANGE = [math.inf, math.nan, 1e308, 5e-324, 0.0]


@some
@given(
    st.lists(st.integers(0, 997), max_size=6),
    st.lists(st.tuples(st.integers(0, 996), st.sampled_from(STRANGE)), max_size=3),
    st.data(),
)
@pytest.mark.parametrize("make", BLOCKS, ids=lambda m: m.__name__)
def test_split_and_order_change_no_bit(make, cuts, strange, data):
    block = part(BLOCKS[make], 0, 997)
    name = type(make()).columns[0]
    column = getattr(block, name).copy()
    for place, value in strange:
        column[place] = value
    setattr(block, name, column)
    expected = whole(make, block)
    parts = []
    for start, end in itertools.pairwise([0, *sorted(cuts), 997]):
        parts.append(whole(make, part(block, start, end)))
    while len(parts) > 1:
        other = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        to = data.draw(st.integers(0, len(parts) - 1))
        if data.draw(st.booleans()):
            other = type(other).from_json(other.to_json())
        parts[to].merge(other)
    assert parts[0].to_json() == expected.to_json()
    assert repr(parts[0].result()) == repr(expected.result())


@pytest.mark.parametrize("make", BLOCKS, ids=lambda m: m.__name__)
def test_json_there_and_back(make):
    made = whole(make, BLOCKS[make])
    text = made.to_json()
    again = type(made).from_json(text)
    assert again.to_json() == text
    assert repr(again.result()) == repr(made.result())
    again.update(BLOCKS[make])
    made.update(BLOCKS[make])
    assert again.to_json() == made.to_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON, or was cut off"),
        ('{"fastdiv": "Comp', "no JSON, or was cut off"),
        ("[1, 2]", "something else, not a CompareSummary"),
        ('{"rows": 3}', "something else, not a CompareSummary"),
        (score_summary().to_json(), "a ScoreSummary, not a CompareSummary"),
        ('{"fastdiv": "CompareSummary", "schema": 2}', "schema 2, and this fastdiv reads 1"),
        ('{"fastdiv": "CompareSummary", "schema": 1}', "is damaged: KeyError"),
    ],
)
def test_json_of_something_else(text, message):
    with pytest.raises(ValueError, match=message):
        CompareSummary.from_json(text)


def test_damaged_json():
    text = whole(compare_summary, BLOCKS[compare_summary]).to_json()
    saved = json.loads(text)
    del saved["parts"]["losses"]["x"]["sum"]["numerator"]
    with pytest.raises(ValueError, match="is damaged: KeyError"):
        CompareSummary.from_json(json.dumps(saved))


def test_what_does_not_fit_together():
    block = BLOCKS[score_summary]
    made = whole(score_summary, block)
    before = made.to_json()
    fewer = SimpleNamespace(cross_entropy=block.cross_entropy, rank=block.rank)
    with pytest.raises(ValueError, match="cannot take cross_entropy, rank: ask for the same"):
        made.update(fewer)
    with pytest.raises(ValueError, match="no cross_entropy: ask for it with want="):
        made.update(SimpleNamespace(rank=block.rank))
    with pytest.raises(ValueError, match="997 rows of cross_entropy but 3 of rank"):
        made.update(SimpleNamespace(cross_entropy=block.cross_entropy, rank=block.rank[:3]))
    with pytest.raises(ValueError, match="'bins': 15} do not merge"):
        made.merge(ScoreSummary(CLASSES, top_k=(1, 3)))
    with pytest.raises(TypeError, match="cannot take a CompareSummary"):
        made.merge(compare_summary())
    assert made.to_json() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": 0}, "classes is 0"),
        ({"classes": 3, "top_k": (1, 0)}, "top_k is 0"),
        ({"classes": 3, "bins": 2.5}, r"bins is 2\.5"),
        ({"classes": 3, "bins": 1 << 16}, "at most 65535"),
    ],
)
def test_settings_that_make_no_sense(arguments, message):
    with pytest.raises(ValueError, match=message):
        ScoreSummary(**arguments)


def test_a_rank_beyond_the_classes():
    made = ScoreSummary(3)
    for rank in (4, -1):
        block = SimpleNamespace(cross_entropy=np.ones(2), rank=np.array([1, rank]))
        with pytest.raises(ValueError, match=f"row 1 of the block has rank {rank}"):
            made.update(block)
    assert made.result().rows == 0


def test_results_of_float32_and_of_more_than_one_axis():
    block = BLOCKS[score_summary]
    shaped = SimpleNamespace(
        **{
            k: v[:996].reshape(4, 249).astype(int if k == "rank" else "f4")
            for k, v in vars(block).items()
        }
    )
    r = whole(score_summary, shaped).result()
    assert r.rows == 996
    expected = block.cross_entropy[:996].astype("f4").astype(float).mean()
    np.testing.assert_allclose(r.cross_entropy.mean, expected, rtol=1e-14)
