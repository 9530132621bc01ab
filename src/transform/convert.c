/* convert.c -- from two forms to an edge, after all options are checked. */
#include "transform/convert.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "learn/options.h"

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
check_options(const trv_convert_options *o, trv_err *err)
{
    const struct bounded list[] = {
        {"samples", o->samples, 0, 10e6},
        {"max-tokens", o->max_tokens, 0, 1e6},
        {"temperature", o->temperature, 0, 100},
        {"on-policy", o->on_policy, 0, 1},
    };
    int rc;

    if (o->version != 1)
        return err_fail(err, TRV_EINVAL,
                        "convert options have version %u, not 1", o->version);
    if (!o->divergence)
        return err_fail(err, TRV_EINVAL,
                        "convert options need a divergence (start from "
                        "TRV_CONVERT_OPTIONS_INIT)");
    rc = options_check_lora(&o->lora, err);
    if (!rc)
        rc = options_check_learn(&o->learn, err);
    return rc ? rc : options_within(list, sizeof(list) / sizeof(*list), err);
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
