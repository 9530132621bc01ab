/* decoder.c -- opening a decoder: weights packed for a backend, small vectors
 * as f32, and the flat master copy of full training.
 * The passes are in decoder_forward.c and decoder_backward.c.
 */
#include "model/decoder/decoder.h"

#include <stdio.h>
#include <string.h>

#include "model/files/checkpoint.h"

/* Which parts make up each of a layer's four linear maps. */
static int
qkv_parts(enum part parts[LINEAR_PARTS], const struct model_config *cfg)
{
    if (cfg->fused_qkv) {
        parts[0] = PART_QKV;
        return 1;
    }
    parts[0] = PART_Q;
    parts[1] = PART_K;
    parts[2] = PART_V;
    return 3;
}

static int
up_parts(enum part parts[LINEAR_PARTS], const struct model_config *cfg)
{
    int n = 0;

    if (cfg->fused_up) {
        parts[0] = PART_GATE_UP;
        return 1;
    }
    if (cfg->gated)
        parts[n++] = PART_GATE;
    parts[n++] = PART_UP;
    return n;
}

static void
describe_linear(struct dec_linear *l, const struct model_config *cfg,
                const struct layer_tensors *t, const enum part *parts, int n)
{
    l->lin = (struct linear){.n_parts = n, .transposed = cfg->conv1d};
    for (int i = 0; i < n; i++) {
        int64_t out, in;

        part_shape(&out, &in, cfg, parts[i]);
        l->parts[i] = parts[i];
        l->lin.part[i] = t->w[parts[i]];
        l->lin.in = in;
        l->lin.out += out;
    }
}

/* Every small vector of the decoder in one order: visit calls back with the
 * tensors that fill it, one after the other. */
typedef void (*vec_visitor)(struct dec_vec *vec,
                            const struct tensor *const *parts, int n,
                            void *payload);

static void
visit_bias(struct dec_linear *l, const struct layer_tensors *t, vec_visitor f,
           void *payload)
{
    const struct tensor *parts[LINEAR_PARTS];

    for (int i = 0; i < l->lin.n_parts; i++)
        parts[i] = t->b[l->parts[i]];
    f(&l->bias, parts, parts[0] ? l->lin.n_parts : 0, payload);
}

static void
visit_vectors(struct decoder *d, vec_visitor f, void *payload)
{
    const struct model *m = d->model;

    for (int64_t i = 0; i < d->cfg->layers; i++) {
        struct dec_layer *l = &d->layers[i];
        const struct layer_tensors *t = &m->layers[i];

        f(&l->norm1_w, &t->norm1_w, t->norm1_w != NULL, payload);
        f(&l->norm1_b, &t->norm1_b, t->norm1_b != NULL, payload);
        visit_bias(&l->qkv, t, f, payload);
        f(&l->q_norm, &t->q_norm, t->q_norm != NULL, payload);
        f(&l->k_norm, &t->k_norm, t->k_norm != NULL, payload);
        visit_bias(&l->o, t, f, payload);
        f(&l->out1_w, &t->out1_w, t->out1_w != NULL, payload);
        f(&l->out1_b, &t->out1_b, t->out1_b != NULL, payload);
        f(&l->norm2_w, &t->norm2_w, t->norm2_w != NULL, payload);
        f(&l->norm2_b, &t->norm2_b, t->norm2_b != NULL, payload);
        visit_bias(&l->up, t, f, payload);
        visit_bias(&l->down, t, f, payload);
        f(&l->out2_w, &t->out2_w, t->out2_w != NULL, payload);
        f(&l->out2_b, &t->out2_b, t->out2_b != NULL, payload);
    }
    f(&d->norm_w, &m->norm_w, m->norm_w != NULL, payload);
    f(&d->norm_b, &m->norm_b, m->norm_b != NULL, payload);
}

static void
count_vector(struct dec_vec *vec, const struct tensor *const *parts, int n,
             void *payload)
{
    int64_t *total = payload;

    (void)vec;
    for (int i = 0; i < n; i++)
        *total += tensor_cols(parts[i]);
}

struct vec_reader {
    struct backend *be;
    float *at;
};

static void
read_vector(struct dec_vec *vec, const struct tensor *const *parts, int n,
            void *payload)
{
    struct vec_reader *r = payload;

    vec->v = n ? r->at : NULL;
    for (int i = 0; i < n; i++) {
        const int64_t cols = tensor_cols(parts[i]);

        r->be->ops->load(r->be, mat_f32(r->at, 1, cols), parts[i], NULL);
        r->at += cols;
    }
}

