/* test_writer.c -- models written as folders, and read again. */
#include "support/families.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/sample/engine.h"
#include "model/files/safetensors.h"
#include "model/files/writer.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

struct opened {
    struct model *m;
    struct backend *be;
    struct decoder *d;
    struct arena a;
};

static void
open_all(struct opened *o, const char *path)
{
    const struct backend_options opts = {.prec = PREC_F32};
    trv_err err = {0};

    *o = (struct opened){0};
    must(model_open(&o->m, path, &err), &err);
    must(backend_open(&o->be, &opts, &err), &err);
    must(decoder_open(&o->d, o->m, o->be, &err), &err);
}

static void
close_all(struct opened *o)
{
    arena_release(&o->a);
    decoder_free(o->d);
    backend_free(o->be);
    model_free(o->m);
}

static void
score(struct opened *o, float out[11])
{
    static const int32_t ids[] = {5, 9, 33, 60, 2, 17, 17, 8, 41, 12, 5, 9};
    const struct scored_row row = {ids, 12, 1, NULL};
    float *to[1] = {out};
    trv_err err = {0};

    arena_reset(&o->a);
    must(engine_score(o->d, &o->a, to, &row, 1, &err), &err);
}

static void
write_trained(const struct opened *o, const char *path, enum dtype type)
{
    struct outdir dir;
    trv_err err = {0};

    must(outdir_init(&dir, path, &err), &err);
    must(outdir_lock(&dir, NULL, false, &err), &err);
    must(writer_trained(writer_to(&dir), o->d, type, &err), &err);
    must(outdir_commit(&dir, &err), &err);
    outdir_release(&dir);
}

/* The tiny models' weights are held exactly by bf16, so both types give back
 * the same model, whatever the layout of the family. */
static void
test_writer_gives_back_every_family_bit_for_bit(void **state)
{

    (void)state;
    for (size_t i = 0; test_family(i); i++)
        for (int type = 0; type < 2; type++) {
            struct opened o, again;
            char rel[64], path[128];
            float before[11], after[11];
            trv_err err = {0};

            snprintf(rel, sizeof(rel), "golden/models/%s", test_family(i));
            snprintf(path, sizeof(path), "%s/m", test_tmpdir("writer"));
            open_all(&o, test_source(rel));
            score(&o, before);
            must(decoder_train_full(o.d, &err), &err);
            write_trained(&o, path, type ? DT_BF16 : DT_F32);
            close_all(&o);
            open_all(&again, path);
            score(&again, after);
            close_all(&again);
            assert_memory_equal(before, after, sizeof(before));
        }
}

/* A tied config beside a head of its own: what is written says so. */
static void
test_writer_unties_a_head_of_its_own(void **state)
{
    struct tensor t[40];
    struct opened o, again;
    struct strbuf config = {0};
    struct st_file f;
    char dir[128], path[160], to[160], *bytes;
    float head[112 * 32], before[11], after[11];
    size_t size;
    trv_err err = {0};

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("writer-own-head"));
    must(
        st_open(&f, test_source("golden/models/qwen2/model.safetensors"), &err),
        &err);
    assert_true(f.n < 40);
    memcpy(t, f.tensors, (size_t)f.n * sizeof(*t));
    for (int i = 0; i < 112 * 32; i++)
        head[i] = (float)(i % 13 - 6) / 16.0f;
    t[f.n] = (struct tensor){.name = "lm_head.weight",
                             .type = DT_F32,
                             .n_dims = 2,
                             .dim = {112, 32},
                             .data = head,
                             .bytes = sizeof(head)};
    must(st_serialise(&bytes, &size, t, f.n + 1, NULL, &err), &err);
    snprintf(path, sizeof(path), "%s/model.safetensors", dir);
    must(file_write_atomic(path, bytes, size, &err), &err);
    must(file_read(&config, test_source("golden/models/qwen2/config.json"),
                   SIZE_MAX, &err),
         &err);
    snprintf(path, sizeof(path), "%s/config.json", dir);
    must(file_write_atomic(path, config.s, config.len, &err), &err);
    open_all(&o, dir);
    assert_false(o.m->cfg.tied);
    score(&o, before);
    must(decoder_train_full(o.d, &err), &err);
    snprintf(to, sizeof(to), "%s/m", dir);
    write_trained(&o, to, DT_F32);
    open_all(&again, to);
    assert_int_equal(again.m->notes.len, 0);
    score(&again, after);
    assert_memory_equal(before, after, sizeof(before));
    close_all(&o);
    close_all(&again);
    st_release(&f);
    sb_release(&config);
    mem_free(bytes);
}

