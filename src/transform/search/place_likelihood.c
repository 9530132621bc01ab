/* place_likelihood.c -- weighted log-likelihood of answers under prompts. */
#include "transform/search/place_likelihood.h"

#include "base/mem.h"

/* The tokens of all answers end to end, and the factor of each. */
static int
fill_targets(int32_t **target, float **coef, const struct place_likelihood *l,
             struct arena *a, int64_t places, trv_err *err)
{
    int64_t k = 0;

    *target = arena_alloc(a, (size_t)places * sizeof(**target));
    *coef = arena_f32(a, places, 1);
    if (!*target || !*coef)
        return err_nomem(err, "to weigh answers");
    for (int64_t i = 0; i < l->n; i++)
        for (int64_t j = 0; j < l->y[i].n; j++, k++) {
            (*target)[k] = l->y[i].ids[j];
            (*coef)[k] = (float)l->coef[i];
        }
    TRV_ASSERT(k == places);
    return 0;
}

static int
on_loss(void *self, struct arena *a, struct head_rows x, int64_t n,
        struct mat d_hidden, trv_err *err)
{
    const struct place_likelihood *l = self;
    int32_t *target;
    float *coef, *logp = arena_f32(a, n, 1);
    int rc = logp ? fill_targets(&target, &coef, l, a, n, err)
                  : err_nomem(err, "to weigh answers");

    return rc ? rc
              : head_logprobs(l->s->decoder, a, logp, NULL, x, target, n, coef,
                              d_hidden, err);
}

int
place_likelihood_gradient(float *g, const struct place_likelihood *l,
                          const struct ids *z, double fluency, trv_err *err)
{
    struct place_likelihood self = *l;

    return place_gradient(g, l->s->decoder, &l->s->arena, l->slot, z, l->y,
                          l->n, fluency, on_loss, &self, err);
}

static int
on_value(void *self, double *value, struct arena *a,
         const struct head_side *side, int64_t places, trv_err *err)
{
    const struct place_likelihood *l = self;
    const struct arena_mark mark = arena_mark(a);
    int32_t *target;
    float *coef, *logp = arena_f32(a, places, 1);
    int rc = logp ? fill_targets(&target, &coef, l, a, places, err)
                  : err_nomem(err, "to weigh answers");

    if (!rc)
        rc = head_score(a, logp, NULL, side, target, places, err);
    *value = 0.0;
    for (int64_t k = 0; k < places && !rc; k++)
        *value -= (double)coef[k] * (double)logp[k];
    arena_rewind(a, mark);
    return rc;
}

int
place_likelihood_evaluate(double *value, const struct place_likelihood *l,
                          const struct ids *z, int64_t n_z, trv_err *err)
{
    struct place_likelihood self = *l;

    return place_evaluate(value, l->s->decoder, &l->s->arena, l->slot, z, n_z,
                          l->y, l->n, on_value, &self, err);
}
