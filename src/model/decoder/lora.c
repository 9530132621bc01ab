/* lora.c -- the flat vectors of a LoRA and the pairs that point into them.
 *
 * Order of the vector: layer by layer all A, all B, all magnitudes, all biases.
 */
#include "model/decoder/lora.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/strbuf.h"
#include "base/streams.h"
#include "model/decoder/dora.h"

/* Does the module path `path` end in `name`, at a dot or wholly? */
static bool
ends_in(const char *path, const char *name, size_t n)
{
    const size_t len = strlen(path);

    if (n > len || strncmp(path + len - n, name, n) != 0)
        return false;
    return n == len || path[len - n - 1] == '.';
}

static int
unknown_target(const struct model_config *cfg, const char *name, size_t n,
               trv_err *err)
{
    struct strbuf known = {0};
    char hint[NEAREST_HINT];
    int rc = 0;

    for (int p = 0; p < PART_COUNT && !rc; p++) {
        const char *part = part_name(cfg, (enum part)p);

        if (part)
            rc = sb_printf(&known, "%s%s", known.len ? ", " : "", part);
    }
    rc = rc ? err_fail(err, rc, "no memory to list modules")
            : err_fail(err, TRV_EINVAL,
                       "target '%.*s' matches no linear layer of a %s model; "
                       "there are %s, or all-linear%s",
                       (int)(n < 100 ? n : 100), name, family_name(cfg->family),
                       known.s, nearest_hint(hint, name, n, known.s));
    sb_release(&known);
    return rc;
}

int
lora_targets(bool parts[PART_COUNT], const struct model_config *cfg,
             const char *targets, trv_err *err)
{
    const bool all = strcmp(targets, "all-linear") == 0;
    const char *s = targets;

    for (int p = 0; p < PART_COUNT; p++)
        parts[p] = all && part_name(cfg, (enum part)p);
    if (all)
        return 0;
    for (;;) {
        size_t n;
        bool found = false;

        s += strspn(s, " ");
        n = strcspn(s, ",");
        while (n && s[n - 1] == ' ')
            n--;
        if (n == 0)
            return err_fail(err, TRV_EINVAL,
                            "targets '%.200s' hold an empty name", targets);
        for (int p = 0; p < PART_COUNT; p++) {
            const char *part = part_name(cfg, (enum part)p);

            if (part && ends_in(part, s, n))
                found = parts[p] = true;
        }
        if (!found)
            return unknown_target(cfg, s, n, err);
        s += n + strspn(s + n, " ");
        if (!*s)
            return 0;
        s++; // the comma
    }
}

struct lora_pair *
lora_at(const struct lora *l, int64_t layer, enum part p)
{
    TRV_ASSERT(layer >= 0 && layer < l->layers && p < PART_COUNT);
    return &l->pairs[layer * PART_COUNT + (int)p];
}

/* Fill in shapes and count the parameters. */
static int
shape_pairs(struct lora *l, const struct model_config *cfg,
            const int64_t *ranks, const double *alphas, trv_err *err)
{
    const int64_t vectors = l->dora + l->bias;

    for (int64_t i = 0; i < l->layers * PART_COUNT; i++) {
        const enum part p = (enum part)(i % PART_COUNT);
        struct lora_pair *pair = &l->pairs[i];
        int64_t n;

        if (ranks[i] == 0)
            continue;
        if (ranks[i] < 0 || ranks[i] > LORA_MAX_RANK)
            return err_fail(err, TRV_EINVAL, "rank %lld is outside 1 to %d",
                            (long long)ranks[i], LORA_MAX_RANK);
        if (!part_name(cfg, p))
            return err_fail(err, TRV_EINVAL,
                            "a %s model has no linear layer of kind %d",
                            family_name(cfg->family), (int)p);
        if (!isfinite(alphas[i]) || alphas[i] == 0.0 ||
            fabs(alphas[i]) > 1e9) // beyond it scale * B A leaves f32
            return err_fail(err, TRV_EINVAL, "alpha %g is no usable scale",
                            alphas[i]);
        part_shape(&pair->out, &pair->in, cfg, p);
        pair->rank = ranks[i];
        pair->alpha = alphas[i];
        pair->scale =
            (float)(pair->alpha / (l->rslora ? sqrt((double)pair->rank)
                                             : (double)pair->rank));
        if (__builtin_mul_overflow(pair->rank, pair->in + pair->out, &n) ||
            __builtin_add_overflow(n, vectors * pair->out, &n) ||
            __builtin_add_overflow(l->n, n, &l->n))
            return err_fail(err, TRV_ERANGE, "a LoRA of rank %lld overflows",
                            (long long)pair->rank);
    }
    if (l->n == 0)
        return err_fail(err, TRV_EINVAL, "a LoRA that adapts no layer");
    return 0;
}

