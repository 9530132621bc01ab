/* imitate.c -- plan, run and result of learning from a teacher.
 *
 * Everything on the way lies in OUT.run; a run that was stopped goes on from
 * there:
 *   run.json        the run's fingerprint: what a resumed run must agree on
 *   answers.jsonl   whole blocks of answers
 *   checkpoint.safetensors, metrics.jsonl   of learn/loop/run.h
 */
#include "transform/imitate/imitate.h"

#include <math.h>
#include <string.h>

#include "learn/options.h"
#include "transform/imitate/distill.h"
#include "transform/imitate/imitate_cost.h"
#include "transform/imitate/solve.h"
#include "transform/imitate/virtual_start.h"

/* The options with every zero replaced, and what the run writes to. */
struct plan {
    const struct convert_job *job;
    const struct imitation *how;
    enum imitate_variant variant;
    struct adaptation *teacher;
    struct distill_options distill;
    struct features features;
    struct student_options student;
    bool solve, train; // both: training starts from the closed form
    int64_t samples, max_tokens;
    trv_learn_options learn; // every zero replaced
    struct work w;           // it keeps answers.jsonl
};

/* The options for trivium.json and the fingerprint: those that affect the
 * result. */
static int
options_to_json(struct plan *p, trv_err *err)
{
    const trv_convert_options *o = p->job->opts;
    int rc, bad = 0;

    p->w.options = json_pack("{s:I,s:I,s:f}", "samples", (json_int_t)p->samples,
                             "max_tokens", (json_int_t)p->max_tokens,
                             "temperature", o->temperature);
    if (p->solve)
        bad |=
            json_object_set_new(p->w.options, "ridge", json_real(SOLVE_RIDGE));
    if (p->train) {
        bad |= json_object_set_new(p->w.options, "divergence",
                                   json_string(o->divergence));
        bad |= json_object_set_new(p->w.options, "on_policy",
                                   json_real(o->on_policy));
    }
    if (p->solve && p->train)
        bad |= json_object_set_new(p->w.options, "init", json_string("solve"));
    if (p->how->beta > 0)
        bad |=
            json_object_set_new(p->w.options, "beta", json_real(p->how->beta));
    if (p->variant == IMITATE_FEATURES) {
        bad |= json_object_set_new(p->w.options, "features_weight",
                                   json_real(o->features_weight));
        bad |= json_object_set_new(p->w.options, "features_layers",
                                   json_string(o->features_layers));
    }
    if (!p->w.options || bad)
        return err_fail(err, TRV_ENOMEM, "no memory to plan a conversion");
    rc = student_to_json(p->w.options, &p->student, err);
    return rc || !p->train
               ? rc
               : options_learn_to_json(p->w.options, &p->learn, err);
}

static int
plan_start(struct plan *p, trv_err *err)
{
    const char *init = p->job->opts->init;

    p->train = p->variant != IMITATE_SOLVE;
    p->solve = !p->train || strcmp(init, "solve") == 0;
    if (p->solve && p->job->to != KIND_LORA)
        return err_fail(err, TRV_EINVAL,
                        "solve makes a lora; there is no closed form of '%s'",
                        kind_name(p->job->to));
    return 0;
}

