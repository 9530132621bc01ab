/* prompt_text.c -- prompts that are read as they stand: a text and messages;
 * and all four kinds of prompts that are text, opened and encoded.
 */
#include "adapt/prompt/prompt_text.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/prompt/demos.h"
#include "adapt/prompt/retrieve.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/utf8.h"

#define PROMPT_LIMIT ((size_t)16 << 20)

static int
check_text(const char *text, size_t n, const char *what, trv_err *err)
{
    if (n == 0)
        return err_fail(err, TRV_EINVAL, "the prompt %s is empty", what);
    if (!utf8_is_valid(text, n))
        return err_fail(err, TRV_EINVAL, "the prompt %s is not UTF-8", what);
    if (memchr(text, '\0', n))
        return err_fail(err, TRV_EINVAL, "the prompt %s holds a NUL byte",
                        what);
    return 0;
}

int
prompt_take_text(struct adaptation *a, const char *text, size_t n,
                 const char *what, trv_err *err)
{
    const int rc = check_text(text, n, what, err);

    if (rc)
        return rc;
    a->kind = KIND_TEXT;
    a->text = mem_strndup(text, n);
    return a->text ? 0 : err_fail(err, TRV_ENOMEM, "no memory for a prompt");
}

static int
read_text(struct adaptation *a, const char *path, bool stream, trv_err *err)
{
    struct strbuf b = {0}, what = {0};
    size_t skip;
    int rc;

    rc = stream ? file_read_stream(&b, path, PROMPT_LIMIT, err)
                : file_read(&b, path, PROMPT_LIMIT, err);
    if (rc)
        goto done;
    if (sb_printf(&what, "'%s'", path)) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for a prompt");
        goto done;
    }
    /* A byte order mark is an editor's, not a part of the prompt. */
    skip = b.len >= 3 && memcmp(b.s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    rc = prompt_take_text(a, b.s + skip, b.len - skip, what.s, err);
done:
    sb_release(&what);
    sb_release(&b);
    return rc;
}

int
messages_check(const json_t **out, const json_t *value, const char *file,
               trv_err *err)
{
    static const char *const roles[] = {"system", "developer", "user",
                                        "assistant", "tool"};
    const json_t *list =
        json_is_object(value) ? json_object_get(value, "messages") : value;
    const json_t *m;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0)
        return err_fail(err, TRV_EFORMAT,
                        "'%s' holds no messages: an array of objects with "
                        "'role' and 'content', alone or as 'messages' of an "
                        "object",
                        file);
    json_array_foreach(list, i, m)
    {
        const json_t *content = json_object_get(m, "content");
        const char *role = json_string_value(json_object_get(m, "role"));
        bool known = false;

        for (size_t r = 0; role && r < sizeof(roles) / sizeof(roles[0]); r++)
            known = known || !strcmp(role, roles[r]);
        if (!known)
            return err_fail(err, TRV_EFORMAT,
                            "message %zu of '%s' has the role '%.60s', not "
                            "system, developer, user, assistant or tool",
                            i + 1, file, role ? role : "(none)");
        if (!json_is_string(content))
            return err_fail(err, TRV_EFORMAT,
                            "message %zu of '%s' has no text as its 'content'",
                            i + 1, file);
        if (strlen(json_string_value(content)) != json_string_length(content))
            return err_fail(err, TRV_EFORMAT, "message %zu of '%s' holds a NUL",
                            i + 1, file);
    }
    *out = list;
    return 0;
}

int
prompt_take_messages(struct adaptation *a, const json_t *value,
                     const char *file, trv_err *err)
{
    const json_t *list = NULL;
    int rc = messages_check(&list, value, file, err);

    if (rc)
        return rc;
    a->kind = KIND_MESSAGES;
    a->messages = json_deep_copy(list);
    return a->messages
               ? 0
               : err_fail(err, TRV_ENOMEM, "no memory to read '%s'", file);
}

/* Does a file begin as a list or an object does? */
static bool
is_json(const char *path)
{
    struct strbuf text = {0};
    const int rc = file_read(&text, path, PROMPT_LIMIT, NULL);
    const size_t blank = text.s ? strspn(text.s, " \t\r\n\xef\xbb\xbf") : 0;
    const bool is =
        rc || !text.s || text.s[blank] == '[' || text.s[blank] == '{';

    sb_release(&text);
    return is;
}

static int
read_messages(struct adaptation *a, const char *path, trv_err *err)
{
    json_t *root = NULL;
    int rc;

    if (!file_exists(path))
        return err_fail(err, TRV_EIO,
                        "there is no file '%.200s': messages:FILE reads "
                        "messages from JSON; a text is prompt:TEXT",
                        path);
    rc = json_open(&root, path, err);
    if (rc == TRV_EFORMAT && !is_json(path))
        return err_fail(err, TRV_EFORMAT,
                        "'%.200s' is no JSON: messages:FILE reads messages; a "
                        "prompt from a text is prompt:@%.200s",
                        path, path);
    if (!rc)
        rc = prompt_take_messages(a, root, path, err);
    json_decref(root);
    return rc;
}

/* ---- kinds --------------------------------------------------------------- */

int
prompt_note_file(struct kind_source *from, const char *words, const char *what,
                 const char *spelling, trv_err *err)
{
    if (!from->notes || from->referrer || !file_exists(words) ||
        file_is_dir(words))
        return 0;
    return sb_printf(from->notes,
                     "%s is the text '%.200s', and there is a file of that "
                     "name: write %s@%.200s to read it\n",
                     what, words, spelling, words)
               ? err_nomem(err, "to open '%.200s'", words)
               : 0;
}

