/* prompt_to_params.c -- the edge prompt -> params.
 *
 *   inputs x -> contexts (z x) and (x) -> answers y from the teacher
 *     -> training (distill.c) -> a LoRA artefact
 *
 * Everything on the way lies in OUT.run; a run that was stopped goes on from
 * there:
 *   run.json        the run's fingerprint: what a resumed run must agree on
 *   answers.jsonl   whole blocks of answers
 *   checkpoint.safetensors, metrics.jsonl   of learn/run.h
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/params/peft.h"
#include "base/clock.h"
#include "base/json.h"
#include "learn/options.h"
#include "learn/run_place.h"
#include "learn/schedule.h"
#include "transform/convert.h"
#include "transform/distill.h"

/* The method's defaults, where options are 0. Chosen on the models of the
 * results page; a step is 16 rows of up to 64 answer tokens. */
#define DEFAULT_SAMPLES 3072
#define DEFAULT_TOKENS 64
#define DEFAULT_STEPS 800
#define DEFAULT_BATCH 16

/* The options with every zero replaced, and what the run writes to. */
struct plan {
    const struct convert_job *job;
    struct distill_options distill;
    const char *method;
    int64_t samples, max_tokens;
    trv_learn_options learn; // every zero replaced
    struct run_place place;  // it keeps answers.jsonl
    json_t *options;         // what trivium.json and the fingerprint say
    json_t *fingerprint;     // made when the inputs are there
};

static int
plan_divergence(enum divergence *out, const char *name, trv_err *err)
{
    static const char *const names[] = {"forward", "reverse", "jsd"};

    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum divergence)i;
            return 0;
        }
    return err_fail(err, TRV_EINVAL,
                    "divergence '%s' is unknown; there are forward, reverse, "
                    "jsd",
                    name);
}

/* What trivium.json and the fingerprint say. */
static int
tell_options(struct plan *p, trv_err *err)
{
    const trv_convert_options *o = p->job->opts;
    int rc;

    p->options = json_pack(
        "{s:I,s:I,s:f,s:s,s:f}", "samples", (json_int_t)p->samples,
        "max_tokens", (json_int_t)p->max_tokens, "temperature", o->temperature,
        "divergence", o->divergence, "on_policy", o->on_policy);
    if (!p->options)
        return err_fail(err, TRV_ENOMEM, "no memory to plan a conversion");
    rc = options_tell_lora(p->options, &o->lora, err);
    return rc ? rc : options_tell_learn(p->options, &p->learn, err);
}

static int
plan_make(struct plan *p, const struct convert_job *job, trv_err *err)
{
    const trv_convert_options *o = job->opts;
    struct schedule checked;
    int rc;

    *p = (struct plan){.job = job, .method = o->method ? o->method : "distill"};
    if (job->to != KIND_LORA)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "a prompt cannot become '%s' yet; it can become lora",
                        kind_name(job->to));
    if (strcmp(p->method, "sft") == 0)
        p->distill.hard = true;
    else if (strcmp(p->method, "distill") != 0)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "method '%s' is unknown for prompt to params; there "
                        "are distill, sft",
                        p->method);
    rc = plan_divergence(&p->distill.divergence, o->divergence, err);
    if (rc)
        return rc;
    if (p->distill.hard && o->on_policy > 0)
        return err_fail(err, TRV_EINVAL,
                        "sft learns the teacher's answers: on-policy goes "
                        "with distill only");
    p->learn = o->learn;
    if (!p->learn.batch)
        p->learn.batch = DEFAULT_BATCH;
    if (!p->learn.steps)
        p->learn.steps = DEFAULT_STEPS;
    if (!(p->learn.lr > 0))
        p->learn.lr = lora_default_lr(&job->s->model->cfg);
    p->distill.batch = p->learn.batch;
    p->distill.accumulate = p->learn.accumulate;
    p->distill.on_policy = o->on_policy;
    p->distill.seed = o->seed;
    if (p->distill.accumulate > p->distill.batch)
        return err_fail(err, TRV_EINVAL,
                        "%lld micro-batches of a batch of %lld rows would be "
                        "empty",
                        (long long)p->distill.accumulate,
                        (long long)p->distill.batch);
    p->max_tokens = o->max_tokens ? o->max_tokens : DEFAULT_TOKENS;
    p->distill.max_tokens = p->max_tokens;
    p->samples = o->samples ? o->samples : DEFAULT_SAMPLES;
    rc = schedule_init(&checked, p->learn.schedule, p->learn.steps,
                       p->learn.warmup, p->learn.lr, err);
    if (rc)
        return rc; // before anything is sampled

    rc = run_place_init(&p->place, job->out, "answers.jsonl", err);
    if (rc)
        return rc;
    return tell_options(p, err);
}

