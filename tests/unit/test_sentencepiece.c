/* test_sentencepiece.c -- tokenizer.model against transformers, and what its
 * reader refuses. tests/golden/spm has models of each kind and their ids.
 */
#include "support/golden.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/tokenizer.h"

static void
put(const char *dir, const char *name, const char *bytes, size_t n)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(file_write_atomic(path, bytes, n, NULL), 0);
}

static void
put_json(const char *dir, const char *name, const json_t *v)
{
    char *text = json_dumps(v, 0);

    put(dir, name, text, strlen(text));
    free(text);
}

static void
put_copy(const char *dir, const char *name, const char *model, const char *end)
{
    struct strbuf b = {0};
    char rel[100];

    snprintf(rel, sizeof(rel), "golden/spm/%s%s", model, end);
    assert_int_equal(file_read(&b, test_source(rel), SIZE_MAX, NULL), 0);
    put(dir, name, b.s, b.len);
    sb_release(&b);
}

static void
check_text(const struct tokenizer *t, const json_t *text, const json_t *want,
           const char *decoded, const char *name)
{
    struct strbuf out = {0};
    struct ids ids = {0};
    trv_err err;

    if (tokenizer_encode(t, &ids, json_string_value(text),
                         json_string_length(text), true, &err))
        fail_msg("%s: %s", name, err.msg);
    for (int64_t i = 0; i < ids.n || i < (int64_t)json_array_size(want); i++)
        if (i >= ids.n ||
            json_integer_value(json_array_get(want, (size_t)i)) != ids.v[i])
            fail_msg("%s: '%s', token %d is %d", name, json_string_value(text),
                     (int)i, i < ids.n ? (int)ids.v[i] : -1);
    if (tokenizer_decode(t, &out, ids.v, ids.n, false, &err))
        fail_msg("%s: %s", name, err.msg);
    if (strcmp(out.s ? out.s : "", decoded))
        fail_msg("%s: '%s' is decoded to '%s', not '%s'", name,
                 json_string_value(text), out.s, decoded);
    ids_release(&ids);
    sb_release(&out);
}

static void
check_case(const json_t *root, const json_t *c, bool as_json)
{
    const json_t *texts = json_object_get(root, "texts"), *text;
    const json_t *config = json_object_get(c, "config");
    char *said = json_dumps(config, JSON_ENCODE_ANY);
    const char *name = golden_string(c, "model");
    char dir[200], what[400];
    json_t *model =
        json_pack("{s:O}", "model_type", json_object_get(c, "model_type"));
    struct tokenizer *t;
    size_t i;
    trv_err err;

    snprintf(what, sizeof(what), "%s%s %s", name, as_json ? ".json" : "", said);
    free(said);
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("spm"));
    put_json(dir, "config.json", model);
    json_decref(model);
    if (json_is_object(config))
        put_json(dir, "tokenizer_config.json", config);
    if (as_json)
        put_copy(dir, "tokenizer.json", name, ".json");
    else
        put_copy(dir, "tokenizer.model", name, ".model");
    if (tokenizer_open_hf(&t, NULL, dir, &err))
        fail_msg("%s: %s", name, err.msg);
    json_array_foreach(texts, i, text)
    {
        check_text(
            t, text, json_array_get(json_object_get(c, "ids"), i),
            json_string_value(json_array_get(json_object_get(c, "decoded"), i)),
            name);
    }
    if (!as_json) {
        const json_t *bos = json_object_get(c, "bos");

        assert_int_equal(tokenizer_bos(t),
                         json_is_null(bos) ? -1 : json_integer_value(bos));
        assert_int_equal(tokenizer_eos(t),
                         json_integer_value(json_object_get(c, "eos")));
    }
    tokenizer_free(t);
}

static void
test_sentencepiece_ids_equal_those_of_transformers(void **state)
{
    json_t *root = golden_open("spm/spm.json");
    const json_t *c;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(root, "cases"), i, c)
    {
        check_case(root, c, false);
        if (!strncmp(golden_string(c, "model"), "unigram", 7))
            check_case(root, c, true);
    }
    assert_true(i > 10);
    json_decref(root);
}

/* The real model beside its tokenizer.json. */
static void
test_sentencepiece_llama2_equals_its_tokenizer_json(void **state)
{
    static const char *const texts[] = {"Hello world",
                                        "  spaces  and\nlines\t",
                                        "caf\xC3\xA9 \xE6\x97\xA5",
                                        "\xF0\x9F\x98\x80 x y",
                                        "x   !!!",
                                        "1234567890 3.14",
                                        "def f(x): return"};
    static const char config[] = "{\"add_bos_token\":true}";
    const char *path = test_asset("models/tokenizer-llama2/tokenizer.model");
    struct tokenizer *t, *json;
    struct strbuf b = {0};
    const char *dir;

    (void)state;
    if (!path)
        skip();
    assert_int_equal(file_read(&b, path, SIZE_MAX, NULL), 0);
    dir = test_tmpdir("spm-llama2");
    put(dir, "tokenizer.model", b.s, b.len);
    put(dir, "tokenizer_config.json", config, sizeof(config) - 1);
    assert_int_equal(tokenizer_open_hf(&t, NULL, dir, NULL), 0);
    assert_int_equal(tokenizer_open_hf(&json, NULL,
                                       test_asset("models/tokenizer-llama2"),
                                       NULL),
                     0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ids a = {0}, want = {0};

        assert_int_equal(
            tokenizer_encode(t, &a, texts[i], strlen(texts[i]), true, NULL), 0);
        assert_int_equal(tokenizer_encode(json, &want, texts[i],
                                          strlen(texts[i]), true, NULL),
                         0);
        assert_int_equal(a.n, want.n);
        assert_memory_equal(a.v, want.v, (size_t)a.n * sizeof(*a.v));
        ids_release(&a);
        ids_release(&want);
    }
    tokenizer_free(t);
    tokenizer_free(json);
    sb_release(&b);
}

