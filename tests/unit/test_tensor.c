/* test_tensor.c -- facts about stored numbers. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "backend/tensor.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/safetensors.h"

static const struct tensor *
entry(const struct st_file *f, const char *type, const char *what)
{
    char name[32];

    snprintf(name, sizeof(name), "%s.%s", type, what);
    for (int64_t i = 0; i < f->n; i++) // bytes are U8, which st_find() hides
        if (strcmp(f->tensors[i].name, name) == 0)
            return &f->tensors[i];
    fail_msg("no '%s' in the golden file", name);
    return NULL;
}

static bool
is_quantised(enum dtype t)
{
    return dtype_block_values(t) > 1;
}

/* Exact: both sides multiply the same f32 numbers in the same order, and
 * neither fuses a multiplication with an addition. */
static void
test_tensor_dequantises_exactly_as_llama_cpp_does(void **state)
{
    struct st_file f;
    trv_err err;
    float got[256];

    (void)state;
    assert_int_equal(
        st_open(&f, test_source("golden/backend/quants.safetensors"), &err), 0);
    for (enum dtype k = 0; k < DT_COUNT; k++) {
        const struct tensor *bytes, *want;
        const int64_t n = dtype_block_values(k);
        struct tensor t = {.type = k, .n_dims = 2};

        if (!is_quantised(k))
            continue;
        bytes = entry(&f, dtype_name(k), "bytes");
        want = entry(&f, dtype_name(k), "values");
        t.dim[0] = bytes->dim[0];
        t.dim[1] = n;
        t.data = bytes->data;
        t.bytes = bytes->bytes;
        assert_int_equal(dtype_row_bytes(k, n), bytes->dim[1]);
        for (int64_t r = 0; r < t.dim[0]; r++) {
            tensor_rows_f32(got, &t, r, 1);
            assert_memory_equal(got, (const float *)want->data + r * n,
                                (size_t)n * 4);
        }
    }
    st_release(&f);
}

/* The blocks of gen_quants.py: bytes of a linear congruential generator. */
static void
draw_blocks(uint8_t *out, int64_t n, size_t size, const json_t *finite)
{
    const json_t *bits;
    uint32_t x = 1;
    size_t k;

    for (size_t i = 0; i < (size_t)n * size; i++) {
        x = x * 1664525u + 1013904223u;
        out[i] = (uint8_t)(x >> 24);
    }
    json_array_foreach(finite, k, bits)
    {
        const json_int_t at = json_integer_value(json_array_get(bits, 0));
        const json_int_t mask = json_integer_value(json_array_get(bits, 1));

        for (int64_t i = 0; i < n; i++)
            out[i * (int64_t)size + at] &= (uint8_t)mask;
    }
}

static void
test_tensor_dequantises_2048_blocks_of_each_type_as_llama_cpp_does(void **state)
{
    enum { BLOCKS = 2048 };
    uint8_t *bytes = mem_array(BLOCKS, 256);
    float *values = mem_array(BLOCKS, 256 * sizeof(*values));
    json_t *doc;
    trv_err err;

    (void)state;
    assert_non_null(bytes);
    assert_non_null(values);
    assert_int_equal(
        json_open(&doc, test_source("golden/backend/quants.json"), &err), 0);
    for (enum dtype k = 0; k < DT_COUNT; k++) {
        const json_t *want = json_object_get(doc, dtype_name(k));
        const int64_t n = dtype_block_values(k);
        const struct tensor t = {
            .type = k, .n_dims = 2, .dim = {BLOCKS, n}, .data = bytes};
        char hex[HASH_HEX];

        if (!is_quantised(k))
            continue;
        assert_non_null(want);
        draw_blocks(bytes, BLOCKS, dtype_row_bytes(k, n),
                    json_object_get(want, "finite"));
        tensor_rows_f32(values, &t, 0, BLOCKS);
        assert_int_equal(
            hash_bytes(hex, values, (size_t)(BLOCKS * n) * 4, NULL), 0);
        if (strcmp(hex, json_string_value(json_object_get(want, "sha256"))))
            fail_msg("%s differs", dtype_name(k));
    }
    json_decref(doc);
    mem_free(values);
    mem_free(bytes);
}

