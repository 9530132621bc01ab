/* head_task.c -- pairs of answers, and the gradient of their loss. */
#include "learn/head_task.h"

#include <math.h>
#include <string.h>

#include "learn/student.h"
#include "model/decoder/scalar.h"
#include "text/data_columns.h"

/* ---- pairs -------------------------------------------------------------- */

int
pair_rows_begin(struct pair_rows *out, int64_t cap, trv_err *err)
{
    *out = (struct pair_rows){0};
    if (cap >= INT32_MAX) // a shuffle draws 32 bits
        return err_fail(err, TRV_ERANGE, "%lld pairs are more than %d",
                        (long long)cap, INT32_MAX - 1);
    out->list = mem_calloc((size_t)cap + 1, sizeof(*out->list));
    return out->list ? 0 : err_nomem(err, "for %lld pairs", (long long)cap);
}

int
pair_rows_add(struct pair_rows *out, const struct ids *chosen,
              const struct ids *rejected, double gap, trv_err *err)
{
    const struct ids *const side[PAIR_SIDES] = {chosen, rejected};
    struct pair_row *row = &out->list[out->n];

    for (int k = 0; k < PAIR_SIDES; k++) {
        row->n[k] = side[k]->n;
        row->ids[k] = mem_array((size_t)side[k]->n, sizeof(int32_t));
        if (!row->ids[k]) {
            mem_free(row->ids[CHOSEN]);
            row->ids[CHOSEN] = NULL;
            return err_nomem(err, "for a pair");
        }
        memcpy(row->ids[k], side[k]->v, (size_t)side[k]->n * sizeof(int32_t));
        out->tokens += side[k]->n;
    }
    row->gap = gap;
    out->n++;
    return 0;
}

/* Ids of both rows of a pair. */
static int
read_pair(struct ids side[PAIR_SIDES], struct example *e,
          const struct text_rules *rules, const struct data_row *row,
          trv_err *err)
{
    int rc = data_columns_check(row, DATA_REWARD, err);

    if (rc)
        return rc;
    if (!row->chosen)
        return data_row_fail(row, err, TRV_EFORMAT,
                             "the row is no pair: it needs columns 'chosen' "
                             "and 'rejected'");
    if (row->prompt || row->messages || row->text)
        rc = example_context(e, rules, row, NULL, NULL, err);
    else
        rc = data_row_fail(row, err, TRV_EFORMAT,
                           "the row has no prompt, and its answers do not "
                           "begin alike");
    for (int k = 0; k < PAIR_SIDES && !rc; k++) {
        side[k].n = 0;
        rc =
            example_append(e, rules, row, k ? row->rejected : row->chosen, err);
        if (!rc && ids_append(&side[k], e->ids.v, e->ids.n))
            rc = err_nomem(err, "for a pair");
        if (!rc && side[k].n < 1)
            rc = data_row_fail(row, err, TRV_EFORMAT, "the row is empty");
    }
    if (rc == TRV_EINVAL && err) // it is the file that is wrong here
        rc = err->code = TRV_EFORMAT;
    return rc;
}

/* By how much the chosen answer should lead; NaN where a row does not say. */
static int
read_margin(double *gap, struct pair_rows *out, const struct data_row *row,
            bool first, trv_err *err)
{
    const json_t *v = json_object_get(row->json, "margin");
    const bool is_there = v && !json_is_null(v);

    *gap = is_there ? json_number_value(v) : (double)NAN;
    if (is_there && (!json_is_number(v) || !isfinite(*gap)))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column 'margin' is no number");
    if (!first && is_there != out->has_margin)
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column 'margin' is %s here, and %s in the rows "
                             "before",
                             is_there ? "there" : "missing",
                             is_there ? "missing" : "there");
    out->has_margin = is_there;
    return 0;
}

