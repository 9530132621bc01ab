/* test_tokenizer_gguf.c -- GGUF vocabularies against llama.cpp's own files of
 * texts (.inp) and ids (.out).
 */
#include "support/open_json.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/gguf_model.h"
#include "support/corpus.h"
#include "text/tokenizer/gguf_pre.h"
#include "text/tokenizer/tokenizer_inside.h"
#include "text/utf8.h"

static struct tokenizer *
open_gguf(const char *path)
{
    struct gguf_file f = {0};
    struct gguf_words w = {0};
    struct tokenizer *t = NULL;
    trv_err err;

    if (gguf_open(&f, path, &err) || gguf_words_open(&w, &f, &err) ||
        tokenizer_open_gguf(&t, &w.v, &err))
        fail_msg("%s", err.msg);
    gguf_words_release(&w);
    gguf_release(&f);
    return t;
}

static void
expect_ids(const struct tokenizer *t, const char *text, size_t n,
           const char *line)
{
    struct ids ids = {0};
    int64_t i = 0;

    assert_int_equal(tokenizer_encode(t, &ids, text, n, false, NULL), 0);
    for (char *end; *line && *line != '\n'; line = end, i++) {
        const long want = strtol(line, &end, 10);

        if (end == line)
            break;
        if (i >= ids.n || ids.v[i] != want)
            fail_msg("'%.*s': id %d is not %ld", (int)n, text, (int)i, want);
    }
    assert_int_equal(ids.n, i);
    ids_release(&ids);
}

static void
expect_vocab(const char *name)
{
    static const char gap[] = "\n__ggml_vocab_test__\n";
    char relative[100];
    struct strbuf texts = {0}, ids = {0};
    struct tokenizer *t;
    const char *path, *s, *line;
    int n = 0;

    snprintf(relative, sizeof(relative), "models/vocabs/ggml-vocab-%s.gguf",
             name);
    path = test_asset(relative);
    if (!path)
        skip();
    t = open_gguf(path);
    snprintf(relative, sizeof(relative), "models/vocabs/ggml-vocab-%s.gguf.inp",
             name);
    assert_int_equal(file_read(&texts, test_asset(relative), 1 << 20, NULL), 0);
    snprintf(relative, sizeof(relative), "models/vocabs/ggml-vocab-%s.gguf.out",
             name);
    assert_int_equal(file_read(&ids, test_asset(relative), 1 << 20, NULL), 0);
    s = texts.s;
    line = ids.s;
    while (line && *line) {
        const char *end = strstr(s, gap);

        expect_ids(t, s, end ? (size_t)(end - s) : strlen(s), line);
        n++;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
        if (!end)
            break;
        s = end + sizeof(gap) - 1;
    }
    assert_true(n > 40);
    sb_release(&texts);
    sb_release(&ids);
    tokenizer_free(t);
}

static void
test_tokenizer_gguf_gpt2_gives_llama_cpp_ids(void **state)
{
    (void)state;
    expect_vocab("gpt-2");
}

static void
test_tokenizer_gguf_falcon_gives_llama_cpp_ids(void **state)
{
    (void)state;
    expect_vocab("falcon");
}

static void
test_tokenizer_gguf_llama_spm_gives_llama_cpp_ids(void **state)
{
    (void)state;
    expect_vocab("llama-spm");
}

static void
test_tokenizer_gguf_phi3_gives_llama_cpp_ids(void **state)
{
    (void)state;
    expect_vocab("phi-3");
}

static void
test_tokenizer_gguf_deepseek_coder_gives_llama_cpp_ids(void **state)
{
    (void)state;
    expect_vocab("deepseek-coder");
}

static void
test_tokenizer_gguf_qwen35_gives_llama_cpp_ids(void **state)
{
    (void)state;
    expect_vocab("qwen35");
}

static void
test_tokenizer_gguf_gemma4_gives_llama_cpp_ids(void **state)
{
    (void)state;
    expect_vocab("gemma-4");
}

