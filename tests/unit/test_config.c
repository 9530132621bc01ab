/* test_config.c -- facts about configs and rotary tables. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "model/files/config.h"
#include "model/files/safetensors.h"

static int
read(struct model_config *c, const char *text, trv_err *err)
{
    json_t *doc;
    int rc;

    assert_int_equal(json_parse(&doc, "config.json", text, strlen(text), err),
                     0);
    rc = config_from_json(c, doc, "config.json", err);
    json_decref(doc);
    return rc;
}

static void
test_config_takes_the_defaults_of_transformers(void **state)
{
    struct model_config c;
    trv_err err;

    (void)state;
    assert_int_equal(read(&c, "{\"model_type\":\"gpt2\"}", &err), 0);
    assert_int_equal(c.vocab, 50257);
    assert_int_equal(c.width, 768);
    assert_int_equal(c.layers, 12);
    assert_int_equal(c.head_dim, 64);
    assert_int_equal(c.mlp_width, 3072);
    assert_int_equal(c.context, 1024);
    assert_int_equal(c.eos, 50256);
    assert_int_equal(c.act, ACT_GELU_TANH);
    assert_true(c.tied && c.learned_pos && c.fused_qkv && c.conv1d);
    assert_true(c.qkv_bias && c.o_bias && c.mlp_bias && !c.rms && !c.gated);

    assert_int_equal(read(&c, "{\"model_type\":\"llama\"}", &err), 0);
    assert_int_equal(c.vocab, 32000);
    assert_int_equal(c.kv_heads, 32);
    assert_int_equal(c.mlp_width, 11008);
    assert_int_equal(c.head_dim, 128);
    assert_int_equal(c.bos, 1);
    assert_int_equal(c.eos, 2);
    assert_close(c.norm_eps, 1e-6, 0);
    assert_close(c.ropes[0].theta, 10000, 0);
    assert_true(c.rms && c.gated && !c.tied && !c.qkv_bias && !c.o_bias);

    assert_int_equal(read(&c, "{\"model_type\":\"mistral\"}", &err), 0);
    assert_int_equal(c.kv_heads, 8);
    assert_int_equal(config_layer(&c, 31)->window, 4096);
    assert_int_equal(c.context, 131072);
    assert_int_equal(
        read(&c, "{\"model_type\":\"mistral\",\"sliding_window\":null}", &err),
        0);
    assert_int_equal(config_layer(&c, 0)->window, 0);

    assert_int_equal(read(&c, "{\"model_type\":\"qwen2\"}", &err), 0);
    assert_true(c.qkv_bias && !c.o_bias && !c.kinds[0].qk_norm);
    assert_int_equal(config_layer(&c, 0)->window, 0);
    assert_int_equal(c.eos, -1);
    assert_int_equal(read(&c, "{\"model_type\":\"qwen3\"}", &err), 0);
    assert_int_equal(c.head_dim, 128);
    assert_true(c.kinds[0].qk_norm == QK_NORM_HEAD && !c.qkv_bias);
}

static void
test_config_reads_scaling_as_transformers_4_and_5_write_it(void **state)
{
    static const char *const forms[] = {
        "{\"model_type\":\"llama\",\"rope_theta\":500000.0,\"rope_scaling\":"
        "{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,"
        "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192}}",
        "{\"model_type\":\"llama\",\"rope_parameters\":{\"rope_theta\":500000,"
        "\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,"
        "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192}}",
    };
    struct model_config c;
    trv_err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(read(&c, forms[i], &err), 0);
        assert_int_equal(c.ropes[0].scaling, ROPE_LLAMA3);
        assert_close(c.ropes[0].theta, 500000, 0);
        assert_close(c.ropes[0].factor, 8, 0);
        assert_close(c.ropes[0].high, 4, 0);
        assert_int_equal(c.ropes[0].original, 8192);
    }
    assert_int_equal(read(&c,
                          "{\"model_type\":\"qwen2\",\"rope_scaling\":"
                          "{\"type\":\"linear\",\"factor\":2}}",
                          &err),
                     0);
    assert_int_equal(c.ropes[0].scaling, ROPE_LINEAR);
    assert_close(c.ropes[0].factor, 2, 0);
}

/* Mistral Small: heads that do not fill the width, and no window. */
static void
test_config_mistral_has_a_head_dimension_of_its_own(void **state)
{
    struct model_config c;
    trv_err err;

    (void)state;
    assert_int_equal(read(&c,
                          "{\"model_type\":\"mistral\",\"hidden_size\":5120,"
                          "\"head_dim\":128,\"sliding_window\":null}",
                          &err),
                     0);
    assert_int_equal(c.head_dim, 128);
    assert_int_equal(c.kinds[0].window, 0);
}

