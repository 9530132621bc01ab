/* gguf_model.c -- a model's config and vocabulary from the keys of a GGUF
 * file.
 *
 * Owns the keys' meaning; the format itself is gguf.c's.
 */
#include "model/files/gguf_model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/files/family.h"

static bool
is_str(struct gguf_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.s, text, s.n) == 0;
}

/* A reader of keys under the architecture's name: the first failure stays. */
struct reader {
    const struct gguf_file *f;
    const char *arch;
    trv_err *err;
    int rc;
};

static const char *
full_key(char *buf, size_t size, const struct reader *r, const char *key)
{
    snprintf(buf, size, "%s.%s", r->arch, key);
    return buf;
}

static int64_t
get_int(struct reader *r, const char *key, int64_t dflt, bool needed)
{
    char k[96];

    full_key(k, sizeof(k), r, key);
    if (!r->rc && needed && !gguf_find(r->f, k))
        r->rc = err_fail(r->err, TRV_EFORMAT, "'%s' lacks the key '%s'",
                         r->f->path, k);
    if (!r->rc)
        r->rc = gguf_int(&dflt, r->f, k, 0, INT64_MAX, r->err);
    return dflt;
}

static double
get_num(struct reader *r, const char *key, double dflt, double lo, double hi)
{
    char k[96];

    if (!r->rc)
        r->rc = gguf_num(&dflt, r->f, full_key(k, sizeof(k), r, key), lo, hi,
                         r->err);
    return dflt;
}

static const struct tensor *
find_tensor(const struct gguf_file *f, const char *name)
{
    for (int64_t i = 0; i < f->n; i++)
        if (strcmp(f->tensors[i].name, name) == 0)
            return &f->tensors[i];
    return NULL;
}

/* What every frequency is divided by: the tensor `name` of dim/2 values. */
static void
get_rope_factors(struct reader *r, float *out, const char *name,
                 const struct model_config *c)
{
    const struct tensor *t = find_tensor(r->f, name);
    const int64_t dim = rope_dim(&c->ropes[0], c->head_dim);

    if (!t || r->rc)
        return;
    if (t->n_dims != 1 || t->dim[0] != dim / 2 || t->type != DT_F32) {
        r->rc = err_fail(r->err, TRV_EFORMAT,
                         "'%s': tensor '%s' is not the %" PRId64
                         " F32 values that head dimension %" PRId64 " takes",
                         r->f->path, name, dim / 2, dim);
        return;
    }
    if (t->dim[0] > ROPE_FREQS_MAX) {
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': more than %d values in '%s' are not supported",
                         r->f->path, ROPE_FREQS_MAX, name);
        return;
    }
    tensor_rows_f32(out, t, 0, 1);
    for (int64_t i = 0; i < t->dim[0]; i++) {
        if (!(out[i] >= 1e-6f && out[i] <= 1e6f)) {
            r->rc = err_fail(r->err, TRV_EFORMAT,
                             "'%s': value %" PRId64 " of '%s' is %g",
                             r->f->path, i, name, (double)out[i]);
            return;
        }
    }
}

/* The factors of every frequency: rope_freqs (Llama 3.1), or those of LongRoPE,
 * whose long ones hold behind the original context only. */
static void
get_rope_tensors(struct reader *r, struct model_config *c)
{
    static const char freqs[] = "rope_freqs.weight";
    static const char lengthy[] = "rope_factors_long.weight";
    static const char brief[] = "rope_factors_short.weight";
    const bool is_long = find_tensor(r->f, lengthy) || find_tensor(r->f, brief);
    const char *name = is_long ? brief : freqs;
    struct rope *p = &c->ropes[0];

    if (r->rc || (!is_long && !find_tensor(r->f, freqs)))
        return;
    if (p->scaling != ROPE_PLAIN) {
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': '%s' beside %s scaling is not supported",
                         r->f->path, name, rope_scaling_name(p->scaling));
        return;
    }
    if (is_long && !find_tensor(r->f, brief)) {
        r->rc = err_fail(r->err, TRV_EFORMAT, "'%s' has '%s' without '%s'",
                         r->f->path, lengthy, brief);
        return;
    }
    get_rope_factors(r, p->factors, lengthy, c);
    get_rope_factors(r, p->factors, name, c);
    p->scaling = is_long ? ROPE_LONGROPE : ROPE_FACTORS;
    if (is_long)
        config_cut_context(c);
}

/* YaRN as llama.cpp reads it: the factor of cosines and sines follows from
 * `factor`, or from yarn_log_multiplier, which stands for mscale_all_dim beside
 * an mscale of 1. */
