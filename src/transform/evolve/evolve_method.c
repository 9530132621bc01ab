/* evolve_method.c -- the method `evolve`: from options to a prompt on disk.
 *
 * The folder OUT.run keeps search.jsonl (candidates.h), which ends as
 * OUT/candidates.jsonl, transcript.jsonl of an endpoint, and memo.jsonl: the
 * answers of a round before it is whole.
 */
#include "transform/evolve/evolve_method.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "transform/evolve/evolve_report.h"

#define KEPT "search.jsonl"
#define TRANSCRIPT "transcript.jsonl"

/* ---- the plan ----------------------------------------------------------- */

static int
read_phrases(struct evolve_plan *p, bool tell, trv_err *err)
{
    const char *path = p->job->opts->evolve.phrases;
    struct data data = {0};
    int rc = path ? data_open(&data, path, err) : 0;

    for (int64_t i = 0; i < data.n && !rc; i++) {
        const char *text = data_row_words(&data.rows[i]);

        if (parts_add(&p->phrases, text, strlen(text)))
            rc = err_nomem(err, "to search for a prompt");
    }
    if (!rc && path && p->phrases.n == 0)
        rc = err_fail(err, TRV_EFORMAT, "'%s' holds no phrase", path);
    if (!rc && data.unused && tell)
        job_log(p->job, "warning: %s", data.unused);
    data_release(&data);
    return rc;
}

static int
options_to_json(struct evolve_plan *p, trv_err *err)
{
    const trv_convert_options *c = p->job->opts;
    const trv_evolve_options *o = &c->evolve;

    p->w.options = json_pack(
        "{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:f,s:f,s:s,s:b,s:I,s:f,s:f,s:s*}",
        "rounds", o->rounds, "population", o->population, "inputs", o->inputs,
        "held_out", o->held_out, "minibatch", o->minibatch, "answers",
        o->answers, "prompt_tokens", c->prompt_tokens, "beta", c->beta,
        "length_cost", c->length_cost, "propose", o->propose, "phrases",
        o->phrases != NULL, "max_tokens", (json_int_t)p->max_tokens,
        "temperature", c->temperature, "fluency", c->search.fluency,
        "proposer_model", o->proposer ? o->proposer_model : NULL);
    return p->w.options ? 0 : err_nomem(err, "to search for a prompt");
}

/* The phrases are a file's: their words count, not its name. */
static int
hash_phrases(char hex[HASH_HEX], const struct evolve_plan *p, trv_err *err)
{
    struct strbuf b = {0};
    int bad = 0, rc;

    for (int64_t i = 0; i < p->phrases.n && !bad; i++)
        bad = sb_puts(&b, p->phrases.v[i]) || sb_putc(&b, '\n');
    rc = bad ? err_nomem(err, "to search for a prompt")
             : hash_bytes(hex, b.s ? b.s : "", b.len, err);
    sb_release(&b);
    return rc;
}

static int
write_run(struct evolve_plan *p, trv_err *err)
{
    char phrases[HASH_HEX];
    const int rc = hash_phrases(phrases, p, err);

    return rc ? rc
              : job_write_run(&p->w, p->job, "evolve", &p->inputs.in,
                              json_pack("{s:s}", "phrases", phrases), err);
}

static int
check_search(const struct convert_job *job, trv_err *err)
{
    const trv_evolve_options *o = &job->opts->evolve;

    if (o->proposer && !o->proposer_model)
        return err_option(
            err, TRV_EINVAL, "proposer-model",
            "is missing: the proposer needs the name of its model");
    return job_check_messages(job, err);
}

int
evolve_refuse(const struct convert_job *job, trv_err *err)
{
    struct evolve_plan p = {.job = job};
    int rc = check_search(job, err);

    if (!rc)
        rc = read_phrases(&p, false, err);
    parts_release(&p.phrases);
    return rc;
}

static int
plan_make(struct evolve_plan *p, const struct convert_job *job, trv_err *err)
{
    int rc = check_search(job, err);

    if (!rc)
        rc = read_phrases(p, true, err);
    p->max_tokens = job->opts->max_tokens;
    if (!rc)
        rc = job_begin(&p->w, job, KEPT, err);
    if (!rc) {
        p->transcript = path_join(p->w.place.dir, TRANSCRIPT);
        if (!p->transcript)
            rc = err_nomem(err, "to search for a prompt");
    }
    return rc ? rc : options_to_json(p, err);
}

