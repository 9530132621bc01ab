/* test_safetensors.c -- facts about reading and writing safetensors. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "model/files/safetensors.h"

/* A file of this header and n bytes of zeros. */
static int
parse(struct st_file *f, const char *header, size_t n, trv_err *err)
{
    static char buf[4096]; // borrowed by f
    const uint64_t length = strlen(header);

    assert_true(8 + length + n <= sizeof(buf));
    memset(buf, 0, sizeof(buf));
    memcpy(buf, &length, 8);
    memcpy(buf + 8, header, length);
    return st_parse(f, "x.st", buf, 8 + (size_t)length + n, err);
}

static void
test_safetensors_reads_tensors_by_name(void **state)
{
    struct st_file f;
    const struct tensor *t;
    trv_err err;

    (void)state;
    assert_int_equal(
        parse(&f,
              "{\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],"
              "\"data_offsets\":[8,20]},\"a\":{\"dtype\":\"I64\",\"shape\":[],"
              "\"data_offsets\":[0,8]},\"e\":{\"dtype\":\"F32\","
              "\"shape\":[0,7],\"data_offsets\":[8,8]},"
              "\"__metadata__\":{\"format\":\"pt\"}}   ",
              20, &err),
        0);
    assert_int_equal(f.n, 3);
    t = st_find(&f, "b");
    assert_non_null(t);
    assert_int_equal(t->type, DT_F16);
    assert_int_equal(t->n_dims, 2);
    assert_int_equal(t->dim[1], 3);
    assert_int_equal(t->bytes, 12);
    assert_non_null(st_find(&f, "e"));
    assert_null(st_find(&f, "a")); // integers are there, but not found
    assert_string_equal(st_dtype(&f, "a"), "I64");
    assert_null(st_find(&f, "c"));
    assert_string_equal(
        json_string_value(json_object_get(f.metadata, "format")), "pt");
    st_release(&f);

    assert_int_equal(parse(&f, "{\"__metadata__\":null}", 0, &err), 0);
    assert_null(f.metadata);
    st_release(&f);
}

#define T(dtype, shape, offsets)                                               \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void
test_safetensors_refuses_what_lies_and_says_where(void **state)
{
    static const struct {
        const char *header, *says;
        size_t data;
    } bad[] = {
        {"", "no JSON", 0},
        {"[]", "no object", 0},
        {"{\"a\":3}", "tensor 'a': its entry is no object", 0},
        {"{\"a\":{}}", "tensor 'a': its entry lacks the string 'dtype'", 0},
        {"{\"a\":" T("F33", "[1]", "[0,4]") "}", "unknown dtype 'F33'", 4},
        {"{\"a\":" T("F32", "3", "[0,4]") "}", "its shape is no array", 4},
        {"{\"a\":" T("F32", "[-1]", "[0,4]") "}", "other than sizes", 4},
        {"{\"a\":" T("F32", "[1.0]", "[0,4]") "}", "other than sizes", 4},
        {"{\"a\":" T("F32", "[4294967296,4294967296]", "[0,0]") "}",
         "its shape overflows", 0},
        {"{\"a\":" T("F32", "[4611686018427387904]", "[0,0]") "}",
         "its shape overflows", 0},
        {"{\"a\":" T("F32", "[9223372036854775808]", "[0,0]") "}",
         "other than sizes", 0},
        {"{\"a\":" T("F32", "[1]", "[0]") "}", "no two integers", 4},
        {"{\"a\":" T("F32", "[1]", "{}") "}", "no two integers", 4},
        {"{\"a\":" T("F32", "[1]", "[-4,0]") "}", "-4 to 0", 4},
        {"{\"a\":" T("F32", "[1]", "[4,0]") "}", "4 to 0", 4},
        {"{\"a\":" T("F32", "[1]", "[0,8]") "}",
         "ends 4 bytes past the end of the file", 4},
        {"{\"a\":" T("F32", "[2]", "[0,4]") "}",
         "takes 8 bytes of F32, its data_offsets 4", 4},
        {"{\"a\":" T("F4", "[1]", "[0,0]") "}", "takes 0 bytes of F4", 0},
        {"{\"a\":" T("F32", "[1]", "[0,4]") ",\"b\":" T("F32", "[1]",
                                                        "[0,4]") "}",
         "overlaps", 4},
        {"{\"a\":" T("F32", "[2]", "[0,8]") ",\"b\":" T("F32", "[1]",
                                                        "[4,8]") "}",
         "tensor 'b' overlaps 'a'", 8},
        {"{\"a\":" T("F32", "[1]", "[4,8]") "}",
         "4 bytes before tensor 'a' belong to none", 8},
        {"{\"a\":" T("F32", "[1]", "[0,4]") "}",
         "its last 2 bytes belong to no tensor", 6},
        {"{\"a\":" T("F32", "[1]", "[0,4]") ",\"a\":" T("F32", "[1]",
                                                        "[4,8]") "}",
         "duplicate", 8},
        {"{\"__metadata__\":[]}", "__metadata__ is no object", 0},
        {"{\"__metadata__\":{\"k\":1}}", "field 'k' of its __metadata__", 0},
    };
    struct st_file f;
    trv_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.msg[0] = '\0';
        assert_int_equal(parse(&f, bad[i].header, bad[i].data, &err),
                         TRV_EFORMAT);
        if (!strstr(err.msg, bad[i].says) || !strstr(err.msg, "x.st"))
            fail_msg("case %zu: '%s' does not say '%s'", i, err.msg,
                     bad[i].says);
        assert_null(f.tensors);
    }
}

