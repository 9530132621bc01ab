/* learning.c -- reports of commands that learn parameters. */
#include "cli/learning.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/human.h"

const char *
learning_path(const char *to)
{
    return strchr(to, ':') + 1; // checked when the command began
}

static void
print_number_or_null(FILE *f, const char *key, double x)
{
    if (isfinite(x))
        fprintf(f, ",\"%s\":%.9g", key, x);
    else
        fprintf(f, ",\"%s\":null", key);
}

void
learning_json(FILE *f, const char *model, const char *from, const char *to,
              const trv_cost *c)
{
    json_t *names =
        json_pack("{s:s*, s:s*, s:s*}", "model", model, "from", from, "to", to);
    char *text = names ? json_dumps(names, JSON_COMPACT) : NULL;

    /* names that are no UTF-8 cannot be said in JSON; the cost still can */
    fprintf(f, "%.*s", text ? (int)strlen(text) - 1 : 1, text ? text : "{");
    fprintf(f, "%s\"steps\":%lld,\"samples\":%lld",
            text && strlen(text) > 2 ? "," : "", (long long)c->steps,
            (long long)c->samples);
    print_number_or_null(f, "seconds", c->seconds);
    print_number_or_null(f, "tokens", c->tokens);
    print_number_or_null(f, "flop", c->flop);
    print_number_or_null(f, "final_loss", c->final_loss);
    if (c->planned_tokens > 0) {
        print_number_or_null(f, "planned_tokens", c->planned_tokens);
        print_number_or_null(f, "planned_seconds", c->planned_seconds);
    }
    if (c->judged > 0) {
        print_number_or_null(f, "reward_before", c->reward_before);
        print_number_or_null(f, "reward_after", c->reward_after);
        print_number_or_null(f, "kl_base", c->kl_base);
    }
    if (c->pairs > 0)
        fprintf(f, ",\"pairs\":%lld,\"held_out\":%lld", (long long)c->pairs,
                (long long)c->held_out);
    if (c->held_out > 0)
        print_number_or_null(f, "accuracy", c->accuracy);
    fprintf(f, ",\"peak_bytes\":%lld,\"artefact_bytes\":%lld}\n",
            (long long)c->peak_bytes, (long long)c->artefact_bytes);
    free(text);
    json_decref(names);
}

void
learning_report(FILE *f, const char *to, const char *what, const trv_cost *c)
{
    char x[HUMAN_MAX], y[HUMAN_MAX], z[HUMAN_MAX];

    fprintf(f, "made    %s, %s\n", learning_path(to),
            human_bytes(x, (double)c->artefact_bytes));
    fprintf(f, "took    %s", human_seconds(x, c->seconds));
    if (c->planned_seconds > 0)
        fprintf(f, " of about %s", human_estimate(y, c->planned_seconds));
    fprintf(f, ": %s, %s\n", human_counted(y, (double)c->samples, what),
            human_counted(z, (double)c->steps, "steps"));
    fprintf(f, "work    %s, about %s\n", human_counted(x, c->tokens, "tokens"),
            human_flop(y, c->flop));
    fprintf(f, "memory  %s at most\n", human_bytes(x, (double)c->peak_bytes));
    if (c->judged > 0 && isfinite(c->reward_after))
        fprintf(f, "reward  %.4g, from %.4g\n", c->reward_after,
                c->reward_before);
    if (c->judged > 0)
        fprintf(f, "KL      %.4g nats per token from the base\n", c->kl_base);
    if (isfinite(c->final_loss))
        fprintf(f, "loss    %.4f nats per %s at the end\n", c->final_loss,
                c->pairs > 0 ? "pair" : "token");
    if (c->held_out > 0)
        fprintf(f, "ranks   %.3f of %s right\n", c->accuracy,
                human_counted(x, (double)c->held_out, "held-out pairs"));
}

const char *
learning_given(char *out, size_t size, const struct cli *cli)
{
    size_t at = 0;

    out[0] = '\0';
    for (int i = 0; i < cli->n_words && at < size; i++) {
        const char *word = cli->words[i];

        if (strncmp(word, "--", 2) == 0)
            at += (size_t)snprintf(out + at, size - at, "%s%.*s", at ? " " : "",
                                   (int)strcspn(word + 2, "="), word + 2);
    }
    return out;
}

void
learning_plan(FILE *f, const trv_cost *c)
{
    char x[HUMAN_MAX], y[HUMAN_MAX], z[HUMAN_MAX];

    fprintf(f, "plan    at most %s",
            human_counted(x, c->planned_tokens, "tokens"));
    if (c->planned_answers > 0)
        fprintf(f, ", %s", human_counted(y, c->planned_answers, "answers"));
    if (c->planned_steps > 0)
        fprintf(f, ", %s", human_counted(z, c->planned_steps, "steps"));
    fputc('\n', f);
    if (c->planned_seconds > 0)
        fprintf(f, "time    about %s\n", human_estimate(x, c->planned_seconds));
    fprintf(f, "memory  about %s beside the model\n",
            human_bytes(x, floor(c->planned_bytes)));
    if (c->sizes[0])
        fprintf(f, "cut     to %s\n", c->sizes);
}

void
learning_plan_json(FILE *f, const char *model, const char *from, const char *to,
                   const trv_cost *c)
{
    json_t *plan =
        json_pack("{s:b, s:s*, s:s*, s:s*, s:I, s:I, s:I, s:f, s:I, s:s}",
                  "dry_run", 1, "model", model, "from", from, "to", to,
                  "tokens", (json_int_t)c->planned_tokens, "answers",
                  (json_int_t)c->planned_answers, "steps",
                  (json_int_t)c->planned_steps, "seconds", c->planned_seconds,
                  "bytes", (json_int_t)c->planned_bytes, "sizes", c->sizes);
    char *text =
        plan ? json_dumps(plan, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

    fprintf(f, "%s\n", text ? text : "{}");
    free(text);
    json_decref(plan);
}

/* Is a word one of the kinds that methods make? */
static bool
is_kind(const char *word)
{
    const size_t n = strlen(word);
    const trv_method *m;

    for (int32_t e = 0; trv_edge_at(e); e++)
        for (int32_t i = 0; (m = trv_method_at(e, i)); i++)
            for (const char *p = strstr(m->makes, word); n && p;
                 p = strstr(p + 1, word))
                if ((p == m->makes || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
                    return true;
    return false;
}

enum cli_exit
learning_check_to(const struct cli *cli, const char *to)
{
    const char *colon = strchr(to, ':');

    if (!colon && is_kind(to))
        return cli_usage(cli,
                         "'--to %.200s' names no folder to write; write "
                         "--to %.200s:out/NAME",
                         to, to);
    if (!colon || colon == to || memchr(to, '/', (size_t)(colon - to)))
        return cli_usage(cli,
                         "'--to %.200s' names no form; write --to lora:%.200s",
                         to, *to == ':' ? to + 1 : to);
    if (!colon[1])
        return cli_usage(cli,
                         "'--to %.200s' names no folder to write; write "
                         "--to %.200sout/NAME",
                         to, to);
    return CLI_OK;
}
