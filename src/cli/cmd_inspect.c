/* cmd_inspect.c -- `trivium inspect PATH`: say what a path holds.
 *
 * The library answers with a JSON object; for people its fields are laid out
 * as indented lines, whatever they are, so nothing it says is hidden.
 */
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/human.h"

#define DEPTH_MAX 8 // nested deeper, a value is printed as JSON
#define LIST_MAX 12 // elements of a list that people are shown

struct inspect_args {
    const char *path;
    bool json;
};

static const struct opt_spec inspect_opts[] = {
    OPT_NEED_ARG(struct inspect_args, path, "PATH",
                 .help = "a model's folder, .gguf file or Hub name, or an "
                         "artefact's folder"),
    OPT_FLAG(struct inspect_args, json, 'j', "json", "print one JSON object"),
    OPT_END,
};

static bool
ends_with(const char *s, const char *tail)
{
    const size_t n = strlen(s), k = strlen(tail);

    return n >= k && !strcmp(s + n - k, tail);
}

/* A number as its name asks: sizes with units, counts with commas, ids and
 * seeds as they are typed. */
static void
print_number(FILE *f, const char *key, const json_t *v)
{
    static const char *const ids[] = {"bos", "eos", "pad", "unk", "seed"};
    char text[HUMAN_MAX], count[HUMAN_MAX];
    const double x = json_number_value(v);

    for (size_t i = 0; key && i < sizeof(ids) / sizeof(*ids); i++)
        if (json_is_integer(v) && !strcmp(key, ids[i])) {
            fprintf(f, "%lld", (long long)json_integer_value(v));
            return;
        }
    if (key && ends_with(key, "bytes") && x >= 1000)
        fprintf(f, "%s (%s bytes)", human_bytes(text, x),
                human_count(count, x));
    else if (json_is_integer(v))
        fputs(human_count(text, x), f);
    else
        fprintf(f, "%.6g", x);
}

static void
print_scalar(FILE *f, const char *key, const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_STRING: // quoted only where it would run over the line
        if (json_string_length(v) == 0)
            fputs("none", f);
        else if (strpbrk(json_string_value(v), "\n\r\t\033"))
            json_dumpf(v, f, JSON_ENCODE_ANY);
        else
            fputs(json_string_value(v), f);
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        print_number(f, key, v);
        break;
    case JSON_TRUE:
        fputs("yes", f);
        break;
    case JSON_FALSE:
        fputs("no", f);
        break;
    case JSON_NULL:
        fputs("none", f);
        break;
    default: // too deep, or empty
        json_dumpf(v, f, JSON_COMPACT | JSON_ENCODE_ANY);
    }
}

static bool
is_flat(const json_t *v)
{
    size_t i;
    json_t *item;

    if (!json_is_array(v))
        return !json_is_object(v) || json_object_size(v) == 0;
    json_array_foreach(v, i, item) if (json_is_object(item) ||
                                       json_is_array(item)) return false;
    return true;
}

static void print_fields(FILE *f, json_t *object, int depth);

static void
print_list(FILE *f, const char *key, json_t *list)
{
    const size_t n = json_array_size(list);
    char more[HUMAN_MAX];

    for (size_t i = 0; i < n && i < LIST_MAX; i++) {
        if (i)
            fputs(", ", f);
        print_scalar(f, key, json_array_get(list, i));
    }
    if (n > LIST_MAX)
        fprintf(f, ", and %s more", human_count(more, (double)(n - LIST_MAX)));
    if (n == 0)
        fputs("none", f);
}

static void
print_value(FILE *f, const char *key, json_t *v, int depth)
{
    if (is_flat(v)) {
        if (json_is_array(v))
            print_list(f, key, v);
        else
            print_scalar(f, key, v);
        fputc('\n', f);
    } else if (depth >= DEPTH_MAX) {
        json_dumpf(v, f, JSON_COMPACT | JSON_ENCODE_ANY);
        fputc('\n', f);
    } else if (json_is_object(v)) {
        fputc('\n', f);
        print_fields(f, v, depth + 1);
    } else {
        size_t i;
        json_t *item;

        fputc('\n', f);
        json_array_foreach(v, i, item)
        {
            fprintf(f, "%*s%zu%s", 2 * (depth + 1), "", i + 1,
                    is_flat(item) ? "  " : "");
            print_value(f, key, item, depth + 1);
        }
    }
}

static void
print_fields(FILE *f, json_t *object, int depth)
{
    size_t width = 0;
    const char *key;
    json_t *v;

    json_object_foreach(object, key,
                        v) if (strlen(key) > width && strlen(key) < 32) width =
        strlen(key);
    json_object_foreach(object, key, v)
    {
        fprintf(f, "%*s", 2 * depth, "");
        for (const char *c = key; *c; c++) // a type's name, Q4_K, stays
            fputc(*c == '_' && islower((unsigned char)*key) ? ' ' : *c, f);
        if (is_flat(v))
            fprintf(f, "%*s",
                    (int)(strlen(key) < width ? width - strlen(key) : 0) + 2,
                    "");
        print_value(f, key, v, depth);
    }
}

static enum cli_exit
inspect_run(struct cli *cli, const void *args)
{
    const struct inspect_args *a = args;
    trv_err err = {0};
    json_error_t why;
    char *text = NULL;
    json_t *object;
    enum cli_exit status;
    bool whole;

    if (trv_inspect(&text, a->path, &cli->globals->model, &err))
        return cli_fail_err(cli, &err);
    object = json_loads(text, 0, &why);
    whole = !json_is_false(json_object_get(object, "whole"));
    if (object && !a->json) {
        print_fields(cli->out, object, 0);
    } else {
        fputs(text, cli->out);
        fputc('\n', cli->out);
    }
    json_decref(object);
    trv_free(text);
    status = cli_finish(cli);
    cli->json = false;     // the object says what is broken
    if (!status && !whole) // scripts ask by the exit status
        status = cli_fail(cli, CLI_BAD_FILE, "'%s' is not whole", a->path);
    return status;
}

const struct cmd_entry cmd_inspect = {
    .name = "inspect",
    .summary = "say what a model or an artefact is, and whether it is whole",
    .description =
        "Say what a path holds: a model (its architecture, sizes, "
        "tokenizer), or an artefact (its form, the model it was made for, "
        "where it came from, whether its files are whole).",
    .examples = "trivium inspect models/SmolLM2-135M\n"
                "trivium inspect out/z --json | jq .form",
    .opts = inspect_opts,
    .args_size = sizeof(struct inspect_args),
    .run = inspect_run,
};