static void
test_config_takes_one_or_many_ids_that_end_a_text(void **state)
{
    struct model_config c;
    trv_err err;

    (void)state;
    assert_int_equal(
        read(&c, "{\"model_type\":\"llama\",\"eos_token_id\":[7,8,7,9]}", &err),
        0);
    assert_int_equal(c.eos, 7);
    assert_int_equal(c.n_eos_more, 2);
    assert_int_equal(c.eos_more[0], 8);
    assert_int_equal(c.eos_more[1], 9);
    assert_int_equal(
        read(&c, "{\"model_type\":\"llama\",\"eos_token_id\":null}", &err), 0);
    assert_int_equal(c.eos, -1);
    /* GPT-2's default end lies outside of a small vocabulary. */
    assert_int_equal(
        read(&c, "{\"model_type\":\"gpt2\",\"vocab_size\":100}", &err), 0);
    assert_int_equal(c.eos, -1);
    assert_int_equal(c.bos, -1);
}

static void
test_config_gives_the_window_to_the_layers_that_are_named(void **state)
{
    struct model_config c;
    trv_err err;

    (void)state;
    assert_int_equal(
        read(&c,
             "{\"model_type\":\"qwen2\",\"use_sliding_window\":true,"
             "\"sliding_window\":64,\"max_window_layers\":0}",
             &err),
        0);
    assert_int_equal(config_layer(&c, 0)->window, 64);
    assert_int_equal(
        read(&c,
             "{\"model_type\":\"qwen3\",\"use_sliding_window\":true,"
             "\"sliding_window\":64,\"max_window_layers\":32}",
             &err),
        0);
    assert_int_equal(config_layer(&c, 0)->window, 0);
    assert_int_equal(
        read(&c,
             "{\"model_type\":\"qwen2\",\"use_sliding_window\":true,"
             "\"sliding_window\":64,\"num_hidden_layers\":2,"
             "\"layer_types\":[\"full_attention\",\"sliding_attention\"]}",
             &err),
        0);
    assert_int_equal(config_layer(&c, 0)->window, 0);
    assert_int_equal(config_layer(&c, 1)->window, 64);
    assert_int_equal(
        read(&c,
             "{\"model_type\":\"qwen3\",\"use_sliding_window\":true,"
             "\"sliding_window\":8,\"num_hidden_layers\":4,"
             "\"max_window_layers\":3}",
             &err),
        0);
    for (int64_t i = 0; i < 4; i++)
        assert_int_equal(config_layer(&c, i)->window, i < 3 ? 0 : 8);
}