static void
get_rope_yarn(struct reader *r, struct rope *p)
{
    const double log_factor = p->factor > 1.0 ? 0.1 * log(p->factor) : 0.0;
    double all;

    p->scaling = ROPE_YARN;
    p->whole_dims = true;
    p->high = get_num(r, "rope.scaling.yarn_beta_fast", 32.0, 1e-6, 1e6);
    p->low = get_num(r, "rope.scaling.yarn_beta_slow", 1.0, 1e-6, 1e6);
    all = get_num(r, "rope.scaling.yarn_log_multiplier", 0.0, 0.0, 1e3);
    p->gain *= (log_factor + 1.0) / (all * log_factor + 1.0);
    p->gain *= get_num(r, "rope.scaling.yarn_attn_factor", 1.0, 1e-6, 1e3);
    if (!r->rc &&
        get_num(r, "rope.scaling.yarn_ext_factor", 1.0, -1e6, 1e6) != 1.0)
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': a yarn_ext_factor other than 1 is not "
                         "supported",
                         r->f->path);
    if (!r->rc && p->theta <= 1.0)
        r->rc = err_fail(r->err, TRV_EFORMAT,
                         "'%s': yarn needs a rope.freq_base above 1, not %g",
                         r->f->path, p->theta);
}

/* rope.dimension_count: how much of a head turns. */
static void
get_rope_dim(struct reader *r, struct model_config *c)
{
    const int64_t dim = get_int(r, "rope.dimension_count", c->head_dim, false);

    if (!r->rc && (dim < 2 || dim > c->head_dim || dim % 2 != 0))
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': rotary positions on %" PRId64 " of %" PRId64
                         " values of a head are not supported",
                         r->f->path, dim, c->head_dim);
    c->ropes[0].dim = dim;
}

static void
get_rope(struct reader *r, struct model_config *c)
{
    struct gguf_str type = {"none", 4};
    struct rope *p = &c->ropes[0];
    char key[96];

    p->theta = get_num(r, "rope.freq_base", 10000.0, 1.0, 1e15);
    get_rope_dim(r, c);
    if (!r->rc)
        r->rc = gguf_string(&type, r->f,
                            full_key(key, sizeof(key), r, "rope.scaling.type"),
                            r->err);
    p->original =
        get_int(r, "rope.scaling.original_context_length", c->context, false);
    p->gain = get_num(r, "rope.scaling.attn_factor", 1.0, 1e-6, 1e3);
    p->growth = get_num(r, "attention.temperature_scale", 0.0, 0.0, 1e3);
    /* Files older than rope.scaling.type say linear scaling so. */
    p->factor = get_num(r, "rope.scale_linear", 1.0, 1e-6, 1e6);
    if (!r->rc && (p->original < 1 || p->original > MAX_CONTEXT))
        r->rc = err_fail(r->err, TRV_EFORMAT,
                         "'%s': its original context is %" PRId64, r->f->path,
                         p->original);
    if (r->rc)
        return;
    if (is_str(type, "linear") || is_str(type, "yarn"))
        p->factor = get_num(r, "rope.scaling.factor", p->factor, 1e-6, 1e6);
    else if (!is_str(type, "none") && !is_str(type, "longrope"))
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': the rotary scaling '%.*s' is not supported; "
                         "known are none, linear, yarn, longrope",
                         r->f->path, type.n < 80 ? (int)type.n : 80, type.s);
    if (is_str(type, "yarn"))
        get_rope_yarn(r, p);
    else if (p->factor != 1.0)
        p->scaling = ROPE_LINEAR;
    get_rope_tensors(r, c);
}

/* The table of layers with a window, where the family has one: its theta is the
 * family's own, or else the first table's. */
static void
get_local_rope(struct reader *r, struct model_config *c)
{
    struct rope *p = &c->ropes[1];

    if (c->n_ropes > 1)
        p->theta =
            get_num(r, "rope.freq_base_swa",
                    p->theta > 0.0 ? p->theta : c->ropes[0].theta, 1.0, 1e15);
}

/* Multipliers and caps, as far as a file names them. */
static void
get_scales(struct reader *r, struct model_config *c)
{
    const struct {
        const char *key;
        double *to;
    } scales[] = {
        {"attention.scale", &c->attn_scale},
        {"embedding_scale", &c->embed_scale},
        {"residual_scale", &c->residual_scale},
        {"logit_scale", &c->logit_scale},
        {"attn_logit_softcapping", &c->attn_cap},
        {"final_logit_softcapping", &c->logit_cap},
    };

    for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++)
        *scales[i].to = get_num(r, scales[i].key, 0.0, 0.0, 1e9);
}