static void
plan_release(struct plan *p)
{
    run_place_release(&p->place);
    json_decref(p->options);
    json_decref(p->fingerprint);
}

/* SHA-256 of the prompt itself: a file behind a spec may change. */
static int
hash_prompt(char hex[HASH_HEX], const struct adaptation *a, trv_err *err)
{
    char *text;
    int rc;

    if (a->kind == KIND_TEXT)
        return hash_bytes(hex, a->text, strlen(a->text), err);
    text = json_dumps(a->messages, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return err_fail(err, TRV_ENOMEM, "no memory to plan a conversion");
    rc = hash_bytes(hex, text, strlen(text), err);
    free(text);
    return rc;
}

/* What a resumed run must agree on. The instruction set is not in it: another
 * machine may go on, to the same bits only where it has the same one. */
static int
make_fingerprint(struct plan *p, const struct inputs *in, trv_err *err)
{
    const struct convert_job *job = p->job;
    const struct model_identity *id;
    char prompt[HASH_HEX], seed[24];
    int rc = session_identity(job->s, &id, err);

    if (!rc)
        rc = hash_prompt(prompt, job->from, err);
    if (rc)
        return rc;
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)job->opts->seed);
    p->fingerprint = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:O}", "method", p->method,
        "from", job->from->spec, "prompt", prompt, "weights", id->weights,
        "tokenizer", id->tokenizer, "chat", id->chat, "inputs", in->data.hash,
        "seed", seed, "precision",
        job->s->be->prec == PREC_BF16 ? "bf16" : "f32", "options", p->options);
    return p->fingerprint
               ? 0
               : err_fail(err, TRV_ENOMEM, "no memory to plan a conversion");
}

struct relay {
    const struct convert_job *job;
    int64_t total;
    double began;
};

static bool
relay_inputs(void *payload, int64_t done, double tokens)
{
    const struct relay *r = payload;
    const trv_progress p = {.stage = "sampling inputs",
                            .done = done,
                            .total = r->total,
                            .unit = "inputs",
                            .tokens = tokens,
                            .loss = (double)NAN,
                            .seconds = clock_now() - r->began};

    return !r->job->progress || r->job->progress(&p, r->job->payload);
}

static int
open_inputs(struct inputs *in, const struct plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    struct relay relay = {job, p->samples, clock_now()};

    return inputs_open(
        in, job->s,
        &(struct inputs_options){.path = job->opts->inputs,
                                 .use = INPUTS_LEARN,
                                 .want = p->samples,
                                 .seed = job->opts->seed,
                                 .chat = job->from->kind == KIND_MESSAGES,
                                 .progress = relay_inputs,
                                 .payload = &relay},
        err);
}

static int
train(struct run_result *result, const struct plan *p, struct answers *answers,
      struct lora *lora, trv_err *err)
{
    const struct convert_job *job = p->job;
    const trv_convert_options *o = job->opts;
    struct distill t = {.s = job->s,
                        .teacher = job->from,
                        .answers = answers,
                        .student = lora,
                        .opts = p->distill};
    struct run_options run = options_run(&p->learn);
    struct run_task task;
    int rc = lora_refresh(lora, job->s->be->act_type, err);

    if (!rc)
        rc = distill_init(&t, &task, err);
    if (!rc) {
        run.dir = p->place.dir;
        run.resume = o->resume && run_is_stopped(p->place.dir);
        run.replace = true; // run_place_claim() asked before
        run.fingerprint = p->fingerprint;
        rc = run_train(result, &task, &run, job->s->be, job->progress,
                       job->payload, err);
    }
    distill_release(&t);
    return rc;
}

static int
save(const struct plan *p, const struct lora *lora, const struct inputs *in,
     const struct answers *answers, const struct run_result *result,
     trv_cost *cost, trv_err *err)
{
    const struct convert_job *job = p->job;
    const struct model_identity *id;
    struct artefact head = {0};
    json_t *counts;
    int rc = session_identity(job->s, &id, err);

    if (rc)
        return rc;
    counts =
        json_pack("{s:I,s:I,s:f}", "steps", (json_int_t)result->steps,
                  "answers", (json_int_t)answers->n, "tokens", result->tokens);
    if (!counts)
        return err_fail(err, TRV_ENOMEM, "no memory to save '%s'", job->out);
    rc = artefact_init(&head, KIND_LORA, job->s->model->name, id, err);
    if (!rc && job->from->artefact.root)
        rc = artefact_inherit(&head, &job->from->artefact, err);
    if (!rc)
        rc = artefact_add_step(&head,
                               &(struct artefact_step){.from = job->from->spec,
                                                       .edge = "prompt->params",
                                                       .method = p->method,
                                                       .options = p->options,
                                                       .seed = job->opts->seed,
                                                       .data = in->data.hash,
                                                       .cost = counts},
                               err);
    if (!rc)
        rc = adaptation_save_lora(&head, lora, &job->s->model->cfg, job->out,
                                  job->opts->replace, err);
    if (!rc)
        cost->artefact_bytes = artefact_bytes(&head);
    artefact_release(&head);
    json_decref(counts);
    return rc;
}

