/* store.c -- rows by SQLite. */
#include "triangle/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define STORE_VERSION 1
#define STORE_ID 1953655158 // "triv", SQLite's application_id
#define TEXT_OF(x) #x
#define DIGITS(x) TEXT_OF(x)

static const char *const status_names[] = {"waiting", "begun", "done", "failed",
                                           "cut"};

const char *
store_status_name(enum store_status s)
{
    return status_names[s];
}

struct store {
    sqlite3 *db;
    char *path;
    int lock; // of the run that writes; -1: none
};

static int
store_fail(const struct store *s, trv_err *err)
{
    const int code = s->db ? sqlite3_errcode(s->db) : SQLITE_NOMEM;
    int rc = TRV_EIO;

    if (code == SQLITE_NOMEM)
        return err_nomem(err, "for the store of a triangle");
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return err_fail(err, TRV_EEXIST, "another run writes '%s'", s->path);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR)
        rc = TRV_EFORMAT;
    return err_fail(err, rc, "cannot use '%s': %s", s->path,
                    sqlite3_errmsg(s->db));
}

static int
run_sql(struct store *s, const char *sql, trv_err *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : store_fail(s, err);
}

static int
prepare(struct store *s, sqlite3_stmt **out, const char *sql, trv_err *err)
{
    return sqlite3_prepare_v2(s->db, sql, -1, out, NULL) == SQLITE_OK
               ? 0
               : store_fail(s, err);
}

/* Run a statement that gives no row, and end it. */
static int
finish(struct store *s, sqlite3_stmt *q, int rc, trv_err *err)
{
    if (!rc && sqlite3_step(q) != SQLITE_DONE)
        rc = store_fail(s, err);
    sqlite3_finalize(q);
    return rc;
}

static int
bind_text(struct store *s, sqlite3_stmt *q, int at, const char *text,
          trv_err *err)
{
    return sqlite3_bind_text(q, at, text, -1, SQLITE_TRANSIENT) == SQLITE_OK
               ? 0
               : store_fail(s, err);
}

/* ---- opening ------------------------------------------------------------- */

static int
read_pragma(struct store *s, const char *sql, int64_t *out, trv_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = prepare(s, &q, sql, err);

    if (!rc && sqlite3_step(q) != SQLITE_ROW)
        rc = store_fail(s, err);
    if (!rc)
        *out = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return rc;
}

/* Is it a store of this version? An empty one is made into such. */
static int
check(struct store *s, bool make, trv_err *err)
{
    int64_t id = 0, version = 0, pages = 0;
    int rc = read_pragma(s, "PRAGMA application_id", &id, err);

    if (!rc)
        rc = read_pragma(s, "PRAGMA user_version", &version, err);
    if (!rc)
        rc = read_pragma(s, "PRAGMA page_count", &pages, err);
    if (rc)
        return rc;
    if (make && pages == 0)
        return run_sql(
            s,
            "BEGIN; PRAGMA application_id = " DIGITS(
                STORE_ID) ";"
                          "PRAGMA user_version = " DIGITS(
                              STORE_VERSION) ";"
                                             "CREATE TABLE about(name TEXT "
                                             "PRIMARY KEY, value TEXT NOT NULL)"
                                             " WITHOUT ROWID;"
                                             "CREATE TABLE node(id TEXT "
                                             "PRIMARY KEY, work TEXT NOT NULL,"
                                             " status INTEGER NOT NULL, tries "
                                             "INTEGER NOT NULL,"
                                             " seconds REAL NOT NULL, row "
                                             "TEXT) WITHOUT ROWID;"
                                             "COMMIT",
            err);
    if (id != STORE_ID)
        return err_fail(err, TRV_EFORMAT, "'%s' is no store of a triangle",
                        s->path);
    if (version != STORE_VERSION)
        return err_fail(err, TRV_EFORMAT, "'%s' has version %lld, not %d",
                        s->path, (long long)version, STORE_VERSION);
    return 0;
}

/* One run at a time writes; the kernel gives the lock back however it ends.
 * SQLite's own would keep readers out for hours. */
static int
take_lock(struct store *s, const char *dir, trv_err *err)
{
    char *path = path_join(dir, "triangle.lock");
    int rc = path ? 0 : err_nomem(err, "for the store of a triangle");

    if (rc)
        return rc;
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->lock < 0)
        rc = err_fail(err, TRV_EIO, "cannot write '%s': %s", path,
                      strerror(errno));
    else if (flock(s->lock, LOCK_EX | LOCK_NB) != 0)
        rc = err_fail(err, TRV_EEXIST, "another run writes '%s'", dir);
    mem_free(path);
    return rc;
}

