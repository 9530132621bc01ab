/* link_budget.c -- plans, cuts and what is said of them. */
#include "transform/link_budget.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/seal.h"
#include "learn/loop/run_place.h"
#include "transform/lengths.h"

/* ---- one link ------------------------------------------------------------ */

void
budget_add(struct budget *b, const struct convert_job *job, enum kind made,
           const trv_convert_options *opts)
{
    struct budget_link *l = &b->links[b->n++];
    const struct method_use use = {job->method, job->to};

    *l = (struct budget_link){.job = *job, .o = *opts};
    l->job.opts = &l->o;
    l->job.cost = &l->likely;
    if (!job->from) {
        l->earlier = (struct adaptation){.form = kind_form(made), .kind = made};
        l->job.from = &l->earlier;
        l->job.is_to_come = true;
    }
    method_drop_unread(&use, &l->o);
    method_defaults(job->method, &l->o);
}

static void
plan_link(struct budget_link *l)
{
    const struct method *m = l->job.method;
    const bool full = l->job.to == KIND_FULL;

    l->likely = (struct cost_plan){.full = full};
    l->bound = (struct cost_plan){.full = full};
    if (!m->plan)
        return;
    m->plan(&l->likely, &l->job, &l->mean);
    l->bound.looks = l->likely.looks;
    m->plan(&l->bound, &l->job, &l->most);
}

/* Bytes beside the model: what learns, and what a pass over a micro-batch
 * keeps. */
static int
plan_bytes(struct budget_link *l, trv_err *err)
{
    const trv_convert_options *o = &l->o;
    struct session *s = l->job.s;
    const struct rate_work w = cost_total(&l->likely);
    const double rows =
        fmax(l->likely.steps, 1.0) *
        (double)(o->learn.accumulate > 0 ? o->learn.accumulate : 1);
    struct student_options student;
    struct adapter_weights weights = {0};
    int64_t params = 0;
    int rc = 0;

    if (!l->job.method->plan)
        return 0;
    if (l->job.to == KIND_FULL) {
        params = model_params(s->model);
    } else if (student_can_be(l->job.to)) {
        rc = job_student(&student, &l->job, err);
        if (!rc)
            rc = student_begin(&weights, s->model, &student, err);
        params = adapter_weights_flat(&weights).n;
        adapter_weights_release(&weights);
    }
    l->likely.bytes =
        student_bytes(s, l->job.to, params, ceil(w.learned / rows));
    return rc;
}

/* Steps that passes over given preferences come to; of a stream they are not
 * known yet, and the method itself counts. */
static void
plan_steps(struct budget_link *l)
{
    trv_convert_options *o = &l->o;

    if (!o->learn.steps && o->epochs > 0 && o->learn.batch > 0 && o->pairs &&
        !data_is_stream(o->pairs))
        o->learn.steps = (int32_t)fmin(
            ceil(o->epochs * l->mean.inputs / o->learn.batch), INT32_MAX);
}

/* ---- cuts ---------------------------------------------------------------- */

static int
note_cut(struct budget_link *l, const char *name, int32_t value, trv_err *err)
{
    if (!l->cut)
        l->cut = json_object();
    return !l->cut || json_object_set_new(l->cut, name, json_integer(value))
               ? err_nomem(err, "to plan a conversion")
               : 0;
}

static int32_t *
size_of(trv_convert_options *o, const char *name)
{
    return method_size(o, name, strlen(name));
}

/* A size that was left at 0 means all answers there are. */
static double
full_size(const trv_convert_options *full, const char *name, double answers)
{
    trv_convert_options o = *full;
    const double x = *size_of(&o, name);

    return x > 0.0 || strcmp(name, "samples") != 0 ? x : answers;
}

/* May the budget cut an option: it was not given, and could be? The answers of
 * given pairs are what they are, and a batch is parted as it was asked for. */
static bool
may_cut(const struct budget_link *l, const trv_convert_options *given,
        const char *name)
{
    const struct method_use use = {l->job.method, l->job.to};
    const bool of_answers =
        strcmp(name, "samples") == 0 || strcmp(name, "max-tokens") == 0;

    return !method_is_given(given, name, strlen(name)) &&
           method_use_heeds(&use, &l->o, name) && !(l->o.pairs && of_answers) &&
           !(l->o.learn.accumulate > 1 && strcmp(name, "batch") == 0);
}