static int
plan_make(struct plan *p, const struct convert_job *job,
          const struct imitation *how, trv_err *err)
{
    const trv_convert_options *o = job->opts;
    int rc;

    *p = (struct plan){.job = job,
                       .how = how,
                       .variant = (enum imitate_variant)job->method->variant};
    p->distill.hard = p->variant == IMITATE_SFT;
    p->teacher = how->teacher ? how->teacher : job->from;
    rc = job_student(&p->student, job, err);
    if (!rc)
        rc = options_divergence(&p->distill.divergence, o->divergence, err);
    if (!rc)
        rc = plan_start(p, err);
    if (!rc && p->variant == IMITATE_FEATURES)
        rc = features_init(&p->features, o->features_layers, o->features_weight,
                           &job->s->model->cfg, err);
    if (rc)
        return rc;
    p->learn = o->learn;
    rc = !p->train
             ? 0
             : options_complete(
                   &p->learn,
                   &(struct learn_defaults){
                       .lr = student_default_lr(job->to, &job->s->model->cfg),
                       .rows = "rows"},
                   err);
    if (rc)
        return rc; // before anything is sampled
    p->distill.batch = p->learn.batch;
    p->distill.accumulate = p->learn.accumulate;
    p->distill.on_policy = o->on_policy;
    p->distill.seed = o->seed;
    p->max_tokens = o->max_tokens;
    p->distill.max_tokens = p->max_tokens;
    p->samples = o->samples;
    rc = job_begin(&p->w, job, "answers.jsonl", err);
    return rc ? rc : options_to_json(p, err);
}

/* What will learn. Of a LoRA, what solve alone cannot write would be zeros, so
 * it is left out. */
static int
begin_student(struct adapter_weights *student, const struct plan *p,
              trv_err *err)
{
    const struct model_config *cfg = &p->job->s->model->cfg;
    const char *o_name = part_name(cfg, PART_O);
    const char *down_name = part_name(cfg, PART_DOWN);
    struct student_options o = p->student;
    bool parts[PART_COUNT];
    char both[128];
    int rc = 0;

    if (p->solve)
        rc = solve_check(cfg, err);
    if (!rc && p->solve)
        rc = lora_targets(parts, cfg, o.lora.targets, err);
    if (rc)
        return rc;
    if (p->solve && o.lora.dora)
        return err_fail(err, TRV_EINVAL,
                        "dora is for what is trained: solve computes plain "
                        "pairs");
    if (p->solve && !parts[PART_O] && !parts[PART_DOWN])
        return err_fail(err, TRV_EINVAL,
                        "solve writes %s and %s, and the targets '%.100s' "
                        "name neither",
                        o_name, down_name, o.lora.targets);
    if (!p->train) {
        snprintf(both, sizeof(both), "%s%s%s", parts[PART_O] ? o_name : "",
                 parts[PART_O] && parts[PART_DOWN] ? "," : "",
                 parts[PART_DOWN] ? down_name : "");
        o.lora.targets = both;
    }
    return student_begin(student, p->job->s->model, &o, err);
}

static int
solve(struct plan *p, const struct answers *answers,
      struct adapter_weights *student, trv_err *err)
{
    const struct convert_job *job = p->job;
    const struct solve_options o = {.ridge = SOLVE_RIDGE,
                                    .answers = p->train ? SOLVE_ANSWERS : 0,
                                    .progress = job->progress,
                                    .payload = job->payload};
    struct solve_result got;
    const int rc = solve_run(job->s, &got, student, answers, &o, err);

    p->w.tokens = got.tokens;
    return work_stopped(&p->w, rc, "while solving", err);
}

static int
train(struct run_result *result, const struct plan *p, struct answers *answers,
      struct adapter_weights *student, struct decoder *own,
      const struct inputs *in, trv_err *err)
{
    const struct convert_job *job = p->job;
    struct distill t = {
        .s = job->s,
        .answers = answers,
        .student = own ? NULL : student,
        .own = own,
        .features = p->variant == IMITATE_FEATURES ? &p->features : NULL,
        .opts = p->distill};
    struct run_task task;
    int rc = adapter_weights_refresh(student, job->s->be, err);

    if (!rc)
        rc = distill_init(&t, &task, err);
    if (!rc && student_is_virtual(job->to) && !work_has_checkpoint(&p->w))
        rc = start_virtual(&t, job, in, &p->student.virtual, err);
    if (!rc)
        rc = work_train(result, &p->w, &task, &p->learn, err);
    distill_release(&t);
    return rc;
}