/* Hand out the next `n` values of the vectors. */
static float *
next_values(const struct lora *l, int64_t *at, int64_t n, float **gradient)
{
    const int64_t from = *at;

    *at += n;
    *gradient = l->g ? l->g + from : NULL;
    return l->w + from;
}

/* Layer by layer all A, then all B: the A of maps that share their input (q, k,
 * v; gate, up) are neighbours, and so one matrix. */
static void
point_pairs(struct lora *l)
{
    int64_t at = 0;

    for (int64_t i = 0; i < l->layers; i++) {
        struct lora_pair *pairs = &l->pairs[i * PART_COUNT];

        for (int p = 0; p < PART_COUNT; p++)
            if (pairs[p].rank > 0)
                pairs[p].a_act = pairs[p].a = next_values(
                    l, &at, pairs[p].rank * pairs[p].in, &pairs[p].d_a);
        for (int p = 0; p < PART_COUNT; p++)
            if (pairs[p].rank > 0)
                pairs[p].b_act = pairs[p].b = next_values(
                    l, &at, pairs[p].out * pairs[p].rank, &pairs[p].d_b);
        for (int p = 0; p < PART_COUNT && l->dora; p++)
            if (pairs[p].rank > 0)
                pairs[p].m = next_values(l, &at, pairs[p].out, &pairs[p].d_m);
        for (int p = 0; p < PART_COUNT && l->bias; p++)
            if (pairs[p].rank > 0)
                pairs[p].bias =
                    next_values(l, &at, pairs[p].out, &pairs[p].d_bias);
    }
    TRV_ASSERT(at == l->n);
}

int
lora_init_shaped(struct lora *l, const struct model_config *cfg,
                 const struct lora_shape *shape, bool trained, trv_err *err)
{
    int rc;

    *l = (struct lora){.layers = cfg->layers,
                       .rslora = shape->rslora,
                       .dora = shape->dora,
                       .bias = shape->bias};
    l->pairs =
        mem_calloc((size_t)cfg->layers, PART_COUNT * sizeof(struct lora_pair));
    if (!l->pairs) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for the pairs of a LoRA");
        goto done;
    }
    rc = shape_pairs(l, cfg, shape->ranks, shape->alphas, err);
    if (rc)
        goto done;
    l->w = mem_calloc((size_t)l->n, sizeof(float));
    if (trained)
        l->g = mem_calloc((size_t)l->n, sizeof(float));
    if (!l->w || (trained && !l->g)) {
        rc =
            err_fail(err, TRV_ENOMEM, "no memory for a LoRA of %lld parameters",
                     (long long)l->n);
        goto done;
    }
    point_pairs(l);
done:
    if (rc)
        lora_release(l);
    return rc;
}

int
lora_init(struct lora *l, const struct model_config *cfg,
          const struct lora_spec *spec, bool trained, struct rng *rng,
          trv_err *err)
{
    const size_t n = (size_t)cfg->layers * PART_COUNT;
    const int64_t first =
        spec->layers_only ? cfg->layers - spec->layers_only : 0;
    int64_t *ranks = NULL;
    double *alphas = NULL;
    int rc;

    *l = (struct lora){0};
    if (spec->rank < 1 || spec->rank > LORA_MAX_RANK)
        return err_fail(err, TRV_EINVAL, "rank %lld is outside 1 to %d",
                        (long long)spec->rank, LORA_MAX_RANK);
    if (spec->layers_only < 0 || first < 0)
        return err_fail(err, TRV_EINVAL,
                        "cannot adapt %lld layers of a model that has %lld",
                        (long long)spec->layers_only, (long long)cfg->layers);
    if (!(spec->dropout >= 0.0f && spec->dropout < 1.0f))
        return err_fail(err, TRV_EINVAL, "dropout %g is outside 0 to 1",
                        (double)spec->dropout);
    ranks = mem_calloc(n, sizeof(*ranks));
    alphas = mem_calloc(n, sizeof(*alphas));
    if (!ranks || !alphas) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for the shape of a LoRA");
        goto done;
    }
    for (int64_t layer = first; layer < cfg->layers; layer++) {
        for (int p = 0; p < PART_COUNT; p++) {
            if (!spec->parts[p])
                continue;
            ranks[layer * PART_COUNT + p] = spec->rank;
            alphas[layer * PART_COUNT + p] =
                spec->alpha != 0.0 ? spec->alpha : 2.0 * (double)spec->rank;
        }
    }
    rc = lora_init_shaped(l, cfg,
                          &(struct lora_shape){.ranks = ranks,
                                               .alphas = alphas,
                                               .rslora = spec->rslora,
                                               .dora = spec->dora},
                          trained, err);
    if (rc)
        goto done;
    l->dropout = spec->dropout;
    for (int64_t i = 0; i < l->layers * PART_COUNT; i++) {
        const struct lora_pair *p = &l->pairs[i];
        const double bound = p->rank ? 1.0 / sqrt((double)p->in) : 0.0;

        for (int64_t j = 0; j < p->rank * p->in; j++)
            p->a[j] = (float)((2.0 * rng_uniform(rng) - 1.0) * bound);
    }
