/* goal_reward.h -- a goal of a search over prompts: a high reward, at a small
 * KL to the base model.
 *
 *   goal(z) = -(E_x E_{y ~ pz} r(x, y) - beta KL(pz, p0)), in units of r
 *
 * in two equivalent forms. The reward scores texts, so it has no gradient; but
 * -goal is beta log Z - beta KL(pz, pr) with pr = p0 exp(r / beta) / Z, so the
 * prompts that serve are those under which pr's answers are likely:
 *
 *   evaluate  the guide: beta * E_x sum over y of -w(y) log pz(y | x), for
 *             every candidate and with a gradient; teacher-forced, nothing is
 *             drawn. The answers y are the base's, and the latest of z's own; w
 *             are importance weights, exp(r / beta) p0 / q, that sum to 1.
 *   screen    the reward alone, of one answer to each of two inputs.
 *   confirm   the goal itself: answers are drawn from each prompt with the same
 *             random numbers, scored, and the KL taken token by token over the
 *             whole vocabulary. Where all rewards are equal, the guide decides.
 *
 * The guide is KL(pr, pz), which covers pr; the goal is KL(pz, pr). Both are 0
 * for the same pz, but from a prompt without reward the goal's own gradient
 * leads back to the base: so the first half of every other restart follows the
 * guide. The score-function gradient of the goal over z's own answers was
 * rejected as the guide: where none of them is rewarded, it is only noise. The
 * weights find the rare answer of the base that does; and as z's own answers
 * come to the pool, the guide follows it.
 *
 * Source   the tilted distribution and its weights: loss_tilt.h.
 */
#ifndef TRANSFORM_GOAL_REWARD_H
#define TRANSFORM_GOAL_REWARD_H

#include "learn/loop/shuffle.h"
#include "transform/answers.h"
#include "transform/search/place_likelihood.h"
#include "transform/token_search/text_search.h"
#include "transform/answer_rewards.h"

/* Inputs of a first look at a prompt: that many texts get one that one which
 * earns much shows itself by a single answer. */
#define REWARD_SCREENED 2

/* An answer to an input, drawn under some prompt. */
struct drawn {
    int32_t *ids; // [n]
    int64_t n;
    double reward; // NaN: not scored
    double base;   // log p0 of all of it
    double own;    // log of what it was drawn from
};

struct text_reward {
    struct session *s;
    struct decoder *d;
    struct prompt_place *slot; // of all inputs that the answers are of
    struct adaptation *reward;
    const struct inputs *in;
    const struct answers *answers; // the base's: input i has i, i + inputs, ...
    double beta;
    int64_t batch;      // inputs of a step
    int64_t samples;    // answers drawn to an input for each confirmed prompt
    int64_t max_tokens; // of an answer
    int64_t confirms;   // candidates of a step
    int64_t most;       // inputs that restarts are evaluated on
    uint64_t seed;

    double *score;      // [answers->n]
    double base_reward; // the mean of all
    bool all_alike;     // all rewards of the base's answers are equal
    struct shuffle shuffle;
    struct drawn *own; // [n_contexts, samples] the latest; n 0: none
    /* the batch that begin() set up */
    int64_t *inputs;            // [n_inputs]
    int64_t n_inputs, n_guides; // n_guides: those with answers
    struct place_answer *y;     // [n]
    double *w; // [n] beta / n_guides times weights that sum to 1 over an input
    int64_t n;
    struct drawn
        *completion; // [prompts, n_inputs, samples] of the last confirm
    int64_t n_tried;
};

/** Set up: scores the base's answers. The fields above the gap are the
 * caller's. What answer_rewards_all() returns. */
int text_reward_init(struct text_reward *t, struct search_goal *goal,
                     trv_err *err);
void text_reward_release(struct text_reward *t);

/** Mean reward and KL to the base, nats an answer, of a prompt on the
 * evaluation inputs. Resets the session's arena. */
int text_reward_measure(struct text_reward *t, double *reward, double *kl,
                        const struct ids *z, trv_err *err);

#endif