/* n values in the backend's memory; NULL without it. */
static float *
vector_new(struct backend *be, int64_t n)
{
    size_t bytes;

    return mem_mul(&bytes, (size_t)n, sizeof(float))
               ? be->ops->mem_alloc(be, bytes)
               : NULL;
}

static float *
zeros_new(struct backend *be, int64_t n)
{
    float *v = vector_new(be, n);

    if (v)
        be->ops->zero(be, mat_f32(v, 1, n));
    return v;
}

/* Pack a linear map, for the forward or the backward product. What was packed
 * need not stay in memory a second time as pages of the file. */
static int
pack_linear(struct decoder *d, struct dec_linear *l, bool backward,
            trv_err *err)
{
    const struct backend_ops *ops = d->be->ops;
    const int rc = backward ? ops->linear_open_backward(d->be, &l->lin, err)
                            : ops->linear_open(d->be, &l->lin, err);

    for (int i = 0; i < l->lin.n_parts; i++)
        checkpoint_forget(d->model->ckpt, l->lin.part[i]);
    return rc;
}

static int
pack_all(struct decoder *d, bool backward, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; i < d->cfg->layers && !rc; i++) {
        struct dec_layer *l = &d->layers[i];

        if (!backward || i > 0 || d->g_full) // nothing learns below layer 0
            rc = pack_linear(d, &l->qkv, backward, err);
        if (!rc)
            rc = pack_linear(d, &l->o, backward, err);
        if (!rc)
            rc = pack_linear(d, &l->up, backward, err);
        if (!rc)
            rc = pack_linear(d, &l->down, backward, err);
    }
    if (!d->model->head) // a reward model
        return rc;
    return rc ? rc : pack_linear(d, &d->head, backward, err);
}

int
decoder_open(struct decoder **out, const struct model *m, struct backend *be,
             trv_err *err)
{
    struct decoder *d = mem_calloc(1, sizeof(*d));
    int64_t n_vectors = 0;
    struct vec_reader reader = {be, NULL};
    int rc = 0;

    *out = NULL;
    if (!d)
        return err_fail(err, TRV_ENOMEM, "no memory to open a decoder");
    d->model = m;
    d->cfg = &m->cfg;
    d->be = be;
    d->layers = mem_calloc((size_t)m->cfg.layers, sizeof(*d->layers));
    if (!d->layers)
        goto no_memory;

    for (int64_t i = 0; i < m->cfg.layers; i++) {
        struct dec_layer *l = &d->layers[i];
        const struct layer_tensors *t = &m->layers[i];
        enum part parts[LINEAR_PARTS];
        const int n_qkv = qkv_parts(parts, &m->cfg);

        describe_linear(&l->qkv, &m->cfg, t, parts, n_qkv);
        describe_linear(&l->up, &m->cfg, t, parts, up_parts(parts, &m->cfg));
        parts[0] = PART_O;
        describe_linear(&l->o, &m->cfg, t, parts, 1);
        parts[0] = PART_DOWN;
        describe_linear(&l->down, &m->cfg, t, parts, 1);
    }
    d->head.lin = (struct linear){.in = m->cfg.width,
                                  .out = m->cfg.vocab,
                                  .n_parts = 1,
                                  .part = {m->head}};

    if (m->score) {
        rc = decoder_add_score(d, err);
        if (rc)
            goto done;
        be->ops->load(be, mat_f32(d->score.v, 1, m->cfg.width), m->score, NULL);
    }
    visit_vectors(d, count_vector, &n_vectors);
    d->frozen = vector_new(be, n_vectors);
    if (!d->frozen)
        goto no_memory;
    reader.at = d->frozen;
    visit_vectors(d, read_vector, &reader);

    rc = pack_all(d, false, err);
    if (rc)
        goto done;
    *out = d;
    return 0;
no_memory:
    rc = err_fail(err, TRV_ENOMEM, "no memory to open a decoder");
done:
    decoder_free(d);
    return rc;
}

void
decoder_free(struct decoder *d)
{
    if (!d)
        return;
    for (int64_t i = 0; d->layers && i < d->cfg->layers; i++) {
        struct dec_layer *l = &d->layers[i];

        d->be->ops->linear_close(d->be, &l->qkv.lin);
        d->be->ops->linear_close(d->be, &l->o.lin);
        d->be->ops->linear_close(d->be, &l->up.lin);
        d->be->ops->linear_close(d->be, &l->down.lin);
    }
    d->be->ops->linear_close(d->be, &d->head.lin);
    mem_free(d->layers);
    d->be->ops->mem_free(d->be, d->cos_sin);
    d->be->ops->mem_free(d->be, d->frozen);
    d->be->ops->mem_free(d->be, d->score_frozen);
    d->be->ops->mem_free(d->be, d->w_full);
    d->be->ops->mem_free(d->be, d->g_full);
    mem_free(d->items);
    mem_free(d);
}

