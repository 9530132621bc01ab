/* features.c -- hidden states of two passes, and the gradient of their
 * distance.
 */
#include "transform/imitate/features.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

/* ---- which layers ------------------------------------------------------- */

static int
choose(struct features *f, const char *names, trv_err *err)
{
    const char *p = names;
    char *end = NULL, hint[NEAREST_HINT];

    if (strcmp(names, "all") == 0 || strcmp(names, "upper") == 0 ||
        strcmp(names, "last") == 0) {
        const int64_t from = *names == 'a'   ? 0
                             : *names == 'u' ? f->layers / 2
                                             : f->layers - 1;

        for (int64_t l = from; l < f->layers; l++)
            f->layer[l] = true;
        return 0;
    }
    do {
        const long l = strtol(p, &end, 10);

        if (end == p || (*end && *end != ','))
            return err_option(
                err, TRV_EINVAL, "features-layers",
                "'%.100s' names no layers; there are all, upper, "
                "last, and numbers as in 4,8%s",
                names,
                nearest_hint(hint, names, strlen(names), "all, upper, last"));
        if (l < 1 || l > f->layers)
            return err_option(err, TRV_ERANGE, "features-layers",
                              "'%.100s' is outside the model's "
                              "layers 1 to %lld",
                              names, (long long)f->layers);
        f->layer[l - 1] = true;
        p = end + 1;
    } while (*end);
    return 0;
}

int
features_init(struct features *f, const char *names, double weight,
              const struct model_config *cfg, trv_err *err)
{
    int rc;

    *f = (struct features){.weight = weight, .layers = cfg->layers};
    f->layer = mem_calloc((size_t)cfg->layers, sizeof(*f->layer));
    if (!f->layer)
        return err_fail(err, TRV_ENOMEM, "no memory to plan a conversion");
    rc = choose(f, names, err);
    for (int64_t l = 0; l < f->layers; l++)
        f->chosen += f->layer[l];
    return rc;
}

void
features_release(struct features *f)
{
    mem_free(f->layer);
    *f = (struct features){0};
}

int
features_check(const struct answers *a, const struct model_config *cfg,
               trv_err *err)
{
    for (int64_t i = 0; i < a->n_contexts; i++) {
        const struct context *c = &a->contexts[i].teacher;
        const struct model_config *of = c->parts[0].d->cfg;

        if (c->n != 1)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "features match one stream of hidden states, and "
                            "the source mixes several");
        if (of->width != cfg->width || of->layers != cfg->layers)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "features match equal shapes, and the source has "
                            "%lld layers of width %lld, not %lld of %lld",
                            (long long)of->layers, (long long)of->width,
                            (long long)cfg->layers, (long long)cfg->width);
    }
    return 0;
}

/* ---- a batch ------------------------------------------------------------ */

int
features_begin(struct features_batch *x, struct backend *be, struct arena *a,
               const struct features *f, int64_t n, int64_t width, trv_err *err)
{
    bool failed;

    *x = (struct features_batch){.f = f, .be = be, .n = n, .width = width};
    x->h = arena_alloc(a, (size_t)f->layers * sizeof(*x->h));
    failed = !x->h;
    for (int64_t l = 0; l < f->layers && !failed; l++) {
        x->h[l] = f->layer[l] ? tensor_f32(a, n, width) : NULL;
        failed = f->layer[l] && !x->h[l];
    }
    return failed ? err_fail(err, TRV_ENOMEM, "no memory for a batch") : 0;
}

static void
take_states(void *payload, int64_t layer, struct mat stream)
{
    const struct features_batch *x = payload;

    if (x->h[layer])
        x->be->ops->gather(x->be, mat_f32(x->h[layer], x->n, x->width), stream,
                           x->at);
}

struct decoder_tap
features_tap(struct features_batch *x)
{
    return (struct decoder_tap){take_states, x};
}

/* |t - s|^2 / |t|^2; t becomes `weight` times its gradient in s. */
static double
compare(float *t, const float *s, int64_t n, double weight)
{
    double square = 0.0, distance = 0.0;

    for (int64_t c = 0; c < n; c++) {
        const double d = (double)s[c] - (double)t[c];

        square += (double)t[c] * (double)t[c];
        distance += d * d;
    }
    if (!(square > 0.0)) { // a teacher of zeros has no scale
        memset(t, 0, (size_t)n * sizeof(*t));
        return 0.0;
    }
    for (int64_t c = 0; c < n; c++)
        t[c] = (float)(2.0 * weight / square * ((double)s[c] - (double)t[c]));
    return weight * distance / square;
}

double
features_compare(struct features_batch *x, const struct saved *save)
{
    const double weight = x->f->weight / (double)x->f->chosen;
    double loss = 0.0;

    for (int64_t l = 0; l < x->f->layers; l++) {
        const float *stream =
            l + 1 < x->f->layers ? save->layers[l + 1].x_in : save->x_out;

        for (int64_t k = 0; k < x->n && x->h[l]; k++)
            loss += compare(x->h[l] + k * x->width,
                            stream + x->at[k] * x->width, x->width, weight);
    }
    return loss;
}

void
features_back(void *payload, int64_t layer, enum dec_map map, struct mat dx)
{
    const struct features_batch *x = payload;

    if (map != MAP_DOWN || !x->h[layer])
        return;
    x->be->ops->scatter_add(x->be, dx, x->at,
                            mat_f32(x->h[layer], x->n, x->width));
}
