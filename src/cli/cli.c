/* cli.c -- how commands end, and the options that all of them take. */
#include "cli/cmd.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "cli/textio.h"

const struct opt_spec cli_global_opts[] = {
    OPT_INT(struct cli_globals, model.threads, 0, "threads", .lo = 0,
            .hi = 4096, .shown = "0, as many as there are cores",
            .help = "how many threads compute"),
    OPT_CHOICE(struct cli_globals, model.precision, 0, "precision",
               .choices = "auto|f32|bf16", .value = "NAME",
               .help = "numbers to compute in: f32 is exact, bf16 fast where "
                       "the processor has it"),
    OPT_CHOICE(struct cli_globals, model.isa, 0, "isa",
               .choices = "ref|avx2|avx512|avx512_bf16|amx", .value = "NAME",
               .shown = "TRV_ISA, or the best there is",
               .help = "instruction set to use"),
    OPT_TEXT(struct cli_globals, model.chat_template, 0, "chat-template",
             .value = "FILE", .shown = "the model's own",
             .help = "chat template to use; or the name of one of several that "
                     "the model has"),
    OPT_CHOICE(struct cli_globals, model.layout, 0, "layout",
               .choices = "raw|chat", .value = "NAME",
               .shown = "chat where the model has a chat template",
               .help = "how plain prompts are laid out: as what a user says "
                       "(chat), a prompt: being the system message, or as "
                       "text (raw). Messages are always a chat, rows of text "
                       "always raw"),
    OPT_FLAG(struct cli_globals, raw, 0, "raw", "the same as --layout raw"),
    OPT_FLAG(struct cli_globals, chat, 'c', "chat",
             "the same as --layout chat"),
    OPT_FLAG(struct cli_globals, quiet, 'q', "quiet",
             "no progress and no notes, only the result and failures"),
    OPT_FLAG(struct cli_globals, help, 'h', "help", "print the help and stop"),
    OPT_FLAG(struct cli_globals, version, 0, "version",
             "print the version and stop"),
    OPT_END,
};

const struct cli_globals cli_global_defaults = {
    .model = TRV_MODEL_OPTIONS_INIT,
};

/* The failure as programs read it. */
static void
say_json(const struct cli *cli, enum cli_exit status, const char *sentence)
{
    const char *word = "";
    json_t *all;

    switch (status) {
#define CLI_EXIT_WORD(name, value, word_, text)                                \
    case name:                                                                 \
        word = word_;                                                          \
        break;
        CLI_EXIT_LIST(CLI_EXIT_WORD)
#undef CLI_EXIT_WORD
    }
    all = json_pack("{s:{s:s, s:i, s:o*}}", "error", "code", word, "status",
                    (int)status, "message",
                    textio_json(sentence, strlen(sentence)));
    if (all && json_dumpf(all, cli->out, JSON_COMPACT) == 0)
        fputc('\n', cli->out);
    json_decref(all);
    (void)fflush(cli->out); // the status says already that something failed
}

static enum cli_exit __attribute__((format(printf, 3, 0)))
say(const struct cli *cli, enum cli_exit status, const char *fmt, va_list ap)
{
    const bool color = cli->term.color_err;
    char sentence[2048];

    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    if (cli->term.on_line)
        fputs("\r\033[K", cli->err);
    fprintf(cli->err, "%strivium:%s %s\n", term_red(color), term_plain(color),
            sentence);
    if (cli->json && !ferror(cli->out))
        say_json(cli, status, sentence);
    return status;
}

enum cli_exit
cli_fail(const struct cli *cli, enum cli_exit status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    status = say(cli, status, fmt, ap);
    va_end(ap);
    return status;
}

enum cli_exit
cli_usage(const struct cli *cli, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(cli, CLI_USAGE, fmt, ap);
    va_end(ap);
    if (cli->cmd)
        fprintf(cli->err, "Try 'trivium help %s'.\n", cli->cmd->name);
    else
        fputs("Try 'trivium help'.\n", cli->err);
    return CLI_USAGE;
}

static enum cli_exit
exit_of_code(int code)
{
    switch (code) { // one that stands there twice does not compile
#define CLI_CODE_EXIT(code_, status)                                           \
    case code_:                                                                \
        return status;
        CLI_CODE_LIST(CLI_CODE_EXIT)
#undef CLI_CODE_EXIT
    default:
        return CLI_FAILURE;
    }
}

enum cli_exit
cli_fail_err(const struct cli *cli, const trv_err *err)
{
    const char *msg = err->msg[0] ? err->msg : trv_code_text(err->code);

    return cli_fail(
        cli, term_interrupted() ? CLI_INTERRUPTED : exit_of_code(err->code),
        "%s%s", err->option && err->msg[0] ? "--" : "", msg);
}

enum cli_exit
cli_finish(const struct cli *cli)
{
    errno = 0;
    if (fflush(cli->out) != 0 || ferror(cli->out))
        return cli_fail(cli, CLI_FAILURE, "cannot write the result: %s",
                        errno ? strerror(errno) : "standard output failed");
    return CLI_OK;
}

void
cli_message(const char *line, void *payload)
{
    struct cli *cli = payload;

    if (cli->globals->quiet)
        return;
    term_message(&cli->term);
    fprintf(cli->err, "trivium: %s\n", line);
}

/* Lines of notes, as warnings. */
static void
warn(struct cli *cli, const char *notes)
{
    char line[4096];

    for (const char *s = notes; *s;) {
        const size_t n = strcspn(s, "\n");

        snprintf(line, sizeof(line), "warning: %.*s", (int)n, s);
        cli_message(line, cli);
        s += n + (s[n] == '\n');
    }
}

int
cli_model_open(struct cli *cli, trv_model **m, const char *path, trv_err *err)
{
    return cli_model_open_as(cli, m, path, NULL, err);
}

int
cli_model_open_as(struct cli *cli, trv_model **m, const char *path,
                  const char *base_name, trv_err *err)
{
    trv_model_options o = cli->globals->model;
    int rc;

    o.base_name = base_name;
    rc = trv_model_open(m, path, &o, err);

    if (!rc)
        warn(cli, trv_model_notes(*m));
    return rc;
}

int
cli_adaptation_open(struct cli *cli, trv_adaptation **a, trv_model *m,
                    const char *spec, bool any_base, trv_err *err)
{
    const int rc = trv_adaptation_open(a, m, spec, any_base, err);

    if (!rc)
        warn(cli, trv_adaptation_notes(*a));
    return rc;
}

int
cli_adaptation_open_mix(struct cli *cli, trv_adaptation **a, trv_model *m,
                        const char *const *specs, int32_t n, bool any_base,
                        trv_err *err)
{
    const int rc = trv_adaptation_open_mix(a, m, specs, n, any_base, err);

    if (!rc)
        warn(cli, trv_adaptation_notes(*a));
    return rc;
}

void
cli_adaptation_close(struct cli *cli, trv_adaptation *a)
{
    if (a)
        warn(cli, trv_adaptation_use_notes(a));
    trv_adaptation_free(a);
}
