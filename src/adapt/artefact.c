/* artefact.c -- trivium.json, read with all checks and written to the same
 * bytes every time.
 */
#include "adapt/artefact.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

#define FILES_MAX 4096
#define CHAIN_MAX 4096
#define FORMAT (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

/* ---- reading --------------------------------------------------------- */

static bool
is_hash(const char *s)
{
    return strlen(s) == HASH_HEX - 1 &&
           strspn(s, "0123456789abcdef") == HASH_HEX - 1;
}

/* A field that must be a string, with no NUL inside. */
static int
need_string(const char **out, const json_t *obj, const char *key,
            const char *file, trv_err *err)
{
    int rc = json_need(obj, key, file, err);

    if (!rc)
        rc = json_str(out, obj, key, file, err);
    if (!rc && strlen(*out) != json_string_length(json_object_get(obj, key)))
        rc = err_fail(err, TRV_EFORMAT, "field '%s' of '%s' holds a NUL", key,
                      file);
    return rc;
}

/* A SHA-256 in hex, or "". */
static int
need_hash(const char **out, const json_t *obj, const char *key, bool empty,
          const char *file, trv_err *err)
{
    const int rc = need_string(out, obj, key, file, err);

    if (rc || is_hash(*out) || (empty && !**out))
        return rc;
    return err_fail(err, TRV_EFORMAT, "field '%s' of '%s' is no SHA-256", key,
                    file);
}

static int
read_kind(struct artefact *a, const char *file, trv_err *err)
{
    const char *form = NULL, *kind = NULL;
    int rc;

    rc = need_string(&form, a->root, "form", file, err);
    if (!rc)
        rc = need_string(&kind, a->root, "kind", file, err);
    if (rc)
        return rc;
    for (int k = 1; k < KIND_COUNT; k++) { // 0: base is no artefact
        if (strcmp(kind_name((enum kind)k), kind) != 0 ||
            strcmp(form_name(kind_form((enum kind)k)), form) != 0)
            continue;
        a->kind = (enum kind)k;
        a->form = kind_form(a->kind);
        return 0;
    }
    return err_fail(err, TRV_EUNSUPPORTED,
                    "'%s' is of form '%.60s', kind '%.60s', which this version "
                    "does not know",
                    file, form, kind);
}

static int
read_base(struct artefact *a, const char *file, trv_err *err)
{
    const json_t *base = json_object_get(a->root, "base");
    int rc;

    a->base_name = a->base_weights = a->base_tokenizer = a->base_chat = "";
    if (!base || json_is_null(base))
        return 0;
    rc = need_string(&a->base_name, base, "name", file, err);
    if (!rc)
        rc = need_hash(&a->base_weights, base, "weights", true, file, err);
    if (!rc)
        rc = need_hash(&a->base_tokenizer, base, "tokenizer", true, file, err);
    if (!rc)
        rc = need_hash(&a->base_chat, base, "chat", true, file, err);
    return rc;
}

static int
need_array(const json_t **out, const json_t *root, const char *key, size_t most,
           const char *file, trv_err *err)
{
    const int rc = json_need(root, key, file, err);

    if (rc)
        return rc;
    *out = json_object_get(root, key);
    if (!json_is_array(*out) || json_array_size(*out) > most)
        return err_fail(err, TRV_EFORMAT,
                        "field '%s' of '%s' is no array of at most %zu", key,
                        file, most);
    return 0;
}

static int
read_chain(struct artefact *a, const char *file, trv_err *err)
{
    const json_t *step, *cost, *options;
    const char *s = "";
    size_t i;
    int rc;

    rc = need_array(&a->chain, a->root, "chain", CHAIN_MAX, file, err);
    json_array_foreach(a->chain, i, step)
    {
        if (!rc)
            rc = need_string(&s, step, "from", file, err);
        if (!rc)
            rc = need_string(&s, step, "edge", file, err);
        if (!rc)
            rc = need_string(&s, step, "method", file, err);
        if (!rc)
            rc = need_string(&s, step, "version", file, err);
        if (!rc)
            rc = need_hash(&s, step, "data", true, file, err);
        if (!rc)
            rc = need_string(&s, step, "seed", file, err);
        if (rc)
            return rc;
        options = json_object_get(step, "options");
        cost = json_object_get(step, "cost");
        if (!*s || strspn(s, "0123456789") != strlen(s) || strlen(s) > 20 ||
            !json_is_object(options) || (cost && !json_is_object(cost)))
            return err_fail(err, TRV_EFORMAT,
                            "conversion %zu of '%s' is broken: 'seed' is a "
                            "string of digits, 'options' and 'cost' are "
                            "objects",
                            i + 1, file);
    }
    return rc;
}

