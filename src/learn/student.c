/* student.c -- adapter weights to be trained, begun from options. */
#include "learn/student.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/streams.h"
#include "learn/options.h"
#include "text/utf8.h"

static const char sampled[] = "sampled";

bool
student_is_virtual(enum kind kind)
{
    return kind == KIND_SOFT || kind == KIND_PREFIX;
}

bool
student_can_be(enum kind kind)
{
    return kind == KIND_LORA || kind == KIND_ADAPTER || kind == KIND_FULL ||
           student_is_virtual(kind);
}

/* --- options --- */

/* What stands behind "text:"; NULL where `start` is no such. */
static const char *
text_behind(const char *start)
{
    return strncmp(start, "text:", 5) == 0 ? start + 5 : NULL;
}

static int
check_virtual(const trv_virtual_options *o, trv_err *err)
{
    const struct bounded list[] = {{"virtual tokens", o->tokens, 1, 100e3}};
    const char *text;

    if (!o->start)
        return options_within(list, 1, err);
    text = text_behind(o->start);
    if (strcmp(o->start, sampled) != 0 && !(text && *text) &&
        !(o->start[0] == '@' && o->start[1]))
        return err_fail(err, TRV_EINVAL,
                        "virtual tokens cannot start from '%.200s'; they can "
                        "from text:TEXT, @FILE or sampled",
                        o->start);
    if (!utf8_is_valid(o->start, strlen(o->start))) // a manifest holds it
        return err_fail(err, TRV_EINVAL,
                        "virtual tokens cannot start from '%.200s', which is "
                        "not UTF-8",
                        o->start);
    return options_within(list, 1, err);
}

static int
read_places(bool places[BOTTLENECK_PLACES], const char *names, trv_err *err)
{
    places[BOTTLENECK_MLP] = true;
    places[BOTTLENECK_ATTENTION] = names && strcmp(names, "both") == 0;
    if (names && (places[BOTTLENECK_ATTENTION] || strcmp(names, "mlp") == 0))
        return 0;
    return err_fail(err, TRV_EINVAL,
                    "bottlenecks cannot be placed at '%.100s'; they can at "
                    "both or mlp",
                    names ? names : "");
}

static int
check_bottleneck(const trv_bottleneck_options *o, trv_err *err)
{
    const struct bounded list[] = {{"bottleneck", o->size, 1, 65536}};
    bool places[BOTTLENECK_PLACES];
    const int rc = read_places(places, o->places, err);

    return rc ? rc : options_within(list, 1, err);
}

static int
check_save_as(const char *type, trv_err *err)
{
    if (type && (strcmp(type, "f32") == 0 || strcmp(type, "bf16") == 0))
        return 0;
    return err_fail(err, TRV_EINVAL,
                    "weights cannot be saved as '%s'; there are f32, bf16",
                    type ? type : "");
}

int
student_check(const struct student_options *o, trv_err *err)
{
    if (o->kind == KIND_LORA)
        return options_check_lora(&o->lora, err);
    if (o->kind == KIND_ADAPTER)
        return check_bottleneck(&o->bottleneck, err);
    if (o->kind == KIND_FULL)
        return check_save_as(o->save_as, err);
    return check_virtual(&o->virtual, err);
}

int
student_to_json(json_t *to, const struct student_options *o, trv_err *err)
{
    json_t *said;
    int failed;

    if (o->kind == KIND_LORA)
        return options_lora_to_json(to, &o->lora, err);
    said = o->kind == KIND_ADAPTER
               ? json_pack("{s:i,s:s}", "bottleneck", o->bottleneck.size,
                           "places", o->bottleneck.places)
           : o->kind == KIND_FULL
               ? json_pack("{s:s}", "saved_as", o->save_as)
               : json_pack("{s:i,s:s}", "virtual_tokens", o->virtual.tokens,
                           "start", o->virtual.start ? o->virtual.start : "");
    failed = !said || json_object_update(to, said) != 0;
    json_decref(said);
    return failed ? err_nomem(err, "to plan a run") : 0;
}

/* Virtual tokens: of 3e-3, 1e-2, 3e-2 and 1e-1 on the 3.4M model of the results
 * page, 3e-2 comes nearest in 100 steps, for soft prompts and for prefixes. */
#define VIRTUAL_LR 3e-2
/* Of all weights: what users of TRL expect, at a usual width, and more where it
 * is narrower, as a matrix's rate under Adam goes with 1 / width (Yang et al.
 * 2022, arXiv:2203.03466). Distilling a prompt into a model of width 128, 100
 * steps: 0.08 of the gap at 2e-5, 0.80 at 3e-4, 0.89 at 2e-3. */
#define FULL_LR 2e-5
#define FULL_LR_WIDTH 2048.0

double
student_default_lr(enum kind kind, const struct model_config *cfg)
{
    return student_is_virtual(kind) ? VIRTUAL_LR
           : kind == KIND_FULL ? FULL_LR * FULL_LR_WIDTH / (double)cfg->width
                               : lora_default_lr(cfg);
}

