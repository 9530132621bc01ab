/* test_tokenizer_json.c -- broken and unknown files are refused with one
 * sentence that names the file and the field; folders name their special
 * tokens.
 */
#include "support/open_json.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "text/tokenizer/tokenizer_inside.h"

#define MODEL(rest) "{\"model\":{\"type\":\"BPE\"," rest
#define GOOD MODEL("\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}")

static void
expect_refusal(const char *text, int code, const char *part)
{
    struct tokenizer *t = NULL;
    trv_err err = {0};
    const int rc = test_open_json(&t, "t.json", text, strlen(text), &err);

    assert_null(t);
    if (rc != code || !strstr(err.msg, part) || !strstr(err.msg, "t.json") ||
        strchr(err.msg, '\n'))
        fail_msg("%d '%s' for %s", rc, err.msg, text);
}

static void
test_tokenizer_json_refuses_broken_json(void **state)
{
    static const char good[] = GOOD "}";
    char cut[sizeof(good)];

    (void)state;
    for (size_t n = 0; n + 1 < sizeof(good); n++) { // every truncation
        memcpy(cut, good, n);
        cut[n] = '\0';
        expect_refusal(cut, TRV_EFORMAT, "no JSON");
    }
    expect_refusal("[]", TRV_EFORMAT, "no JSON object");
    expect_refusal("{}", TRV_EFORMAT, "'model'");
    expect_refusal("{\"model\":3}", TRV_EFORMAT, "'model'");
}

static void
test_tokenizer_json_refuses_merges_outside_the_vocabulary(void **state)
{
    (void)state;
    expect_refusal(MODEL("\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"]}}"),
                   TRV_EFORMAT, "their sum is not in the vocabulary");
    expect_refusal(
        MODEL("\"vocab\":{\"a\":0,\"b\":1},\"merges\":[[\"x\",\"b\"]]}}"),
        TRV_EFORMAT, "'x' and 'b': the first");
    expect_refusal(MODEL("\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}"),
                   TRV_EFORMAT, "merge 0 is no pair");
    expect_refusal(MODEL("\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}}"),
                   TRV_EFORMAT, "merge 0 is no pair");
    expect_refusal(MODEL("\"vocab\":{\"a\":0},\"merges\":[7]}}"), TRV_EFORMAT,
                   "'model.merges'");
    expect_refusal(MODEL("\"vocab\":{\"a\":0},\"merges\":\"a a\"}}"),
                   TRV_EFORMAT, "'model.merges'");
}

static void
test_tokenizer_json_refuses_ids_that_cannot_be(void **state)
{
    (void)state;
    expect_refusal(MODEL("\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}"),
                   TRV_EFORMAT, "id 0 twice");
    expect_refusal(MODEL("\"vocab\":{\"a\":-1},\"merges\":[]}}"), TRV_EFORMAT,
                   "the id of 'a'");
    expect_refusal(MODEL("\"vocab\":{\"a\":10000001},\"merges\":[]}}"),
                   TRV_EFORMAT, "the id of 'a'");
    expect_refusal(
        MODEL("\"vocab\":{\"a\":9223372036854775807},\"merges\":[]}}"),
        TRV_EFORMAT, "the id of 'a'");
    expect_refusal(MODEL("\"vocab\":{\"a\":1e300},\"merges\":[]}}"),
                   TRV_EFORMAT, "the id of 'a'");
    expect_refusal(MODEL("\"vocab\":{\"a\":\"0\"},\"merges\":[]}}"),
                   TRV_EFORMAT, "the id of 'a'");
    expect_refusal(MODEL("\"vocab\":[\"a\"],\"merges\":[]}}"), TRV_EFORMAT,
                   "'model.vocab'");
    expect_refusal(MODEL("\"vocab\":{},\"merges\":[]}}"), TRV_EFORMAT,
                   "'model.vocab'");
    expect_refusal(GOOD ",\"added_tokens\":[{\"id\":-5,\"content\":\"x\"}]}",
                   TRV_EFORMAT, "'added_tokens[0]'");
    expect_refusal(GOOD
                   ",\"added_tokens\":[{\"id\":99999999,\"content\":\"x\"}]}",
                   TRV_EFORMAT, "'added_tokens[0]'");
    expect_refusal(GOOD ",\"added_tokens\":[{\"id\":3}]}", TRV_EFORMAT,
                   "'added_tokens[0].content'");
    expect_refusal(GOOD ",\"added_tokens\":{}}", TRV_EFORMAT, "'added_tokens'");
}

