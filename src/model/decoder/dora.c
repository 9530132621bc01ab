/* dora.c -- norms of adapted weights, and the two passes. */
#include "model/decoder/dora.h"

#include <math.h>
#include <string.h>

#include "model/decoder/decoder.h"
#include "model/files/checkpoint.h"

/* Vectors hold the rows of all pairs, end to end. */
struct dora {
    const struct decoder *of; // whose weights `base` is of; NULL: none yet
    bool fresh;
    int64_t rows;
    int64_t *from;              // [layers * PART_COUNT] a pair's first row
    double *base;               // [rows] |W|^2
    float *host;                // [3 * rows] room to compute in
    float *inv, *shift, *scale; // [rows] 1/|V|, -b/|V|, m/|V|
    struct backend *be;         // whose memory these three are; NULL: none
};

static struct dora *
norms_new(const struct lora *l)
{
    const int64_t n_pairs = l->layers * PART_COUNT;
    struct dora *n = mem_calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    n->from = mem_calloc((size_t)n_pairs, sizeof(*n->from));
    for (int64_t i = 0; n->from && i < n_pairs; i++) {
        n->from[i] = n->rows;
        n->rows += l->pairs[i].rank > 0 ? l->pairs[i].out : 0;
    }
    n->base = mem_calloc((size_t)n->rows, sizeof(*n->base));
    n->host = mem_calloc((size_t)n->rows * 3, sizeof(float));
    if (!n->from || !n->base || !n->host) {
        dora_free(n);
        return NULL;
    }
    return n;
}

int
dora_stale(struct lora *l, trv_err *err)
{
    if (!l->norms)
        l->norms = norms_new(l);
    if (!l->norms)
        return err_fail(err, TRV_ENOMEM, "no memory for the norms of DoRA");
    l->norms->fresh = false;
    return 0;
}

void
dora_free(struct dora *n)
{
    if (!n)
        return;
    if (n->be)
        n->be->ops->mem_free(n->be, n->inv);
    mem_free(n->from);
    mem_free(n->base);
    mem_free(n->host);
    mem_free(n);
}

/* sums [out] = |W|^2 row by row, of a stored map; line [in or out] is room. */
static void
row_squares(double *sums, float *line, const struct model *m,
            const struct tensor *w, bool transposed)
{
    const int64_t rows = tensor_rows(w), cols = tensor_cols(w);

    for (int64_t r = 0; r < rows; r++) {
        tensor_rows_f32(line, w, r, 1);
        for (int64_t c = 0; c < cols; c++)
            sums[transposed ? c : r] += (double)line[c] * (double)line[c];
    }
    checkpoint_forget(m->ckpt, w);
}

/* |W|^2 of all adapted maps into base, at each pair's first row. */
static int
base_squares(double *base, const struct lora *l, const struct model *m,
             const int64_t *from, trv_err *err)
{
    const struct model_config *cfg = &m->cfg;
    int64_t widest = 0;
    float *line;

    for (int64_t i = 0; i < l->layers * PART_COUNT; i++) {
        const struct lora_pair *p = &l->pairs[i];

        widest = p->in > widest ? p->in : widest;
        widest = p->out > widest ? p->out : widest;
    }
    line = mem_array((size_t)widest, sizeof(float));
    if (!line)
        return err_fail(err, TRV_ENOMEM, "no memory for the norms of DoRA");
    for (int64_t i = 0; i < l->layers * PART_COUNT; i++)
        if (l->pairs[i].rank > 0)
            row_squares(base + from[i], line, m,
                        m->layers[i / PART_COUNT].w[i % PART_COUNT],
                        cfg->conv1d);
    mem_free(line);
    return 0;
}

int
dora_start(struct lora *l, const struct model *m, trv_err *err)
{
    struct dora *n = norms_new(l);
    int rc;

    if (!n)
        return err_fail(err, TRV_ENOMEM, "no memory for the norms of DoRA");
    rc = base_squares(n->base, l, m, n->from, err);
    for (int64_t i = 0; i < l->layers * PART_COUNT && !rc; i++)
        for (int64_t j = 0; l->pairs[i].rank > 0 && j < l->pairs[i].out; j++)
            l->pairs[i].m[j] = (float)sqrt(n->base[n->from[i] + j]);
    dora_free(n);
    return rc;
}

/* The first time, and where another decoder runs the same LoRA. */
static int
take_base(struct dora *n, struct decoder *d, const struct lora *l, trv_err *err)
{
    int rc;

    if (n->of == d)
        return 0;
    if (n->be)
        n->be->ops->mem_free(n->be, n->inv);
    n->be = NULL;
    n->of = NULL;
    memset(n->base, 0, (size_t)n->rows * sizeof(*n->base));
    rc = base_squares(n->base, l, d->model, n->from, err);
    if (rc)
        return rc;
    n->inv = d->be->ops->mem_alloc(d->be, (size_t)n->rows * 3 * sizeof(float));
    if (!n->inv)
        return err_fail(err, TRV_ENOMEM, "no memory for the norms of DoRA");
    n->be = d->be;
    n->shift = n->inv + n->rows;
    n->scale = n->shift + n->rows;
    n->of = d;
    return 0;
}

/* Values on the host; v NULL without memory. */
struct values {
    const float *v;
    int64_t ld;
};

