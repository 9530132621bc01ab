/* reward_part.c -- parts of rewards, written as JSON and read again. */
#include "adapt/reward/reward_part.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/reward/verifier.h"
#include "base/mem.h"

#define FOLDER_FILES_MAX 4096
#define PARTS "parts" // of a sum

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
            rc = err_nomem(err, "for a part of a reward");
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
            rc = err_nomem(err, "for a part of a reward");
    }
    closedir(d);
    if (!rc && out->n > 1)
        qsort(out->v, out->n, sizeof(*out->v), by_name);
    return rc;
}

static int
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

        rc = !path                  ? err_nomem(err, "for a part of a reward")
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
folder_to_json(json_t **out, const struct adaptation *a, const char *dir,
               trv_err *err)
{
    char *from = realpath(dir, NULL), *to = realpath(a->path, NULL);
    struct strbuf path = {0};
    char hash[HASH_HEX];
    int rc = from && to ? part_hash(hash, to, err)
                        : err_fail(err, TRV_EIO, "cannot find '%s': %s",
                                   from ? a->path : dir, strerror(errno));

    if (!rc && relative_path(&path, from, to))
        rc = err_nomem(err, "for a part of a reward");
    if (!rc) {
        *out = json_pack("{s:s,s:s,s:s}", "kind", kind_name(a->kind), "path",
                         path.s, "sha256", hash);
        if (!*out)
            rc = err_nomem(err, "for a part of a reward");
    }
    sb_release(&path);
    free(from);
    free(to);
    return rc;
}

/* ---- telling ------------------------------------------------------------ */

/* What an adaptation changes in another model: both, in one part. */
static int
carried_to_json(json_t **out, const struct adaptation *a,
                const struct adaptation *base, const char *dir, trv_err *err)
{
    json_t *of = NULL;
    int rc;

    if (!file_is_dir(base->path))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' is a single file, which cannot be a part of an "
                        "artefact",
                        base->path);
    rc = part_to_json(&of, a, dir, err);
    if (!rc)
        rc = folder_to_json(out, base, dir, err);
    if (!rc && (json_object_set_new(*out, "kind", json_string("on")) ||
                json_object_set(*out, "of", of))) {
        json_decref(*out);
        *out = NULL;
        rc = err_nomem(err, "for a part of a reward");
    }
    json_decref(of);
    return rc;
}

static int reward_to_json(json_t **out, const struct adaptation *a,
                          const char *dir, trv_err *err);

int
part_to_json(json_t **out, const struct adaptation *a, const char *dir,
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
    } else if (a->is_cross_model) {
        return carried_to_json(out, a->mix[0].a, a->mix[1].a, dir, err);
    } else if (a->reward && a->kind != KIND_HEAD) {
        rc = reward_to_json(&inner, a, dir, err);
        if (rc)
            return rc;
        *out =
            json_pack("{s:s,s:o}", "kind", kind_name(a->kind), "reward", inner);
    } else if (a->path && file_is_dir(a->path)) {
        return folder_to_json(out, a, dir, err);
    } else {
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%.200s' cannot be a part of an artefact", a->spec);
    }
    return *out ? 0 : err_nomem(err, "for a part of a reward");
}

/* {"weight": 0.7, "part": {...}} each */
static int
parts_to_json(json_t *obj, const struct reward *r, const char *dir,
              trv_err *err)
{
    json_t *list = json_array();
    int rc = list && !json_object_set_new(obj, PARTS, list)
                 ? 0
                 : err_nomem(err, "for a part of a reward");

    for (int64_t p = 0; p < r->n_parts && !rc; p++) {
        json_t *part = NULL;

        rc = part_to_json(&part, r->parts[p].of, dir, err);
        if (!rc && json_array_append_new(list, json_pack("{s:f,s:o}", "weight",
                                                         r->parts[p].weight,
                                                         "part", part)))
            rc = err_nomem(err, "for a part of a reward");
    }
    return rc;
}

static int
side_to_json(json_t *obj, const char *key, const struct adaptation *side,
             const char *dir, trv_err *err)
{
    json_t *part = NULL;
    int rc = 0;

    if (side)
        rc = part_to_json(&part, side, dir, err);
    else
        part = json_string("base");
    if (!rc && json_object_set_new(obj, key, part))
        rc = err_nomem(err, "for a part of a reward");
    return rc;
}

