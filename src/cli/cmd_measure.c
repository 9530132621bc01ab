/* cmd_measure.c -- `trivium measure`: how near two adaptations are. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/figures.h"
#include "cli/page.h"
#include "cli/textio.h"

struct measure_args {
    const char *model, *source, *target, *task, *html;
    bool any_base, json;
    trv_measure_options o;
};

static const struct measure_args measure_defaults = {
    .o = TRV_MEASURE_OPTIONS_INIT,
};

static const struct opt_spec measure_opts[] = {
    OPT_TEXT(struct measure_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = CMD_MODEL_HELP),
    OPT_TEXT(struct measure_args, source, 0, "source", .value = "A",
             .required = true,
             .help = "what was converted: prompt:TEXT, prompt:@FILE, "
                     "messages:FILE, an artefact's folder, or base"),
    OPT_TEXT(struct measure_args, target, 0, "target", .value = "B",
             .shown = "none: the task says what the source is worth",
             .help = "what was made, likewise"),
    OPT_FLAG(struct measure_args, any_base, 0, "any-base",
             "take artefacts that were made for another model"),
    OPT_TEXT(struct measure_args, task, 0, "task", .value = "REWARD",
             .shown = "the source where it is a reward",
             .help = "say how much of this reward the answers of each side "
                     "get, too: verifier:CHECK and the others of score"),
    OPT_TEXT(struct measure_args, o.figures, 0, "figures", .value = "NAMES",
             .shown = "all that say something of the two",
             .help = "measure only these, with commas between them: the names "
                     "above and those they hold"),
    OPT_GROUP("What to measure on"),
    OPT_TEXT(struct measure_args, o.inputs, 'i', "inputs", .value = "FILE",
             .shown = "sampled from the model",
             .help = "held-out inputs: .jsonl, .json, .csv or .txt"),
    OPT_TEXT(struct measure_args, o.control, 0, "control", .value = "FILE",
             .shown = "the base model's own text",
             .help = "inputs that the adaptation should leave alone"),
    OPT_INT(struct measure_args, o.max_inputs, 0, "max-inputs", .lo = 1,
            .hi = INT32_MAX, .unit = "inputs", .shown = "200",
            .help = "take at most so many from the file"),
    OPT_INT(struct measure_args, o.max_tokens, 0, "max-tokens", .lo = 1,
            .hi = INT32_MAX, .unit = "tokens", .shown = "64",
            .help = "length of each sample"),
    OPT_INT(struct measure_args, o.candidates, 0, "candidates", .lo = 2,
            .hi = 64, .shown = "4",
            .help = "answers to each input that both score"),
    OPT_NUM(struct measure_args, o.temperature, 't', "temperature", .lo = 0,
            .hi = 100,
            .help = "of the answers to a task; 0 takes the likeliest tokens, "
                    "one answer to each input. Other figures are of answers at "
                    "1"),
    OPT_SEED(struct measure_args, o.seed, 's', "seed",
             .help = "the same seed gives the same figures"),
    OPT_TEXT(struct measure_args, o.budget, 0, "budget", .value = "TIME",
             .shown = "1m, for models above 32 million parameters",
             .help = "time that the sizes which are not given may take, as in "
                     "90s or 10m: inputs are cut to fit; none takes all"),
    OPT_FLAG(struct measure_args, o.dry_run, 0, "dry-run",
             "say what the work would take, and stop before it"),
    OPT_GROUP("What to print"),
    OPT_INT(struct measure_args, o.examples, 0, "examples", .lo = 0, .hi = 1000,
            .unit = "inputs",
            .help = "show so many inputs with the answers of base, source and "
                    "target, side by side, drawn at temperature 0.7"),
    OPT_FLAG(struct measure_args, json, 'j', "json", "print one JSON object"),
    OPT_FLAG(struct measure_args, o.note, 0, "note",
             "write the figures to the target's trivium.json, too"),
    OPT_TEXT(struct measure_args, html, 0, "html", .value = "FILE",
             .help = "write a page with a plot, too"),
    OPT_END,
};

static enum cli_exit
write_page(const struct cli *cli, const struct measure_args *a,
           const trv_measurement *r, const struct figures_of *who,
           const trv_adaptation *source, const trv_adaptation *target)
{
    struct origin from = {0}, made = {0};
    const struct page_of of = {who,         &from,      &made,
                               a->o.inputs, cli->words, cli->n_words};
    trv_err err = {0};
    char *page = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&page, &n);
    enum cli_exit status = CLI_OK;
    int bad = f ? 0 : -1;

    if (f &&
        (origin_open(&from, source, &err) || origin_open(&made, target, &err)))
        status = cli_fail_err(cli, &err);
    else if (f)
        bad = page_write(f, r, &of);
    if (f && fclose(f) != 0)
        bad = -1;
    if (!status && bad)
        status = cli_fail(cli, CLI_FAILURE, "no memory for the page");
    if (!status)
        status = textio_write(cli, a->html, page, n);
    origin_release(&from);
    origin_release(&made);
    free(page);
    return status;
}

static enum cli_exit
report(const struct cli *cli, const struct measure_args *a,
       const trv_measurement *r, const struct figures_of *who)
{
    trv_err err = {0};
    char *text = NULL;

    if (a->json) {
        if (trv_measurement_json(&text, r, &err))
            return cli_fail_err(cli, &err);
        fprintf(cli->out, "%s\n", text);
        trv_free(text);
    } else {
        figures_examples(cli->out, r, who, term_columns(cli->out, 100),
                         cli->term.color_out);
        figures_table(cli->out, r, who, cli->term.color_out);
    }
    return cli_finish(cli);
}

static enum cli_exit
measure_run(struct cli *cli, const void *args)
{
    const struct measure_args *a = args;
    trv_model *m = NULL;
    trv_adaptation *source = NULL, *target = NULL, *task = NULL;
    trv_measure_options o = a->o;
    trv_measurement r = {0};
    struct figures_of who;
    trv_err err = {0};
    enum cli_exit status;

    if (!a->target && !a->task)
        return cli_usage(cli, "give --target B to compare the source with, or "
                              "--task REWARD to evaluate the source alone");
    if (!a->target && (a->html || a->o.note))
        return cli_usage(cli,
                         "--%s is of what was made of a source: give "
                         "--target B",
                         a->html ? "html" : "note");
    if (a->html && textio_can_write(cli, a->html))
        return CLI_BAD_FILE;
    if (cli_model_open(cli, &m, a->model, &err) ||
        cli_adaptation_open(cli, &source, m, a->source, a->any_base, &err) ||
        (a->target &&
         cli_adaptation_open(cli, &target, m, a->target, a->any_base, &err)) ||
        (a->task &&
         cli_adaptation_open(cli, &task, m, a->task, a->any_base, &err))) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    o.task = task;
    o.on_message = cli_message;
    o.message_payload = cli;
    term_catch_interrupt();
    if (trv_measure(m, &r, source, target, &o, term_progress, &cli->term,
                    &err)) {
        term_done(&cli->term);
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_done(&cli->term);
    if (o.dry_run && !a->json) { // the plan stands among the messages
        status = cli_finish(cli);
        goto done;
    }
    who = (struct figures_of){a->model, a->source, a->target,
                              trv_adaptation_kind(source),
                              target ? trv_adaptation_kind(target) : NULL};
    status = report(cli, a, &r, &who);
    if (a->html && !o.dry_run) { // also where standard output is full
        const enum cli_exit page = write_page(cli, a, &r, &who, source, target);

        status = status ? status : page;
    }
done:
    trv_measurement_release(&r);
    cli_adaptation_close(cli, task);
    cli_adaptation_close(cli, target);
    cli_adaptation_close(cli, source);
    trv_model_free(m);
    return status;
}

const struct cmd_entry cmd_measure = {
    .name = "measure",
    .summary = "say how near two adaptations are, or what one achieves",
    .description =
        "Measure the distance between a source and a target adaptation of "
        "one model: how much of the gap between the base model and the source "
        "the target closes, how their choices and scores agree, how far the "
        "target drifts where nothing should change. Without a target, the "
        "reward that the source's answers get, beside the base's. Every figure "
        "is a mean over inputs with its standard error. Only what the figures "
        "need is drawn and computed.",
    .examples = "trivium measure --model MODEL --source prompt:@z.txt "
                "--target out/z\n"
                "trivium measure --model MODEL --source prompt:@z.txt "
                "--target out/z \\\n"
                "    --inputs heldout.jsonl --html z.html\n"
                "trivium measure --model MODEL --source verifier:number "
                "--target out/sums \\\n"
                "    --inputs sums.jsonl --max-tokens 200\n"
                "trivium measure --model MODEL --source out/sums --task "
                "verifier:number \\\n"
                "    --inputs sums.jsonl --temperature 0",
    .print_table = figures_choices,
    .opts = measure_opts,
    .args_size = sizeof(struct measure_args),
    .defaults = &measure_defaults,
    .run = measure_run,
};