int
store_open(struct store **out, const char *dir, bool make, trv_err *err)
{
    struct store *s = mem_calloc(1, sizeof(*s));
    int rc = 0;

    *out = NULL;
    if (!s)
        return err_nomem(err, "for the store of a triangle");
    s->lock = -1;
    s->path = path_join(dir, STORE_FILE);
    if (!s->path)
        rc = err_nomem(err, "for the store of a triangle");
    if (!rc && !make && !file_exists(s->path))
        rc = err_fail(err, TRV_EIO,
                      "'%s' is no folder of a triangle: it has no %s", dir,
                      STORE_FILE);
    if (!rc && make)
        rc = take_lock(s, dir, err);
    if (!rc && sqlite3_open_v2(s->path, &s->db,
                               make ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                    : SQLITE_OPEN_READONLY,
                               NULL) != SQLITE_OK)
        rc = store_fail(s, err);
    if (!rc)
        sqlite3_busy_timeout(s->db, 10000);
    if (!rc)
        rc = check(s, make, err);
    if (rc) {
        store_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void
store_free(struct store *s)
{
    if (!s)
        return;
    sqlite3_close(s->db);
    if (s->lock >= 0)
        close(s->lock);
    mem_free(s->path);
    mem_free(s);
}

/* ---- values -------------------------------------------------------------- */

int
store_set(struct store *s, const char *name, json_t *value, trv_err *err)
{
    char *text =
        value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    sqlite3_stmt *q = NULL;
    int rc =
        text ? prepare(s, &q, "INSERT OR REPLACE INTO about VALUES(?, ?)", err)
             : err_nomem(err, "for the store of a triangle");

    if (!rc)
        rc = bind_text(s, q, 1, name, err);
    if (!rc)
        rc = bind_text(s, q, 2, text, err);
    rc = finish(s, q, rc, err);
    free(text);
    json_decref(value);
    return rc;
}

/* A column of the row at hand as JSON; NULL where it is null. */
static int
column_json(struct store *s, json_t **out, sqlite3_stmt *q, int at,
            trv_err *err)
{
    const char *text = (const char *)sqlite3_column_text(q, at);

    *out = NULL;
    return text ? json_parse(out, s->path, text,
                             (size_t)sqlite3_column_bytes(q, at), err)
                : 0;
}

int
store_get(struct store *s, json_t **out, const char *name, trv_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = prepare(s, &q, "SELECT value FROM about WHERE name = ?", err);
    int got;

    *out = NULL;
    if (!rc)
        rc = bind_text(s, q, 1, name, err);
    if (!rc) {
        got = sqlite3_step(q);
        if (got == SQLITE_ROW)
            rc = column_json(s, out, q, 0, err);
        else if (got != SQLITE_DONE)
            rc = store_fail(s, err);
    }
    sqlite3_finalize(q);
    return rc;
}

/* ---- nodes --------------------------------------------------------------- */

int
store_node(struct store *s, struct store_node *out, const char *id,
           const char *work, trv_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = prepare(s, &q,
                     "SELECT status, tries, seconds, row, work FROM node "
                     "WHERE id = ?",
                     err);
    int got;

    *out = (struct store_node){.status = NODE_WAITING};
    if (!rc)
        rc = bind_text(s, q, 1, id, err);
    if (rc)
        goto done;
    got = sqlite3_step(q);
    if (got != SQLITE_ROW && got != SQLITE_DONE) {
        rc = store_fail(s, err);
    } else if (got == SQLITE_ROW) {
        const char *was = (const char *)sqlite3_column_text(q, 4);
        const int status = sqlite3_column_int(q, 0);

        if (work && (!was || strcmp(was, work) != 0))
            goto done;
        if (status < NODE_WAITING || status > NODE_CUT) {
            rc = err_fail(err, TRV_EFORMAT, "'%s': node '%s' has status %d",
                          s->path, id, status);
            goto done;
        }
        out->status = (enum store_status)status;
        out->tries = sqlite3_column_int64(q, 1);
        out->seconds = sqlite3_column_double(q, 2);
        rc = column_json(s, &out->row, q, 3, err);
    }
done:
    sqlite3_finalize(q);
    return rc;
}

int
store_begin(struct store *s, const char *id, const char *work, trv_err *err)
{
    sqlite3_stmt *q = NULL;
    struct store_node was;
    int rc = store_node(s, &was, id, work, err);

    json_decref(was.row);
    if (!rc)
        rc = prepare(s, &q,
                     "INSERT OR REPLACE INTO node VALUES(?, ?, ?, ?, 0, NULL)",
                     err);
    if (!rc)
        rc = bind_text(s, q, 1, id, err);
    if (!rc)
        rc = bind_text(s, q, 2, work, err);
    if (!rc && (sqlite3_bind_int(q, 3, NODE_BEGUN) ||
                sqlite3_bind_int64(q, 4, was.tries + 1)))
        rc = store_fail(s, err);
    return finish(s, q, rc, err);
}

int
store_end(struct store *s, const char *id, const char *work,
          enum store_status status, double seconds, const json_t *row,
          trv_err *err)
{
    char *text = row ? json_dumps(row, JSON_COMPACT) : NULL;
    sqlite3_stmt *q = NULL;
    int rc = !row || text
                 ? prepare(s, &q,
                           "INSERT OR REPLACE INTO node VALUES(?, ?, ?, 0, ?, "
                           "?)",
                           err)
                 : err_nomem(err, "for the store of a triangle");

    if (!rc)
        rc = bind_text(s, q, 1, id, err);
    if (!rc)
        rc = bind_text(s, q, 2, work, err);
    if (!rc && (sqlite3_bind_int(q, 3, (int)status) ||
                sqlite3_bind_double(q, 4, seconds)))
        rc = store_fail(s, err);
    if (!rc && text)
        rc = bind_text(s, q, 5, text, err);
    rc = finish(s, q, rc, err);
    free(text);
    return rc;
}