/* What sizes are divided by, of each turn; see struct method_cut. */
struct divisors {
    double of[METHOD_TURNS];
    int turn;
};

/* A size divided and rounded down, a batch to whole groups of answers. */
static double
smaller(const struct budget_link *l, const struct method_cut *c, double size,
        double by)
{
    const bool in_groups = strcmp(c->name, "batch") == 0 &&
                           method_reads(l->job.method, "group") &&
                           l->o.group > 1 && !l->o.pairs;
    const double unit = in_groups ? l->o.group : 1.0;

    return fmax(unit * fmax(floor(size / by / unit), 1.0), c->least);
}

/* Divide what may be cut; *more: something could still be smaller. */
static int
cut_link(bool *more, struct budget_link *l, const trv_convert_options *given,
         const trv_convert_options *full, double answers, struct divisors by,
         trv_err *err)
{
    const struct method_cut *c = l->job.method->cuts;
    int rc = 0;

    json_decref(l->cut);
    l->cut = NULL;
    l->o = *full;
    for (; c && c->name && !rc; c++) {
        const double size = full_size(full, c->name, answers);
        const double now = smaller(l, c, size, by.of[c->late]);

        if (!may_cut(l, given, c->name) || !(now < size))
            continue;
        *size_of(&l->o, c->name) = (int32_t)now;
        rc = note_cut(l, c->name, (int32_t)now, err);
        *more = *more || (now > c->least && c->late == by.turn);
    }
    plan_link(l);
    return rc;
}

static double
all_seconds(const struct budget *b)
{
    double sum = 0.0;

    for (int i = 0; i < b->n; i++)
        sum += cost_seconds(&b->links[i].likely, &b->rate, NULL);
    return sum;
}

/* The sizes of the first turn by all divisors, and then those of the next. */
static int
cut_all(struct budget *b, trv_err *err)
{
    static const double divisors[] = COST_DIVISORS;
    const int n = (int)(sizeof(divisors) / sizeof(*divisors));
    trv_convert_options *full = mem_calloc((size_t)b->n, sizeof(*full));
    double *answers = mem_calloc((size_t)b->n, sizeof(*answers));
    struct divisors by = {.of = {1.0, 1.0, 1.0}};
    int rc = full && answers ? 0 : err_nomem(err, "to plan a conversion");

    for (int i = 0; i < b->n && !rc; i++) {
        full[i] = b->links[i].o;
        answers[i] = b->links[i].likely.answers;
    }
    for (by.turn = 0; by.turn < METHOD_TURNS; by.turn++) {
        bool more = true;

        for (int d = 0; d < n && more && !rc && all_seconds(b) > b->seconds;
             d++) {
            by.of[by.turn] = divisors[d];
            more = false;
            for (int i = 0; i < b->n && !rc; i++)
                rc = cut_link(&more, &b->links[i], b->given, &full[i],
                              answers[i], by, err);
        }
    }
    mem_free(full);
    mem_free(answers);
    return rc;
}

static bool
is_cut_of(const struct method *m, const char *name)
{
    for (const struct method_cut *c = m->cuts; c && c->name; c++)
        if (strcmp(c->name, name) == 0)
            return true;
    return false;
}