/* Which layers have the window: those that the file says, one by one or all but
 * each so many-th, or the family's own rule. */
static void
get_windows(struct reader *r, struct model_config *c)
{
    const int64_t window =
        get_int(r, "attention.sliding_window", c->family->gguf_window, false);
    const struct gguf_kv *list;
    int64_t every = c->family->gguf_every;
    char key[96];

    if (!r->rc && (window < 0 || window > MAX_CONTEXT))
        r->rc = err_fail(r->err, TRV_EFORMAT, "'%s': its window is %" PRId64,
                         r->f->path, window);
    if (every == 0 || window == 0 || r->rc) {
        c->kinds[0].window = window;
        return;
    }
    c->kinds[1] = c->kinds[0];
    c->kinds[1].window = window;
    list = gguf_find(r->f, full_key(key, sizeof(key), r,
                                    "attention.sliding_window_pattern"));
    if (list && list->is_array) {
        if (list->type != GGUF_BOOL || list->n != (uint64_t)c->layers)
            r->rc =
                err_fail(r->err, TRV_EFORMAT,
                         "key '%s' of '%s' is no array of %" PRId64 " bools",
                         key, r->f->path, c->layers);
        for (int64_t i = 0; i < c->layers && !r->rc; i++)
            c->kind[i] = list->data[i] != 0;
        return;
    }
    every = get_int(r, "attention.sliding_window_pattern", every, false);
    for (int64_t i = 0; i < c->layers && !r->rc; i++)
        c->kind[i] = every == 0 || (i + 1) % every != 0;
}

static void
get_special(struct reader *r, struct model_config *c)
{
    static const char *const ends[] = {"tokenizer.ggml.eos_token_id",
                                       "tokenizer.ggml.eot_token_id"};
    int64_t id = -1;

    c->bos = c->eos = -1;
    if (!r->rc)
        r->rc = gguf_int(&id, r->f, "tokenizer.ggml.bos_token_id", 0,
                         c->vocab - 1, r->err);
    c->bos = (int32_t)id;
    for (size_t i = 0; i < 2 && !r->rc; i++) {
        id = -1;
        r->rc = gguf_int(&id, r->f, ends[i], 0, c->vocab - 1, r->err);
        if (!r->rc && id >= 0)
            r->rc = config_add_eos(c, id, r->f->path, r->err);
    }
}

/* The key "general.architecture", as a family. */
static int
get_family(const struct family **out, const struct gguf_file *f, trv_err *err)
{
    struct gguf_str arch = {"", 0};
    char known[256];
    int rc;

    if (!gguf_find(f, "general.architecture"))
        return err_fail(err, TRV_EFORMAT,
                        "'%s' lacks the key 'general.architecture'", f->path);
    rc = gguf_string(&arch, f, "general.architecture", err);
    if (rc)
        return rc;
    *out = family_find_gguf(arch.s, arch.n);
    if (*out)
        return 0;
    return err_fail(err, TRV_EUNSUPPORTED,
                    "'%s': the architecture '%.*s' is not supported; known "
                    "are %s; Mistral's files say llama",
                    f->path, arch.n < 80 ? (int)arch.n : 80, arch.s,
                    family_list(known, sizeof(known), true));
}

static bool
get_parallel(struct reader *r, bool dflt)
{
    char key[96];

    if (!r->rc)
        r->rc = gguf_flag(
            &dflt, r->f, full_key(key, sizeof(key), r, "use_parallel_residual"),
            r->err);
    return dflt;
}

/* Sizes. */
static void
get_sizes(struct reader *r, struct model_config *c)
{
    int64_t value_dim;
    char key[96];

    c->width = get_int(r, "embedding_length", 0, true);
    c->layers = get_int(r, "block_count", 0, true);
    c->mlp_width = get_int(r, "feed_forward_length", 0, true);
    c->heads = get_int(r, "attention.head_count", 0, true);
    c->kv_heads = get_int(r, "attention.head_count_kv", c->heads, false);
    c->context = get_int(r, "context_length", 0, true);
    if (get_int(r, "expert_count", 0, false) != 0 && !r->rc)
        r->rc =
            err_fail(r->err, TRV_EUNSUPPORTED,
                     "'%s': a mixture of experts is not supported", r->f->path);
    if (!r->rc && c->heads < 1)
        r->rc = err_fail(r->err, TRV_EFORMAT, "'%s': it says to have no heads",
                         r->f->path);
    if (r->rc)
        return;
    if (c->width % c->heads != 0 &&
        !gguf_find(r->f, full_key(key, sizeof(key), r, "attention.key_length")))
        r->rc = err_fail(r->err, TRV_EFORMAT,
                         "'%s': width %" PRId64 " is no multiple of %" PRId64
                         " heads",
                         r->f->path, c->width, c->heads);
    c->head_dim =
        get_int(r, "attention.key_length", c->width / c->heads, false);
    value_dim = get_int(r, "attention.value_length", c->head_dim, false);
    if (!r->rc && value_dim != c->head_dim)
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': keys of %" PRId64 " and values of %" PRId64
                         " are not supported",
                         r->f->path, c->head_dim, value_dim);
}