static void
test_tokenizer_json_refuses_wrong_types_and_bad_expressions(void **state)
{
    (void)state;
    expect_refusal(MODEL("\"fuse_unk\":1,\"vocab\":{\"a\":0},\"merges\":[]}}"),
                   TRV_EFORMAT, "'fuse_unk'");
    expect_refusal(MODEL("\"unk_token\":1,\"vocab\":{\"a\":0},\"merges\":[]}}"),
                   TRV_EFORMAT, "'model.unk_token'");
    expect_refusal(GOOD ",\"normalizer\":{\"type\":\"Sequence\"}}", TRV_EFORMAT,
                   "'normalizer.normalizers'");
    expect_refusal(GOOD ",\"normalizer\":{\"form\":\"NFC\"}}", TRV_EFORMAT,
                   "'normalizer'");
    expect_refusal(GOOD ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{"
                        "\"Regex\":\"a(b\"},\"behavior\":\"Isolated\"}}",
                   TRV_EFORMAT, "'pre_tokenizer.pattern'");
    expect_refusal(GOOD ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{"
                        "\"Regex\":\"[a&&b]\"},\"behavior\":\"Isolated\"}}",
                   TRV_EUNSUPPORTED, "'pre_tokenizer.pattern'");
    expect_refusal(GOOD ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{"
                        "\"Regex\":\"a\"},\"behavior\":\"Sideways\"}}",
                   TRV_EUNSUPPORTED, "'Sideways'");
    expect_refusal(GOOD ",\"decoder\":{\"type\":\"Strip\",\"content\":\"ab\","
                        "\"start\":1,\"stop\":0}}",
                   TRV_EFORMAT, "'decoder.content'");
    expect_refusal(GOOD ",\"post_processor\":{\"type\":\"TemplateProcessing\","
                        "\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}}],"
                        "\"special_tokens\":{}}}",
                   TRV_EFORMAT, "'post_processor.special_tokens'");
    expect_refusal(GOOD ",\"post_processor\":{\"type\":\"TemplateProcessing\","
                        "\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}}],"
                        "\"special_tokens\":{\"<s>\":{\"ids\":[3]}}}}",
                   TRV_EFORMAT, "has id 3");
}

static void
test_tokenizer_json_refuses_unknown_parts_by_name(void **state)
{
    (void)state;
    expect_refusal("{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\"]]}}",
                   TRV_EFORMAT, "token 0 is no pair of a string and a score");
    expect_refusal("{\"model\":{\"type\":\"Unigram\",\"vocab\":{\"a\":0}}}",
                   TRV_EFORMAT, "no list of 1 to");
    expect_refusal("{\"model\":{\"type\":\"Unigram\",\"unk_id\":1,"
                   "\"vocab\":[[\"a\",0]]}}",
                   TRV_EFORMAT, "unk_id");
    expect_refusal("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}}",
                   TRV_EUNSUPPORTED, "'WordPiece'");
    expect_refusal(GOOD ",\"normalizer\":{\"type\":\"Precompiled\"}}",
                   TRV_EFORMAT, "'precompiled_charsmap' of 't.json' is no");
    expect_refusal(GOOD ",\"normalizer\":{\"type\":\"Precompiled\","
                        "\"precompiled_charsmap\":\"!\"}}",
                   TRV_EFORMAT, "is no base64");
    expect_refusal(GOOD ",\"normalizer\":{\"type\":\"Precompiled\","
                        "\"precompiled_charsmap\":\"AAAA\"}}",
                   TRV_EFORMAT, "are broken");
    expect_refusal(GOOD ",\"normalizer\":{\"type\":\"Nmt\"}}", TRV_EUNSUPPORTED,
                   "'Nmt'");
    expect_refusal(GOOD ",\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}}",
                   TRV_EUNSUPPORTED, "'BertPreTokenizer'");
    expect_refusal(GOOD ",\"decoder\":{\"type\":\"CTC\"}}", TRV_EUNSUPPORTED,
                   "'CTC'");
    expect_refusal(GOOD ",\"post_processor\":{\"type\":\"BertProcessing\"}}",
                   TRV_EUNSUPPORTED, "'BertProcessing'");
}

static void
test_tokenizer_json_refuses_sequences_too_deep(void **state)
{
    static const char open[] = "{\"type\":\"Sequence\",\"normalizers\":[";
    struct strbuf b = {0};

    (void)state;
    assert_int_equal(sb_puts(&b, GOOD ",\"normalizer\":"), 0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(sb_puts(&b, open), 0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(sb_puts(&b, "]}"), 0);
    assert_int_equal(sb_puts(&b, "}"), 0);
    expect_refusal(b.s, TRV_EFORMAT, "too deep");
    sb_release(&b);
}

static void
test_tokenizer_json_size_counts_added_tokens(void **state)
{
    static const char text[] =
        GOOD ",\"added_tokens\":[{\"id\":3,\"content\":\"<s>\",\"special\":"
             "true,\"normalized\":false}]}";
    struct tokenizer *t;
    struct ids ids = {0};
    char a[HASH_HEX], b[HASH_HEX];

    (void)state;
    assert_int_equal(test_open_json(&t, "t.json", text, strlen(text), NULL), 0);
    assert_int_equal(tokenizer_size(t), 4);
    assert_int_equal(tokenizer_id(t, "<s>"), 3);
    assert_int_equal(tokenizer_id(t, "nothing"), -1);
    assert_string_equal(tokenizer_token(t, 2), "ab");
    assert_null(tokenizer_token(t, 4));
    assert_true(tokenizer_is_special(t, 3));
    assert_false(tokenizer_is_special(t, 2));
    assert_int_equal(tokenizer_encode(t, &ids, "ab<s>b", 6, true, NULL), 0);
    assert_int_equal(ids.n, 3);
    assert_int_equal(ids.v[0], 2);
    assert_int_equal(ids.v[1], 3);
    assert_int_equal(ids.v[2], 1);
    tokenizer_hash(t, a);
    tokenizer_free(t);
    assert_int_equal(
        test_open_json(&t, "t.json", GOOD "}", strlen(GOOD "}"), NULL), 0);
    tokenizer_hash(t, b);
    assert_string_not_equal(a, b);
    tokenizer_free(t);
    ids_release(&ids);
}

static void
test_tokenizer_json_fails_cleanly_at_every_allocation(void **state)
{
    static const char text[] =
        GOOD ",\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":"
             "\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"},"
             "\"added_tokens\":[{\"id\":3,\"content\":\"<s>\"}]}";
    const int64_t live = mem_stats_get().live_bytes;
    int rc = TRV_ENOMEM;

    (void)state;
    for (int64_t n = 0; rc; n++) {
        struct tokenizer *t = NULL;
        struct ids ids = {0};
        struct strbuf out = {0};
        trv_err err;

        mem_fail_after(n);
        rc = test_open_json(&t, "t.json", text, strlen(text), &err);
        if (!rc)
            rc = tokenizer_encode(t, &ids, "ab caf\xC3\xA9<s>\xFF", 11, true,
                                  &err);
        if (!rc)
            rc = tokenizer_decode(t, &out, ids.v, ids.n, false, &err);
        mem_fail_after(-1);
        if (rc)
            assert_int_equal(rc, TRV_ENOMEM);
        tokenizer_free(t);
        ids_release(&ids);
        sb_release(&out);
        assert_int_equal(mem_stats_get().live_bytes, live);
        assert_true(n < 10000);
    }
}

/* --- folders --- */

static void
write_file(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);

    assert_non_null(path);
    assert_int_equal(file_write_atomic(path, text, strlen(text), NULL), 0);
    mem_free(path);
}

static void
test_tokenizer_folder_names_its_special_tokens(void **state)
{
    const char *dir = test_tmpdir("tokenizer-folder");
    struct tokenizer *t;

    (void)state;
    write_file(dir, "tokenizer.json", GOOD "}");
    write_file(dir, "config.json",
               "{\"bos_token_id\":0,\"eos_token_id\":[1,2]}");
    assert_int_equal(tokenizer_open_hf(&t, NULL, dir, NULL), 0);
    assert_int_equal(tokenizer_bos(t), 0);
    assert_int_equal(tokenizer_eos(t), 1);
    tokenizer_free(t);

    write_file(dir, "special_tokens_map.json",
               "{\"eos_token\":{\"content\":\"ab\"}}");
    write_file(dir, "tokenizer_config.json",
               "{\"bos_token\":null,\"model_max_length\":"
               "1000000000000000019884624838656}");
    assert_int_equal(tokenizer_open_hf(&t, NULL, dir, NULL), 0);
    assert_int_equal(tokenizer_bos(t), -1); // null says there is none
    assert_int_equal(tokenizer_eos(t), 2);
    tokenizer_free(t);
}

static void
test_tokenizer_folder_without_a_tokenizer_says_so(void **state)
{
    const char *dir = test_tmpdir("tokenizer-none");
    struct tokenizer *t;
    trv_err err;

    (void)state;
    assert_int_equal(tokenizer_open_hf(&t, NULL, dir, &err), TRV_EIO);
    assert_non_null(strstr(err.msg, "has no tokenizer"));
}

static void
test_tokenizer_merges_file_names_its_broken_line(void **state)
{
    const char *dir = test_tmpdir("tokenizer-merges");
    struct tokenizer *t;
    trv_err err;

    (void)state;
    write_file(dir, "vocab.json", "{\"a\":0,\"b\":1,\"ab\":2}");
    write_file(dir, "merges.txt", "#version: 0.2\na b\r\nnonsense\n");
    assert_int_equal(tokenizer_open_hf(&t, NULL, dir, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "line 3"));
    assert_non_null(strstr(err.msg, "merges.txt"));

    write_file(dir, "merges.txt", "#version: 0.2\na b\r\n");
    assert_int_equal(tokenizer_open_hf(&t, NULL, dir, NULL), 0);
    assert_int_equal(tokenizer_size(t), 4); // and the class's <|endoftext|>
    assert_int_equal(tokenizer_eos(t), 3);
    tokenizer_free(t);

    write_file(dir, "tokenizer_config.json",
               "{\"tokenizer_class\":\"RobertaTokenizer\"}");
    assert_int_equal(tokenizer_open_hf(&t, NULL, dir, &err), TRV_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "'RobertaTokenizer'"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokenizer_json_refuses_broken_json),
        cmocka_unit_test(
            test_tokenizer_json_refuses_merges_outside_the_vocabulary),
        cmocka_unit_test(test_tokenizer_json_refuses_ids_that_cannot_be),
        cmocka_unit_test(
            test_tokenizer_json_refuses_wrong_types_and_bad_expressions),
        cmocka_unit_test(test_tokenizer_json_refuses_unknown_parts_by_name),
        cmocka_unit_test(test_tokenizer_json_refuses_sequences_too_deep),
        cmocka_unit_test(test_tokenizer_json_size_counts_added_tokens),
        cmocka_unit_test(test_tokenizer_json_fails_cleanly_at_every_allocation),
        cmocka_unit_test(test_tokenizer_folder_names_its_special_tokens),
        cmocka_unit_test(test_tokenizer_folder_without_a_tokenizer_says_so),
        cmocka_unit_test(test_tokenizer_merges_file_names_its_broken_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
