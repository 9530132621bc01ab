/* text_search.h -- a search over prompts of text, token by token and guided by
 * gradients, that minimises a goal.
 *
 *   loss(z) = goal(z) + fluency * mean -log p0(z) + length * tokens of z
 *
 *   a step   the gradient at z's tokens over a batch of the goal's
 *            -> candidates near z (text_propose.h), all of which survive
 *               re-tokenising in their place (prompt_place.h)
 *            -> the loss of each on the same batch, z's own among them
 *            -> the best goes on, where it is better than z
 *
 * A restart begins from the best of many texts that the model writes where the
 * prompt stands (place_sample.h): a step evaluates only prompts near z, so the
 * start matters most. Where screening is cheap, more texts are screened as long
 * as none is far better than no prompt. After many steps without improvement
 * the prompt is evaluated on a larger set, and the search continues from the
 * best so far with its end written anew. Every restart's best is evaluated on
 * the same set; the best of all is the result. Where restarts end far from each
 * other the search is unreliable, and that is reported.
 *
 * The state after each step lies in the run's folder as search.json; random
 * numbers are functions of (seed, restart, step). So a search that was stopped
 * ends as one that was not.
 */
#ifndef TRANSFORM_TEXT_SEARCH_H
#define TRANSFORM_TEXT_SEARCH_H

#include <jansson.h>
#include <trivium/trivium.h>

#include "adapt/session.h"
#include "transform/search/text_propose.h"

/* Texts with the same beginning of which one goes on after a stall. */
#define SEARCH_KICKS 16
/* How often a restart looks at new texts as long as nothing was found, where a
 * look is cheap. */
#define SEARCH_LOOKS 4

/** Where a search is in its plan. */
struct search_at {
    int64_t restart, step; // of that restart
    int64_t step_of_all;   // steps before it, those of earlier restarts too
    bool guided;           // evaluate() decides; only where there is confirm()
};

/** The goal of a search. Smaller is better; all values have one unit. */
struct search_goal {
    void *self;

    /** Set up the batch that this step's losses are taken over; resets the
     * session's arena, and may leave things there until the next call. */
    int (*begin)(void *self, const struct search_at *at, trv_err *err);
    /** Cheap values of many prompts before a restart: value [n]. Resets the
     * session's arena. NULL: begin() and evaluate() are used. */
    int (*screen)(void *self, double *value, const struct search_at *at,
                  const struct ids *z, int64_t n, trv_err *err);
    /** The gradient of goal + fluency at z over the batch, as
     * place_gradient(). */
    int (*gradient)(void *self, float *g, const struct ids *z, double fluency,
                    trv_err *err);
    /** value[i] of each of n prompts over the batch. */
    int (*evaluate)(void *self, double *value, const struct ids *z, int64_t n,
                    trv_err *err);
    /** The same, exact but expensive, where evaluate() is only a guide; called
     * for z and the best candidates. NULL: evaluate() is exact. The two have
     * different local optima, and from a poor prompt the exact value alone
     * leads nowhere: so in the first half of every other restart the guide
     * decides, and this is called only for the prompt that goes on. May reset
     * the session's arena. */
    int (*confirm)(void *self, double *value, const struct search_at *at,
                   const struct ids *z, int64_t n, trv_err *err);
    int64_t confirms; // how many candidates a step confirms
    /** z, which was confirmed as number `chosen`, goes on. May be NULL. */
    int (*accept)(void *self, int64_t chosen, trv_err *err);
    /** The value over the evaluation set; z NULL: of no prompt at all. Resets
     * the session's arena. */
    int (*judge)(void *self, double *value, const struct ids *z, trv_err *err);
    /** What else a resumed search needs; both may be NULL. */
    int (*save)(void *self, json_t **out, trv_err *err);
    int (*load)(void *self, const json_t *state, trv_err *err);
};

struct search_options {
    int64_t steps, restarts; // steps of each restart; >= 1
    int64_t tokens;          // most tokens of a prompt; >= 1
    int64_t width, top_k;    // candidates of a step; tokens of a place
    int64_t starts;          // texts that a restart selects from; >= 1
    int64_t patience;        // steps without gain before a new start
    double fluency, length;  // weights; >= 0
    uint64_t seed;
    const char *start;             // text of the first restart; NULL: drawn
    const struct context *teacher; // see propose_options; NULL: none
    const char *dir;               // the run's folder; NULL: no files
    bool resume;
    trv_progress_fn progress;
    void *payload;
};

/* How a restart ended. */
struct search_end {
    struct proposal best;
    double goal;       // on the evaluation set
    double loss;       // on the evaluation set, with fluency and length
    double perplexity; // of the prompt under the base; 0: not known
};

struct search_result {
    struct search_end *ends; // [n_ends] of the restarts
    int64_t n_ends, best;    // which of them is the result
    double base;             // the goal of no prompt at all
    int64_t steps;           // in all
    double tokens;           // processed, by the decoder's count
    /* (worst - best) / (base - best) of the goal: 0 where all agree */
    double disagreement;
};

/**
 * Search.
 *
 * @return 0; TRV_ECANCELED (the state is saved); TRV_EINVAL (a start that does
 *         not stand in its place; no start survives), TRV_EFORMAT (the state in
 *         the folder), TRV_ENONFINITE, TRV_EIO, TRV_ENOMEM, and what the goal
 *         returns.
 */
int text_search(struct search_result *out, struct session *s,
                struct prompt_place *slot, const struct search_goal *goal,
                const struct search_options *opts, trv_err *err);
void search_result_release(struct search_result *r); // accepts zeros

/** The tokens of a text that a search is to start from, appended to *z; at most
 * `most`. TRV_EINVAL where it cannot be one. */
int text_search_start(struct ids *z, struct prompt_place *slot,
                      const char *text, int64_t most, trv_err *err);

#define SEARCH_STATE_FILE "search.json"
#define SEARCH_METRICS_FILE "metrics.jsonl"

#endif