int
gguf_config(struct model_config *out, const struct gguf_file *f, trv_err *err)
{
    struct model_config c = {.bos = -1, .eos = -1, .pad = -1};
    struct reader r = {f, NULL, err, 0};
    const struct tensor *embed;

    memset(out, 0, sizeof(*out));
    r.rc = get_family(&c.family, f, err);
    if (r.rc)
        return r.rc;
    r.arch = family_gguf(c.family);
    if (c.family->gguf_sliding &&
        get_int(&r, "attention.sliding_window", 0, false) > 0)
        c.family = c.family->gguf_sliding;
    c.family->shape(&c);
    embed = find_tensor(f, "token_embd.weight");
    if (!embed || embed->n_dims != 2)
        return err_fail(err, TRV_EFORMAT,
                        "'%s' lacks the matrix 'token_embd.weight'", f->path);
    c.vocab = embed->dim[0];
    get_sizes(&r, &c);
    if (!r.rc && c.layers > LAYERS_MAX)
        r.rc = err_fail(err, TRV_EFORMAT, "'%s' has %" PRId64 " layers",
                        f->path, c.layers);
    if (!r.rc)
        get_windows(&r, &c);
    if (r.rc)
        return r.rc;
    c.tied = !find_tensor(f, "output.weight");
    c.norm_eps = get_num(&r,
                         c.rms ? "attention.layer_norm_rms_epsilon"
                               : "attention.layer_norm_epsilon",
                         c.norm_eps, 0.0, 1.0);
    c.qkv_bias = c.qkv_bias || find_tensor(f, "blk.0.attn_q.bias") ||
                 find_tensor(f, "blk.0.attn_qkv.bias");
    c.o_bias = c.o_bias || find_tensor(f, "blk.0.attn_output.bias");
    c.mlp_bias = c.mlp_bias || find_tensor(f, "blk.0.ffn_up.bias");
    c.kinds[0].parallel = get_parallel(&r, c.kinds[0].parallel);
    if (c.n_ropes > 0)
        get_rope(&r, &c);
    get_local_rope(&r, &c);
    get_scales(&r, &c);
    get_special(&r, &c);
    if (!r.rc && c.family->read_gguf)
        r.rc = c.family->read_gguf(&c, f, err);
    if (!r.rc)
        r.rc = config_check(&c, f->path, err);
    if (!r.rc)
        *out = c;
    return r.rc;
}

/* An array of strings; absent leaves *out NULL and *n 0. */
static int
get_strings(struct gguf_str **out, int64_t *n, const struct gguf_file *f,
            const char *key, trv_err *err)
{
    const struct gguf_kv *kv = gguf_find(f, key);
    const unsigned char *p;

    if (!kv)
        return 0;
    if (!kv->is_array || kv->type != GGUF_STRING)
        return err_fail(err, TRV_EFORMAT,
                        "key '%s' of '%s' is no array of strings", key,
                        f->path);
    *out = mem_array((size_t)kv->n + 1, sizeof(**out));
    if (!*out)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s' of '%s'", key,
                        f->path);
    p = kv->data; // gguf_parse() has walked these strings
    for (uint64_t i = 0; i < kv->n; i++) {
        uint64_t len;

        memcpy(&len, p, 8);
        (*out)[i] = (struct gguf_str){(const char *)p + 8, (size_t)len};
        p += 8 + len;
    }
    *n = (int64_t)kv->n;
    return 0;
}

