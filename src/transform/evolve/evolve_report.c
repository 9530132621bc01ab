/* evolve_report.c -- the report of a search for an instruction. */
#include "transform/evolve/evolve_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 5 // candidates in the table

void
evolve_report_plan(const struct evolve_plan *p)
{
    const trv_evolve_options *o = &p->job->opts->evolve;

    job_log(p->job,
            "search: %d round%s of %d candidate%s on %lld inputs, %lld held "
            "out",
            o->rounds, plural(o->rounds), o->population, plural(o->population),
            (long long)p->inputs.n_train, (long long)p->inputs.n_held);
    if (p->proposer && getenv(EVOLVE_KEY_VARIABLE) &&
        strncmp(o->proposer, "http://", 7) == 0)
        job_log(p->job, "warning: the key goes to '%s' without encryption",
                o->proposer);
}

void
evolve_report_table(const struct evolve_plan *p, const struct evolve *e)
{
    struct candidate *list[SHOWN];
    const int64_t n = evolve_ranking(e, list, SHOWN);
    const int64_t m = e->o.n_train;
    int64_t kept = 0;

    for (int64_t i = 0; i < e->pool.n; i++)
        kept += e->pool.list[i]->kept;
    job_log(p->job,
            "%lld candidate%s in %lld round%s, %lld of them kept; the "
            "best on the inputs of the search:",
            (long long)e->pool.n, plural(e->pool.n),
            (long long)e->pool.rounds - 1, plural(e->pool.rounds - 1),
            (long long)kept);
    job_log(p->job, "   value  reward      kl  tokens  prompt");
    for (int64_t i = 0; i < n; i++) {
        char kl[32] = "-"; // not asked for

        if (e->prompt_value.kl)
            snprintf(kl, sizeof(kl), "%.3f",
                     prompt_value_mean(list[i]->kl, m).mean);
        job_log(p->job, "%8.4f %7.4f %7s %7lld  %.300s",
                candidates_mean(&e->pool, list[i], NULL, 0),
                prompt_value_mean(list[i]->reward, m).mean, kl,
                (long long)list[i]->tokens,
                *list[i]->text ? list[i]->text : "(no prompt)");
    }
    job_log(p->job, "chosen on fresh answers: %s", e->best->text);
    if (e->o.n_held > 1)
        job_log(p->job,
                "held-out reward: base %.4f +- %.4f, with the prompt %.4f "
                "+- %.4f (%lld inputs); KL to the base %.3f nats an answer",
                e->base_held.mean, e->base_held.error, e->best_held.mean,
                e->best_held.error, (long long)e->o.n_held,
                e->best_held_kl.mean);
}

void
evolve_report_trouble(const struct evolve_plan *p, const struct evolve *e)
{
    const double gain = e->best_value.mean - e->base_value.mean;
    const double error = hypot(e->best_value.error, e->base_value.error);
    const double held = e->best_held.mean - e->base_held.mean;
    const double held_error = hypot(e->best_held.error, e->base_held.error);

    if (e->highest - e->lowest < 1e-12 * (1.0 + fabs(e->highest)))
        job_log(p->job,
                "warning: every answer got the reward %.4g: there was "
                "nothing to climb",
                e->highest);
    else if (!(gain > 2.0 * error))
        job_log(p->job,
                "warning: no prompt was found that is clearly better than "
                "none (%.4f +- %.4f)",
                gain, error);
    else if (e->o.n_held > 1 && held < gain - 3.0 * hypot(error, held_error))
        job_log(p->job,
                "warning: the gain is %.4f on the inputs of the search and "
                "%.4f on others: the prompt was fitted to them",
                gain, held);
    if (e->best_search - e->best_value.mean > 4.0 * e->best_value.error &&
        e->o.n_train > 1)
        job_log(p->job,
                "note: the search saw %.4f where fresh answers give %.4f: "
                "more answers or inputs would mislead it less",
                e->best_search, e->best_value.mean);
    if (e->o.n_held < 2)
        job_log(p->job, "note: there were too few inputs to hold some out");
    if (p->proposer && *proposer_why(p->proposer))
        job_log(p->job, "note: the proposer: %s", proposer_why(p->proposer));
    if (p->proposer)
        job_log(p->job, "proposer: %lld call%s, %lld token%s",
                (long long)proposer_calls(p->proposer),
                plural(proposer_calls(p->proposer)),
                (long long)proposer_tokens(p->proposer),
                plural(proposer_tokens(p->proposer)));
}
