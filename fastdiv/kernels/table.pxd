"""The table of row functions: one row for each, and what computes it.

The order is that of the numbers by which functions are called, see ``ROWS`` in _kernels.pyx.
"""

cimport fastdiv.kernels.careful_pairs as careful_pairs
cimport fastdiv.kernels.careful_targets as careful_targets
cimport fastdiv.kernels.log_sums as log_sums
cimport fastdiv.kernels.logit_compare as logit_compare
cimport fastdiv.kernels.logit_rows as logit_rows
cimport fastdiv.kernels.mid_logit_compare as mid_logit_compare
cimport fastdiv.kernels.mid_logit_pairs as mid_logit_pairs
cimport fastdiv.kernels.mid_logits as mid_logits
cimport fastdiv.kernels.mid_scores as mid_scores
cimport fastdiv.kernels.mid_softmax as mid_softmax
cimport fastdiv.kernels.mid_weight_targets as mid_weight_targets
cimport fastdiv.kernels.mid_weights as mid_weights
cimport fastdiv.kernels.short_logit_compare as short_logit_compare
cimport fastdiv.kernels.short_logit_pairs as short_logit_pairs
cimport fastdiv.kernels.short_logits as short_logits
cimport fastdiv.kernels.short_scores as short_scores
cimport fastdiv.kernels.short_softmax as short_softmax
cimport fastdiv.kernels.short_weight_pairs as short_weight_pairs
cimport fastdiv.kernels.short_weight_targets as short_weight_targets
cimport fastdiv.kernels.short_weights as short_weights
cimport fastdiv.kernels.softmax as softmax
cimport fastdiv.kernels.weight_rows as weight_rows
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tiles cimport SHORT_ONE, SHORT_PAIR, SHORT_TWO, tile

ctypedef double (*row_f32)(const task*, float*) noexcept nogil
ctypedef double (*row_f64)(const task*, double*) noexcept nogil
ctypedef void (*tile_f32)(const task*, const tile*, float*, double*) noexcept nogil
ctypedef void (*tile_f64)(const task*, const tile*, double*, double*) noexcept nogil

cdef enum:
    # Traits of a function.
    KEEPS = 1               # its row function keeps exponentials, see kept.pxd
    WIDENS = 2              # rows of floats without a result are computed in double

ctypedef struct entry:
    const char* name
    row_f32 in_f32
    row_f64 in_f64
    row_f64 careful         # the last word on a row that comes out as NaN, if there is one
    int traits
    Py_ssize_t short_most   # classes of short rows of floats at most, see tiles.pxd
    tile_f32 short_f32      # of those as many as a tile has, if there is one
    tile_f64 short_f64
    tile_f32 mid_f32        # and of rows of one block
    tile_f64 mid_f64

cdef enum:
    FUNCTIONS = 16


