/* memo.c -- results by key, in memory and as a journal. */
#include "base/memo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/seal.h"

#define ABOUT "about"
#define SIZE_MAX_READ ((size_t)1 << 32)

struct memo {
    char *path;
    json_t *about; // of this run
    json_t *known; // key -> value
    bool begun;    // the file says what it is about
};

int
memo_broken(const struct memo *m, trv_err *err)
{
    return err_fail(err, TRV_EFORMAT,
                    "'%s' does not hold this run's results: start anew with "
                    "--replace in place of --resume",
                    m->path);
}

static int
take_line(struct memo *m, const char *line, size_t n, trv_err *err)
{
    json_t *obj = NULL, *value;
    const char *key;
    int rc = json_parse(&obj, m->path, line, n, err);

    if (rc)
        return rc == TRV_EFORMAT ? memo_broken(m, err) : rc;
    key = json_string_value(json_object_get(obj, "key"));
    value = json_object_get(obj, "value");
    if (!key || !value)
        rc = memo_broken(m, err);
    else if (!json_object_get(m->known, key) &&
             json_object_set(m->known, key, value))
        rc = err_nomem(err, "to read '%s'", m->path);
    json_decref(obj);
    return rc;
}

static int
read_file(struct memo *m, trv_err *err)
{
    struct strbuf text = {0};
    size_t from = 0;
    int rc = journal_read(&text, m->path, SIZE_MAX_READ, err);

    for (size_t i = 0; i < text.len && !rc; i++)
        if (text.s[i] == '\n') {
            rc = take_line(m, text.s + from, i - from, err);
            from = i + 1;
        }
    sb_release(&text);
    m->begun = memo_about(m) != NULL;
    if (!rc && json_object_size(m->known) > 0 && !m->begun)
        rc = memo_broken(m, err);
    return rc;
}

int
memo_open(struct memo **out, const char *path, bool resume, const json_t *about,
          trv_err *err)
{
    struct memo *m = mem_calloc(1, sizeof(*m));
    int rc = 0;

    *out = NULL;
    if (m) {
        m->path = mem_strdup(path);
        m->about = json_deep_copy(about);
        m->known = json_object();
    }
    if (!m || !m->path || !m->about || !m->known)
        rc = err_nomem(err, "to open '%s'", path);
    else if (resume && file_exists(path))
        rc = read_file(m, err);
    else if (file_exists(path) && unlink(path) != 0)
        rc = err_fail(err, TRV_EIO, "cannot replace '%s': %s", path,
                      strerror(errno));
    if (rc) {
        memo_free(m);
        return rc;
    }
    *out = m;
    return 0;
}

void
memo_free(struct memo *m)
{
    if (!m)
        return;
    json_decref(m->about);
    json_decref(m->known);
    mem_free(m->path);
    mem_free(m);
}

const json_t *
memo_about(const struct memo *m)
{
    return json_object_get(m->known, ABOUT);
}

const json_t *
memo_find(const struct memo *m, const char *key)
{
    return m ? json_object_get(m->known, key) : NULL;
}

/* A block of one line. `value` is borrowed. */
static int
append(struct memo *m, const char *key, json_t *value, trv_err *err)
{
    json_t *obj = json_pack("{s:s,s:O}", "key", key, "value", value);
    char *text =
        obj ? json_dumps(obj, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    struct strbuf b = {0};
    int rc = text && !sb_puts(&b, text) && !sb_putc(&b, '\n')
                 ? journal_append(m->path, b.s, b.len, err)
                 : err_nomem(err, "for '%s'", m->path);

    sb_release(&b);
    free(text);
    json_decref(obj);
    return rc;
}

int
memo_add(struct memo *m, const char *key, json_t *value, trv_err *err)
{
    int rc = 0;

    if (!value)
        return err_nomem(err, "to keep a result");
    if (m && !m->begun) {
        rc = append(m, ABOUT, m->about, err);
        m->begun = !rc;
    }
    if (m && !rc)
        rc = append(m, key, value, err);
    json_decref(value);
    return rc;
}
