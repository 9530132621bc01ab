/* goal_match.h -- a goal of a search over prompts: answer as something else
 * does.
 *
 *   goal(z) = mean over answer tokens of D(p_teacher || pz), nats a token
 *
 * along answers drawn from the teacher, over the whole vocabulary. It is exact
 * for every candidate, in teacher-forced passes: nothing is drawn in a step.
 * The teacher is an adaptation of any kind that acts: parameters; or a reward
 * that has a value for each token, as the distribution that it guides to.
 */
#ifndef TRANSFORM_GOAL_MATCH_H
#define TRANSFORM_GOAL_MATCH_H

#include "learn/loop/shuffle.h"
#include "transform/answers.h"
#include "transform/search/place_pass.h"
#include "transform/token_search/text_search.h"

struct text_match {
    struct session *s;
    struct decoder *d;
    struct prompt_place *slot; // of all inputs that the answers are of
    const struct answers *answers;
    enum divergence divergence;
    int64_t batch; // answers of a step
    int64_t most;  // answers that restarts are evaluated on
    uint64_t seed;

    struct shuffle shuffle;
    /* the batch that begin() set up */
    struct place_answer *y; // [most or batch]
    struct answered *rows;  // the same, of the teacher
    const struct paired_row **pairs;
    int64_t n, places;
    struct head_side teacher; // in the session's arena
};

/** Set up. The fields above the gap are the caller's. TRV_ENOMEM. */
int text_match_init(struct text_match *t, struct search_goal *goal,
                    trv_err *err);
void text_match_release(struct text_match *t);

#endif
