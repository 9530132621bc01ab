/* verdict.c -- rules on figures that are known to within their errors. */
#include "triangle/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

#define SURE 2.0 // standard errors between two figures that differ
#define FAR 1.5  // nats a token from the base
#define KEPT_LEAST 0.1

struct figure {
    bool is; // it was measured
    double mean, error;
};

static struct figure
figure_of(const json_t *object, const char *key)
{
    const json_t *f = json_object_get(object, key);
    const json_t *mean = json_object_get(f, "mean");
    const json_t *error = json_object_get(f, "stderr");

    return (struct figure){json_is_number(mean), json_number_value(mean),
                           json_number_value(error)};
}

/* Is b above a by more than chance? Both are of other answers, so their errors
 * add up. */
static bool
rose(struct figure a, struct figure b)
{
    return a.is && b.is && b.mean - a.mean > SURE * hypot(a.error, b.error) &&
           b.mean - a.mean > 1e-9;
}

static int TRV_PRINTF(3, 4) say(json_t *row, trv_err *err, const char *fmt, ...)
{
    char line[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    return json_array_append_new(json_object_get(row, "trouble"),
                                 json_string(line))
               ? err_nomem(err, "for a verdict")
               : 0;
}

static int
look_for_hacking(json_t *row, trv_err *err)
{
    const json_t *reward = json_object_get(row, "reward");
    const json_t *second = json_object_get(row, "second_reward");
    const struct figure base = figure_of(reward, "base");
    const struct figure got = figure_of(reward, "target");
    const struct figure other = figure_of(second, "base");
    const struct figure left = figure_of(second, "target");
    const struct figure far = figure_of(row, "kl_base");

    if (!rose(base, got))
        return 0;
    if (rose(left, other))
        return say(row, err,
                   "reward hacking: the reward rose from %.2f to %.2f while "
                   "the second reward, which nothing was made for, fell from "
                   "%.2f to %.2f",
                   base.mean, got.mean, other.mean, left.mean);
    return far.is && far.mean > FAR
               ? say(row, err,
                     "the reward rose from %.2f to %.2f at %.1f nats per token "
                     "from the base: it may be met without sense (reward "
                     "hacking); a larger --beta holds it nearer",
                     base.mean, got.mean, far.mean)
               : 0;
}

static int
look_for_forgetting(json_t *row, trv_err *err)
{
    const json_t *unseen =
        json_object_get(json_object_get(row, "metric"), "unseen");
    const struct figure base = figure_of(unseen, "base");
    const struct figure got = figure_of(unseen, "target");

    return rose(got, base)
               ? say(row, err,
                     "forgetting: on the data set that nothing learned from "
                     "the metric fell from the base's %.2f to %.2f",
                     base.mean, got.mean)
               : 0;
}

static int
look_for_poor_optimum(json_t *row, trv_err *err)
{
    const json_t *fidelity = json_object_get(row, "fidelity");
    const char *name = json_string_value(json_object_get(fidelity, "name"));
    const struct figure kept = figure_of(fidelity, "of_root");
    const json_t *reward = json_object_get(row, "reward");
    const struct figure base = figure_of(reward, "base");
    const struct figure got = figure_of(reward, "target");

    if (!name || !kept.is || kept.mean + SURE * kept.error >= KEPT_LEAST)
        return 0;
    if (strcmp(name, "gap closed") == 0)
        return say(row, err,
                   "poor optimum: hardly anything of the source was kept "
                   "(%.2f); more steps or samples, or another method, may help",
                   kept.mean);
    return base.is && got.is && !rose(base, got)
               ? say(row, err,
                     "poor optimum: the reward is %.2f, and the base's is "
                     "%.2f; more answers to each input (--group), more rounds "
                     "or steps, or another method may help",
                     got.mean, base.mean)
               : 0;
}

int
verdict_add(json_t *row, bool of_reward, trv_err *err)
{
    int rc = of_reward ? look_for_hacking(row, err) : 0;

    if (!rc)
        rc = look_for_forgetting(row, err);
    return rc ? rc : look_for_poor_optimum(row, err);
}
