/* csv.c -- one pass over the bytes, a record at a time. */
#include "text/csv.h"

#include "base/err.h"

/* Bytes of the line end at `at`: 0 where there is none. */
static size_t
line_end(const struct csv *c, size_t at)
{
    if (at < c->n && c->s[at] == '\n')
        return 1;
    if (at < c->n && c->s[at] == '\r')
        return at + 1 < c->n && c->s[at + 1] == '\n' ? 2 : 1;
    return 0;
}

/* A field in quotes from its first quote on; c->at ends behind the last. */
static int
take_quoted(struct csv *c, const char **what)
{
    size_t from = c->at + 1;

    for (size_t i = from; i < c->n; i++) {
        c->lines += c->s[i] == '\n';
        if (c->s[i] != '"')
            continue;
        if (sb_add(&c->text, c->s + from, i - from))
            return TRV_ENOMEM;
        from = i + 1;
        if (from == c->n || c->s[from] != '"') {
            c->at = from;
            return 0;
        }
        i++; // a doubled quote: the second is the field's
    }
    *what = "the quotes of a field do not end";
    return TRV_EFORMAT;
}

static int
take_field(struct csv *c, const char **what)
{
    const size_t from = c->at;
    int rc;

    if (c->at < c->n && c->s[c->at] == '"') {
        rc = take_quoted(c, what);
        if (rc)
            return rc;
        if (c->at < c->n && c->s[c->at] != c->comma && !line_end(c, c->at)) {
            *what = "something follows the quotes of a field (a quote inside "
                    "of quotes is doubled)";
            return TRV_EFORMAT;
        }
    } else {
        while (c->at < c->n && c->s[c->at] != c->comma && !line_end(c, c->at))
            c->at++;
        if (sb_add(&c->text, c->s + from, c->at - from))
            return TRV_ENOMEM;
    }
    if (c->n_fields == CSV_FIELDS_MAX) {
        *what = "the record has more than 512 fields";
        _Static_assert(CSV_FIELDS_MAX == 512, "the sentence says so");
        return TRV_EFORMAT;
    }
    c->end[c->n_fields++] = c->text.len;
    return 0;
}

int
csv_next(struct csv *c, const char **what)
{
    size_t skip, from;
    int rc;

    *what = NULL;
    while ((skip = line_end(c, c->at)) > 0) {
        c->at += skip;
        c->lines++;
    }
    if (c->at == c->n)
        return 0;
    from = c->at;
    c->line = c->lines + 1;
    c->n_fields = 0;
    sb_reset(&c->text);
    for (;;) {
        rc = take_field(c, what);
        if (!rc && c->at - from > c->record_max) {
            *what = "the record is too long";
            rc = TRV_EFORMAT;
        }
        if (rc)
            return rc;
        if (c->at == c->n || c->s[c->at] != c->comma)
            break;
        c->at++;
    }
    skip = line_end(c, c->at);
    c->at += skip;
    c->lines += skip > 0;
    return 1;
}

const char *
csv_field(const struct csv *c, int i, size_t *n)
{
    const size_t from = i ? c->end[i - 1] : 0;

    *n = c->end[i] - from;
    return c->text.s ? c->text.s + from : "";
}

void
csv_release(struct csv *c)
{
    sb_release(&c->text);
    *c = (struct csv){0};
}
