/* cmd_convert.c -- `trivium convert`: one edge of the triangle. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/help_method.h"
#include "cli/human.h"
#include "cli/learning.h"
#include "cli/textio.h"

struct convert_args {
    const char *model, *base, *base_name, *from, *to;
    bool any_base, json;
    trv_convert_options o;
};

static const struct convert_args convert_defaults = {
    .o = TRV_CONVERT_OPTIONS_INIT,
};

static const struct opt_spec convert_opts[] = {
    OPT_TEXT(struct convert_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = CMD_MODEL_HELP),
    OPT_TEXT(struct convert_args, from, 'f', "from", .value = "A",
             .required = true,
             .help = "what to convert: a spec such as prompt:@FILE, lora:DIR "
                     "or verifier:number, or an artefact's folder"),
    OPT_TEXT(struct convert_args, to, 't', "to", .value = "KIND:OUT",
             .required = true,
             .help = "the kind to make and the folder to write; prompt:OUT is "
                     "text or messages, as the inputs are"),
    OPT_TEXT(struct convert_args, base, 0, "base", .value = "PATH",
             .shown = "the model itself",
             .help = "the model that --from belongs to; what it changes there "
                     "is transferred to this model, with another tokenizer as "
                     "a reward"),
    OPT_FLAG(struct convert_args, any_base, 0, "any-base",
             "take an artefact that was made for another model"),
    OPT_FLAG(struct convert_args, json, 'j', "json", "print one JSON object"),
#define TRV_OPTION_GROUP(title) OPT_GROUP(title),
#define TRV_OPTION_FLAG(f, ...) OPT_FLAG(struct convert_args, o.f, __VA_ARGS__),
#define TRV_OPTION_INT(f, ...) OPT_INT(struct convert_args, o.f, __VA_ARGS__),
#define TRV_OPTION_NUM(f, ...) OPT_NUM(struct convert_args, o.f, __VA_ARGS__),
#define TRV_OPTION_TEXT(f, ...) OPT_TEXT(struct convert_args, o.f, __VA_ARGS__),
#define TRV_OPTION_SEED(f, ...) OPT_SEED(struct convert_args, o.f, __VA_ARGS__),
#define TRV_OPTION_CHOICE(f, ...)                                              \
    OPT_CHOICE(struct convert_args, o.f, __VA_ARGS__),
#include <trivium/convert_options.def>
    OPT_GROUP("The artefact"),
    OPT_TEXT(struct convert_args, base_name, 0, "base-name", .value = "NAME",
             .shown = "its name on the Hub, or its absolute path",
             .help = "what adapter_config.json calls the model, so that PEFT "
                     "finds it"),
    OPT_END,
};

static bool
makes_head(const struct convert_args *a)
{
    return strncmp(a->to, "head:", 5) == 0;
}

/* Rewards that are made without samples and steps. */
static bool
makes_view(const struct convert_args *a)
{
    static const char *const forms[] = {"ratio:", "contrast:", "judge:"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (strncmp(a->to, forms[i], strlen(forms[i])) == 0)
            return true;
    return false;
}

static void
print_reward(FILE *f, const struct convert_args *a, const trv_cost *cost)
{
    char x[HUMAN_MAX];

    fprintf(f, "made    %s, %s; nothing had to be trained\n",
            learning_path(a->to), human_bytes(x, (double)cost->artefact_bytes));
}

/* Words: what was made of a reward or of parameters is best tried out. */
static bool
makes_words(const char *to)
{
    static const char *const forms[] = {
        "prompt:", "text:", "messages:", "demos:"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (strncmp(to, forms[i], strlen(forms[i])) == 0)
            return true;
    return false;
}

static void
print_option(FILE *f, const char *name, const char *value)
{
    fprintf(f, " --%s ", name);
    textio_print_quoted(f, value);
}

/* The options that say what the model is given: they are the same for what is
 * done next. */
static void
print_kept(FILE *f, const struct cli *cli)
{
    const trv_model_options *given = &cli->globals->model;

    if (given->chat_template)
        print_option(f, "chat-template", given->chat_template);
    if (given->layout)
        print_option(f, "layout", given->layout);
}

/* "  trivium COMMAND --model M", which runs as it stands. */
static void
begin_next(FILE *f, const struct cli *cli, const struct convert_args *a,
           const char *why, const char *command)
{
    fprintf(f, "\nNext, %s:\n  trivium %s", why, command);
    print_option(f, "model", a->model);
    print_kept(f, cli);
}

static void
print_next(FILE *f, const struct cli *cli, const struct convert_args *a,
           const trv_cost *cost)
{
    const char *inputs = a->o.eval ? a->o.eval : a->o.inputs;

    /* what was made of a reward, or is one, acts in no way to be measured by */
    if (cost->judged > 0 || makes_words(a->to) || makes_view(a) ||
        makes_head(a)) {
        const bool reward = makes_view(a) || makes_head(a);

        begin_next(f, cli, a,
                   reward ? "let it choose among answers" : "see what it says",
                   "generate");
        print_option(f, "adaptation", learning_path(a->to));
        fputs(reward ? " --best-of 4 --max-tokens 64 Hello\n" : " Hello\n", f);
        return;
    }
    begin_next(f, cli, a, "measure what was kept", "measure");
    if (a->base) {
        fputs(" --source on:", f);
        textio_print_quoted(f, a->base);
        fputc(',', f);
        textio_print_quoted(f, a->from);
    } else {
        print_option(f, "source", a->from);
    }
    print_option(f, "target", learning_path(a->to));
    if (inputs)
        print_option(f, "inputs", inputs);
    if (a->any_base)
        fputs(" --any-base", f);
    fputc('\n', f);
}

/* What is converted, where it belongs to another model. */
static int
open_from(struct cli *cli, trv_adaptation **out, trv_model *m,
          const struct convert_args *a, trv_err *err)
{
    const size_t size = a->base ? strlen(a->base) + strlen(a->from) + 8 : 0;
    char *spec;
    int rc;

    if (!a->base)
        return cli_adaptation_open(cli, out, m, a->from, a->any_base, err);
    spec = malloc(size);
    if (!spec)
        return TRV_ENOMEM;
    snprintf(spec, size, "on:%s,%s", a->base, a->from);
    rc = cli_adaptation_open(cli, out, m, spec, a->any_base, err);
    free(spec);
    return rc;
}

static enum cli_exit
convert_run(struct cli *cli, const void *args)
{
    const struct convert_args *a = args;
    trv_convert_options o = a->o;
    char given[1000];
    trv_model *m = NULL;
    trv_adaptation *from = NULL;
    trv_cost cost = {0};
    trv_err err = {0};
    enum cli_exit status = learning_check_to(cli, a->to);

    if (status)
        return status;
    o.on_message = cli_message;
    o.message_payload = cli;
    o.fixed = learning_given(given, sizeof(given), cli);
    if (cli_model_open_as(cli, &m, a->model, a->base_name, &err) ||
        open_from(cli, &from, m, a, &err)) {
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
    if (o.dry_run) {
        if (a->json)
            learning_plan_json(cli->out, a->model, a->from, a->to, &cost);
        else
            learning_plan(cli->out, &cost);
    } else if (a->json) {
        learning_json(cli->out, a->model, a->from, a->to, &cost);
    } else {
        if (makes_view(a))
            print_reward(cli->out, a, &cost);
        else
            learning_report(cli->out, a->to, "samples", &cost);
        if (!cli->globals->quiet)
            print_next(cli->out, cli, a, &cost);
    }
    status = cli_finish(cli);
done:
    cli_adaptation_close(cli, from);
    trv_model_free(m);
    return status;
}

const struct cmd_entry cmd_convert = {
    .name = "convert",
    .summary = "turn an adaptation into another form",
    .description =
        "Convert an adaptation (parameters, a prompt or a reward) into another "
        "kind, written as a folder. Ctrl-C saves what was done; --resume goes "
        "on.",
    .examples = "trivium convert --model MODEL --from prompt:@z.txt "
                "--to lora:out/z\n"
                "trivium convert --model MODEL --from lora:out/z "
                "--to lora:out/y --via ratio",
    .more =
        "'trivium help METHOD', as in 'trivium help dpo', explains a method, "
        "its options and defaults; 'trivium help rewards', prompts, data, "
        "formats and training the rest; 'trivium man' has all options.",
    .fold_at = "Answers to learn from",
    .print_table = help_method_table,
    .opts = convert_opts,
    .args_size = sizeof(struct convert_args),
    .defaults = &convert_defaults,
    .run = convert_run,
};