/* A name that stays inside its folder. */
static bool
is_plain_name(const char *s)
{
    return *s && *s != '.' && !strchr(s, '/') && strlen(s) < 256;
}

static int
read_files(struct artefact *a, const char *file, trv_err *err)
{
    json_t *seen = json_object();
    const json_t *f;
    size_t i;
    int rc = seen ? 0 : err_nomem(err, "to read '%s'", file);

    if (!rc)
        rc = need_array(&a->files, a->root, "files", FILES_MAX, file, err);
    json_array_foreach(a->files, i, f)
    {
        const char *name = NULL, *hash = NULL;
        int64_t bytes = 0;

        if (!rc)
            rc = need_string(&name, f, "name", file, err);
        if (!rc)
            rc = need_hash(&hash, f, "sha256", false, file, err);
        if (!rc)
            rc = json_need(f, "bytes", file, err);
        if (!rc)
            rc = json_int(&bytes, f, "bytes", 0, INT64_MAX, file, err);
        if (!rc && (!is_plain_name(name) || !strcmp(name, ARTEFACT_MANIFEST)))
            rc = err_fail(err, TRV_EFORMAT,
                          "'%s' lists '%.100s', which is no plain file name",
                          file, name);
        if (!rc && json_object_get(seen, name))
            rc =
                err_fail(err, TRV_EFORMAT, "'%s' lists '%s' twice", file, name);
        if (!rc && json_object_set_new(seen, name, json_true()))
            rc = err_nomem(err, "to read '%s'", file);
        if (rc)
            break;
    }
    json_decref(seen);
    return rc;
}

static int
read_root(struct artefact *a, const char *file, trv_err *err)
{
    int64_t version = 0;
    int rc;

    rc = json_need(a->root, "trivium", file, err);
    if (!rc)
        rc = json_int(&version, a->root, "trivium", 1, INT32_MAX, file, err);
    if (!rc && version > ARTEFACT_VERSION)
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "'%s' has the format version %" PRId64
                      "; this program reads up to %d",
                      file, version, ARTEFACT_VERSION);
    if (!rc)
        rc = read_kind(a, file, err);
    if (!rc)
        rc = read_base(a, file, err);
    a->layout = "";
    if (!rc && json_object_get(a->root, "layout"))
        rc = need_string(&a->layout, a->root, "layout", file, err);
    if (!rc)
        rc = read_chain(a, file, err);
    if (!rc)
        rc = read_files(a, file, err);
    if (rc)
        return rc;
    a->measured = json_object_get(a->root, "measured");
    if (json_is_null(a->measured))
        a->measured = NULL;
    if (a->measured && !json_is_object(a->measured))
        return err_fail(err, TRV_EFORMAT,
                        "field 'measured' of '%s' is no object", file);
    return 0;
}

bool
artefact_is(const char *dir)
{
    return dir_has(dir, ARTEFACT_MANIFEST);
}

int
artefact_parse(struct artefact *out, const char *name, const char *bytes,
               size_t n, trv_err *err)
{
    int rc;

    *out = (struct artefact){0};
    rc = json_parse(&out->root, name, bytes, n, err);
    if (!rc)
        rc = read_root(out, name, err);
    if (rc)
        artefact_release(out);
    return rc;
}

int
artefact_read(struct artefact *out, const char *dir, trv_err *err)
{
    char *path = path_join(dir, ARTEFACT_MANIFEST);
    int rc;

    *out = (struct artefact){0};
    if (!path)
        return err_nomem(err, "to read '%s'", dir);
    rc = json_open(&out->root, path, err);
    if (!rc)
        rc = read_root(out, path, err);
    if (rc)
        artefact_release(out);
    mem_free(path);
    return rc;
}

