/* greedy_select.c -- greedy selection with repairs. */
#include "transform/demos/greedy_select.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define IMPOSSIBLE (-(double)INFINITY)

/* The best so far, and the best change of it. */
struct hunt {
    const struct greedy_select *c;
    int64_t at[GREEDY_SELECT_MAX], k, best[GREEDY_SELECT_MAX], best_k;
    double value, best_value;
};

static int
look(struct hunt *h, const int64_t *at, int64_t k, trv_err *err)
{
    double value;
    const int rc = h->c->value(h->c->self, &value, at, k, err);

    if (!rc && value > h->best_value) {
        h->best_value = value;
        h->best_k = k;
        memcpy(h->best, at, (size_t)k * sizeof(*at));
    }
    return rc;
}

/* Did a change help? Then it is done. */
static bool
step(struct hunt *h)
{
    if (!(h->best_value > h->value))
        return false;
    h->value = h->best_value;
    h->k = h->best_k;
    memcpy(h->at, h->best, (size_t)h->k * sizeof(*h->at));
    return true;
}

static bool
is_used(const struct hunt *h, int64_t thing)
{
    for (int64_t i = 0; i < h->k; i++)
        if (h->at[i] == thing)
            return true;
    return false;
}

/* `thing` put in before place i. */
static int
look_in(struct hunt *h, int64_t thing, int64_t i, trv_err *err)
{
    int64_t at[GREEDY_SELECT_MAX];

    memcpy(at, h->at, (size_t)i * sizeof(*at));
    at[i] = thing;
    memcpy(at + i + 1, h->at + i, (size_t)(h->k - i) * sizeof(*at));
    return look(h, at, h->k + 1, err);
}

static int
look_without(struct hunt *h, int64_t i, trv_err *err)
{
    int64_t at[GREEDY_SELECT_MAX];

    memcpy(at, h->at, (size_t)h->k * sizeof(*at));
    memmove(at + i, at + i + 1, (size_t)(h->k - i - 1) * sizeof(*at));
    return look(h, at, h->k - 1, err);
}

static int
look_changed(struct hunt *h, int64_t i, int64_t j, int64_t thing, trv_err *err)
{
    int64_t at[GREEDY_SELECT_MAX];

    memcpy(at, h->at, (size_t)h->k * sizeof(*at));
    if (j >= 0) {
        at[i] = h->at[j];
        at[j] = h->at[i];
    } else {
        at[i] = thing;
    }
    return look(h, at, h->k, err);
}

/* The thing at place i moved to place j. */
static int
look_moved(struct hunt *h, int64_t i, int64_t j, trv_err *err)
{
    int64_t at[GREEDY_SELECT_MAX];
    const int64_t thing = h->at[i];

    memcpy(at, h->at, (size_t)h->k * sizeof(*at));
    memmove(at + i, at + i + 1, (size_t)(h->k - i - 1) * sizeof(*at));
    memmove(at + j + 1, at + j, (size_t)(h->k - j - 1) * sizeof(*at));
    at[j] = thing;
    return look(h, at, h->k, err);
}

/* Add the best thing, as long as the value rises. */
static int
grow(struct hunt *h, trv_err *err)
{
    int rc = 0;

    do
        for (int64_t t = 0; t < h->c->n && h->k < h->c->most && !rc; t++) {
            if (is_used(h, t))
                continue;
            rc = look_in(h, t, h->k, err);
            if (!rc && h->k > 0)
                rc = look_in(h, t, 0, err);
        }
    while (!rc && step(h));
    return rc;
}

static int
mend(struct hunt *h, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; i < h->k && !rc; i++) {
        rc = look_without(h, i, err);
        for (int64_t j = i + 1; j < h->k && !rc; j++)
            rc = look_changed(h, i, j, -1, err);
        for (int64_t j = 0; j < h->k && !rc; j++)
            if (j < i - 1 || j > i + 1) // next to it: exchanged above
                rc = look_moved(h, i, j, err);
        for (int64_t t = 0; t < h->c->n && !rc; t++)
            if (!is_used(h, t))
                rc = look_changed(h, i, -1, t, err);
    }
    for (int64_t t = 0; t < h->c->n && h->k < h->c->most && !rc; t++)
        for (int64_t i = 0; i <= h->k && !is_used(h, t) && !rc; i++)
            rc = look_in(h, t, i, err);
    return rc;
}

/* From what there is to where no change helps. */
static int
climb(struct hunt *h, trv_err *err)
{
    bool helped = true;
    int rc = grow(h, err);

    for (int64_t m = 0; m < h->c->mends && helped && !rc; m++) {
        rc = mend(h, err);
        helped = !rc && step(h);
    }
    return rc;
}

/* The best thing alone but for those that are in `completion`; *thing -1:
 * none. */
static int
best_single(int64_t *thing, double *value, const struct greedy_select *c,
            const bool *completion, trv_err *err)
{
    int rc = 0;

    *thing = -1;
    for (int64_t t = 0; t < c->n && !rc; t++) {
        double v = IMPOSSIBLE;

        if (!completion[t])
            rc = c->value(c->self, &v, &t, 1, err);
        if (!rc && v > IMPOSSIBLE && (*thing < 0 || v > *value)) {
            *thing = t;
            *value = v;
        }
    }
    return rc;
}

int
greedy_select_run(int64_t *at, int64_t *k, double *value,
                  const struct greedy_select *c, trv_err *err)
{
    struct hunt best = {.c = c, .value = IMPOSSIBLE, .best_value = IMPOSSIBLE};
    bool completion[GREEDY_SELECT_MAX] = {false};
    int rc;

    TRV_ASSERT(c->most <= GREEDY_SELECT_MAX && c->n <= GREEDY_SELECT_MAX);
    rc = look(&best, best.at, 0, err);
    if (!rc && !step(&best))
        rc = err_fail(err, TRV_EINVAL, "there is nothing to choose by");
    for (int64_t s = 0; s < c->starts && !rc; s++) {
        struct hunt h = {.c = c, .k = 1};

        rc = best_single(&h.at[0], &h.value, c, completion, err);
        if (rc || h.at[0] < 0)
            break;
        completion[h.at[0]] = true;
        h.best_value = h.value;
        rc = climb(&h, err);
        if (!rc && h.value > best.value)
            best = h;
    }
    if (rc)
        return rc;
    memcpy(at, best.at, (size_t)best.k * sizeof(*at));
    *k = best.k;
    *value = best.value;
    return 0;
}
