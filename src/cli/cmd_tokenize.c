/* cmd_tokenize.c -- `trivium tokenize`: text to token ids, and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/textio.h"

/* Around what carries loss: white square brackets, which texts hardly hold. */
#define MARK_FROM "\342\237\246"
#define MARK_TO "\342\237\247"

struct tokenize_args {
    const char *model, *text, *messages, *tools, *loss_on;
    bool no_special, decode, as_text;
};

static const struct tokenize_args tokenize_defaults = {.loss_on = "last"};

static const struct opt_spec tokenize_opts[] = {
    OPT_TEXT(struct tokenize_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = CMD_MODEL_HELP),
    OPT_FLAG(struct tokenize_args, no_special, 0, "no-special",
             "leave special tokens out: add none to the ids, show none in the "
             "text"),
    OPT_FLAG(struct tokenize_args, decode, 'd', "decode",
             "read ids, write their text"),
    OPT_GROUP("Conversations and rows of data"),
    OPT_TEXT(struct tokenize_args, messages, 0, "messages", .value = "FILE",
             .shown = "",
             .help = "lay a conversation out by the chat template, or rows of "
                     "data as training and scoring see them: .json, .jsonl or "
                     ".txt"),
    OPT_FLAG(struct tokenize_args, as_text, 0, "text",
             "write their text in place of their ids, and mark what carries "
             "loss: by colour on a terminal, else by \342\237\246 and "
             "\342\237\247"),
    OPT_TEXT(struct tokenize_args, tools, 0, "tools", .value = "FILE",
             .shown = "the rows' own",
             .help = "a JSON list of tools for the chat template"),
    OPT_CHOICE(struct tokenize_args, loss_on, 0, "loss-on", .value = "WHICH",
               .choices = "last|assistant|all",
               .help = "what carries loss, as in train"),
    OPT_ARG(struct tokenize_args, text, "TEXT",
            "the text, or the ids; standard input where it is left out"),
    OPT_END,
};

static enum cli_exit
encode(struct cli *cli, const trv_model *m, const struct tokenize_args *a,
       const struct text *in)
{
    int32_t *ids = NULL;
    int64_t n = 0;
    trv_err err = {0};

    if (trv_tokenize(m, &ids, &n, in->s, in->n, !a->no_special, &err))
        return cli_fail_err(cli, &err);
    for (int64_t i = 0; i < n; i++)
        fprintf(cli->out, i ? " %d" : "%d", ids[i]);
    fputc('\n', cli->out);
    trv_free(ids);
    return cli_finish(cli);
}

/* Ids parted by blanks or commas, with or without brackets around them. */
static enum cli_exit
read_ids(struct cli *cli, int32_t *ids, int64_t *n, const char *text)
{
    static const char gaps[] = " \t\r\n,[]";

    *n = 0;
    for (text += strspn(text, gaps); *text; text += strspn(text, gaps)) {
        char *end;
        long id;

        errno = 0;
        id = strtol(text, &end, 10);
        if (errno || id < 0 || id > INT32_MAX || end == text ||
            (*end && !strchr(gaps, *end)))
            return cli_fail(
                cli, CLI_USAGE, "'%.*s' is no token id",
                (int)strcspn(text, gaps) < 40 ? (int)strcspn(text, gaps) : 40,
                text);
        ids[(*n)++] = (int32_t)id;
        text = end;
    }
    return CLI_OK;
}

static enum cli_exit
decode(struct cli *cli, const trv_model *m, const struct tokenize_args *a,
       const struct text *in)
{
    int32_t *ids = calloc(in->n / 2 + 1, sizeof(*ids)); // an id and a gap
    char *text = NULL;
    size_t n_text = 0;
    int64_t n = 0;
    trv_err err = {0};
    enum cli_exit status;

    if (!ids)
        return cli_fail(cli, CLI_FAILURE, "no memory for the ids");
    status = read_ids(cli, ids, &n, in->s);
    if (status)
        goto done;
    if (trv_detokenize(m, &text, &n_text, ids, n, a->no_special, &err)) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    fwrite(text, 1, n_text, cli->out);
    if (isatty(STDOUT_FILENO)) // bytes stay as they are in a pipe or a file
        fputc('\n', cli->out);
    status = cli_finish(cli);
done:
    trv_free(text);
    free(ids);
    return status;
}