/* SHA-256 of numpy's conversions, printed by golden/backend/gen_quants.py. */
static void
test_tensor_f16_converts_as_numpy_does(void **state)
{
    const char *up =
        "680bbc22915f61aa1bbfc7265bc3882a6aa42d299bfd2c571807196e5544de2e";
    const char *down =
        "07051e9de85ca8ffe434662a5e75951bae9f21b49d2ecb7cef55ce246bb2aad2";
    float *wide = mem_array(65536, sizeof(*wide));
    uint16_t *half = mem_array((size_t)1 << 20, sizeof(*half));
    char hex[HASH_HEX];
    size_t n = 0;

    (void)state;
    assert_non_null(wide);
    assert_non_null(half);
    for (uint32_t i = 0; i < 65536; i++) {
        const float x = f16_to_f32((uint16_t)i);

        if (!isnan(x)) {
            wide[n++] = x;
            assert_int_equal(f16_from_f32(x), i);
        }
    }
    assert_int_equal(hash_bytes(hex, wide, n * 4, NULL), 0);
    assert_string_equal(hex, up);

    n = 0;
    for (uint64_t i = 0; i < (uint64_t)1 << 32; i += 4099) {
        const uint32_t u = (uint32_t)i;
        float x;

        memcpy(&x, &u, 4);
        if (!isnan(x))
            half[n++] = f16_from_f32(x);
    }
    assert_int_equal(hash_bytes(hex, half, n * 2, NULL), 0);
    assert_string_equal(hex, down);
    assert_true(isnan(f16_to_f32(f16_from_f32(NAN))));
    mem_free(wide);
    mem_free(half);
}

static void
test_tensor_bf16_rounds_to_nearest_even_and_keeps_nan(void **state)
{
    (void)state;
    assert_int_equal(bf16_from_f32(1.0f), 0x3f80);
    assert_int_equal(bf16_from_f32(1.00390625f), 0x3f80); // a tie, to even
    assert_int_equal(bf16_from_f32(1.01171875f), 0x3f82); // a tie, to even
    assert_true(isnan(bf16_to_f32(bf16_from_f32(NAN))));
}

/* 2 heads of 4 rows: the file alternates a head's two halves. */
static void
test_tensor_unpermutes_rows_and_biases_by_head(void **state)
{
    static const float rows[8] = {0, 2, 1, 3, 4, 6, 5, 7};
    struct tensor t = {.type = DT_F32,
                       .n_dims = 2,
                       .dim = {8, 1},
                       .data = rows,
                       .bytes = sizeof(rows),
                       .unpermute_heads = 2};
    float got[8];

    (void)state;
    tensor_rows_f32(got, &t, 0, 8);
    for (int i = 0; i < 8; i++)
        assert_close(got[i], i, 0);
    tensor_rows_f32(got, &t, 5, 2);
    assert_close(got[0], 5, 0);
    assert_close(got[1], 6, 0);
    t.n_dims = 1;
    tensor_rows_f32(got, &t, 0, 1);
    for (int i = 0; i < 8; i++)
        assert_close(got[i], i, 0);
}

/* 2 heads, of 2 rows each of q, k and v: the file has all of q first. */
static void
test_tensor_reads_q_k_and_v_head_by_head(void **state)
{
    static const float rows[12] = {0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11};
    struct tensor t = {.type = DT_F32,
                       .n_dims = 2,
                       .dim = {12, 1},
                       .data = rows,
                       .bytes = sizeof(rows),
                       .unpermute_heads = 2,
                       .unpermute_parts = true};
    float got[12];

    (void)state;
    for (t.n_dims = 2; t.n_dims > 0; t.n_dims--) {
        t.dim[0] = 12;
        tensor_rows_f32(got, &t, 0, t.n_dims > 1 ? 12 : 1);
        for (int i = 0; i < 12; i++)
            assert_close(got[i], i, 0);
    }
}

static void
test_tensor_row_bytes_are_0_where_blocks_do_not_fit(void **state)
{
    (void)state;
    assert_int_equal(dtype_row_bytes(DT_Q8_0, 64), 68);
    assert_int_equal(dtype_row_bytes(DT_Q8_0, 33), 0);
    assert_int_equal(dtype_row_bytes(DT_Q4_K, 128), 0);
    assert_int_equal(dtype_row_bytes(DT_F32, -4), 0);
    assert_int_equal(dtype_row_bytes(DT_F32, INT64_MAX), 0);
    assert_int_equal(dtype_row_bytes(DT_COUNT, 4), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensor_dequantises_exactly_as_llama_cpp_does),
        cmocka_unit_test(
            test_tensor_dequantises_2048_blocks_of_each_type_as_llama_cpp_does),
        cmocka_unit_test(test_tensor_f16_converts_as_numpy_does),
        cmocka_unit_test(test_tensor_bf16_rounds_to_nearest_even_and_keeps_nan),
        cmocka_unit_test(test_tensor_unpermutes_rows_and_biases_by_head),
        cmocka_unit_test(test_tensor_reads_q_k_and_v_head_by_head),
        cmocka_unit_test(test_tensor_row_bytes_are_0_where_blocks_do_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
