/* reward_part.c -- parts of rewards: told, found again, and saved. */
#include "adapt/reward/reward_part.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/cross_model.h"
#include "adapt/reward/reward.h"
#include "adapt/reward/verifier.h"
#include "base/mem.h"

#define FOLDER_FILES_MAX 4096

static int
no_memory(trv_err *err)
{
    return err_fail(err, TRV_ENOMEM, "no memory for a part of a reward");
}

/* ---- the hash of a folder ----------------------------------------------- */

struct names {
    char **v;
    size_t n;
};

static void
names_release(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->v[i]);
    mem_free(l->v);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Plain files of the folder but trivium.json, in order. */
static int
list_files(struct names *out, const char *dir, trv_err *err)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    int rc = 0;

    *out = (struct names){0};
    if (!d)
        return err_fail(err, TRV_EIO, "cannot read folder '%s': %s", dir,
                        strerror(errno));
    while (!rc && (e = readdir(d))) {
        char *path, **more;
        bool plain;

        if (e->d_name[0] == '.' || !strcmp(e->d_name, ARTEFACT_MANIFEST))
            continue;
        path = path_join(dir, e->d_name);
        plain = path && !file_is_dir(path);
        if (!path)
            rc = no_memory(err);
        mem_free(path);
        if (rc || !plain)
            continue;
        if (out->n == FOLDER_FILES_MAX)
            rc = err_fail(err, TRV_EFORMAT, "'%s' holds more than %d files",
                          dir, FOLDER_FILES_MAX);
        more =
            rc ? NULL : mem_reallocarray(out->v, out->n + 1, sizeof(*out->v));
        if (more) {
            out->v = more;
            out->v[out->n] = mem_strdup(e->d_name);
        }
        if (!rc && (!more || !out->v[out->n++]))
            rc = no_memory(err);
    }
    closedir(d);
    if (!rc && out->n > 1)
        qsort(out->v, out->n, sizeof(*out->v), by_name);
    return rc;
}

int
part_hash(char hex[HASH_HEX], const char *dir, trv_err *err)
{
    struct names files;
    struct hash *h = NULL;
    int rc = list_files(&files, dir, err);

    if (!rc)
        rc = hash_open(&h, err);
    for (size_t i = 0; i < files.n && !rc; i++) {
        char *path = path_join(dir, files.v[i]);
        char one[HASH_HEX];

        rc = !path                  ? no_memory(err)
             : file_size(path) == 0 ? hash_bytes(one, "", 0, err)
                                    : hash_file(one, path, err);
        mem_free(path);
        if (rc)
            break;
        hash_add(h, files.v[i], strlen(files.v[i]) + 1);
        hash_add(h, one, HASH_HEX - 1);
    }
    if (h)
        hash_close(h, hex);
    names_release(&files);
    return rc;
}

/* ---- paths -------------------------------------------------------------- */

/* The way from folder `from` to `to`, both absolute and without links. */
static int
relative_path(struct strbuf *out, const char *from, const char *to)
{
    size_t i = 0, shared = 0;
    int bad = 0;

    while (from[i] && from[i] == to[i]) {
        i++;
        if ((from[i] == '/' || !from[i]) && (to[i] == '/' || !to[i]))
            shared = i;
    }
    for (const char *p = from + shared; *p; p++)
        if (*p == '/' && p[1])
            bad |= sb_puts(out, out->len ? "/.." : "..");
    for (to += shared; *to == '/';)
        to++;
    if (*to)
        bad |= sb_printf(out, "%s%s", out->len ? "/" : "", to);
    if (!out->len)
        bad |= sb_puts(out, ".");
    return bad;
}

static int
tell_folder(json_t **out, const struct adaptation *a, const char *dir,
            trv_err *err)
{
    char *from = realpath(dir, NULL), *to = realpath(a->path, NULL);
    struct strbuf path = {0};
    char hash[HASH_HEX];
    int rc = from && to ? part_hash(hash, to, err)
                        : err_fail(err, TRV_EIO, "cannot find '%s': %s",
                                   from ? a->path : dir, strerror(errno));

    if (!rc && relative_path(&path, from, to))
        rc = no_memory(err);
    if (!rc) {
        *out = json_pack("{s:s,s:s,s:s}", "kind", kind_name(a->kind), "path",
                         path.s, "sha256", hash);
        if (!*out)
            rc = no_memory(err);
    }
    sb_release(&path);
    free(from);
    free(to);
    return rc;
}

/* ---- telling ------------------------------------------------------------ */