static void
plan_release(struct evolve_plan *p)
{
    proposer_free(p->proposer);
    prompt_place_release(&p->slot);
    mem_free(p->rows);
    search_inputs_release(&p->inputs);
    parts_release(&p->phrases);
    work_release(&p->w);
    mem_free(p->transcript);
}

/* ---- the search --------------------------------------------------------- */

static bool
on_progress(void *payload, int64_t round, double tokens)
{
    struct evolve_plan *p = payload;
    const trv_progress now = {.stage = "searching",
                              .done = round,
                              .total = p->job->opts->evolve.rounds + 1,
                              .unit = "rounds",
                              .tokens = tokens,
                              .loss = (double)NAN,
                              .seconds = clock_now() - p->w.began};

    p->round = round;
    p->tokens = tokens;
    return !p->job->progress || p->job->progress(&now, p->job->payload);
}

/* The same while the endpoint is waited for. */
static bool
on_wait(void *payload)
{
    const struct evolve_plan *p = payload;

    return on_progress(payload, p->round, p->tokens);
}

static int
open_proposer(struct evolve_plan *p, trv_err *err)
{
    const trv_evolve_options *o = &p->job->opts->evolve;

    if (!o->proposer)
        return 0;
    return proposer_open(
        &p->proposer,
        &(struct proposer_options){.url = o->proposer,
                                   .model = o->proposer_model,
                                   .key = getenv(EVOLVE_KEY_VARIABLE),
                                   .max_calls = o->proposer_calls,
                                   .max_tokens = o->proposer_tokens,
                                   .reply_tokens = 1024,
                                   .temperature = 1.0,
                                   .timeout_s = o->proposer_timeout,
                                   .retries = 3,
                                   .wait_s = 1.0,
                                   .file = p->transcript,
                                   .resume = p->w.resume,
                                   .watch = on_wait,
                                   .payload = p},
        err);
}

static bool
makes_messages(const struct evolve_plan *p)
{
    return p->job->to == KIND_MESSAGES ||
           (p->job->any_words && p->inputs.chats &&
            !p->job->s->model->no_system);
}

/* Between a prompt and its input. */
static const char *
prompt_end(const struct evolve_plan *p)
{
    return p->inputs.chats ? "" : "\n";
}

/* Where instructions stand, so that the model can write them there. A model
 * that leaves them no place of their own is searched without. */
static int
open_place(struct evolve_plan *p, trv_err *err)
{
    trv_err why = {0};
    int rc;

    p->rows = mem_array((size_t)p->inputs.n_train, sizeof(*p->rows));
    if (!p->rows)
        return err_nomem(err, "to search for a prompt");
    for (int64_t i = 0; i < p->inputs.n_train; i++)
        p->rows[i] = *p->inputs.train[i];
    rc = prompt_place_open(&p->slot, p->job->s->model, p->rows,
                           p->inputs.n_train, prompt_end(p), &why);
    if (rc == TRV_ENOMEM)
        return err_nomem(err, "to search for a prompt");
    if (rc)
        job_log(p->job,
                "note: the model writes no instructions in their place: %s",
                why.msg);
    return 0;
}

static struct evolve_options
search_options(struct evolve_plan *p)
{
    const trv_convert_options *c = p->job->opts;
    const trv_evolve_options *o = &c->evolve;
    const bool edits = strcmp(o->propose, "model") != 0;
    const bool model = strcmp(o->propose, "edits") != 0;

    return (struct evolve_options){
        .train = p->inputs.train,
        .held = p->inputs.held,
        .n_train = p->inputs.n_train,
        .n_held = p->inputs.n_held,
        .rounds = o->rounds,
        .population = o->population,
        .minibatch =
            o->minibatch < p->inputs.n_train ? o->minibatch : p->inputs.n_train,
        .finalists = EVOLVE_FINALISTS,
        .answers = o->answers,
        .final_answers = EVOLVE_FINAL_ANSWERS * o->answers,
        .max_prompt_tokens = c->prompt_tokens,
        .beta = c->beta,
        .lambda = c->length_cost,
        .end = prompt_end(p),
        .phrases = &p->phrases,
        .closed = p->phrases.n > 0 && edits && !model,
        .by_edits = edits,
        .by_model = model,
        .slot = p->slot.n > 0 ? &p->slot : NULL,
        .screen = p->slot.n > 0 && model ? EVOLVE_SCREEN : 0,
        .screen_again = p->slot.n > 0 && model ? EVOLVE_SCREEN_AGAIN : 0,
        .fluency = c->search.fluency,
        .proposer = p->proposer,
        .file = p->w.place.kept,
        .resume = p->w.resume,
        .progress = on_progress,
        .payload = p,
    };
}

