/* test_folders.c -- folders whose files contradict each other, against what
 * transformers makes of them (tests/golden/folders).
 *
 * A log-probability is a sum of six, each of f32 sums of at most a hundred
 * terms through two layers: 1e-4 nat is asked of some 35.
 */
#include "support/golden.h"
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/session.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/sample/engine.h"

#define BASE "golden/tiny/one"

static json_t *golden;

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
put(const char *dir, const char *name, const char *bytes, size_t n)
{
    char path[300];
    trv_err err;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    must(file_write_atomic(path, bytes, n, &err), &err);
}

/* --- making a folder --- */

/* RFC 7396 on objects; takes `old`, which may be NULL. */
static json_t *
merge(json_t *old, const json_t *patch)
{
    json_t *out, *v;
    const char *key;

    if (!json_is_object(patch)) {
        json_decref(old);
        return json_deep_copy(patch);
    }
    out = json_is_object(old) ? json_incref(old) : json_object();
    json_decref(old);
    json_object_foreach((json_t *)(uintptr_t)patch, key, v)
    {
        if (json_is_null(v))
            json_object_del(out, key);
        else
            json_object_set_new(
                out, key, merge(json_incref(json_object_get(out, key)), v));
    }
    return out;
}

static void
put_files(const char *dir, const json_t *patches)
{
    static const char *const names[] = {"config.json", "generation_config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json"};
    json_t *files = json_object(), *v;
    const char *name;
    trv_err err;

    for (size_t i = 0; i < 4; i++) {
        char rel[64];
        json_t *doc;

        snprintf(rel, sizeof(rel), BASE "/%s", names[i]);
        must(json_open(&doc, test_source(rel), &err), &err);
        json_object_set_new(files, names[i], doc);
    }
    if (patches)
        files = merge(files, patches);
    json_object_foreach(files, name, v)
    {
        char *text = json_is_string(v) ? NULL : json_dumps(v, 0);
        const char *s = text ? text : json_string_value(v);

        put(dir, name, s, strlen(s));
        free(text);
    }
    json_decref(files);
}

#define TENSORS_MAX 40

struct weights {
    struct tensor t[TENSORS_MAX];
    void *owned[TENSORS_MAX];
    int64_t n;
};

static struct tensor *
find(struct weights *w, const char *name)
{
    for (int64_t i = 0; i < w->n; i++)
        if (!strcmp(w->t[i].name, name))
            return &w->t[i];
    return NULL;
}

/* Make `name` the f32 or bf16 form of the values of `from`, with `rows` rows
 * and times `by`. */
static void
derive(struct weights *w, const char *name, const struct tensor *from,
       enum dtype type, int64_t rows, double by)
{
    const int64_t old = tensor_rows(from), cols = tensor_cols(from);
    const size_t size = type == DT_F32 ? 4 : 2;
    float *x = mem_calloc((size_t)(rows * cols), sizeof(*x));
    struct tensor t = *from, *at = find(w, name);

    assert_non_null(x);
    assert_true(at || w->n < TENSORS_MAX);
    tensor_rows_f32(x, from, 0, old < rows ? old : rows);
    for (int64_t i = 0; i < rows * cols; i++) {
        const float f = (float)by * x[i];
        const bf16 b = bf16_from_f32(f);

        memcpy((char *)x + (size_t)i * size,
               size == 4 ? (const void *)&f : (const void *)&b, size);
    }
    t.name = name;
    t.type = type;
    if (t.n_dims == 2)
        t.dim[0] = rows;
    t.data = x;
    t.bytes = (size_t)(rows * cols) * size;
    at = at ? at : &w->t[w->n++];
    mem_free(w->owned[at - w->t]);
    w->owned[at - w->t] = x;
    *at = t;
}