int
decoder_plan_backward(struct decoder *d, trv_err *err)
{
    int rc = 0;

    if (!d->has_backward) {
        rc = pack_all(d, true, err);
        d->has_input_backward = !rc && d->g_full;
    }
    d->has_backward = !rc;
    return rc;
}

int
decoder_plan_input_backward(struct decoder *d, trv_err *err)
{
    int rc = decoder_plan_backward(d, err);

    if (!rc && !d->has_input_backward) {
        rc = pack_linear(d, &d->layers[0].qkv, true, err);
        d->has_input_backward = !rc;
    }
    return rc;
}

/* --- full training --- */

/* A layout run first counts (w NULL), then places: the same walk, so the two
 * cannot disagree. */
struct layout {
    struct decoder *d;
    int64_t n, n_items;
    bool placing;
};

/* w [rows,cols] = a tensor stored as [cols,rows]: each stored row is a column.
 * `line` is room for one, of zeros before and after. */
static void
load_columns(struct backend *be, float *w, float *line, const struct tensor *t,
             int64_t rows, int64_t cols)
{
    const struct mat row = mat_f32(line, 1, rows);
    const struct mat column = {line, DT_F32, rows, 1, 1};

    for (int32_t c = 0; c < cols; c++) {
        be->ops->load(be, row, t, &c);
        be->ops->copy(be, (struct mat){w + c, DT_F32, rows, 1, cols}, column);
    }
    be->ops->zero(be, row);
}

/* Of a tensor without data nothing is loaded. */
static float *
lay_matrix(struct layout *lay, float **grad, const struct tensor *t,
           int64_t rows, int64_t cols, bool transposed)
{
    struct decoder *d = lay->d;
    float *w = NULL;

    if (lay->placing) {
        struct dec_item *item = &d->items[lay->n_items];

        *item = (struct dec_item){.at = lay->n, .rows = rows, .cols = cols};
        snprintf(item->name, sizeof(item->name), "%s", t->name);
        w = d->w_full + lay->n;
        *grad = d->g_full + lay->n;
        if (transposed)
            load_columns(d->be, w, *grad, t, rows, cols);
        else if (t->data)
            d->be->ops->load(d->be, mat_f32(w, rows, cols), t, NULL);
    }
    lay->n += rows * cols;
    lay->n_items++;
    return w;
}

static void
lay_vector(struct dec_vec *vec, const struct tensor *const *parts, int n,
           void *payload)
{
    struct layout *lay = payload;

    for (int i = 0; i < n; i++) {
        float *grad = NULL;
        float *w =
            lay_matrix(lay, &grad, parts[i], 1, tensor_cols(parts[i]), false);

        if (lay->placing && i == 0)
            *vec = (struct dec_vec){w, grad};
    }
}

static void
lay_linear(struct layout *lay, struct dec_linear *l)
{
    for (int i = 0; i < l->lin.n_parts; i++) {
        float *grad = NULL, *w;
        const struct tensor *t = l->lin.part[i];
        const int64_t rows = l->lin.transposed ? t->dim[1] : t->dim[0];

        w = lay_matrix(lay, &grad, t, rows, l->lin.in, l->lin.transposed);
        if (lay->placing && i == 0) {
            l->lin.master = w;
            l->d_w = grad;
        }
    }
}

/* The scalar head, from where it is. */
static void
lay_score(struct layout *lay)
{
    struct decoder *d = lay->d;
    const int64_t C = d->cfg->width;
    const struct tensor t = {
        .name = "score.weight", .type = DT_F32, .n_dims = 2, .dim = {1, C}};
    float *grad = NULL, *w = lay_matrix(lay, &grad, &t, 1, C, false);

    if (!lay->placing)
        return;
    d->be->ops->copy(d->be, mat_f32(w, 1, C), mat_f32(d->score.v, 1, C));
    d->score = (struct dec_vec){w, grad};
}

