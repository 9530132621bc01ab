/* checkpoint.c -- one index over the tensors of one or many files.
 *
 * Owns the mapped files. Knows names, not meanings: what a model needs is said
 * in layout.c.
 */
#include "model/files/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"

#define INDEX "model.safetensors.index.json"
#define MAX_SHARDS 4096

struct entry {
    struct tensor *t;
    int64_t shard;
};

struct shard {
    char *path;
    struct st_file st;
};

struct checkpoint {
    char *path;
    struct shard *shards;
    int64_t n_shards;
    struct gguf_file gguf;
    bool is_gguf;
    struct entry *entries; // sorted by name
    int64_t n;
};

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->t->name,
                  ((const struct entry *)b)->t->name);
}

/* The index over all files; a name that two shards hold is an error. */
static int
make_index(struct checkpoint *ck, trv_err *err)
{
    int64_t n = ck->gguf.n, k = 0;

    for (int64_t i = 0; i < ck->n_shards; i++)
        n += ck->shards[i].st.n;
    ck->entries = mem_array((size_t)n + 1, sizeof(*ck->entries));
    if (!ck->entries)
        return err_nomem(err, "to open '%s'", ck->path);
    for (int64_t i = 0; i < ck->gguf.n; i++)
        ck->entries[k++] = (struct entry){&ck->gguf.tensors[i], -1};
    for (int64_t i = 0; i < ck->n_shards; i++)
        for (int64_t j = 0; j < ck->shards[i].st.n; j++)
            ck->entries[k++] = (struct entry){&ck->shards[i].st.tensors[j], i};
    ck->n = n;
    qsort(ck->entries, (size_t)n, sizeof(*ck->entries), by_name);
    for (int64_t i = 1; i < n; i++)
        if (by_name(&ck->entries[i - 1], &ck->entries[i]) == 0)
            return err_fail(err, TRV_EFORMAT,
                            "tensor '%s' lies in '%s' and in '%s'",
                            ck->entries[i].t->name,
                            checkpoint_file(ck, ck->entries[i - 1].t),
                            checkpoint_file(ck, ck->entries[i].t));
    return 0;
}

static int
open_shard(struct checkpoint *ck, char *path, trv_err *err)
{
    struct shard *s = &ck->shards[ck->n_shards];
    int rc;

    if (!path)
        return err_nomem(err, "to open '%s'", ck->path);
    s->path = path;
    ck->n_shards++; // its path is freed with it from here on
    rc = st_open(&s->st, path, err);
    return rc;
}

static int
open_single(struct checkpoint *ck, char *path, trv_err *err)
{
    ck->shards = mem_calloc(1, sizeof(*ck->shards));
    if (!ck->shards) {
        mem_free(path);
        return err_nomem(err, "to open '%s'", ck->path);
    }
    return open_shard(ck, path, err);
}

static bool
is_plain_name(const char *s)
{
    return *s && *s != '.' && !strchr(s, '/') && !strstr(s, "..");
}

/* Open each file that the index names, once, and see that it holds what the
 * index says. */
static int
open_sharded(struct checkpoint *ck, const char *index, trv_err *err)
{
    json_t *doc = NULL, *map, *files = NULL, *v, *at;
    const char *tensor;
    int rc;

    rc = json_open(&doc, index, err);
    if (!rc)
        rc = json_need(doc, "weight_map", index, err);
    if (rc)
        goto done;
    map = json_object_get(doc, "weight_map");
    files = json_object(); // name of a shard -> its number
    if (!json_is_object(map) || json_object_size(map) == 0) {
        rc = err_fail(err, TRV_EFORMAT,
                      "field 'weight_map' of '%s' names no tensors", index);
        goto done;
    }
    json_object_foreach(map, tensor, v)
    {
        const char *file = json_string_value(v);

        if (!file || !is_plain_name(file)) {
            rc = err_fail(err, TRV_EFORMAT,
                          "'%s' puts tensor '%.200s' into '%.200s', which is "
                          "no plain file name",
                          index, tensor, file ? file : "(no string)");
            goto done;
        }
        if (!json_object_get(files, file) &&
            json_object_set_new(
                files, file,
                json_integer((json_int_t)json_object_size(files)))) {
            rc = err_nomem(err, "to open '%s'", index);
            goto done;
        }
    }
    if (json_object_size(files) > MAX_SHARDS) {
        rc = err_fail(err, TRV_EFORMAT, "'%s' names %zu files, more than %d",
                      index, json_object_size(files), MAX_SHARDS);
        goto done;
    }
    ck->shards = mem_calloc(json_object_size(files), sizeof(*ck->shards));
    if (!ck->shards) {
        rc = err_nomem(err, "to open '%s'", index);
        goto done;
    }
    json_object_foreach(files, tensor, v) // in the order of the numbers
    {
        rc = open_shard(ck, path_join(ck->path, tensor), err);
        if (rc) {
            err_prefix(err, "a file that '%s' names", index);
            goto done;
        }
    }
    json_object_foreach(map, tensor, v)
    {
        at = json_object_get(files, json_string_value(v));
        if (!st_dtype(&ck->shards[json_integer_value(at)].st, tensor)) {
            rc = err_fail(err, TRV_EFORMAT,
                          "'%s' puts tensor '%.200s' into '%s', which lacks it",
                          index, tensor, json_string_value(v));
            goto done;
        }
    }
done:
    json_decref(files);
    json_decref(doc);
    return rc;
}