/* The text of ids from..to-1 behind the ids before them. */
static int
print_part(struct cli *cli, const trv_model *m, const trv_layout_row *row,
           int64_t from, int64_t to, trv_err *err)
{
    char *before = NULL, *all = NULL;
    size_t n_before = 0, n = 0, at = 0;
    int rc = trv_detokenize(m, &before, &n_before, row->ids, from, false, err);

    if (!rc)
        rc = trv_detokenize(m, &all, &n, row->ids, to, false, err);
    while (!rc && at < n_before && at < n && before[at] == all[at])
        at++; // less than n_before where a character was cut
    if (!rc)
        fwrite(all + at, 1, n - at, cli->out);
    trv_free(before);
    trv_free(all);
    return rc;
}

static int
print_row_text(struct cli *cli, const trv_model *m, const trv_layout_row *row,
               trv_err *err)
{
    const bool color = cli->term.color_out;
    int rc = 0;

    for (int64_t i = 0, end; i < row->n && !rc; i = end) {
        for (end = i + 1; end < row->n && row->loss[end] == row->loss[i];)
            end++;
        if (row->loss[i])
            fputs(color ? term_green(color) : MARK_FROM, cli->out);
        rc = print_part(cli, m, row, i, end, err);
        if (row->loss[i])
            fputs(color ? term_plain(color) : MARK_TO, cli->out);
    }
    return rc;
}

static enum cli_exit
lay_out(struct cli *cli, const trv_model *m, const struct tokenize_args *a)
{
    const bool color = cli->term.color_out;
    trv_layout l = {NULL, 0};
    trv_err err = {0};
    int64_t joined = 0;
    int rc = trv_lay_out(m, &l, a->messages, a->tools, a->loss_on, &err);

    for (int64_t i = 0; i < l.n && !rc; i++) {
        const trv_layout_row *row = &l.rows[i];

        joined += row->joined;
        if (a->as_text && l.n > 1)
            fprintf(cli->out, "%s%s--- %lld of %lld ---%s\n", i ? "\n" : "",
                    term_bold(color), (long long)i + 1, (long long)l.n,
                    term_plain(color));
        if (a->as_text)
            rc = print_row_text(cli, m, row, &err);
        for (int64_t k = 0; k < row->n && !a->as_text; k++)
            fprintf(cli->out, k ? " %d" : "%d", row->ids[k]);
        fputc('\n', cli->out);
    }
    trv_layout_release(&l);
    if (joined)
        cli_message("note: " LAYOUT_JOINED, cli);
    return rc ? cli_fail_err(cli, &err) : cli_finish(cli);
}

static enum cli_exit
check(struct cli *cli, const struct tokenize_args *a)
{
    if (!a->messages && (a->as_text || a->tools))
        return cli_usage(cli, "--%s goes with --messages",
                         a->as_text ? "text" : "tools");
    if (a->messages && (a->text || a->decode || a->no_special))
        return cli_usage(cli, "--messages does not go with %s",
                         a->text     ? "a text"
                         : a->decode ? "--decode"
                                     : "--no-special");
    return CLI_OK;
}

static enum cli_exit
tokenize_run(struct cli *cli, const void *args)
{
    const struct tokenize_args *a = args;
    trv_model *m = NULL;
    trv_err err = {0};
    struct text in = {NULL, 0};
    enum cli_exit status = check(cli, a);

    if (status)
        return status;
    if (cli_model_open(cli, &m, a->model, &err))
        return cli_fail_err(cli, &err);
    if (a->messages) {
        status = lay_out(cli, m, a);
        trv_model_free(m);
        return status;
    }
    status = textio_read(cli, &in, a->text, false, a->decode ? "ids" : "text");
    if (!status)
        status = a->decode ? decode(cli, m, a, &in) : encode(cli, m, a, &in);
    free(in.s);
    trv_model_free(m);
    return status;
}

const struct cmd_entry cmd_tokenize = {
    .name = "tokenize",
    .summary = "turn text or a conversation into token ids, or ids into text",
    .description =
        "Print the ids of a text on one line, parted by blanks. With "
        "--decode read ids and print their text, byte for byte. With "
        "--messages show what a model is given: a conversation under its chat "
        "template, or rows of data, each on a line.",
    .examples = "trivium tokenize --model MODEL \"Once upon a time\"\n"
                "trivium tokenize --model MODEL --no-special < story.txt\n"
                "trivium tokenize --model MODEL \"Once\" | "
                "trivium tokenize --model MODEL -d\n"
                "trivium tokenize --model MODEL --messages rows.jsonl --text",
    .opts = tokenize_opts,
    .args_size = sizeof(struct tokenize_args),
    .defaults = &tokenize_defaults,
    .run = tokenize_run,
};