static void
lay_all(struct layout *lay)
{
    struct decoder *d = lay->d;
    const struct model *m = d->model;
    const struct model_config *cfg = d->cfg;

    d->embed =
        lay_matrix(lay, &d->d_embed, m->embed, cfg->vocab, cfg->width, false);
    if (cfg->learned_pos)
        d->pos_embed = lay_matrix(lay, &d->d_pos_embed, m->pos_embed,
                                  cfg->context, cfg->width, false);
    for (int64_t i = 0; i < cfg->layers; i++) {
        lay_linear(lay, &d->layers[i].qkv);
        lay_linear(lay, &d->layers[i].o);
        lay_linear(lay, &d->layers[i].up);
        lay_linear(lay, &d->layers[i].down);
    }
    visit_vectors(d, lay_vector, lay);
    if (d->score.v) { // the vocabulary's head is not asked for
        lay_score(lay);
    } else if (!cfg->tied) {
        lay_linear(lay, &d->head);
    } else if (lay->placing) {
        d->head.lin.master = d->embed;
        d->head.d_w = d->d_embed;
    }
}

void
decoder_refresh_full(struct decoder *d)
{
    for (int64_t i = 0; i < d->cfg->layers; i++) {
        struct dec_layer *l = &d->layers[i];

        d->be->ops->linear_refresh(d->be, &l->qkv.lin);
        d->be->ops->linear_refresh(d->be, &l->o.lin);
        d->be->ops->linear_refresh(d->be, &l->up.lin);
        d->be->ops->linear_refresh(d->be, &l->down.lin);
    }
    if (!d->score.v)
        d->be->ops->linear_refresh(d->be, &d->head.lin);
}

int
decoder_add_score(struct decoder *d, trv_err *err)
{
    d->score_frozen = zeros_new(d->be, d->cfg->width);
    if (!d->score_frozen)
        return err_fail(err, TRV_ENOMEM, "no memory for a scalar head");
    d->score.v = d->score_frozen;
    return 0;
}

int
decoder_train_full(struct decoder *d, trv_err *err)
{
    struct layout count = {.d = d}, place = {.d = d, .placing = true};

    lay_all(&count);
    d->items = mem_calloc((size_t)count.n_items, sizeof(*d->items));
    d->w_full = zeros_new(d->be, count.n);
    d->g_full = zeros_new(d->be, count.n);
    if (!d->items || !d->w_full || !d->g_full) {
        mem_free(d->items);
        d->be->ops->mem_free(d->be, d->w_full);
        d->be->ops->mem_free(d->be, d->g_full);
        d->items = NULL;
        d->w_full = d->g_full = NULL;
        return err_fail(err, TRV_ENOMEM, "no memory for %lld trained weights",
                        (long long)count.n);
    }
    lay_all(&place);
    d->n_full = count.n;
    d->n_items = count.n_items;
    d->has_backward = false; // the lowest map learns now, too
    decoder_refresh_full(d);
    return 0;
}

void
decoder_locate(char *buf, size_t size, const struct decoder *d, int64_t index)
{
    buf[0] = '\0';
    for (int64_t i = 0; i < d->n_items; i++) {
        const struct dec_item *item = &d->items[i];

        if (index >= item->at && index < item->at + item->rows * item->cols)
            snprintf(buf, size, "%s", item->name);
    }
}

/* --- cache --- */

int
kv_cache_open(struct kv_cache *c, struct backend *be,
              const struct model_config *cfg, int64_t slots, trv_err *err)
{
    const int64_t L = cfg->layers, W = cfg->kv_heads * cfg->head_dim;
    size_t n;

    *c = (struct kv_cache){.be = be, .slots = slots};
    c->k = mem_calloc((size_t)L, sizeof(*c->k));
    c->v = mem_calloc((size_t)L, sizeof(*c->v));
    if (mem_mul(&n, (size_t)slots, (size_t)(2 * L * W)))
        c->store = vector_new(be, (int64_t)n);
    if (!c->k || !c->v || !c->store) {
        kv_cache_release(c);
        return err_fail(err, TRV_ENOMEM, "no memory for a cache of %lld tokens",
                        (long long)slots);
    }
    for (int64_t l = 0; l < L; l++) {
        c->k[l] = c->store + (2 * l) * slots * W;
        c->v[l] = c->store + (2 * l + 1) * slots * W;
    }
    return 0;
}

void
kv_cache_release(struct kv_cache *c)
{
    mem_free(c->k);
    mem_free(c->v);
    if (c->store)
        c->be->ops->mem_free(c->be, c->store);
    *c = (struct kv_cache){0};
}

float *
tensor_f32(struct arena *a, int64_t rows, int64_t cols)
{
    return mat_new(a, DT_F32, rows, cols).data;
}

struct mat
mat_new(struct arena *a, enum dtype type, int64_t rows, int64_t cols)
{
    size_t n = 0;
    struct mat m = {NULL, type, rows, cols, cols};

    if (mem_mul(&n, (size_t)rows, (size_t)cols) &&
        mem_mul(&n, n, type == DT_F32 ? 4 : 2))
        m.data = arena_tensor(a, n);
    return m;
}
