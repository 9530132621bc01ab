/* train_cost.c -- steps over rows, in tokens and seconds. */
#include "learn/train_cost.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/seal.h"
#include "learn/student.h"

#define LEAST_STEPS 30
#define CUT "budget" // of a run's fingerprint

static void
plan(struct train_cost *c, const struct train_rows *rows,
     const trv_learn_options *learn)
{
    struct cost_plan *const plans[] = {&c->likely, &c->bound};

    for (int k = 0; k < 2; k++) {
        struct cost_plan *p = plans[k];
        const double row = k ? rows->most : rows->mean;

        *p = (struct cost_plan){.steps = learn->steps,
                                .full = c->likely.full,
                                .bytes = c->likely.bytes};
        cost_score(p, "evaluating", 2.0 * rows->held_out);
        cost_score(p, "starting", rows->starts);
        /* One more where the loss has risen, to see by how much. */
        cost_learn(p, "training",
                   (learn->steps + 1.0) * (double)learn->batch * row);
    }
}

/* The steps of a run that goes on; 0: none were kept. */
static int
read_kept(int64_t *steps, const struct work *w, trv_err *err)
{
    json_t *was = NULL;
    const int rc = seal_open(&was, w->place.file, err);
    const json_t *cut = json_object_get(was, CUT);

    *steps = json_integer_value(json_object_get(cut, "steps"));
    json_decref(was);
    if (!rc && (*steps < 0 || *steps > INT32_MAX))
        return err_fail(err, TRV_EFORMAT,
                        "'%s' holds %lld steps: start the run anew",
                        w->place.file, (long long)*steps);
    return rc;
}

static int
cut_to(struct train_cost *c, const struct train_rows *rows,
       trv_learn_options *learn, int64_t steps, trv_err *err)
{
    json_decref(c->cut);
    learn->steps = (int32_t)steps;
    c->cut = json_pack("{s:I}", "steps", (json_int_t)steps);
    plan(c, rows, learn);
    return c->cut ? 0 : err_nomem(err, "to plan a training");
}

static int
fit(struct train_cost *c, const struct train_rows *rows,
    trv_learn_options *learn, trv_err *err)
{
    static const double divisors[] = COST_DIVISORS;
    const int n = (int)(sizeof(divisors) / sizeof(*divisors));
    double steps = c->full_steps;
    int rc = 0;

    for (int i = 0; i < n && steps > LEAST_STEPS && !rc &&
                    cost_seconds(&c->likely, &c->rate, NULL) > c->budget;
         i++) {
        steps = fmax(floor(c->full_steps / divisors[i]), LEAST_STEPS);
        rc = cut_to(c, rows, learn, (int64_t)steps, err);
    }
    return rc;
}

static void
say(const struct train_cost *c, const struct work *w,
    const trv_learn_options *learn)
{
    char tokens[COST_WORDS], time[COST_WORDS], steps[COST_WORDS];
    const double seconds = cost_seconds(&c->likely, &c->rate, NULL);

    work_log(w,
             "%s: %s step%s of %d, at most %s tokens; about %s%s%.0f MB "
             "beside the model",
             w->kind == KIND_HEAD ? "reward" : "sft",
             cost_count_text(steps, learn->steps), learn->steps == 1 ? "" : "s",
             learn->batch, cost_count_text(tokens, cost_tokens(&c->bound)),
             c->is_measured ? cost_time_text(time, seconds) : "",
             c->is_measured ? ", " : "", c->likely.bytes / 1e6);
    if (c->cut)
        work_log(w,
                 "budget %s: %d of %s steps; --budget none takes all, and "
                 "--steps %d gives the same anywhere",
                 isfinite(c->budget) ? cost_time_text(time, c->budget)
                                     : "of the run before",
                 learn->steps, cost_count_text(steps, c->full_steps),
                 learn->steps);
    if (c->is_measured && seconds > 1.05 * c->budget)
        work_log(w,
                 "note: that is more than the budget of %s: what was given "
                 "is not cut",
                 cost_time_text(time, c->budget));
}

int
train_cost_fit(struct train_cost *c, struct work *w,
               const struct train_rows *rows, trv_learn_options *learn,
               const trv_train_options *o, int64_t params, trv_err *err)
{
    const bool full = w->kind == KIND_FULL || o->full;
    const bool goes_on = w->resume && file_exists(w->place.file);
    const double micro = (double)learn->batch / (double)learn->accumulate;
    int64_t kept = 0;
    int rc = 0;

    c->full_steps = learn->steps;
    c->budget = cost_usual_budget(w->s->model);
    if (o->budget)
        rc = cost_budget(&c->budget, o->budget, err);
    c->likely.full = full;
    c->likely.bytes = student_bytes(w->s, full ? KIND_FULL : w->kind, params,
                                    micro * rows->mean);
    plan(c, rows, learn);
    if (!rc && goes_on)
        rc = read_kept(&kept, w, err);
    if (!rc && kept > 0)
        rc = cut_to(c, rows, learn, kept, err);
    if (!rc && (o->on_message || o->dry_run ||
                cost_slow_seconds(&c->likely, w->s->model) > c->budget)) {
        rc = rate_measure(&c->rate, w->s, !full, err);
        c->is_measured = !rc;
    }
    if (!rc && !goes_on && c->is_measured && !o->learn.steps &&
        !(o->epochs > 0))
        rc = fit(c, rows, learn, err);
    if (rc)
        return rc;
    say(c, w, learn);
    c->progress =
        (struct cost_progress){.plan = &c->likely,
                               .rate = c->is_measured ? &c->rate : NULL,
                               .progress = w->progress,
                               .payload = w->payload};
    w->progress = cost_report;
    w->payload = &c->progress;
    return 0;
}

void
train_cost_tell(trv_cost *cost, const struct train_cost *c)
{
    cost->planned_tokens = cost_tokens(&c->bound);
    cost->planned_steps = c->bound.steps;
    cost->planned_bytes = c->likely.bytes;
    cost->planned_seconds =
        c->is_measured ? cost_seconds(&c->likely, &c->rate, NULL) : 0.0;
    if (c->cut)
        snprintf(cost->sizes, sizeof(cost->sizes), "--steps %.0f",
                 c->bound.steps);
}

json_t *
train_cost_note(json_t *own, const struct train_cost *c)
{
    if (own && c->cut && json_object_set(own, CUT, c->cut)) {
        json_decref(own);
        return NULL;
    }
    return own;
}

void
train_cost_release(struct train_cost *c)
{
    json_decref(c->cut);
    c->cut = NULL;
}
