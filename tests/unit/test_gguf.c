/* test_gguf.c -- facts about the GGUF format, hostile files above all. */
#include "support/test.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "model/files/gguf.h"

/* A file in the making. */
static void
u32(struct strbuf *b, uint32_t v)
{
    assert_int_equal(sb_add(b, &v, 4), 0);
}

static void
u64(struct strbuf *b, uint64_t v)
{
    assert_int_equal(sb_add(b, &v, 8), 0);
}

static void
str(struct strbuf *b, const char *s)
{
    u64(b, strlen(s));
    assert_int_equal(sb_puts(b, s), 0);
}

static void
head(struct strbuf *b, uint64_t tensors, uint64_t keys)
{
    sb_reset(b);
    assert_int_equal(sb_puts(b, "GGUF"), 0);
    u32(b, 3);
    u64(b, tensors);
    u64(b, keys);
}

static void
key_u32(struct strbuf *b, const char *key, uint32_t v)
{
    str(b, key);
    u32(b, GGUF_U32);
    u32(b, v);
}

static void
tensor(struct strbuf *b, const char *name, uint64_t cols, uint64_t rows,
       uint32_t type, uint64_t offset)
{
    str(b, name);
    u32(b, 2);
    u64(b, cols);
    u64(b, rows);
    u32(b, type);
    u64(b, offset);
}

static void
data(struct strbuf *b, size_t n)
{
    while (b->len % 32 != 0)
        assert_int_equal(sb_putc(b, 0), 0);
    while (n--)
        assert_int_equal(sb_putc(b, 1), 0);
}

static void
refuse(const struct strbuf *b, int code, const char *says)
{
    struct gguf_file f;
    trv_err err = {0};
    const int rc = gguf_parse(&f, "x.gguf", b->s, b->len, &err);

    if (rc != code || !strstr(err.msg, says) || !strstr(err.msg, "x.gguf"))
        fail_msg("%d '%s' does not say '%s'", rc, err.msg, says);
    assert_null(f.kvs);
    assert_null(f.tensors);
}

static void
whole_file(struct strbuf *b)
{
    head(b, 2, 4);
    key_u32(b, "general.alignment", 32);
    str(b, "s");
    u32(b, GGUF_STRING);
    str(b, "text");
    str(b, "words");
    u32(b, GGUF_ARRAY);
    u32(b, GGUF_STRING);
    u64(b, 2);
    str(b, "one");
    str(b, "");
    str(b, "nested");
    u32(b, GGUF_ARRAY);
    u32(b, GGUF_ARRAY);
    u64(b, 1);
    u32(b, GGUF_I16);
    u64(b, 2);
    u32(b, 0xfffe0001u);
    tensor(b, "a", 2, 3, 0, 0);
    tensor(b, "q", 32, 1, 8, 32);
    data(b, 32 + 34);
}

static void
test_gguf_reads_keys_and_tensors(void **state)
{
    struct strbuf b = {0};
    struct gguf_str s = {0};
    struct gguf_file f;
    int64_t v = 7;
    trv_err err;

    (void)state;
    whole_file(&b);
    assert_int_equal(gguf_parse(&f, "x.gguf", b.s, b.len, &err), 0);
    assert_int_equal(f.version, 3);
    assert_int_equal(f.n_kvs, 4);
    assert_int_equal(gguf_string(&s, &f, "s", &err), 0);
    assert_int_equal(s.n, 4);
    assert_memory_equal(s.s, "text", 4);
    assert_int_equal(gguf_find(&f, "words")->n, 2);
    assert_int_equal(gguf_int(&v, &f, "none", 0, 9, &err), 0);
    assert_int_equal(v, 7);
    assert_int_equal(gguf_int(&v, &f, "s", 0, 9, &err), TRV_EFORMAT);
    assert_string_equal(err.msg,
                        "key 's' of 'x.gguf' is string, not an integer");
    assert_int_equal(gguf_int(&v, &f, "general.alignment", 0, 9, &err),
                     TRV_EFORMAT);
    assert_int_equal(f.n, 2);
    assert_string_equal(f.tensors[0].name, "a");
    assert_int_equal(f.tensors[0].dim[0], 3); // outermost first
    assert_int_equal(f.tensors[0].dim[1], 2);
    assert_int_equal(f.tensors[1].type, DT_Q8_0);
    assert_int_equal(f.tensors[1].bytes, 34);
    assert_int_equal(*(const char *)f.tensors[1].data, 1);
    gguf_release(&f);
    sb_release(&b);
}