static void
test_config_refuses_by_name_and_says_why(void **state)
{
    static const struct {
        int code;
        const char *text, *says;
    } bad[] = {
        {TRV_EFORMAT, "[]", "no JSON object"},
        {TRV_EFORMAT, "{}", "lacks the field 'model_type'"},
        {TRV_EFORMAT, "{\"model_type\":3}", "'model_type'"},
        {TRV_EUNSUPPORTED, "{\"model_type\":\"gemma\"}",
         "'gemma' is not supported; known are gpt2, llama, mistral, qwen2, "
         "qwen3"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"hidden_size\":0}",
         "'hidden_size'"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"hidden_size\":-8}",
         "'hidden_size'"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"hidden_size\":\"8\"}",
         "'hidden_size'"},
        {TRV_EFORMAT,
         "{\"model_type\":\"llama\",\"vocab_size\":9000000000000000000}",
         "'vocab_size'"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"num_attention_heads\":5}",
         "hidden_size 4096 is no multiple of num_attention_heads, 5"},
        {TRV_EFORMAT, "{\"model_type\":\"gpt2\",\"n_head\":7}",
         "n_embd 768 is no multiple of n_head, 7"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"num_key_value_heads\":5}",
         "32 heads are no multiple of 5"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"head_dim\":7}", "odd"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"eos_token_id\":32000}",
         "eos_token_id 32000 is outside the vocabulary of 32000"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"eos_token_id\":-1}",
         "eos_token_id -1"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"eos_token_id\":[\"a\"]}",
         "'eos_token_id'"},
        {TRV_EFORMAT,
         "{\"model_type\":\"llama\",\"eos_token_id\":[0,1,2,3,4,5,6,7,8,9]}",
         "more than 9 eos_token_id"},
        {TRV_EUNSUPPORTED, "{\"model_type\":\"llama\",\"hidden_act\":\"mish\"}",
         "the activation 'mish'"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"gpt2\",\"scale_attn_by_inverse_layer_idx\":true}",
         "'scale_attn_by_inverse_layer_idx' set to true"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"gpt2\",\"scale_attn_weights\":false}",
         "'scale_attn_weights' set to false"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"gpt2\",\"add_cross_attention\":true}",
         "'add_cross_attention'"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"rope_scaling\":{\"type\":\"ntk\","
         "\"factor\":4}}",
         "the rotary scaling 'ntk'"},
        {TRV_EFORMAT,
         "{\"model_type\":\"llama\",\"rope_theta\":1,\"rope_scaling\":"
         "{\"type\":\"yarn\",\"factor\":4}}",
         "yarn needs a rope_theta above 1, not 1"},
        {TRV_EFORMAT,
         "{\"model_type\":\"phi3\",\"rope_scaling\":{\"type\":\"longrope\","
         "\"short_factor\":[1,2],\"long_factor\":[1,2]}}",
         "'short_factor' of 'config.json' is no array of 48 numbers"},
        {TRV_EFORMAT,
         "{\"model_type\":\"phi3\",\"hidden_size\":64,"
         "\"rope_scaling\":{\"type\":\"su\",\"short_factor\":[0]}}",
         "value 0 of 'short_factor' in 'config.json' is no number"},
        {TRV_EFORMAT,
         "{\"model_type\":\"phi3\",\"hidden_size\":64,"
         "\"original_max_position_embeddings\":1,\"rope_scaling\":{\"type\":"
         "\"su\",\"short_factor\":[1],\"long_factor\":[1]}}",
         "leaves longrope nothing to scale by"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"phi3\",\"partial_rotary_factor\":0.01}",
         "rotary positions on 0 of 96"},
        {TRV_EFORMAT,
         "{\"model_type\":\"llama\",\"rope_scaling\":{\"type\":\"linear\"}}",
         "lacks the field 'factor'"},
        {TRV_EFORMAT,
         "{\"model_type\":\"llama\",\"rope_scaling\":{\"type\":\"llama3\","
         "\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4}}",
         "high_freq_factor is 4, not above"},
        {TRV_EFORMAT, "{\"model_type\":\"llama\",\"rope_scaling\":[1]}",
         "'rope_scaling'"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"partial_rotary_factor\":0.5}",
         "partial_rotary_factor of 0.5"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"quantization_config\":"
         "{\"quant_method\":\"gptq\"}}",
         "in the format 'GPTQ', which is not read; take the model as it was"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"quantization_config\":"
         "{\"load_in_4bit\":true}}",
         "in the format 'bitsandbytes', which is not read; load it in"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"quantization\":{\"group_size\":64,"
         "\"bits\":4}}",
         "in the format 'MLX', which is not read; widen it with mlx_lm"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"quantization_config\":"
         "{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128]}}",
         "FineGrainedFP8Config(dequantize=True)"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"quantization_config\":"
         "{\"quant_method\":\"mxfp4\"}}",
         "Mxfp4Config(dequantize=True)"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"compression_config\":"
         "{\"config_groups\":{}}}",
         "in the format 'compressed-tensors', which is not read"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"quantization_config\":"
         "{\"quant_method\":\"torchao\"}}",
         "in the format 'torchao', which is not read"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"llama\",\"quantization_config\":"
         "{\"quant_method\":\"brandnew\"}}",
         "in the format 'brandnew', which is not read"},
        {TRV_EUNSUPPORTED, "{\"model_type\":\"qwen3_moe\"}",
         "the architecture 'qwen3_moe' is a mixture of experts"},
        {TRV_EUNSUPPORTED, "{\"model_type\":\"lfm2\"}",
         "is a hybrid of short convolutions and attention"},
        {TRV_EUNSUPPORTED, "{\"model_type\":\"qwen3_5\"}",
         "is a hybrid of gated delta nets and attention"},
        {TRV_EUNSUPPORTED, "{\"model_type\":\"t5\"}",
         "is an encoder with a decoder"},
        {TRV_EFORMAT,
         "{\"model_type\":\"qwen2\",\"num_hidden_layers\":1,"
         "\"layer_types\":[\"sliding_attention\"]}",
         "no window is set"},
        {TRV_EFORMAT,
         "{\"model_type\":\"qwen2\",\"num_hidden_layers\":2,"
         "\"layer_types\":[\"full_attention\"]}",
         "no array of 2"},
        {TRV_EUNSUPPORTED,
         "{\"model_type\":\"qwen2\",\"num_hidden_layers\":1,"
         "\"layer_types\":[\"linear_attention\"]}",
         "layer type 'linear_attention'"},
    };
    struct model_config c;
    trv_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const int rc = read(&c, bad[i].text, &err);

        if (rc != bad[i].code || !strstr(err.msg, bad[i].says) ||
            !strstr(err.msg, "config.json"))
            fail_msg("case %zu: %d '%s' does not say '%s'", i, rc, err.msg,
                     bad[i].says);
    }
}

