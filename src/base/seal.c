/* seal.c -- documents and journals with checksums. */
#include "base/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

#define FIELD "sha256"
#define SUM_BEGIN "{\"" FIELD "\": \""
#define SUM_END "\"}\n"
#define SUM_LINE (sizeof(SUM_BEGIN) - 1 + HASH_HEX - 1 + sizeof(SUM_END) - 1)

int
seal_damaged(const char *path, trv_err *err)
{
    return err_fail(err, TRV_EFORMAT,
                    "'%s' is damaged, its checksum does not match: start anew "
                    "with --replace in place of --resume",
                    path);
}

int
seal_missing(const char *path, trv_err *err)
{
    return err_fail(err, TRV_EUNSUPPORTED,
                    "'%s' has no checksum, the run was begun by an older "
                    "version: start anew with --replace in place of --resume",
                    path);
}

/* ---- documents ---------------------------------------------------------- */

static int
sum_document(char hex[HASH_HEX], const json_t *obj, const char *path,
             trv_err *err)
{
    char *text = json_dumps(obj, JSON_COMPACT | JSON_SORT_KEYS);
    const int rc = text ? hash_bytes(hex, text, strlen(text), err)
                        : err_nomem(err, "for '%s'", path);

    free(text);
    return rc;
}

int
seal_write(const char *path, const json_t *obj, trv_err *err)
{
    json_t *sealed = json_object();
    char hex[HASH_HEX], *text = NULL;
    int rc = sum_document(hex, obj, path, err);

    if (!rc &&
        (!sealed || json_object_update(sealed, (json_t *)(uintptr_t)obj) ||
         json_object_set_new(sealed, FIELD, json_string(hex))))
        rc = err_nomem(err, "for '%s'", path);
    if (!rc) {
        text = json_dumps(sealed, JSON_INDENT(1) | JSON_SORT_KEYS);
        rc = text ? file_write_atomic(path, text, strlen(text), err)
                  : err_nomem(err, "for '%s'", path);
    }
    free(text);
    json_decref(sealed);
    return rc;
}

int
seal_open(json_t **out, const char *path, trv_err *err)
{
    json_t *obj = NULL, *sum = NULL;
    char hex[HASH_HEX];
    int rc = json_open(&obj, path, err);

    *out = NULL;
    if (rc == TRV_EFORMAT || (!rc && !json_is_object(obj)))
        rc = seal_damaged(path, err);
    if (rc) {
        json_decref(obj);
        return rc;
    }
    sum = json_incref(json_object_get(obj, FIELD));
    (void)json_object_del(obj, FIELD);
    if (!sum)
        rc = seal_missing(path, err);
    if (!rc)
        rc = sum_document(hex, obj, path, err);
    if (!rc &&
        (!json_is_string(sum) || strcmp(json_string_value(sum), hex) != 0))
        rc = seal_damaged(path, err);
    json_decref(sum);
    if (rc)
        json_decref(obj);
    else
        *out = obj;
    return rc;
}

/* ---- journals ----------------------------------------------------------- */

/* The sum in a whole line, or NULL. */
static const char *
sum_of_line(const char *line, size_t n)
{
    const size_t begin = sizeof(SUM_BEGIN) - 1, end = sizeof(SUM_END) - 1;

    return n == SUM_LINE && memcmp(line, SUM_BEGIN, begin) == 0 &&
                   memcmp(line + n - end, SUM_END, end) == 0
               ? line + begin
               : NULL;
}

/* The sum of a block behind `before` (HASH_HEX - 1 digits; NULL: the first). */
static int
sum_block(char hex[HASH_HEX], const char *before, const char *bytes, size_t n,
          trv_err *err)
{
    struct hash *h;
    const int rc = hash_open(&h, err);

    if (rc)
        return rc;
    if (before)
        hash_add(h, before, HASH_HEX - 1);
    hash_add(h, bytes, n);
    hash_close(h, hex);
    return 0;
}

static int
write_block(FILE *f, const char *bytes, size_t n, trv_err *err)
{
    char last[SUM_LINE], hex[HASH_HEX];
    const char *before = NULL;
    struct strbuf b = {0};
    int rc;

    if (fseek(f, -(long)SUM_LINE, SEEK_END) == 0 &&
        fread(last, 1, SUM_LINE, f) == SUM_LINE)
        before = sum_of_line(last, SUM_LINE);
    rc = sum_block(hex, before, bytes, n, err);
    if (rc)
        return rc;
    if (sb_add(&b, bytes, n) || sb_printf(&b, SUM_BEGIN "%s" SUM_END, hex))
        rc = TRV_ENOMEM;
    else if (fseek(f, 0, SEEK_END) != 0 || fwrite(b.s, 1, b.len, f) != b.len)
        rc = TRV_EIO;
    sb_release(&b);
    return rc;
}

int
journal_append(const char *path, const char *bytes, size_t n, trv_err *err)
{
    FILE *f = fopen(path, "a+b");
    int rc = f ? write_block(f, bytes, n, err) : TRV_EIO;

    if (f && fclose(f) != 0 && !rc)
        rc = TRV_EIO;
    if (rc == TRV_ENOMEM)
        return err_nomem(err, "for '%s'", path);
    return rc == TRV_EIO ? err_fail(err, rc, "cannot write '%s': %s", path,
                                    strerror(errno))
                         : rc;
}

/* *whole: bytes up to the end of the last block. */
static int
read_blocks(struct strbuf *out, size_t *whole, const struct strbuf *text,
            const char *path, trv_err *err)
{
    const char *before = NULL;
    size_t line = 0;

    for (size_t i = 0; i < text->len; i++) {
        const char *block = text->s + *whole, *sum;
        const size_t n = line - *whole;
        char hex[HASH_HEX];
        int rc;

        if (text->s[i] != '\n')
            continue;
        sum = sum_of_line(text->s + line, i + 1 - line);
        line = i + 1;
        if (!sum)
            continue;
        rc = sum_block(hex, before, block, n, err);
        if (rc)
            return rc;
        if (memcmp(sum, hex, HASH_HEX - 1) != 0)
            return seal_damaged(path, err);
        if (sb_add(out, block, n))
            return err_nomem(err, "for '%s'", path);
        before = sum;
        *whole = line;
    }
    return 0;
}

int
journal_read(struct strbuf *out, const char *path, size_t limit, trv_err *err)
{
    struct strbuf text = {0};
    size_t whole = 0;
    int rc = file_read(&text, path, limit, err);

    if (!rc)
        rc = read_blocks(out, &whole, &text, path, err);
    if (!rc && whole < text.len && truncate(path, (off_t)whole) != 0)
        rc = err_fail(err, TRV_EIO, "cannot cut '%s': %s", path,
                      strerror(errno));
    sb_release(&text);
    return rc;
}
