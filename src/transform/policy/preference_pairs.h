/* preference_pairs.h -- where preferences come from: rewards of groups of
 * answers, or a file of pairs or of labelled answers.
 */
#ifndef TRANSFORM_PREFERENCE_PAIRS_H
#define TRANSFORM_PREFERENCE_PAIRS_H

#include "transform/policy/dpo.h"
#include "transform/policy/kto.h"

struct pairs {
    struct preference *list;
    int64_t n;
    int64_t n_dropped; // of a file: rows that do not fit, or whose answers are
                       // equal; of rewards: inputs without a pair
};

struct preference_pairs_options {
    bool all;      // every pair of a group; else the best with the worst
    double margin; // the rewards must differ by more
    bool soft;     // labels by the difference of the rewards; else 1
};

/** Pairs of answers [groups of K] by their rewards. May end with none.
 * TRV_ENOMEM. */
int preference_pairs_of_rewards(struct pairs *out,
                                const struct answers *answers,
                                const double *reward, int64_t K,
                                const struct preference_pairs_options *how,
                                trv_err *err);

/** Contexts (of the base and of `student`), answers and pairs of rows with
 * `chosen` and `rejected` (in TRL's columns), all labels 1. TRV_EFORMAT (a row
 * that is no pair; none is left), what example_append() returns. */
int preference_pairs_of_file(struct pairs *out, struct answers *answers,
                             struct session *s,
                             const struct adapter_weights *student,
                             const struct inputs *in, trv_err *err);

void pairs_release(struct pairs *p); // accepts zeros

struct labels {
    struct labelled *list;
    int64_t n, n_good;
    int64_t n_dropped; // answers that do not fit
};

/** The same of answers that are labelled, each by itself: rows with `prompt`,
 * `completion` and `label`. A pair is taken apart, into a good and a bad
 * answer. */
int labels_of_file(struct labels *out, struct answers *answers,
                   struct session *s, const struct adapter_weights *student,
                   const struct inputs *in, trv_err *err);

void labels_release(struct labels *l); // accepts zeros

#endif