static struct values
fetch(struct backend *be, struct arena *a, struct mat x)
{
    const struct mat host = backend_fetch(be, a, x);

    return (struct values){(const float *)host.data, host.ld};
}

/* The three vectors of one pair, on the host; wa [rank,out] = A W^T. */
static int
pair_norms(struct dora *n, struct decoder *d, struct arena *a, int64_t at,
           const struct lora_pair *p, struct mat wa, float *bias, trv_err *err)
{
    const struct mat A = mat_f32(p->a, p->rank, p->in);
    const struct mat B = mat_f32(p->b, p->out, p->rank);
    struct mat gram = mat_new(a, DT_F32, p->rank, p->rank);
    struct mat q = mat_new(a, DT_F32, p->out, p->rank);
    const double s = (double)p->scale;
    struct values b, bg, w, m, of_bias = {0};

    if (!gram.data || !q.data)
        return err_fail(err, TRV_ENOMEM, "no memory for the norms of DoRA");
    d->be->ops->matmul(d->be, gram, A, false, A, true, 1.0f, 0.0f);
    d->be->ops->matmul(d->be, q, B, false, gram, false, 1.0f, 0.0f);
    b = fetch(d->be, a, B);
    bg = fetch(d->be, a, q);
    w = fetch(d->be, a, wa);
    m = fetch(d->be, a, mat_f32(p->m, 1, p->out));
    if (bias)
        of_bias = fetch(d->be, a, mat_f32(bias, 1, p->out));
    if (!b.v || !bg.v || !w.v || !m.v || (bias && !of_bias.v))
        return err_fail(err, TRV_ENOMEM, "no memory for the norms of DoRA");
    for (int64_t j = 0; j < p->out; j++) {
        double sum = n->base[at + j], inv;

        for (int64_t k = 0; k < p->rank; k++)
            sum += s * (double)b.v[j * b.ld + k] *
                   (2.0 * (double)w.v[k * w.ld + j] +
                    s * (double)bg.v[j * bg.ld + k]);
        inv = sum > 0.0 ? 1.0 / sqrt(sum) : 0.0;
        n->host[at + j] = (float)inv;
        n->host[n->rows + at + j] =
            bias ? (float)(-inv * (double)of_bias.v[j]) : 0.0f;
        n->host[2 * n->rows + at + j] = (float)(inv * (double)m.v[j]);
    }
    return 0;
}

static int
map_norms(struct decoder *d, struct arena *a, const struct lora *l,
          int64_t layer, enum dec_map map, trv_err *err)
{
    const struct dec_linear *lin = decoder_map(d, layer, map);
    const struct lora_stack s =
        lora_stack_of(l, d->cfg, layer, lin->parts, lin->lin.n_parts);
    const struct arena_mark mark = arena_mark(a);
    struct mat wa;
    int rc = 0;

    if (s.n == 0)
        return 0;
    wa = mat_new(a, DT_F32, s.rank, lin->lin.out);
    if (!wa.data)
        return err_fail(err, TRV_ENOMEM, "no memory for the norms of DoRA");
    d->be->ops->linear_forward(d->be, wa, mat_f32(s.pair[0]->a, s.rank, s.in),
                               &lin->lin, NULL, 0.0f);
    for (int i = 0; i < s.n && !rc; i++) {
        const struct lora_pair *p = s.pair[i];

        rc = pair_norms(l->norms, d, a, l->norms->from[p - l->pairs], p,
                        mat_part(wa, s.from[i], p->rank, s.col[i], p->out),
                        lin->bias.v ? lin->bias.v + s.col[i] : NULL, err);
    }
    arena_rewind(a, mark);
    return rc;
}

int
dora_refresh(struct decoder *d, struct arena *a, const struct lora *l,
             trv_err *err)
{
    struct dora *n = l->norms;
    int rc;

    TRV_ASSERT(n); // lora_refresh() was called
    if (n->fresh && n->of == d)
        return 0;
    rc = take_base(n, d, l, err);
    for (int64_t i = 0; i < l->layers * DEC_MAPS && !rc; i++)
        rc =
            map_norms(d, a, l, i / DEC_MAPS, (enum dec_map)(i % DEC_MAPS), err);
    if (!rc)
        d->be->ops->upload(d->be, n->inv, n->host,
                           (size_t)n->rows * 3 * sizeof(float));
    n->fresh = !rc;
    return rc;
}

/* By way of V x / |V|, whether it is kept or not: both passes then round the
 * same. */
void
dora_forward(struct backend *be, struct mat y, struct mat v,
             const struct lora *l, const struct lora_pair *p, const float *b)
{
    const int64_t at = l->norms->from[p - l->pairs];

    if (!v.data)
        v = y;
    be->ops->scale_columns(be, v, y, l->norms->inv + at,
                           b ? l->norms->shift + at : NULL);
    be->ops->scale_columns(be, y, v, p->m, b);
}

void
dora_backward(struct backend *be, struct mat dy, struct mat v,
              const struct lora *l, const struct lora_pair *p)
{
    if (p->d_m)
        be->ops->dot_columns(be, p->d_m, dy, v);
    be->ops->scale_columns(
        be, dy, dy, l->norms->scale + l->norms->from[p - l->pairs], NULL);
}
