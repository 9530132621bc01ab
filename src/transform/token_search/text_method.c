/* text_method.c -- the method `text` of the edges params -> prompt and reward
 * -> prompt: from options to a prompt on disk.
 *
 *   inputs x -> answers y, of the teacher or, for a reward, of the base
 *     -> a search (text_search.h) for a goal (goal_match.h, goal_reward.h)
 *     -> prompt.txt, or messages.json
 *
 * Everything on the way lies in OUT.run: run.json, memo.jsonl, answers.jsonl,
 * search.json after each step, metrics.jsonl.
 */
#include "transform/token_search/text_method.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "base/json.h"
#include "learn/options.h"
#include "transform/token_search/goal_match.h"
#include "transform/token_search/goal_reward.h"
#include "transform/token_search/text_cost.h"

/* Restarts that end further apart than this share of what was gained. */
#define DISAGREE 0.2

struct plan {
    const struct convert_job *job;
    enum kind to;               // text or messages
    struct adaptation *teacher; // whose answers are learned from; NULL: base
    struct reward_guide guide;  // the teacher, of a reward of tokens
    bool by_reward;             // the goal is goal_reward.h's
    double beta;
    enum divergence divergence;
    int64_t samples, max_tokens, inputs, batch;
    struct search_options search;
    struct work w; // it keeps answers.jsonl

    struct inputs in;
    struct answers answers;
    struct prompt_place slot;
    struct text_match match;
    struct text_reward reward;
    struct search_goal goal;
    struct search_result result;
};

static int
options_to_json(struct plan *p, trv_err *err)
{
    const struct search_options *s = &p->search;

    p->w.options = json_pack(
        "{s:I,s:I,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:s,s:s,s:f}",
        "samples", (json_int_t)p->samples, "max_tokens",
        (json_int_t)p->max_tokens, "temperature", p->job->opts->temperature,
        "batch", (json_int_t)p->batch, "steps", (json_int_t)s->steps,
        "restarts", (json_int_t)s->restarts, "prompt_tokens",
        (json_int_t)s->tokens, "width", (json_int_t)s->width, "top_k",
        (json_int_t)s->top_k, "patience", (json_int_t)s->patience, "fluency",
        s->fluency, "length_cost", s->length, "start", s->start ? s->start : "",
        "divergence", p->job->opts->divergence, "beta", p->beta);
    return p->w.options
               ? 0
               : err_fail(err, TRV_ENOMEM, "no memory to plan a conversion");
}

static int
plan_make(struct plan *p, const struct convert_job *job, trv_err *err)
{
    const trv_convert_options *o = job->opts;
    const trv_search_options *so = &o->search;
    const bool reward = job->from->form == FORM_REWARD;
    int rc;

    *p = (struct plan){.job = job, .to = job->to, .beta = o->beta};
    rc = job_check_messages(job, err);
    if (!rc)
        rc = options_divergence(&p->divergence, o->divergence, err);
    if (rc)
        return rc;
    p->by_reward = reward && !reward_guides(job->from);
    if (p->by_reward &&
        (o->temperature != 1.0 || strcmp(o->divergence, "forward") != 0))
        return err_option(err, TRV_EINVAL,
                          o->temperature != 1.0 ? "temperature" : "divergence",
                          "goes with a reward that has a value for each token, "
                          "and '%.200s' has none",
                          job->from->spec);
    if (reward && !(p->beta > 0))
        p->beta = p->by_reward ? TEXT_BETA : 1.0;
    if (reward && !p->by_reward) {
        rc = reward_guide(&p->guide, job->from, p->beta, err);
        p->teacher = &p->guide.mix;
        if (!rc)
            rc = view_ready(p->teacher, job->s->be, err);
    } else if (!reward) {
        p->teacher = job->from;
    }
    p->batch = o->learn.batch;
    p->max_tokens = o->max_tokens;
    p->samples = o->samples     ? o->samples
                 : p->by_reward ? TEXT_INPUTS * TEXT_PER_INPUT
                                : TEXT_SAMPLES;
    p->inputs = p->by_reward ? p->samples / TEXT_PER_INPUT : p->samples;
    p->inputs = p->inputs < 1 ? 1 : p->inputs;
    p->search = (struct search_options){.steps = o->learn.steps,
                                        .restarts = so->restarts,
                                        .tokens = o->prompt_tokens,
                                        .width = so->width,
                                        .top_k = so->top_k,
                                        .starts = TEXT_STARTS,
                                        .patience = so->patience,
                                        .fluency = so->fluency,
                                        .length = o->length_cost,
                                        .seed = o->seed,
                                        .start = so->start,
                                        .progress = job->progress,
                                        .payload = job->payload};
    if (!rc)
        rc = job_begin(&p->w, job, "answers.jsonl", err);
    p->search.dir = p->w.place.dir;
    return rc;
}

