/* head_method.h -- the reward `head`, learned from pairs of answers of two
 * sides: parameters against the base, a prompt against another one or the base.
 *
 *   inputs x -> one answer of each side -> pairs -> a scalar head (learn/)
 *
 *   pairs     (head, the default) the better answer shall score higher.
 *             Parameters: better is what has the higher log-ratio
 *             log p_D - log p0, the reward that D is the optimum of. A prompt:
 *             its own answer, against the other side's.
 *   regress   scores of a pair shall differ by beta times its difference in log
 *             p+ - log p-, which is exact: the head then is that reward up to a
 *             constant for each input.
 *
 * Every tenth input is held out; the report gives the share of its pairs that
 * are ranked right.
 *
 * Source   pairs from a prompt and its contrary: Yang et al. 2023,
 *          arXiv:2307.12950 (RLCD).
 */
#ifndef TRANSFORM_HEAD_METHOD_H
#define TRANSFORM_HEAD_METHOD_H

#include "transform/head/head_cost.h"
#include "transform/job.h"

/* Variants. */
enum head_variant {
    HEAD_RANK,    // of pairs: which is better
    HEAD_REGRESS, // and by how much
};

/* A row of them in the table of an edge: its variant, the options of that edge,
 * each with a blank behind it, then name, summary, example and source. */
#define HEAD_METHOD_ROW(variant_, options_, ...)                               \
    {                                                                          \
        .info = {.makes = "head",                                              \
                 .options = "inputs samples max-tokens temperature " options_  \
                            "@learn",                                          \
                 .defaults = "samples=2048 max-tokens=64 steps=256 batch=16 "  \
                             "beta=1",                                         \
                 __VA_ARGS__},                                                 \
        .variant = variant_, .plan = head_plan, .cuts = METHOD_CUTS_LEARN,     \
        .run = head_method                                                     \
    }
#define HEAD_REGRESS_SUMMARY                                                   \
    "train a scalar head on the differences of the log-ratio"

/** The run of the methods head and regress. What convert_run() returns. */
int head_method(const struct convert_job *job, trv_cost *cost, trv_err *err);

#endif
