/* cmd_generate.c -- `trivium generate`: continue a prompt. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <float.h>

#include "cli/cmd.h"
#include "cli/textio.h"

struct generate_args {
    const char *model, *adaptation, *prompt, *word;
    bool any_base, json;
    struct opt_list stops;
    trv_generate_options o;
};

static const struct generate_args generate_defaults = {
    .o = TRV_GENERATE_OPTIONS_INIT,
};

#define OWN "the model's own, or off"

static const struct opt_spec generate_opts[] = {
    OPT_TEXT(struct generate_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = "a model's folder or .gguf file"),
    OPT_TEXT(struct generate_args, adaptation, 'a', "adaptation", .value = "A",
             .shown = "none",
             .help = "prompt:TEXT, prompt:@FILE, messages:FILE, lora:DIR or an "
                     "artefact's folder"),
    OPT_FLAG(struct generate_args, any_base, 0, "any-base",
             "take an artefact that was made for another model"),
    OPT_TEXT(struct generate_args, prompt, 'p', "prompt", .value = "TEXT",
             .shown = "", .help = "the text to continue; @FILE reads a file"),
    OPT_FLAG(struct generate_args, o.chat, 'c', "chat",
             "the prompt is what a user says: use the chat template"),
    OPT_GROUP("How to choose"),
    OPT_INT(struct generate_args, o.max_tokens, 'n', "max-tokens", .lo = 1,
            .hi = INT32_MAX, .unit = "tokens",
            .help = "at most so many new tokens"),
    OPT_NUM(struct generate_args, o.temperature, 't', "temperature", .lo = 0,
            .hi = 100, .shown = "the model's own, or 1",
            .help = "spread of the choices; 0 takes the likeliest"),
    OPT_INT(struct generate_args, o.top_k, 0, "top-k", .lo = 0, .hi = INT32_MAX,
            .shown = OWN, .help = "keep the K likeliest tokens; 0 keeps all"),
    OPT_NUM(struct generate_args, o.top_p, 0, "top-p", .lo = 0, .hi = 1,
            .above = true, .shown = OWN,
            .help = "keep the likeliest tokens that make up this share; 1 "
                    "keeps all"),
    OPT_NUM(struct generate_args, o.min_p, 0, "min-p", .lo = 0, .hi = 1,
            .help = "drop tokens less likely than this share of the "
                    "likeliest; 0 drops none"),
    OPT_NUM(struct generate_args, o.repetition_penalty, 0, "repetition-penalty",
            .lo = 0, .above = true, .hi = 100, .shown = OWN,
            .help = "above 1 makes tokens that were there less likely"),
    OPT_SEED(struct generate_args, o.seed, 's', "seed",
             .help = "the same seed gives the same text"),
    OPT_GROUP("When to end"),
    OPT_LIST(struct generate_args, stops, 0, "stop", .value = "TEXT",
             .help = "end before this text"),
    OPT_FLAG(struct generate_args, o.ignore_eos, 0, "ignore-eos",
             "go on after the end of the text, up to --max-tokens"),
    OPT_GROUP("What to print"),
    OPT_INT(struct generate_args, o.samples, 0, "samples", .lo = 1, .hi = 4096,
            .help = "how many answers to the same prompt"),
    OPT_FLAG(struct generate_args, json, 'j', "json", "print one JSON object"),
    OPT_ARG(struct generate_args, word, "PROMPT",
            "the text to continue; without it and --prompt, standard input"),
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

/* A JSON string of any bytes: each that is no UTF-8 becomes U+FFFD. */
static json_t *
json_bytes(const char *s, size_t n)
{
    json_t *v = json_stringn(s, n);
    char *safe;
    size_t at = 0;

    if (v)
        return v;
    safe = malloc(3 * n + 1);
    if (!safe)
        return NULL;
    for (size_t i = 0; i < n;) {
        size_t len = 0;
        json_t *c = NULL;

        for (len = 1; len <= 4 && i + len <= n && !c; len++)
            c = json_stringn(s + i, len);
        if (c) {
            len--; // the loop has gone one on
            memcpy(safe + at, s + i, len);
            at += len;
            i += len;
            json_decref(c);
        } else {
            memcpy(safe + at, "\357\277\275", 3);
            at += 3;
            i++;
        }
    }
    v = json_stringn(safe, at);
    free(safe);
    return v;
}

static int
print_json(const struct cli *cli, const struct text *prompt,
           const trv_completion *c, int32_t n)
{
    json_t *list = json_array();
    json_t *top =
        json_pack("{s:o*, s:o*}", "prompt", json_bytes(prompt->s, prompt->n),
                  "completions", list);
    int rc = top ? 0 : -1;

    for (int32_t i = 0; i < n && !rc; i++)
        rc = json_array_append_new(
            list,
            json_pack("{s:o*, s:s, s:i, s:i, s:f}", "text",
                      json_bytes(c[i].text, c[i].n), "finish", c[i].finish,
                      "prompt_tokens", (int)c[i].prompt_tokens, "new_tokens",
                      (int)c[i].new_tokens, "logprob", c[i].logprob));
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
    if (strlen(prompt.s) != prompt.n) {
        status = cli_fail(cli, CLI_BAD_FILE,
                          "the prompt holds a zero byte: "
                          "is it a text?");
        goto done;
    }
    if (cli_model_open(cli, &m, a->model, &err) ||
        (a->adaptation && trv_adaptation_open(&adaptation, m, a->adaptation,
                                              a->any_base, &err))) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    status = run_and_print(cli, m, adaptation, a, &prompt);
done:
    trv_adaptation_free(adaptation);
    trv_model_free(m);
    free(prompt.s);
    return status;
}

const struct cmd_entry cmd_generate = {
    .name = "generate",
    .summary = "continue a prompt, under an adaptation or without one",
    .description =
        "Continue a prompt and print the new text as it comes; the prompt "
        "itself is not repeated. One line end at the end of a prompt from a "
        "file or from standard input is not part of it.",
    .examples =
        "trivium generate --model MODEL \"Once upon a time\"\n"
        "trivium generate --model MODEL --adaptation out/z --chat \"Hello!\"\n"
        "trivium generate --model MODEL -p @prompt.txt --samples 4 --json",
    .opts = generate_opts,
    .args_size = sizeof(struct generate_args),
    .defaults = &generate_defaults,
    .run = generate_run,
};