static void
test_writer_scratch_knows_nothing_and_repeats_itself(void **state)
{
    float first[11], second[11];
    double mean = 0;
    char path[128];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct outdir dir;
        struct opened o;
        trv_err err = {0};

        snprintf(path, sizeof(path), "%s/m", test_tmpdir("scratch"));
        must(outdir_init(&dir, path, &err), &err);
        must(outdir_lock(&dir, NULL, false, &err), &err);
        must(writer_scratch(writer_to(&dir), test_source("golden/models/llama"),
                            5, &err),
             &err);
        must(outdir_commit(&dir, &err), &err);
        outdir_release(&dir);
        open_all(&o, path);
        score(&o, i == 0 ? first : second);
        if (i == 0)
            for (int k = 0; k < 11; k++)
                mean -= (double)first[k] / 11.0 / log((double)o.m->cfg.vocab);
        close_all(&o);
    }
    assert_memory_equal(first, second, sizeof(first));
    /* Every token costs about log V: logits of deviation 0.02 * sqrt(32). */
    assert_close(mean, 1.0, 0.05);
}

/* Norms begin as factors of 1, however a family stores them. */
static void
test_writer_scratch_begins_with_norms_of_one(void **state)
{
    static const char *const bases[] = {"golden/models/llama",
                                        "golden/models/gemma3"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        char path[128];
        struct outdir dir;
        struct opened o;
        float norm[32];
        trv_err err = {0};

        snprintf(path, sizeof(path), "%s/m", test_tmpdir("scratch-norm"));
        must(outdir_init(&dir, path, &err), &err);
        must(outdir_lock(&dir, NULL, false, &err), &err);
        must(writer_scratch(writer_to(&dir), test_source(bases[i]), 5, &err),
             &err);
        must(outdir_commit(&dir, &err), &err);
        outdir_release(&dir);
        open_all(&o, path);
        assert_int_equal(o.m->cfg.width, 32);
        tensor_rows_f32(norm, o.m->layers[0].norm1_w, 0, 1);
        for (int k = 0; k < 32; k++)
            assert_true(norm[k] == 1.0f);
        close_all(&o);
    }
}

static void
test_writer_refuses_weights_that_are_not_finite(void **state)
{
    struct opened o;
    struct outdir dir;
    char path[128];
    trv_err err = {0};

    (void)state;
    snprintf(path, sizeof(path), "%s/m", test_tmpdir("writer-nan"));
    open_all(&o, test_source("golden/models/qwen2"));
    must(decoder_train_full(o.d, &err), &err);
    o.d->w_full[o.d->items[3].at] = (float)NAN;
    must(outdir_init(&dir, path, &err), &err);
    must(outdir_lock(&dir, NULL, false, &err), &err);
    assert_int_equal(writer_trained(writer_to(&dir), o.d, DT_BF16, &err),
                     TRV_ENONFINITE);
    outdir_release(&dir);
    assert_false(file_exists(path));
    close_all(&o);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writer_gives_back_every_family_bit_for_bit),
        cmocka_unit_test(test_writer_unties_a_head_of_its_own),
        cmocka_unit_test(test_writer_scratch_knows_nothing_and_repeats_itself),
        cmocka_unit_test(test_writer_scratch_begins_with_norms_of_one),
        cmocka_unit_test(test_writer_refuses_weights_that_are_not_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