int
pair_rows_open(struct pair_rows *out, const struct model *m, const char *path,
               int64_t max_length, trv_err *err)
{
    const struct text_rules rules = model_text_rules(m);
    struct ids side[PAIR_SIDES] = {0};
    struct example e = {0};
    struct data data = {0};
    int rc = data_open(&data, path, err);

    *out = (struct pair_rows){0};
    if (rc)
        return rc;
    rc = pair_rows_begin(out, data.n, err);
    memcpy(out->hash, data.hash, sizeof(out->hash));
    row_layout_of(&out->layout, &rules, data.rows, data.n, false);
    out->unused = data.unused;
    data.unused = NULL;
    for (int64_t i = 0; i < data.n && !rc; i++) {
        double gap = (double)NAN;

        rc = read_pair(side, &e, &rules, &data.rows[i], err);
        if (!rc)
            rc = read_margin(&gap, out, &data.rows[i], i == 0, err);
        if (!rc && side[CHOSEN].n <= max_length &&
            side[REJECTED].n <= max_length)
            rc = pair_rows_add(out, &side[CHOSEN], &side[REJECTED], gap, err);
        else
            out->n_dropped++;
    }
    if (!rc && out->n == 0)
        rc = err_fail(err, TRV_EFORMAT, "no pair of '%s' fits into %lld tokens",
                      path, (long long)max_length);
    for (int k = 0; k < PAIR_SIDES; k++)
        ids_release(&side[k]);
    example_release(&e);
    data_release(&data);
    if (rc)
        pair_rows_release(out);
    return rc;
}

void
pair_rows_release(struct pair_rows *r)
{
    for (int64_t i = 0; i < r->n; i++)
        for (int k = 0; k < PAIR_SIDES; k++)
            mem_free(r->list[i].ids[k]);
    mem_free(r->list);
    mem_free(r->unused);
    *r = (struct pair_rows){0};
}

/* ---- the task ----------------------------------------------------------- */

/* Pairs of a micro-batch: rows 2i and 2i+1 are pair i's. */
struct picked {
    struct batch b;
    int64_t n;                // pairs
    int64_t *where;           // [2n] packed tokens that are read
    double *margin, *r, *d_r; // [n], [2n] chosen first, [2n]
};

static int
pick_pairs(struct picked *p, struct head_task *t, int64_t from, int64_t n,
           trv_err *err)
{
    struct arena *a = &t->s->arena;
    struct row *rows = arena_alloc(a, (size_t)(2 * n) * sizeof(*rows));
    const int64_t *const *at;
    int rc;

    *p = (struct picked){.n = n};
    p->where = arena_alloc(a, (size_t)(2 * n) * sizeof(*p->where));
    p->margin = arena_alloc(a, (size_t)n * sizeof(double));
    p->r = arena_alloc(a, (size_t)(2 * n) * sizeof(double));
    p->d_r = arena_alloc(a, (size_t)(2 * n) * sizeof(double));
    if (!rows || !p->where || !p->margin || !p->r || !p->d_r)
        return err_nomem(err, "for a batch of pairs");
    memset(p->d_r, 0, (size_t)(2 * n) * sizeof(double));
    for (int64_t i = 0; i < n; i++) {
        const struct pair_row *pair =
            &t->rows->list[shuffle_at(&t->shuffle, from + i)];

        p->margin[i] = pair->gap;
        for (int k = 0; k < PAIR_SIDES; k++)
            rows[k * n + i] =
                (struct row){pair->ids[k],
                             scalar_place(pair->ids[k], pair->n[k], t->pad) + 1,
                             t->adapter_weights};
    }
    rc = batch_pack(&p->b, &at, a, rows, 2 * n, err);
    for (int64_t i = 0; i < 2 * n && !rc; i++)
        p->where[i] = at[i][rows[i].n - 1];
    return rc;
}

/* The sum of losses, and its gradient at the scores. */
static double
pair_losses(struct head_task *t, struct picked *p)
{
    const int64_t n = p->n;
    const struct reward_pairs x = {
        .rc = p->r,
        .rr = p->r + n,
        .margin = t->match || t->rows->has_margin ? p->margin : NULL,
        .B = n};
    struct reward_figures f;
    const double loss =
        t->match ? loss_reward_match(p->d_r, p->d_r + n, &f, &x, t->centre)
                 : loss_reward(p->d_r, p->d_r + n, &f, &x, t->centre);

    for (int64_t i = 0; i < 2 * n; i++)
        p->d_r[i] *= (double)n; // of the sum, not of the mean
    t->seen += n;
    t->accuracy += f.accuracy * (double)n;
    t->margin += f.margin * (double)n;
    return loss * (double)n;
}