static int
reward_to_json(json_t **out, const struct adaptation *a, const char *dir,
               trv_err *err)
{
    const struct kind_row *row = kind_row(a->kind);
    const struct reward *r = a->reward;
    const struct adaptation *const side[] = {r->plus, r->minus};
    json_t *obj = json_deep_copy(r->conf);
    int rc = obj ? 0 : err_nomem(err, "for a part of a reward");

    *out = NULL;
    if (!rc && r->verifier && verifier_runs(r->verifier))
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "a verifier that runs an outside program is not saved: "
                      "no folder should be able to run one");
    if (!rc && row->factor &&
        json_object_set_new(obj, row->factor, json_real(r->beta)))
        rc = err_nomem(err, "for a part of a reward");
    for (int k = 0; row->sides[k] && !rc; k++)
        rc = side_to_json(obj, row->sides[k], side[k], dir, err);
    if (!rc && row->subject == SUBJECT_SUM)
        rc = parts_to_json(obj, r, dir, err);
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
        rc = reward_to_json(&obj, a, to->tmp, err);
    if (!rc && json_object_set_new(head->root, "reward", obj))
        rc = err_nomem(err, "for a part of a reward");
    if (!rc)
        rc = artefact_finish(head, to, err);
    if (!rc)
        rc = outdir_commit(to, err);
    return rc;
}

/* ---- reading ------------------------------------------------------------ */

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
        return err_nomem(err, "for a part of a reward");
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

static const struct kind_row *
row_of(const char *kind)
{
    for (int k = 1; k < KIND_COUNT; k++)
        if (strcmp(kind_name((enum kind)k), kind) == 0)
            return kind_row((enum kind)k);
    return NULL;
}

/* A tree of one node that names the artefact it is a part of. */
static int
begin(struct spec **out, const struct kind_row *row, const char *text,
      const char *dir, int depth, int *left, trv_err *err)
{
    int rc = spec_new(out, row, text, depth, left, err);

    if (rc)
        return rc;
    (*out)->referrer = mem_strdup(dir);
    return (*out)->referrer ? 0 : err_nomem(err, "for a part of a reward");
}

static int
read_text(struct spec **out, const char *dir, const json_t *text, int depth,
          int *left, trv_err *err)
{
    const int rc =
        begin(out, kind_row(KIND_TEXT), "(a text)", dir, depth, left, err);

    if (rc)
        return rc;
    (*out)->n_words = json_string_length(text);
    (*out)->words = mem_strndup(json_string_value(text), (*out)->n_words);
    return (*out)->words ? 0 : err_nomem(err, "for a part of a reward");
}

static int
read_messages(struct spec **out, const char *dir, json_t *messages, int depth,
              int *left, trv_err *err)
{
    const int rc = begin(out, kind_row(KIND_MESSAGES), "(messages)", dir, depth,
                         left, err);

    if (!rc)
        (*out)->messages = json_incref(messages);
    return rc;
}

static int
read_folder(struct spec **out, const char *dir, const json_t *part, int depth,
            int *left, trv_err *err)
{
    const char *kind = json_string_value(json_object_get(part, "kind"));
    char *whole;
    int rc = find_folder(&whole, dir, part, err);

    if (rc)
        return rc;
    rc = row_of(kind) ? begin(out, row_of(kind), whole, dir, depth, left, err)
                      : broken(dir, err);
    if (rc) {
        mem_free(whole);
        return rc;
    }
    (*out)->path = whole;
    (*out)->is_folder = true;
    return 0;
}

/* What an adaptation changes in another model, which is the folder. */
static int
read_cross_model(struct spec **out, const char *dir, const json_t *part,
                 int depth, int *left, trv_err *err)
{
    const json_t *inner = json_object_get(part, "of");
    const char *kind = json_string_value(json_object_get(inner, "kind"));
    const struct kind_row *row = kind_row_at(KIND_COUNT);
    struct spec *of;
    int rc;

    if (!kind || !strcmp(kind, row->prefix))
        return broken(dir, err);
    rc = begin(out, row, dir, dir, depth, left, err);
    if (!rc)
        rc = find_folder(&(*out)->path, dir, part, err);
    if (!rc)
        rc = part_read(&of, dir, inner, depth, left, err);
    return rc ? rc : spec_add(*out, 1.0, of, err);
}