static void
test_safetensors_refuses_a_file_cut_anywhere(void **state)
{
    struct tensor t = {.name = "w", .type = DT_F32, .n_dims = 1, .dim = {2}};
    const float data[2] = {1, 2};
    struct st_file f;
    trv_err err;
    size_t size;
    char *bytes;

    (void)state;
    t.data = data;
    t.bytes = sizeof(data);
    assert_int_equal(st_serialise(&bytes, &size, &t, 1, NULL, &err), 0);
    for (size_t n = 0; n < size; n++) {
        char *cut = mem_alloc(n + 1); // its own block, for the sanitiser

        assert_non_null(cut);
        memcpy(cut, bytes, n);
        assert_int_equal(st_parse(&f, "x.st", cut, n, &err), TRV_EFORMAT);
        mem_free(cut);
    }
    assert_int_equal(st_parse(&f, "x.st", bytes, size, &err), 0);
    st_release(&f);

    memset(bytes, 0xff, 8); // 2^64 - 1 bytes of header
    assert_int_equal(st_parse(&f, "x.st", bytes, size, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "header length is 18446744073709551615"));
    memset(bytes, 0, 8);
    bytes[7] = (char)0x80; // 2^63
    assert_int_equal(st_parse(&f, "x.st", bytes, size, &err), TRV_EFORMAT);
    memset(bytes, 0, 8);
    bytes[2] = 1; // 65536, more than there is
    assert_int_equal(st_parse(&f, "x.st", bytes, size, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "bytes of its header are missing"));
    mem_free(bytes);
}

/* save_file's own bytes for the same tensors, from Python safetensors 0.8.0:
 * safetensors.torch.save({"a": f16 0, "b": bf16 0, "c": f32 0, "B": f32 0},
 * metadata={"format": "pt"}), each of shape [1]. */
static void
test_safetensors_writes_the_bytes_that_python_writes(void **state)
{
    static const char want[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"B\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"c\\n\\\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[8,10]},"
        "\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[10,12]}}";
    static const float zero = 0;
    const struct tensor t[4] = {
        {.name = "a",
         .type = DT_F16,
         .n_dims = 1,
         .dim = {1},
         .data = &zero,
         .bytes = 2},
        {.name = "b",
         .type = DT_BF16,
         .n_dims = 1,
         .dim = {1},
         .data = &zero,
         .bytes = 2},
        {.name = "c\n\"",
         .type = DT_F32,
         .n_dims = 1,
         .dim = {1},
         .data = &zero,
         .bytes = 4},
        {.name = "B",
         .type = DT_F32,
         .n_dims = 1,
         .dim = {1},
         .data = &zero,
         .bytes = 4},
    };
    json_t *meta = json_pack("{s:s}", "format", "pt");
    char *bytes;
    size_t size, pad = (8 - strlen(want) % 8) % 8;
    uint64_t n;

    (void)state;
    assert_int_equal(st_serialise(&bytes, &size, t, 4, meta, NULL), 0);
    memcpy(&n, bytes, 8);
    assert_int_equal(n, strlen(want) + pad);
    assert_memory_equal(bytes + 8, want, strlen(want));
    for (size_t i = 0; i < pad; i++)
        assert_int_equal(bytes[8 + strlen(want) + i], ' ');
    assert_int_equal(size, 8 + n + 12);
    mem_free(bytes);
    json_decref(meta);
}