static void
plan_release(struct plan *p)
{
    search_result_release(&p->result);
    text_match_release(&p->match);
    if (p->by_reward)
        text_reward_release(&p->reward);
    prompt_place_release(&p->slot);
    answers_release(&p->answers);
    inputs_release(&p->in);
    work_release(&p->w);
}

/* --- inputs, answers, and the place of the prompt --- */

/* Contexts behind which a prompt and an answer do not fit are left out. */
static int
keep_roomy(struct plan *p, trv_err *err)
{
    const int64_t room = p->job->s->model->cfg.context;
    struct answers *y = &p->answers;
    int64_t kept = 0, shortest = INT64_MAX;

    for (int64_t i = 0; i < y->n_contexts; i++) {
        struct paired_row *c = &y->contexts[i];
        const struct place_row *at = &p->slot.at[c->input];
        const int64_t n = at->head.n + at->tail.n;

        shortest = n < shortest ? n : shortest;
        if (n + p->search.tokens + p->max_tokens > room) {
            conditioning_release(&c->teacher);
            ids_release(&c->student);
            y->n_dropped++;
            continue;
        }
        if (kept < i) {
            y->contexts[kept] = *c;
            *c = (struct paired_row){0};
        }
        kept++;
    }
    y->n_contexts = kept;
    if (kept > 0)
        return 0;
    return err_fail(err, TRV_ETOOLONG,
                    "a prompt of %lld tokens and %lld answer tokens do not fit "
                    "the context of %lld beside the shortest input, of %lld",
                    (long long)p->search.tokens, (long long)p->max_tokens,
                    (long long)room, (long long)shortest);
}

/* A chat listens to a system message. */
static int
choose_kind(struct plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    struct row_layout layout;
    bool chats;

    view_layout(&layout, job->s->model, &p->in, true);
    chats = strcmp(layout.name, LAYOUT_NAME_CHAT) == 0;
    if (p->to == KIND_MESSAGES && !chats)
        return job_refuse_messages(&p->in, err);
    if (job->any_words && chats && !job->s->model->no_system)
        p->to = KIND_MESSAGES;
    return 0;
}

static int
open_inputs(struct plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    const struct inputs *in = &p->in;
    struct ids start = {0};
    struct inputs used;
    int rc = job_inputs(&p->in, job, &p->w, job->opts->inputs, p->inputs, err);

    if (!rc)
        rc = choose_kind(p, err);
    if (rc)
        return rc;
    used = *in; // borrowed: only the first rows are looked at
    if (used.data.n > p->inputs)
        used.data.n = p->inputs;
    rc = answers_contexts(&p->answers, job->s, p->teacher, NULL, &used,
                          p->max_tokens, err);
    if (!rc)
        rc = prompt_place_open(&p->slot, job->s->model, used.data.rows,
                               used.data.n, "", err);
    if (!rc && p->search.start) // before anything is drawn
        rc = text_search_start(&start, &p->slot, p->search.start,
                               p->search.tokens, err);
    ids_release(&start);
    if (!rc)
        rc = keep_roomy(p, err);
    if (!rc)
        job_log_dropped(job, p->answers.n_dropped, used.data.n,
                        p->search.tokens, p->max_tokens);
    if (!rc && p->samples < p->answers.n_contexts)
        p->samples = p->answers.n_contexts; // every input has one
    return rc;
}

/* --- the width of a step --- */

/* Tokens of one candidate before a step's answers, as many as they can be. */
static int64_t
candidate_tokens(const struct plan *p)
{
    const struct answers *y = &p->answers;
    int64_t tails = 0, heads = p->slot.at[0].head.n;

    for (int64_t i = 0; i < y->n_contexts; i++)
        tails += p->slot.at[y->contexts[i].input].tail.n;
    return heads + p->search.tokens +
           p->batch * (tails / y->n_contexts + p->max_tokens);
}

static void
choose_width(struct plan *p)
{
    const double flop = 2.0 * (double)model_params(p->job->s->model) *
                        (double)candidate_tokens(p);
    const double most = TEXT_STEP_FLOP / flop;

    if (p->search.width)
        return;
    p->search.width = most < TEXT_LEAST_WIDTH  ? TEXT_LEAST_WIDTH
                      : most > TEXT_MOST_WIDTH ? TEXT_MOST_WIDTH
                                               : (int64_t)most;
}

/* --- the search --- */

static int
open_goal(struct plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;

    if (p->by_reward) {
        p->reward = (struct text_reward){.s = job->s,
                                         .slot = &p->slot,
                                         .reward = job->from,
                                         .in = &p->in,
                                         .answers = &p->answers,
                                         .beta = p->beta,
                                         .batch = p->batch,
                                         .samples = TEXT_DRAWN,
                                         .max_tokens = p->max_tokens,
                                         .confirms = TEXT_CONFIRMS,
                                         .most = TEXT_JUDGED,
                                         .seed = job->opts->seed};
        return text_reward_init(&p->reward, &p->goal, err);
    }
    p->search.teacher = &p->answers.contexts[0].teacher;
    p->match = (struct text_match){.s = job->s,
                                   .slot = &p->slot,
                                   .answers = &p->answers,
                                   .divergence = p->divergence,
                                   .batch = p->batch,
                                   .most = TEXT_JUDGED,
                                   .seed = job->opts->seed};
    return text_match_init(&p->match, &p->goal, err);
}

