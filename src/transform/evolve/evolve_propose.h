/* evolve_propose.h -- where an evolving search takes its instructions from:
 *
 *   phrase    of the user
 *   drop ...  an edit of what is there (edits.h)
 *   words     the model's own text in the prompt's place (slot_sample.h)
 *   ending    a kept one, its end written anew in the same way
 *   guided    a kept one, some tokens changed along the gradient of the
 *             likelihood of well rewarded answers (evolve_guide.h)
 *   model     the model's answer to the question for a better one
 *   proposer  that of an endpoint (llm_client.h), which is also shown a good and a
 *             bad answer
 *
 * words, ending and guided need the prompt's place (prompt_slot.h).
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

/** Add one of parts, which are taken over; *out is NULL where it is known, too
 * long or not plain. */
int evolve_propose_parts(struct candidate **out, struct evolve *e,
                         struct parts *parts, const char *how, int64_t parent,
                         int64_t mate, trv_err *err);
/** The same of a text that stands as it is. */
int evolve_propose_text(struct candidate **out, struct evolve *e,
                        const char *text, const char *how, int64_t parent,
                        trv_err *err);
/** The tokens of a candidate in its place, appended; none where it has no place
 * of its own. */
int evolve_propose_ids(struct ids *z, const struct evolve *e,
                       const struct candidate *a, trv_err *err);

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
