/* cmd_convert.c -- `trivium convert`: one edge of the triangle. */

#include "cli/cmd.h"
#include "cli/learning.h"
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
             .help = "what to convert: prompt:TEXT, prompt:@FILE (byte for "
                     "byte: end it with what parts it from the input), "
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
             "go on from where an earlier run was stopped; with --replace, "
             "over what it was to replace"),
    OPT_FLAG(struct convert_args, any_base, 0, "any-base",
             "take an artefact that was made for another model"),
    OPT_FLAG(struct convert_args, json, 'j', "json", "print one JSON object"),
    LEARNING_LORA(struct convert_args),
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
    OPT_INT(struct convert_args, o.learn.steps, 0, "steps", .lo = 0,
            .hi = INT32_MAX, .shown = BY_METHOD,
            .help = "optimiser steps; 0 leaves it to the method"),
    OPT_INT(struct convert_args, o.learn.batch, 'b', "batch", .lo = 0,
            .hi = 65536, .unit = "rows", .shown = BY_METHOD,
            .help = "rows of a step; 0 leaves it to the method"),
    LEARNING_OPTIMISER(struct convert_args),
    OPT_SEED(struct convert_args, o.seed, 's', "seed",
             .help = "the same seed gives the same bytes"),
    OPT_END,
};

static void
print_next(FILE *f, const struct convert_args *a)
{
    fputs("\nNext, measure what was kept:\n  trivium measure --model ", f);
    textio_print_quoted(f, a->model);
    fputs(" --source ", f);
    textio_print_quoted(f, a->from);
    fputs(" --target ", f);
    textio_print_quoted(f, learning_path(a->to));
    if (a->any_base)
        fputs(" --any-base", f);
    fputc('\n', f);
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
    enum cli_exit status = learning_check_to(cli, a->to);

    if (status)
        return status;
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
        learning_json(cli->out, a->model, a->from, a->to, &cost);
    } else {
        learning_report(cli->out, a->to, "samples", &cost);
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
        "other programs read too: a LoRA is a PEFT adapter. In this "
        "version a prompt can become a LoRA.\n\n"
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