static void
log_result(const struct plan *p, const char *quoted, double reward, double kl)
{
    const struct search_result *r = &p->result;
    const struct search_end *e = &r->ends[r->best];

    if (p->by_reward)
        job_log(p->job,
                "reward %.3f, without a prompt %.3f; KL to the base %.2f "
                "nats an answer",
                reward, p->reward.base_reward, kl);
    else
        job_log(p->job,
                "divergence %.4f nats per token, without a prompt %.4f: "
                "closes %.2f of the gap",
                e->goal, r->base, 1.0 - e->goal / r->base);
    job_log(p->job, "prompt of %lld token%s, perplexity %.3g: %s",
            (long long)e->best.z.n, plural(e->best.z.n), e->perplexity, quoted);
    if (e->goal >= r->base)
        job_log(p->job,
                "warning: no prompt was found that is better than none");
    else if (r->disagreement > DISAGREE)
        job_log(p->job,
                "warning: restarts disagree by %.0f %% of what was gained: "
                "a poor optimum; more steps, candidates or restarts may "
                "help",
                100.0 * r->disagreement);
}

static int
search(struct plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    double reward = 0.0, kl = 0.0;
    int rc = open_goal(p, err);

    p->search.resume = p->w.resume;
    if (!rc && p->by_reward && p->reward.all_alike)
        job_log(job, "warning: no answer of the base earns more than "
                     "another to the same input: the search starts blind");
    if (!rc)
        rc = text_search(&p->result, job->s, &p->slot, &p->goal, &p->search,
                         err);
    if (!rc && p->by_reward)
        rc = text_reward_measure(&p->reward, &reward, &kl,
                                 &p->result.ends[p->result.best].best.z, err);
    if (!rc) { // quoted: a message is one line, whatever the prompt holds
        json_t *text = json_string(p->result.ends[p->result.best].best.text);
        char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;

        log_result(p, quoted ? quoted : "", reward, kl);
        free(quoted);
        json_decref(text);
    }
    return rc;
}

/* --- the artefact --- */

static int
save(struct plan *p, trv_err *err)
{
    const struct search_result *r = &p->result;
    const struct search_end *e = &r->ends[r->best];
    const struct artefact_step step = {
        .edge = p->job->edge, .method = "text", .data = p->in.data.hash};
    struct adaptation *z = NULL;
    int rc =
        p->to == KIND_MESSAGES
            ? adaptation_of_system(&z, e->best.text, err)
            : adaptation_of_text(&z, e->best.text, strlen(e->best.text), err);

    if (!rc)
        rc = work_begin_manifest(
            &p->w, p->to, p->job->from, &step,
            json_pack("{s:I,s:I,s:f,s:f,s:f}", "steps", (json_int_t)r->steps,
                      "answers", (json_int_t)p->answers.n, "tokens", r->tokens,
                      "perplexity", e->perplexity, "disagreement",
                      r->disagreement),
            err);
    if (!rc)
        rc = work_save_prompt(&p->w, z, err);
    adaptation_free(z);
    return rc;
}

/* --- the edge --- */

int
text_method(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    struct plan p;
    int rc = plan_make(&p, job, err);

    if (!rc)
        rc = work_lock(&p.w, err);
    if (!rc)
        rc = open_inputs(&p, err);
    if (rc)
        goto done;
    choose_width(&p);
    rc = options_to_json(&p, err);
    if (!rc)
        rc = job_write_run(&p.w, job, "text", &p.in,
                           json_pack("{s:s}", "to", kind_name(p.to)), err);
    if (rc)
        goto done;
    rc = job_draw(&p.answers, &p.w,
                  (struct answers_options){
                      .samples = p.samples,
                      .max_tokens = p.max_tokens,
                      .temperature = p.by_reward ? 1.0 : job->opts->temperature,
                      .seed = job->opts->seed,
                      .teacher = p.by_reward ? NULL : job->from},
                  err);
    if (!rc)
        rc = work_stopped(&p.w, search(&p, err), "while searching", err);
    if (!rc)
        rc = save(&p, err);
done:
    work_end(&p.w, rc, cost);
    if (!rc) {
        cost->final_loss =
            p.by_reward ? (double)NAN : p.result.ends[p.result.best].goal;
        cost->steps = p.result.steps;
        cost->samples = p.answers.n;
    }
    plan_release(&p);
    return rc;
}