static int
open_inputs(struct evolve_plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    const trv_convert_options *c = job->opts;
    const trv_evolve_options *o = &c->evolve;
    int rc = search_inputs_open(
        &p->inputs, job, &p->w, o->inputs, o->held_out,
        p->max_tokens + c->prompt_tokens + EVOLVE_MARGIN, err);

    if (!rc && job->to == KIND_MESSAGES && !p->inputs.chats)
        rc = job_refuse_messages(&p->inputs.in, err);
    if (!rc)
        job_log_dropped(job, p->inputs.n_dropped, p->inputs.in.data.n,
                        c->prompt_tokens, p->max_tokens);
    return rc;
}

/* ---- the artefact ------------------------------------------------------- */

static int
save(struct evolve_plan *p, const struct evolve *e, trv_err *err)
{
    const enum kind kind = makes_messages(p) ? KIND_MESSAGES : KIND_TEXT;
    const struct artefact_step step = {.edge = p->job->edge,
                                       .method = "evolve",
                                       .data = p->inputs.in.data.hash};
    struct adaptation *system = NULL;
    int rc = kind == KIND_MESSAGES
                 ? adaptation_of_system(&system, e->best->text, err)
                 : 0;

    if (!rc)
        rc = work_begin_manifest(
            &p->w, kind, p->job->from, &step,
            json_pack(
                "{s:I,s:I,s:I,s:f}", "rounds", (json_int_t)e->pool.rounds - 1,
                "candidates", (json_int_t)e->pool.n, "proposer_calls",
                (json_int_t)(p->proposer ? proposer_calls(p->proposer) : 0),
                "tokens", e->pool.drawn),
            err);
    if (!rc && e->o.n_held > 0)
        rc = prompt_value_note(p->w.head.root, "held_out_reward", &e->base_held,
                               &e->best_held, err);
    if (!rc)
        rc = work_save_prompt(&p->w, system ? system : e->best->z, err);
    if (!rc)
        job_log(p->job, "written as %s",
                kind == KIND_MESSAGES
                    ? "messages, a system message: the inputs are a chat's"
                : p->inputs.chats
                    ? "a text, which a chat takes as its system message"
                    : "a text before each input");
    adaptation_free(system);
    return rc;
}

/* ---- the edge ----------------------------------------------------------- */

static int
run_search(struct evolve_plan *p, struct evolve *e, trv_err *err)
{
    const struct convert_job *job = p->job;
    char when[48];
    int rc;

    e->o = search_options(p);
    e->prompt_value =
        (struct prompt_value_options){.s = job->s,
                                      .reward = job->from,
                                      .max_tokens = p->max_tokens,
                                      .temperature = job->opts->temperature,
                                      .kl = e->o.beta > 0,
                                      .seed = job->opts->seed};
    evolve_report_plan(p);
    rc = evolve_run(e, err);
    snprintf(when, sizeof(when), "after %lld round%s",
             (long long)e->pool.rounds, plural(e->pool.rounds));
    return work_stopped(&p->w, rc, when, err);
}

int
evolve_method(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    struct evolve_plan p = {.job = job};
    struct evolve e = {0};
    int rc = plan_make(&p, job, err);

    if (!rc)
        rc = work_lock(&p.w, err);
    if (!rc)
        rc = open_inputs(&p, err);
    if (!rc)
        rc = open_place(&p, err);
    if (!rc)
        rc = write_run(&p, err);
    if (!rc)
        rc = open_proposer(&p, err);
    if (!rc)
        rc = run_search(&p, &e, err);
    if (!rc) {
        evolve_report_table(&p, &e);
        evolve_report_trouble(&p, &e);
        rc = save(&p, &e, err);
    }
    work_end(&p.w, rc, cost);
    if (!rc) {
        cost->final_loss = (double)NAN;
        cost->steps = e.pool.rounds - 1;
        cost->samples = e.pool.answers;
    }
    evolve_release(&e);
    plan_release(&p);
    return rc;
}
