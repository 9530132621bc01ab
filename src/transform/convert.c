/* convert.c -- from two forms to an edge, after all options are checked. */
#include "transform/convert.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "adapt/source.h"
#include "base/clock.h"
#include "learn/options.h"

typedef int (*edge_fn)(const struct convert_job *job, trv_cost *cost,
                       trv_err *err);

static const struct edge {
    enum form from, to;
    edge_fn run;
    const char *says; // for messages
} edges[] = {
    {FORM_PROMPT, FORM_PARAMS, prompt_to_params,
     "prompt to params (lora, adapter, full)"},
    {FORM_PARAMS, FORM_PARAMS, params_to_params,
     "params to params (lora, adapter, full)"},
    {FORM_PARAMS, FORM_PROMPT, params_to_prompt,
     "params to prompt (prefix, soft, text, demos)"},
    {FORM_PROMPT, FORM_PROMPT, prompt_to_prompt,
     "prompt to prompt (prefix, soft)"},
    {FORM_PARAMS, FORM_REWARD, params_to_reward,
     "params to reward (ratio, head)"},
    {FORM_PROMPT, FORM_REWARD, prompt_to_reward,
     "prompt to reward (contrast, judge, head)"},
    {FORM_REWARD, FORM_PARAMS, reward_to_params,
     "reward to params (lora, adapter, full)"},
    {FORM_BASE, FORM_PARAMS, reward_to_params,
     "base and pairs of answers to params (lora, adapter, full)"},
    {FORM_REWARD, FORM_PROMPT, reward_to_prompt,
     "reward to prompt (text, messages, demos, prefix, soft)"},
    {FORM_BASE, FORM_PROMPT, reward_to_prompt,
     "base and pairs of answers to prompt (prefix, soft)"},
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

int
convert_inputs(struct inputs *in, const struct convert_job *job,
               const char *path, int64_t want, bool chat, trv_err *err)
{
    struct relay relay = {job, want, clock_now()};

    return inputs_open(in, job->s,
                       &(struct inputs_options){.path = path,
                                                .use = INPUTS_LEARN,
                                                .want = want,
                                                .seed = job->opts->seed,
                                                .chat = chat,
                                                .progress = relay_inputs,
                                                .payload = &relay},
                       err);
}

int
convert_student(struct student_options *out, const struct convert_job *job,
                trv_err *err)
{
    const trv_convert_options *o = job->opts;
    int rc;

    *out = (struct student_options){.kind = job->to,
                                    .lora = o->lora,
                                    .virtual = o->virtual_tokens,
                                    .bottleneck = o->bottleneck,
                                    .save_as = o->save_as,
                                    .seed = o->seed};
    rc = student_check(out, err);
    return rc || job->to != KIND_FULL ? rc
                                      : student_check_full(job->s->model, err);
}

int
convert_begin(struct work *w, const struct convert_job *job, const char *kept,
              trv_err *err)
{
    const trv_convert_options *o = job->opts;

    *w = (struct work){.s = job->s,
                       .seed = o->seed,
                       .replace = o->replace,
                       .resume = o->resume,
                       .allow_diverged = o->allow_diverged,
                       .on_message = o->on_message,
                       .message_payload = o->message_payload,
                       .progress = job->progress,
                       .payload = job->payload};
    return work_begin(w, job->out, kept, err);
}

int
convert_draw(struct answers *out, const struct work *w,
             struct answers_options how, trv_err *err)
{
    if (!how.file)
        how.file = w->place.kept;
    how.resume = w->resume;
    how.progress = w->progress;
    how.payload = w->payload;
    return work_stopped(w, answers_draw(out, w->s, &how, err), "while sampling",
                        err);
}

int
convert_lay(struct work *w, const struct convert_job *job, const char *method,
            const struct inputs *in, json_t *own, trv_err *err)
{
    char source[HASH_HEX];
    json_t *more;
    int rc = source_hash(source, job->from, err);

    if (rc) {
        json_decref(own);
        return rc;
    }
    more =
        json_pack("{s:s,s:s,s:s,s:s}", "method", method, "from",
                  job->from->spec, "source", source, "inputs", in->data.hash);
    if (own && (!more || json_object_update(own, more))) {
        json_decref(own);
        own = NULL;
    }
    json_decref(more);
    return work_lay(w, own, err);
}

void
convert_say_dropped(const struct convert_job *job, int64_t dropped, int64_t n,
                    int64_t prompt, int64_t answer)
{
    char before[64] = "";

    if (dropped == 0)
        return;
    if (prompt > 0)
        snprintf(before, sizeof(before), "a prompt of %lld and ",
                 (long long)prompt);
    convert_say(job,
                "warning: %lld of %lld inputs leave no room for %s%lld answer "
                "tokens and are left out",
                (long long)dropped, (long long)n, before, (long long)answer);
}

void
convert_say_full(const struct convert_job *job)
{
    const int64_t params = model_params(job->s->model);
    const double n = (double)params;
    const double packed = job->s->be->act_type == DT_BF16 ? 2.0 : 4.0;

    if (job->to == KIND_FULL)
        convert_say(job,
                    "all %lld weights learn, about %.3g MB with their "
                    "gradient and the optimiser; the base stays beside them as "
                    "it is, about %.3g MB",
                    (long long)params, (16.0 + 2.0 * packed) * n / 1e6,
                    packed * n / 1e6);
}

static int
check_options(const trv_convert_options *o, trv_err *err)
{
    const struct bounded list[] = {
        {"samples", o->samples, 0, 10e6},
        {"max-tokens", o->max_tokens, 0, 1e6},
        {"temperature", o->temperature, 0, 100},
        {"on-policy", o->on_policy, 0, 1},
        {"features-weight", o->features_weight, 0, 1e6},
        {"beta", o->beta, 0, 1e6},
        {"rounds", o->evolve.rounds, 0, 1e6},
        {"population", o->evolve.population, 1, 4096},
        {"search-inputs", o->evolve.inputs, 1, 1e5},
        {"held-out", o->evolve.held_out, 0, 1e5},
        {"minibatch", o->evolve.minibatch, 1, 1e5},
        {"answers", o->evolve.answers, 1, 1000},
        {"prompt-tokens", o->prompt_tokens, 1, 4096},
        {"length-cost", o->length_cost, 0, 1e6},
        {"proposer-calls", o->evolve.proposer_calls, 0, 1e9},
        {"proposer-tokens", o->evolve.proposer_tokens, 0, 1e9},
        {"proposer-timeout", o->evolve.proposer_timeout, 0.001, 1e6},
        {"demos", o->evolve.demos, 1, 64},
    };
    int rc;

    if (o->version != 1)
        return err_fail(err, TRV_EINVAL,
                        "convert options have version %u, not 1", o->version);
    if (!o->divergence || !o->features_layers)
        return err_fail(err, TRV_EINVAL,
                        "convert options need a divergence and layers (start "
                        "from TRV_CONVERT_OPTIONS_INIT)");
    rc = options_check_learn(&o->learn, err);
    return rc ? rc : options_within(list, sizeof(list) / sizeof(*list), err);
}

static int
no_edge(enum form from, enum form to, trv_err *err)
{
    char known[1000];
    size_t n = 0;

    known[0] = '\0';
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
        if (n < sizeof(known))
            n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s",
                                  i ? ", " : "", edges[i].says);
    return err_fail(err, TRV_EUNSUPPORTED,
                    "there is no conversion from %s to %s yet; there are %s",
                    form_name(from), form_name(to), known);
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
    job.any_words = strncmp(to, "prompt:", 7) == 0;
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
    return no_edge(from->form, kind_form(job.to), err);
}