/* What a user may not have meant by a prompt of text. */
static void
note_prompt(const struct convert_job *job)
{
    const char *text = job->from->text;
    const size_t n = text ? strlen(text) : 0;

    if (job->from->kind != KIND_TEXT || n == 0)
        return;
    if (!strchr(" \t\n", text[n - 1]))
        convert_say(job, "note: the prompt ends without a blank or a newline, "
                         "so it stands right against each input");
    if (strstr(text, "\r\n"))
        convert_say(job, "note: the prompt's lines end as on Windows (\\r\\n), "
                         "and the model sees that");
}

int
prompt_to_params(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    const trv_convert_options *o = job->opts;
    const double began = clock_now();
    const double flop = job->s->decoder ? job->s->decoder->flop : 0.0;
    struct plan p;
    struct inputs in = {0};
    struct answers answers = {0};
    struct lora lora = {0};
    struct run_result result = {0};
    bool claimed = false;
    int rc;

    mem_stats_reset_peak();
    rc = plan_make(&p, job, err);
    if (!rc)
        rc = lora_begin(&lora, &job->s->model->cfg, o->lora.targets,
                        o->lora.rank, o->lora.alpha, o->lora.rslora,
                        o->lora.dropout, o->seed, err);
    if (!rc)
        rc = run_place_claim(&p.place, o->replace, o->resume, err);
    claimed = !rc;
    if (!rc && o->resume && !run_place_is_stopped(&p.place))
        convert_say(job, "nothing to resume in '%s': starting anew",
                    p.place.dir);
    if (!rc)
        rc = open_inputs(&in, &p, err);
    if (!rc)
        rc = answers_contexts(&answers, job->s, job->from, &in, p.max_tokens,
                              err);
    if (rc)
        goto done;
    if (answers.n_dropped > 0)
        convert_say(job,
                    "warning: %lld of %lld inputs leave no room for %lld "
                    "answer tokens and are left out",
                    (long long)answers.n_dropped, (long long)in.data.n,
                    (long long)p.max_tokens);
    note_prompt(job);
    rc = make_fingerprint(&p, &in, err);
    if (!rc)
        rc = run_place_begin(&p.place, o->resume, p.fingerprint, err);
    if (rc)
        goto done;
    rc = answers_draw(&answers, job->s, job->from,
                      &(struct answers_options){.samples = p.samples,
                                                .max_tokens = p.max_tokens,
                                                .temperature = o->temperature,
                                                .seed = o->seed,
                                                .file = p.place.kept,
                                                .resume = o->resume,
                                                .progress = job->progress,
                                                .payload = job->payload},
                      err);
    if (rc == TRV_ECANCELED && file_exists(p.place.kept))
        rc = err_fail(err, TRV_ECANCELED,
                      "stopped while sampling; what was drawn lies in '%s': "
                      "go on with --resume",
                      p.place.dir);
    else if (rc == TRV_ECANCELED)
        rc = err_fail(err, TRV_ECANCELED,
                      "stopped before any answer was kept: there is nothing "
                      "to resume");
    if (!rc)
        rc = train(&result, &p, &answers, &lora, err);
    if (!rc && result.mean_loss > 1.2 * result.first_loss)
        convert_say(job,
                    "warning: the loss rose from %.3g to %.3g nats per token: "
                    "the learning rate may be too high",
                    result.first_loss, result.mean_loss);
    if (!rc)
        rc = save(&p, &lora, &in, &answers, &result, cost, err);
    if (rc)
        goto done;
    run_place_finish(&p.place);
    cost->seconds = clock_now() - began;
    cost->tokens = result.tokens + (double)answers.tokens;
    cost->flop = job->s->decoder->flop - flop;
    cost->final_loss = result.mean_loss;
    cost->steps = result.steps;
    cost->samples = answers.n;
    cost->peak_bytes = mem_stats_get().peak_bytes;
done:
    if (rc && claimed)
        run_place_leave(&p.place);
    lora_release(&lora);
    answers_release(&answers);
    inputs_release(&in);
    plan_release(&p);
    return rc;
}
