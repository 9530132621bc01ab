/* gguf_split.c -- a model in several GGUF files, as llama-gguf-split writes it.
 *
 *   NAME-00001-of-00003.gguf   all keys | split.no 0 | its tensors
 *   NAME-00002-of-00003.gguf   split.no 1 | its tensors
 *   NAME-00003-of-00003.gguf   split.no 2 | its tensors
 *
 * Each says split.count and split.tensors.count, of all files together. Any of
 * them opens all; they become one gguf_file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "model/files/gguf.h"

#define MAX_SHARDS 65535 // split.count is a u16

/* What a file says of its place; count 1 where it is whole. */
struct place {
    int64_t no, count, tensors; // tensors -1: not said
};

static int
read_place(struct place *out, const struct gguf_file *f, trv_err *err)
{
    struct place p = {-1, 1, -1};
    int rc = gguf_int(&p.count, f, "split.count", 0, MAX_SHARDS, err);

    if (!rc && p.count > 1)
        rc = gguf_int(&p.no, f, "split.no", 0, p.count - 1, err);
    if (!rc)
        rc = gguf_int(&p.tensors, f, "split.tensors.count", 0, INT64_MAX, err);
    if (!rc && p.count > 1 && p.no < 0)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' is one of %" PRId64
                      " files, but lacks the key 'split.no'",
                      f->path, p.count);
    *out = p;
    return rc;
}

/* "-00002-of-00003.gguf" for no 1 of 3. */
static void
put_suffix(char *buf, size_t size, int64_t no, int64_t count)
{
    snprintf(buf, size, "-%05" PRId64 "-of-%05" PRId64 ".gguf", no + 1, count);
}

/* Of a file's own path the part that all share, or an error that says what its
 * name must be. */
static int
find_prefix(struct strbuf *out, const struct gguf_file *f,
            const struct place *p, trv_err *err)
{
    const size_t n = strlen(f->path);
    char suffix[64];
    size_t end;

    put_suffix(suffix, sizeof(suffix), p->no, p->count);
    end = strlen(suffix);
    if (n < end || strcmp(f->path + n - end, suffix) != 0)
        return err_fail(err, TRV_EFORMAT,
                        "'%s' says that it is file %" PRId64 " of %" PRId64
                        ", so its name must end in '%s'",
                        f->path, p->no + 1, p->count, suffix);
    return sb_add(out, f->path, n - end)
               ? err_nomem(err, "to open '%s'", f->path)
               : 0;
}

/* Open the file of place `no`, which must say that it is that. */
static int
open_shard(struct gguf_file *out, const struct strbuf *prefix, int64_t no,
           const struct place *first, trv_err *err)
{
    struct strbuf path = {0};
    struct place p;
    char suffix[64];
    int rc;

    put_suffix(suffix, sizeof(suffix), no, first->count);
    rc = sb_add(&path, prefix->s, prefix->len) || sb_puts(&path, suffix)
             ? err_nomem(err, "to open '%s'", suffix)
             : gguf_open_file(out, path.s, err);
    if (rc && err)
        err_prefix(err, "file %" PRId64 " of %" PRId64, no + 1, first->count);
    if (!rc)
        rc = read_place(&p, out, err);
    if (!rc && (p.no != no || p.count != first->count))
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' says that it is file %" PRId64 " of %" PRId64,
                      path.s, p.no + 1, p.count);
    if (!rc && p.tensors != first->tensors)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' is of another model: its split.tensors.count is "
                      "%" PRId64 ", not %" PRId64,
                      path.s, p.tensors, first->tensors);
    sb_release(&path);
    return rc;
}

/* Make one file of all: v[0] takes the tensors of all, and the others. */
static int
join(struct gguf_file *out, struct gguf_file *v, const struct place *p,
     trv_err *err)
{
    struct tensor *all;
    int64_t n = 0, k = 0;

    for (int64_t i = 0; i < p->count; i++)
        n += v[i].n;
    if (p->tensors >= 0 && n != p->tensors)
        return err_fail(err, TRV_EFORMAT,
                        "'%s' and the other files hold %" PRId64
                        " tensors, not %" PRId64 " as split.tensors.count says",
                        v[0].path, n, p->tensors);
    all = mem_array((size_t)n + 1, sizeof(*all));
    if (!all)
        return err_nomem(err, "to open '%s'", v[0].path);
    for (int64_t i = 0; i < p->count; i++) {
        memcpy(all + k, v[i].tensors, (size_t)v[i].n * sizeof(*all));
        k += v[i].n;
    }
    *out = v[0];
    mem_free(out->tensors);
    out->tensors = all;
    out->n = n;
    out->n_shards = p->count - 1;
    memmove(v, v + 1, (size_t)out->n_shards * sizeof(*v));
    out->shards = v;
    return 0;
}

int
gguf_open(struct gguf_file *out, const char *path, trv_err *err)
{
    struct gguf_file f, *v = NULL;
    struct strbuf prefix = {0};
    struct place p;
    int rc;

    *out = (struct gguf_file){0};
    rc = gguf_open_file(&f, path, err);
    if (rc)
        return rc;
    rc = read_place(&p, &f, err);
    if (!rc && p.count <= 1) {
        *out = f;
        return 0;
    }
    if (!rc)
        rc = find_prefix(&prefix, &f, &p, err);
    if (!rc && !(v = mem_calloc((size_t)p.count, sizeof(*v))))
        rc = err_nomem(err, "to open '%s'", path);
    if (rc)
        goto done;
    v[p.no] = f;
    f = (struct gguf_file){0};
    for (int64_t i = 0; !rc && i < p.count; i++)
        if (i != p.no)
            rc = open_shard(&v[i], &prefix, i, &p, err);
    if (!rc)
        rc = join(out, v, &p, err);
    if (!rc)
        v = NULL; // out has it
done:
    for (int64_t i = 0; v && i < p.count; i++)
        gguf_release(&v[i]);
    mem_free(v);
    gguf_release(&f);
    sb_release(&prefix);
    return rc;
}

const struct gguf_file *
gguf_file_of(const struct gguf_file *f, const struct tensor *t)
{
    const unsigned char *at = t->data;

    for (int64_t i = 0; i < f->n_shards; i++) {
        const struct filemap *map = &f->shards[i].map;
        const unsigned char *start = map->data;

        if (at >= start && at < start + map->size)
            return &f->shards[i];
    }
    return f;
}
