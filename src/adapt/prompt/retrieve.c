/* retrieve.c -- a corpus and its index. */
#include "adapt/prompt/retrieve.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

#include "adapt/prompt/placeholders.h"
#include "base/mem.h"

struct options {
    double k;
    const char *template;
};
const struct conf_option retrieve_options[] = {
    {.info = {"k", "N", "3", "at most so many documents, the best first",
              false},
     .type = CONF_NUMBER,
     .at = offsetof(struct options, k),
     .lo = 1,
     .hi = RETRIEVE_K_MAX},
    {.info = {"template", "T", RETRIEVE_TEMPLATE,
              "one document: {text} once, and {title} where it is wanted",
              .takes_rest = true},
     .type = CONF_TEXT,
     .at = offsetof(struct options, template)},
    {.info = {.name = NULL}},
};

static int
db_fail(const struct retrieve *r, trv_err *err)
{
    const int code = r->db ? sqlite3_errcode(r->db) : SQLITE_NOMEM;

    if (code == SQLITE_NOMEM)
        return err_nomem(err, "for a corpus");
    return err_fail(err, TRV_EFORMAT, "cannot search '%s': %s",
                    r->corpus.path ? r->corpus.path : "",
                    sqlite3_errmsg(r->db));
}

/* ---- documents ---------------------------------------------------------- */

static const char *
title_of(const struct data_row *row)
{
    const char *title = json_string_value(json_object_get(row->json, "title"));

    return title ? title : "";
}

/* A document's text; `joined` holds it where it is made of two columns. NULL:
 * there is none. */
static const char *
text_of(struct strbuf *joined, const struct data_row *row, int *rc)
{
    const char *x = json_string_value(row->prompt);
    const char *y = json_string_value(row->completion);

    if (row->text)
        return row->text;
    if (!x || !y)
        return x;
    sb_reset(joined);
    *rc = sb_puts(joined, x) || sb_putc(joined, '\n') || sb_puts(joined, y)
              ? TRV_ENOMEM
              : 0;
    return joined->s;
}

/* ---- the index ---------------------------------------------------------- */

static int
prepare(const struct retrieve *r, sqlite3_stmt **out, const char *sql,
        trv_err *err)
{
    return sqlite3_prepare_v2(r->db, sql, -1, out, NULL) == SQLITE_OK
               ? 0
               : db_fail(r, err);
}

static int
run(const struct retrieve *r, const char *sql, trv_err *err)
{
    return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : db_fail(r, err);
}

static int
add_document(const struct retrieve *r, sqlite3_stmt *insert, int64_t i,
             struct strbuf *joined, struct strbuf *body, trv_err *err)
{
    const struct data_row *row = &r->corpus.rows[i];
    int rc = 0;
    const char *text = text_of(joined, row, &rc);

    if (rc)
        return err_nomem(err, "for a corpus");
    if (!text || !*text)
        return data_row_fail(row, err, TRV_EINVAL,
                             "a document of a corpus needs a 'text'");
    sb_reset(body);
    if (sb_puts(body, title_of(row)) || sb_putc(body, '\n') ||
        sb_puts(body, text))
        return err_nomem(err, "for a corpus");
    /* INT_MAX is SQLite's own limit; data.h's, 64 MB a row, lies below it. */
    sqlite3_reset(insert);
    if (sqlite3_bind_int64(insert, 1, i + 1) ||
        sqlite3_bind_text(insert, 2, body->s, (int)body->len, SQLITE_STATIC) ||
        sqlite3_step(insert) != SQLITE_DONE)
        return db_fail(r, err);
    return 0;
}

static int
make_index(struct retrieve *r, trv_err *err)
{
    struct strbuf joined = {0}, body = {0};
    sqlite3_stmt *insert = NULL;
    int rc = 0;

    if (sqlite3_open_v2(":memory:", &r->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_MEMORY,
                        NULL) != SQLITE_OK)
        return db_fail(r, err);
    /* Without a copy of the content: the corpus is in memory already. */
    rc = run(r,
             "CREATE VIRTUAL TABLE d USING fts5(body, content='',"
             " tokenize='porter unicode61 remove_diacritics 2');BEGIN",
             err);
    if (!rc)
        rc =
            prepare(r, &insert, "INSERT INTO d(rowid, body) VALUES(?, ?)", err);
    for (int64_t i = 0; i < r->corpus.n && !rc; i++)
        rc = add_document(r, insert, i, &joined, &body, err);
    if (!rc)
        rc = run(r, "COMMIT", err);
    if (!rc)
        rc = prepare(r, &r->find,
                     "SELECT rowid FROM d WHERE d MATCH ?"
                     " ORDER BY rank, rowid LIMIT ?",
                     err);
    sqlite3_finalize(insert);
    sb_release(&joined);
    sb_release(&body);
    return rc;
}

