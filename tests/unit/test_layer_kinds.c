/* test_layer_kinds.c -- every description of a layer against a plain decoder
 * in double, written out here: one tiny random model whose four layers differ
 * in window, rotary table, norms around the sublayers, norms of q and k, and
 * whether their halves follow one another.
 *
 * Bounds are test_decoder.c's, for its reasons: 2e-5 of the largest logit, and
 * 5e-5 of the largest gradient of a tensor.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "model/decoder/decoder.h"
#include "model/decoder/head.h"
#include "model/files/checkpoint.h"
#include "model/files/family.h"
#include "model/files/safetensors.h"
#include "model/sample/engine.h"

enum { C = 8, L = 4, H = 2, G = 1, D = 4, F = 12, V = 13, T = 9, MOST = 80 };

static const struct family_names names = {
    .layers = "layers",
    .slots = {[SLOT_EMBED] = "embed",
              [SLOT_NORM1] = "norm1",
              [SLOT_OUT1] = "out1",
              [SLOT_NORM2] = "norm2",
              [SLOT_OUT2] = "out2",
              [SLOT_Q_NORM] = "q_norm",
              [SLOT_K_NORM] = "k_norm",
              [SLOT_NORM] = "norm",
              [SLOT_HEAD] = "head"},
    .parts = {"q", "k", "v", NULL, "o", "gate", "up", NULL, "down"},
};
static const struct family family = {.name = "kinds", .names = &names};

static const struct model_config plain = {
    .family = &family,
    .width = C,
    .layers = L,
    .heads = H,
    .kv_heads = G,
    .head_dim = D,
    .mlp_width = F,
    .vocab = V,
    .context = 64,
    .rms = true,
    .norm_eps = 1e-5,
    .n_ropes = 2,
    .ropes = {{.theta = 10000, .dim = 2},
              {.theta = 5, .interleaved = true, .gain = 0.75}},
    .act = ACT_SILU,
    .gated = true,
    .bos = -1,
    .eos = -1,
    .pad = -1,
    .kinds = {{.window = 3, .rope = 0, .norm_in = true},
              {.rope = 1, .norm_out = true, .qk_norm = QK_NORM_WIDTH},
              {.rope = -1,
               .norm_in = true,
               .norm_out = true,
               .qk_norm = QK_NORM_HEAD},
              {.window = 2,
               .rope = 1,
               .norm_in = true,
               .qk_norm = QK_NORM_WIDTH,
               .parallel = true}},
    .kind = {2, 0, 1, 3},
};

/* That model, and the same with one thing changed, or all of them. */
static struct model_config config;

static const struct variant {
    const char *what;
    double embed, attn, residual, logit, attn_cap, logit_cap;
    bool norm_less_one;
    enum activation act;
} variants[] = {
    {.what = "plain", .act = ACT_SILU},
    {.what = "embed_scale", .embed = 1.7, .act = ACT_SILU},
    {.what = "attn_scale", .attn = 1.2, .act = ACT_SILU},
    {.what = "residual_scale", .residual = 0.6, .act = ACT_SILU},
    {.what = "logit_scale", .logit = 0.4, .act = ACT_SILU},
    {.what = "attn_cap", .attn_cap = 1.5, .act = ACT_SILU},
    {.what = "logit_cap", .logit_cap = 2.5, .act = ACT_SILU},
    {.what = "norm_less_one", .norm_less_one = true, .act = ACT_SILU},
    {.what = "gelu", .act = ACT_GELU_TANH},
    {"all", 1.7, 0.9, 0.6, 1.3, 2.0, 3.0, true, ACT_GELU_TANH},
};
#define N_VARIANTS (sizeof(variants) / sizeof(variants[0]))

static void
vary(const struct variant *v)
{
    config = plain;
    config.embed_scale = v->embed;
    config.attn_scale = v->attn;
    config.residual_scale = v->residual;
    config.logit_scale = v->logit;
    config.attn_cap = v->attn_cap;
    config.logit_cap = v->logit_cap;
    config.norm_less_one = v->norm_less_one;
    config.act = v->act;
}

static const int32_t text[T] = {3, 7, 7, 1, 12, 0, 5, 3, 9};