/* Sizes of a run that goes on. */
static int
take_kept(struct budget_link *l, const json_t *cut, trv_err *err)
{
    json_t *sizes = (json_t *)(uintptr_t)cut; // it is only read

    for (void *it = json_object_iter(sizes); it;
         it = json_object_iter_next(sizes, it)) {
        const char *name = json_object_iter_key(it);
        const json_t *value = json_object_iter_value(it);
        const json_int_t size = json_integer_value(value);
        int rc;

        if (!is_cut_of(l->job.method, name) || !json_is_integer(value) ||
            size < 1 || size > INT32_MAX)
            return err_fail(err, TRV_EFORMAT,
                            "the run to go on with holds a size '%.40s' that "
                            "is none of %s: start it anew",
                            name, l->job.method->info.name);
        *size_of(&l->o, name) = (int32_t)size;
        rc = note_cut(l, name, (int32_t)size, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- the whole ----------------------------------------------------------- */

static int
measure(struct budget *b, trv_err *err)
{
    double learned = 0.0;
    bool full = false;
    int rc;

    for (int i = 0; i < b->n; i++) {
        const struct rate_work w = cost_total(&b->links[i].likely);

        learned += w.learned;
        full = full || b->links[i].likely.full;
    }
    rc = rate_measure(&b->rate, b->s, learned > 0.0 && !full, err);
    b->is_measured = !rc;
    return rc;
}

int
budget_fit(struct budget *b, const json_t *kept, trv_err *err)
{
    const trv_convert_options *o = b->given;
    double slow = 0.0, tokens = 0.0;
    int rc = 0;

    b->seconds = cost_usual_budget(b->s->model);
    if (o->budget)
        rc = cost_budget(&b->seconds, o->budget, err);
    for (int i = 0; i < b->n && !rc; i++) {
        struct budget_link *l = &b->links[i];

        if (!l->job.method->plan)
            continue;
        rc = lengths_measure(&l->mean, &l->most, &l->job, err);
        plan_steps(l);
        if (!rc && kept)
            rc = take_kept(l, json_array_get(kept, (size_t)i), err);
        plan_link(l);
        slow += cost_slow_seconds(&l->likely, b->s->model);
        tokens += cost_tokens(&l->bound);
    }
    if (!rc && tokens > 0.0 &&
        (o->on_message || o->dry_run || (!kept && slow > b->seconds)))
        rc = measure(b, err);
    if (!rc && !kept && b->is_measured && all_seconds(b) > b->seconds)
        rc = cut_all(b, err);
    for (int i = 0; i < b->n && !rc; i++) {
        rc = plan_bytes(&b->links[i], err);
        b->links[i].job.cut = b->links[i].cut;
    }
    return rc;
}

void
budget_release(struct budget *b)
{
    for (int i = 0; i < b->n; i++)
        json_decref(b->links[i].cut);
    b->n = 0;
}

int
budget_read_kept(json_t **kept, const char *out, trv_err *err)
{
    struct run_place place = {0};
    json_t *was = NULL;
    const json_t *cut;
    int rc = run_place_init(&place, out, NULL, NULL, err);

    *kept = NULL;
    if (!rc && file_exists(place.file)) {
        rc = seal_open(&was, place.file, err);
        cut = json_object_get(was, JOB_CUT);
        if (!rc) {
            *kept = cut ? json_pack("[O]", cut) : json_pack("[n]");
            rc = *kept ? 0 : err_nomem(err, "to plan a conversion");
        }
    }
    json_decref(was);
    run_place_release(&place);
    return rc;
}

/* ---- words --------------------------------------------------------------- */

static void
count(char *out, size_t size, double n, const char *what)
{
    char x[COST_WORDS];

    snprintf(out, size, "%s %s%s", cost_count_text(x, n), what,
             n == 1.0 ? "" : "s");
}

static void
tell_link(const struct budget *b, const struct budget_link *l)
{
    char answers[60] = "", steps[60] = "", tokens[60], time[COST_WORDS];
    char each[60] = "", batch[60] = "";
    const double seconds = cost_seconds(&l->likely, &b->rate, NULL);
    const double bytes = l->likely.bytes;

    if (!l->job.method->plan)
        return;
    if (l->bound.answers > 0.0) {
        count(answers, sizeof(answers), l->bound.answers, "answer");
        count(each, sizeof(each), l->o.max_tokens, "token");
    }
    if (l->bound.steps > 0.0)
        count(steps, sizeof(steps), l->bound.steps, "step");
    if (l->bound.steps > 0.0 && l->o.learn.batch > 0 &&
        method_reads(l->job.method, "batch"))
        snprintf(batch, sizeof(batch), " of %d", l->o.learn.batch);
    count(tokens, sizeof(tokens), cost_tokens(&l->bound), "token");
    job_log(&l->job,
            "%s: at most %s%s%s%s%s%s, %s in all; about %s%s%.0f MB beside the "
            "model",
            l->job.method->info.name, answers, *answers ? " of " : "", each,
            *steps && *answers ? ", " : "", steps, batch, tokens,
            b->is_measured ? cost_time_text(time, seconds) : "",
            b->is_measured ? ", " : "", bytes / 1e6);
}

static double
size_before(const struct budget *b, const struct budget_link *l,
            const char *name)
{
    trv_convert_options full = *b->given;
    const struct method_use use = {l->job.method, l->job.to};

    method_drop_unread(&use, &full);
    method_defaults(l->job.method, &full);
    return *size_of(&full, name);
}

/* "--samples 256 --steps 60" of a link. */
static void
cut_options(char *out, size_t size, const struct budget_link *l)
{
    size_t at = 0;
    void *it = l->cut ? json_object_iter(l->cut) : NULL;

    out[0] = '\0';
    for (; it && at < size; it = json_object_iter_next(l->cut, it))
        at += (size_t)snprintf(
            out + at, size - at, "%s--%s %lld", at ? " " : "",
            json_object_iter_key(it),
            (long long)json_integer_value(json_object_iter_value(it)));
}

static void
tell_cut(const struct budget *b, const struct budget_link *l)
{
    char what[200], options[160], x[COST_WORDS], y[COST_WORDS];
    size_t at = 0;
    void *it = l->cut ? json_object_iter(l->cut) : NULL;

    what[0] = '\0';
    for (; it && at < sizeof(what); it = json_object_iter_next(l->cut, it)) {
        const char *name = json_object_iter_key(it);
        const double was = size_before(b, l, name);
        const double now =
            (double)json_integer_value(json_object_iter_value(it));

        at += (size_t)snprintf(what + at, sizeof(what) - at, "%s%s%s%s %s",
                               at ? ", " : "", cost_count_text(x, now),
                               was > 0.0 ? " of " : "",
                               was > 0.0 ? cost_count_text(y, was) : "", name);
    }
    if (!what[0])
        return;
    cut_options(options, sizeof(options), l);
    job_log(&l->job,
            "budget %s: %s; --budget none takes all, and %s gives the same "
            "anywhere",
            isfinite(b->seconds) ? cost_time_text(x, b->seconds)
                                 : "of the run before",
            what, options);
}

void
budget_tell(const struct budget *b)
{
    char x[COST_WORDS], y[COST_WORDS];
    const double seconds = all_seconds(b);

    for (int i = 0; i < b->n; i++)
        tell_link(b, &b->links[i]);
    if (b->n > 1 && b->is_measured)
        job_log(&b->links[0].job, "in all about %s",
                cost_time_text(x, seconds));
    for (int i = 0; i < b->n; i++)
        tell_cut(b, &b->links[i]);
    if (b->is_measured && seconds > 1.05 * b->seconds)
        job_log(&b->links[0].job,
                "note: that is more than the budget of %s: what was given is "
                "not cut, nor any size below its least",
                cost_time_text(y, b->seconds));
}

void
budget_to_cost(trv_cost *cost, const struct budget *b)
{
    size_t at = 0;

    cost->planned_seconds = b->is_measured ? all_seconds(b) : 0.0;
    for (int i = 0; i < b->n; i++) {
        const struct budget_link *l = &b->links[i];
        char options[160];

        cost->planned_tokens += cost_tokens(&l->bound);
        cost->planned_answers += l->bound.answers;
        cost->planned_steps += l->bound.steps;
        cost->planned_bytes = fmax(cost->planned_bytes, l->likely.bytes);
        cut_options(options, sizeof(options), l);
        if (*options && at < sizeof(cost->sizes))
            at += (size_t)snprintf(cost->sizes + at, sizeof(cost->sizes) - at,
                                   "%s%s", at ? "; " : "", options);
    }
}

double
budget_after(const struct budget *b, int i)
{
    double sum = 0.0;

    while (++i < b->n)
        sum += cost_seconds(&b->links[i].likely, &b->rate, NULL);
    return sum;
}