#define PIECE                                                                  \
    "\x0a\x08\x0a\x01"                                                         \
    "a"                                                                        \
    "\x15\x00\x00\x80\xbf"

static void
test_sentencepiece_refuses_what_is_broken_and_says_what(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        int code;
        const char *says;
    } bad[] = {
        {"", 0, TRV_EFORMAT, "it has no pieces"},
        {"\x0a", 1, TRV_EFORMAT, "it ends inside a number"},
        {"\x0a\x05\x0a", 3, TRV_EFORMAT, "it ends inside a field"},
        {"\x0b", 1, TRV_EFORMAT, "a field has an unknown type"},
        {"\x0d\x01", 2, TRV_EFORMAT, "it ends inside a field"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, TRV_EFORMAT,
         "more than ten bytes"},
        {"\x0a\x00", 2, TRV_EFORMAT, "a piece is empty"},
        {"\x0a\x03\x0a\x01\xff", 5, TRV_EFORMAT, "no text in UTF-8"},
        {"\x0a\x08\x0a\x01"
         "a"
         "\x15\x00\x00\x80\x7f",
         10, TRV_EFORMAT, "a score is not finite"},
        {"\x0a\x05\x0a\x01"
         "a"
         "\x18\x07",
         7, TRV_EFORMAT, "a piece has an unknown type"},
        {PIECE "\x12\x02\x18\x03", 14, TRV_EUNSUPPORTED, "is one of words"},
        {PIECE "\x12\x02\x18\x04", 14, TRV_EUNSUPPORTED, "of characters"},
        {PIECE "\x12\x03\xc0\x01\x01", 15, TRV_EUNSUPPORTED,
         "treat_whitespace_as_suffix"},
        {PIECE "\x12\x03\xc0\x02\x05", 15, TRV_EFORMAT,
         "its unknown piece is none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct spm_file f;
        trv_err err = {0};
        const int rc = spm_read(&f, "m", bad[i].bytes, bad[i].n, &err);

        if (rc != bad[i].code || !strstr(err.msg, bad[i].says))
            fail_msg("%zu: %d '%s' does not say '%s'", i, rc, err.msg,
                     bad[i].says);
    }
}

/* Every place in a piece may part it: long ones would take hours. */
static void
test_sentencepiece_refuses_pieces_that_are_too_long(void **state)
{
    for (size_t n = SPM_PIECE_MAX; n <= SPM_PIECE_MAX + 1; n++) {
        char bytes[SPM_PIECE_MAX + 16] = "\x0a";
        struct spm_file f;
        trv_err err = {0};
        int rc;

        (void)state;
        bytes[1] = (char)(0x80 | ((n + 3) & 0x7f));
        bytes[2] = (char)((n + 3) >> 7);
        bytes[3] = '\x0a';
        bytes[4] = (char)(0x80 | (n & 0x7f));
        bytes[5] = (char)(n >> 7);
        memset(bytes + 6, 'a', n);
        rc = spm_read(&f, "m", bytes, 6 + n, &err);
        assert_int_equal(rc, n > SPM_PIECE_MAX ? TRV_EFORMAT : 0);
        assert_true(!rc || strstr(err.msg, "longer than 1024 bytes"));
        spm_release(&f);
    }
}

static void
test_sentencepiece_refuses_a_broken_charsmap_and_double_pieces(void **state)
{
    const char *dir = test_tmpdir("spm-broken");
    static const char map[] = PIECE "\x1a\x05\x12\x03"
                                    "abc";
    static const char twice[] = PIECE PIECE;
    struct tokenizer *t;
    trv_err err = {0};

    (void)state;
    put(dir, "tokenizer.model", map, sizeof(map) - 1);
    assert_int_equal(tokenizer_open_hf(&t, NULL, dir, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "precompiled_charsmap"));
    put(dir, "tokenizer.model", twice, sizeof(twice) - 1);
    assert_int_equal(tokenizer_open_hf(&t, NULL, dir, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "the piece 'a' is there twice"));
}

static void
test_sentencepiece_failing_memory_leaks_nothing(void **state)
{
    const char *dir = test_tmpdir("spm-memory");
    const int64_t before = mem_stats_get().live_bytes;
    struct tokenizer *t = NULL;
    int rc = TRV_ENOMEM;

    (void)state;
    put_copy(dir, "tokenizer.model", "unigram", ".model");
    for (int n = 0; rc; n++) {
        mem_fail_after(n);
        rc = tokenizer_open_hf(&t, NULL, dir, NULL);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        assert_true(n < 5000);
    }
    tokenizer_free(t);
    assert_int_equal(mem_stats_get().live_bytes, before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentencepiece_ids_equal_those_of_transformers),
        cmocka_unit_test(test_sentencepiece_llama2_equals_its_tokenizer_json),
        cmocka_unit_test(
            test_sentencepiece_refuses_what_is_broken_and_says_what),
        cmocka_unit_test(test_sentencepiece_refuses_pieces_that_are_too_long),
        cmocka_unit_test(
            test_sentencepiece_refuses_a_broken_charsmap_and_double_pieces),
        cmocka_unit_test(test_sentencepiece_failing_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
