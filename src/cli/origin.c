/* origin.c -- what trivium.json and metrics.jsonl say of an adaptation. */
#include "cli/origin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cmd.h"
#include "cli/textio.h"

/* A run that has ended keeps its metrics in the artefact; one that has not, or
 * an older one, beside it. */
static int
read_metrics(struct origin *o, const char *path)
{
    static const char *const names[] = {"/metrics.jsonl", ".run/metrics.jsonl"};
    size_t n = strlen(path);
    int bad = 0;

    while (n > 1 && path[n - 1] == '/')
        n--;
    for (size_t i = 0; i < 2 && o->curves.loss.n == 0 && !bad; i++) {
        const size_t size = n + strlen(names[i]) + 1;
        char *name = malloc(size);
        struct stat st;
        FILE *f;

        if (!name)
            return -1;
        snprintf(name, size, "%.*s%s", (int)n, path, names[i]);
        /* A FIFO there would be waited for. */
        f = !stat(name, &st) && S_ISREG(st.st_mode) ? fopen(name, "r") : NULL;
        if (f) {
            bad = curves_read(&o->curves, f);
            fclose(f);
        }
        free(name);
    }
    return bad;
}

int
origin_open(struct origin *o, const trv_adaptation *a, trv_err *err)
{
    const char *path;
    char *text;
    int rc = trv_adaptation_describe(&text, a, err);

    *o = (struct origin){0};
    if (rc)
        return rc;
    o->said = json_loads(text, 0, NULL);
    trv_free(text);
    path = json_string_value(json_object_get(o->said, "path"));
    if (o->said && (!origin_chain(o) || !path || !read_metrics(o, path)))
        return 0;
    snprintf(err->msg, sizeof(err->msg), "no memory for the page");
    err->code = TRV_ENOMEM;
    return TRV_ENOMEM;
}

void
origin_release(struct origin *o)
{
    json_decref(o->said);
    curves_release(&o->curves);
    *o = (struct origin){0};
}

const json_t *
origin_words(const struct origin *o)
{
    const json_t *words = json_object_get(o->said, "words");

    return json_array_size(words) > 0 ? words : NULL;
}

const json_t *
origin_chain(const struct origin *o)
{
    const json_t *chain =
        json_object_get(json_object_get(o->said, "manifest"), "chain");

    return json_array_size(chain) > 0 ? chain : NULL;
}

/* ---- commands ------------------------------------------------------------ */

/* Each option begins a line, so that a narrow screen breaks none. */
static void
add_word(FILE *f, const char *word)
{
    fputs(*word == '-' ? " \\\n    " : " ", f);
    textio_print_quoted(f, word);
}

static void
add_pair(FILE *f, const char *option, const char *value)
{
    add_word(f, option);
    fputc(' ', f);
    textio_print_quoted(f, value);
}

static bool
takes(const struct cmd_entry *cmd, const char *name)
{
    for (const struct opt_spec *s = cmd->opts; s->type != OPT_TYPE_END; s++)
        if (opt_is_option(s) && !strcmp(s->name, name))
            return true;
    return false;
}

/* --on-policy 0.5 for "on_policy": 0.5; a flag only where it is set. A method
 * may note further values that it found for itself: those are no options. */
static void
add_option(FILE *f, const struct cmd_entry *cmd, const char *key,
           const json_t *value)
{
    char name[80] = "--", text[40];
    size_t n = 2;

    for (; *key && n + 1 < sizeof(name); key++)
        name[n++] = *key == '_' ? '-' : *key;
    name[n] = '\0';
    if (!takes(cmd, name + 2) ||
        (json_is_string(value) && !json_string_length(value)))
        return;
    if (json_is_true(value))
        add_word(f, name);
    else if (json_is_string(value))
        add_pair(f, name, json_string_value(value));
    else if (json_is_integer(value)) {
        snprintf(text, sizeof(text), "%lld",
                 (long long)json_integer_value(value));
        add_pair(f, name, text);
    } else if (json_is_real(value)) {
        snprintf(text, sizeof(text), "%.15g", json_real_value(value));
        add_pair(f, name, text);
    }
}

static const char *
text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s ? s : "";
}

static void
add_to(FILE *f, const struct origin *o, bool is_last)
{
    const char *kind = text_of(o->said, "kind");
    const char *path = is_last ? text_of(o->said, "path") : "OUT";
    const size_t size = strlen(kind) + strlen(path) + 2;
    char *spec = is_last ? malloc(size) : NULL;

    if (spec)
        snprintf(spec, size, "%s:%s", kind, path);
    add_pair(f, "--to", spec ? spec : path);
    free(spec);
}

void
origin_commands(FILE *f, const struct origin *o, const char *model)
{
    const json_t *chain = origin_chain(o);

    for (size_t i = 0; i < json_array_size(chain); i++) {
        const json_t *step = json_array_get(chain, i);
        const bool is_train = !strncmp(text_of(step, "edge"), "data", 4);
        const struct cmd_entry *cmd = cmd_find(is_train ? "train" : "convert");
        const char *key;
        json_t *value;

        fprintf(f, "trivium %s", cmd->name);
        add_pair(f, "--model", model);
        if (!is_train)
            add_pair(f, "--from", text_of(step, "from"));
        add_to(f, o, i + 1 == json_array_size(chain));
        if (takes(cmd, "method"))
            add_pair(f, "--method", text_of(step, "method"));
        json_object_foreach(json_object_get(step, "options"), key, value)
        {
            const bool is_search = !strcmp(text_of(step, "method"), "text") &&
                                   !strcmp(key, "start");

            add_option(f, cmd, is_search ? "search_from" : key, value);
        }
        add_pair(f, "--seed", text_of(step, "seed"));
        if (*text_of(step, "data"))
            fprintf(f, "\n# its inputs have the SHA-256 %s",
                    text_of(step, "data"));
        fputc('\n', f);
    }
}

void
origin_words_typed(FILE *f, char *const *words, int n)
{
    fputs("trivium", f);
    for (int i = 0; i < n; i++)
        add_word(f, words[i]);
    fputc('\n', f);
}
