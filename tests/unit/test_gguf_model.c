/* test_gguf_model.c -- facts about configs and vocabularies in GGUF files. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/files/family.h"
#include "model/files/gguf_model.h"

static void
open_golden(struct gguf_file *f, const char *name)
{
    char path[64];
    trv_err err = {0};

    snprintf(path, sizeof(path), "golden/model/%s.gguf", name);
    if (gguf_open(f, test_source(path), &err))
        fail_msg("%s", err.msg);
}

static void
test_gguf_model_reads_the_config_of_each_architecture(void **state)
{
    struct model_config c;
    struct gguf_file f;
    trv_err err;

    (void)state;
    open_golden(&f, "llama");
    assert_int_equal(gguf_config(&c, &f, &err), 0);
    assert_string_equal(family_name(c.family), "llama");
    assert_int_equal(c.vocab, 265);
    assert_int_equal(c.width, 32);
    assert_int_equal(c.layers, 2);
    assert_int_equal(c.heads, 4);
    assert_int_equal(c.kv_heads, 2);
    assert_int_equal(c.head_dim, 8);
    assert_int_equal(c.mlp_width, 256);
    assert_int_equal(c.context, 64);
    assert_close(c.norm_eps, 1e-5f, 0);
    assert_close(c.ropes[0].theta, 500, 0);
    assert_int_equal(c.ropes[0].scaling, ROPE_FACTORS);
    assert_close(c.ropes[0].factors[0], 1, 0);
    assert_close(c.ropes[0].factors[3], 8, 0);
    assert_int_equal(c.bos, 1);
    assert_int_equal(c.eos, 2);
    assert_true(c.rms && c.gated && !c.tied && !c.qkv_bias && !c.conv1d);
    gguf_release(&f);

    open_golden(&f, "qwen2");
    assert_int_equal(gguf_config(&c, &f, &err), 0);
    assert_true(c.qkv_bias && !c.o_bias && c.tied);
    assert_int_equal(c.ropes[0].scaling, ROPE_PLAIN);
    assert_int_equal(c.eos, -1);
    gguf_release(&f);

    open_golden(&f, "qwen3");
    assert_int_equal(gguf_config(&c, &f, &err), 0);
    assert_true(c.kinds[0].qk_norm == QK_NORM_HEAD && !c.qkv_bias);
    assert_int_equal(c.head_dim, 16);
    gguf_release(&f);

    open_golden(&f, "gpt2");
    assert_int_equal(gguf_config(&c, &f, &err), 0);
    assert_true(c.learned_pos && c.fused_qkv && !c.conv1d && c.tied && !c.rms);
    assert_int_equal(c.act, ACT_GELU_TANH);
    gguf_release(&f);
}

/* llama.cpp divides by rope_freqs; the same numbers as llama3 scaling give
 * the same table, within the roundings of factors stored in f32. */
static void
test_gguf_model_rope_freqs_equal_llama3_scaling(void **state)
{
    struct model_config c;
    struct rope scaled;
    float got[64 * 8], want[64 * 8];
    struct gguf_file f;
    trv_err err;

    (void)state;
    open_golden(&f, "llama");
    assert_int_equal(gguf_config(&c, &f, &err), 0);
    scaled = c.ropes[0];
    scaled.scaling = ROPE_LLAMA3;
    scaled.factor = 8;
    scaled.low = 1;
    scaled.high = 4;
    scaled.original = 32;
    rope_table(got, &c.ropes[0], 8, 64);
    rope_table(want, &scaled, 8, 64);
    for (int i = 0; i < 64 * 8; i++) // angles up to 64, a few f32 roundings
        assert_close(got[i], want[i], 64 * 0x1p-21);
    gguf_release(&f);
}

static void
test_gguf_model_reads_the_vocabulary(void **state)
{
    struct gguf_words w;
    struct gguf_file f;
    trv_err err;

    (void)state;
    open_golden(&f, "llama");
    assert_int_equal(gguf_words_open(&w, &f, &err), 0);
    assert_string_equal(w.v.model, "llama");
    assert_int_equal(w.v.n_tokens, 265);
    assert_int_equal(w.v.tokens[4].n, 6);
    assert_memory_equal(w.v.tokens[4].s, "<0x01>", 6);
    assert_close(w.v.scores[264], -3, 0);
    assert_int_equal(w.v.types[3], 6);
    assert_int_equal(w.v.bos, 1);
    assert_int_equal(w.v.unk, 0);
    assert_int_equal(w.v.pad, -1);
    assert_int_equal(w.v.add_bos, 1);
    assert_int_equal(w.v.add_eos, -1);
    assert_int_equal(w.v.add_space_prefix, 1);
    assert_null(w.v.merges);
    gguf_words_release(&w);
    gguf_release(&f);

    open_golden(&f, "gpt2");
    assert_int_equal(gguf_words_open(&w, &f, &err), 0);
    assert_string_equal(w.v.pre, "gpt-2");
    assert_int_equal(w.v.n_merges, 2);
    assert_memory_equal(w.v.merges[0].s, "a b", 3);
    assert_null(w.v.scores);
    gguf_words_release(&w);
    gguf_release(&f);

    open_golden(&f, "qwen3");
    assert_int_equal(gguf_words_open(&w, &f, &err), 0);
    assert_int_equal(w.v.n_tokens, 0);
    gguf_words_release(&w);
    gguf_release(&f);
}

