/* cmd_generate.c -- `trivium generate`: continue a prompt. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/choosing.h"
#include "cli/textio.h"

struct generate_args {
    const char *model, *prompt, *word;
    bool any_base, json;
    struct opt_list adaptations, stops;
    trv_generate_options o;
};

static const struct generate_args generate_defaults = {
    .o = TRV_GENERATE_OPTIONS_INIT,
};

static const struct opt_spec generate_opts[] = {
    OPT_TEXT(struct generate_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = CMD_MODEL_HELP),
    CHOOSING_ADAPTATIONS(struct generate_args),
    OPT_FLAG(struct generate_args, any_base, 0, "any-base",
             "take an artefact that was made for another model"),
    OPT_TEXT(struct generate_args, prompt, 'p', "prompt", .value = "TEXT",
             .shown = "",
             .help = "what a user says, or the text to continue (--raw); "
                     "@FILE reads a file"),
    OPT_GROUP("How to choose"),
    CHOOSING_NUMBERS(struct generate_args),
    OPT_GROUP("How a reward acts"),
    OPT_CHOICE(struct generate_args, o.act, 0, "act", .value = "NAME",
               .choices = "bon|sir|guided",
               .help =
                   "draw answers of the base model and take the best (bon), "
                   "or one with the weights exp(reward / beta) (sir); or "
                   "draw each token with these weights, where the reward "
                   "has a value for each (guided)"),
    OPT_INT(struct generate_args, o.best_of, 0, "best-of", .lo = 0, .hi = 4096,
            .unit = "answers", .shown = "0, 8",
            .help = "how many to draw for each that is taken"),
    OPT_NUM(struct generate_args, o.beta, 0, "beta", .lo = 0, .above = true,
            .hi = 1e6, .help = "what sir and guided divide the reward by"),
    CHOOSING_END(struct generate_args),
    OPT_GROUP("What to print"),
    OPT_INT(struct generate_args, o.samples, 0, "samples", .lo = 1, .hi = 4096,
            .help = "how many answers to the same prompt"),
    OPT_FLAG(struct generate_args, json, 'j', "json", "print one JSON object"),
    OPT_ARG(struct generate_args, word, "PROMPT",
            "the same; without it and --prompt, standard input"),
    OPT_END,
};

/* The text goes out as it comes; a reader who is gone ends the work. */
static bool
on_text(int32_t sample, const char *text, size_t n, void *payload)
{
    const struct cli *cli = payload;

    (void)sample;
    fwrite(text, 1, n, cli->out);
    return fflush(cli->out) == 0 && !term_interrupted();
}

/* Nothing to print yet; only asks whether to go on. */
static bool
on_silence(int32_t sample, const char *text, size_t n, void *payload)
{
    (void)sample;
    (void)text;
    (void)n;
    (void)payload;
    return !term_interrupted();
}

static int
print_json(const struct cli *cli, const struct text *prompt,
           const trv_completion *c, int32_t n)
{
    json_t *list = json_array();
    json_t *top =
        json_pack("{s:o*, s:o*}", "prompt", textio_json(prompt->s, prompt->n),
                  "completions", list);
    int rc = top ? 0 : -1;

    for (int32_t i = 0; i < n && !rc; i++)
        rc = json_array_append_new(
            list,
            json_pack("{s:o*, s:s, s:i, s:i, s:f, s:o*}", "text",
                      textio_json(c[i].text, c[i].n), "finish", c[i].finish,
                      "prompt_tokens", (int)c[i].prompt_tokens, "new_tokens",
                      (int)c[i].new_tokens, "logprob", c[i].logprob, "reward",
                      isnan(c[i].reward) ? NULL : json_real(c[i].reward)));
    if (!rc)
        rc = json_dumpf(top, cli->out, JSON_COMPACT);
    fputc('\n', cli->out);
    json_decref(top);
    return rc;
}

static void
print_samples(const struct cli *cli, const trv_completion *c, int32_t n)
{
    const bool color = cli->term.color_out;

    for (int32_t i = 0; i < n; i++) {
        fprintf(cli->out, "%s%s--- %d of %d ---%s\n", i ? "\n" : "",
                term_bold(color), i + 1, n, term_plain(color));
        fwrite(c[i].text, 1, c[i].n, cli->out);
        fputc('\n', cli->out);
    }
}