static void
test_tokenizer_gguf_spm_adds_bos_and_finds_special_tokens(void **state)
{
    const int32_t want[] = {1, 15043, 2, 29871, 3186}; // <s> Hello </s>
    const char *path = test_asset("models/vocabs/ggml-vocab-llama-spm.gguf");
    struct tokenizer *t;
    struct ids ids = {0};
    struct strbuf text = {0};

    (void)state;
    if (!path)
        skip();
    t = open_gguf(path);
    assert_int_equal(
        tokenizer_encode(t, &ids, "Hello</s> world", 15, true, NULL), 0);
    assert_int_equal(ids.n, 5);
    assert_memory_equal(ids.v, want, sizeof(want));
    assert_int_equal(tokenizer_bos(t), 1);
    assert_int_equal(tokenizer_eos(t), 2);
    assert_true(tokenizer_is_special(t, 2));
    assert_int_equal(tokenizer_decode(t, &text, ids.v, ids.n, true, NULL), 0);
    assert_string_equal(text.s, "Hello  world");
    sb_release(&text);
    ids_release(&ids);
    tokenizer_free(t);
}

/* A tokenizer.json written as a GGUF vocabulary gives the same ids under the
 * name that llama.cpp has for its expression. */
static void
expect_same_as_json(const char *name, const char *pre)
{
    static struct corpus corpus;
    char relative[100];
    struct strbuf file = {0};
    struct tokenizer *a, *b;
    struct gguf_vocab v = {.path = "v.gguf",
                           .model = "gpt2",
                           .pre = pre,
                           .bos = -1,
                           .eos = -1,
                           .unk = -1,
                           .pad = -1,
                           .add_bos = -1,
                           .add_eos = -1,
                           .add_space_prefix = -1};
    struct gguf_str *tokens, *merges;
    const json_t *list, *pair;
    int32_t *types;
    json_t *root;
    size_t i;

    snprintf(relative, sizeof(relative), "golden/tokenizer/%s.json", name);
    assert_int_equal(file_read(&file, test_source(relative), 1 << 24, NULL), 0);
    assert_int_equal(json_parse(&root, name, file.s, file.len, NULL), 0);
    assert_int_equal(test_open_json(&a, name, file.s, file.len, NULL), 0);
    v.n_tokens = tokenizer_size(a);
    tokens = mem_calloc((size_t)v.n_tokens, sizeof(*tokens));
    types = mem_calloc((size_t)v.n_tokens, sizeof(*types));
    for (int32_t id = 0; id < v.n_tokens; id++) {
        tokens[id].s = tokenizer_token(a, id);
        tokens[id].n = strlen(tokens[id].s);
        types[id] = tokenizer_is_special(a, id) ? 3 : 1;
    }
    list = json_object_get(json_object_get(root, "model"), "merges");
    v.n_merges = (int64_t)json_array_size(list);
    merges = mem_calloc((size_t)v.n_merges, sizeof(*merges));
    json_array_foreach(list, i, pair)
    {
        struct strbuf m = {0};

        assert_int_equal(sb_printf(&m, "%s %s",
                                   json_string_value(json_array_get(pair, 0)),
                                   json_string_value(json_array_get(pair, 1))),
                         0);
        merges[i].n = m.len;
        merges[i].s = sb_take(&m);
    }
    v.tokens = tokens;
    v.types = types;
    v.merges = merges;
    assert_int_equal(tokenizer_open_gguf(&b, &v, NULL), 0);

    corpus_generate(&corpus);
    for (int64_t d = 0; d < corpus.n; d++) {
        const struct strbuf *doc = &corpus.documents[d];
        struct ids x = {0}, y = {0};

        assert_int_equal(tokenizer_encode(a, &x, doc->s, doc->len, false, NULL),
                         0);
        assert_int_equal(tokenizer_encode(b, &y, doc->s, doc->len, false, NULL),
                         0);
        assert_int_equal(x.n, y.n);
        if (x.n)
            assert_memory_equal(x.v, y.v, (size_t)x.n * sizeof(*x.v));
        ids_release(&x);
        ids_release(&y);
    }
    corpus_release(&corpus);
    for (int64_t k = 0; k < v.n_merges; k++)
        mem_free((void *)(uintptr_t)merges[k].s);
    mem_free(merges);
    mem_free(tokens);
    mem_free(types);
    json_decref(root);
    sb_release(&file);
    tokenizer_free(a);
    tokenizer_free(b);
}

