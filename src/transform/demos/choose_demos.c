/* choose_demos.c -- the selection, its report, and the artefact. */
#include "transform/demos/choose_demos.h"

#include <math.h>
#include <string.h>

#include "base/streams.h"
#include "transform/demos/greedy_select.h"
#include "transform/demos/demo_values.h"

#define KEPT "values.jsonl"
#define IMPOSSIBLE (-(double)INFINITY)

struct picker {
    const struct convert_job *job;
    struct work w; // it keeps values.jsonl
    struct demo_values values;
};

/* What was reported on held-out inputs: rewards, or KL. */
struct report {
    struct prompt_value_mean base, with;
};

static bool
is_reward(const struct picker *p)
{
    return demo_values_of_reward(&p->values);
}

/* ---- choosing ----------------------------------------------------------- */

/* Where nothing helps, the single one that hurts least. */
static int
choose_one(int64_t *at, double *value, struct picker *p, trv_err *err)
{
    int rc = 0;

    *value = IMPOSSIBLE;
    for (int64_t i = 0; i < (int64_t)json_array_size(p->values.pool) && !rc;
         i++) {
        double v;

        rc = demo_values_get(&p->values, &v, &i, 1, err);
        if (!rc && v > *value) {
            *value = v;
            at[0] = i;
        }
    }
    if (!rc && !(*value > IMPOSSIBLE))
        rc = err_fail(err, TRV_ETOOLONG,
                      "no demonstration leaves room for an answer in the "
                      "context of %lld",
                      (long long)p->job->s->model->cfg.context);
    return rc;
}

static int
choose(struct adaptation **z, struct picker *p, trv_err *err)
{
    const struct greedy_select c = {
        .self = &p->values,
        .value = demo_values_get,
        .n = (int64_t)json_array_size(p->values.pool),
        .most = p->job->opts->evolve.demos,
        .mends = DEMO_MENDS,
        .starts = DEMO_STARTS};
    int64_t at[GREEDY_SELECT_MAX], k = 0;
    double value, none;
    int rc = greedy_select_run(at, &k, &value, &c, err);

    if (!rc)
        rc = demo_values_get(&p->values, &none, at, 0, err);
    if (!rc && k == 0) {
        rc = choose_one(at, &value, p, err);
        k = 1;
        if (!rc)
            job_log(p->job, "warning: no demonstration is better than "
                            "none: the result holds the one that hurts "
                            "least");
    }
    if (!rc)
        rc = demo_values_prompt(z, &p->values, at, k, err);
    if (!rc)
        job_log(p->job,
                is_reward(p)
                    ? "chosen: %lld of %lld demonstrations; value on the "
                      "inputs of the search %.4f, without %.4f"
                    : "chosen: %lld of %lld demonstrations; minus KL per "
                      "token on the inputs of the search %.4f, without "
                      "%.4f",
                (long long)k, (long long)c.n, value, none);
    return rc;
}

/* ---- the report --------------------------------------------------------- */

/* Rewards of held-out inputs, x [n] under z. */
static int
held_reward(double *x, struct picker *p, struct adaptation *z, trv_err *err)
{
    const int64_t n = p->values.inputs.n_held * DEMO_FINAL_ANSWERS;
    struct prompt_value *list = mem_calloc((size_t)n + 1, sizeof(*list));
    int rc = list ? 0 : err_nomem(err, "to choose demonstrations");

    for (int64_t i = 0; i < n && !rc; i++)
        list[i] = (struct prompt_value){
            .z = z,
            .row = p->values.inputs.held[i / DEMO_FINAL_ANSWERS],
            .stream = STREAM_REPORT + (uint64_t)i};
    if (!rc)
        rc = prompt_value_run(list, n, &p->values.prompt_value,
                              &p->values.drawn, err);
    for (int64_t i = 0; i < n && !rc; i++)
        x[i / DEMO_FINAL_ANSWERS] +=
            list[i].reward / DEMO_FINAL_ANSWERS; // or NaN
    if (list)
        prompt_value_release(list, n);
    mem_free(list);
    return rc;
}

/* KL per token of held-out inputs under the base, x, and under z, y. */
static int
held_kl(double *x, double *y, struct picker *p, struct adaptation *z,
        trv_err *err)
{
    struct demo_witness w = {0};
    bool fits = true, fits_base = true;
    int rc = demo_witness_draw(&w, &p->values, p->values.inputs.held,
                               p->values.inputs.n_held, STREAM_REPORT, err);

    if (!rc)
        rc = demo_witness_compare(x, &fits_base, &w, p->job->s, NULL, err);
    if (!rc)
        rc = demo_witness_compare(y, &fits, &w, p->job->s, z, err);
    for (int64_t i = 0; i < w.n && !rc; i++) {
        x[i] = fits && fits_base ? x[i] / (double)w.answers[i].n : (double)NAN;
        y[i] = fits && fits_base ? y[i] / (double)w.answers[i].n : (double)NAN;
    }
    demo_witness_release(&w);
    return rc;
}

