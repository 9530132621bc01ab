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
    struct strbuf notes; // lines
};

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->t->name,
                  ((const struct entry *)b)->t->name);
}

/* By name, and the shard that counts first: the last in the order of the
 * files' names, in which transformers reads them one over the other. */
static int
by_name_then_shard(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;
    const int d = by_name(a, b);

    return d ? d : a->shard < b->shard ? 1 : a->shard > b->shard ? -1 : 0;
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

static bool
is_same(const struct tensor *a, const struct tensor *b)
{
    return a->type == b->type && a->n_dims == b->n_dims &&
           !memcmp(a->dim, b->dim, sizeof(a->dim)) && a->bytes == b->bytes &&
           !memcmp(a->data, b->data, a->bytes);
}

/* Of a tensor that several shards hold, the first entry is kept. */
static int
drop_doubles(struct checkpoint *ck, trv_err *err)
{
    int64_t kept = 0;
    int rc = 0;

    for (int64_t i = 0; i < ck->n && !rc; i++) {
        const struct entry *e = &ck->entries[i];
        const struct entry *best = kept ? &ck->entries[kept - 1] : NULL;

        if (!best || by_name(best, e)) {
            ck->entries[kept++] = *e;
            continue;
        }
        if (ck->is_gguf)
            return err_fail(err, TRV_EFORMAT,
                            "tensor '%s' lies in '%s' and in '%s'", e->t->name,
                            checkpoint_file(ck, best->t),
                            checkpoint_file(ck, e->t));
        if (!is_same(best->t, e->t))
            rc = sb_printf(&ck->notes,
                           "tensor '%s' lies in '%s' and, with other values, "
                           "in '%s'; that of '%s' is used\n",
                           e->t->name, ck->shards[best->shard].path,
                           ck->shards[e->shard].path,
                           ck->shards[best->shard].path);
    }
    ck->n = kept;
    return rc ? err_nomem(err, "to open '%s'", ck->path) : 0;
}

/* The index over all files. */
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
    qsort(ck->entries, (size_t)n, sizeof(*ck->entries), by_name_then_shard);
    return drop_doubles(ck, err);
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

/* The files that an index names, each once: an object of nulls. */
static int
files_of(json_t **out, const json_t *map, const char *index, trv_err *err)
{
    json_t *files = *out = json_object(), *v;
    const char *tensor;

    if (!files)
        return err_nomem(err, "to open '%s'", index);
    if (!json_is_object(map) || json_object_size(map) == 0)
        return err_fail(err, TRV_EFORMAT,
                        "field 'weight_map' of '%s' names no tensors", index);
    json_object_foreach((json_t *)(uintptr_t)map, tensor, v)
    {
        const char *file = json_string_value(v);

        if (!file || !is_plain_name(file))
            return err_fail(err, TRV_EFORMAT,
                            "'%s' puts tensor '%.200s' into '%.200s', which is "
                            "no plain file name",
                            index, tensor, file ? file : "(no string)");
        if (json_object_set_new(files, file, json_null()))
            return err_nomem(err, "to open '%s'", index);
    }
    if (json_object_size(files) > MAX_SHARDS)
        return err_fail(err, TRV_EFORMAT, "'%s' names %zu files, more than %d",
                        index, json_object_size(files), MAX_SHARDS);
    return 0;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Open each file, in the order of their names. */
static int
open_files(struct checkpoint *ck, json_t *files, const char *index,
           trv_err *err)
{
    const size_t n = json_object_size(files);
    const char **names = mem_array(n, sizeof(*names)), *name;
    size_t k = 0;
    json_t *v;
    int rc = 0;

    ck->shards = mem_calloc(n, sizeof(*ck->shards));
    if (!names || !ck->shards) {
        mem_free(names);
        return err_nomem(err, "to open '%s'", index);
    }
    json_object_foreach(files, name, v) names[k++] = name;
    qsort(names, n, sizeof(*names), by_text);
    for (size_t i = 0; i < n && !rc; i++) {
        rc = open_shard(ck, path_join(ck->path, names[i]), err);
        if (rc)
            err_prefix(err, "a file that '%s' names", index);
    }
    mem_free(names);
    return rc;
}

/* An index is believed as transformers believes it: it says which files there
 * are. A tensor that it names and no file holds counts as absent. */
static int
note_absent(struct checkpoint *ck, const json_t *map, const char *index,
            trv_err *err)
{
    const char *tensor, *first = NULL;
    int64_t n = 0;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)map, tensor, v)
    {
        if (!find_exactly(ck, tensor) && n++ == 0)
            first = tensor;
    }
    if (n > 0 && sb_printf(&ck->notes,
                           "'%s' names tensors that no file holds (%" PRId64
                           ", such as '%.200s')\n",
                           index, n, first))
        return err_nomem(err, "to open '%s'", index);
    return 0;
}