/* transformers rounds frequencies to f32, and its power is within 1 unit in
 * the last place of ours, which is rounded correctly; the other steps are the
 * same. An angle is so off by at most two such units, 2^-22 of itself, and the
 * cosine by as much, besides its own rounding of 2^-24. */
static void
check_table(const struct st_file *f, const char *scheme, const struct rope *r,
            int64_t head_dim)
{
    const int64_t dim = rope_dim(r, head_dim), half = dim / 2, n_pos = 8192;
    float *table = mem_array((size_t)(n_pos * dim), sizeof(*table));
    const float *pos = st_find(f, "pos")->data, *cosine, *sine, *freq;
    const double gain = r->gain > 0 ? r->gain : 1;
    char name[32];

    assert_non_null(table);
    rope_table(table, r, head_dim, n_pos);
    snprintf(name, sizeof(name), "%s.cos", scheme);
    cosine = st_find(f, name)->data;
    snprintf(name, sizeof(name), "%s.sin", scheme);
    sine = st_find(f, name)->data;
    snprintf(name, sizeof(name), "%s.freq", scheme);
    freq = st_find(f, name)->data;
    for (int64_t p = 0; p < 7; p++) {
        const float *row = table + (int64_t)pos[p] * dim;

        for (int64_t i = 0; i < half; i++) {
            const double angle = (double)(pos[p] * freq[i]);
            const double tol = (angle * 0x1p-22 + 0x1p-23) * gain;

            assert_close(row[i], cosine[p * half + i], tol);
            assert_close(row[half + i], sine[p * half + i], tol);
        }
    }
    mem_free(table);
}

static void
test_config_rope_table_equals_transformers_to_f32_rounding(void **state)
{
    static const struct {
        const char *name;
        int64_t head_dim;
        struct rope r;
    } kinds[] = {
        {"plain", 64, {.theta = 10000}},
        {"linear", 64, {.theta = 10000, .scaling = ROPE_LINEAR, .factor = 4}},
        {"llama3",
         128,
         {.theta = 500000,
          .scaling = ROPE_LLAMA3,
          .factor = 8,
          .low = 1,
          .high = 4,
          .original = 8192}},
    };
    struct st_file f;
    trv_err err;

    (void)state;
    assert_int_equal(
        st_open(&f, test_source("golden/model/rope.safetensors"), &err), 0);
    for (size_t k = 0; k < 3; k++)
        check_table(&f, kinds[k].name, &kinds[k].r, kinds[k].head_dim);
    st_release(&f);
}

