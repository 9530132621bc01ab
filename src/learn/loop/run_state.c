/* run_state.c -- a run between two steps, on disk. */
#include "learn/loop/run_state.h"

#include <float.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/seal.h"

#define RUN_STATE_VERSION 2

static const char *const names[3] = {"w", "m", "v"};

/* JSON has no NaN; a loss that was not yet is left out. */
static int
set_number(json_t *obj, const char *key, double x)
{
    return x == x ? json_object_set_new(obj, key, json_real(x)) : 0;
}

/* The sum of the state's text and of the three vectors [n]. */
static int
sum_state(char hex[HASH_HEX], const char *text, const void *const values[3],
          int64_t n, trv_err *err)
{
    struct hash *h;
    const int rc = hash_open(&h, err);

    if (rc)
        return rc;
    hash_add(h, text, strlen(text));
    for (int i = 0; i < 3; i++)
        hash_add(h, values[i], (size_t)n * sizeof(float));
    hash_close(h, hex);
    return 0;
}

/* The metadata: {"run": "...", "sha256": "..."}. */
static int
metadata(json_t **meta, const struct run_state *s, const void *const values[3],
         int64_t n, trv_err *err)
{
    json_t *obj = json_pack("{s:i, s:I, s:I, s:I, s:O?, s:O?}", "format",
                            RUN_STATE_VERSION, "step", (json_int_t)s->step,
                            "metrics_bytes", (json_int_t)s->metrics_bytes,
                            "tail_n", (json_int_t)s->tail_n, "fingerprint",
                            s->fingerprint, "task", s->task);
    char hex[HASH_HEX], *text = NULL;
    int rc = 0;

    if (!obj || set_number(obj, "first_loss", s->first_loss) ||
        set_number(obj, "last_loss", s->last_loss) ||
        set_number(obj, "tail_sum", s->tail_sum) ||
        set_number(obj, "tokens", s->tokens) ||
        set_number(obj, "seconds", s->seconds))
        rc = TRV_ENOMEM;
    if (!rc && !(text = json_dumps(obj, JSON_COMPACT | JSON_SORT_KEYS)))
        rc = TRV_ENOMEM;
    if (!rc)
        rc = sum_state(hex, text, values, n, err);
    if (!rc && !(*meta = json_pack("{s:s,s:s}", "run", text, "sha256", hex)))
        rc = TRV_ENOMEM;
    free(text);
    json_decref(obj);
    return rc == TRV_ENOMEM ? err_fail(err, rc, "no memory for a checkpoint")
                            : rc;
}

int
run_state_save(const char *dir, const struct run_state *s, const float *w,
               const float *m, const float *v, int64_t n, trv_err *err)
{
    const void *const values[3] = {w, m, v};
    char *path = path_join(dir, RUN_STATE_FILE);
    json_t *meta = NULL;
    struct tensor t[3];
    char *bytes = NULL;
    size_t size;
    int rc = path ? metadata(&meta, s, values, n, err)
                  : err_nomem(err, "for a checkpoint in '%s'", dir);

    if (rc)
        goto done;
    for (int i = 0; i < 3; i++)
        t[i] = (struct tensor){.name = names[i],
                               .type = DT_F32,
                               .n_dims = 1,
                               .dim = {n},
                               .data = values[i],
                               .bytes = (size_t)n * sizeof(float)};
    rc = st_serialise(&bytes, &size, t, 3, meta, err);
    if (rc) {
        (void)err_prefix(err, "no checkpoint of step %lld", (long long)s->step);
        goto done;
    }
    rc = file_write_atomic(path, bytes, size, err);
done:
    mem_free(bytes);
    mem_free(path);
    json_decref(meta);
    return rc;
}

static int
read_state(struct run_file *c, trv_err *err)
{
    struct run_state *s = &c->state;
    int64_t format = 0;
    int rc;

    rc = json_need(c->run, "step", c->path, err);
    if (!rc)
        rc = json_int(&format, c->run, "format", 0, INT32_MAX, c->path, err);
    if (!rc && format != RUN_STATE_VERSION)
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "'%s' is a checkpoint of format %lld, not %d", c->path,
                      (long long)format, RUN_STATE_VERSION);
    if (!rc)
        rc = json_int(&s->step, c->run, "step", 0, INT64_MAX, c->path, err);
    if (!rc)
        rc = json_int(&s->metrics_bytes, c->run, "metrics_bytes", 0, INT64_MAX,
                      c->path, err);
    if (!rc)
        rc = json_int(&s->tail_n, c->run, "tail_n", 0, INT64_MAX, c->path, err);
    if (!rc)
        rc = json_num(&s->first_loss, c->run, "first_loss", -DBL_MAX, DBL_MAX,
                      c->path, err);
    if (!rc)
        rc = json_num(&s->last_loss, c->run, "last_loss", -DBL_MAX, DBL_MAX,
                      c->path, err);
    if (!rc)
        rc = json_num(&s->tail_sum, c->run, "tail_sum", -DBL_MAX, DBL_MAX,
                      c->path, err);
    if (!rc)
        rc = json_num(&s->tokens, c->run, "tokens", 0.0, DBL_MAX, c->path, err);
    if (!rc)
        rc = json_num(&s->seconds, c->run, "seconds", 0.0, DBL_MAX, c->path,
                      err);
    s->fingerprint = json_object_get(c->run, "fingerprint");
    s->task = json_object_get(c->run, "task");
    if (json_is_null(s->task))
        s->task = NULL;
    return rc;
}

