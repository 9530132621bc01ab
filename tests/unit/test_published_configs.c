/* test_published_configs.c -- what the config.json of published models makes of
 * each layer, cut to the fields that count. Windows, thetas and scalings are
 * those that transformers 5.24 makes of the same files (AutoConfig:
 * layer_types, rope_parameters, no_rope_layers).
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/files/config.h"
#include "model/files/model.h"
#include "model/files/safetensors.h"
#include "model/files/writer.h"

struct layer {
    int64_t at, window;
    double theta; // 0: it does not rotate
    enum rope_scaling scaling;
};

static const struct published {
    const char *name, *text;
    int64_t layers, heads, kv_heads, head_dim, vocab;
    struct layer some[2];
} published[] = {
    {"gemma-3-4b-it",
     "{'model_type':'gemma3','architectures':["
     "'Gemma3ForConditionalGeneration'],'eos_token_id':[1,106],"
     "'vision_config':{'hidden_size':1152,'model_type':'siglip_vision_model'},"
     "'text_config':{'hidden_size':2560,'intermediate_size':10240,"
     "'model_type':'gemma3_text','num_hidden_layers':34,'rope_scaling':{"
     "'factor':8.0,'rope_type':'linear'},'sliding_window':1024}}",
     34,
     8,
     4,
     256,
     262208,
     {{4, 1024, 1e4, ROPE_PLAIN}, {5, 0, 1e6, ROPE_LINEAR}}},
    {"gemma-3-1b-pt",
     "{'model_type':'gemma3_text','hidden_size':1152,'intermediate_size':6912,"
     "'head_dim':256,'num_attention_heads':4,'num_hidden_layers':26,"
     "'num_key_value_heads':1,'query_pre_attn_scalar':256,"
     "'rope_local_base_freq':10000,'rope_scaling':null,'rope_theta':1000000,"
     "'sliding_window':512,'sliding_window_pattern':6,'vocab_size':262144}",
     26,
     4,
     1,
     256,
     262144,
     {{0, 512, 1e4, ROPE_PLAIN}, {23, 0, 1e6, ROPE_PLAIN}}},
    {"gemma-2-2b",
     "{'model_type':'gemma2','attn_logit_softcapping':50.0,"
     "'final_logit_softcapping':30.0,'head_dim':256,'hidden_act':"
     "'gelu_pytorch_tanh','hidden_size':2304,'intermediate_size':9216,"
     "'num_attention_heads':8,'num_hidden_layers':26,'num_key_value_heads':4,"
     "'query_pre_attn_scalar':256,'rope_theta':10000.0,'sliding_window':4096,"
     "'vocab_size':256000}",
     26,
     8,
     4,
     256,
     256000,
     {{0, 4096, 1e4, ROPE_PLAIN}, {1, 0, 1e4, ROPE_PLAIN}}},
    {"SmolLM3-3B",
     "{'model_type':'smollm3','hidden_size':2048,'intermediate_size':11008,"
     "'max_window_layers':28,'no_rope_layer_interval':4,"
     "'num_attention_heads':16,'num_hidden_layers':36,'num_key_value_heads':4,"
     "'rope_scaling':null,'rope_theta':5000000.0,'sliding_window':null,"
     "'use_sliding_window':false,'vocab_size':128256}",
     36,
     16,
     4,
     128,
     128256,
     {{2, 0, 5e6, ROPE_PLAIN}, {3, 0, 0, ROPE_PLAIN}}},
    {"Olmo-3-7B",
     "{'model_type':'olmo3','hidden_size':4096,'intermediate_size':11008,"
     "'max_position_embeddings':65536,'num_attention_heads':32,"
     "'num_hidden_layers':32,'num_key_value_heads':32,'rope_scaling':{"
     "'attention_factor':1.2079441541679836,'beta_fast':32.0,'beta_slow':1.0,"
     "'factor':8.0,'original_max_position_embeddings':8192,"
     "'rope_type':'yarn'},'rope_theta':500000,'sliding_window':4096,"
     "'vocab_size':100278}",
     32,
     32,
     32,
     128,
     100278,
     {{2, 4096, 5e5, ROPE_PLAIN}, {3, 0, 5e5, ROPE_YARN}}},
    {"EXAONE-4.0-1.2B",
     "{'model_type':'exaone4','head_dim':64,'hidden_size':2048,"
     "'intermediate_size':4096,'layer_types':['full_attention',"
     "'full_attention'],'num_attention_heads':32,'num_hidden_layers':2,"
     "'num_key_value_heads':8,'rope_scaling':{'factor':16.0,"
     "'high_freq_factor':4.0,'low_freq_factor':1.0,"
     "'original_max_position_embeddings':8192,'rope_type':'llama3'},"
     "'rope_theta':1000000,'sliding_window':null,"
     "'sliding_window_pattern':null,'vocab_size':102400}",
     2,
     32,
     8,
     64,
     102400,
     {{0, 0, 1e6, ROPE_LLAMA3}, {1, 0, 1e6, ROPE_LLAMA3}}},
    {"EXAONE-4.0-32B",
     "{'model_type':'exaone4','head_dim':128,'hidden_size':5120,"
     "'intermediate_size':27392,'num_attention_heads':40,"
     "'num_hidden_layers':64,'num_key_value_heads':8,'rope_scaling':{"
     "'factor':16.0,'high_freq_factor':4.0,'low_freq_factor':1.0,"
     "'original_max_position_embeddings':8192,'rope_type':'llama3'},"
     "'rope_theta':1000000,'sliding_window':4096,"
     "'sliding_window_pattern':'LLLG','vocab_size':102400}",
     64,
     40,
     8,
     128,
     102400,
     {{62, 4096, 1e6, ROPE_LLAMA3}, {63, 0, 0, ROPE_PLAIN}}},
    {"granite-4.0-1b",
     "{'model_type':'granitemoehybrid','attention_multiplier':0.0078125,"
     "'embedding_multiplier':12,'hidden_size':2048,'intermediate_size':4096,"
     "'layer_types':['attention','attention'],'logits_scaling':8,"
     "'num_attention_heads':16,'num_experts_per_tok':0,'num_hidden_layers':2,"
     "'num_key_value_heads':4,'num_local_experts':0,"
     "'position_embedding_type':'rope','residual_multiplier':0.22,"
     "'rope_theta':10000000,'shared_intermediate_size':4096,"
     "'vocab_size':100352}",
     2,
     16,
     4,
     128,
     100352,
     {{0, 0, 1e7, ROPE_PLAIN}, {1, 0, 1e7, ROPE_PLAIN}}},
};

/* JSON with ' for ". */
static json_t *
parse(const char *text)
{
    char *copy = mem_strdup(text);
    json_t *doc;
    trv_err err = {0};

    assert_non_null(copy);
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    if (json_parse(&doc, "config.json", copy, strlen(copy), &err))
        fail_msg("%s", err.msg);
    mem_free(copy);
    return doc;
}

