"""Failing inputs: of fastdiv itself, and of threads in which users of other libraries complain."""

import numpy as np
import pytest

import fastdiv


def test_sums_of_very_different_size():
    # 1 + e = Sq / Sp = 1.5e-5 was rounded before its logarithm was taken: 2.8e-13 off.
    p, q = [2.0, 2.0**53, 1.0], [2.0**37, 1.0, 1.0]
    assert fastdiv.kl_divergence(p, q) == pytest.approx(25.64644568073251, rel=4e-16)
    scaled = fastdiv.kl_divergence(p, np.multiply(q, 8))
    assert scaled == pytest.approx(25.64644568073251, rel=4e-16)


def test_an_infinite_weight_that_is_the_maximum():
    assert np.isnan(fastdiv.cross_entropy([0.5, 0.5], [np.inf, 1]))
    assert np.isnan(fastdiv.cross_entropy(0, [np.inf, 1]))


def test_nearly_one_hot_rows_of_logits_apart_in_a_rare_class():
    # A correction for rows next to each other was applied to rows that are not: 190 ulp off.
    xp, xq = np.float32([12.0, 0.0, -3.0]), np.float32([12.0, 2.0, -4.0])
    wide = fastdiv.js_divergence_from_logits(xp.astype(float), xq.astype(float))
    assert fastdiv.js_divergence_from_logits(xp, xq) == pytest.approx(wide, rel=4 * 2.0**-23)


def test_scipy_20083_jensenshannon_of_float32_rows_next_to_each_other():
    p = np.float32([0.1, 0.2, 0.7])
    q = np.nextafter(p, np.float32(1))
    assert 0 < fastdiv.js_divergence(p, q) < 1e-14


def test_scipy_20779_jensenshannon_of_neighbours():
    p = [0.5, 0.5]
    q = [np.nextafter(0.5, 1), 0.5]
    assert fastdiv.js_distance(p, q) == pytest.approx(2.776e-17, rel=1e-3)


def test_scipy_19521_log_softmax_of_a_confident_row():
    assert fastdiv.log_softmax([1000.0, 1.0])[0] == pytest.approx(0, abs=5e-324)
    assert fastdiv.log_softmax([700.0, 0.0])[0] == pytest.approx(-9.859676543759770e-305, rel=1e-15)


def test_scipy_22903_logsumexp_of_infinities():
    assert fastdiv.logsumexp([-np.inf, -np.inf]) == -np.inf
    assert fastdiv.logsumexp([np.inf, np.inf]) == np.inf
    assert fastdiv.logsumexp([np.inf, -np.inf]) == np.inf


def test_scipy_20710_rel_entr_overflows():
    # p / q overflows, the divergence does not.
    assert fastdiv.kl_divergence([1e-200, 1.0], [1.0, 1e-200]) == pytest.approx(
        200 * np.log(10), rel=1e-15
    )


def test_pytorch_80488_kl_div_of_a_row_from_itself_is_negative():
    x = np.random.default_rng(0).normal(size=(1000, 50)).astype(np.float32)
    p = fastdiv.softmax(x)
    assert np.all(fastdiv.kl_divergence(p, p) == 0)
    assert np.all(fastdiv.kl_divergence(p, np.roll(p, 1, 0)) > 0)


def test_pytorch_12670_label_out_of_range():
    with pytest.raises(IndexError, match="label -4 at row 1"):
        fastdiv.cross_entropy_from_logits([0, -4], np.zeros((2, 3)))


def test_pytorch_73205_smoothing_counts_ignored_rows():
    x = np.zeros((4, 10))
    got = fastdiv.cross_entropy_from_logits(
        [1, 2, -1, -1], x, label_smoothing=0.1, ignore_index=-1, reduction="mean"
    )
    assert got == pytest.approx(np.log(10))


def test_optax_896_masked_class_under_weight_0():
    x = np.array([0.0, -np.inf])
    assert fastdiv.cross_entropy_from_logits([1.0, 0.0], x) == 0


def test_heretic_348_tokens_suppressed_in_both_models():
    xp, xq = np.array([0.0, 1.0, -np.inf]), np.array([1.0, 0.0, -np.inf])
    assert fastdiv.kl_divergence_from_logits(xp, xq) == pytest.approx(np.tanh(0.5), rel=1e-15)


def test_liger_1453_js_where_both_underflow():
    x = np.float32([0.0, -200.0, -300.0])
    assert fastdiv.js_divergence_from_logits(x, x[[0, 2, 1]]) < 1e-30


def test_sklearn_24315_log_loss_of_a_certain_float32_row():
    assert fastdiv.cross_entropy(0, np.float32([1, 0])) == 0
    assert fastdiv.cross_entropy(1, np.float32([1, 0])) == np.inf