static int
take_options(struct retrieve *r, trv_err *err)
{
    struct options o = {.template = NULL};
    int rc = conf_read(&o, r->conf, retrieve_options, "retrieve", err);

    r->template = o.template;
    r->k = (int64_t)o.k;
    if (!rc && !placeholders_once(r->template, "{text}"))
        rc = err_fail(err, TRV_EINVAL,
                      "the template of retrieve shows {text} once");
    return rc;
}

int
retrieve_open(struct retrieve **out, const char *path, const json_t *conf,
              trv_err *err)
{
    struct retrieve *r = mem_calloc(1, sizeof(*r));
    int rc = r ? 0 : err_nomem(err, "for a corpus");

    *out = NULL;
    if (rc)
        return rc;
    r->conf = conf ? json_deep_copy(conf) : json_object();
    if (!r->conf)
        rc = err_nomem(err, "for a corpus");
    if (!rc)
        rc = take_options(r, err);
    if (!rc)
        rc = data_open(&r->corpus, path, err);
    if (!rc)
        rc = make_index(r, err);
    if (rc)
        retrieve_free(r);
    else
        *out = r;
    return rc;
}

void
retrieve_free(struct retrieve *r)
{
    if (!r)
        return;
    sqlite3_finalize(r->find);
    sqlite3_close(r->db);
    data_release(&r->corpus);
    json_decref(r->conf);
    mem_free(r);
}

/* ---- looking up --------------------------------------------------------- */

/* Bytes of words: digits, letters, and all that is not ASCII, which FTS5's own
 * tokenizer takes further apart. No quote is among them. */
static bool
is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || ((unsigned char)c & 0x80);
}

int
retrieve_query(struct strbuf *out, const char *text, trv_err *err)
{
    int bad = 0;

    for (int words = 0; *text && words < RETRIEVE_WORDS && !bad; words++) {
        size_t n = 0;

        while (*text && !is_word(*text))
            text++;
        while (is_word(text[n]))
            n++;
        if (n == 0)
            break;
        bad = sb_puts(out, words ? " OR \"" : "\"") || sb_add(out, text, n) ||
              sb_putc(out, '"');
        text += n;
    }
    return bad ? err_nomem(err, "for a corpus") : 0;
}

int
retrieve_find(int64_t *doc, int64_t *n, struct retrieve *r, const char *query,
              trv_err *err)
{
    struct strbuf match = {0};
    int step = SQLITE_DONE;
    int rc = retrieve_query(&match, query, err);

    *n = 0;
    if (!rc && match.len > 0) {
        if (sqlite3_bind_text(r->find, 1, match.s, (int)match.len,
                              SQLITE_STATIC) ||
            sqlite3_bind_int64(r->find, 2, r->k))
            rc = db_fail(r, err);
        while (!rc && *n < r->k && (step = sqlite3_step(r->find)) == SQLITE_ROW)
            doc[(*n)++] = sqlite3_column_int64(r->find, 0) - 1;
        if (!rc && step != SQLITE_ROW && step != SQLITE_DONE)
            rc = db_fail(r, err);
        sqlite3_reset(r->find);
        sqlite3_clear_bindings(r->find);
    }
    sb_release(&match);
    return rc;
}

int
retrieve_note(struct strbuf *out, const struct retrieve *r, trv_err *err)
{
    if (r->missed == 0)
        return 0;
    return sb_printf(out,
                     "no document of '%s' shares a word with %.3g%% of the "
                     "inputs that were looked up (%lld of %lld)\n",
                     r->corpus.path,
                     100.0 * (double)r->missed / (double)r->looked_up,
                     (long long)r->missed, (long long)r->looked_up)
               ? err_nomem(err, "for a corpus")
               : 0;
}

int
retrieve_view(struct strbuf *out, struct retrieve *r,
              const struct data_row *row, trv_err *err)
{
    int64_t *doc = mem_array((size_t)r->k, sizeof(*doc)), n = 0;
    struct strbuf joined = {0};
    int rc = doc ? 0 : err_nomem(err, "for a corpus");

    if (!rc)
        rc = retrieve_find(doc, &n, r, data_row_words(row), err);
    if (!rc) {
        r->looked_up++;
        r->missed += n == 0;
    }
    for (int64_t i = 0; i < n && !rc; i++) {
        const struct data_row *d = &r->corpus.rows[doc[i]];
        const struct slot slots[] = {{"{text}", text_of(&joined, d, &rc)},
                                     {"{title}", title_of(d)}};

        if (rc || placeholders_fill(out, r->template, slots, 2))
            rc = err_nomem(err, "for a corpus");
    }
    mem_free(doc);
    sb_release(&joined);
    return rc;
}
