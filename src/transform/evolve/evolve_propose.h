/* evolve_propose.h -- where an evolving search takes its instructions from:
 *
 *   phrase    of the user
 *   drop ...  an edit of what is there (edits.h)
 *   words     the model's own text in the prompt's place (place_sample.h)
 *   ending    a kept one, its end written anew in the same way
 *   guided    a kept one, some tokens changed along the gradient of the
 *             likelihood of well rewarded answers (evolve_guide.h)
 *   model     the model's answer to the question for a better one
 *   proposer  that of an endpoint (llm_client.h), which is also shown a good
 *             and a bad answer
 *
 * words, ending and guided need the prompt's place (prompt_place.h).
 */
#ifndef TRANSFORM_EVOLVE_PROPOSE_H
#define TRANSFORM_EVOLVE_PROPOSE_H

#include "transform/evolve/evolve.h"

/* The kept ones, their values, and on how many inputs each is the best. */
struct front {
    struct candidate **list;
    const double **value;
    int64_t *wins;
    int64_t n, winners, best; // best: by mean value
};

struct evolve_guide;

/** Some of the phrases, each an instruction of its own; list [at most `most`].
 */
int evolve_propose_phrases(struct evolve *e, struct candidate **list,
                           int64_t *n, int64_t most, struct rng *rng,
                           trv_err *err);
/** Ask the model for `want` instructions. */
int evolve_propose_asked(struct evolve *e, struct candidate **list, int64_t *n,
                         int64_t want, trv_err *err);
/** Draw `want` texts in the prompt's place; those that are new. */
int evolve_propose_words(struct evolve *e, struct candidate **list, int64_t *n,
                         int64_t want, trv_err *err);
/** The children of a round, at most one for each place of the population. */
int evolve_propose_round(struct evolve *e, struct candidate **children,
                         int64_t *n, const struct front *f,
                         const struct evolve_guide *g, struct rng *rng,
                         trv_err *err);

#endif
