/* supervised.c -- rows of given text, and the gradient of their loss. */
#include "learn/supervised.h"

#include <math.h>
#include <string.h>

#include "learn/answer_pass.h"
#include "model/sample/engine.h"
#include "text/data_columns.h"

/* --- rows --- */

static int
take_row(struct learned_rows *out, const struct example *e, int64_t max_length,
         trv_err *err)
{
    const int64_t n = e->ids.n < max_length ? e->ids.n : max_length;
    const int64_t n_answer = n - e->n_context;
    struct learned_row *row = &out->list[out->n];
    int64_t learned = 0;

    out->n_cut += e->ids.n > max_length;
    out->n_joined += e->joined;
    if (e->n_context < 1 || n_answer <= 0) {
        out->n_dropped++;
        return 0;
    }
    for (int64_t i = e->n_context; i < n; i++)
        learned += e->loss.s[i];
    *row = (struct learned_row){.ids = mem_array((size_t)n, sizeof(int32_t)),
                                .n = n,
                                .n_context = e->n_context};
    out->n++; // released with the rest from here
    if (row->ids && learned < n_answer)
        row->learned = mem_alloc((size_t)n_answer);
    if (!row->ids || (learned < n_answer && !row->learned))
        return err_nomem(err, "for a row");
    memcpy(row->ids, e->ids.v, (size_t)n * sizeof(int32_t));
    if (row->learned)
        memcpy(row->learned, e->loss.s + e->n_context, (size_t)n_answer);
    out->tokens += n;
    out->loss_tokens += learned;
    return 0;
}

int
learned_rows_open(struct learned_rows *out, const struct model *m,
                  const char *path, enum example_loss on, int64_t max_length,
                  trv_err *err)
{
    const struct text_rules rules = model_text_rules(m);
    struct data data = {0};
    int rc;

    *out = (struct learned_rows){0};
    rc = data_open(&data, path, err);
    if (rc)
        return rc;
    memcpy(out->hash, data.hash, sizeof(out->hash));
    row_layout_of(&out->layout, &rules, data.rows, data.n, false);
    if (data.n >= INT32_MAX) { // a shuffle draws 32 bits
        rc = err_fail(err, TRV_ERANGE, "'%s' has %lld rows, more than %d", path,
                      (long long)data.n, INT32_MAX - 1);
        data_release(&data);
        return rc;
    }
    out->unused = data.unused;
    data.unused = NULL;
    out->list = mem_calloc((size_t)data.n, sizeof(*out->list));
    if (!out->list)
        rc = err_nomem(err, "for %lld rows", (long long)data.n);
    for (int64_t i = 0; i < data.n && !rc; i++) {
        struct example e = {0};

        rc = data_columns_check(&data.rows[i], DATA_SFT, err);
        if (!rc)
            rc = example_row(&e, &rules, &data.rows[i], on, err);
        if (rc == TRV_EINVAL && err) // it is the file that is wrong here
            rc = err->code = TRV_EFORMAT;
        if (!rc)
            rc = take_row(out, &e, max_length, err);
        example_release(&e);
    }
    if (!rc && out->n == 0)
        rc = err_fail(err, TRV_EFORMAT,
                      "no row of '%s' has an answer within %lld tokens", path,
                      (long long)max_length);
    data_release(&data);
    if (rc)
        learned_rows_release(out);
    return rc;
}

int
learned_rows_under(struct learned_rows *r,
                   const struct adapter_weights *adapter_weights, trv_err *err)
{
    const int64_t k = adapter_weights_virtual_count(adapter_weights);

    TRV_ASSERT(r->n_virtual == 0);
    for (int64_t i = 0; i < r->n && k > 0; i++) {
        struct learned_row *row = &r->list[i];
        int32_t *ids = mem_array((size_t)(k + row->n), sizeof(*ids));

        if (!ids)
            return err_nomem(err, "for %lld rows", (long long)r->n);
        for (int64_t j = 0; j < k; j++)
            ids[j] = VIRTUAL_ID(j);
        memcpy(ids + k, row->ids, (size_t)row->n * sizeof(*ids));
        mem_free(row->ids);
        row->ids = ids;
        row->n += k;
        row->n_context += k;
    }
    r->n_virtual = k;
    return 0;
}

void
learned_rows_release(struct learned_rows *r)
{
    for (int64_t i = 0; i < r->n; i++) {
        mem_free(r->list[i].ids);
        mem_free(r->list[i].learned);
    }
    mem_free(r->list);
    mem_free(r->unused);
    *r = (struct learned_rows){0};
}

/* --- the task --- */

/* Does token k of a row's answer carry loss? */
static bool
is_learned(const struct learned_row *r, int64_t k)
{
    return !r->learned || r->learned[k];
}