int
artefact_check_files(const struct artefact *a, const char *dir, trv_err *err)
{
    const json_t *f;
    size_t i;

    json_array_foreach(a->files, i, f)
    {
        const char *name = json_string_value(json_object_get(f, "name"));
        const char *want = json_string_value(json_object_get(f, "sha256"));
        char *path = path_join(dir, name);
        char got[HASH_HEX];
        int64_t size, bytes = 0;
        int rc = 0;

        if (!path)
            return err_nomem(err, "to read '%s'", dir);
        size = file_size(path);
        (void)json_int(&bytes, f, "bytes", 0, INT64_MAX, "", NULL);
        if (size < 0)
            rc = err_fail(err, TRV_EIO, "'%s' is not whole: '%s' is not there",
                          dir, name);
        else if (size != bytes)
            rc = err_fail(err, TRV_EFORMAT,
                          "'%s' is not whole: '%s' has %" PRId64
                          " bytes, not %" PRId64,
                          dir, name, size, bytes);
        else if (size == 0) // which cannot be mapped
            rc = hash_bytes(got, "", 0, err);
        else
            rc = hash_file(got, path, err);
        if (!rc && strcmp(got, want) != 0)
            rc = err_fail(err, TRV_EFORMAT,
                          "'%s' is not whole: the SHA-256 of '%s' is %.12s..., "
                          "not %.12s...",
                          dir, name, got, want);
        mem_free(path);
        if (rc)
            return rc;
    }
    return 0;
}

int
artefact_check_base(const struct artefact *a, const char *dir, const char *name,
                    const struct model_identity *id, trv_err *err)
{
    const struct {
        const char *part, *differs, *made_for, *is;
    } parts[] = {
        {"weights", "differ from those", a->base_weights, id->weights},
        {"tokenizer", "differs from that", a->base_tokenizer, id->tokenizer},
        {"chat template", "differs from that", a->base_chat, id->chat},
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!*parts[i].made_for || !strcmp(parts[i].made_for, parts[i].is))
            continue;
        return err_fail(
            err, TRV_EMISMATCH,
            "'%s' was made for the base '%.100s': its %s (%.12s...) %s of "
            "'%.100s' (%.12s%s); on:MODEL,%s takes it as a change of MODEL, "
            "its own, and --any-base as it is",
            dir, a->base_name, parts[i].part, parts[i].made_for,
            parts[i].differs, name, *parts[i].is ? parts[i].is : "none",
            *parts[i].is ? "..." : "", dir);
    }
    return 0;
}

int64_t
artefact_bytes(const struct artefact *a)
{
    const json_t *f;
    int64_t sum = 0;
    size_t i;

    json_array_foreach(a->files, i, f)
    {
        int64_t bytes = 0;

        (void)json_int(&bytes, f, "bytes", 0, INT64_MAX, "", NULL);
        if (__builtin_add_overflow(sum, bytes, &sum))
            return INT64_MAX;
    }
    return sum;
}

void
artefact_release(struct artefact *a)
{
    json_decref(a->root);
    *a = (struct artefact){0};
}

/* ---- writing --------------------------------------------------------- */

int
artefact_init(struct artefact *a, enum kind kind, const char *base_name,
              const struct model_identity *id, trv_err *err)
{
    TRV_ASSERT(kind > KIND_BASE && kind < KIND_COUNT);
    *a = (struct artefact){0};
    a->root = json_pack(
        "{s:i, s:s, s:s, s:{s:s, s:s, s:s, s:s}, s:[], s:[]}", "trivium",
        ARTEFACT_VERSION, "form", form_name(kind_form(kind)), "kind",
        kind_name(kind), "base", "name", base_name ? base_name : "", "weights",
        id ? id->weights : "", "tokenizer", id ? id->tokenizer : "", "chat",
        id ? id->chat : "", "chain", "files");
    if (!a->root)
        return err_nomem(err, "for '%s'", ARTEFACT_MANIFEST);
    a->base_origin = base_name;
    return read_root(a, ARTEFACT_MANIFEST, err);
}