/* The model's tensors, as the file and the plain decoder have them. */
struct world {
    struct layout_item items[MOST];
    double *w[MOST]; // [rows * cols]
    float *f[MOST];
    int n;
    struct model model;
    struct layer_tensors layers[L];
};

static int64_t
count(const struct layout_item *it)
{
    return it->dim[0] * (it->n_dims > 1 ? it->dim[1] : 1);
}

/* --- the plain decoder --- */

static const double *
find(const struct world *w, enum slot slot, int64_t layer, enum part part)
{
    for (int i = 0; i < w->n; i++) {
        const struct layout_item *it = &w->items[i];

        if (it->slot == slot && it->layer == layer &&
            (slot != SLOT_PART || it->part == part))
            return w->w[i];
    }
    return NULL;
}

static void
norm(double *x, int64_t n, const double *w)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    for (int64_t i = 0; i < n; i++)
        x[i] *= (w[i] + config.norm_less_one) /
                sqrt(sum / (double)n + config.norm_eps);
}

static double
factor(double scale)
{
    return scale == 0 ? 1 : scale;
}

static double
cap(double x, double at)
{
    return at == 0 ? x : at * tanh(x / at);
}

static double
activate(double x)
{
    if (config.act == ACT_SILU)
        return x / (1 + exp(-x));
    return x / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}

static void
multiply(double *y, const double *w, const double *x, int64_t out, int64_t in)
{
    for (int64_t o = 0; o < out; o++) {
        y[o] = 0;
        for (int64_t i = 0; i < in; i++)
            y[o] += w[o * in + i] * x[i];
    }
}

/* One head of q or k. */
static void
turn(double *x, const struct layer_desc *desc, int pos)
{
    const struct rope *r = &config.ropes[desc->rope < 0 ? 0 : desc->rope];
    const int dim = r->dim ? (int)r->dim : D;
    const double gain = r->gain > 0 ? r->gain : 1;

    for (int i = 0; i < dim / 2 && desc->rope >= 0; i++) {
        const double a = pos * pow(r->theta, -2.0 * i / dim);
        double *re = r->interleaved ? &x[2 * i] : &x[i];
        double *im = r->interleaved ? &x[2 * i + 1] : &x[i + dim / 2];
        const double x0 = *re, x1 = *im;

        *re = gain * (x0 * cos(a) - x1 * sin(a));
        *im = gain * (x1 * cos(a) + x0 * sin(a));
    }
}

/* The heads of q or k of one token: normed and turned as the layer says. */
static void
prepare(double *x, int heads, const double *w, const struct layer_desc *desc,
        int pos)
{
    if (desc->qk_norm == QK_NORM_WIDTH)
        norm(x, heads * D, w);
    for (int h = 0; h < heads; h++, x += D) {
        if (desc->qk_norm == QK_NORM_HEAD)
            norm(x, D, w);
        turn(x, desc, pos);
    }
}

static void
attend(double *out, double (*q)[H * D], double (*k)[G * D], double (*v)[G * D],
       int t, int64_t window)
{
    const int from = window && t + 1 > window ? t + 1 - (int)window : 0;

    for (int h = 0; h < H; h++) {
        const int at = h / (H / G) * D;
        double p[T], sum = 0;

        for (int s = from; s <= t; s++) {
            p[s] = 0;
            for (int i = 0; i < D; i++)
                p[s] += q[t][h * D + i] * k[s][at + i];
            p[s] *= config.attn_scale == 0 ? 1 / sqrt((double)D)
                                           : config.attn_scale;
            p[s] = exp(cap(p[s], config.attn_cap));
            sum += p[s];
        }
        for (int i = 0; i < D; i++) {
            out[h * D + i] = 0;
            for (int s = from; s <= t; s++)
                out[h * D + i] += p[s] / sum * v[s][at + i];
        }
    }
}

static void
add_sublayer(double *x, double *y, const struct world *w, bool normed,
             enum slot slot, int64_t l)
{
    if (normed)
        norm(y, C, find(w, slot, l, 0));
    for (int i = 0; i < C; i++)
        x[i] += factor(config.residual_scale) * y[i];
}

