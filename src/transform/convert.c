/* convert.c -- from two forms to an edge, after all options are checked. */
#include "transform/convert.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

typedef int (*edge_fn)(const struct convert_job *job, trv_cost *cost,
                       trv_err *err);

static const struct edge {
    enum form from, to;
    edge_fn run;
} edges[] = {
    {FORM_PROMPT, FORM_PARAMS, prompt_to_params},
};

void
convert_say(const struct convert_job *job, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    if (!job->opts->on_message)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    job->opts->on_message(line, job->opts->message_payload);
}

static int
out_of_range(trv_err *err, const char *name, double value, double lo, double hi)
{
    return err_fail(err, TRV_ERANGE, "%s is %g, outside %g to %g", name, value,
                    lo, hi);
}

/* Bounds of every number; NaN is outside all of them. */
static int
check_options(const trv_convert_options *o, trv_err *err)
{
    const struct {
        const char *name;
        double value, lo, hi;
    } bounds[] = {
        {"rank", o->rank, 1, 512},
        {"alpha", o->alpha, 0, 1e6},
        {"dropout", o->dropout, 0, 0.99},
        {"samples", o->samples, 0, 10e6},
        {"max-tokens", o->max_tokens, 0, 1e6},
        {"temperature", o->temperature, 0, 100},
        {"on-policy", o->on_policy, 0, 1},
        {"steps", o->steps, 0, 100e6},
        {"batch", o->batch, 0, 65536},
        {"accumulate", o->accumulate, 1, 65536},
        {"learning rate", o->lr, 0, 100},
        {"warmup", o->warmup, 0, 1},
        {"weight-decay", o->weight_decay, 0, 10},
        {"clip", o->clip, 0, 1e6},
        {"checkpoint-every", o->checkpoint_every, 0, 100e6},
    };

    if (o->version != 1)
        return err_fail(err, TRV_EINVAL,
                        "convert options have version %u, not 1", o->version);
    if (!o->targets || !o->divergence || !o->schedule)
        return err_fail(err, TRV_EINVAL,
                        "convert options need targets, a divergence and a "
                        "schedule (start from TRV_CONVERT_OPTIONS_INIT)");
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
        if (!(bounds[i].value >= bounds[i].lo &&
              bounds[i].value <= bounds[i].hi))
            return out_of_range(err, bounds[i].name, bounds[i].value,
                                bounds[i].lo, bounds[i].hi);
    return 0;
}

int
convert_run(struct session *s, trv_cost *cost, struct adaptation *from,
            const char *to, const trv_convert_options *opts,
            trv_progress_fn progress, void *payload, trv_err *err)
{
    struct convert_job job = {.s = s,
                              .from = from,
                              .opts = opts,
                              .progress = progress,
                              .payload = payload};
    int rc;

    *cost = (trv_cost){0};
    rc = adaptation_target(&job.to, &job.out, to, err);
    if (!rc)
        rc = check_options(opts, err);
    if (!rc)
        rc = view_ready(from, s->be, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
        if (edges[i].from == from->form && edges[i].to == kind_form(job.to))
            return edges[i].run(&job, cost, err);
    return err_fail(err, TRV_EUNSUPPORTED,
                    "there is no conversion from %s to %s yet; there is "
                    "prompt to params (lora)",
                    form_name(from->form), form_name(kind_form(job.to)));
}