static int
read_sides(struct spec *s, const char *dir, const json_t *conf, int *left,
           trv_err *err)
{
    int rc = 0;

    for (int k = 0; s->row->sides[k] && !rc; k++) {
        const json_t *side = json_object_get(conf, s->row->sides[k]);
        const char *word = json_string_value(side);
        const bool may_be_base = k > 0 || s->row->alone;
        struct spec *of = NULL;

        if (!may_be_base || (side && !(word && !strcmp(word, "base"))))
            rc = part_read(&of, dir, side, s->depth + 1, left, err);
        if (!rc)
            rc = spec_add(s, 1.0, of, err);
    }
    return rc;
}

static int
read_parts(struct spec *s, const char *dir, const json_t *conf, int *left,
           trv_err *err)
{
    const json_t *list = json_object_get(conf, PARTS), *entry;
    size_t i;
    int rc = 0;

    if (!json_is_array(list) || json_array_size(list) < 1)
        return err_fail(err, TRV_EFORMAT, "the sum of '%s' has no parts", dir);
    json_array_foreach(list, i, entry)
    {
        const json_t *w = json_object_get(entry, "weight");
        struct spec *of;

        if (!json_is_number(w) || !isfinite(json_number_value(w)))
            return err_fail(err, TRV_EFORMAT,
                            "part %zu of the sum of '%s' has no weight", i + 1,
                            dir);
        rc = part_read(&of, dir, json_object_get(entry, "part"), s->depth + 1,
                       left, err);
        if (!rc)
            rc = spec_add(s, json_number_value(w), of, err);
        if (rc)
            return rc;
    }
    return 0;
}

int
reward_read(struct spec **out, const struct kind_row *row, const char *dir,
            const json_t *conf, int depth, int *left, trv_err *err)
{
    struct spec *s;
    int rc = begin(out, row, row->prefix, dir, depth, left, err);

    if (rc)
        return rc;
    s = *out;
    if (!json_is_object(conf))
        return err_fail(err, TRV_EFORMAT,
                        "'%s' has no object 'reward' that describes its %s",
                        dir, row->prefix);
    s->conf = json_copy((json_t *)(uintptr_t)conf); // options: all but parts
    if (!s->conf)
        return err_nomem(err, "for a part of a reward");
    for (int k = 0; row->sides[k]; k++)
        (void)json_object_del(s->conf, row->sides[k]);
    if (row->subject != SUBJECT_SUM)
        return read_sides(s, dir, conf, left, err);
    (void)json_object_del(s->conf, PARTS);
    return read_parts(s, dir, conf, left, err);
}

static int
read_any(struct spec **out, const char *dir, const json_t *part, int depth,
         int *left, trv_err *err)
{
    const char *kind = json_string_value(json_object_get(part, "kind"));
    const json_t *text = json_object_get(part, "text");
    json_t *messages = json_object_get(part, "messages");
    const json_t *conf = json_object_get(part, "reward");
    const struct kind_row *row = kind ? row_of(kind) : NULL;

    if (!kind)
        return broken(dir, err);
    if (!strcmp(kind, kind_row_at(KIND_COUNT)->prefix))
        return read_cross_model(out, dir, part, depth, left, err);
    if (row && row->kind == KIND_TEXT && json_is_string(text))
        return read_text(out, dir, text, depth, left, err);
    if (row && row->kind == KIND_MESSAGES && messages)
        return read_messages(out, dir, messages, depth, left, err);
    if (!conf)
        return read_folder(out, dir, part, depth, left, err);
    return row && kind_is_described(row)
               ? reward_read(out, row, dir, conf, depth, left, err)
               : broken(dir, err);
}

int
part_read(struct spec **out, const char *dir, const json_t *part, int depth,
          int *left, trv_err *err)
{
    int rc;

    *out = NULL;
    rc = read_any(out, dir, part, depth, left, err);
    if (rc) {
        spec_free(*out);
        *out = NULL;
    }
    return rc;
}