/* Say what is there instead of weights. */
static int
no_weights(const char *dir, trv_err *err)
{
    static const char *const pickles[] = {"pytorch_model.bin",
                                          "pytorch_model.bin.index.json"};

    for (size_t i = 0; i < 2; i++) {
        char *p = path_join(dir, pickles[i]);
        const bool there = p && file_exists(p);

        mem_free(p);
        if (there)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "'%s' holds its weights only as '%s', a Python "
                            "pickle, which is not read; convert it to "
                            "safetensors: in transformers, load it and call "
                            "save_pretrained(..., safe_serialization=True)",
                            dir, pickles[i]);
    }
    return err_fail(err, TRV_EIO,
                    "'%s' holds no weights: neither model.safetensors "
                    "nor " INDEX,
                    dir);
}

static int
open_folder(struct checkpoint *ck, trv_err *err)
{
    char *single = path_join(ck->path, "model.safetensors");
    char *index = path_join(ck->path, INDEX);
    int rc;

    if (!single || !index) {
        rc = err_nomem(err, "to open '%s'", ck->path);
    } else if (file_exists(single)) { // as in transformers, it wins
        rc = open_single(ck, single, err);
        single = NULL;
    } else if (file_exists(index)) {
        rc = open_sharded(ck, index, err);
    } else {
        rc = no_weights(ck->path, err);
    }
    mem_free(single);
    mem_free(index);
    return rc;
}

static int
open_file(struct checkpoint *ck, trv_err *err)
{
    struct filemap map;
    int rc;

    rc = filemap_open(&map, ck->path, err);
    if (rc)
        return rc;
    ck->is_gguf = map.size >= 4 && memcmp(map.data, "GGUF", 4) == 0;
    filemap_release(&map);
    return ck->is_gguf ? gguf_open(&ck->gguf, ck->path, err)
                       : open_single(ck, mem_strdup(ck->path), err);
}

int
checkpoint_open(struct checkpoint **out, const char *path, trv_err *err)
{
    struct checkpoint *ck;
    int rc;

    *out = NULL;
    ck = mem_calloc(1, sizeof(*ck));
    if (!ck)
        return err_nomem(err, "to open '%s'", path);
    ck->path = mem_strdup(path);
    if (!ck->path)
        rc = err_nomem(err, "to open '%s'", path);
    else
        rc = file_is_dir(path) ? open_folder(ck, err) : open_file(ck, err);
    if (!rc)
        rc = make_index(ck, err);
    if (rc)
        goto done;
    *out = ck;
    ck = NULL;
done:
    checkpoint_free(ck);
    return rc;
}

void
checkpoint_free(struct checkpoint *ck)
{
    if (!ck)
        return;
    for (int64_t i = 0; i < ck->n_shards; i++) {
        st_release(&ck->shards[i].st);
        mem_free(ck->shards[i].path);
    }
    gguf_release(&ck->gguf);
    mem_free(ck->shards);
    mem_free(ck->entries);
    mem_free(ck->path);
    mem_free(ck);
}

static const struct entry *
find_exactly(const struct checkpoint *ck, const char *name)
{
    const struct tensor t = {.name = name};
    const struct entry want = {(struct tensor *)(uintptr_t)&t, 0};

    if (ck->n == 0)
        return NULL;
    return bsearch(&want, ck->entries, (size_t)ck->n, sizeof(want), by_name);
}