static void
check_rewritten(const char *path)
{
    struct st_file f;
    struct strbuf file = {0};
    trv_err err;
    char *bytes;
    size_t size;

    assert_int_equal(st_open(&f, path, &err), 0);
    assert_int_equal(
        st_serialise(&bytes, &size, f.tensors, f.n, f.metadata, &err), 0);
    assert_int_equal(file_read(&file, path, SIZE_MAX, &err), 0);
    assert_int_equal(size, file.len);
    assert_memory_equal(bytes, file.s, size);
    sb_release(&file);
    mem_free(bytes);
    st_release(&f);
}

static void
test_safetensors_rewrites_peft_and_transformers_files_byte_equal(void **state)
{
    const char *asset = test_asset("models/adapters/trl-kto_anthropic_hh/"
                                   "adapter_model.safetensors");

    (void)state;
    check_rewritten(test_source("golden/models/gpt2/model.safetensors"));
    check_rewritten(test_source("golden/models/qwen3/model.safetensors"));
    check_rewritten(test_source("golden/models/mistral/adapter/"
                                "adapter_model.safetensors"));
    if (asset)
        check_rewritten(asset);
}

static void
test_safetensors_never_writes_what_is_not_finite(void **state)
{
    const float f32[2] = {1.0f, INFINITY};
    const uint16_t f16[1] = {0x7c00}, bf16_nan[1] = {0x7fc0};
    const struct tensor t[3] = {
        {.name = "w32",
         .type = DT_F32,
         .n_dims = 1,
         .dim = {2},
         .data = f32,
         .bytes = 8},
        {.name = "w16",
         .type = DT_F16,
         .n_dims = 1,
         .dim = {1},
         .data = f16,
         .bytes = 2},
        {.name = "wb16",
         .type = DT_BF16,
         .n_dims = 1,
         .dim = {1},
         .data = bf16_nan,
         .bytes = 2},
    };
    trv_err err;
    char *bytes;
    size_t size;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(st_serialise(&bytes, &size, &t[i], 1, NULL, &err),
                         TRV_ENONFINITE);
        assert_non_null(strstr(err.msg, t[i].name));
        assert_null(bytes);
    }
}

static void
test_safetensors_failing_memory_leaks_nothing(void **state)
{
    const char *path = test_source("golden/models/gpt2/model.safetensors");
    const int64_t before = mem_stats_get().live_bytes;
    struct st_file f;
    char *bytes;
    size_t size;
    int rc = TRV_ENOMEM;

    (void)state;
    for (int n = 0; rc; n++) {
        mem_fail_after(n);
        rc = st_open(&f, path, NULL);
        if (!rc)
            rc = st_serialise(&bytes, &size, f.tensors, f.n, NULL, NULL);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        st_release(&f);
        assert_true(n < 1000);
    }
    mem_free(bytes);
    assert_int_equal(mem_stats_get().live_bytes, before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors_reads_tensors_by_name),
        cmocka_unit_test(test_safetensors_refuses_what_lies_and_says_where),
        cmocka_unit_test(test_safetensors_refuses_a_file_cut_anywhere),
        cmocka_unit_test(test_safetensors_writes_the_bytes_that_python_writes),
        cmocka_unit_test(
            test_safetensors_rewrites_peft_and_transformers_files_byte_equal),
        cmocka_unit_test(test_safetensors_never_writes_what_is_not_finite),
        cmocka_unit_test(test_safetensors_failing_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
