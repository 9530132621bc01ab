/* text_screen.c -- screening of many texts. */
#include "transform/token_search/text_screen.h"

#include <math.h>
#include <stdlib.h>

#include "transform/search/place_pass.h"

int
ordered_by_value(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

int
text_rest(double *told, struct session *s, const struct prompt_place *slot,
          double fluency, double length, const struct ids *z, int64_t n,
          trv_err *err)
{
    double *nats = mem_calloc((size_t)n, sizeof(*nats));
    int64_t *n_told = mem_calloc((size_t)n, sizeof(*n_told));
    int rc = nats && n_told ? 0 : err_nomem(err, "to choose among texts");

    if (!rc && fluency > 0)
        rc = place_surprise(nats, n_told, s->decoder, &s->arena, slot, z, n,
                            err);
    for (int64_t i = 0; i < n && !rc; i++) {
        told[i] = length * (double)z[i].n;
        if (n_told[i] > 0)
            told[i] += fluency * nats[i] / (double)n_told[i];
    }
    mem_free(nats);
    mem_free(n_told);
    return rc;
}

/* What is known of the texts; [n] each. */
struct lineup {
    struct ids *z; // borrowed
    double *value, *told;
    struct ordered *order;
};

static void
lineup_release(struct lineup *l)
{
    mem_free(l->z);
    mem_free(l->value);
    mem_free(l->told);
    mem_free(l->order);
}

static int
lineup_init(struct lineup *l, const struct proposal *list, int64_t n,
            trv_err *err)
{
    const size_t size = (size_t)n;

    *l = (struct lineup){.z = mem_calloc(size, sizeof(*l->z)),
                         .value = mem_calloc(size, sizeof(*l->value)),
                         .told = mem_calloc(size, sizeof(*l->told)),
                         .order = mem_calloc(size, sizeof(*l->order))};
    if (!l->z || !l->value || !l->told || !l->order)
        return err_nomem(err, "to choose among texts");
    for (int64_t i = 0; i < n; i++) {
        l->z[i] = list[i].z;
        l->order[i].at = i;
    }
    return 0;
}

/* Screen all; the order is by these values. */
static int
look(struct lineup *l, const struct text_chooser *c, int64_t n, trv_err *err)
{
    const struct search_goal *goal = c->goal;
    int rc = 0;

    if (goal->screen)
        rc = goal->screen(goal->self, l->value, c->at, l->z, n, err);
    if (!rc && (!goal->screen || goal->confirm))
        rc = goal->begin(goal->self, c->at, err);
    if (!rc && !goal->screen)
        rc = goal->evaluate(goal->self, l->value, l->z, n, err);
    for (int64_t i = 0; i < n && !rc; i++) {
        const double v = l->value[i] + l->told[i];

        l->order[i].value = isfinite(v) ? v : (double)INFINITY;
    }
    if (!rc)
        qsort(l->order, (size_t)n, sizeof(*l->order), ordered_by_value);
    return rc;
}

/* The truth about the first `most` in order; *best is a place in it. */
static int
confirm(int64_t *best, struct lineup *l, const struct text_chooser *c,
        const struct proposal *list, int64_t most, trv_err *err)
{
    const struct search_goal *goal = c->goal;
    int rc;

    for (int64_t i = 0; i < most; i++)
        l->z[i] = list[l->order[i].at].z;
    rc = goal->confirm(goal->self, l->value, c->at, l->z, most, err);
    for (int64_t i = 1; i < most && !rc; i++)
        if (l->value[i] + l->told[l->order[i].at] <
            l->value[*best] + l->told[l->order[*best].at])
            *best = i;
    return rc || !goal->accept ? rc : goal->accept(goal->self, *best, err);
}

int
text_screen(int64_t *best, const struct text_chooser *c,
            const struct proposal *list, int64_t n, trv_err *err)
{
    const int64_t most = c->goal->confirms + 1 < n ? c->goal->confirms + 1 : n;
    struct lineup l;
    int64_t first = 0;
    int rc = lineup_init(&l, list, n, err);

    if (!rc)
        rc = text_rest(l.told, c->s, c->slot, c->fluency, c->length, l.z, n,
                       err);
    if (!rc)
        rc = look(&l, c, n, err);
    if (!rc && c->goal->confirm)
        rc = confirm(&first, &l, c, list, most, err);
    *best = rc ? 0 : l.order[first].at;
    lineup_release(&l);
    return rc;
}