static enum cli_exit
run_and_print(struct cli *cli, trv_model *m, const trv_adaptation *adaptation,
              const struct generate_args *a, const struct text *prompt)
{
    const bool stream = a->o.samples == 1 && !a->json;
    const int32_t n = a->o.samples;
    trv_generate_options o = a->o;
    trv_completion *c = calloc((size_t)n, sizeof(*c));
    trv_err err = {0};
    enum cli_exit status;

    if (!c)
        return cli_fail(cli, CLI_FAILURE, "no memory for %d samples", n);
    o.stops = a->stops.items;
    o.n_stops = a->stops.n;
    term_catch_interrupt();
    if (trv_generate(m, c, adaptation, prompt->s, &o,
                     stream ? on_text : on_silence, cli, &err)) {
        if (stream && ferror(cli->out))
            status = cli_finish(cli);
        else
            status = cli_fail_err(cli, &err);
        goto done;
    }
    if (term_interrupted()) {
        if (stream)
            fputc('\n', cli->out);
        (void)cli_finish(cli);
        status = CLI_INTERRUPTED;
        goto done;
    }
    if (stream)
        fputc('\n', cli->out);
    else if (!a->json)
        print_samples(cli, c, n);
    else if (print_json(cli, prompt, c, n) && !ferror(cli->out)) {
        status = cli_fail(cli, CLI_FAILURE, "no memory to print the result");
        goto done;
    }
    status = cli_finish(cli);
done:
    for (int32_t i = 0; i < n; i++)
        trv_free(c[i].text);
    free(c);
    return status;
}

static enum cli_exit
generate_run(struct cli *cli, const void *args)
{
    const struct generate_args *a = args;
    const char *given = a->prompt ? a->prompt : a->word;
    trv_model *m = NULL;
    trv_adaptation *adaptation = NULL;
    trv_err err = {0};
    struct text prompt = {NULL, 0};
    enum cli_exit status;

    if (a->prompt && a->word)
        return cli_usage(cli, "two prompts: '%.100s' and --prompt '%.100s'",
                         a->word, a->prompt);
    status = textio_read(cli, &prompt, given, a->prompt != NULL, "prompt");
    if (status)
        goto done;
    if (!given || (a->prompt && given[0] == '@'))
        textio_chomp(&prompt);
    else
        textio_hint_file(cli, given, "prompt", "--prompt ");
    if (strlen(prompt.s) != prompt.n) {
        status = cli_fail(cli, CLI_BAD_FILE,
                          "the prompt holds a zero byte: "
                          "is it a text?");
        goto done;
    }
    if (cli_model_open(cli, &m, a->model, &err) ||
        (a->adaptations.n > 0 &&
         cli_adaptation_open_mix(cli, &adaptation, m, a->adaptations.items,
                                 a->adaptations.n, a->any_base, &err))) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    status = run_and_print(cli, m, adaptation, a, &prompt);
done:
    cli_adaptation_close(cli, adaptation);
    trv_model_free(m);
    free(prompt.s);
    return status;
}

const struct cmd_entry cmd_generate = {
    .name = "generate",
    .summary = "continue a prompt, under an adaptation or without one",
    .description =
        "Answer what a user says, or continue a text (--raw, or a model "
        "without a chat template), and print the new text as it comes; the "
        "prompt itself is not repeated. One line end at the end of a prompt "
        "from a file or from standard input is not part of it.",
    .examples =
        "trivium generate --model MODEL \"Once upon a time\"\n"
        "trivium generate --model MODEL --adaptation out/z \"Hello!\"\n"
        "trivium generate --model MODEL -p @prompt.txt --samples 4 --json\n"
        "trivium generate --model MODEL \"Name a bird.\" \\\n"
        "    --adaptation verifier:length,hi=5 --best-of 16",
    .opts = generate_opts,
    .args_size = sizeof(struct generate_args),
    .defaults = &generate_defaults,
    .run = generate_run,
};
