/* ruler.h -- what a measurement must say in the world that can be counted.
 *
 * Every side is given by log p of all answers; what concerns single tokens
 * follows from those by exact_split(), so nothing of src/measure is used here.
 *
 *   input  0 1 0 1 ...   the world's two, over and over, in a file of n rows
 *   y                    an answer by its place in w->answers
 */
#ifndef TESTS_SUPPORT_RULER_H
#define TESTS_SUPPORT_RULER_H

#include "measure/stage.h"
#include "support/exact.h"

struct ruler {
    struct world w;
    char file[600]; // %/many.jsonl, the n inputs
    int64_t n;
    double logp[SIDES][WORLD_ALL];
    exact_steps step[SIDES];
};

/** A world under the folder `name` with a file of n inputs; the source is the
 * prompt "bdb", the target a LoRA in %/moved. */
void ruler_open(struct ruler *r, const char *name, int64_t n);
void ruler_close(struct ruler *r);

/** Opened for this world; adaptation_free(). */
struct adaptation *ruler_spec(struct ruler *r, const char *spec);

/** A measurement between two specs on the file's inputs, also as control, with
 * answers of WORLD_LENGTH tokens; all sides act, nothing is drawn. */
void ruler_begin(struct ruler *r, struct measure *m, const char *source,
                 const char *target);
/** Open the inputs and draw m->per_side answers of each side. */
void ruler_draw(struct measure *m);
/** Frees its sides, its task and its items. */
void ruler_end(struct measure *m);

/** The answer to input x (0, 1) that these tokens are. */
int64_t ruler_find(const struct ruler *r, int64_t x, const int32_t *ids,
                   int64_t n);

/** Mean over the tokens of answer y of KL(p || q). */
double ruler_kl(const struct ruler *r, int64_t y, enum side p, enum side q);
/** Share of the tokens of y where p and q have the same likeliest token. */
double ruler_agree(const struct ruler *r, int64_t y, enum side p, enum side q);

/** log p(y) under a side less that under the base. */
double ruler_score(const struct ruler *r, int64_t y, enum side side);

/* Sums over candidates of an input, from which the three figures of ranks are
 * made. A weight is a probability, or 1 for what was drawn. */
struct ruler_ranks {
    double tau, tau_weight;     // of inputs that have a tau
    double pairs, pairs_weight; // of inputs in which `a` orders a pair
    double aa, bb, ab;          // centred within the input
};
void ruler_ranks_add(struct ruler_ranks *sum, const double *a, const double *b,
                     int k, double weight);
double ruler_tau(const struct ruler_ranks *sum);
double ruler_pairs(const struct ruler_ranks *sum);
double ruler_pearson(const struct ruler_ranks *sum);

#endif
