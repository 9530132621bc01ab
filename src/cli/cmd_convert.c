/* cmd_convert.c -- `trivium convert`: one edge of the triangle. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/learning.h"
#include "cli/textio.h"

struct convert_args {
    const char *model, *base, *from, *to;
    bool any_base, json;
    trv_convert_options o;
};

static const struct convert_args convert_defaults = {
    .o = TRV_CONVERT_OPTIONS_INIT,
};

static const struct opt_spec convert_opts[] = {
    OPT_TEXT(struct convert_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = "a model's folder or .gguf file"),
    OPT_TEXT(struct convert_args, from, 'f', "from", .value = "A",
             .required = true,
             .help = "what to convert: prompt:TEXT, prompt:@FILE (byte for "
                     "byte: end it with what parts it from the input), "
                     "messages:FILE, demos:FILE, retrieve:FILE, lora:DIR, "
                     "verifier:CHECK and other rewards, "
                     "or an artefact's folder"),
    OPT_TEXT(
        struct convert_args, to, 't', "to", .value = "FORM:OUT",
        .required = true,
        .help =
            "the form to make and the folder to write: of a prompt "
            "lora:OUT, adapter:OUT, full:OUT (all weights), prefix:OUT, "
            "soft:OUT, contrast:OUT, judge:OUT or head:OUT; of parameters "
            "lora:OUT, adapter:OUT, full:OUT, prefix:OUT, soft:OUT, text:OUT, "
            "demos:OUT, ratio:OUT or head:OUT; of a reward lora:OUT, "
            "adapter:OUT, full:OUT, prefix:OUT, soft:OUT, prompt:OUT, "
            "text:OUT, messages:OUT or demos:OUT"),
    OPT_TEXT(struct convert_args, base, 0, "base", .value = "PATH",
             .shown = "the model itself",
             .help = "the model that --from belongs to: what it changes there "
                     "is carried to this model, by the log-ratio of tokens, or "
                     "of whole texts where the tokenizers differ (then go on "
                     "as from a reward)"),
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
#define TRV_OPTION_GROUP(title) OPT_GROUP(title),
#define TRV_OPTION_FLAG(f, ...) OPT_FLAG(struct convert_args, o.f, __VA_ARGS__),
#define TRV_OPTION_INT(f, ...) OPT_INT(struct convert_args, o.f, __VA_ARGS__),
#define TRV_OPTION_NUM(f, ...) OPT_NUM(struct convert_args, o.f, __VA_ARGS__),
#define TRV_OPTION_TEXT(f, ...) OPT_TEXT(struct convert_args, o.f, __VA_ARGS__),
#define TRV_OPTION_CHOICE(f, ...)                                              \
    OPT_CHOICE(struct convert_args, o.f, __VA_ARGS__),
#include <trivium/learn_options.def>
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
print_next(FILE *f, const struct convert_args *a, const trv_cost *cost)
{
    if (cost->judged > 0 ||
        makes_words(a->to)) { // its source acts in no way to be measured by
        fputs("\nNext, see what it says:\n  trivium generate --model ", f);
        textio_print_quoted(f, a->model);
        fputs(" --adaptation ", f);
        textio_print_quoted(f, learning_path(a->to));
        fputs(" PROMPT\n", f);
        return;
    }
    if (makes_view(a) || makes_head(a)) {
        fputs("\nNext, score answers with it:\n  trivium score --model ", f);
        textio_print_quoted(f, a->model);
        fputs(" --adaptation ", f);
        textio_print_quoted(f, learning_path(a->to));
        fputs(" --data FILE\n", f);
        return;
    }
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

/* What is converted, where it belongs to another model. */
static int
open_from(trv_adaptation **out, trv_model *m, const struct convert_args *a,
          trv_err *err)
{
    const size_t size = a->base ? strlen(a->base) + strlen(a->from) + 8 : 0;
    char *spec;
    int rc;

    if (!a->base)
        return trv_adaptation_open(out, m, a->from, a->any_base, err);
    spec = malloc(size);
    if (!spec)
        return TRV_ENOMEM;
    snprintf(spec, size, "on:%s,%s", a->base, a->from);
    rc = trv_adaptation_open(out, m, spec, a->any_base, err);
    free(spec);
    return rc;
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
        open_from(&from, m, a, &err)) {
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
        if (makes_view(a))
            print_reward(cli->out, a, &cost);
        else
            learning_report(cli->out, a->to, "samples", &cost);
        if (!cli->globals->quiet)
            print_next(cli->out, a, &cost);
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
        "other programs read too: LoRA, prefix and soft prompt are PEFT's. "
        "A prompt can become a LoRA or an adapter; a LoRA or an adapter, and a "
        "prompt of text too, a prefix or a soft prompt. A prompt can become "
        "a reward: contrast compares the prompted model with "
        "the base (or --against another prompt), judge asks the model whether "
        "an answer obeys the prompt. A LoRA can become the reward that it is "
        "the optimum of: ratio. Those rewards need no training; they refer to "
        "the LoRA's folder and copy a prompt. Either can become a reward model "
        "of its own, head, which is learned from pairs of answers: a LoRA's "
        "and the base's, ranked by the ratio, or a prompt's and the "
        "base's (or those of --against). A reward, or pairs of answers, can "
        "become a LoRA: dpo, bon and tilt learn from answers of the base that "
        "the reward has scored, grpo and ppo from the student's own. A LoRA or "
        "a reward becomes a prompt of text (or messages) by a search, token by "
        "token, for words under which the base answers so.\n\n"
        "Ctrl-C saves what was done; the same command with --resume goes on "
        "and ends with the same bytes as if it had not been stopped.",
    .examples = "trivium convert --model MODEL --from prompt:@z.txt "
                "--to lora:out/z\n"
                "trivium convert --model MODEL --from prompt:@z.txt "
                "--to lora:out/z \\\n"
                "    --inputs train.jsonl --rank 32\n"
                "trivium convert --model MODEL --from lora:out/z "
                "--to prefix:out/p\n"
                "trivium convert --model MODEL --from lora:out/z "
                "--to text:out/words \\\n"
                "    --prompt-tokens 12 --restarts 4\n"
                "trivium convert --model MODEL --from lora:out/z --to "
                "ratio:out/r\n"
                "trivium convert --model MODEL --from verifier:number "
                "--to lora:out/sums \\\n"
                "    --method grpo --inputs sums.jsonl --eval held_out.jsonl\n"
                "trivium convert --model MODEL --from verifier:number "
                "--to prompt:out/z \\\n"
                "    --inputs sums.jsonl",
    .opts = convert_opts,
    .args_size = sizeof(struct convert_args),
    .defaults = &convert_defaults,
    .run = convert_run,
};