static void
check_layer(const char *name, const struct model_config *c,
            const struct layer *want)
{
    const struct layer_desc *got = config_layer(c, want->at);
    const struct rope *r = got->rope < 0 ? NULL : &c->ropes[got->rope];

    if (got->window != want->window || (r ? r->theta : 0) != want->theta ||
        (r && r->scaling != want->scaling))
        fail_msg("%s, layer %lld: window %lld, theta %g, scaling %s", name,
                 (long long)want->at, (long long)got->window,
                 r ? r->theta : 0.0, r ? rope_scaling_name(r->scaling) : "-");
}

static void
test_published_configs_say_what_each_layer_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
        const struct published *p = &published[i];
        json_t *doc = parse(p->text);
        struct model_config c;
        trv_err err = {0};

        if (config_from_json(&c, doc, p->name, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(c.layers, p->layers);
        assert_int_equal(c.heads, p->heads);
        assert_int_equal(c.kv_heads, p->kv_heads);
        assert_int_equal(c.head_dim, p->head_dim);
        assert_int_equal(c.vocab, p->vocab);
        check_layer(p->name, &c, &p->some[0]);
        check_layer(p->name, &c, &p->some[1]);
        json_decref(doc);
    }
}

static void
test_published_configs_of_hybrids_are_refused_by_name(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{'model_type':'granitemoehybrid','num_local_experts':64}",
         "a mixture of experts"},
        {"{'model_type':'granitemoehybrid','num_local_experts':0,"
         "'num_hidden_layers':2,'layer_types':['mamba','attention']}",
         "layer type 'mamba' is not supported: a hybrid of state spaces"},
        {"{'model_type':'granitemoehybrid','num_local_experts':0}",
         "layer type 'linear_attention'"},
        {"{'model_type':'gemma3_text','use_bidirectional_attention':true}",
         "'use_bidirectional_attention' set to true"},
        {"{'model_type':'exaone4','sliding_window_pattern':'LGLG'}",
         "the sliding_window_pattern 'LGLG'"},
        {"{'model_type':'smollm3','no_rope_layers':[1,0]}",
         "'no_rope_layers' of 'config.json' is no array of 36 numbers"},
        {"{'model_type':'mllama','text_config':{'model_type':"
         "'mllama_text_model'}}",
         "'mllama_text_model'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *doc = parse(bad[i].text);
        struct model_config c;
        trv_err err = {0};

        if (config_from_json(&c, doc, "config.json", &err) == 0 ||
            !strstr(err.msg, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.msg, bad[i].says);
        json_decref(doc);
    }
}