def test_pytorch_1842_labels_of_any_integer_type():
    x = np.random.default_rng(0).normal(size=(3, 4))
    expected = fastdiv.cross_entropy_from_logits([0, 1, 2], x)
    for letter in "bBhHiIlLqQ":
        got = fastdiv.cross_entropy_from_logits(np.arange(3).astype(letter), x)
        np.testing.assert_array_equal(got, expected)


def test_llama_cpp_12557_minimum_divergence_is_not_negative():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 300)).astype(np.float32)
    assert fastdiv.kl_divergence_from_logits(x, x + np.float32(1e-4) * x.round(1)).min() >= 0


@pytest.mark.parametrize("swapped", [False, True])
def test_scipy_19436_jensenshannon_with_the_smallest_number(swapped):
    p, q = [0.0, 1.0], [5e-324, 1.0]
    assert 0 <= fastdiv.js_divergence(*((q, p) if swapped else (p, q))) <= 5e-324


def test_torchmetrics_1029_zero_probabilities():
    assert fastdiv.kl_divergence([0.0, 1.0], [0.5, 0.5]) == pytest.approx(np.log(2), rel=1e-15)
    assert fastdiv.kl_divergence([0.5, 0.5], [0.0, 1.0]) == np.inf


def test_torchmetrics_perplexity_of_an_underflowed_probability():
    # log(softmax(x)) is -inf where x is 200 below the largest.
    assert fastdiv.cross_entropy_from_logits(1, np.float32([200, 0])) == 200


def test_pytorch_69230_keras_19520_negative_weights_are_not_silently_0():
    assert np.isnan(fastdiv.kl_divergence([-0.5, 1.5], [0.5, 0.5]))
    assert np.isnan(fastdiv.cross_entropy([0.5, 0.5], [-0.5, 1.5]))


def test_keras_377_probabilities_are_not_clipped():
    q = np.float32([1e-30, 1])
    assert fastdiv.cross_entropy(0, q) == pytest.approx(30 * np.log(10), rel=1e-6)
    assert fastdiv.cross_entropy(1, q) == np.float32(1e-30)


def test_pytorch_75181_every_label_ignored():
    x = np.zeros((2, 3))
    assert np.isnan(fastdiv.cross_entropy_from_logits([5, 5], x, ignore_index=5, reduction="mean"))
    assert fastdiv.cross_entropy_from_logits([5, 5], x, ignore_index=5, reduction="sum") == 0


def test_scipy_20399_no_rows():
    assert fastdiv.logsumexp(np.empty((0, 3))).shape == (0,)


def test_sklearn_18523_one_loss_per_sample_with_a_class_missing():
    q = np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
    np.testing.assert_allclose(fastdiv.cross_entropy([1, 0], q), -np.log([0.7, 0.6]), rtol=4e-16)


def test_sklearn_24515_normalisation_is_asked_for_or_not():
    q = [0.2, 0.2]
    assert fastdiv.cross_entropy(0, q) == pytest.approx(np.log(2), rel=1e-15)
    assert fastdiv.cross_entropy(0, q, normalize=False) == pytest.approx(np.log(5), rel=1e-15)


def test_numkong_epsilon_at_the_size_of_a_vocabulary():
    # With 1e-7 added to every probability, 7 % off; disjoint rows finite, and JS of them 0.
    rng = np.random.default_rng(0)
    p, q = fastdiv.softmax(4 * rng.normal(size=(2, 32000)).astype(np.float32))
    wide = fastdiv.kl_divergence(p.astype(float), q.astype(float))
    assert fastdiv.kl_divergence(p, q) == pytest.approx(wide, rel=4 * 2.0**-23)
    assert fastdiv.js_divergence(np.float32([1, 0]), np.float32([0, 1])) == np.float32(np.log(2))


