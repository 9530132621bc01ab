/* test_tokenizer.c -- ids and texts against Hugging Face's `tokenizers`.
 *
 * tests/golden/tokenizer/ holds small tokenizers, the hashes of what the
 * reference makes of the corpus, and the scripts that made them.
 */
#include "support/open_json.h"
#include "support/test.h"

#include <string.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "support/corpus.h"
#include "text/tokenizer/tokenizer.h"
#include "text/tokenizer/tokenizer_inside.h"
#include "text/utf8.h"

static struct corpus corpus; // generated documents, then the assets'
static int64_t n_generated;
static bool has_assets;
static json_t *golden;

static int
group_setup(void **state)
{
    (void)state;
    corpus_generate(&corpus);
    n_generated = corpus.n;
    has_assets = corpus_add_assets(&corpus);
    return json_open(&golden, test_source("golden/tokenizer/golden.json"),
                     NULL);
}

static int
group_teardown(void **state)
{
    (void)state;
    corpus_release(&corpus);
    json_decref(golden);
    return 0;
}

static struct tokenizer *
open_json(const char *name, const char *text, size_t n)
{
    struct tokenizer *t = NULL;
    trv_err err;

    if (test_open_json(&t, name, text, n, &err))
        fail_msg("%s", err.msg);
    return t;
}

static struct tokenizer *
open_golden(const char *name)
{
    const char *path = test_source(name);
    struct strbuf b = {0};
    struct tokenizer *t;

    if (file_read(&b, path, (size_t)1 << 30, NULL))
        fail_msg("cannot read '%s'", path);
    t = open_json(path, b.s, b.len);
    sb_release(&b);
    return t;
}

/* --- whole corpora --- */

struct digests {
    char ids[HASH_HEX], text[HASH_HEX];
};

static void
add_text(struct hash *h, const struct tokenizer *t, const struct ids *ids,
         bool skip_special)
{
    struct strbuf text = {0};

    assert_int_equal(
        tokenizer_decode(t, &text, ids->v, ids->n, skip_special, NULL), 0);
    hash_add(h, text.s, text.len);
    hash_add(h, "", 1);
    sb_release(&text);
}

static struct digests
digests_of(const struct tokenizer *t, int64_t first, int64_t last,
           int64_t then_first, int64_t then_last)
{
    struct hash *h_ids, *h_text;
    struct digests d;
    const int32_t end = -1;

    assert_int_equal(hash_open(&h_ids, NULL), 0);
    assert_int_equal(hash_open(&h_text, NULL), 0);
    for (int64_t i = first; i < then_last; i++) {
        const struct strbuf *doc = &corpus.documents[i];
        struct ids ids = {0};
        trv_err err;

        if (i >= last && i < then_first)
            continue;
        if (tokenizer_encode(t, &ids, doc->s, doc->len, true, &err))
            fail_msg("%s", err.msg);
        hash_add(h_ids, ids.v, (size_t)ids.n * sizeof(int32_t));
        hash_add(h_ids, &end, sizeof(end));
        add_text(h_text, t, &ids, false);
        add_text(h_text, t, &ids, true);
        ids_release(&ids);
    }
    hash_close(h_ids, d.ids);
    hash_close(h_text, d.text);
    return d;
}

static void
expect_digests(const struct tokenizer *t, const json_t *want, int64_t n,
               const char *name)
{
    const struct digests got = digests_of(t, 0, n, n, n);

    assert_non_null(want);
    if (strcmp(got.ids, json_string_value(json_object_get(want, "ids"))))
        fail_msg("%s: ids differ", name);
    if (strcmp(got.text, json_string_value(json_object_get(want, "text"))))
        fail_msg("%s: texts differ", name);
}

static void
expect_folder(const char *name)
{
    char relative[100];
    const char *dir;
    struct tokenizer *t;
    trv_err err;

    snprintf(relative, sizeof(relative), "models/%s", name);
    dir = test_asset(relative);
    if (!dir || !has_assets)
        skip();
    assert_int_equal(json_integer_value(json_object_get(golden, "documents")),
                     corpus.n);
    if (tokenizer_open_hf(&t, NULL, dir, &err))
        fail_msg("%s", err.msg);
    expect_digests(t, json_object_get(golden, name), corpus.n, name);
    tokenizer_free(t);
}

static void
test_tokenizer_gpt2_equals_tokenizers_on_the_corpus(void **state)
{
    (void)state;
    expect_folder("tokenizer-gpt2");
}