static void
test_gguf_reads_integers_of_every_width(void **state)
{
    static const struct {
        enum gguf_type type;
        size_t bytes;
        int64_t want;
    } kinds[] = {
        {GGUF_U8, 1, 255}, {GGUF_I8, 1, -1},          {GGUF_U16, 2, 65535},
        {GGUF_I16, 2, -1}, {GGUF_U32, 4, 4294967295}, {GGUF_I32, 4, -1},
        {GGUF_I64, 8, -1},
    };
    struct strbuf b = {0};
    struct gguf_file f;
    int64_t v;
    trv_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        head(&b, 0, 1);
        str(&b, "k");
        u32(&b, kinds[i].type);
        assert_int_equal(
            sb_add(&b, "\xff\xff\xff\xff\xff\xff\xff\xff", kinds[i].bytes), 0);
        assert_int_equal(gguf_parse(&f, "x.gguf", b.s, b.len, &err), 0);
        assert_int_equal(gguf_int(&v, &f, "k", -9, INT64_MAX, &err), 0);
        assert_int_equal(v, kinds[i].want);
        gguf_release(&f);
    }
    head(&b, 0, 1);
    str(&b, "k");
    u32(&b, GGUF_U64);
    u64(&b, UINT64_MAX);
    assert_int_equal(gguf_parse(&f, "x.gguf", b.s, b.len, &err), 0);
    assert_int_equal(gguf_int(&v, &f, "k", 0, INT64_MAX, &err), TRV_EFORMAT);
    gguf_release(&f);
    sb_release(&b);
}

static void
test_gguf_refuses_a_file_cut_anywhere(void **state)
{
    struct strbuf b = {0};
    struct gguf_file f;
    trv_err err;

    (void)state;
    whole_file(&b);
    for (size_t n = 0; n < b.len; n++) {
        char *cut = mem_alloc(n + 1); // its own block, for the sanitiser

        assert_non_null(cut);
        memcpy(cut, b.s, n);
        assert_int_equal(gguf_parse(&f, "x.gguf", cut, n, &err), TRV_EFORMAT);
        mem_free(cut);
    }
    sb_release(&b);
}

static void
test_gguf_refuses_a_lying_head(void **state)
{
    struct strbuf b = {0};

    (void)state;
    head(&b, 0, 0);
    b.s[0] = 'g';
    refuse(&b, TRV_EFORMAT, "does not begin with GGUF");
    head(&b, 0, 0);
    b.s[4] = 1;
    refuse(&b, TRV_EUNSUPPORTED, "GGUF version 1; versions 2 and 3");
    memcpy(b.s + 4, "\0\0\0\3", 4);
    refuse(&b, TRV_EUNSUPPORTED, "is a big-endian GGUF file");
    head(&b, 0, UINT64_MAX);
    refuse(&b, TRV_EFORMAT, "18446744073709551615 keys cannot lie in 24 bytes");
    head(&b, UINT64_MAX, 0);
    refuse(&b, TRV_EFORMAT, "18446744073709551615 tensors cannot lie in 24");
    sb_release(&b);
}

static void
test_gguf_refuses_lying_keys(void **state)
{
    struct strbuf b = {0};

    (void)state;
    head(&b, 0, 1);
    u64(&b, UINT64_MAX);
    data(&b, 32);
    refuse(&b, TRV_EFORMAT, "it ends within a key");
    head(&b, 0, 1);
    str(&b, "");
    data(&b, 32);
    refuse(&b, TRV_EFORMAT, "a key is empty");
    head(&b, 0, 1);
    str(&b, "k");
    u32(&b, 13);
    data(&b, 32);
    refuse(&b, TRV_EFORMAT, "key 'k' has the unknown type 13");
    head(&b, 0, 1);
    str(&b, "k");
    u32(&b, GGUF_STRING);
    u64(&b, (uint64_t)1 << 63);
    refuse(&b, TRV_EFORMAT, "it ends within a string");
    head(&b, 0, 1);
    str(&b, "k");
    u32(&b, GGUF_ARRAY);
    u32(&b, GGUF_F64);
    u64(&b, ((uint64_t)1 << 61) + 1); // times 8 it wraps round to 8
    data(&b, 64);
    refuse(&b, TRV_EFORMAT, "it ends within an array");
    head(&b, 0, 1);
    str(&b, "k");
    u32(&b, GGUF_ARRAY);
    for (int i = 0; i < 9; i++) {
        u32(&b, GGUF_ARRAY);
        u64(&b, 1);
    }
    refuse(&b, TRV_EFORMAT, "key 'k' nests arrays more than 4 deep");
    head(&b, 0, 2);
    key_u32(&b, "k", 1);
    key_u32(&b, "k", 2);
    refuse(&b, TRV_EFORMAT, "key 'k' stands twice");
    sb_release(&b);
}