static void
test_tokenizer_gguf_llama_bpe_gives_the_ids_of_tokenizer_json(void **state)
{
    (void)state;
    expect_same_as_json("llama3", "llama-bpe");
}

/* A vocabulary of bytes and merges, as gen_pre.py makes it. */
struct made {
    struct gguf_str *tokens, *merges;
    int64_t n_merges;
};

static void
make_vocabulary(struct made *m, const json_t *pairs)
{
    struct strbuf s = {0};
    const json_t *pair;
    size_t i;

    m->n_merges = (int64_t)json_array_size(pairs);
    m->tokens = mem_calloc((size_t)(256 + m->n_merges), sizeof(*m->tokens));
    m->merges = mem_calloc((size_t)m->n_merges, sizeof(*m->merges));
    for (int b = 0; b < 256; b++) {
        char text[4];
        const size_t n = utf8_put(text, pretok_byte_char((unsigned char)b));

        m->tokens[b] = (struct gguf_str){mem_strndup(text, n), n};
    }
    json_array_foreach(pairs, i, pair)
    {
        const struct gguf_str a =
            m->tokens[json_integer_value(json_array_get(pair, 0))];
        const struct gguf_str b =
            m->tokens[json_integer_value(json_array_get(pair, 1))];

        assert_int_equal(sb_add(&s, a.s, a.n) || sb_add(&s, b.s, b.n), 0);
        m->tokens[256 + i].n = s.len;
        m->tokens[256 + i].s = sb_take(&s);
        assert_int_equal(sb_add(&s, a.s, a.n) || sb_putc(&s, ' ') ||
                             sb_add(&s, b.s, b.n),
                         0);
        m->merges[i].n = s.len;
        m->merges[i].s = sb_take(&s);
    }
}

static void
free_vocabulary(struct made *m)
{
    for (int64_t i = 0; i < 256 + m->n_merges; i++)
        mem_free((void *)(uintptr_t)m->tokens[i].s);
    for (int64_t i = 0; i < m->n_merges; i++)
        mem_free((void *)(uintptr_t)m->merges[i].s);
    mem_free(m->tokens);
    mem_free(m->merges);
}

/* SHA-256 of the ids of all texts, each behind their number. */
static void
hash_ids(char hex[HASH_HEX], const struct tokenizer *t, const json_t *texts)
{
    const json_t *text;
    struct hash *h;
    size_t i;

    assert_int_equal(hash_open(&h, NULL), 0);
    json_array_foreach(texts, i, text)
    {
        struct ids ids = {0};
        int32_t n;

        assert_int_equal(tokenizer_encode(t, &ids, json_string_value(text),
                                          json_string_length(text), false,
                                          NULL),
                         0);
        n = (int32_t)ids.n;
        hash_add(h, &n, sizeof(n));
        hash_add(h, ids.v, (size_t)ids.n * sizeof(*ids.v));
        ids_release(&ids);
    }
    hash_close(h, hex);
}