/* The schemes of gen_rope.py that a config.json says. */
static void
test_config_rope_scalings_equal_transformers_to_f32_rounding(void **state)
{
#define SIZES                                                                  \
    "\"max_position_embeddings\":131072,\"num_attention_heads\":4,"            \
    "\"hidden_size\":"
#define YARN "\"type\":\"yarn\",\"original_max_position_embeddings\":"
    static const struct {
        const char *name, *text;
    } kinds[] = {
        {"yarn", "{\"model_type\":\"llama\"," SIZES "512,\"rope_theta\":1e6,"
                 "\"rope_scaling\":{" YARN "16384,\"factor\":16}}"},
        {"mscale", "{\"model_type\":\"llama\"," SIZES "512,\"rope_parameters\":"
                   "{\"rope_theta\":1e6," YARN "16384,\"factor\":16,"
                   "\"beta_fast\":20,\"beta_slow\":2,\"mscale\":0.7,"
                   "\"mscale_all_dim\":1}}"},
        {"smooth", "{\"model_type\":\"llama\"," SIZES "256,\"rope_parameters\":"
                   "{" YARN "4096,\"factor\":4,\"truncate\":false,"
                   "\"attention_factor\":0.9}}"},
        {"tight", "{\"model_type\":\"llama\"," SIZES "256,\"rope_parameters\":"
                  "{" YARN "64,\"factor\":4}}"},
        {"longrope",
         "{\"model_type\":\"phi3\"," SIZES "256,\"partial_rotary_factor\":0.75,"
         "\"original_max_position_embeddings\":8192,\"rope_scaling\":{"
         "\"type\":\"longrope\",\"long_factor\":[9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,"
         "9,9,9,9,9,9,9,9,9],\"short_factor\":[1,1.03,1.06,1.09,1.12,1.15,"
         "1.18,1.21,1.24,1.27,1.3,1.33,1.36,1.39,1.42,1.45,1.48,1.51,1.54,"
         "1.57,1.6,1.63,1.66,1.69]}}"},
        {"dynamic", "{\"model_type\":\"llama\"," SIZES "256,\"rope_scaling\":"
                    "{\"type\":\"dynamic\",\"factor\":4}}"},
        {"share", "{\"model_type\":\"gpt_neox\"," SIZES "256}"},
    };
    struct st_file f;
    trv_err err;

    (void)state;
    assert_int_equal(
        st_open(&f, test_source("golden/model/rope.safetensors"), &err), 0);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct model_config c;

        if (read(&c, kinds[k].text, &err))
            fail_msg("%s: %s", kinds[k].name, err.msg);
        check_table(&f, kinds[k].name, &c.ropes[0], c.head_dim);
    }
    st_release(&f);
}

/* Ministral 3's queries grow by steps of the original context. */
static void
test_config_rope_grows_queries_as_transformers_does(void **state)
{
    static const struct rope r = {.theta = 1,
                                  .original = 1024,
                                  .growth = 0.1}; // cos 1 turns to the factor
    const struct tensor *t;
    float *table = mem_array(8192 * 2, sizeof(*table));
    struct st_file f;
    const float *pos, *want;
    trv_err err;

    (void)state;
    assert_non_null(table);
    assert_int_equal(
        st_open(&f, test_source("golden/model/rope.safetensors"), &err), 0);
    for (int64_t i = 0; i < 8192 * 2; i++)
        table[i] = 1.0f;
    rope_grow(table, &r, 2, 8192);
    t = st_find(&f, "yarn.q");
    pos = st_find(&f, "pos")->data;
    want = t->data;
    for (int64_t p = 0; p < t->dim[0]; p++)
        assert_close(table[(int64_t)pos[p] * 2], want[p], 0x1p-22);
    mem_free(table);
    st_release(&f);
}

/* Rows that go by head hold a q, a k and a v of each. */
static void
test_config_asks_a_key_for_each_head_where_rows_go_by_head(void **state)
{
    struct model_config c;
    trv_err err = {0};

    (void)state;
    assert_int_equal(read(&c, "{\"model_type\":\"gpt_neox\"}", &err), 0);
    c.kv_heads = 1;
    assert_int_equal(config_check(&c, "x", &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "1 key-value heads beside 64 heads"));
}