done:
    mem_free(ranks);
    mem_free(alphas);
    return rc;
}

/* Move into a backend's memory, once. */
static int
take(struct lora *l, struct backend *be, trv_err *err)
{
    int rc;

    if (be->ops->is_host || l->be == be)
        return 0;
    rc = backend_take(be, &l->w, &l->g, l->n, err);
    if (rc)
        return rc;
    l->be = be;
    point_pairs(l);
    return 0;
}

int
lora_refresh(struct lora *l, struct backend *be, trv_err *err)
{
    int rc = take(l, be, err);
    bf16 *act;

    if (!rc && l->dora)
        rc = dora_stale(l, err);
    if (rc)
        return rc;
    l->act_type = be->act_type;
    if (be->act_type == DT_F32) {
        if (l->act) { // was bf16 before
            backend_drop(l->be, l->act);
            l->act = NULL;
        }
        for (int64_t i = 0; i < l->layers * PART_COUNT; i++) {
            l->pairs[i].a_act = l->pairs[i].a;
            l->pairs[i].b_act = l->pairs[i].b;
        }
        return 0;
    }
    if (!l->act)
        l->act = be->ops->mem_alloc(be, (size_t)l->n * sizeof(bf16));
    if (!l->act)
        return err_fail(err, TRV_ENOMEM, "no memory for a LoRA in bf16");
    act = l->act;
    be->ops->cast(be, (struct mat){act, DT_BF16, 1, l->n, l->n},
                  mat_f32(l->w, 1, l->n));
    for (int64_t i = 0; i < l->layers * PART_COUNT; i++) {
        struct lora_pair *p = &l->pairs[i];

        if (p->rank) {
            p->a_act = act + (p->a - l->w);
            p->b_act = act + (p->b - l->w);
        }
    }
    return 0;
}

/* Which of a pair's tensors a value lies in; NULL: in none. */
static const char *
value_of(const struct lora_pair *p, const float *at)
{
    const struct {
        const float *from;
        int64_t n;
        const char *name;
    } parts[] = {{p->a, p->rank * p->in, "lora_A"},
                 {p->b, p->rank * p->out, "lora_B"},
                 {p->m, p->out, "lora_magnitude_vector"},
                 {p->bias, p->out, "lora_B.bias"}};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i].from && at >= parts[i].from &&
            at < parts[i].from + parts[i].n)
            return parts[i].name;
    return NULL;
}

void
lora_locate(char *buf, size_t size, const struct lora *l,
            const struct model_config *cfg, int64_t index)
{
    TRV_ASSERT(size > 0 && index >= 0 && index < l->n);
    for (int64_t i = 0; i < l->layers * PART_COUNT; i++) {
        const struct lora_pair *p = &l->pairs[i];
        const float *at = l->w + index;
        char path[256];
        const char *what = value_of(p, at);

        if (!what)
            continue;
        if (part_path(path, sizeof(path), cfg, i / PART_COUNT,
                      (enum part)(i % PART_COUNT)) < 0)
            path[0] = '\0';
        snprintf(buf, size, "%s.%s", path, what);
        return;
    }
    buf[0] = '\0';
}

void
lora_release(struct lora *l)
{
    dora_free(l->norms);
    mem_free(l->pairs);
    backend_drop(l->be, l->w);
    backend_drop(l->be, l->g);
    backend_drop(l->be, l->act);
    *l = (struct lora){0};
}

int
lora_begin(struct lora *l, const struct model_config *cfg, const char *targets,
           const struct lora_spec *spec, uint64_t seed, trv_err *err)
{
    struct lora_spec all = *spec;
    struct rng r;
    int rc = lora_targets(all.parts, cfg, targets, err);

    rng_init(&r, seed, STREAM_LORA);
    return rc ? rc : lora_init(l, cfg, &all, true, &r, err);
}

double
lora_default_lr(const struct model_config *cfg)
{
    return 5e-4 * sqrt(2048.0 / (double)cfg->width);
}