static void
test_gguf_model_reads_published_vocabularies(void **state)
{
    static const struct {
        const char *file, *model;
        int64_t tokens, merges;
    } files[] = {
        {"models/vocabs/ggml-vocab-gpt-2.gguf", "gpt2", 50257, 50000},
        {"models/vocabs/ggml-vocab-llama-spm.gguf", "llama", 32000, 0},
    };
    struct gguf_words w;
    struct gguf_file f;
    trv_err err = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *path = test_asset(files[i].file);

        if (!path)
            continue;
        assert_int_equal(gguf_open(&f, path, &err), 0);
        assert_int_equal(gguf_words_open(&w, &f, &err), 0);
        assert_string_equal(w.v.model, files[i].model);
        assert_int_equal(w.v.n_tokens, files[i].tokens);
        assert_int_equal(w.v.n_merges, files[i].merges);
        gguf_words_release(&w);
        gguf_release(&f);
    }
}

/* A golden file whose bytes are changed in place before it is parsed. */
static void
refuse_changed(const char *name, const char *find, size_t skip,
               const void *bytes, size_t n, const char *says)
{
    char rel[64];
    struct strbuf b = {0};
    struct model_config c;
    struct gguf_words w;
    struct gguf_file f;
    trv_err err = {0};
    char *at;
    int rc;

    snprintf(rel, sizeof(rel), "golden/model/%s.gguf", name);
    assert_int_equal(file_read(&b, test_source(rel), SIZE_MAX, &err), 0);
    at = memmem(b.s, b.len, find, strlen(find));
    assert_non_null(at);
    memcpy(at + strlen(find) + skip, bytes, n);
    rc = gguf_parse(&f, "x.gguf", b.s, b.len, &err);
    if (!rc)
        rc = gguf_config(&c, &f, &err);
    if (!rc)
        rc = gguf_words_open(&w, &f, &err);
    if (!rc || !strstr(err.msg, says) || !strstr(err.msg, "x.gguf"))
        fail_msg("%d '%s' does not say '%s'", rc, err.msg, says);
    gguf_release(&f);
    sb_release(&b);
}

static void
test_gguf_model_refuses_what_contradicts_itself(void **state)
{
    const uint32_t zero = 0, three = 3, big = 999;
    const float still = 0.0f;

    (void)state;
    /* Skipped: 4 bytes of the key's type. */
    refuse_changed("llama", "llama.attention.head_count", 4, &zero, 4,
                   "no heads");
    refuse_changed("llama", "llama.attention.head_count", 4, &three, 4,
                   "width 32 is no multiple of 3 heads");
    refuse_changed("llama", "llama.block_count", 4, &zero, 4,
                   "number of layers is 0");
    refuse_changed("llama", "llama.rope.dimension_count", 4, &three, 4,
                   "rotary positions on 3 of 8 values");
    refuse_changed("qwen3", "qwen3.attention.value_length", 4, &three, 4,
                   "keys of 16 and values of 3");
    refuse_changed("llama", "tokenizer.ggml.eos_token_id", 4, &big, 4,
                   "'tokenizer.ggml.eos_token_id'");
    refuse_changed("llama", "llama.rope.freq_base", 4, &still, 4,
                   "'llama.rope.freq_base'");
    /* And 8 of a length. */
    refuse_changed("llama", "general.architecture", 12, "lamma", 5,
                   "the architecture 'lamma' is not supported; known are gpt2");
    refuse_changed("llama", "llama.block_coun", 0, "x", 1,
                   "lacks the key 'llama.block_count'");
    refuse_changed("llama", "token_embd.weigh", 0, "x", 1,
                   "lacks the matrix 'token_embd.weight'");
    refuse_changed("ministral3", "rope.scaling.original_context_length", 4,
                   &zero, 4, "its original context is 0");
    refuse_changed("ministral3", "rope.scaling.type", 12, "spun", 4,
                   "the rotary scaling 'spun' is not supported");
    refuse_changed("phi3", "rope_factors_short.weigh", 0, "x", 1,
                   "has 'rope_factors_long.weight' without");
    refuse_changed("phi3", "phi3.rope.dimension_count", 4, &three, 4,
                   "rotary positions on 3 of 8 values");
    /* An array's type, 4, its element's type, 4, then its length. */
    refuse_changed("llama", "tokenizer.ggml.token_type", 4, "\x06\0\0\0", 4,
                   "'tokenizer.ggml.token_type'");
}

/* GGUF files of Gemma do not say the scale of attention: the largest model of
 * each generation has another than 1 / sqrt(head_dim). */
static void
test_gguf_model_scales_attention_of_the_largest_gemma(void **state)
{
    const struct family *f = family_find("gemma2", 6);
    struct model_config *c = mem_calloc(1, sizeof(*c));

    (void)state;
    assert_non_null(c);
    c->width = 4608;
    c->heads = 32;
    c->head_dim = 128;
    c->layers = 46;
    assert_int_equal(f->read_gguf(c, NULL, NULL), 0);
    assert_true(fabs(c->attn_scale - 1.0 / 12.0) < 1e-12); // 4608/32 = 144
    c->layers = 42;
    c->attn_scale = 0.0;
    assert_int_equal(f->read_gguf(c, NULL, NULL), 0);
    assert_true(c->attn_scale == 0.0);
    mem_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gguf_model_reads_the_config_of_each_architecture),
        cmocka_unit_test(test_gguf_model_rope_freqs_equal_llama3_scaling),
        cmocka_unit_test(test_gguf_model_reads_the_vocabulary),
        cmocka_unit_test(test_gguf_model_reads_published_vocabularies),
        cmocka_unit_test(test_gguf_model_refuses_what_contradicts_itself),
        cmocka_unit_test(test_gguf_model_scales_attention_of_the_largest_gemma),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