/* An array of n numbers of 4 bytes. */
static int
get_numbers(void **out, int64_t n, const struct gguf_file *f, const char *key,
            bool is_float, trv_err *err)
{
    const struct gguf_kv *kv = gguf_find(f, key);

    if (!kv)
        return 0;
    if (!kv->is_array ||
        (is_float ? kv->type != GGUF_F32
                  : kv->type != GGUF_I32 && kv->type != GGUF_U32))
        return err_fail(err, TRV_EFORMAT, "key '%s' of '%s' is no array of %s",
                        key, f->path, is_float ? "f32" : "i32");
    if (kv->n != (uint64_t)n)
        return err_fail(err, TRV_EFORMAT,
                        "key '%s' of '%s' has %" PRIu64 " values for %" PRId64
                        " tokens",
                        key, f->path, kv->n, n);
    *out = mem_array((size_t)n + 1, 4);
    if (!*out)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s' of '%s'", key,
                        f->path);
    memcpy(*out, kv->data, (size_t)n * 4);
    return 0;
}

static int
get_text(char **out, const struct gguf_file *f, const char *key, trv_err *err)
{
    struct gguf_str s = {NULL, 0};
    const int rc = gguf_string(&s, f, key, err);

    if (rc || !s.s)
        return rc;
    *out = mem_strndup(s.s, s.n);
    return *out ? 0
                : err_fail(err, TRV_ENOMEM, "no memory for '%s' of '%s'", key,
                           f->path);
}

static int
get_id(int32_t *out, const struct gguf_file *f, const char *key, int64_t n,
       trv_err *err)
{
    int64_t id = -1;
    const int rc = gguf_int(&id, f, key, 0, n - 1, err);

    *out = (int32_t)id;
    return rc;
}

static int
get_tristate(int *out, const struct gguf_file *f, const char *key, trv_err *err)
{
    bool v = false;
    const int rc = gguf_flag(&v, f, key, err);

    *out = gguf_find(f, key) ? v : -1;
    return rc;
}

int
gguf_words_open(struct gguf_words *out, const struct gguf_file *f, trv_err *err)
{
    struct gguf_words w = {.v = {.path = f->path}};
    struct gguf_vocab *v = &w.v;
    void *scores = NULL, *types = NULL;
    int rc;

    *out = (struct gguf_words){0};
    rc = get_strings(&w.tokens, &v->n_tokens, f, "tokenizer.ggml.tokens", err);
    if (!rc && v->n_tokens > INT32_MAX)
        rc = err_fail(err, TRV_EFORMAT, "'%s' has %" PRId64 " tokens", f->path,
                      v->n_tokens);
    if (!rc)
        rc = get_strings(&w.merges, &v->n_merges, f, "tokenizer.ggml.merges",
                         err);
    if (!rc)
        rc = get_numbers(&scores, v->n_tokens, f, "tokenizer.ggml.scores", true,
                         err);
    if (!rc)
        rc = get_numbers(&types, v->n_tokens, f, "tokenizer.ggml.token_type",
                         false, err);
    w.scores = scores;
    w.types = types;
    if (!rc)
        rc = get_text(&w.model, f, "tokenizer.ggml.model", err);
    if (!rc)
        rc = get_text(&w.pre, f, "tokenizer.ggml.pre", err);
    if (!rc)
        rc =
            get_id(&v->bos, f, "tokenizer.ggml.bos_token_id", v->n_tokens, err);
    if (!rc)
        rc =
            get_id(&v->eos, f, "tokenizer.ggml.eos_token_id", v->n_tokens, err);
    if (!rc)
        rc = get_id(&v->unk, f, "tokenizer.ggml.unknown_token_id", v->n_tokens,
                    err);
    if (!rc)
        rc = get_id(&v->pad, f, "tokenizer.ggml.padding_token_id", v->n_tokens,
                    err);
    if (!rc)
        rc = get_tristate(&v->add_bos, f, "tokenizer.ggml.add_bos_token", err);
    if (!rc)
        rc = get_tristate(&v->add_eos, f, "tokenizer.ggml.add_eos_token", err);
    if (!rc)
        rc = get_tristate(&v->add_space_prefix, f,
                          "tokenizer.ggml.add_space_prefix", err);
    if (rc) {
        gguf_words_release(&w);
        return rc;
    }
    v->tokens = w.tokens;
    v->merges = w.merges;
    v->scores = w.scores;
    v->types = w.types;
    v->model = w.model;
    v->pre = w.pre;
    *out = w;
    return 0;
}

void
gguf_words_release(struct gguf_words *w)
{
    mem_free(w->tokens);
    mem_free(w->merges);
    mem_free(w->scores);
    mem_free(w->types);
    mem_free(w->model);
    mem_free(w->pre);
    *w = (struct gguf_words){0};
}
