/* answer_rewards.c -- from answers' tokens to rewards. */
#include "transform/answer_rewards.h"

#include <math.h>
#include <string.h>

#include "learn/loss/advantage.h"

int
answer_rewards_score(double *reward, struct session *s, struct adaptation *by,
                     const struct completion *list, int64_t n,
                     const struct reward_watch *watch, trv_err *err)
{
    struct reward_item *items = mem_calloc((size_t)n, sizeof(*items));
    size_t *at = mem_array((size_t)n + 1, sizeof(*at));
    struct strbuf text = {0}; // all answers' bytes, end to end
    int rc = items && at ? 0 : err_nomem(err, "to score answers");

    for (int64_t i = 0; i < n && !rc; i++) {
        at[i] = text.len;
        rc = tokenizer_decode(s->model->tokenizer, &text, list[i].ids,
                              list[i].n, true, err);
        at[i + 1] = text.len;
    }
    for (int64_t i = 0; i < n && !rc; i++)
        items[i] = (struct reward_item){.row = list[i].row,
                                        .text = text.s ? text.s + at[i] : "",
                                        .n_text = at[i + 1] - at[i],
                                        .ids = list[i].ids,
                                        .n_ids = list[i].n};
    if (!rc)
        rc = reward_score(s, by, reward, NULL, items, n, watch, err);
    sb_release(&text);
    mem_free(items);
    mem_free(at);
    return rc;
}

int
answer_rewards_all(double *reward, struct session *s, struct adaptation *by,
                   const struct answers *answers, const struct inputs *in,
                   const struct reward_watch *watch, trv_err *err)
{
    struct completion *list;
    int rc;

    list = mem_calloc((size_t)answers->n, sizeof(*list));
    if (!list)
        return err_nomem(err, "to score answers");
    for (int64_t i = 0; i < answers->n; i++) {
        const struct answer *y = &answers->list[i];

        list[i] = (struct completion){
            &in->data.rows[answers->contexts[y->context].input], y->ids, y->n};
    }
    rc = answer_rewards_score(reward, s, by, list, answers->n, watch, err);
    mem_free(list);
    return rc;
}

void
answer_rewards_summarise(struct answer_reward_stats *f, const double *reward,
                         int64_t n, int64_t K)
{
    const int64_t groups = n / K;
    double squares = 0.0;

    *f = (struct answer_reward_stats){.groups = groups};
    for (int64_t i = 0; i < n; i++)
        f->mean += reward[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares += (reward[i] - f->mean) * (reward[i] - f->mean);
    f->std = n > 1 ? sqrt(squares / (double)(n - 1)) : 0.0;
    for (int64_t g = 0; g < groups; g++) {
        double lo = reward[g * K], hi = lo;

        for (int64_t i = g * K; i < (g + 1) * K; i++) {
            lo = reward[i] < lo ? reward[i] : lo;
            hi = reward[i] > hi ? reward[i] : hi;
        }
        f->flat += !(hi > lo);
    }
}