static void
test_tokenizer_llama2_equals_tokenizers_on_the_corpus(void **state)
{
    (void)state;
    expect_folder("tokenizer-llama2");
}

static void
test_tokenizer_smollm2_equals_tokenizers_on_the_corpus(void **state)
{
    (void)state;
    expect_folder("tokenizer-smollm2");
}

static void
test_tokenizer_tinystories_656k_equals_tokenizers_on_the_corpus(void **state)
{
    (void)state;
    expect_folder("tinystories-656k");
}

static void
test_tokenizer_vocab_and_merges_equal_gpt2tokenizer_on_the_corpus(void **state)
{
    (void)state;
    expect_folder("tinystories-instruct-3m-chat");
}

static void
test_tokenizer_llama3_and_qwen2_splits_equal_tokenizers(void **state)
{
    struct tokenizer *t;

    (void)state;
    t = open_golden("golden/tokenizer/llama3.json");
    expect_digests(t, json_object_get(golden, "llama3"), n_generated, "llama3");
    tokenizer_free(t);
    t = open_golden("golden/tokenizer/qwen2.json");
    expect_digests(t, json_object_get(golden, "qwen2"), n_generated, "qwen2");
    tokenizer_free(t);
}

/* One small tokenizer of variants.json, as text. */
static char *
variant_text(const json_t *root, const json_t *variant)
{
    json_t *whole = json_deep_copy(json_object_get(variant, "parts"));
    const char *key = json_string_value(json_object_get(variant, "model"));
    char *text;

    json_object_set(whole, "model",
                    json_object_get(json_object_get(root, "models"), key));
    text = json_dumps(whole, 0);
    json_decref(whole);
    return text;
}

static void
test_tokenizer_every_part_equals_tokenizers(void **state)
{
    json_t *root, *v;
    size_t i;
    int wrong = 0;

    (void)state;
    assert_int_equal(
        json_open(&root, test_source("golden/tokenizer/variants.json"), NULL),
        0);
    json_array_foreach(json_object_get(root, "variants"), i, v)
    {
        const char *name = json_string_value(json_object_get(v, "name"));
        char *text = variant_text(root, v);
        struct tokenizer *t = open_json(name, text, strlen(text));
        const struct digests got = digests_of(t, 0, 12, 100, n_generated);

        if (strcmp(got.ids, json_string_value(json_object_get(v, "ids"))) ||
            strcmp(got.text, json_string_value(json_object_get(v, "text")))) {
            print_error("%s differs\n", name);
            wrong++;
        }
        tokenizer_free(t);
        free(text);
    }
    assert_true(i > 50);
    assert_int_equal(wrong, 0);
    json_decref(root);
}

/* Two million symbols in one word, or one run of space: quadratic work would
 * run into the test's time limit. */
static void
test_tokenizer_hostile_words_take_time_in_proportion(void **state)
{
    static const char *const units[] = {"ab", "  ", "' ", "1\n", "e\xCC\x81"};
    struct tokenizer *t[] = {open_golden("golden/tokenizer/llama3.json"),
                             open_golden("golden/tokenizer/qwen2.json")};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct strbuf text = {0};

        for (int k = 0; k < 1000000; k++)
            assert_int_equal(sb_puts(&text, units[i]), 0);
        for (int k = 0; k < 2; k++) {
            struct ids ids = {0};
            trv_err err;

            if (tokenizer_encode(t[k], &ids, text.s, text.len, false, &err))
                fail_msg("%s", err.msg);
            assert_true(ids.n > 0);
            ids_release(&ids);
        }
        sb_release(&text);
    }
    tokenizer_free(t[0]);
    tokenizer_free(t[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokenizer_gpt2_equals_tokenizers_on_the_corpus),
        cmocka_unit_test(test_tokenizer_llama2_equals_tokenizers_on_the_corpus),
        cmocka_unit_test(
            test_tokenizer_smollm2_equals_tokenizers_on_the_corpus),
        cmocka_unit_test(
            test_tokenizer_tinystories_656k_equals_tokenizers_on_the_corpus),
        cmocka_unit_test(
            test_tokenizer_vocab_and_merges_equal_gpt2tokenizer_on_the_corpus),
        cmocka_unit_test(
            test_tokenizer_llama3_and_qwen2_splits_equal_tokenizers),
        cmocka_unit_test(test_tokenizer_every_part_equals_tokenizers),
        cmocka_unit_test(test_tokenizer_hostile_words_take_time_in_proportion),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