/* What an adaptation changes in another model: both, in one part. */
static int
tell_carried(json_t **out, const struct adaptation *a,
             const struct adaptation *base, const char *dir, trv_err *err)
{
    json_t *of = NULL;
    int rc;

    if (!file_is_dir(base->path))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' is a single file, which cannot be a part of an "
                        "artefact",
                        base->path);
    rc = part_tell(&of, a, dir, err);
    if (!rc)
        rc = tell_folder(out, base, dir, err);
    if (!rc && (json_object_set_new(*out, "kind", json_string("on")) ||
                json_object_set(*out, "of", of))) {
        json_decref(*out);
        *out = NULL;
        rc = no_memory(err);
    }
    json_decref(of);
    return rc;
}

int
part_tell(json_t **out, const struct adaptation *a, const char *dir,
          trv_err *err)
{
    json_t *inner = NULL;
    int rc;

    *out = NULL;
    if (a->kind == KIND_TEXT) {
        *out =
            json_pack("{s:s,s:s}", "kind", kind_name(a->kind), "text", a->text);
    } else if (a->kind == KIND_MESSAGES) {
        *out = json_pack("{s:s,s:O}", "kind", kind_name(a->kind), "messages",
                         a->messages);
    } else if (a->is_carried) {
        return tell_carried(out, a->mix[0].a, a->mix[1].a, dir, err);
    } else if (a->reward && a->kind != KIND_HEAD) {
        rc = reward_tell(&inner, a, dir, err);
        if (rc)
            return rc;
        *out =
            json_pack("{s:s,s:o}", "kind", kind_name(a->kind), "reward", inner);
    } else if (a->path && file_is_dir(a->path)) {
        return tell_folder(out, a, dir, err);
    } else {
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%.200s' cannot be a part of an artefact", a->spec);
    }
    return *out ? 0 : no_memory(err);
}

static int
tell_parts(json_t *obj, const struct reward *r, const char *dir, trv_err *err)
{
    json_t *list = json_array();
    int rc =
        list && !json_object_set_new(obj, "parts", list) ? 0 : no_memory(err);

    for (int64_t p = 0; p < r->n_parts && !rc; p++) {
        json_t *part = NULL;

        rc = part_tell(&part, r->parts[p].of, dir, err);
        if (!rc && json_array_append_new(list, json_pack("{s:f,s:o}", "weight",
                                                         r->parts[p].weight,
                                                         "part", part)))
            rc = no_memory(err);
    }
    return rc;
}

static int
tell_side(json_t *obj, const char *key, const struct adaptation *side,
          const char *dir, trv_err *err)
{
    json_t *part = NULL;
    int rc = 0;

    if (side)
        rc = part_tell(&part, side, dir, err);
    else
        part = json_string("base");
    if (!rc && json_object_set_new(obj, key, part))
        rc = no_memory(err);
    return rc;
}

int
reward_tell(json_t **out, const struct adaptation *a, const char *dir,
            trv_err *err)
{
    const struct reward *r = a->reward;
    json_t *obj = json_deep_copy(r->conf);
    int rc = obj ? 0 : no_memory(err);

    *out = NULL;
    if (!rc && a->kind == KIND_VERIFIER && verifier_runs(r->verifier))
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "a verifier that runs an outside program is not saved: "
                      "no folder should be able to run one");
    if (!rc && (a->kind == KIND_RATIO || a->kind == KIND_CONTRAST) &&
        json_object_set_new(obj, "beta", json_real(r->beta)))
        rc = no_memory(err);
    if (!rc && a->kind == KIND_RATIO)
        rc = tell_side(obj, "of", r->plus, dir, err);
    if (!rc && a->kind == KIND_CONTRAST)
        rc = tell_side(obj, "plus", r->plus, dir, err);
    if (!rc && a->kind == KIND_CONTRAST)
        rc = tell_side(obj, "minus", r->minus, dir, err);
    if (!rc && a->kind == KIND_SUM)
        rc = tell_parts(obj, r, dir, err);
    if (rc)
        json_decref(obj);
    else
        *out = obj;
    return rc;
}

int
reward_save(struct artefact *head, const struct adaptation *a,
            struct outdir *to, trv_err *err)
{
    json_t *obj = NULL;
    int rc;

    TRV_ASSERT(head->kind == a->kind && a->reward);
    rc = outdir_open(to, err);
    if (!rc) // the temporary folder stands where the real one will
        rc = reward_tell(&obj, a, to->tmp, err);
    if (!rc && json_object_set_new(head->root, "reward", obj))
        rc = no_memory(err);
    if (!rc)
        rc = artefact_finish(head, to, err);
    if (!rc)
        rc = outdir_commit(to, err);
    return rc;
}