static void
test_gguf_refuses_an_alignment_that_is_no_power_of_two(void **state)
{
    static const uint32_t bad[] = {0, 3, 48, 1u << 31};
    struct strbuf b = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        head(&b, 1, 1);
        key_u32(&b, "general.alignment", bad[i]);
        tensor(&b, "a", 2, 3, 0, 0);
        data(&b, 32);
        refuse(&b, TRV_EFORMAT, "general.alignment is");
    }
    sb_release(&b);
}

static void
test_gguf_refuses_lying_tensors(void **state)
{
    static const struct {
        uint64_t cols, rows, offset;
        uint32_t type;
        int code;
        const char *says;
    } bad[] = {
        {2, 3, 4, 0, TRV_EFORMAT, "lies at 4, no multiple of the alignment 32"},
        {2, 3, 96, 0, TRV_EFORMAT, "ends past the end of the file"},
        {2, 9, 32, 0, TRV_EFORMAT, "ends past the end of the file"},
        {2, 3, (uint64_t)1 << 63, 0, TRV_EFORMAT, "ends past the end"},
        {0, 3, 0, 0, TRV_EFORMAT, "has a dimension of 0"},
        {2, UINT64_MAX, 0, 0, TRV_EFORMAT, "has a dimension of 184467440737"},
        {1u << 31, (uint64_t)1 << 33, 0, 0, TRV_EFORMAT, "its size overflows"},
        {31, 1, 0, 8, TRV_EFORMAT, "no whole blocks of Q8_0"},
        {128, 1, 0, 12, TRV_EFORMAT, "no whole blocks of Q4_K"},
        {256, 1, 0, 34, TRV_EUNSUPPORTED, "is TQ1_0, which is not supported"},
        {64, 1, 0, 40, TRV_EUNSUPPORTED, "is NVFP4, which is not supported"},
        {32, 1, 0, 31, TRV_EUNSUPPORTED, "is Q4_0_4_4, which is not supp"},
        {32, 1, 0, 31, TRV_EUNSUPPORTED, "known are F32, F16, BF16, Q8_0, Q4"},
        {2, 3, 0, 77, TRV_EFORMAT, "has the unknown type 77"},
    };
    struct strbuf b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        head(&b, 1, 0);
        tensor(&b, "w", bad[i].cols, bad[i].rows, bad[i].type, bad[i].offset);
        data(&b, 64);
        refuse(&b, bad[i].code, bad[i].says);
    }
    head(&b, 2, 0);
    tensor(&b, "w", 2, 3, 0, 0);
    tensor(&b, "w", 2, 3, 0, 32);
    data(&b, 64);
    refuse(&b, TRV_EFORMAT, "tensor 'w' stands twice");
    head(&b, 2, 0);
    tensor(&b, "v", 2, 9, 0, 0);
    tensor(&b, "w", 2, 3, 0, 32);
    data(&b, 96);
    refuse(&b, TRV_EFORMAT, "tensor 'w' overlaps 'v'");
    head(&b, 1, 0);
    str(&b, "w");
    u32(&b, 5);
    data(&b, 64);
    refuse(&b, TRV_EFORMAT, "tensor 'w' has 5 dimensions");
    head(&b, 1, 0);
    str(&b, "0123456789012345678901234567890123456789012345678901234567890123");
    data(&b, 64);
    refuse(&b, TRV_EFORMAT, "name is empty, longer than 63 bytes");
    sb_release(&b);
}

static void
test_gguf_failing_memory_leaks_nothing(void **state)
{
    const int64_t before = mem_stats_get().live_bytes;
    struct strbuf b = {0};
    struct gguf_file f;
    int rc = TRV_ENOMEM;

    (void)state;
    whole_file(&b);
    for (int n = 0; rc; n++) {
        mem_fail_after(n);
        rc = gguf_parse(&f, "x.gguf", b.s, b.len, NULL);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        assert_true(n < 100);
    }
    gguf_release(&f);
    sb_release(&b);
    assert_int_equal(mem_stats_get().live_bytes, before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gguf_reads_keys_and_tensors),
        cmocka_unit_test(test_gguf_reads_integers_of_every_width),
        cmocka_unit_test(test_gguf_refuses_a_file_cut_anywhere),
        cmocka_unit_test(test_gguf_refuses_a_lying_head),
        cmocka_unit_test(test_gguf_refuses_lying_keys),
        cmocka_unit_test(
            test_gguf_refuses_an_alignment_that_is_no_power_of_two),
        cmocka_unit_test(test_gguf_refuses_lying_tensors),
        cmocka_unit_test(test_gguf_failing_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