/* LongRoPE's second set of factors begins behind the original context. */
static void
test_config_context_ends_where_other_rotary_factors_begin(void **state)
{
    struct model_config c;
    trv_err err;

    (void)state;
    assert_int_equal(
        read(&c,
             "{\"model_type\":\"phi3\",\"hidden_size\":64,"
             "\"original_max_position_embeddings\":4096,"
             "\"max_position_embeddings\":131072,\"rope_scaling\":{"
             "\"type\":\"su\",\"short_factor\":[1],\"long_factor\":[2]}}",
             &err),
        0);
    assert_int_equal(c.context, 4096);
    assert_int_equal(c.ropes[0].scaling, ROPE_LONGROPE);
    assert_close(c.ropes[0].gain, sqrt(1 + log(32.0) / log(4096.0)), 1e-15);
}

static void
test_config_rope_factors_divide_each_frequency(void **state)
{
    const struct rope r = {
        .theta = 100, .scaling = ROPE_FACTORS, .factors = {1, 8}};
    float table[2 * 4];

    (void)state;
    rope_table(table, &r, 4, 2);
    assert_close(table[4], cos(1.0), 1e-7); // f32 rounding of values below 1
    assert_close(table[5], cos(0.1 / 8), 1e-7);
    assert_close(table[7], sin(0.1 / 8), 1e-7);
}

static void
test_config_parts_have_the_names_that_peft_addresses(void **state)
{
    struct model_config c;
    char path[64];
    int64_t out, in;
    trv_err err;

    (void)state;
    assert_int_equal(read(&c,
                          "{\"model_type\":\"qwen3\",\"hidden_size\":32,"
                          "\"num_attention_heads\":4,"
                          "\"num_key_value_heads\":2,\"head_dim\":16,"
                          "\"intermediate_size\":48}",
                          &err),
                     0);
    assert_int_equal(part_path(path, sizeof(path), &c, 3, PART_Q), 0);
    assert_string_equal(path, "model.layers.3.self_attn.q_proj");
    part_shape(&out, &in, &c, PART_Q);
    assert_int_equal(out, 64);
    assert_int_equal(in, 32);
    part_shape(&out, &in, &c, PART_K);
    assert_int_equal(out, 32);
    part_shape(&out, &in, &c, PART_O);
    assert_int_equal(out, 32);
    assert_int_equal(in, 64);
    part_shape(&out, &in, &c, PART_DOWN);
    assert_int_equal(out, 32);
    assert_int_equal(in, 48);
    assert_null(part_name(&c, PART_QKV));
    assert_int_equal(part_path(path, 8, &c, 3, PART_Q), TRV_ERANGE);

    assert_int_equal(read(&c, "{\"model_type\":\"gpt2\"}", &err), 0);
    assert_int_equal(part_path(path, sizeof(path), &c, 0, PART_QKV), 0);
    assert_string_equal(path, "transformer.h.0.attn.c_attn");
    part_shape(&out, &in, &c, PART_QKV);
    assert_int_equal(out, 3 * 768);
    assert_null(part_name(&c, PART_GATE));
    assert_int_equal(part_path(path, sizeof(path), &c, 0, PART_GATE),
                     TRV_EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_takes_the_defaults_of_transformers),
        cmocka_unit_test(
            test_config_reads_scaling_as_transformers_4_and_5_write_it),
        cmocka_unit_test(test_config_takes_one_or_many_ids_that_end_a_text),
        cmocka_unit_test(
            test_config_gives_the_window_to_the_layers_that_are_named),
        cmocka_unit_test(test_config_refuses_by_name_and_says_why),
        cmocka_unit_test(
            test_config_rope_table_equals_transformers_to_f32_rounding),
        cmocka_unit_test(
            test_config_rope_scalings_equal_transformers_to_f32_rounding),
        cmocka_unit_test(test_config_mistral_has_a_head_dimension_of_its_own),
        cmocka_unit_test(test_config_rope_grows_queries_as_transformers_does),
        cmocka_unit_test(
            test_config_asks_a_key_for_each_head_where_rows_go_by_head),
        cmocka_unit_test(
            test_config_context_ends_where_other_rotary_factors_begin),
        cmocka_unit_test(test_config_rope_factors_divide_each_frequency),
        cmocka_unit_test(test_config_parts_have_the_names_that_peft_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