/* --- the text part of a model that sees --- */

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* The tiny Gemma 3 as transformers `version` lays out the whole model: its
 * config beside that of a vision tower, and its tensors under a prefix. */
static void
write_whole(const char *dir, int version)
{
    static const char from[] = "model.";
    const char *to =
        version == 4 ? "language_model.model." : "model.language_model.";
    char path[256], *bytes, *config;
    char(*names)[96];
    struct tensor *tensors;
    json_t *doc, *whole;
    struct st_file st;
    trv_err err = {0};
    size_t size;

    must(st_open(&st, test_source("golden/models/gemma3/model.safetensors"),
                 &err),
         &err);
    names = mem_calloc((size_t)st.n, sizeof(*names));
    tensors = mem_calloc((size_t)st.n, sizeof(*tensors));
    assert_true(names && tensors);
    for (int64_t i = 0; i < st.n; i++) {
        assert_int_equal(strncmp(st.tensors[i].name, from, strlen(from)), 0);
        snprintf(names[i], sizeof(names[i]), "%s%s", to,
                 st.tensors[i].name + strlen(from));
        tensors[i] = st.tensors[i];
        tensors[i].name = names[i];
    }
    must(st_serialise(&bytes, &size, tensors, st.n, NULL, &err), &err);
    snprintf(path, sizeof(path), "%s/model.safetensors", dir);
    must(file_write_atomic(path, bytes, size, &err), &err);
    must(json_open(&doc, test_source("golden/models/gemma3/config.json"), &err),
         &err);
    whole = json_pack("{s:s, s:[s], s:{s:i}, s:o}", "model_type", "gemma3",
                      "architectures", "Gemma3ForConditionalGeneration",
                      "vision_config", "hidden_size", 1152, "text_config", doc);
    config = json_dumps(whole, 0);
    assert_non_null(config);
    snprintf(path, sizeof(path), "%s/config.json", dir);
    must(file_write_atomic(path, config, strlen(config), &err), &err);
    free(config);
    json_decref(whole);
    mem_free(bytes);
    mem_free(names);
    mem_free(tensors);
    st_release(&st);
}

static void
compare(const struct model *a, const struct model *b)
{
    const int64_t n = tensor_rows(a->embed) * tensor_cols(a->embed);

    assert_int_equal(memcmp(a->embed->data, b->embed->data, (size_t)n * 2), 0);
    for (int64_t i = 0; i < a->cfg.layers; i++) {
        const struct tensor *x = a->layers[i].w[PART_DOWN];
        const struct tensor *y = b->layers[i].w[PART_DOWN];

        assert_int_equal(memcmp(x->data, y->data, x->bytes), 0);
        x = a->layers[i].q_norm;
        y = b->layers[i].q_norm;
        assert_int_equal(memcmp(x->data, y->data, x->bytes), 0);
        assert_close((double)y->plus, 1, 0);
    }
}

/* And trained weights are written as the text model that they are. */
static void
test_published_layouts_of_a_model_that_sees_open_as_its_text(void **state)
{
    struct model *alone, *part, *again;
    struct backend *be;
    trv_err err = {0};

    (void)state;
    must(backend_open(&be, &(struct backend_options){.isa = "ref"}, &err),
         &err);
    must(model_open(&alone, test_source("golden/models/gemma3"), &err), &err);
    for (int version = 4; version <= 5; version++) {
        const char *dir = test_tmpdir(version == 4 ? "sees_4" : "sees_5");
        char out[256];
        struct outdir at;
        struct decoder *d;

        write_whole(dir, version);
        must(model_open(&part, dir, &err), &err);
        assert_int_equal(part->cfg.labels, 0);
        compare(alone, part);
        must(decoder_open(&d, part, be, &err), &err);
        must(decoder_train_full(d, &err), &err);
        snprintf(out, sizeof(out), "%s/out", dir);
        must(outdir_init(&at, out, &err), &err);
        must(outdir_lock(&at, NULL, false, &err), &err);
        must(writer_trained(writer_to(&at), d, DT_BF16, &err), &err);
        must(outdir_commit(&at, &err), &err);
        outdir_release(&at);
        must(model_open(&again, out, &err), &err);
        assert_non_null(
            checkpoint_find(again->ckpt, "model.embed_tokens.weight"));
        compare(alone, again);
        model_free(again);
        decoder_free(d);
        model_free(part);
    }
    model_free(alone);
    backend_free(be);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_configs_say_what_each_layer_does),
        cmocka_unit_test(test_published_configs_of_hybrids_are_refused_by_name),
        cmocka_unit_test(
            test_published_layouts_of_a_model_that_sees_open_as_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