static void
do_step(struct weights *w, const json_t *step)
{
    const char *what = json_string_value(json_array_get(step, 0));
    const char *name = json_string_value(json_array_get(step, 1));
    const json_t *arg = json_array_get(step, 2);
    struct tensor *t = find(w, name);
    struct tensor *from =
        json_is_string(arg) ? find(w, json_string_value(arg)) : NULL;

    if (!strcmp(what, "drop")) {
        mem_free(w->owned[t - w->t]);
        w->n--;
        *t = w->t[w->n];
        w->owned[t - w->t] = w->owned[w->n];
        w->owned[w->n] = NULL;
    } else if (!strcmp(what, "scale")) {
        derive(w, name, from, from->type, tensor_rows(from),
               json_number_value(json_array_get(step, 3)));
    } else if (!strcmp(what, "row")) {
        derive(w, name, from, from->type, tensor_rows(from), 1.0);
    } else if (!strcmp(what, "f32")) {
        derive(w, name, t, DT_F32, tensor_rows(t), 1.0);
    } else if (!strcmp(what, "pad")) {
        derive(w, name, t, t->type, json_integer_value(arg), 1.0);
    } else {
        fail_msg("no step '%s'", what);
    }
}

/* Is a tensor named in a shard's list, or under another name there? */
static bool
is_placed(const json_t *shards, const char *name)
{
    const char *file;
    json_t *list, *v;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)shards, file, list)
    {
        json_array_foreach(list, i, v)
        {
            const json_t *own = json_is_array(v) ? json_array_get(v, 0) : v;

            if (json_is_string(own) && !strcmp(json_string_value(own), name))
                return true;
        }
    }
    return false;
}

static void
put_shard(struct weights *w, const char *dir, const char *file,
          const json_t *list, const json_t *shards)
{
    struct tensor part[TENSORS_MAX];
    const json_t *v;
    int64_t n = 0;
    char *bytes;
    size_t size, i;
    bool rest = !json_is_array(list);
    trv_err err;

    json_array_foreach(list, i, v)
    {
        const json_t *own = json_is_array(v) ? json_array_get(v, 0) : v;

        if (json_is_null(v)) {
            rest = true;
            continue;
        }
        part[n] = *find(w, json_string_value(own));
        if (json_is_array(v))
            part[n].name = json_string_value(json_array_get(v, 1));
        n++;
    }
    for (int64_t k = 0; k < w->n && rest; k++)
        if (!is_placed(shards, w->t[k].name))
            part[n++] = w->t[k];
    must(st_serialise(&bytes, &size, part, n, NULL, &err), &err);
    put(dir, file, bytes, size);
    mem_free(bytes);
}

static void
put_weights(const char *dir, const json_t *c)
{
    json_t *shards = json_object_get(c, "shards"), *list, *step;
    struct weights w = {.n = 0};
    struct st_file f;
    const char *file;
    size_t i;
    trv_err err;

    must(st_open(&f, test_source(BASE "/model.safetensors"), &err), &err);
    for (; w.n < f.n; w.n++)
        w.t[w.n] = f.tensors[w.n];
    json_array_foreach(json_object_get(c, "tensors"), i, step)
    {
        do_step(&w, step);
    }
    if (!shards)
        put_shard(&w, dir, "model.safetensors", NULL, NULL);
    json_object_foreach(shards, file, list)
    {
        put_shard(&w, dir, file, list, shards);
    }
    for (i = 0; i < TENSORS_MAX; i++)
        mem_free(w.owned[i]);
    st_release(&f);
}

/* --- comparing --- */

static void
check_ids(const struct tokenizer *t, const json_t *want, const char *name)
{
    const json_t *texts = json_object_get(golden, "texts"), *text;
    size_t i;

    json_array_foreach(texts, i, text)
    {
        const json_t *list = json_array_get(json_object_get(want, "ids"), i);
        struct ids ids = {0};
        trv_err err = {0};
        bool missing = false;

        for (size_t k = 0; k < json_array_size(list); k++)
            missing |= json_integer_value(json_array_get(list, k)) >=
                       tokenizer_size(t);
        if (tokenizer_encode(t, &ids, json_string_value(text),
                             json_string_length(text), true, &err)) {
            if (!missing || !strstr(err.msg, "has no row"))
                fail_msg("%s: %s", name, err.msg);
            ids_release(&ids);
            continue;
        }
        assert_false(missing);
        for (int64_t k = 0; k < ids.n; k++)
            if (json_integer_value(json_array_get(list, (size_t)k)) != ids.v[k])
                fail_msg("%s: text %zu, token %d is %d", name, i, (int)k,
                         (int)ids.v[k]);
        assert_int_equal(ids.n, json_array_size(list));
        ids_release(&ids);
    }
    if (tokenizer_bos(t) !=
            json_integer_value(json_object_get(want, "bos_id")) ||
        tokenizer_eos(t) != json_integer_value(json_object_get(want, "eos_id")))
        fail_msg("%s: bos %d, eos %d", name, (int)tokenizer_bos(t),
                 (int)tokenizer_eos(t));
}

