/* cmd_convert.c -- `trivium convert`: one edge of the triangle. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/textio.h"

struct convert_args {
    const char *model, *from, *to;
    bool any_base, json;
    trv_convert_options o;
};

static const struct convert_args convert_defaults = {
    .o = TRV_CONVERT_OPTIONS_INIT,
};

#define BY_METHOD "by the method"

static const struct opt_spec convert_opts[] = {
    OPT_TEXT(struct convert_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = "a model's folder or .gguf file"),
    OPT_TEXT(struct convert_args, from, 'f', "from", .value = "A",
             .required = true,
             .help = "what to convert: prompt:TEXT, prompt:@FILE, "
                     "messages:FILE or an artefact's folder"),
    OPT_TEXT(struct convert_args, to, 't', "to", .value = "FORM:OUT",
             .required = true,
             .help = "the form to make and the folder to write, as in "
                     "lora:out/z"),
    OPT_TEXT(struct convert_args, o.method, 0, "method", .value = "NAME",
             .shown = "the first that fits, distill",
             .help = "how: distill (match the whole distribution) or sft "
                     "(learn the samples)"),
    OPT_TEXT(struct convert_args, o.inputs, 'i', "inputs", .value = "FILE",
             .shown = "sampled from the model",
             .help = "inputs to learn on: .jsonl, .json or .txt"),
    OPT_FLAG(struct convert_args, o.replace, 0, "replace",
             "overwrite an artefact that is already there"),
    OPT_FLAG(struct convert_args, o.resume, 0, "resume",
             "go on from where an earlier run was stopped"),
    OPT_FLAG(struct convert_args, any_base, 0, "any-base",
             "take an artefact that was made for another model"),
    OPT_FLAG(struct convert_args, json, 'j', "json", "print one JSON object"),
    OPT_GROUP("What is trained"),
    OPT_INT(struct convert_args, o.rank, 'r', "rank", .lo = 1, .hi = 65536,
            .help = "rank of each pair of matrices"),
    OPT_NUM(struct convert_args, o.alpha, 0, "alpha", .lo = 0, .hi = 1e6,
            .shown = "0, twice the rank",
            .help = "the update counts alpha / rank times"),
    OPT_FLAG(struct convert_args, o.rslora, 0, "rslora",
             "count the update alpha / sqrt(rank) times"),
    OPT_NUM(struct convert_args, o.dropout, 0, "dropout", .lo = 0, .hi = 0.95,
            .help = "share of the adapter's inputs set to 0 in training"),
    OPT_TEXT(struct convert_args, o.targets, 0, "targets", .value = "NAMES",
             .help = "layers to adapt: all-linear, or names parted by commas"),
    OPT_GROUP("The teacher's samples"),
    OPT_INT(struct convert_args, o.samples, 'n', "samples", .lo = 0,
            .hi = INT32_MAX, .shown = BY_METHOD,
            .help = "how many in all; 0 leaves it to the method"),
    OPT_INT(struct convert_args, o.max_tokens, 0, "max-tokens", .lo = 0,
            .hi = INT32_MAX, .unit = "tokens", .shown = BY_METHOD,
            .help = "length of each answer; 0 leaves it to the method"),
    OPT_NUM(struct convert_args, o.temperature, 0, "temperature", .lo = 0,
            .hi = 100, .help = "of the teacher's answers"),
    OPT_CHOICE(struct convert_args, o.divergence, 0, "divergence",
               .value = "NAME", .choices = "forward|reverse|jsd",
               .help = "what distill makes small"),
    OPT_NUM(struct convert_args, o.on_policy, 0, "on-policy", .lo = 0, .hi = 1,
            .help = "share of batches on the student's own samples"),
    OPT_GROUP("Optimisation"),
    OPT_INT(struct convert_args, o.steps, 0, "steps", .lo = 0, .hi = INT32_MAX,
            .shown = BY_METHOD,
            .help = "optimiser steps; 0 leaves it to the method"),
    OPT_INT(struct convert_args, o.batch, 'b', "batch", .lo = 0, .hi = 65536,
            .unit = "rows", .shown = BY_METHOD,
            .help = "rows of a step; 0 leaves it to the method"),
    OPT_INT(struct convert_args, o.accumulate, 0, "accumulate", .lo = 1,
            .hi = 65536, .help = "micro-batches of a step"),
    OPT_NUM(struct convert_args, o.lr, 0, "lr", .lo = 0, .hi = 10,
            .shown = "by the model's width",
            .help = "learning rate; 0 leaves it to the width"),
    OPT_CHOICE(struct convert_args, o.schedule, 0, "schedule", .value = "NAME",
               .choices = "cosine|linear|constant",
               .help = "how the rate falls"),
    OPT_NUM(struct convert_args, o.warmup, 0, "warmup", .lo = 0, .hi = 1,
            .help = "share of the steps in which the rate rises"),
    OPT_NUM(struct convert_args, o.weight_decay, 0, "weight-decay", .lo = 0,
            .hi = 10, .help = "pull towards 0, decoupled as in AdamW"),
    OPT_NUM(struct convert_args, o.clip, 0, "clip", .lo = 0, .hi = 1e6,
            .help = "largest norm of a gradient; 0 clips none"),
    OPT_INT(struct convert_args, o.checkpoint_every, 0, "checkpoint-every",
            .lo = 0, .hi = INT32_MAX, .unit = "steps",
            .help = "save what --resume needs so often; 0 only when stopped"),
    OPT_SEED(struct convert_args, o.seed, 's', "seed",
             .help = "the same seed gives the same bytes"),
    OPT_END,
};

static const char *
path_of(const char *to)
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

static void
print_json(FILE *f, const struct convert_args *a, const trv_cost *c)
{
    json_t *names = json_pack("{s:s*, s:s*, s:s*}", "model", a->model, "from",
                              a->from, "to", a->to);
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
    fprintf(f, ",\"peak_bytes\":%lld,\"artefact_bytes\":%lld}\n",
            (long long)c->peak_bytes, (long long)c->artefact_bytes);
    free(text);
    json_decref(names);
}

static void
print_next(FILE *f, const struct convert_args *a)
{
    fputs("\nNext, measure what was kept:\n  trivium measure --model ", f);
    textio_print_quoted(f, a->model);
    fputs(" --source ", f);
    textio_print_quoted(f, a->from);
    fputs(" --target ", f);
    textio_print_quoted(f, path_of(a->to));
    if (a->any_base)
        fputs(" --any-base", f);
    fputc('\n', f);
}

static void
print_report(FILE *f, const struct convert_args *a, const trv_cost *c)
{
    char x[HUMAN_MAX], y[HUMAN_MAX], z[HUMAN_MAX];

    fprintf(f, "made    %s, %s\n", path_of(a->to),
            human_bytes(x, (double)c->artefact_bytes));
    fprintf(f, "took    %s: %s samples, %s steps\n",
            human_seconds(x, c->seconds), human_count(y, (double)c->samples),
            human_count(z, (double)c->steps));
    fprintf(f, "work    %s tokens, about %s\n", human_count(x, c->tokens),
            human_flop(y, c->flop));
    fprintf(f, "memory  %s at most\n", human_bytes(x, (double)c->peak_bytes));
    if (isfinite(c->final_loss))
        fprintf(f, "loss    %.4f nats per token at the end\n", c->final_loss);
}

/* "lora:out/z" has a form and a place; a plain path is the usual mistake. */
static enum cli_exit
check_to(const struct cli *cli, const char *to)
{
    const char *colon = strchr(to, ':');

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

static enum cli_exit
convert_run(struct cli *cli, const void *args)
{
    const struct convert_args *a = args;
    trv_convert_options o = a->o;
    trv_model *m = NULL;
    trv_adaptation *from = NULL;
    trv_cost cost = {0};
    trv_err err = {0};
    enum cli_exit status = check_to(cli, a->to);

    if (status)
        return status;
    if (o.replace && o.resume)
        return cli_usage(cli, "--replace starts anew and --resume goes on: "
                              "give one of them");
    o.on_message = cli_message;
    o.message_payload = cli;
    if (cli_model_open(cli, &m, a->model, &err) ||
        trv_adaptation_open(&from, m, a->from, a->any_base, &err)) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_catch_interrupt();
    if (trv_convert(m, &cost, from, a->to, &o, term_progress, &cli->term,
                    &err)) {
        term_done(&cli->term);
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_done(&cli->term);
    if (a->json) {
        print_json(cli->out, a, &cost);
    } else {
        print_report(cli->out, a, &cost);
        if (!cli->globals->quiet)
            print_next(cli->out, a);
    }
    status = cli_finish(cli);
done:
    trv_adaptation_free(from);
    trv_model_free(m);
    return status;
}

const struct cmd_entry cmd_convert = {
    .name = "convert",
    .summary = "turn an adaptation into another form",
    .description =
        "Turn an adaptation into another form and write it as a folder that "
        "other programs read too: a LoRA is a PEFT adapter. The conversion "
        "there is in this version is from a prompt to a LoRA.\n\n"
        "Ctrl-C saves what was done; the same command with --resume goes on "
        "and ends with the same bytes as if it had not been stopped.",
    .examples = "trivium convert --model MODEL --from prompt:@z.txt "
                "--to lora:out/z\n"
                "trivium convert --model MODEL --from prompt:@z.txt "
                "--to lora:out/z \\\n"
                "    --inputs train.jsonl --rank 32",
    .opts = convert_opts,
    .args_size = sizeof(struct convert_args),
    .defaults = &convert_defaults,
    .run = convert_run,
};
