/* report.c -- a measurement as JSON. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "measure/measure.h"

/* JSON has no NaN: what was not measured is null. */
static json_t *
number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *
figure(const trv_figure *f)
{
    const trv_figure none = {(double)NAN, (double)NAN, (double)NAN, (double)NAN,
                             0};

    if (f->n == 0)
        f = &none;
    return json_pack("{s:o,s:o,s:I,s:o,s:o}", "mean", number(f->mean), "stderr",
                     number(f->stderr_), "n", (json_int_t)f->n, "low",
                     number(f->low), "high", number(f->high));
}

int
measure_json(char **out, const trv_measurement *m, trv_err *err)
{
    json_t *root = json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,"
        "s:{s:o,s:o,s:o,s:I,s:I,s:o,s:o},s:s?}",
        "kl_forward", figure(&m->kl_forward), "kl_reverse",
        figure(&m->kl_reverse), "kl_base", figure(&m->kl_base), "gap_closed",
        figure(&m->gap_closed), "top1_agreement", figure(&m->top1_agreement),
        "rank_tau", figure(&m->rank_tau), "pair_accuracy",
        figure(&m->pair_accuracy), "pearson", figure(&m->pearson), "drift",
        figure(&m->drift), "cost", "seconds", number(m->cost.seconds), "tokens",
        number(m->cost.tokens), "flop", number(m->cost.flop), "peak_bytes",
        (json_int_t)m->cost.peak_bytes, "artefact_bytes",
        (json_int_t)m->cost.artefact_bytes, "added_seconds_per_token",
        number(m->cost.added_seconds_per_token), "added_bytes_per_token",
        number(m->cost.added_bytes_per_token), "trouble", m->trouble);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

    json_decref(root);
    *out = text ? mem_strdup(text) : NULL;
    free(text);
    return *out ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the report");
}