def test_vllm_11778_lm_eval_704_a_loss_does_not_depend_on_the_batch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(33, 5000)).astype(np.float32), rng.integers(0, 5000, 33)
    whole = fastdiv.cross_entropy_from_logits(y, x)
    for size in (1, 2, 7, 32):
        parts = [
            fastdiv.cross_entropy_from_logits(y[i : i + size], x[i : i + size])
            for i in range(0, 33, size)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_scipy_23548_logsumexp_of_a_row_that_is_all_masked_but_one():
    assert fastdiv.logsumexp([-np.inf, 3.0, -np.inf]) == 3


def test_pytorch_32520_pytorch_51716_divergence_from_itself():
    p = np.float32([0.1, 0.2, 0.7])
    assert fastdiv.kl_divergence(p, p) == 0
    assert fastdiv.kl_divergence_from_logits(np.log(p), np.log(p)) == 0


def test_pytorch_6622_one_number_per_row_and_not_per_element():
    p, q = np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([[0.9, 0.1], [0.5, 0.5]])
    expected = (p * np.log(p / q)).sum(-1)
    np.testing.assert_allclose(fastdiv.kl_divergence(p, q), expected, rtol=1e-15)


def test_pytorch_57459_the_truth_comes_first():
    # kl_div(input, target) is KL(target || input): here the order is that of the formula.
    assert fastdiv.kl_divergence([1.0, 0.0], [0.5, 0.5]) == pytest.approx(np.log(2))
    assert fastdiv.kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf


def test_pytorch_61309_a_weighted_mean_is_divided_by_the_weights():
    x, y, w = np.array([[0.0, 1.0], [2.0, 0.0]]), [0, 1], [1.0, 3.0]
    each = fastdiv.cross_entropy_from_logits(y, x)
    got = fastdiv.cross_entropy_from_logits(y, x, class_weight=w, reduction="mean")
    assert got == pytest.approx((each[0] + 3 * each[1]) / 4, rel=1e-15)


def test_pytorch_69339_weight_smoothing_and_ignored_rows_together():
    x = np.array([[0.0, 1.0, 2.0], [2.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    options = {"class_weight": [1.0, 2.0, 4.0], "label_smoothing": 0.3}
    got = fastdiv.cross_entropy_from_logits([0, 1, -100], x, ignore_index=-100, **options)
    assert got[2] == 0
    np.testing.assert_array_equal(
        got[:2], fastdiv.cross_entropy_from_logits([0, 1], x[:2], **options)
    )


def test_umap_symmetric_kl_writes_into_its_inputs():
    p, q = np.random.default_rng(0).random((2, 5, 30))
    copies = p.copy(), q.copy()
    fastdiv.kl_divergence(p, q)
    fastdiv.js_divergence(p, q)
    np.testing.assert_array_equal((p, q), copies)


def test_infomeasure_kl_of_rows_next_to_each_other_is_no_difference_of_entropies():
    # H(p, q) - H(p) has nothing left here.
    p = np.array([0.3, 0.7])
    q = p + np.array([1e-9, -1e-9])
    assert fastdiv.kl_divergence(p, q) == pytest.approx(2.380952e-18, rel=1e-5)


def test_maxtext_5231_no_log_probability_is_positive():
    x = np.random.default_rng(0).normal(size=(500, 300)).astype(np.float32) * 30
    assert fastdiv.log_softmax(x).max() <= 0
    assert fastdiv.cross_entropy_from_logits(x.argmax(-1), x).min() >= 0


def test_scipy_23064_entropy_of_normalised_rows_is_not_normalised_again():
    p = np.array([0.25, 0.25, 0.5])
    assert fastdiv.entropy(p, normalize=False) == fastdiv.entropy(p) == 1.5 * np.log(2)


def test_numkong_207_divergence_and_distance_are_two_functions():
    p, q = [1.0, 0.0], [0.0, 1.0]
    assert fastdiv.js_divergence(p, q) == np.log(2)
    assert fastdiv.js_distance(p, q) == pytest.approx(np.sqrt(np.log(2)), rel=1e-15)


@pytest.mark.parametrize("c", [2, 200])
def test_a_product_beyond_float32_of_which_the_mean_is_not(c):
    # p log(m / q) overflows; infinity was taken for the answer.
    p, q = np.zeros((20, c), np.float32), np.zeros((20, c), np.float32)
    p[:, :2], q[:, :2] = 3e37, [1, 1e-30]
    assert fastdiv.cross_entropy(p, q) == pytest.approx(np.full(20, 34.538776), rel=1e-6)


@pytest.mark.parametrize("c", [2, 200, 700, 1500])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_product_with_logits_beyond_the_range_of_which_the_mean_is_not(c, dtype):
    # In float64 infinity was taken for the answer.
    p, x = np.zeros((20, c), dtype), np.zeros((20, c), dtype)
    p[:, :2], x[:, 1:] = np.finfo(dtype).max / 16, -60
    for options in ({}, {"label_smoothing": 0.0625}):
        wanted = fastdiv.cross_entropy_from_logits(p / dtype(2.0**100), x, **options)
        got = fastdiv.cross_entropy_from_logits(p, x, **options)
        assert wanted[0] > 29
        assert got == pytest.approx(wanted, rel=1e-6)


def test_jensenshannon_where_one_row_is_about_half_of_the_other():
    # One half was of p - q, the other of the rounded mean: 4 ulp off, and 7.3 of normalised rows.
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 1, (200_000, 2)).astype(np.float32)
    q = p * np.float32([1, 0])
    q[:, 0] *= rng.uniform(0.4, 0.52, len(p)).astype(np.float32)
    q[:, 1] = p.sum(1) - q[:, 0]
    want = fastdiv.js_divergence(p.astype(float), q.astype(float), normalize=False)
    error = np.abs(fastdiv.js_divergence(p, q, normalize=False) - want)
    assert (error / np.spacing(want.astype(np.float32))).max() < 3.2