static int
open_sharded(struct checkpoint *ck, const char *index, trv_err *err)
{
    json_t *doc = NULL, *files = NULL;
    const json_t *map;
    int rc = json_open(&doc, index, err);

    if (!rc)
        rc = json_need(doc, "weight_map", index, err);
    map = json_object_get(doc, "weight_map");
    if (!rc)
        rc = files_of(&files, map, index, err);
    if (!rc)
        rc = open_files(ck, files, index, err);
    if (!rc)
        rc = make_index(ck, err);
    if (!rc)
        rc = note_absent(ck, map, index, err);
    json_decref(files);
    json_decref(doc);
    return rc;
}

/* Say what is there instead of weights. */
static int
no_weights(const char *dir, trv_err *err)
{
    static const char pickle[] =
        "a Python pickle, which is not read; load it in transformers and call "
        "save_pretrained(), which writes safetensors";
    static const char tensorflow[] =
        "TensorFlow's format, which is not read; look for a copy in "
        "safetensors";
    static const char flax[] =
        "Flax's format, which is not read; look for a copy in safetensors";
    static const struct {
        const char *name, *what;
    } others[] = {
        {"pytorch_model.bin", pickle},
        {"pytorch_model.bin.index.json", pickle},
        {"consolidated.safetensors",
         "Mistral's own format, which is not read; take the model's folder in "
         "the format of transformers"},
        {"adapter_model.safetensors",
         "an adapter, and not those of its base; open the base, and name this "
         "folder as the adaptation"},
        {"tf_model.h5", tensorflow},
        {"flax_model.msgpack", flax},
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char *p = path_join(dir, others[i].name);
        const bool there = p && file_exists(p);

        mem_free(p);
        if (there)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "'%s' holds its weights only as '%s', %s", dir,
                            others[i].name, others[i].what);
    }
    return err_fail(err, TRV_EIO,
                    "'%s' holds no weights: neither model.safetensors "
                    "nor " INDEX "; a GGUF file is opened by its own path",
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
        if (file_exists(index) &&
            sb_printf(&ck->notes,
                      "'%s' is read, and not the files that '%s' names\n",
                      single, index))
            rc = err_nomem(err, "to open '%s'", ck->path);
        else
            rc = open_single(ck, mem_strdup(single), err);
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
    const size_t n = strlen(ck->path);
    struct filemap map;
    int rc;

    rc = filemap_open(&map, ck->path, err);
    if (rc)
        return rc;
    ck->is_gguf = (map.size >= 4 && memcmp(map.data, "GGUF", 4) == 0) ||
                  (n > 5 && strcmp(ck->path + n - 5, ".gguf") == 0);
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
    if (!rc && !ck->entries)
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
    sb_release(&ck->notes);
    mem_free(ck->entries);
    mem_free(ck->path);
    mem_free(ck);
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
                     int32_t heads, bool parts)
{
    TRV_ASSERT(ck->is_gguf && t >= ck->gguf.tensors &&
               t < ck->gguf.tensors + ck->gguf.n);
    ck->gguf.tensors[t - ck->gguf.tensors].unpermute_heads = heads;
    ck->gguf.tensors[t - ck->gguf.tensors].unpermute_parts = parts;
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
    if ((const unsigned char *)t->data >= map->data &&
        (const unsigned char *)t->data < map->data + map->size)
        filemap_forget(map, t->data, t->bytes); // else model_replace() made it
}

const char *
checkpoint_notes(const struct checkpoint *ck)
{
    return ck->notes.s ? ck->notes.s : "";
}

const struct gguf_file *
checkpoint_gguf(const struct checkpoint *ck)
{
    return ck->is_gguf ? &ck->gguf : NULL;
}
