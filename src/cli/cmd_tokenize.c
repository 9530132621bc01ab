/* cmd_tokenize.c -- `trivium tokenize`: text to token ids, and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/textio.h"

struct tokenize_args {
    const char *model, *text;
    bool no_special, decode;
};

static const struct opt_spec tokenize_opts[] = {
    OPT_TEXT(struct tokenize_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = "a model's folder or .gguf file"),
    OPT_FLAG(struct tokenize_args, no_special, 0, "no-special",
             "leave special tokens out: add none to the ids, show none in the "
             "text"),
    OPT_FLAG(struct tokenize_args, decode, 'd', "decode",
             "read ids, write their text"),
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

static enum cli_exit
tokenize_run(struct cli *cli, const void *args)
{
    const struct tokenize_args *a = args;
    trv_model *m = NULL;
    trv_err err = {0};
    struct text in = {NULL, 0};
    enum cli_exit status;

    if (cli_model_open(cli, &m, a->model, &err))
        return cli_fail_err(cli, &err);
    status = textio_read(cli, &in, a->text, false, a->decode ? "ids" : "text");
    if (!status)
        status = a->decode ? decode(cli, m, a, &in) : encode(cli, m, a, &in);
    free(in.s);
    trv_model_free(m);
    return status;
}

const struct cmd_entry cmd_tokenize = {
    .name = "tokenize",
    .summary = "turn text into token ids, or ids into text",
    .description =
        "Print the ids of a text on one line, parted by blanks. With "
        "--decode read ids and print their text, byte for byte.",
    .examples = "trivium tokenize --model MODEL \"Once upon a time\"\n"
                "trivium tokenize --model MODEL --no-special < story.txt\n"
                "trivium tokenize --model MODEL \"Once\" | "
                "trivium tokenize --model MODEL -d",
    .opts = tokenize_opts,
    .args_size = sizeof(struct tokenize_args),
    .run = tokenize_run,
};