/* --- beginning --- */

int
student_begin(struct adapter_weights *out, const struct model *m,
              const struct student_options *o, trv_err *err)
{
    const struct model_config *cfg = &m->cfg;
    struct bottleneck_spec spec = {.size = o->bottleneck.size, .f = ACT_SILU};
    struct rng r;
    int rc;

    *out = (struct adapter_weights){0};
    TRV_ASSERT(student_can_be(o->kind));
    if (o->kind == KIND_FULL)
        return 0;
    if (o->kind == KIND_LORA)
        return options_begin_lora(&out->lora, m, &o->lora, o->seed, err);
    if (student_is_virtual(o->kind))
        return virtual_init(
            &out->virtual, o->kind == KIND_SOFT ? VIRTUAL_SOFT : VIRTUAL_PREFIX,
            cfg, o->virtual.tokens, true, err);
    rng_init(&r, o->seed, STREAM_BOTTLENECK);
    rc = read_places(spec.places, o->bottleneck.places, err);
    return rc ? rc
              : bottleneck_init(&out->bottleneck, cfg, &spec, true, &r, err);
}

/* --- all weights --- */

int
student_check_full(const struct model *m, trv_err *err)
{
    if (!m->gguf)
        return 0;
    return err_fail(err, TRV_EUNSUPPORTED,
                    "all weights of '%s' cannot be trained: a GGUF file has no "
                    "config.json to carry over",
                    m->path);
}

int
student_open_full(struct decoder **out, struct session *s, trv_err *err)
{
    int rc = decoder_open(out, s->model, s->be, err);

    if (!rc)
        rc = decoder_train_full(*out, err);
    if (rc) {
        decoder_free(*out);
        *out = NULL;
    }
    return rc;
}

enum dtype
student_save_type(const struct student_options *o)
{
    return strcmp(o->save_as, "bf16") == 0 ? DT_BF16 : DT_F32;
}

/* --- as one vector --- */

struct adapter_weights_flat
student_flat(const struct decoder *d,
             const struct adapter_weights *adapter_weights)
{
    return adapter_weights
               ? adapter_weights_flat(adapter_weights)
               : (struct adapter_weights_flat){d->w_full, d->g_full, d->n_full};
}

int
student_updated(struct decoder *d, struct adapter_weights *adapter_weights,
                trv_err *err)
{
    if (adapter_weights)
        return adapter_weights_refresh(adapter_weights, d->be, err);
    decoder_refresh_full(d);
    return 0;
}

void
student_locate(char *buf, size_t size, const struct decoder *d,
               const struct adapter_weights *adapter_weights, int64_t index)
{
    if (adapter_weights)
        adapter_weights_locate(buf, size, adapter_weights, d->cfg, index);
    else
        decoder_locate(buf, size, d, index);
}

int
student_plan(struct decoder *d, const struct adapter_weights *adapter_weights,
             trv_err *err)
{
    return adapter_weights_virtual_count(adapter_weights) > 0
               ? decoder_plan_input_backward(d, err)
               : decoder_plan_backward(d, err);
}

/* A vector of one row is a norm's weight or a bias; the scalar head has one
 * row, too, and is a linear map. */
static bool
is_matrix(const struct decoder *d, const struct dec_item *item)
{
    return item->rows > 1 || d->w_full + item->at == d->score.v;
}

bool
student_decays(const struct decoder *d,
               const struct adapter_weights *adapter_weights, int64_t index,
               int64_t *end)
{
    bool decays = true;

    *end = student_flat(d, adapter_weights).n;
    for (int64_t i = 0; i < d->n_items && !adapter_weights; i++) {
        const struct dec_item *item = &d->items[i];

        if (item->at <= index) {
            decays = is_matrix(d, item);
        } else if (is_matrix(d, item) != decays) {
            *end = item->at;
            break;
        }
    }
    return decays;
}

static int
after_update(void *of, trv_err *err)
{
    struct student *st = of;

    return student_updated(st->d, st->adapter_weights, err);
}

static void
locate(void *of, char *buf, size_t size, int64_t index)
{
    const struct student *st = of;

    student_locate(buf, size, st->d, st->adapter_weights, index);
}

static bool
decays(void *of, int64_t index, int64_t *end)
{
    const struct student *st = of;

    return student_decays(st->d, st->adapter_weights, index, end);
}

void
student_learns(struct run_task *task, struct student *st)
{
    const struct adapter_weights_flat flat =
        student_flat(st->d, st->adapter_weights);

    task->of = st;
    task->w = flat.w;
    task->g = flat.g;
    task->n = flat.n;
    task->after_update = after_update;
    task->locate = locate;
    task->decays = decays;
}