cdef inline void fill(entry* table) noexcept:
    table[:FUNCTIONS] = [
        entry(
            "mass",
            weight_rows.mass[float],
            weight_rows.mass[double],
            NULL,
            0,
            SHORT_ONE,
            short_weights.mass[float],
            short_weights.mass[double],
            NULL,
            NULL,
        ),
        entry(
            "entropy",
            weight_rows.entropy[float],
            weight_rows.entropy[double],
            careful_targets.entropy,
            WIDENS,
            SHORT_ONE,
            short_weights.entropy[float],
            short_weights.entropy[double],
            mid_weights.entropy[float],
            mid_weights.entropy[double],
        ),
        entry(
            "cross_entropy",
            weight_rows.cross_entropy[float],
            weight_rows.cross_entropy[double],
            careful_targets.cross_entropy,
            WIDENS,
            SHORT_TWO,
            short_weight_targets.cross_entropy[float],
            short_weight_targets.cross_entropy[double],
            mid_weight_targets.cross_entropy[float],
            mid_weight_targets.cross_entropy[double],
        ),
        entry(
            "cross_entropy_label",
            weight_rows.cross_entropy_label[float],
            weight_rows.cross_entropy_label[double],
            careful_targets.cross_entropy_label,
            WIDENS,
            SHORT_ONE,
            short_weights.cross_entropy_label[float],
            short_weights.cross_entropy_label[double],
            NULL,
            NULL,
        ),
        entry(
            "kl_divergence",
            weight_rows.kl_divergence[float],
            weight_rows.kl_divergence[double],
            careful_pairs.kl_divergence,
            WIDENS,
            SHORT_PAIR,
            short_weight_pairs.kl_divergence[float],
            short_weight_pairs.kl_divergence[double],
            mid_weights.kl_divergence[float],
            mid_weights.kl_divergence[double],
        ),
        entry(
            "js_divergence",
            weight_rows.js_divergence[float],
            weight_rows.js_divergence[double],
            careful_pairs.js_divergence,
            WIDENS,
            SHORT_TWO,
            short_weight_pairs.js_divergence[float],
            short_weight_pairs.js_divergence[double],
            mid_weights.js_divergence[float],
            mid_weights.js_divergence[double],
        ),
        entry(
            "logsumexp",
            logit_rows.logsumexp[float],
            logit_rows.logsumexp[double],
            logit_rows.logsumexp[double],
            0,
            SHORT_ONE,
            log_sums.short_logsumexp[float],
            log_sums.short_logsumexp[double],
            log_sums.mid_logsumexp[float],
            log_sums.mid_logsumexp[double],
        ),
        entry(
            "softmax",
            softmax.softmax[float],
            softmax.softmax[double],
            NULL,
            KEEPS,
            SHORT_TWO,
            short_softmax.softmax[float],
            short_softmax.softmax[double],
            mid_softmax.softmax[float],
            mid_softmax.softmax[double],
        ),
        entry(
            "log_softmax",
            softmax.log_softmax[float],
            softmax.log_softmax[double],
            NULL,
            0,
            SHORT_TWO,
            short_softmax.log_softmax[float],
            short_softmax.log_softmax[double],
            mid_softmax.log_softmax[float],
            mid_softmax.log_softmax[double],
        ),
        entry(
            "entropy_from_logits",
            logit_rows.entropy_from_logits[float],
            logit_rows.entropy_from_logits[double],
            NULL,
            0,
            SHORT_ONE,
            short_logits.entropy_from_logits[float],
            short_logits.entropy_from_logits[double],
            mid_logits.entropy_from_logits[float],
            mid_logits.entropy_from_logits[double],
        ),
        entry(
            "cross_entropy_from_logits",
            logit_rows.cross_entropy_from_logits[float],
            logit_rows.cross_entropy_from_logits[double],
            careful_targets.cross_entropy_from_logits,
            WIDENS,
            SHORT_TWO,
            short_logits.cross_entropy_from_logits[float],
            short_logits.cross_entropy_from_logits[double],
            mid_logits.cross_entropy_from_logits[float],
            mid_logits.cross_entropy_from_logits[double],
        ),
        entry(
            "cross_entropy_label_from_logits",
            logit_rows.cross_entropy_label_from_logits[float],
            logit_rows.cross_entropy_label_from_logits[double],
            NULL,
            0,
            SHORT_ONE,
            short_logits.cross_entropy_label_from_logits[float],
            short_logits.cross_entropy_label_from_logits[double],
            mid_logits.cross_entropy_label_from_logits[float],
            mid_logits.cross_entropy_label_from_logits[double],
        ),
        entry(
            "kl_divergence_from_logits",
            logit_rows.kl_divergence_from_logits[float],
            logit_rows.kl_divergence_from_logits[double],
            NULL,
            WIDENS,
            SHORT_ONE,
            short_logit_pairs.kl_divergence_from_logits[float],
            short_logit_pairs.kl_divergence_from_logits[double],
            mid_logit_pairs.kl_divergence_from_logits[float],
            mid_logit_pairs.kl_divergence_from_logits[double],
        ),
        entry(
            "js_divergence_from_logits",
            logit_rows.js_divergence_from_logits[float],
            logit_rows.js_divergence_from_logits[double],
            NULL,
            KEEPS | WIDENS,
            SHORT_ONE,
            short_logit_pairs.js_divergence_from_logits[float],
            short_logit_pairs.js_divergence_from_logits[double],
            mid_logit_pairs.js_divergence_from_logits[float],
            mid_logit_pairs.js_divergence_from_logits[double],
        ),
        entry(
            "score_from_logits",
            logit_rows.score_from_logits[float],
            logit_rows.score_from_logits[double],
            NULL,
            0,
            SHORT_ONE,
            short_scores.score_from_logits[float],
            short_scores.score_from_logits[double],
            mid_scores.score_from_logits[float],
            mid_scores.score_from_logits[double],
        ),
        entry(
            "compare_from_logits",
            logit_compare.compare_from_logits[float],
            logit_compare.compare_from_logits[double],
            NULL,
            KEEPS | WIDENS,
            SHORT_ONE,
            short_logit_compare.compare_from_logits[float],
            short_logit_compare.compare_from_logits[double],
            mid_logit_compare.compare_from_logits[float],
            mid_logit_compare.compare_from_logits[double],
        ),
    ]
