/* policy_pass.c -- packing, forward and backward of trained answers. */
#include "transform/policy/policy_pass.h"

#include <string.h>

#include "model/decoder/head.h"

int
policy_plan(struct decoder *d, const struct terms *terms, trv_err *err)
{
    return terms_virtual_count(terms) > 0 ? decoder_plan_input_backward(d, err)
                                          : decoder_plan_backward(d, err);
}

/* Context and answer, but for the last token, which predicts nothing. */
static int
pack(struct policy_pass *p, struct arena *a, const struct terms *terms,
     const struct policy_row *rows, trv_err *err)
{
    struct row *packed = arena_alloc(a, (size_t)p->S * sizeof(*packed));
    const int64_t *const *at;
    int64_t k = 0;
    int rc;

    if (!packed)
        return err_nomem(err, "for a batch");
    for (int64_t s = 0; s < p->S; s++) {
        const struct ids *c = rows[s].context;
        const int64_t n = c->n + rows[s].n - 1;
        int32_t *ids = arena_alloc(a, (size_t)n * sizeof(*ids));

        if (!ids)
            return err_nomem(err, "for a batch");
        memcpy(ids, c->v, (size_t)c->n * sizeof(*ids));
        memcpy(ids + c->n, rows[s].ids, (size_t)(rows[s].n - 1) * sizeof(*ids));
        packed[s] = (struct row){ids, n, terms};
    }
    rc = batch_pack(&p->b, &at, a, packed, p->S, err);
    for (int64_t s = 0; s < p->S && !rc; s++) {
        p->first[s] = k;
        for (int64_t i = 0; i < rows[s].n; i++) {
            p->where[k] = at[s][rows[s].context->n - 1 + i];
            p->target[k++] = rows[s].ids[i];
        }
    }
    p->first[p->S] = k;
    return rc;
}

int
policy_forward(struct policy_pass *p, struct decoder *d, struct arena *a,
               const struct terms *terms, const struct policy_row *rows,
               int64_t S, struct policy_how how, trv_err *err)
{
    int rc;

    *p = (struct policy_pass){
        .d = d,
        .S = S,
        .save = {.dropout_seed = how.seed, .training = how.dropout}};
    for (int64_t s = 0; s < S; s++) {
        TRV_ASSERT(rows[s].n >= 1 && rows[s].context->n >= 1);
        p->N += rows[s].n;
    }
    p->where = arena_alloc(a, (size_t)p->N * sizeof(*p->where));
    p->target = arena_alloc(a, (size_t)p->N * sizeof(*p->target));
    p->first = arena_alloc(a, (size_t)(S + 1) * sizeof(*p->first));
    p->logp = arena_f32(a, p->N, 1);
    if (!p->where || !p->target || !p->first || !p->logp)
        return err_nomem(err, "for a batch");
    rc = pack(p, a, terms, rows, err);
    return rc ? rc
              : decoder_forward(d, a, &p->hidden, &p->b, NULL, &p->save, err);
}

int
policy_score(struct policy_pass *p, struct arena *a, trv_err *err)
{
    return head_logprobs(p->d, a, p->logp, NULL,
                         (struct head_rows){p->hidden, p->where}, p->target,
                         p->N, NULL, (struct mat){0}, err);
}

int
policy_backward(struct policy_pass *p, struct arena *a, const float *coef,
                struct mat d_hidden, trv_err *err)
{
    int rc;

    if (!d_hidden.data) {
        d_hidden = mat_new(a, DT_F32, p->b.T, p->d->cfg->width);
        if (!d_hidden.data)
            return err_nomem(err, "for a batch");
        memset(d_hidden.data, 0,
               (size_t)(d_hidden.rows * d_hidden.cols) * sizeof(float));
    }
    rc = head_logprobs(p->d, a, p->logp, NULL,
                       (struct head_rows){p->hidden, p->where}, p->target, p->N,
                       coef, d_hidden, err);
    return rc ? rc : decoder_backward(p->d, a, d_hidden, &p->b, &p->save, err);
}

double
policy_sum(const struct policy_pass *p, const float *x, int64_t s)
{
    double sum = 0.0;

    for (int64_t t = p->first[s]; t < p->first[s + 1]; t++)
        sum += (double)x[t];
    return sum;
}