static int
preferred_begin_step(void *self, int64_t step, double *tokens, trv_err *err)
{
    struct head_task *t = self;

    (void)step;
    (void)tokens;
    (void)err;
    t->seen = 0;
    t->accuracy = t->margin = 0.0;
    return 0;
}

static int
head_task_gradient(void *self, int64_t step, int64_t micro, double *loss,
                   double *weight, double *tokens, trv_err *err)
{
    struct head_task *t = self;
    struct arena *a = &t->s->arena;
    const int64_t from = t->batch * micro / t->accumulate;
    const int64_t n = t->batch * (micro + 1) / t->accumulate - from;
    const int64_t first = step * t->batch + from;
    struct saved save = {.dropout_seed = t->seed ^ ((uint64_t)first << 20),
                         .training = true};
    struct adapter_weights_flat flat = {0};
    struct picked p;
    struct mat hidden, dh;
    int rc;

    arena_reset(a);
    if (t->adapter_weights) {
        flat = adapter_weights_flat(t->adapter_weights);
        memset(flat.g, 0, (size_t)flat.n * sizeof(float));
    }
    rc = pick_pairs(&p, t, first, n, err);
    if (!rc)
        rc = decoder_forward(t->d, a, &hidden, &p.b, NULL, &save, err);
    if (rc)
        return rc;
    dh = mat_new(a, DT_F32, p.b.T, t->d->cfg->width);
    if (!dh.data)
        return err_nomem(err, "for a batch of pairs");
    t->d->be->ops->zero(t->d->be, dh);
    scalar_forward(p.r, t->score, hidden, p.where, 2 * n);
    *loss += pair_losses(t, &p);
    scalar_backward(t->d_score, dh, p.d_r, t->score, hidden, p.where, 2 * n);
    rc = decoder_backward(t->d, a, dh, &p.b, &save, err);
    for (int64_t i = 0; i < flat.n && !rc; i++)
        t->g[i] += flat.g[i];
    *weight += (double)n;
    *tokens += (double)p.b.T;
    return rc;
}

static int
head_task_after_update(void *self, trv_err *err)
{
    struct head_task *t = self;

    if (t->adapter_weights) {
        const struct adapter_weights_flat flat =
            adapter_weights_flat(t->adapter_weights);

        memcpy(flat.w, t->w, (size_t)flat.n * sizeof(float));
        return adapter_weights_refresh(t->adapter_weights, t->s->be, err);
    }
    decoder_refresh_full(t->d);
    return 0;
}

static void
head_task_locate(void *self, char *buf, size_t size, int64_t index)
{
    const struct head_task *t = self;

    if (t->w + index >= t->score && t->w + index < t->score + t->d->cfg->width)
        snprintf(buf, size, "score.weight");
    else if (t->adapter_weights)
        adapter_weights_locate(buf, size, t->adapter_weights, t->d->cfg, index);
    else
        decoder_locate(buf, size, t->d, index);
}

/* A LoRA and the score decay; of all weights some do not. */
static bool
head_task_decays(void *self, int64_t index, int64_t *end)
{
    const struct head_task *t = self;

    if (!t->adapter_weights)
        return student_decays(t->d, NULL, index, end);
    *end = adapter_weights_flat(t->adapter_weights).n + t->d->cfg->width;
    return true;
}

static int64_t
head_task_figures(void *self, const struct run_figure **out)
{
    struct head_task *t = self;
    const double n = (double)t->seen;

    t->figures[0] = (struct run_figure){"accuracy", t->accuracy / n};
    t->figures[1] = (struct run_figure){"margin", t->margin / n};
    *out = t->figures;
    return 2;
}

