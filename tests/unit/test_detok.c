/* test_detok.c -- decoding in a stream gives what decoding at once gives, and
 * never part of a character.
 */
#include "support/open_json.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "support/corpus.h"
#include "text/tokenizer/tokenizer_inside.h"
#include "text/utf8.h"

static struct corpus corpus;

static int
group_setup(void **state)
{
    (void)state;
    corpus_generate(&corpus);
    return 0;
}

static int
group_teardown(void **state)
{
    (void)state;
    corpus_release(&corpus);
    return 0;
}

static struct tokenizer *
open_text(const char *text, size_t n)
{
    struct tokenizer *t = NULL;
    trv_err err;

    if (test_open_json(&t, "test", text, n, &err))
        fail_msg("%s", err.msg);
    return t;
}

/* Feed ids one by one; each time what came must be whole characters and the
 * beginning of what a whole decode of all ids gives. */
static void
expect_stream(const struct tokenizer *t, const int32_t *ids, int64_t n,
              bool skip_special)
{
    struct token_stream s = {.skip_special = skip_special};
    struct strbuf whole = {0}, got = {0};

    assert_int_equal(tokenizer_decode(t, &whole, ids, n, skip_special, NULL),
                     0);
    for (int64_t i = 0; i < n; i++) {
        const size_t before = got.len;

        assert_int_equal(token_stream_feed(t, &s, ids[i], &got, NULL), 0);
        assert_true(got.len <= whole.len);
        assert_true(got.len == before ||
                    utf8_is_valid(got.s + before, got.len - before));
    }
    assert_int_equal(token_stream_finish(t, &s, &got, NULL), 0);
    assert_int_equal(got.len, whole.len);
    if (whole.len)
        assert_memory_equal(got.s, whole.s, whole.len);
    token_stream_release(&s);
    sb_release(&whole);
    sb_release(&got);
}

/* The first documents, every prefix of a short one, and ids at random, which
 * put bytes together that no text has. */
static void
expect_streams(const struct tokenizer *t)
{
    int32_t noise[400];
    uint64_t x = 7;

    for (int i = 0; i < 3; i++) {
        struct ids ids = {0};

        assert_int_equal(
            tokenizer_encode(t, &ids, corpus.documents[i].s, 2000, true, NULL),
            0);
        expect_stream(t, ids.v, ids.n, false);
        expect_stream(t, ids.v, ids.n, true);
        for (int64_t n = 0; n < ids.n && n < 60; n++)
            expect_stream(t, ids.v, n, false);
        ids_release(&ids);
    }
    for (int i = 0; i < 400; i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        noise[i] = (int32_t)((x >> 33) % (uint64_t)tokenizer_size(t));
    }
    expect_stream(t, noise, 400, false);
}

static void
test_detok_streams_byte_level_text_whole(void **state)
{
    struct strbuf b = {0};
    struct tokenizer *t;

    (void)state;
    assert_int_equal(file_read(&b, test_source("golden/tokenizer/llama3.json"),
                               1 << 24, NULL),
                     0);
    t = open_text(b.s, b.len);
    expect_streams(t);
    tokenizer_free(t);
    sb_release(&b);
}

static void
test_detok_streams_every_chain_of_decoders_whole(void **state)
{
    json_t *root, *v;
    size_t i;

    (void)state;
    assert_int_equal(
        json_open(&root, test_source("golden/tokenizer/variants.json"), NULL),
        0);
    json_array_foreach(json_object_get(root, "variants"), i, v)
    {
        json_t *whole = json_deep_copy(json_object_get(v, "parts"));
        struct tokenizer *t;
        char *text;

        json_object_set(
            whole, "model",
            json_object_get(json_object_get(root, "models"),
                            json_string_value(json_object_get(v, "model"))));
        text = json_dumps(whole, 0);
        t = open_text(text, strlen(text));
        expect_streams(t);
        tokenizer_free(t);
        free(text);
        json_decref(whole);
    }
    json_decref(root);
}

static const char bytes_model[] =
    "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"vocab\":{"
    "\"<0xE2>\":0,\"<0x82>\":1,\"<0xAC>\":2,\"a\":3,\"\xE2\x96\x81\":4},"
    "\"merges\":[]},\"decoder\":{\"type\":\"Sequence\",\"decoders\":["
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\xE2\x96\x81\"},"
    "\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
    "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}}";

static void
test_detok_holds_a_run_of_bytes_until_it_ends(void **state)
{
    struct tokenizer *t = open_text(bytes_model, sizeof(bytes_model) - 1);
    struct token_stream s = {.skip_special = false};
    struct strbuf out = {0};

    (void)state;
    for (int32_t id = 0; id < 3; id++)
        assert_int_equal(token_stream_feed(t, &s, id, &out, NULL), 0);
    assert_int_equal(out.len, 0); // a fourth byte could still spoil it
    assert_int_equal(token_stream_feed(t, &s, 3, &out, NULL), 0);
    assert_string_equal(out.s, "\xE2\x82\xAC"
                               "a");
    token_stream_release(&s);
    sb_release(&out);
    tokenizer_free(t);
}

static void
test_detok_spoiled_run_gives_one_mark_for_each_byte(void **state)
{
    struct tokenizer *t = open_text(bytes_model, sizeof(bytes_model) - 1);
    const int32_t ids[] = {4, 0, 1, 2, 0, 3};
    struct strbuf out = {0};

    (void)state;
    assert_int_equal(tokenizer_decode(t, &out, ids, 6, false, NULL), 0);
    assert_string_equal(out.s, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
                               "\xEF\xBF\xBD"
                               "a");
    sb_release(&out);
    tokenizer_free(t);
}

static void
test_detok_refuses_an_id_outside_the_vocabulary(void **state)
{
    struct tokenizer *t = open_text(bytes_model, sizeof(bytes_model) - 1);
    const int32_t past = 5, below = -1;
    struct strbuf out = {0};
    trv_err err;

    (void)state;
    assert_int_equal(tokenizer_decode(t, &out, &past, 1, false, &err),
                     TRV_ERANGE);
    assert_string_equal(err.msg, "token id 5 is outside the vocabulary of 5");
    assert_int_equal(tokenizer_decode(t, &out, &below, 1, false, &err),
                     TRV_ERANGE);
    sb_release(&out);
    tokenizer_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detok_streams_byte_level_text_whole),
        cmocka_unit_test(test_detok_streams_every_chain_of_decoders_whole),
        cmocka_unit_test(test_detok_holds_a_run_of_bytes_until_it_ends),
        cmocka_unit_test(test_detok_spoiled_run_gives_one_mark_for_each_byte),
        cmocka_unit_test(test_detok_refuses_an_id_outside_the_vocabulary),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
