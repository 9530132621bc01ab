/* answer_pass.c -- packing, forward and backward of answers. */
#include "learn/answer_pass.h"

#include <string.h>

#include "model/decoder/head.h"

struct answer_row
answer_row_of(const struct ids *context, const int32_t *ids, int64_t n,
              const struct adapter_weights *adapter_weights)
{
    return (struct answer_row){context->v, context->n, ids, n, adapter_weights};
}

/* Context and answer, but for the last token, which predicts nothing. */
static int
fill_row(struct row *out, struct arena *a, const struct answer_row *row)
{
    const int64_t told = row->n > 0 ? row->n - 1 : 0;
    const int64_t n = row->n_context + told;
    const int32_t *ids = row->context;

    TRV_ASSERT(row->n_context >= 1 && row->n >= 0);
    if (told > 0 && row->ids != row->context + row->n_context) {
        int32_t *joined = arena_alloc(a, (size_t)n * sizeof(*joined));

        if (!joined)
            return TRV_ENOMEM;
        memcpy(joined, row->context, (size_t)row->n_context * sizeof(*joined));
        memcpy(joined + row->n_context, row->ids,
               (size_t)told * sizeof(*joined));
        ids = joined;
    }
    *out = (struct row){ids, n, row->adapter_weights};
    return 0;
}

int
answer_pack(struct answer_pass *p, struct decoder *d, struct arena *a,
            const struct answer_row *rows, int64_t S, trv_err *err)
{
    struct row *packed = arena_alloc(a, (size_t)S * sizeof(*packed));
    int64_t k = 0;
    int rc;

    *p = (struct answer_pass){.d = d, .S = S};
    for (int64_t s = 0; s < S; s++)
        p->N += rows[s].n;
    p->where = arena_alloc(a, (size_t)p->N * sizeof(*p->where));
    p->target = arena_alloc(a, (size_t)p->N * sizeof(*p->target));
    p->first = arena_alloc(a, (size_t)(S + 1) * sizeof(*p->first));
    if (!packed || !p->where || !p->target || !p->first)
        return err_nomem(err, "for a batch");
    for (int64_t s = 0; s < S; s++)
        if (fill_row(&packed[s], a, &rows[s]))
            return err_nomem(err, "for a batch");
    rc = batch_pack(&p->b, &p->at, a, packed, S, err);
    for (int64_t s = 0; s < S && !rc; s++) {
        p->first[s] = k;
        for (int64_t i = 0; i < rows[s].n; i++) {
            p->where[k] = p->at[s][rows[s].n_context - 1 + i];
            p->target[k++] = rows[s].ids[i];
        }
    }
    p->first[S] = k;
    return rc;
}

int
answer_forward(struct answer_pass *p, struct decoder *d, struct arena *a,
               const struct answer_row *rows, int64_t S, bool dropout,
               uint64_t seed, trv_err *err)
{
    int rc = answer_pack(p, d, a, rows, S, err);

    if (rc)
        return rc;
    p->save = (struct saved){.dropout_seed = seed, .training = dropout};
    p->logp = arena_f32(a, p->N, 1);
    if (!p->logp)
        return err_nomem(err, "for a batch");
    return decoder_forward(d, a, &p->hidden, &p->b, NULL, &p->save, err);
}

int
answer_score(struct answer_pass *p, struct arena *a, trv_err *err)
{
    return head_logprobs(p->d, a, p->logp, NULL,
                         (struct head_rows){p->hidden, p->where}, p->target,
                         p->N, NULL, (struct mat){0}, err);
}

int
answer_zeros(struct mat *d_hidden, const struct answer_pass *p, struct arena *a,
             trv_err *err)
{
    *d_hidden = mat_new(a, DT_F32, p->b.T, p->d->cfg->width);
    if (!d_hidden->data)
        return err_nomem(err, "for a batch");
    p->d->be->ops->zero(p->d->be, *d_hidden);
    return 0;
}

int
answer_backward(struct answer_pass *p, struct arena *a, const float *coef,
                struct mat d_hidden, trv_err *err)
{
    int rc = d_hidden.data ? 0 : answer_zeros(&d_hidden, p, a, err);

    if (!rc)
        rc = head_logprobs(p->d, a, p->logp, NULL,
                           (struct head_rows){p->hidden, p->where}, p->target,
                           p->N, coef, d_hidden, err);
    return rc ? rc : decoder_backward(p->d, a, d_hidden, &p->b, &p->save, err);
}

double
answer_sum(const struct answer_pass *p, const float *x, int64_t s)
{
    double sum = 0.0;

    for (int64_t t = p->first[s]; t < p->first[s + 1]; t++)
        sum += (double)x[t];
    return sum;
}
