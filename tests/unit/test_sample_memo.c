/* test_sample_memo.c -- answers that a stopped run kept: taken as they were
 * drawn, and refused where the file holds what no run writes.
 */
#include "support/families.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/seal.h"
#include "model/sample/engine.h"

enum { N = 3, LONGEST = 6 };

struct world {
    struct model *model;
    struct backend *be;
    struct decoder *d;
    struct arena a;
    json_t *about;
    char path[300];
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static int
open_world(void **state)
{
    static struct world w;
    const struct backend_options opts = {.prec = PREC_F32};
    char rel[128];
    trv_err err = {0};

    snprintf(rel, sizeof(rel), "golden/models/%s", test_family(0));
    must(model_open(&w.model, test_source(rel), &err), &err);
    must(backend_open(&w.be, &opts, &err), &err);
    must(decoder_open(&w.d, w.model, w.be, &err), &err);
    w.about = json_object();
    snprintf(w.path, sizeof(w.path), "%s/memo.jsonl",
             test_tmpdir("sample_memo"));
    *state = &w;
    return 0;
}

static int
close_world(void **state)
{
    struct world *w = *state;

    json_decref(w->about);
    arena_release(&w->a);
    decoder_free(w->d);
    backend_free(w->be);
    model_free(w->model);
    return 0;
}

static void
release(struct sample_out out[N])
{
    for (int i = 0; i < N; i++) {
        mem_free(out[i].ids);
        mem_free(out[i].logps);
    }
}

/* Draw N answers over the memo of the file. */
static int
draw(struct world *w, struct sample_out out[N], bool resume, uint64_t seed,
     trv_err *err)
{
    static const int32_t context[] = {1, 2, 3, 4};
    struct sample_row rows[N];
    struct sample_options o = {.sampling = SAMPLING_INIT,
                               .max_tokens = LONGEST,
                               .seed = seed,
                               .ignore_eos = true,
                               .want_logps = true};
    int rc;

    must(memo_open(&o.memo, w->path, resume, w->about, err), err);
    for (int i = 0; i < N; i++)
        rows[i] = (struct sample_row){context, 4, NULL, (uint64_t)i};
    rc = engine_sample(w->d, &w->a, out, rows, N, &o, err);
    memo_free(o.memo);
    return rc;
}

static void
assert_same(const struct sample_out a[N], const struct sample_out b[N])
{
    for (int i = 0; i < N; i++) {
        assert_int_equal(a[i].n, b[i].n);
        assert_int_equal(a[i].finish, b[i].finish);
        assert_true(a[i].logp == b[i].logp);
        assert_memory_equal(a[i].ids, b[i].ids,
                            (size_t)a[i].n * sizeof(*a[i].ids));
        assert_memory_equal(a[i].logps, b[i].logps,
                            (size_t)a[i].n * sizeof(*a[i].logps));
    }
}

static void
test_sample_memo_gives_the_answers_that_were_drawn(void **state)
{
    struct world *w = *state;
    struct sample_out drawn[N], taken[N];
    double passes;
    trv_err err = {0};

    must(draw(w, drawn, false, 7, &err), &err);
    passes = w->be->done.draws;
    must(draw(w, taken, true, 7, &err), &err);
    assert_true(w->be->done.draws == passes); // nothing was drawn again
    assert_same(drawn, taken);
    release(taken);
    must(draw(w, taken, true, 8, &err), &err); // of another run: drawn anew
    assert_true(w->be->done.draws > passes);
    assert_memory_not_equal(drawn[0].logps, taken[0].logps, sizeof(float));
    release(taken);
    release(drawn);
}

/* Set what `way` leads to, as "rows.0.2"; NULL takes it out. */
static void
put(json_t *value, const char *way, const char *text)
{
    json_t *x = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    const char *dot;

    while ((dot = strchr(way, '.'))) {
        value = json_is_array(value)
                    ? json_array_get(value, (size_t)(*way - '0'))
                    : json_object_get(value, "rows");
        way = dot + 1;
    }
    if (json_is_array(value) && x)
        json_array_set_new(value, (size_t)(*way - '0'), x);
    else if (json_is_array(value))
        json_array_remove(value, (size_t)(*way - '0'));
    else if (x)
        json_object_set_new(value, way, x);
    else
        json_object_del(value, way);
}

/* Write the file anew, sums and all, with its last result changed. */
static void
forge(const struct world *w, const char *way, const char *text)
{
    struct strbuf was = {0};
    trv_err err = {0};
    char *second, *line;
    json_t *obj;

    must(journal_read(&was, w->path, 1 << 20, &err), &err);
    second = strchr(was.s, '\n') + 1;
    obj = json_loads(second, 0, NULL);
    assert_non_null(obj);
    put(json_object_get(obj, "value"), way, text);
    line = json_dumps(obj, JSON_COMPACT);
    assert_int_equal(remove(w->path), 0);
    must(journal_append(w->path, was.s, (size_t)(second - was.s), &err), &err);
    sb_reset(&was);
    assert_int_equal(sb_printf(&was, "%s\n", line), 0);
    must(journal_append(w->path, was.s, was.len, &err), &err);
    free(line);
    json_decref(obj);
    sb_release(&was);
}

static void
test_sample_memo_refuses_what_no_run_writes(void **state)
{
    static const struct {
        const char *way, *text;
    } cases[] = {
        {"rows", NULL},
        {"rows", "{}"},
        {"rows.2", NULL},
        {"rows.0", "{}"},
        {"rows.0.0", "[]"},
        {"rows.0.0", "[1,2,3,4,5,6,7]"},
        {"rows.0.0", "\"ids\""},
        {"rows.0.0.3", "-1"},
        {"rows.0.0.3", "1000000"},
        {"rows.0.0.3", "4294967297"},
        {"rows.0.0.3", "2.0"},
        {"rows.0.1", "\"-1.5\""},
        {"rows.0.1", "null"},
        {"rows.0.2", "99"},
        {"rows.0.2", "-1"},
        {"rows.0.2", "true"},
        {"rows.0.3", NULL},
        {"rows.0.3", "[-0.5]"},
        {"rows.0.3.3", "\"-0.5\""},
        {"rows.0.3.3", "null"},
        {"tokens", NULL},
        {"tokens", "[]"},
        {"tokens", "[\"12\"]"},
        {"tokens", "[12.0, 12.0]"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sample_out out[N];
        trv_err err = {0};

        must(draw(w, out, false, 7, &err), &err);
        release(out);
        forge(w, cases[i].way, cases[i].text);
        if (draw(w, out, true, 7, &err) != TRV_EFORMAT)
            fail_msg("%s = %s was taken", cases[i].way, cases[i].text);
        assert_non_null(strstr(err.msg, "does not hold this run's results"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_memo_gives_the_answers_that_were_drawn),
        cmocka_unit_test(test_sample_memo_refuses_what_no_run_writes),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