/* The rows from..from+n-1 of the shuffle, forward. */
static int
pass_rows(struct answer_pass *p, struct supervised *t, int64_t from, int64_t n,
          trv_err *err)
{
    struct arena *a = &t->s->arena;
    struct answer_row *rows = arena_alloc(a, (size_t)n * sizeof(*rows));

    if (!rows)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++) {
        const struct learned_row *r =
            &t->rows->list[shuffle_at(&t->shuffle, from + i)];

        rows[i] =
            (struct answer_row){r->ids, r->n_context, r->ids + r->n_context,
                                r->n - r->n_context, t->adapter_weights};
    }
    return answer_forward(p, t->d, a, rows, n, true,
                          t->seed ^ ((uint64_t)from << 20), err);
}

static int
supervised_gradient(void *self, int64_t step, int64_t micro, double *loss,
                    double *weight, double *tokens, trv_err *err)
{
    struct supervised *t = self;
    struct arena *a = &t->s->arena;
    const int64_t from = t->batch * micro / t->accumulate;
    const int64_t n = t->batch * (micro + 1) / t->accumulate - from;
    struct answer_pass p;
    float *ones;
    int rc;

    arena_reset(a);
    rc = pass_rows(&p, t, step * t->batch + from, n, err);
    if (rc)
        return rc;
    ones = arena_f32(a, p.N, 1);
    if (!ones)
        return err_nomem(err, "for a batch");
    for (int64_t s = 0; s < p.S; s++) {
        const struct learned_row *r =
            &t->rows->list[shuffle_at(&t->shuffle, step * t->batch + from + s)];

        for (int64_t i = p.first[s]; i < p.first[s + 1]; i++)
            ones[i] = is_learned(r, i - p.first[s]) ? 1.0f : 0.0f;
    }
    rc = answer_backward(&p, a, ones, (struct mat){0}, err);
    for (int64_t i = 0; i < p.N && !rc; i++) {
        if (ones[i] > 0.0f)
            *loss -= (double)p.logp[i];
        *weight += (double)ones[i];
    }
    *tokens += (double)p.b.T;
    return rc;
}

int
supervised_init(struct supervised *t, struct run_task *task, trv_err *err)
{
    int rc = session_decoder(t->s, &t->d, err);

    if (!rc && !t->adapter_weights && !t->d->w_full)
        rc = decoder_train_full(t->d, err);
    if (!rc)
        rc = decoder_plan_backward(t->d, err);
    if (rc)
        return rc;
    rc = shuffle_init(&t->shuffle, t->rows->n, t->seed, err);
    if (rc)
        return rc;
    t->learner = (struct student){t->d, t->adapter_weights};
    *task = (struct run_task){.self = t,
                              .loss_unit = "nats per token",
                              .gradient = supervised_gradient};
    student_learns(task, &t->learner);
    return 0;
}

void
supervised_release(struct supervised *t)
{
    shuffle_release(&t->shuffle);
}

/* --- evaluation --- */

int
supervised_loss(double *loss, struct session *s,
                const struct learned_rows *rows,
                const struct adapter_weights *adapter_weights, trv_err *err)
{
    const int64_t skip =
        rows->n_virtual - adapter_weights_virtual_count(adapter_weights);
    double sum = 0.0;
    struct decoder *d;
    int rc = session_decoder(s, &d, err);

    for (int64_t i = 0; i < rows->n && !rc;) {
        struct scored_row *scored;
        float **logp;
        int64_t n = 0, tokens = 0;

        arena_reset(&s->arena);
        while (i + n < rows->n &&
               (n == 0 || tokens + rows->list[i + n].n <= ENGINE_TOKENS))
            tokens += rows->list[i + n++].n;
        scored = arena_alloc(&s->arena, (size_t)n * sizeof(*scored));
        logp = arena_alloc(&s->arena, (size_t)n * sizeof(*logp));
        if (!scored || !logp)
            return err_nomem(err, "for a pass");
        for (int64_t k = 0; k < n && !rc; k++) {
            const struct learned_row *r = &rows->list[i + k];

            scored[k] =
                (struct scored_row){r->ids + skip, r->n - skip,
                                    r->n_context - skip, adapter_weights};
            logp[k] = arena_f32(&s->arena, r->n, 1);
            if (!logp[k])
                rc = err_nomem(err, "for a pass");
        }
        if (!rc)
            rc = engine_score(d, &s->arena, logp, scored, n, err);
        for (int64_t k = 0; k < n && !rc; k++)
            for (int64_t j = 0; j < scored[k].n - scored[k].n_context; j++)
                if (is_learned(&rows->list[i + k], j))
                    sum -= (double)logp[k][j];
        i += n;
    }
    *loss = sum / (double)rows->loss_tokens;
    return rc;
}