/* Bytes that a training pass keeps for each token: see struct saved_layer. */
static double
bytes_of_token(const struct model_config *cfg)
{
    const double C = (double)cfg->width;
    const double qkv = (double)decoder_qkv_width(cfg);
    const double up = (double)decoder_up_width(cfg);
    const double attn = (double)(cfg->heads * cfg->head_dim);

    return (double)cfg->layers * (8.0 * C + 4.0 * qkv + 4.0 * (attn + up)) +
           16.0 * C;
}

double
student_bytes(const struct session *s, enum kind kind, int64_t params,
              double tokens)
{
    const double packed = s->be->act_type == DT_BF16 ? 2.0 : 4.0;
    const double each = kind == KIND_FULL ? 16.0 + 2.0 * packed : 16.0;

    return each * (double)params + tokens * bytes_of_token(&s->model->cfg) +
           24e6; // the head's chunk
}

/* --- where virtual tokens start --- */

bool
student_start_is_sampled(const trv_virtual_options *o)
{
    return o->start && strcmp(o->start, sampled) == 0;
}

int
student_text(struct ids *ids, const struct session *s,
             const trv_virtual_options *o, trv_err *err)
{
    struct data_row row = {.path = "(start)", .label = -1};
    struct strbuf file = {0};
    const char *text;
    int rc = 0;

    if (!o->start || student_start_is_sampled(o))
        return 0;
    text = text_behind(o->start);
    if (!text) {
        rc = file_read_stream(&file, o->start + 1, (size_t)16 << 20, err);
        text = file.s ? file.s : "";
    }
    if (!rc) {
        row.json = json_pack("{s:s}", "text", text);
        row.text = json_string_value(json_object_get(row.json, "text"));
        if (!row.json)
            rc = err_fail(err, TRV_EINVAL,
                          "the text that virtual tokens start from is not "
                          "UTF-8");
    }
    if (!rc)
        rc = view_conditioning(ids, s->model, NULL, &row, err);
    if (!rc && ids->n == 0)
        rc = err_fail(err, TRV_EINVAL,
                      "the text that virtual tokens start from is empty");
    json_decref(row.json);
    sb_release(&file);
    return rc;
}

static void
start_soft(struct virtual_tokens *v, const struct decoder *d,
           const int32_t *ids)
{
    const struct backend_ops *ops = d->be->ops;

    if (!d->embed)
        ops->load(d->be, mat_f32(v->w, v->k, v->width), d->model->embed, ids);
    for (int64_t j = 0; j < v->k && d->embed; j++)
        ops->copy(d->be, mat_f32(v->w + j * v->width, 1, v->width),
                  mat_f32(d->embed + ids[j] * v->width, 1, v->width));
    if (d->cfg->embed_scale != 0.0 && !d->cfg->scales_virtual)
        ops->scale(d->be, mat_f32(v->w, v->k, v->width), decoder_embed_scale(d),
                   0.0f);
}

static int
start_prefix(struct virtual_tokens *v, struct decoder *d, struct arena *a,
             const int32_t *ids, const struct adapter_weights *under,
             trv_err *err)
{
    const struct row row = {ids, v->k, under};
    const int64_t W = v->kv_width;
    const int64_t *const *at;
    struct kv_cache cache = {0};
    struct mat hidden;
    struct batch b;
    int rc = batch_pack(&b, &at, a, &row, 1, err);

    if (!rc)
        rc = kv_cache_open(&cache, d->be, d->cfg, b.T, err);
    if (!rc)
        rc = decoder_forward(d, a, &hidden, &b, &cache, NULL, err);
    for (int64_t l = 0; l < d->cfg->layers && !rc; l++)
        for (int64_t j = 0; j < v->k; j++) {
            float *to = v->w + virtual_key_at(v, l, j);

            d->be->ops->copy(d->be, mat_f32(to, 1, W),
                             mat_f32(cache.k[l] + at[0][j] * W, 1, W));
            d->be->ops->copy(d->be, mat_f32(to + W, 1, W),
                             mat_f32(cache.v[l] + at[0][j] * W, 1, W));
        }
    kv_cache_release(&cache);
    return rc;
}

int
student_start(struct adapter_weights *student, struct session *s,
              const int32_t *ids, int64_t n,
              const struct adapter_weights *under, trv_err *err)
{
    struct virtual_tokens *v = &student->virtual;
    const struct arena_mark mark = arena_mark(&s->arena);
    int32_t *cycled;
    struct decoder *d;
    int rc = session_decoder(s, &d, err);

    if (!rc)
        rc = virtual_refresh(v, s->be, err);
    TRV_ASSERT(v->kind != VIRTUAL_NONE && n >= 1);
    if (rc)
        return rc;
    cycled = arena_alloc(&s->arena, (size_t)v->k * sizeof(*cycled));
    if (!cycled)
        return err_nomem(err, "to start virtual tokens");
    for (int64_t j = 0; j < v->k; j++)
        cycled[j] = ids[j % n];
    if (v->kind == VIRTUAL_SOFT)
        start_soft(v, d, cycled);
    else
        rc = start_prefix(v, d, &s->arena, cycled, under, err);
    arena_rewind(&s->arena, mark);
    return rc;
}