static void
run_layer(double (*x)[C], const struct world *w, int64_t l)
{
    const struct layer_desc *desc = config_layer(&config, l);
    double q[T][H * D], k[T][G * D], v[T][G * D], a[H * D], y[C], in[C];
    double gate[F], up[F];

    for (int t = 0; t < T; t++) {
        memcpy(in, x[t], sizeof(in));
        if (desc->norm_in)
            norm(in, C, find(w, SLOT_NORM1, l, 0));
        multiply(q[t], find(w, SLOT_PART, l, PART_Q), in, H * D, C);
        multiply(k[t], find(w, SLOT_PART, l, PART_K), in, G * D, C);
        multiply(v[t], find(w, SLOT_PART, l, PART_V), in, G * D, C);
        prepare(q[t], H, find(w, SLOT_Q_NORM, l, 0), desc, t);
        prepare(k[t], G, find(w, SLOT_K_NORM, l, 0), desc, t);
    }
    for (int t = 0; t < T; t++) {
        memcpy(in, x[t], sizeof(in)); // what both halves of a parallel one see
        attend(a, q, k, v, t, desc->window);
        multiply(y, find(w, SLOT_PART, l, PART_O), a, C, H * D);
        add_sublayer(x[t], y, w, desc->norm_out, SLOT_OUT1, l);
        if (!desc->parallel)
            memcpy(in, x[t], sizeof(in));
        if (desc->norm_in)
            norm(in, C, find(w, SLOT_NORM2, l, 0));
        multiply(gate, find(w, SLOT_PART, l, PART_GATE), in, F, C);
        multiply(up, find(w, SLOT_PART, l, PART_UP), in, F, C);
        for (int i = 0; i < F; i++)
            up[i] *= activate(gate[i]);
        multiply(y, find(w, SLOT_PART, l, PART_DOWN), up, C, F);
        add_sublayer(x[t], y, w, desc->norm_out, SLOT_OUT2, l);
    }
}

/* Logits [T][V] of the text; returns -sum of log p(ids[t] given those before),
 * of the tokens from `from` on. */
static double
run_plain(double (*logits)[V], const struct world *w, const int32_t *ids,
          int from)
{
    double x[T][C], loss = 0;

    for (int t = 0; t < T; t++)
        for (int i = 0; i < C; i++)
            x[t][i] = find(w, SLOT_EMBED, -1, 0)[ids[t] * C + i] *
                      factor(config.embed_scale);
    for (int64_t l = 0; l < L; l++)
        run_layer(x, w, l);
    for (int t = 0; t < T; t++) {
        double sum = 0;

        norm(x[t], C, find(w, SLOT_NORM, -1, 0));
        multiply(logits[t], find(w, SLOT_HEAD, -1, 0), x[t], V, C);
        for (int i = 0; i < V; i++) {
            logits[t][i] = cap(logits[t][i] * factor(config.logit_scale),
                               config.logit_cap);
            sum += exp(logits[t][i]);
        }
        if (t + 1 >= from && t + 1 < T)
            loss += log(sum) - logits[t][ids[t + 1]];
    }
    return loss;
}

/* --- the same weights as a model --- */

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static int
draw(const struct layout_item *it, trv_err *err, void *payload)
{
    struct world *w = payload;
    const int64_t n = count(it);
    struct rng r;

    (void)err;
    assert_true(w->n < MOST);
    w->items[w->n] = *it;
    w->w[w->n] = mem_array((size_t)n, sizeof(double));
    w->f[w->n] = mem_array((size_t)n, sizeof(float));
    assert_true(w->w[w->n] && w->f[w->n]);
    rng_init(&r, 5, (uint64_t)w->n);
    for (int64_t i = 0; i < n; i++) {
        const double z = 0.4 * rng_normal(&r) + (it->n_dims < 2);

        w->f[w->n][i] = (float)z;
        w->w[w->n][i] = (double)w->f[w->n][i];
    }
    w->n++;
    return 0;
}