static int
report_held_out(struct report *r, struct picker *p, struct adaptation *z,
                trv_err *err)
{
    const int64_t n = p->values.inputs.n_held;
    double *x = mem_calloc((size_t)n + 1, sizeof(*x));
    double *y = mem_calloc((size_t)n + 1, sizeof(*y));
    int rc = x && y ? 0 : err_nomem(err, "to choose demonstrations");

    if (!rc && n > 0 && is_reward(p)) {
        rc = held_reward(x, p, NULL, err);
        if (!rc)
            rc = held_reward(y, p, z, err);
    } else if (!rc && n > 0) {
        rc = held_kl(x, y, p, z, err);
    }
    if (!rc)
        *r = (struct report){prompt_value_mean(x, n), prompt_value_mean(y, n)};
    mem_free(x);
    mem_free(y);
    return rc;
}

static void
log_report(const struct picker *p, const struct report *r)
{
    const double more = r->with.mean - r->base.mean;
    const double gain = is_reward(p) ? more : -more;
    const double error = hypot(r->base.error, r->with.error);

    if (r->with.n < 2 || !isfinite(r->with.mean)) {
        job_log(p->job, r->with.n < 2
                            ? "note: there were too few inputs to hold "
                              "some out"
                            : "note: a held-out input leaves no room for "
                              "the demonstrations and an answer");
        return;
    }
    job_log(p->job,
            is_reward(p) ? "held-out reward: base %.4f +- %.4f, with the "
                           "demonstrations %.4f +- %.4f (%lld inputs)"
                         : "held-out KL per token: base %.4f +- %.4f, with the "
                           "demonstrations %.4f +- %.4f (%lld inputs)",
            r->base.mean, r->base.error, r->with.mean, r->with.error,
            (long long)r->with.n);
    if (!(gain > 2.0 * error))
        job_log(p->job,
                "warning: on held-out inputs the demonstrations are not "
                "clearly better than nothing (%.4f +- %.4f)",
                gain, error);
}

/* ---- the plan and the artefact ------------------------------------------ */

static int
options_to_json(struct picker *p, trv_err *err)
{
    const trv_convert_options *o = p->job->opts;

    p->w.options =
        json_pack("{s:i,s:i,s:i,s:i,s:f,s:I,s:f,s:O}", "demos", o->evolve.demos,
                  "inputs", o->evolve.inputs, "held_out", o->evolve.held_out,
                  "answers", o->evolve.answers, "beta", o->beta, "max_tokens",
                  (json_int_t)p->values.prompt_value.max_tokens, "temperature",
                  o->temperature, "layout", p->values.conf);
    return p->w.options ? 0 : err_nomem(err, "to choose demonstrations");
}

static int
save(struct picker *p, const struct adaptation *z, const struct report *r,
     trv_err *err)
{
    const struct artefact_step step = {.edge = p->job->edge,
                                       .method = "demos",
                                       .data = p->values.inputs.in.data.hash};
    int rc = work_begin_manifest(
        &p->w, KIND_DEMOS, p->job->from, &step,
        json_pack("{s:I}", "choices",
                  (json_int_t)json_object_size(p->values.memo)),
        err);

    if (!rc && r->with.n > 0 && isfinite(r->with.mean))
        rc = prompt_value_note(p->w.head.root,
                               is_reward(p) ? "held_out_reward" : "held_out_kl",
                               &r->base, &r->with, err);
    return rc ? rc : work_save_prompt(&p->w, z, err);
}

/* ---- the method --------------------------------------------------------- */

/* With the output locked: open what values are computed from. */
static int
prepare(struct picker *p, trv_err *err)
{
    struct demo_values *v = &p->values;
    int rc;

    v->work = &p->w;
    v->file = p->w.place.kept;
    v->resume = p->w.resume;
    v->began = p->w.began;
    rc = demo_values_open(v, err);
    if (rc)
        return rc;
    job_log_dropped(p->job, v->inputs.n_dropped, v->inputs.in.data.n, 0,
                    v->prompt_value.max_tokens);
    rc = options_to_json(p, err);
    if (!rc)
        rc = job_write_run(&p->w, p->job, "demos", &v->inputs.in, json_object(),
                           err);
    return rc ? rc : demo_values_begin(v, err);
}

static int
run_choice(struct adaptation **z, struct picker *p, trv_err *err)
{
    const int rc = choose(z, p, err);
    const int64_t choices = (int64_t)json_object_size(p->values.memo);
    char when[48];

    snprintf(when, sizeof(when), "after %lld choice%s", (long long)choices,
             plural(choices));
    return work_stopped(&p->w, rc, when, err);
}

int
demos_method(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    struct picker p = {.job = job, .values = {.job = job}};
    struct adaptation *z = NULL;
    struct report report;
    int rc = job_begin(&p.w, job, KEPT, err);

    if (!rc)
        rc = work_lock(&p.w, err);
    if (!rc)
        rc = prepare(&p, err);
    if (!rc)
        rc = run_choice(&z, &p, err);
    if (!rc)
        rc = report_held_out(&report, &p, z, err);
    if (!rc) {
        log_report(&p, &report);
        rc = save(&p, z, &report, err);
    }
    work_end(&p.w, rc, cost);
    if (!rc) {
        cost->final_loss = (double)NAN;
        cost->steps = (int64_t)json_object_size(p.values.memo);
        cost->samples = p.values.answers;
    }
    adaptation_free(z);
    demo_values_release(&p.values);
    work_release(&p.w);
    return rc;
}