/* Vectors of one length, and the sum of all. */
static int
check_values(const struct run_file *c, const char *text, trv_err *err)
{
    const char *was =
        json_string_value(json_object_get(c->st.metadata, "sha256"));
    const void *values[3];
    char hex[HASH_HEX];
    int64_t n = 0;
    int rc;

    for (int i = 0; i < 3; i++) {
        const struct tensor *t = st_find(&c->st, names[i]);

        if (!t || t->type != DT_F32 || t->n_dims != 1 ||
            (i > 0 && t->dim[0] != n))
            return err_fail(err, TRV_EFORMAT,
                            "'%s' lacks the vector '%s' of a checkpoint",
                            c->path, names[i]);
        n = t->dim[0];
        values[i] = t->data;
    }
    if (!was)
        return seal_missing(c->path, err);
    rc = sum_state(hex, text, values, n, err);
    return rc || strcmp(was, hex) == 0 ? rc : seal_damaged(c->path, err);
}

static int
open_state(struct run_file *c, trv_err *err)
{
    const char *text;
    int rc = st_open(&c->st, c->path, err);

    if (rc)
        return rc == TRV_EFORMAT ? seal_damaged(c->path, err) : rc;
    text = json_string_value(json_object_get(c->st.metadata, "run"));
    if (!text)
        return err_fail(err, TRV_EFORMAT, "'%s' is no checkpoint of a run",
                        c->path);
    rc = check_values(c, text, err);
    if (!rc)
        rc = json_parse(&c->run, c->path, text, strlen(text), err);
    return rc ? rc : read_state(c, err);
}

int
run_state_open(struct run_file *c, const char *dir, int64_t n, trv_err *err)
{
    int64_t held;
    int rc;

    *c = (struct run_file){0};
    c->path = path_join(dir, RUN_STATE_FILE);
    if (!c->path)
        return err_nomem(err, "to read '%s'", dir);
    rc = file_exists(c->path)
             ? open_state(c, err)
             : err_fail(err, TRV_EIO,
                        "there is no stopped run in '%s': start without "
                        "--resume",
                        dir);
    held = rc ? n : st_find(&c->st, names[0])->dim[0];
    if (held != n)
        rc = err_fail(err, TRV_EMISMATCH,
                      "'%s' holds %lld parameters; this run has %lld", c->path,
                      (long long)held, (long long)n);
    if (rc)
        run_state_release(c);
    return rc;
}

/* The path of the first field that differs, or false. */
static bool
first_difference(char *buf, size_t size, const json_t *a, const json_t *b,
                 int depth)
{
    const json_t *const both[2] = {a, b};

    if (!json_is_object(a) || !json_is_object(b) || depth == 8) {
        buf[0] = '\0';
        return !(a && b && json_equal(a, b));
    }
    for (int side = 0; side < 2; side++) {
        json_t *obj = (json_t *)(uintptr_t)both[side];

        for (void *it = json_object_iter(obj); it;
             it = json_object_iter_next(obj, it)) {
            const char *key = json_object_iter_key(it);
            char rest[200];

            if (!first_difference(rest, sizeof(rest), json_object_get(a, key),
                                  json_object_get(b, key), depth + 1))
                continue;
            snprintf(buf, size, "%.60s%s%.130s", key, rest[0] ? "." : "", rest);
            return true;
        }
    }
    return false;
}

static void
field_text(char *buf, size_t size, const json_t *obj, const char *path)
{
    char *text;

    while (obj && *path) {
        const size_t n = strcspn(path, ".");
        char key[200];

        snprintf(key, sizeof(key), "%.*s", (int)n, path);
        obj = json_object_get(obj, key);
        path += n + (path[n] == '.');
    }
    text = obj ? json_dumps(obj, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    snprintf(buf, size, "%.*s", (int)size - 1, text ? text : "absent");
    free(text);
}

int
run_state_compare(const json_t *was, const json_t *is, const char *path,
                  trv_err *err)
{
    char field[200], old[120], new[120];

    if (!first_difference(field, sizeof(field), is, was, 0))
        return 0;
    field_text(old, sizeof(old), was, field);
    field_text(new, sizeof(new), is, field);
    return err_fail(err, TRV_EMISMATCH,
                    "cannot resume '%s': %s was %s and is %s now", path,
                    field[0] ? field : "the fingerprint", old, new);
}

int
run_state_same_run(const struct run_file *c, const json_t *fingerprint,
                   trv_err *err)
{
    return fingerprint ? run_state_compare(c->state.fingerprint, fingerprint,
                                           c->path, err)
                       : 0;
}

void
run_state_values(const struct run_file *c, struct backend *be, float *w,
                 float *m, float *v)
{
    float *const out[3] = {w, m, v};

    for (int i = 0; i < 3; i++) {
        const struct tensor *t = st_find(&c->st, names[i]);

        be->ops->upload(be, out[i], t->data, t->bytes);
    }
}

void
run_state_release(struct run_file *c)
{
    st_release(&c->st);
    json_decref(c->run);
    mem_free(c->path);
    *c = (struct run_file){0};
}