static int
save(struct plan *p, const struct adapter_weights *student,
     const struct decoder *own, const struct inputs *in,
     const struct answers *answers, const struct run_result *result,
     trv_err *err)
{
    const struct convert_job *job = p->job;
    const struct artefact_step step = {.edge = job->edge,
                                       .method = job->method->info.name,
                                       .data = in->data.hash};
    const int rc = work_begin_manifest(
        &p->w, job->to, job->from, &step,
        json_pack("{s:I,s:I,s:f}", "steps", (json_int_t)result->steps,
                  "answers", (json_int_t)answers->n, "tokens", result->tokens),
        err);

    return rc ? rc : work_save_student(&p->w, &p->student, student, own, err);
}

/* What a user may not have meant by a prompt of text. */
static void
note_prompt(const struct convert_job *job, const struct inputs *in)
{
    const char *text = job->from->text;
    struct row_layout layout;
    const size_t n = text ? strlen(text) : 0;

    if (job->from->kind != KIND_TEXT || n == 0)
        return;
    view_layout(&layout, job->s->model, in, true);
    if (strcmp(layout.name, LAYOUT_NAME_CHAT) != 0 &&
        !strchr(" \t\n", text[n - 1]))
        job_log(job, "note: the prompt ends without a blank or a newline, "
                     "so it stands right against each input");
    if (strstr(text, "\r\n"))
        job_log(job, "note: the prompt's lines end as on Windows (\\r\\n), "
                     "and the model sees that");
}

int
imitate_run(const struct convert_job *job, trv_cost *cost,
            const struct imitation *how, trv_err *err)
{
    const trv_convert_options *o = job->opts;
    struct plan p;
    struct inputs in = {0};
    struct answers answers = {0};
    struct adapter_weights student = {0};
    struct decoder *own = NULL; // all weights learn in it
    struct run_result result = {.mean_loss = (double)NAN};
    int rc = plan_make(&p, job, how, err);

    if (!rc)
        rc = begin_student(&student, &p, err);
    if (!rc && job->to == KIND_FULL)
        rc = student_open_full(&own, job->s, err);
    if (!rc)
        rc = work_lock(&p.w, err);
    if (!rc)
        rc = job_inputs(&in, job, &p.w, o->inputs, p.samples, err);
    if (!rc)
        rc = answers_contexts(&answers, job->s, p.teacher, &student, &in,
                              p.max_tokens, err);
    if (!rc && p.variant == IMITATE_FEATURES)
        rc = features_check(&answers, &job->s->model->cfg, err);
    if (rc)
        goto done;
    job_log_dropped(job, answers.n_dropped, in.data.n, 0, p.max_tokens);
    note_prompt(job, &in);
    job_log_full(job);
    rc = job_write_run(&p.w, job, job->method->info.name, &in, json_object(),
                       err);
    if (!rc)
        rc = job_draw(&answers, &p.w,
                      (struct answers_options){.samples = p.samples,
                                               .max_tokens = p.max_tokens,
                                               .temperature = o->temperature,
                                               .seed = o->seed,
                                               .teacher = job->from},
                      err);
    /* A checkpoint knows better than the closed form it started from. */
    if (!rc && p.solve && !work_has_checkpoint(&p.w))
        rc = solve(&p, &answers, &student, err);
    result.tokens = p.w.tokens; // the loop counts them, too
    if (!rc && p.train)
        rc = train(&result, &p, &answers, &student, own, &in, err);
    if (!rc)
        rc = save(&p, &student, own, &in, &answers, &result, err);
done:
    work_end(&p.w, rc, cost);
    if (!rc) {
        cost->flop += own ? own->flop : 0.0;
        cost->final_loss = result.mean_loss;
        cost->steps = result.steps;
        cost->samples = answers.n;
    }
    decoder_free(own);
    adapter_weights_release(&student);
    answers_release(&answers);
    inputs_release(&in);
    features_release(&p.features);
    work_release(&p.w);
    return rc;
}

int
imitate_method(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    return imitate_run(job, cost, &(struct imitation){0}, err);
}
