/* convert.c -- from two forms to an edge, after all options are checked. */
#include "transform/convert.h"

#include <string.h>

#include "learn/options.h"
#include "transform/edges/edges.h"

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