/* ---- opening ------------------------------------------------------------ */

static int
broken(const char *dir, trv_err *err)
{
    return err_fail(err, TRV_EFORMAT,
                    "a part of the reward '%s' is broken: it needs 'kind' and "
                    "one of text, messages, reward, or path and sha256",
                    dir);
}

/* The folder that a part refers to, if it is what it was. */
static int
find_folder(char **out, const char *dir, const json_t *part, trv_err *err)
{
    const char *path = json_string_value(json_object_get(part, "path"));
    const char *want = json_string_value(json_object_get(part, "sha256"));
    char *whole;
    char got[HASH_HEX];
    int rc;

    *out = NULL;
    if (!path || !*path || !want || strlen(want) != HASH_HEX - 1)
        return broken(dir, err);
    whole = *path == '/' ? mem_strdup(path) : path_join(dir, path);
    if (!whole)
        return no_memory(err);
    rc = file_is_dir(whole) ? part_hash(got, whole, err)
                            : err_fail(err, TRV_EIO,
                                       "'%s' refers to the folder '%s', which "
                                       "is not there",
                                       dir, whole);
    if (!rc && strcmp(got, want) != 0)
        rc = err_fail(err, TRV_EMISMATCH,
                      "'%s' refers to '%s', which has changed since: its "
                      "SHA-256 is %.12s..., not %.12s...",
                      dir, whole, got, want);
    if (rc)
        mem_free(whole);
    else
        *out = whole;
    return rc;
}

static int
open_folder_part(struct adaptation **out, const struct adaptation_how *how,
                 const char *dir, const json_t *part, trv_err *err)
{
    const char *kind = json_string_value(json_object_get(part, "kind"));
    char *whole;
    int rc = find_folder(&whole, dir, part, err);

    if (!rc)
        rc = adaptation_open_folder(out, how, whole, err);
    if (!rc && strcmp(kind_name((*out)->kind), kind) != 0) {
        rc = err_fail(err, TRV_EMISMATCH,
                      "'%s' refers to '%s' as %.40s, and it is %s", dir, whole,
                      kind, kind_name((*out)->kind));
        adaptation_free(*out);
        *out = NULL;
    }
    mem_free(whole);
    return rc;
}

int
part_open(struct adaptation **out, const struct adaptation_how *how,
          const char *dir, const json_t *part, trv_err *err)
{
    const char *kind = json_string_value(json_object_get(part, "kind"));
    const json_t *text = json_object_get(part, "text");
    const json_t *messages = json_object_get(part, "messages");
    const json_t *conf = json_object_get(part, "reward");
    int rc;

    *out = NULL;
    if (!kind)
        return broken(dir, err);
    if (!strcmp(kind, "text") && json_is_string(text))
        return adaptation_of_text(out, json_string_value(text),
                                  json_string_length(text), err);
    if (!strcmp(kind, "messages") && messages)
        return adaptation_of_messages(out, messages, dir, err);
    if (!strcmp(kind, "on")) {
        const char *of = json_string_value(
            json_object_get(json_object_get(part, "of"), "kind"));
        char *base;

        if (!of || !strcmp(of, "on"))
            return broken(dir, err);
        rc = find_folder(&base, dir, part, err);
        if (!rc)
            rc = carry_open_part(out, how, base, dir,
                                 json_object_get(part, "of"), err);
        mem_free(base);
        return rc;
    }
    if (!conf)
        return open_folder_part(out, how, dir, part, err);
    for (int k = 0; k < KIND_COUNT; k++) {
        struct adaptation *a;

        if (strcmp(kind_name((enum kind)k), kind) != 0 ||
            kind_form((enum kind)k) != FORM_REWARD ||
            k == KIND_HEAD) // which is a folder
            continue;
        a = mem_calloc(1, sizeof(*a));
        if (!a)
            return no_memory(err);
        a->kind = (enum kind)k;
        a->form = FORM_REWARD;
        a->spec = mem_strdup(kind);
        rc =
            a->spec ? reward_open_conf(a, how, dir, conf, err) : no_memory(err);
        if (rc)
            adaptation_free(a);
        else
            *out = a;
        return rc;
    }
    return broken(dir, err);
}

int
reward_open_artefact(struct adaptation *a, const struct adaptation_how *how,
                     const char *dir, trv_err *err)
{
    struct adaptation_how inner = *how;

    inner.foreign = true;
    return reward_open_conf(a, &inner, dir,
                            json_object_get(a->artefact.root, "reward"), err);
}
