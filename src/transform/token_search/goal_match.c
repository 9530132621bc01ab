/* goal_match.c -- divergence from a teacher, prompt by prompt. */
#include "transform/token_search/goal_match.h"

#include <string.h>

#include "model/decoder/pass.h"

/* Lay n answers; the teacher runs over them once. */
static int
lay(struct text_match *t, const int64_t *which, int64_t n, trv_err *err)
{
    int rc;

    arena_reset(&t->s->arena);
    t->n = n;
    t->places = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct answer *y = &t->answers->list[which[i]];
        const struct paired_row *c = &t->answers->contexts[y->context];

        t->y[i] = (struct place_answer){c->input, y->ids, y->n};
        t->pairs[i] = c;
        t->rows[i] = (struct answered){&c->teacher, y->ids, y->n};
        t->places += y->n;
    }
    t->teacher = (struct head_side){0};
    rc = pass_forward(&t->teacher, NULL, &t->s->arena, 1, t->rows, n, err);
    return rc;
}

static int
match_begin(void *self, const struct search_at *at, trv_err *err)
{
    struct text_match *t = self;
    const int64_t all = t->answers->n;
    const int64_t n = t->batch < all ? t->batch : all;
    int64_t *which = mem_array((size_t)n, sizeof(*which));
    int rc;

    if (!which)
        return err_fail(err, TRV_ENOMEM, "no memory for a batch");
    for (int64_t i = 0; i < n; i++) // where all fit, their order is one
        which[i] =
            n == all ? i : shuffle_at(&t->shuffle, at->step_of_all * n + i);
    rc = lay(t, which, n, err);
    mem_free(which);
    return rc;
}

/* The divergence's gradient, of the mean over places. */
static int
match_loss(void *self, struct arena *a, struct head_rows x, int64_t n,
           struct mat d_hidden, trv_err *err)
{
    struct text_match *t = self;
    float *div = arena_f32(a, n, 1), *weight = arena_f32(a, n, 1);

    if (!div || !weight)
        return err_fail(err, TRV_ENOMEM, "no memory for a gradient");
    for (int64_t i = 0; i < n; i++)
        weight[i] = 1.0f / (float)n;
    return head_divergence(t->d, a, div, &t->teacher, x, n, t->divergence,
                           weight, d_hidden, err);
}

static int
match_gradient(void *self, float *g, const struct ids *z, double fluency,
               trv_err *err)
{
    struct text_match *t = self;

    return place_gradient(g, t->d, &t->s->arena, t->slot, z, t->y, t->n,
                          fluency, match_loss, t, err);
}

static int
match_value(void *self, double *value, struct arena *a,
            const struct head_side *side, int64_t places, trv_err *err)
{
    struct text_match *t = self;
    const struct arena_mark mark = arena_mark(a);
    float *div = arena_f32(a, places, 1);
    double sum = 0.0;
    int rc = div ? head_compare(a, div, NULL, &t->teacher, side, places,
                                t->divergence, err)
                 : err_fail(err, TRV_ENOMEM, "no memory to try prompts");

    for (int64_t k = 0; k < places && !rc; k++)
        sum += (double)div[k];
    *value = sum / (double)places;
    arena_rewind(a, mark);
    return rc;
}

static int
match_evaluate(void *self, double *value, const struct ids *z, int64_t n,
               trv_err *err)
{
    struct text_match *t = self;

    return place_evaluate(value, t->d, &t->s->arena, t->slot, z, n, t->y, t->n,
                          match_value, t, err);
}

/* Divergence of the base itself from the teacher, over the batch. */
static int
without_prompt(struct text_match *t, double *sum, trv_err *err)
{
    struct arena *a = &t->s->arena;
    struct context *c = arena_alloc(a, (size_t)t->n * sizeof(*c));
    struct component *parts = arena_alloc(a, (size_t)t->n * sizeof(*parts));
    struct answered *rows = arena_alloc(a, (size_t)t->n * sizeof(*rows));
    float *div = arena_f32(a, t->places, 1);
    struct head_side side = {0};
    int rc;

    if (!c || !parts || !rows || !div)
        return err_fail(err, TRV_ENOMEM, "no memory for a batch");
    for (int64_t i = 0; i < t->n; i++) {
        const struct ids *x = &t->pairs[i]->student;

        parts[i] = (struct component){t->d, NULL, x->v, x->n, 1.0};
        c[i] = (struct context){.parts = &parts[i], .n = 1};
        rows[i] = (struct answered){&c[i], t->y[i].ids, t->y[i].n};
    }
    rc = pass_forward(&side, NULL, a, 1, rows, t->n, err);
    if (!rc)
        rc = head_compare(a, div, NULL, &t->teacher, &side, t->places,
                          t->divergence, err);
    for (int64_t i = 0; i < t->places && !rc; i++)
        *sum += (double)div[i];
    return rc;
}

static int
match_score_end(void *self, double *value, const struct ids *z, trv_err *err)
{
    struct text_match *t = self;
    const int64_t all = t->answers->n;
    const int64_t n = t->most < all ? t->most : all;
    const int64_t part = t->batch < n ? t->batch : n;
    double sum = 0.0, places = 0.0, mean;
    int64_t *which = mem_array((size_t)n, sizeof(*which));
    int rc = 0;

    if (!which)
        return err_fail(err, TRV_ENOMEM, "no memory for a batch");
    for (int64_t i = 0; i < n; i++)
        which[i] = i;
    for (int64_t from = 0; from < n && !rc; from += part) {
        const int64_t here = n - from < part ? n - from : part;

        rc = lay(t, which + from, here, err);
        if (!rc && z) {
            rc = match_evaluate(t, &mean, z, 1, err);
            sum += mean * (double)t->places;
        } else if (!rc) {
            rc = without_prompt(t, &sum, err);
        }
        places += (double)t->places;
    }
    *value = sum / places;
    mem_free(which);
    return rc;
}

int
text_match_init(struct text_match *t, struct search_goal *goal, trv_err *err)
{
    const int64_t n = t->batch > t->most ? t->batch : t->most;
    int rc = session_decoder(t->s, &t->d, err);

    if (!rc)
        rc = shuffle_init(&t->shuffle, t->answers->n, t->seed, err);
    if (rc)
        return rc;
    t->y = mem_calloc((size_t)n, sizeof(*t->y));
    t->rows = mem_calloc((size_t)n, sizeof(*t->rows));
    t->pairs = mem_calloc((size_t)n, sizeof(*t->pairs));
    *goal = (struct search_goal){.self = t,
                                 .begin = match_begin,
                                 .gradient = match_gradient,
                                 .evaluate = match_evaluate,
                                 .judge = match_score_end};
    return t->y && t->rows && t->pairs
               ? 0
               : err_fail(err, TRV_ENOMEM, "no memory for a search");
}

void
text_match_release(struct text_match *t)
{
    shuffle_release(&t->shuffle);
    mem_free(t->y);
    mem_free(t->rows);
    mem_free(t->pairs);
    t->y = NULL;
    t->rows = NULL;
    t->pairs = NULL;
}