static void
bind(struct world *w, int i)
{
    struct model *m = &w->model;
    const struct layout_item *it = &w->items[i];
    struct layer_tensors *l = it->layer < 0 ? NULL : &w->layers[it->layer];
    const struct tensor **const places[SLOT_COUNT] = {
        [SLOT_EMBED] = &m->embed,
        [SLOT_NORM] = &m->norm_w,
        [SLOT_HEAD] = &m->head,
        [SLOT_NORM1] = l ? &l->norm1_w : NULL,
        [SLOT_OUT1] = l ? &l->out1_w : NULL,
        [SLOT_NORM2] = l ? &l->norm2_w : NULL,
        [SLOT_OUT2] = l ? &l->out2_w : NULL,
        [SLOT_Q_NORM] = l ? &l->q_norm : NULL,
        [SLOT_K_NORM] = l ? &l->k_norm : NULL,
        [SLOT_PART] = l ? &l->w[it->part] : NULL,
    };
    trv_err err = {0};

    must(checkpoint_need(places[it->slot], m->ckpt, it, &err), &err);
    if (config.norm_less_one && layout_is_norm(it))
        checkpoint_plus(m->ckpt, *places[it->slot], 1.0f);
}

static void
open_world(struct world *w)
{
    const char *dir = test_tmpdir("layer_kinds");
    struct tensor tensors[MOST] = {0};
    char path[256], *bytes;
    trv_err err = {0};
    size_t size;

    *w = (struct world){.model = {.cfg = config}};
    must(layout_each(&config, draw, &err, w), &err);
    for (int i = 0; i < w->n; i++) {
        const struct layout_item *it = &w->items[i];

        tensors[i] = (struct tensor){.name = it->name,
                                     .type = DT_F32,
                                     .n_dims = it->n_dims,
                                     .dim = {it->dim[0], it->dim[1]},
                                     .data = w->f[i],
                                     .bytes = (size_t)count(it) * 4};
    }
    must(st_serialise(&bytes, &size, tensors, w->n, NULL, &err), &err);
    snprintf(path, sizeof(path), "%s/model.safetensors", dir);
    must(file_write_atomic(path, bytes, size, &err), &err);
    mem_free(bytes);
    must(checkpoint_open(&w->model.ckpt, dir, &err), &err);
    w->model.layers = w->layers;
    for (int i = 0; i < w->n; i++)
        bind(w, i);
}

static void
close_world(struct world *w)
{
    checkpoint_free(w->model.ckpt);
    for (int i = 0; i < w->n; i++) {
        mem_free(w->w[i]);
        mem_free(w->f[i]);
    }
}

static void
open_decoder(struct decoder **d, struct backend **be, const struct world *w,
             const char *isa)
{
    const struct backend_options opts = {.isa = isa, .prec = PREC_F32};
    trv_err err = {0};

    must(backend_open(be, &opts, &err), &err);
    must(decoder_open(d, &w->model, *be, &err), &err);
}

static const char *variant; // for messages

static void
compare(const char *what, const float *got, const double *want, int64_t n,
        double bound)
{
    double top = 0, worst = 0;

    for (int64_t i = 0; i < n; i++) {
        assert_true(isfinite((double)got[i]));
        top = fmax(top, fabs(want[i]));
        worst = fmax(worst, fabs((double)got[i] - want[i]));
    }
    if (worst > bound * top)
        fail_msg("%s: %s: off by %g of %g", variant, what, worst, top);
}

/* --- the facts --- */

/* The gradient of every weight of tensor i, by central differences: 1e-5 keeps
 * their error, of order h^2 and 1e-16/h, near 1e-10. */
static double *
differences(struct world *w, int i)
{
    const int64_t n = count(&w->items[i]);
    double *g = mem_array((size_t)n, sizeof(*g)), logits[T][V];

    assert_non_null(g);
    for (int64_t k = 0; k < n; k++) {
        const double at = w->w[i][k], h = 1e-5;
        double hi, lo;

        w->w[i][k] = at + h;
        hi = run_plain(logits, w, text, 1);
        w->w[i][k] = at - h;
        lo = run_plain(logits, w, text, 1);
        w->w[i][k] = at;
        g[k] = (hi - lo) / (2 * h);
    }
    return g;
}