/* One vector for a LoRA and the score. */
static int
join_vectors(struct head_task *t, int64_t *n, trv_err *err)
{
    const struct adapter_weights_flat flat =
        adapter_weights_flat(t->adapter_weights);

    *n = flat.n + t->d->cfg->width;
    t->w = mem_calloc((size_t)*n, sizeof(float));
    t->g = mem_calloc((size_t)*n, sizeof(float));
    if (!t->w || !t->g)
        return err_nomem(err, "for what is learned");
    memcpy(t->w, flat.w, (size_t)flat.n * sizeof(float));
    t->score = t->w + flat.n;
    t->d_score = t->g + flat.n;
    return 0;
}

static int
train_all(struct head_task *t, int64_t *n, trv_err *err)
{
    int rc = decoder_add_score(t->d, err);

    if (!rc)
        rc = decoder_train_full(t->d, err);
    if (rc)
        return rc;
    *n = t->d->n_full;
    t->w = t->d->w_full;
    t->g = t->d->g_full;
    t->score = t->d->score.v;
    t->d_score = t->d->score.d;
    return 0;
}

int
head_task_init(struct head_task *t, struct run_task *task, trv_err *err)
{
    int64_t n = 0;
    int rc = session_decoder(t->s, &t->d, err);

    TRV_ASSERT(rc || t->adapter_weights || !t->d->w_full);
    if (!rc)
        rc = t->adapter_weights ? join_vectors(t, &n, err)
                                : train_all(t, &n, err);
    if (!rc)
        rc = decoder_plan_backward(t->d, err);
    if (!rc)
        rc = shuffle_init(&t->shuffle, t->rows->n, t->seed, err);
    if (rc)
        return rc;
    *task = (struct run_task){.self = t,
                              .of = t,
                              .loss_unit = t->match ? "" : "nats per pair",
                              .w = t->w,
                              .g = t->g,
                              .n = n,
                              .begin_step = preferred_begin_step,
                              .gradient = head_task_gradient,
                              .after_update = head_task_after_update,
                              .locate = head_task_locate,
                              .decays = head_task_decays,
                              .figures = head_task_figures};
    return 0;
}

void
head_task_release(struct head_task *t)
{
    if (t->adapter_weights) { // else they are the decoder's
        mem_free(t->w);
        mem_free(t->g);
    }
    shuffle_release(&t->shuffle);
}

/* ---- evaluation --------------------------------------------------------- */

int
head_task_evaluate(struct reward_figures *out, struct head_task *t,
                   const struct pair_rows *rows, trv_err *err)
{
    const int64_t n = rows->n;
    struct row *list = mem_calloc((size_t)(2 * n), sizeof(*list));
    double *r = mem_calloc((size_t)(2 * n), sizeof(*r));
    int rc = list && r ? 0 : err_nomem(err, "for a batch of pairs");

    for (int64_t i = 0; i < n && !rc; i++)
        for (int k = 0; k < PAIR_SIDES; k++) // side by side, to share prefixes
            list[2 * i + k] = (struct row){
                rows->list[i].ids[k], rows->list[i].n[k], t->adapter_weights};
    arena_reset(&t->s->arena);
    if (!rc)
        rc = scalar_score(t->d, &t->s->arena, r, t->score, list, 2 * n, t->pad,
                          err);
    if (!rc) {
        *out = (struct reward_figures){.min = r[0], .max = r[0]};
        for (int64_t i = 0; i < 2 * n; i++) {
            out->mean += r[i] / (double)(2 * n);
            out->min = r[i] < out->min ? r[i] : out->min;
            out->max = r[i] > out->max ? r[i] : out->max;
        }
        for (int64_t i = 0; i < n; i++) {
            const double z = r[2 * i] - r[2 * i + 1];

            out->margin += z / (double)n;
            out->accuracy += (z > 0 ? 1.0 : z < 0 ? 0.0 : 0.5) / (double)n;
        }
        if (!isfinite(out->margin) || !isfinite(out->mean))
            rc = err_fail(err, TRV_ENONFINITE,
                          "a reward of held-out pairs is not finite");
    }
    mem_free(list);
    mem_free(r);
    return rc;
}
