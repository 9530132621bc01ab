/* report.c -- a measurement as JSON. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "measure/measure.h"

json_t *
measure_figure(const trv_figure *f)
{
    const trv_figure none = {(double)NAN, (double)NAN, (double)NAN, (double)NAN,
                             0};

    if (f->n == 0)
        f = &none;
    return json_pack("{s:o,s:o,s:I,s:o,s:o}", "mean", json_finite(f->mean),
                     "stderr", json_finite(f->stderr_), "n", (json_int_t)f->n,
                     "low", json_finite(f->low), "high", json_finite(f->high));
}

/* NULL where there are none, which leaves the key out. */
static json_t *
examples(const trv_measurement *m)
{
    json_t *list = m->n_examples ? json_array() : NULL;

    for (int32_t i = 0; i < m->n_examples; i++) {
        const trv_example *e = &m->examples[i];

        if (json_array_append_new(list,
                                  json_pack("{s:s,s:s,s:s,s:s?}", "input",
                                            e->input, "base", e->base, "source",
                                            e->source, "target", e->target)))
            break; // no memory: shown by the array's length
    }
    return list;
}

/* [n] numbers that lie `stride` bytes apart; NULL without memory. */
static json_t *
column(const double *first, size_t stride, int64_t n)
{
    json_t *list = json_array();

    for (int64_t i = 0; i < n && list; i++) {
        const void *at = (const char *)first + (size_t)i * stride;

        if (json_array_append_new(list, json_finite(*(const double *)at))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *
per_input(const trv_measurement *m)
{
    const size_t stride = sizeof(*m->inputs);
    const int64_t n = m->n_inputs;

    return json_pack("{s:o,s:o}", "kl_forward",
                     column(&m->inputs->kl_forward, stride, n), "kl_base",
                     column(&m->inputs->kl_base, stride, n));
}

static json_t *
per_position(const trv_measurement *m)
{
    const size_t stride = sizeof(*m->positions);
    const int64_t n = m->n_positions;
    json_t *answers = json_array();

    for (int64_t i = 0; i < n; i++)
        if (json_array_append_new(
                answers, json_integer((json_int_t)m->positions[i].answers)))
            break; // no memory: shown by the array's length
    if (json_array_size(answers) != (size_t)n) {
        json_decref(answers);
        return NULL;
    }
    return json_pack("{s:o,s:o,s:o}", "kl_forward",
                     column(&m->positions->kl_forward, stride, n), "kl_base",
                     column(&m->positions->kl_base, stride, n), "answers",
                     answers);
}

int
measure_json(char **out, const trv_measurement *m, trv_err *err)
{
    json_t *said = examples(m);
    json_t *inputs = m->n_inputs ? per_input(m) : NULL;
    json_t *positions = m->n_positions ? per_position(m) : NULL;
    const bool has_task = m->task_base.n || m->task_source.n ||
                          m->task_target.n || m->task_gain.n;
    json_t *task = has_task
                       ? json_pack("{s:o,s:o,s:o,s:o}", "base",
                                   measure_figure(&m->task_base), "source",
                                   measure_figure(&m->task_source), "target",
                                   measure_figure(&m->task_target), "gain",
                                   measure_figure(&m->task_gain))
                       : NULL;
    const bool whole = json_array_size(said) == (size_t)m->n_examples &&
                       !inputs == !m->n_inputs &&
                       !positions == !m->n_positions && !task == !has_task;
    json_t *root = json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,"
        "s:o*,s:{s:o,s:o,s:o},s:{s:i,s:i,s:i},s:s?,s:{s:o,s:o,s:o,s:I,s:I,s:o,"
        "s:o,s:f,s:f},"
        "s:s?,s:o*,s:o*,s:o*}",
        "kl_forward", measure_figure(&m->kl_forward), "kl_reverse",
        measure_figure(&m->kl_reverse), "kl_base", measure_figure(&m->kl_base),
        "gap_closed", measure_figure(&m->gap_closed), "top1_agreement",
        measure_figure(&m->top1_agreement), "rank_tau",
        measure_figure(&m->rank_tau), "pair_accuracy",
        measure_figure(&m->pair_accuracy), "pearson",
        measure_figure(&m->pearson), "drift", measure_figure(&m->drift),
        "drift_source", measure_figure(&m->drift_source), "task", task,
        "answer_tokens", "base", measure_figure(&m->tokens_base), "source",
        measure_figure(&m->tokens_source), "target",
        measure_figure(&m->tokens_target), "sizes", "max_inputs",
        (int)m->max_inputs, "max_tokens", (int)m->max_tokens, "candidates",
        (int)m->candidates, "cut", m->cut, "cost", "seconds",
        json_finite(m->cost.seconds), "tokens", json_finite(m->cost.tokens),
        "flop", json_finite(m->cost.flop), "peak_bytes",
        (json_int_t)m->cost.peak_bytes, "artefact_bytes",
        (json_int_t)m->cost.artefact_bytes, "added_seconds_per_token",
        json_finite(m->cost.added_seconds_per_token), "added_bytes_per_token",
        json_finite(m->cost.added_bytes_per_token), "planned_seconds",
        m->cost.planned_seconds, "planned_tokens", m->cost.planned_tokens,
        "trouble", m->trouble, "examples", said, "per_input", inputs,
        "per_position", positions);
    char *text = root && whole ? json_dumps(root, JSON_INDENT(2)) : NULL;

    json_decref(root);
    *out = text ? mem_strdup(text) : NULL;
    free(text);
    return *out ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the report");
}