static void
check_passes(struct world *w, double *const *slopes, const char *isa)
{
    const struct row row = {text, T, NULL};
    const int64_t *const *at;
    int32_t target[T - 1];
    int64_t where[T - 1];
    float coef[T - 1], logp[T - 1];
    double want[T][V];
    struct arena a = {0};
    struct saved save = {0};
    struct batch b;
    struct mat hidden, logits, dh;
    struct decoder *d;
    struct backend *be;
    trv_err err = {0};

    open_decoder(&d, &be, w, isa);
    must(decoder_train_full(d, &err), &err);
    must(batch_pack(&b, &at, &a, &row, 1, &err), &err);
    for (int t = 0; t + 1 < T; t++) {
        where[t] = at[0][t];
        target[t] = text[t + 1];
        coef[t] = 1.0f;
    }
    must(decoder_forward(d, &a, &hidden, &b, NULL, &save, &err), &err);
    logits = mat_new(&a, DT_F32, T, V);
    must(head_logits(d, &a, logits, (struct head_rows){hidden, at[0]}, T, &err),
         &err);
    (void)run_plain(want, w, text, 1);
    compare("logits", logits.data, &want[0][0], (int64_t)T * V, 2e-5);

    dh = mat_new(&a, DT_F32, T, C);
    memset(dh.data, 0, sizeof(float) * T * C);
    must(head_logprobs(d, &a, logp, NULL, (struct head_rows){hidden, where},
                       target, T - 1, coef, dh, &err),
         &err);
    must(decoder_backward(d, &a, dh, &b, &save, &err), &err);
    assert_int_equal(d->n_items, w->n);
    for (int i = 0; i < w->n; i++) {
        int64_t k = 0;

        while (strcmp(d->items[k].name, w->items[i].name) != 0)
            assert_true(++k < d->n_items);
        compare(w->items[i].name, d->g_full + d->items[k].at, slopes[i],
                count(&w->items[i]), 5e-5);
    }
    arena_release(&a);
    decoder_free(d);
    backend_free(be);
}

static void
test_layer_kinds_logits_and_gradients_equal_a_plain_decoder(void **state)
{
    struct world w;
    double *slopes[MOST];

    (void)state;
    for (size_t v = 0; v < N_VARIANTS; v++) {
        variant = variants[v].what;
        vary(&variants[v]);
        open_world(&w);
        for (int i = 0; i < w.n; i++)
            slopes[i] = differences(&w, i);
        check_passes(&w, slopes, "ref");
        check_passes(&w, slopes, NULL);
        for (int i = 0; i < w.n; i++)
            mem_free(slopes[i]);
        close_world(&w);
    }
}

/* Through the cache, each layer with its own window. */
static void
check_sampling(void)
{
    const int context = 4;
    const struct sample_row from = {text, context, NULL, 7};
    const struct sample_options opts = {.sampling = SAMPLING_INIT,
                                        .max_tokens = T - context,
                                        .seed = 3,
                                        .ignore_eos = true};
    struct sample_out out[1];
    double logits[T][V];
    int32_t ids[T];
    struct arena a = {0};
    struct decoder *d;
    struct backend *be;
    struct world w;
    trv_err err = {0};

    open_world(&w);
    open_decoder(&d, &be, &w, NULL);
    must(engine_sample(d, &a, out, &from, 1, &opts, &err), &err);
    assert_int_equal(out[0].n, T - context);
    memcpy(ids, text, sizeof(ids));
    memcpy(ids + context, out[0].ids, (size_t)out[0].n * sizeof(*ids));
    assert_close(out[0].logp, -run_plain(logits, &w, ids, context), 1e-4);
    mem_free(out[0].ids);
    arena_release(&a);
    decoder_free(d);
    backend_free(be);
    close_world(&w);
}

static void
test_layer_kinds_sample_as_a_plain_decoder_scores(void **state)
{
    (void)state;
    for (size_t v = 0; v < N_VARIANTS; v++) {
        vary(&variants[v]);
        check_sampling();
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_layer_kinds_logits_and_gradients_equal_a_plain_decoder),
        cmocka_unit_test(test_layer_kinds_sample_as_a_plain_decoder_scores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
