/* template.c -- braces, replaced. */
#include "task/template.h"

#include <stdlib.h>
#include <string.h>

#include "text/data.h"

/* A value as JSON: a text in quotes, with what must be escaped. */
static int
put_json(struct strbuf *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const int rc = text ? sb_puts(out, text) : -1;

    free(text);
    return rc;
}

static int
put_value(struct strbuf *out, const json_t *value)
{
    if (json_is_string(value))
        return sb_add(out, json_string_value(value), json_string_length(value));
    if (json_is_boolean(value)) // as a table's label column is read
        return sb_putc(out, json_is_true(value) ? '1' : '0');
    if (json_is_integer(value))
        return sb_printf(out, "%lld", (long long)json_integer_value(value));
    return sb_printf(out, "%.15g", json_number_value(value));
}

int
template_fill(struct strbuf *out, const char *text, const json_t *row,
              const char *key, int64_t line, trv_err *err)
{
    char name[100], hint[NEAREST_HINT];
    bool as_json;
    int rc = 0;

    while (*text && !rc) {
        const size_t plain = strcspn(text, "{");
        const char *end;
        const json_t *value;
        size_t n;

        rc = sb_add(out, text, plain);
        text += plain;
        if (!*text || rc)
            break;
        if (text[1] == '{') {
            rc = sb_putc(out, '{');
            text += 2;
            continue;
        }
        end = strchr(text, '}');
        n = end ? (size_t)(end - text) - 1 : 0;
        if (!end || n == 0 || n >= sizeof(name))
            return err_fail(err, TRV_EFORMAT,
                            "%s has a '{' without a column and '}'; a brace "
                            "itself is written {{",
                            key);
        memcpy(name, text + 1, n);
        name[n] = '\0';
        as_json = n > 5 && strcmp(name + n - 5, "|json") == 0;
        if (as_json)
            name[n - 5] = '\0';
        value = json_object_get(row, name);
        if (!json_is_string(value) && !json_is_number(value) &&
            !json_is_boolean(value))
            return err_fail(err, TRV_EFORMAT,
                            "line %lld has no text in the column '%s', which "
                            "%s names%s",
                            (long long)line, name, key,
                            data_column_hint(hint, row, name));
        rc = (as_json ? put_json : put_value)(out, value);
        text = end + 1;
    }
    return rc ? err_nomem(err, "for a task's rows") : 0;
}

int
template_place(struct strbuf *out, const char *text, const char *dir,
               trv_err *err)
{
    const char *at;
    int rc = 0;

    while ((at = strstr(text, "{dir}")) && !rc) {
        rc = sb_add(out, text, (size_t)(at - text)) || sb_puts(out, dir);
        text = at + 5;
    }
    if (!rc)
        rc = sb_puts(out, text);
    return rc ? err_nomem(err, "for a task") : 0;
}