/* The array behind a borrowed pointer into root, to append to. */
static json_t *
own_array(struct artefact *a, const char *key)
{
    return json_object_get(a->root, key);
}

int
artefact_inherit(struct artefact *a, const struct artefact *from, trv_err *err)
{
    const json_t *step;
    size_t i;

    json_array_foreach(from->chain, i, step)
    {
        if (json_array_append_new(own_array(a, "chain"), json_deep_copy(step)))
            return err_nomem(err, "for '%s'", ARTEFACT_MANIFEST);
    }
    return 0;
}

int
artefact_add_step(struct artefact *a, const struct artefact_step *step,
                  trv_err *err)
{
    json_t *options = json_deep_copy(step->options), *obj;
    char seed[24];

    TRV_ASSERT(json_is_object(step->options));
    snprintf(seed, sizeof(seed), "%" PRIu64, step->seed);
    obj = json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s}", "from", step->from,
                    "edge", step->edge, "method", step->method, "options",
                    options, "seed", seed, "data", step->data ? step->data : "",
                    "version", step->version ? step->version : TRIVIUM_VERSION);
    if (obj && step->cost &&
        json_object_set_new(obj, "cost", json_deep_copy(step->cost))) {
        json_decref(obj);
        obj = NULL;
    }
    if (!obj || json_array_append_new(own_array(a, "chain"), obj))
        return err_nomem(err, "for '%s'", ARTEFACT_MANIFEST);
    return 0;
}

int
artefact_put(struct artefact *a, struct outdir *d, const char *name,
             const void *bytes, size_t n, trv_err *err)
{
    char hash[HASH_HEX];
    int rc;

    TRV_ASSERT(is_plain_name(name));
    rc = hash_bytes(hash, bytes, n, err);
    if (!rc)
        rc = outdir_write(d, name, bytes, n, err);
    if (!rc && json_array_append_new(own_array(a, "files"),
                                     json_pack("{s:s, s:s, s:I}", "name", name,
                                               "sha256", hash, "bytes",
                                               (json_int_t)n)))
        rc = err_nomem(err, "for '%s'", ARTEFACT_MANIFEST);
    return rc;
}

/* The bytes of trivium.json, to be freed with free(). What is written is first
 * read back, so that nothing is written that would be refused. */
static int
encode(char **out, const struct artefact *a, trv_err *err)
{
    struct artefact check = {.root = a->root};
    int rc = read_root(&check, ARTEFACT_MANIFEST, err);

    *out = NULL;
    if (rc)
        return rc;
    *out = json_dumps(a->root, FORMAT);
    return *out ? 0 : err_nomem(err, "for '%s'", ARTEFACT_MANIFEST);
}

int
artefact_finish(struct artefact *a, struct outdir *d, trv_err *err)
{
    char *text;
    int rc = encode(&text, a, err);

    if (!rc)
        rc = outdir_write(d, ARTEFACT_MANIFEST, text, strlen(text), err);
    free(text);
    return rc;
}

int
artefact_note_measured(const char *dir, const json_t *measured, trv_err *err)
{
    char *path = path_join(dir, ARTEFACT_MANIFEST), *text = NULL;
    json_t *own = (json_t *)(uintptr_t)measured, *all = NULL; // only looked at
    struct artefact a = {0};
    int rc;

    if (!path)
        return err_nomem(err, "for '%s'", ARTEFACT_MANIFEST);
    rc = artefact_read(&a, dir, err);
    if (!rc) // what a search for a prompt noted has other keys, and stays
        all = a.measured ? json_deep_copy(a.measured) : json_object();
    if (!rc && (!all || json_object_update(all, own) ||
                json_object_set(a.root, "measured", all)))
        rc = err_nomem(err, "for '%s'", ARTEFACT_MANIFEST);
    if (!rc)
        rc = encode(&text, &a, err);
    if (!rc)
        rc = file_write_atomic(path, text, strlen(text), err);
    free(text);
    json_decref(all);
    artefact_release(&a);
    mem_free(path);
    return rc;
}