static void
test_tokenizer_gguf_cuts_text_as_llama_cpp_under_each_name(void **state)
{
    const char *file = test_source("golden/tokenizer/pre.json");
    struct gguf_vocab v = {.path = "v.gguf",
                           .model = "gpt2",
                           .bos = -1,
                           .eos = -1,
                           .unk = -1,
                           .pad = -1,
                           .add_bos = -1,
                           .add_eos = -1,
                           .add_space_prefix = -1};
    const struct gguf_pre *p;
    json_t *root, *want;
    const char *name;
    struct made m;
    int differ = 0;
    trv_err err = {0};

    (void)state;
    assert_int_equal(json_open(&root, file, &err), 0);
    make_vocabulary(&m, json_object_get(root, "merges"));
    v.tokens = m.tokens;
    v.n_tokens = 256 + m.n_merges;
    v.merges = m.merges;
    v.n_merges = m.n_merges;
    json_object_foreach(json_object_get(root, "ids"), name, want)
    {
        struct tokenizer *t;
        char hex[HASH_HEX];

        v.pre = name;
        if (tokenizer_open_gguf(&t, &v, &err))
            fail_msg("%s", err.msg);
        hash_ids(hex, t, json_object_get(root, "texts"));
        if (strcmp(hex, json_string_value(want)) != 0) {
            print_error("%s differs\n", name);
            differ++;
        }
        tokenizer_free(t);
    }
    assert_int_equal(differ, 0);
    for (int i = 0; (p = gguf_pre_at(i)); i++) { // no row is left out
        char first[64];

        assert_int_equal(sscanf(p->names, "%63s", first), 1);
        if (!p->plain)
            assert_non_null(
                json_object_get(json_object_get(root, "ids"), first));
    }
    free_vocabulary(&m);
    json_decref(root);
}

static const struct gguf_str two_tokens[] = {{"a", 1}, {"b", 1}};

static void
expect_refusal(const struct gguf_vocab *v, int code, const char *part)
{
    struct tokenizer *t = NULL;
    trv_err err = {0};

    assert_int_equal(tokenizer_open_gguf(&t, v, &err), code);
    assert_null(t);
    if (!strstr(err.msg, part) || !strstr(err.msg, "v.gguf"))
        fail_msg("'%s' does not name '%s'", err.msg, part);
}

static void
test_tokenizer_gguf_refuses_what_it_does_not_know(void **state)
{
    const struct gguf_str bad_merge[] = {{"ab", 2}};
    const float scores[] = {0.0f, 0.0f / 0.0f};
    struct gguf_vocab v = {.path = "v.gguf",
                           .model = "gpt2",
                           .pre = "gpt-2",
                           .n_tokens = 2,
                           .tokens = two_tokens,
                           .bos = -1,
                           .eos = -1,
                           .unk = -1,
                           .pad = -1,
                           .add_bos = -1,
                           .add_eos = -1,
                           .add_space_prefix = -1};

    (void)state;
    v.model = "bert";
    expect_refusal(&v, TRV_EUNSUPPORTED, "'bert'");
    v.model = "gpt2";
    v.pre = "no-such-model";
    expect_refusal(&v, TRV_EUNSUPPORTED, "'no-such-model'");
    v.pre = "gpt-2";
    v.n_tokens = 0;
    expect_refusal(&v, TRV_EFORMAT, "tokenizer.ggml.tokens");
    v.n_tokens = 2;
    v.merges = bad_merge;
    v.n_merges = 1;
    expect_refusal(&v, TRV_EFORMAT, "merge 0");
    v.model = "llama";
    v.scores = scores;
    expect_refusal(&v, TRV_EFORMAT, "tokenizer.ggml.scores");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokenizer_gguf_gpt2_gives_llama_cpp_ids),
        cmocka_unit_test(test_tokenizer_gguf_falcon_gives_llama_cpp_ids),
        cmocka_unit_test(test_tokenizer_gguf_llama_spm_gives_llama_cpp_ids),
        cmocka_unit_test(test_tokenizer_gguf_phi3_gives_llama_cpp_ids),
        cmocka_unit_test(
            test_tokenizer_gguf_deepseek_coder_gives_llama_cpp_ids),
        cmocka_unit_test(test_tokenizer_gguf_qwen35_gives_llama_cpp_ids),
        cmocka_unit_test(test_tokenizer_gguf_gemma4_gives_llama_cpp_ids),
        cmocka_unit_test(
            test_tokenizer_gguf_spm_adds_bos_and_finds_special_tokens),
        cmocka_unit_test(
            test_tokenizer_gguf_llama_bpe_gives_the_ids_of_tokenizer_json),
        cmocka_unit_test(
            test_tokenizer_gguf_cuts_text_as_llama_cpp_under_each_name),
        cmocka_unit_test(test_tokenizer_gguf_refuses_what_it_does_not_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
