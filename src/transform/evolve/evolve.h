/* evolve.h -- the search for an instruction z with a high reward:
 *
 *   max over z of  mean over inputs x of  E_{y ~ p_z}[r] - beta KL(p_z, p0)
 *                  - lambda len(z)
 *
 * A round draws parents from the kept candidates, each by the number of inputs
 * on which it is the best (pareto.h), makes a child of each, evaluates the
 * children on a few inputs, and keeps those that beat their parent there: they
 * are evaluated on all training inputs. At the end the best few are evaluated
 * again on fresh answers, because the best of many noisy means is biased
 * upwards, and the winner is taken from that.
 *
 * The search begins by screening many instructions that the model writes in the
 * prompt's place, each on an input or two, and screens others as long as none
 * was rewarded: a few answers show an instruction with a high reward, and the
 * model may write it once in some hundred texts. evolve_propose.h says where
 * children come from. Where neither a child nor its parent was rewarded, the
 * likelihood of answers that were decides (evolve_guide.h).
 *
 * A candidate's answer j to input i is drawn with the random numbers of (i, j),
 * the same for all candidates, so that they are compared in pairs and a resumed
 * search draws what one that was not stopped draws.
 *
 * Source   Agrawal et al. 2025, arXiv:2507.19457 (Pareto set, minibatches,
 *          reflection on answers).
 */
#ifndef TRANSFORM_EVOLVE_H
#define TRANSFORM_EVOLVE_H

#include "transform/evolve/candidates.h"
#include "transform/search/prompt_place.h"
#include "transform/evolve/llm_client.h"
#include "transform/search/prompt_value.h"

#define EVOLVE_SEEDS 24 // instructions of each kind to begin with, at most
#define EVOLVE_LOOKS 2  // inputs of a first look
#define EVOLVE_AGAIN 4  // of those screened in a round, how many are evaluated
#define EVOLVE_FINALISTS 8
#define EVOLVE_FINAL_ANSWERS 4 // for each of the search's
#define EVOLVE_MARGIN 24    // tokens of a chat template around a system message
#define EVOLVE_ASKED_MORE 8 // tokens of a reply beyond a prompt
#define EVOLVE_SCREEN 512   // texts of the model that are looked at first
#define EVOLVE_SCREEN_AGAIN 64 // and in a round, as long as nothing was found

struct evolve_options {
    const struct data_row **train, **held; // held is evaluated last of all
    int64_t n_train, n_held;
    int64_t rounds, population, minibatch; // minibatch <= n_train
    int64_t finalists, answers, final_answers;
    int64_t max_prompt_tokens;
    double beta, lambda;
    const char *end;             // between a prompt and its input
    const struct parts *phrases; // given by the user; NULL: none
    bool closed;                 // instructions are made of these alone
    bool by_edits, by_model;
    struct prompt_place *slot;    // of `train`, in order; NULL: none
    int64_t screen, screen_again; // texts screened: at first, and in a round
    double fluency;               // of guided children, as in text_search.h
    struct proposer *proposer;    // NULL: none
    const char *file;             // candidates; NULL: not kept
    bool resume;
    /* Between rounds, and often within; false stops. May be NULL. */
    bool (*progress)(void *payload, int64_t round, double tokens);
    void *payload;
};

struct evolve {
    struct evolve_options o;
    struct prompt_value_options
        prompt_value; // session, reward, max_tokens, seed, ...
    struct candidates pool;
    unsigned char *allowed; // tokens of a prompt; NULL without a slot
    /* the result */
    struct candidate *best;                          // never that of no prompt
    struct prompt_value_mean base_value, best_value; // fresh answers, training
    struct prompt_value_mean base_held, best_held;   // rewards, held-out
    struct prompt_value_mean best_held_kl;
    double best_search;     // mean value in the search itself
    double lowest, highest; // rewards seen in the search
};

/** Search. `e->o` and `e->prompt_value` are set, the rest is zero; release `e`
 * on failure, too. TRV_EINVAL (nothing to begin with), and what
 * prompt_value_run() and files return. */
int evolve_run(struct evolve *e, trv_err *err);
void evolve_release(struct evolve *e);

/** The kept candidates by value, the best first; list [most], returns how
 * many. */
int64_t evolve_ranking(const struct evolve *e, struct candidate **list,
                       int64_t most);

#endif