/* Rows of data are seldom meant to stand in a prompt as they are. */
static int
note_rows(struct kind_source *from)
{
    const char *dot = strrchr(from->path, '.');

    if (!from->notes || from->referrer || !dot ||
        (strcmp(dot, ".jsonl") != 0 && strcmp(dot, ".csv") != 0 &&
         strcmp(dot, ".tsv") != 0 && strcmp(dot, ".json") != 0))
        return 0;
    return sb_printf(from->notes,
                     "the prompt is the text of '%.200s' as it stands: "
                     "examples to show are demos:%.200s, a conversation "
                     "messages:%.200s\n",
                     from->path, from->path, from->path);
}

/* "=2" or "*2" that ends the words of a text: the weight that was meant, or
 * NULL. A name alone before it, as in x=2, is of the text. */
static const char *
final_weight(const char *words)
{
    const char *at = strrchr(words, '='), *star = strrchr(words, '*');
    char *end;

    at = !at || (star && star > at) ? star : at;
    if (!at || at < words + 2 || strchr(" =*", at[-1]) ||
        strchr(" =*([,", at[-2]))
        return NULL;
    (void)strtod(at + 1, &end);
    return end > at + 1 && !*end ? at + 1 : NULL;
}

/* "+1*prompt:" within a text: where another part of a mix was meant. */
static const char *
inner_part(const char *words)
{
    for (const char *at = words; (at = strpbrk(at, "+-")); at++) {
        const size_t n = strspn(at + 1, "0123456789.");
        const size_t name =
            at[1 + n] == '*' ? strspn(at + 2 + n, "abcdefghijklmnopqrstuvwxyz")
                             : 0;

        if (n > 0 && name > 0 && at[2 + n + name] == ':')
            return at;
    }
    return NULL;
}

/* What looks like the grammar of specs and is text, being behind prompt:. */
static int
note_grammar(struct kind_source *from)
{
    const char *weight = final_weight(from->words);
    const char *part = inner_part(from->words);
    const char *other = strstr(from->words, ",prompt:");

    if (!from->notes || from->referrer)
        return 0;
    if (part)
        return sb_printf(from->notes,
                         "the prompt's text holds '%.60s': several adaptations "
                         "are mix:1*A+1*B, or --adaptation for each\n",
                         part);
    if (other)
        return sb_printf(from->notes,
                         "the prompt's text holds '%.60s': the other side of a "
                         "contrast is ,minus=%.50s\n",
                         other, other + 1);
    return weight ? sb_printf(from->notes,
                              "the prompt's text ends with '%.20s': a weight "
                              "stands in front, as in %.20s*prompt:TEXT\n",
                              weight - 1, weight)
                  : 0;
}

int
prompt_open_text(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    const int rc = from->words ? prompt_note_file(from, from->words,
                                                  "the prompt", "prompt:", err)
                               : 0;

    if (rc)
        return rc;
    if (from->words && note_grammar(from))
        return err_nomem(err, "to open a prompt");
    if (!from->words && note_rows(from))
        return err_nomem(err, "to open '%.200s'", from->path);
    if (!from->words)
        return read_text(a, from->path, !from->foreign, err);
    return prompt_take_text(a, from->words, from->n_words,
                            from->referrer ? "of a part" : "of the spec", err);
}

int
prompt_open_messages(struct adaptation *a, struct kind_source *from,
                     trv_err *err)
{
    return from->messages
               ? prompt_take_messages(a, from->messages, from->referrer, err)
               : read_messages(a, from->path, err);
}

/* A line about columns that nothing reads; NULL: none. */
static int
note_unused(struct kind_source *from, const char *line, trv_err *err)
{
    return line && sb_printf(from->notes, "%s\n", line)
               ? err_nomem(err, "to read '%s'", from->path)
               : 0;
}

int
prompt_open_demos(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    const int rc = demos_open(&a->demos, from->path, from->conf, err);

    return rc ? rc : note_unused(from, a->demos->unused, err);
}

int
prompt_open_retrieve(struct adaptation *a, struct kind_source *from,
                     trv_err *err)
{
    const int rc = retrieve_open(&a->retrieve, from->path, from->conf, err);

    return rc ? rc : note_unused(from, a->retrieve->corpus.unused, err);
}

static int
written(int bad, trv_err *err)
{
    return bad ? err_fail(err, TRV_ENOMEM, "no memory to save a prompt") : 0;
}

int
prompt_encode_text(struct strbuf *out, const struct adaptation *a, trv_err *err)
{
    return written(sb_puts(out, a->text), err);
}

int
prompt_encode_messages(struct strbuf *out, const struct adaptation *a,
                       trv_err *err)
{
    char *text = json_dumps(a->messages, JSON_INDENT(2));
    const int bad = !text || sb_puts(out, text) || sb_putc(out, '\n');

    free(text);
    return written(bad, err);
}

int
prompt_encode_demos(struct strbuf *out, const struct adaptation *a,
                    trv_err *err)
{
    return demos_encode(out, a->demos, err);
}

int
prompt_encode_retrieve(struct strbuf *out, const struct adaptation *a,
                       trv_err *err)
{
    const struct data *corpus = &a->retrieve->corpus;
    int bad = 0;

    for (int64_t i = 0; i < corpus->n && !bad; i++) {
        char *text = json_dumps(corpus->rows[i].json, JSON_COMPACT);

        bad = !text || sb_puts(out, text) || sb_putc(out, '\n');
        free(text);
    }
    return written(bad, err);
}