static double
logprob(struct session *s)
{
    const struct golden g = golden_array(golden, "ids");
    int32_t ids[GOLDEN_MAX];
    float logp[GOLDEN_MAX], *at = logp;
    const struct scored_row row = {ids, g.n, 1, NULL};
    struct decoder *d;
    double sum = 0;
    trv_err err;

    for (int64_t i = 0; i < g.n; i++)
        ids[i] = (int32_t)g.i[i];
    must(session_decoder(s, &d, &err), &err);
    must(engine_score(d, &s->arena, &at, &row, 1, &err), &err);
    for (int64_t i = 0; i + 1 < g.n; i++)
        sum += (double)logp[i];
    return sum;
}

static void
check_chat(const struct model *m, const json_t *want, const char *name)
{
    json_t *turns = json_pack("[{s:s,s:s}]", "role", "user", "content", "Hi");
    const struct chat_options opts = {.add_generation_prompt = true};
    struct strbuf out = {0};
    trv_err err;

    must(chat_render(m->chat, &out, turns, &opts, &err), &err);
    if (strcmp(out.s, golden_string(want, "chat")))
        fail_msg("%s: '%s'", name, out.s);
    sb_release(&out);
    json_decref(turns);
}

static void
check_note(const struct model *m, const json_t *c, const char *name)
{
    const char *note = json_string_value(json_object_get(c, "note"));
    const char *got = m->notes.s ? m->notes.s : "";

    if (note ? !strstr(got, note) : *got)
        fail_msg("%s: the notes are '%s'", name, got);
}

static void
check_case(const json_t *c)
{
    const json_t *want = json_object_get(c, "want"), *eos, *v;
    const char *name = golden_string(c, "name");
    const struct backend_options opts = {.prec = PREC_F32};
    char dir[200];
    struct session *s;
    trv_err err = {0};
    size_t i;
    int rc;

    snprintf(dir, sizeof(dir), "%s", test_tmpdir("folder"));
    put_files(dir, json_object_get(c, "files"));
    put_weights(dir, c);
    if (json_object_get(c, "index")) {
        char *text = json_dumps(json_object_get(c, "index"), 0);

        put(dir, "model.safetensors.index.json", text, strlen(text));
        free(text);
    }
    rc = session_open(&s, dir, &opts, &err);
    if (json_is_true(json_object_get(want, "refused"))) {
        if (rc == 0 || !err.msg[0])
            fail_msg("%s is not refused", name);
        return;
    }
    if (rc)
        fail_msg("%s: %s", name, err.msg);
    if (fabs(logprob(s) - golden_number(want, "logprob")) > 1e-4)
        fail_msg("%s: %.6f, not %.6f", name, logprob(s),
                 golden_number(want, "logprob"));
    eos = json_object_get(want, "eos");
    json_array_foreach(eos, i, v)
    {
        assert_true(model_ends_text(s->model, (int32_t)json_integer_value(v)));
    }
    check_ids(s->model->tokenizer, want, name);
    check_chat(s->model, want, name);
    check_note(s->model, c, name);
    session_free(s);
}

static void
test_folders_that_contradict_themselves_are_read_as_transformers_does(
    void **state)
{
    const json_t *c;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(golden, "cases"), i, c)
    {
        check_case(c);
    }
    assert_true(i > 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_folders_that_contradict_themselves_are_read_as_transformers_does),
    };
    int rc;

    golden = golden_open("folders/folders.json");
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(golden);
    return rc;
}