static const struct entry *
find_entry(const struct checkpoint *ck, const char *name)
{
    static const struct {
        const char *from, *to;
    } prefixes[] = {
        {"transformer.", ""},
        {"", "transformer."},
        {"model.", ""},
        {"", "model."},
        /* the text part of a model that sees, in transformers 5 and 4 */
        {"model.", "model.language_model."},
        {"model.", "language_model.model."},
        {"", "language_model."},
    };
    const struct entry *e = find_exactly(ck, name);

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]) && !e; i++) {
        const size_t n = strlen(prefixes[i].from);
        char other[160];

        if (strncmp(name, prefixes[i].from, n) != 0)
            continue;
        if (snprintf(other, sizeof(other), "%s%s", prefixes[i].to, name + n) <
            (int)sizeof(other))
            e = find_exactly(ck, other);
    }
    return e;
}

const struct tensor *
checkpoint_find(const struct checkpoint *ck, const char *name)
{
    const struct entry *e = find_entry(ck, name);

    return e ? e->t : NULL;
}

/* "[32, 48]" into buf, which is cut where it is too small. */
static const char *
shape_text(char *buf, size_t size, int n_dims, const int64_t *dim)
{
    size_t at = 0;

    buf[0] = '\0';
    for (int i = 0; i < n_dims && at < size; i++) {
        const int n =
            snprintf(buf + at, size - at, "%s%" PRId64, i ? ", " : "", dim[i]);

        at += n > 0 ? (size_t)n : 0;
    }
    return buf;
}

int
checkpoint_need(const struct tensor **out, const struct checkpoint *ck,
                const struct layout_item *item, trv_err *err)
{
    const char *name = ck->is_gguf ? item->gguf_name : item->name;
    const struct entry *e =
        ck->is_gguf ? find_exactly(ck, name) : find_entry(ck, name);
    char has[96], wants[96];
    const char *file;

    *out = NULL;
    if (!e)
        return err_fail(err, TRV_EFORMAT, "'%s' lacks the tensor '%s'",
                        ck->n_shards == 1 ? ck->shards[0].path : ck->path,
                        name);
    file = checkpoint_file(ck, e->t);
    if (e->t->type == DT_COUNT)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s': tensor '%s' is %s, which is not supported; "
                        "known are F32, F16, BF16",
                        file, e->t->name,
                        st_dtype(&ck->shards[e->shard].st, e->t->name));
    if (e->t->n_dims != item->n_dims ||
        memcmp(e->t->dim, item->dim,
               (size_t)item->n_dims * sizeof(item->dim[0])) != 0)
        return err_fail(
            err, TRV_EFORMAT,
            "'%s': tensor '%s' has the shape [%s], not [%s] as the config says",
            file, e->t->name,
            shape_text(has, sizeof(has), e->t->n_dims, e->t->dim),
            shape_text(wants, sizeof(wants), item->n_dims, item->dim));
    *out = e->t;
    return 0;
}

void
checkpoint_unpermute(struct checkpoint *ck, const struct tensor *t,
                     int32_t heads)
{
    TRV_ASSERT(ck->is_gguf && t >= ck->gguf.tensors &&
               t < ck->gguf.tensors + ck->gguf.n);
    ck->gguf.tensors[t - ck->gguf.tensors].unpermute_heads = heads;
}

void
checkpoint_plus(struct checkpoint *ck, const struct tensor *t, float plus)
{
    const struct entry *e = find_exactly(ck, t->name);

    TRV_ASSERT(e && e->t == t);
    e->t->plus = plus;
}

int64_t
checkpoint_count(const struct checkpoint *ck)
{
    return ck->n;
}

const struct tensor *
checkpoint_at(const struct checkpoint *ck, int64_t i)
{
    TRV_ASSERT(i >= 0 && i < ck->n);
    return ck->entries[i].t;
}

const char *
checkpoint_file(const struct checkpoint *ck, const struct tensor *t)
{
    for (int64_t i = 0; i < ck->n_shards; i++) {
        const struct st_file *st = &ck->shards[i].st;

        if (t >= st->tensors && t < st->tensors + st->n)
            return ck->shards[i].path;
    }
    return ck->is_gguf ? gguf_file_of(&ck->gguf, t)->path : ck->path;
}

void
checkpoint_forget(const struct checkpoint *ck, const struct tensor *t)
{
    const struct filemap *map = &gguf_file_of(&ck->gguf, t)->map;

    for (int64_t i = 0; i < ck->n_shards; i++) {
        const struct st_file *st = &ck->shards[i].st;

        if (t >= st->tensors && t < st->tensors + st->n)
            map = &st->map;
    }
    filemap_forget(map, t->data, t->bytes);
}

const struct gguf_file *
checkpoint_gguf(const struct checkpoint *ck)
{
    return ck->is_gguf ? &ck->gguf : NULL;
}
