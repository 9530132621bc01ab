/* test_scalar.c -- the scalar head against transformers (tests/golden/heads): a
 * reward model's scores, and where a row is read.
 */
#include "support/test.h"

#include <string.h>

#include "adapt/params/peft.h"
#include "adapt/session.h"
#include "base/json.h"
#include "model/decoder/scalar.h"
#include "support/golden.h"

#define ROWS_MAX 16

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static const char *
path_of(char *buf, size_t size, const char *family, const char *name)
{
    snprintf(buf, size, "golden/heads/%s/%s", family, name);
    return buf;
}

static int64_t
rows_of(struct row *rows, int32_t (*ids)[64], const json_t *golden,
        const struct adapter_weights *adapter_weights)
{
    const json_t *list = json_object_get(golden, "rows"), *one, *id;
    size_t i, j;

    json_array_foreach(list, i, one)
    {
        assert_true(i < ROWS_MAX && json_array_size(one) <= 64);
        json_array_foreach(one, j, id) ids[i][j] =
            (int32_t)json_integer_value(id);
        rows[i] = (struct row){ids[i], (int64_t)json_array_size(one),
                               adapter_weights};
    }
    return (int64_t)json_array_size(list);
}

static void
check_scores(const char *family, const char *isa, bool whole)
{
    const struct backend_options be = {.isa = isa, .prec = PREC_F32};
    struct session s = {0};
    struct adapter_weights adapter_weights = {0};
    struct row rows[ROWS_MAX];
    int32_t ids[ROWS_MAX][64];
    double r[ROWS_MAX];
    float *w = NULL;
    char name[80];
    json_t *golden;
    struct decoder *d;
    int64_t n;
    trv_err err = {0};

    golden =
        golden_open(path_of(name, sizeof(name), family, "golden.json") + 7);
    must(backend_open(&s.be, &be, &err), &err);
    if (whole) {
        must(model_open_scorer(
                 &s.model,
                 test_source(path_of(name, sizeof(name), family, "whole")),
                 &err),
             &err);
    } else {
        snprintf(name, sizeof(name), "golden/models/%s", family);
        must(model_open(&s.model, test_source(name), &err), &err);
        must(peft_read_scorer(
                 &adapter_weights.lora, &w, NULL, &s.model->cfg,
                 test_source(path_of(name, sizeof(name), family, "adapter")),
                 false, &err),
             &err);
        must(adapter_weights_refresh(&adapter_weights, s.be, &err), &err);
    }
    must(session_decoder(&s, &d, &err), &err);
    n = rows_of(rows, ids, golden, whole ? NULL : &adapter_weights);
    must(scalar_score(d, &s.arena, r, whole ? d->score.v : w, rows, n,
                      s.model->cfg.pad, &err),
         &err);
    /* Sums of 32 products of order 1 in f32, through two layers, against
     * float64: 1e-5 of the largest is asked, and 3e-6 was seen. */
    golden_assert(r, n, golden, whole ? "whole" : "adapter", 1e-5);
    mem_free(w);
    adapter_weights_release(&adapter_weights);
    decoder_free(s.decoder);
    arena_release(&s.arena);
    model_free(s.model);
    backend_free(s.be);
    json_decref(golden);
}

static void
test_scalar_scores_of_a_whole_folder_equal_transformers(void **state)
{
    (void)state;
    check_scores("gpt2", "ref", true);
    check_scores("gpt2", NULL, true);
    check_scores("llama", "ref", true);
    check_scores("llama", NULL, true);
}

static void
test_scalar_scores_of_a_lora_with_its_score_equal_peft(void **state)
{
    (void)state;
    check_scores("gpt2", "ref", false);
    check_scores("llama", "ref", false);
    check_scores("llama", NULL, false);
}

static void
test_scalar_reads_the_last_token_that_is_no_padding(void **state)
{
    static const int32_t ids[] = {7, 0, 5, 9, 0, 0};
    static const int32_t all[] = {0, 0, 0};

    (void)state;
    assert_int_equal(scalar_place(ids, 6, 0), 3);
    assert_int_equal(scalar_place(ids, 6, -1), 5); // none is said: the last
    assert_int_equal(scalar_place(ids, 6, 8), 5);
    assert_int_equal(scalar_place(ids, 2, 0), 0);
    assert_int_equal(scalar_place(all, 3, 0), 0);
}

static void
test_scalar_gradients_equal_central_differences(void **state)
{
    static const int64_t at[] = {2, 0, 2}; // a shared token counts twice
    static const double d_r[] = {0.5, -2.0, 1.25};
    float h[3 * 4], d_h[3 * 4] = {0}, w[4], d_w[4] = {0};
    const struct mat hidden = mat_f32(h, 3, 4);
    float *const x[2] = {h, w}, *const g[2] = {d_h, d_w};
    const int n[2] = {12, 4};

    (void)state;
    for (int i = 0; i < 12; i++)
        h[i] = 0.25f * (float)((i * 7) % 11) - 1.0f;
    for (int i = 0; i < 4; i++)
        w[i] = 0.5f * (float)i - 0.75f;
    scalar_backward(d_w, mat_f32(d_h, 3, 4), d_r, w, hidden, at, 3);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < n[k]; i++) {
            const float old = x[k][i];
            double r[3], value[2] = {0};

            for (int s = 0; s < 2; s++) { // eighths: sums are exact in f32
                x[k][i] = old + (s ? 0.125f : -0.125f);
                scalar_forward(r, w, hidden, at, 3);
                for (int j = 0; j < 3; j++)
                    value[s] += d_r[j] * r[j];
            }
            x[k][i] = old;
            assert_close(g[k][i], (value[1] - value[0]) / 0.25, 1e-6);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_scalar_scores_of_a_whole_folder_equal_transformers),
        cmocka_unit_test(
            test_scalar_scores_of_a_lora_with_its_score_equal_peft),
        cmocka_unit_test(test_scalar_reads_the_last_token_that_is_no_padding),
        cmocka_unit_test(test_scalar_gradients_equal_central_differences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
