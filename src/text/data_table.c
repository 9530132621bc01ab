/* data_table.c -- records of a table as JSON objects. */
#include "text/data_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/utf8.h"

/* The next record, if it can be text. 1, 0 at the end, or an error. */
static int
next_record(struct csv *c, const char **what)
{
    const int rc = csv_next(c, what);

    if (rc != 1)
        return rc;
    if (!utf8_is_valid(c->text.s ? c->text.s : "", c->text.len))
        *what = "bytes that are no UTF-8";
    else if (c->text.len && memchr(c->text.s, '\0', c->text.len))
        *what = "a NUL byte";
    return *what ? TRV_EFORMAT : 1;
}

static int
check_names(const struct table *t, const char **what, char *text, size_t size)
{
    const char *first = t->name[0];

    *what = text;
    if (t->n == 1 && (strchr(first, ';') || strchr(first, '\t'))) {
        snprintf(text, size,
                 "its one column is '%.60s': fields are parted by commas in "
                 ".csv, by tabs in .tsv",
                 first);
        return TRV_EFORMAT;
    }
    for (int i = 0; i < t->n; i++) {
        for (int k = 0; k < i; k++)
            if (strcmp(t->name[i], t->name[k]) == 0) {
                snprintf(text, size, "two columns are named '%.60s'",
                         t->name[i]);
                return TRV_EFORMAT;
            }
        if (i > 0 && !*t->name[i]) {
            snprintf(text, size, "column %d has no name", i + 1);
            return TRV_EFORMAT;
        }
    }
    return 0;
}

int
table_begin(struct table *t, const char *s, size_t n, char comma,
            size_t record_max, const char **what, char *text, size_t size)
{
    char *at;
    int rc;

    *t = (struct table){
        .csv = {.s = s, .n = n, .comma = comma, .record_max = record_max}};
    rc = next_record(&t->csv, what);
    if (rc != 1)
        return rc;
    t->n = t->csv.n_fields;
    t->names = at = mem_alloc(t->csv.text.len + (size_t)t->n);
    t->name = mem_array((size_t)t->n, sizeof(*t->name));
    if (!t->names || !t->name)
        return TRV_ENOMEM;
    for (int i = 0; i < t->n; i++) {
        size_t len;
        const char *field = csv_field(&t->csv, i, &len);

        t->name[i] = memcpy(at, field, len);
        at[len] = '\0';
        at += len + 1;
    }
    return check_names(t, what, text, size);
}

/* ---- cells -------------------------------------------------------------- */

/* Each returns NULL where the text is not of its kind, which then stays a text:
 * whoever reads the column says what it should be. */

static json_t *
as_boolean(const char *s)
{
    static const char *const names[] = {"0",     "1",    "0.0",   "1.0",
                                        "false", "true", "False", "True",
                                        "FALSE", "TRUE"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(s, names[i]) == 0)
            return json_boolean((int)i % 2);
    return NULL;
}

static json_t *
as_number(const char *s)
{
    char *end;
    const double x = strtod(s, &end);

    return end > s && !*end && isfinite(x) ? json_real(x) : NULL;
}

static json_t *
as_array(const char *s)
{
    return *s == '[' ? json_loads(s, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static const struct {
    const char *column;
    json_t *(*as)(const char *s);
} kinds[] = {
    {"label", as_boolean},  {"margin", as_number}, {"weight", as_number},
    {"messages", as_array}, {"history", as_array}, {"conversations", as_array},
};

/* `s` is [n] and ended by a zero. */
static json_t *
cell(const char *column, const char *s, size_t n)
{
    json_t *v = NULL;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !v; i++)
        if (strcmp(kinds[i].column, column) == 0)
            v = kinds[i].as(s);
    return v ? v : json_stringn(s, n);
}

static int
fill_row(json_t *row, const struct table *t)
{
    struct strbuf text = {0};
    int rc = 0;

    for (int i = 0; i < t->n && !rc; i++) {
        size_t n;
        const char *field = csv_field(&t->csv, i, &n);

        if (n == 0 || !*t->name[i])
            continue;
        sb_reset(&text);
        rc = sb_add(&text, field, n);
        if (!rc &&
            json_object_set_new(row, t->name[i], cell(t->name[i], text.s, n)))
            rc = TRV_ENOMEM;
    }
    sb_release(&text);
    return rc;
}

int
table_next(json_t **row, struct table *t, const char **what, char *text,
           size_t size)
{
    int rc = next_record(&t->csv, what);

    *row = NULL;
    if (rc != 1)
        return rc;
    if (t->csv.n_fields != t->n) {
        snprintf(text, size, "the record has %d field%s, the header %d",
                 t->csv.n_fields, t->csv.n_fields == 1 ? "" : "s", t->n);
        *what = text;
        return TRV_EFORMAT;
    }
    *row = json_object();
    rc = *row ? fill_row(*row, t) : TRV_ENOMEM;
    if (rc) {
        json_decref(*row);
        *row = NULL;
    }
    return rc;
}

void
table_release(struct table *t)
{
    csv_release(&t->csv);
    mem_free(t->names);
    mem_free(t->name);
    *t = (struct table){0};
}
