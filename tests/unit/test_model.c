/* test_model.c -- facts about opening models. */
#include "support/families.h"
#include "support/test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/files/layout.h"
#include "model/files/model.h"

static struct model *
open_model(const char *path)
{
    struct model *m;
    trv_err err = {0};

    if (model_open(&m, path, &err))
        fail_msg("%s", err.msg);
    return m;
}

static void
copy(const char *dir, const char *name, const char *from)
{
    struct strbuf b = {0};
    char path[256];

    assert_int_equal(file_read(&b, from, SIZE_MAX, NULL), 0);
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(file_write_atomic(path, b.s, b.len, NULL), 0);
    sb_release(&b);
}

static void
put(const char *dir, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), NULL), 0);
}

/* A copy of a golden model's config and weights in a folder of its own. */
static const char *
golden_copy(const char *family, const char *name)
{
    const char *dir = test_tmpdir(name);
    char path[128];

    snprintf(path, sizeof(path), "golden/models/%s/config.json", family);
    copy(dir, "config.json", test_source(path));
    snprintf(path, sizeof(path), "golden/models/%s/model.safetensors", family);
    copy(dir, "model.safetensors", test_source(path));
    return dir;
}

static void
refuse(const char *path, int code, const char *says)
{
    struct model *m;
    trv_err err = {0};
    const int rc = model_open(&m, path, &err);

    if (rc != code || !strstr(err.msg, says))
        fail_msg("%d '%s' does not say '%s'", rc, err.msg, says);
    assert_null(m);
}

struct holding {
    const struct model *m;
    int64_t tensors, values;
};

/* Each tensor of the layout is one of the file's. */
static int
take_tensor(const struct layout_item *it, trv_err *err, void *payload)
{
    struct holding *h = payload;
    const struct tensor *t = checkpoint_find(h->m->ckpt, it->name);

    (void)err;
    assert_non_null(t);
    h->tensors++;
    h->values += tensor_rows(t) * tensor_cols(t);
    return 0;
}

static void
test_model_opens_a_folder_of_each_family(void **state)
{
    (void)state;
    for (size_t i = 0; test_family(i); i++) {
        struct holding h = {0};
        char path[64];
        struct model *m;

        snprintf(path, sizeof(path), "golden/models/%s", test_family(i));
        m = open_model(test_source(path));
        h.m = m;
        assert_string_equal(family_name(m->cfg.family), test_family(i));
        assert_string_equal(m->name, test_family(i));
        assert_int_equal(layout_each(&m->cfg, take_tensor, NULL, &h), 0);
        assert_int_equal(h.tensors, checkpoint_count(m->ckpt));
        assert_int_equal(model_params(m), h.values);
        assert_non_null(m->layers[1].w[PART_DOWN]);
        assert_true((m->head == m->embed) == m->cfg.tied);
        assert_null(m->tokenizer);
        assert_true(model_ends_text(m, 2));
        assert_false(model_ends_text(m, -1));
        model_free(m);
    }
}

/* SHA-256 over a tensor's rows as f32, against what transformers made of the
 * same GGUF file: dequantised, and q and k of llama put back in order. */
struct compare {
    const struct model *m;
    const json_t *want;
    size_t seen;
};

static int
compare_tensor(const struct layout_item *it, trv_err *err, void *payload)
{
    struct compare *c = payload;
    const struct tensor *t = checkpoint_find(c->m->ckpt, it->gguf_name);
    const json_t *want = json_object_get(c->want, it->name);
    const int64_t n = tensor_rows(t) * tensor_cols(t);
    float *x = mem_array((size_t)n, sizeof(*x));
    char hex[HASH_HEX];

    assert_non_null(x);
    assert_non_null(want);
    tensor_rows_f32(x, t, 0, tensor_rows(t));
    assert_int_equal(hash_bytes(hex, x, (size_t)n * 4, err), 0);
    if (strcmp(hex, json_string_value(json_object_get(want, "sha256"))) != 0)
        fail_msg("tensor '%s' differs", it->name);
    mem_free(x);
    c->seen++;
    return 0;
}

static void
test_model_reads_gguf_tensors_as_transformers_does(void **state)
{
    (void)state;
    for (size_t i = 0; test_gguf_family(i); i++) {
        struct compare c = {0};
        struct model *m;
        json_t *want;
        char path[64];

        snprintf(path, sizeof(path), "golden/model/%s.gguf",
                 test_gguf_family(i));
        m = open_model(test_source(path));
        snprintf(path, sizeof(path), "golden/model/%s.json",
                 test_gguf_family(i));
        assert_int_equal(json_open(&want, test_source(path), NULL), 0);
        c.m = m;
        c.want = want;
        assert_true(m->gguf);
        assert_int_equal(layout_each(&m->cfg, compare_tensor, NULL, &c), 0);
        assert_int_equal(c.seen, json_object_size(want));
        snprintf(path, sizeof(path), "tiny %s", test_gguf_family(i));
        assert_string_equal(m->name, path);
        json_decref(want);
        model_free(m);
    }
}

static void
test_model_takes_a_gguf_vocabulary_and_template(void **state)
{
    struct model *m;

    (void)state;
    m = open_model(test_source("golden/model/llama.gguf"));
    assert_int_equal(tokenizer_size(m->tokenizer), 265);
    assert_int_equal(tokenizer_bos(m->tokenizer), 1);
    assert_non_null(m->chat);
    assert_ptr_equal(model_text_rules(m).chat, m->chat);
    model_free(m);
    m = open_model(test_source("golden/model/gpt2.gguf"));
    assert_int_equal(tokenizer_size(m->tokenizer), 259);
    assert_true(model_ends_text(m, 258));
    assert_null(m->chat);
    model_free(m);
}

/* Without its name the head is a tensor too many, for then the embedding is
 * the head. */
static void
test_model_refuses_a_gguf_tensor_that_nothing_reads(void **state)
{
    char *path = path_join(test_tmpdir("model_surplus"), "x.gguf");
    struct strbuf b = {0};
    struct model *m;
    trv_err err = {0};
    char *at;

    (void)state;
    assert_int_equal(
        file_read(&b, test_source("golden/model/llama.gguf"), SIZE_MAX, &err),
        0);
    at = memmem(b.s, b.len, "output.weight", 13);
    assert_non_null(at);
    at[5] = 'x';
    assert_int_equal(file_write_atomic(path, b.s, b.len, &err), 0);
    assert_int_equal(model_open(&m, path, &err), TRV_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "tensor 'outpux.weight' is none of the "
                                    "architecture 'llama'"));
    sb_release(&b);
    mem_free(path);
}

static void
test_model_opens_the_real_models(void **state)
{
    const char *path = test_asset("models/tinystories-656k");
    struct model *m;

    (void)state;
    if (path) { // its embedding is stored as lm_head.weight
        m = open_model(path);
        assert_int_equal(model_params(m), 656000);
        assert_int_equal(tokenizer_size(m->tokenizer), 2048);
        assert_ptr_equal(m->head, m->embed);
        model_free(m);
    }
    path = test_asset("models/tinystories-instruct-3m-chat");
    if (path) {
        m = open_model(path);
        assert_int_equal(model_params(m), 3413632);
        assert_int_equal(tokenizer_size(m->tokenizer), 14019);
        model_free(m);
    }
}

/* Where more than one rotary table would be needed, the text that needs it is
 * not taken, and that is said. */
static void
test_model_notes_where_its_context_ends_early(void **state)
{
    struct model *m = open_model(test_source("golden/models/phi3"));
    const char *dir;

    (void)state;
    assert_int_equal(m->cfg.context, 64);
    assert_non_null(strstr(m->notes.s, "its context ends at 64 of 128 tokens"));
    model_free(m);
    m = open_model(test_source("golden/model/phi3.gguf"));
    assert_int_equal(m->cfg.context, 16);
    assert_non_null(strstr(m->notes.s, "its context ends at 16 of 64 tokens"));
    model_free(m);
    dir = golden_copy("llama", "model-rotary");
    put(dir, "config.json",
        "{\"model_type\":\"llama\",\"hidden_size\":32,\"vocab_size\":112,"
        "\"num_attention_heads\":4,\"num_key_value_heads\":2,"
        "\"num_hidden_layers\":2,\"intermediate_size\":48,"
        "\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2}}");
    m = open_model(dir);
    assert_non_null(strstr(m->notes.s, "longer than the context of 2048"));
    model_free(m);
}

static void
test_model_refuses_a_config_that_contradicts_the_weights(void **state)
{
    const char *dir = golden_copy("llama", "model-contradiction");

    (void)state;
    put(dir, "config.json",
        "{\"model_type\":\"llama\",\"hidden_size\":32,\"vocab_size\":112,"
        "\"num_attention_heads\":4,\"num_key_value_heads\":2,"
        "\"num_hidden_layers\":2,\"intermediate_size\":64}");
    refuse(dir, TRV_EFORMAT,
           "model.safetensors': tensor 'model.layers.0.mlp.gate_proj.weight' "
           "has the shape [48, 32], not [64, 32]");
    put(dir, "config.json",
        "{\"model_type\":\"llama\",\"hidden_size\":32,\"vocab_size\":112,"
        "\"num_attention_heads\":4,\"num_key_value_heads\":2,"
        "\"num_hidden_layers\":3,\"intermediate_size\":48}");
    refuse(dir, TRV_EFORMAT,
           "lacks the tensor 'model.layers.2.input_layernorm.weight'");
    put(dir, "config.json", "{\"model_type\":\"mamba\"}");
    refuse(dir, TRV_EUNSUPPORTED, "config.json': the architecture 'mamba'");
}

static void
test_model_refuses_missing_files_by_name(void **state)
{
    const char *dir = test_tmpdir("model-missing");

    (void)state;
    refuse("no/such/model", TRV_EIO, "no/such/model");
    refuse(dir, TRV_EIO, "config.json");
    put(dir, "some.gguf", "x");
    refuse(dir, TRV_EIO, "to open the GGUF file in it, give the file: ");
    put(dir, "adapter_config.json", "{\"base_model_name_or_path\":\"org/b\"}");
    refuse(
        dir, TRV_EFORMAT,
        "is a PEFT adapter (LORA) and no model: open its base, 'org/b', and");
    copy(dir, "config.json", test_source("golden/models/gpt2/config.json"));
    refuse(dir, TRV_EIO, "holds no weights");
    put(dir, "pytorch_model.bin", "x");
    refuse(dir, TRV_EUNSUPPORTED, "a Python pickle, which is not read");
    refuse(test_source("golden/models/gpt2/model.safetensors"), TRV_EINVAL,
           "is one file of a folder: name the folder");
}

static void
test_model_warns_of_more_tokens_than_rows_of_the_embedding(void **state)
{
    const char *dir = golden_copy("gpt2", "model-vocabulary");
    struct model *m;
    struct strbuf b = {0};

    (void)state;
    assert_int_equal(sb_puts(&b, "{\"model\":{\"type\":\"BPE\",\"vocab\":{"),
                     0);
    for (int i = 0; i < 113; i++)
        assert_int_equal(sb_printf(&b, "%s\"t%d\":%d", i ? "," : "", i, i), 0);
    assert_int_equal(sb_puts(&b, "},\"merges\":[]}}"), 0);
    put(dir, "tokenizer.json", b.s);
    m = open_model(dir);
    assert_non_null(strstr(m->notes.s, "the tokenizer has 113 tokens, but the "
                                       "embedding only 112 rows"));
    assert_int_equal(tokenizer_size(m->tokenizer), 112);
    model_free(m);
    put(dir, "tokenizer_config.json", "{\"eos_token\":\"t112\"}");
    refuse(dir, TRV_EFORMAT,
           "the tokenizer has 113 tokens, but the embedding only 112 rows, and "
           "none for the token that ends a text");
    sb_release(&b);
}

static void
test_model_takes_the_default_template_and_the_file_beside_it(void **state)
{
    const char *dir = golden_copy("gpt2", "model-chat");
    struct model *m;

    (void)state;
    put(dir, "tokenizer_config.json", "{\"chat_template\":\"one\"}");
    m = open_model(dir);
    assert_string_equal(m->chat_source, "one");
    model_free(m);
    put(dir, "tokenizer_config.json",
        "{\"chat_template\":[{\"name\":\"tool_use\",\"template\":\"tools\"},"
        "{\"name\":\"default\",\"template\":\"two\"}]}");
    m = open_model(dir);
    assert_string_equal(m->chat_source, "two");
    model_free(m);
    put(dir, "chat_template.jinja", "three");
    m = open_model(dir);
    assert_string_equal(m->chat_source, "three");
    assert_non_null(m->chat);
    model_free(m);
}

static void
assert_lays_out(const struct model *m, const char *tools, const char *want)
{
    json_t *messages = json_array();
    json_t *extra = json_pack("{s:o}", "tools", json_loads(tools, 0, NULL));
    const struct chat_options opts = {.extra = extra};
    struct strbuf out = {0};
    trv_err err = {0};

    if (chat_render(m->chat, &out, messages, tools ? &opts : NULL, &err))
        assert_non_null(strstr(err.msg, want));
    else
        assert_string_equal(out.s, want);
    sb_release(&out);
    json_decref(extra);
    json_decref(messages);
}

/* Tied weights that a file holds once, under the head's name, which is not the
 * same in all families. */
static void
test_model_finds_a_tied_embedding_under_its_heads_name(void **state)
{
    static const struct {
        const char *family, *embed, *head, *untied;
    } cases[] = {
        {"qwen2", "model.embed_tokens.weight", "lm_head.weight", NULL},
        {"gpt_neox", "gpt_neox.embed_in.weight", "embed_out.weight",
         "\"tie_word_embeddings\": false"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tensor t[60];
        struct strbuf config = {0};
        struct model *m;
        struct st_file f;
        char from[128], dir[128], path[160], *bytes, *tie;
        size_t size;
        int64_t n = 0;
        trv_err err = {0};

        snprintf(from, sizeof(from), "golden/models/%s/model.safetensors",
                 cases[i].family);
        snprintf(dir, sizeof(dir), "%s", test_tmpdir("tied-head"));
        assert_int_equal(st_open(&f, test_source(from), &err), 0);
        assert_true(f.n < 60);
        for (int64_t k = 0; k < f.n; k++) {
            if (strcmp(f.tensors[k].name, cases[i].head) == 0)
                continue;
            t[n] = f.tensors[k];
            if (strcmp(t[n].name, cases[i].embed) == 0)
                t[n].name = cases[i].head;
            n++;
        }
        assert_int_equal(st_serialise(&bytes, &size, t, n, NULL, &err), 0);
        snprintf(path, sizeof(path), "%s/model.safetensors", dir);
        assert_int_equal(file_write_atomic(path, bytes, size, &err), 0);
        snprintf(from, sizeof(from), "golden/models/%s/config.json",
                 cases[i].family);
        assert_int_equal(file_read(&config, test_source(from), SIZE_MAX, &err),
                         0);
        if (cases[i].untied) {
            tie = strstr(config.s, cases[i].untied);
            assert_non_null(tie);
            memcpy(strstr(tie, "false"), " true", 5);
        }
        snprintf(path, sizeof(path), "%s/config.json", dir);
        assert_int_equal(file_write_atomic(path, config.s, config.len, &err),
                         0);
        m = open_model(dir);
        assert_true(m->cfg.tied);
        assert_string_equal(m->embed->name, cases[i].head);
        assert_ptr_equal(m->head, m->embed);
        model_free(m);
        sb_release(&config);
        mem_free(bytes);
        st_release(&f);
    }
}

static void
test_model_takes_named_templates_as_transformers_does(void **state)
{
    const char *dir = golden_copy("gpt2", "model-named");
    char path[300];
    trv_err err = {0};
    struct model *m;

    (void)state;
    put(dir, "tokenizer_config.json",
        "{\"chat_template\":[{\"name\":\"tool_use\",\"template\":\"tools\"},"
        "{\"name\":\"rag\",\"template\":\"documents\"},"
        "{\"name\":\"default\",\"template\":\"two\"}]}");
    m = open_model(dir);
    assert_lays_out(m, "[]", "tools");
    assert_lays_out(m, "[1]", "tools");
    assert_int_equal(model_open_chat(m, "rag", &err), 0);
    assert_lays_out(m, "[]", "documents");
    snprintf(path, sizeof(path), "%s/own.jinja", dir);
    put(dir, "own.jinja", "own");
    assert_int_equal(model_open_chat(m, path, &err), 0);
    assert_lays_out(m, "[]", "own");
    assert_string_equal(m->chat_source, "own");
    put(dir, "own.jinja", "{% if");
    assert_int_equal(model_open_chat(m, path, &err), TRV_EFORMAT);
    assert_lays_out(m, "[]", "own"); // what was there stays
    assert_int_equal(model_open_chat(m, "nothing", &err), TRV_EIO);
    model_free(m);
    put(dir, "tokenizer_config.json",
        "{\"chat_template\":[{\"name\":\"rag\",\"template\":\"x\"}]}");
    m = open_model(dir);
    assert_lays_out(m, "[]", "none is named 'default'");
    model_free(m);
    put(dir, "tokenizer_config.json",
        "{\"chat_template\":[{\"name\":\"tool_use\",\"template\":\"x\"}]}");
    put(dir, "chat_template.jinja", "three");
    m = open_model(dir);
    assert_lays_out(m, "[]", "three"); // the file leaves the list unread
    model_free(m);
    snprintf(path, sizeof(path), "%s/additional_chat_templates", dir);
    assert_int_equal(dir_make(path, &err), 0);
    put(dir, "additional_chat_templates/tool_use.jinja", "four");
    m = open_model(dir);
    assert_lays_out(m, "[]", "four");
    assert_int_equal(model_open_chat(m, "default", &err), 0);
    assert_lays_out(m, "[]", "three");
    model_free(m);
}

static void
test_model_opens_whatever_its_template_is(void **state)
{
    const char *dir = golden_copy("gpt2", "model-broken-chat");
    struct model *m;

    (void)state;
    put(dir, "chat_template.jinja", "a\n{% if");
    m = open_model(dir);
    assert_non_null(m->chat);
    assert_non_null(
        strstr(chat_template_fault(m->chat)->msg, "chat_template.jinja"));
    assert_lays_out(m, "[]", "line 2");
    model_free(m);
}

/* The golden model's folder with the letter Z among its special tokens. */
static const char *
tiny_with_a_mark(const char *name)
{
    static const char *const files[] = {"config.json", "model.safetensors",
                                        "tokenizer_config.json"};
    static char dir[200]; // test_source() takes test_tmpdir()'s buffer back
    json_t *doc = NULL;
    char path[300];

    snprintf(dir, sizeof(dir), "%s", test_tmpdir(name));
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "golden/tiny/one/%s", files[i]);
        copy(dir, files[i], test_source(path));
    }
    assert_int_equal(
        json_open(&doc, test_source("golden/tiny/one/tokenizer.json"), NULL),
        0);
    json_array_append_new(json_object_get(doc, "added_tokens"),
                          json_pack("{s:i,s:s,s:b,s:b,s:b,s:b,s:b}", "id", 57,
                                    "content", "Z", "single_word", 0, "lstrip",
                                    0, "rstrip", 0, "normalized", 0, "special",
                                    0));
    snprintf(path, sizeof(path), "%s/tokenizer.json", dir);
    assert_int_equal(json_dump_file(doc, path, 0), 0);
    json_decref(doc);
    return dir;
}

static void
test_model_ends_text_where_its_template_ends_an_answer(void **state)
{
    const char *dir = tiny_with_a_mark("model-turn-end");
    char path[300];
    struct model *m;

    (void)state;
    put(dir, "chat_template.jinja",
        "{% for m in messages %}{{ m.content }}Z\n{% endfor %}");
    m = open_model(dir);
    assert_true(model_ends_text(m, 57));
    assert_int_equal(*model_text_rules(m).turn_end, 57);
    assert_true(tokenizer_is_special(m->tokenizer, 57)); // texts leave it out
    put(dir, "plain.jinja",
        "{% for m in messages %}{{ m.content }}{% endfor %}");
    snprintf(path, sizeof(path), "%s/plain.jinja", dir);
    assert_int_equal(model_open_chat(m, path, NULL), 0);
    assert_false(model_ends_text(m, 57));
    assert_null(model_text_rules(m).turn_end);
    model_free(m);
}

static void
test_model_reads_defaults_of_sampling(void **state)
{
    const char *dir = golden_copy("gpt2", "model-sampling");
    struct model *m;

    (void)state;
    m = open_model(dir);
    assert_true(isnan(m->temperature) && isnan(m->top_p));
    assert_int_equal(m->top_k, -1);
    model_free(m);
    put(dir, "generation_config.json",
        "{\"temperature\":0.5,\"top_p\":0.75,\"top_k\":20,"
        "\"repetition_penalty\":1.25,\"eos_token_id\":[2,9]}");
    m = open_model(dir);
    assert_close(m->temperature, 0.5, 0);
    assert_close(m->top_p, 0.75, 0);
    assert_int_equal(m->top_k, 20);
    assert_close(m->repetition_penalty, 1.25, 0);
    assert_true(model_ends_text(m, 2) && model_ends_text(m, 9));
    assert_false(model_ends_text(m, 3));
    model_free(m);
    put(dir, "generation_config.json", "{\"temperature\":-1}");
    refuse(dir, TRV_EFORMAT, "'temperature'");
    put(dir, "generation_config.json", "{\"eos_token_id\":112}");
    refuse(dir, TRV_EFORMAT, "eos_token_id 112 is outside");
}

static void
change_last_byte(const char *dir, const char *name)
{
    struct strbuf b = {0};
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(file_read(&b, path, SIZE_MAX, NULL), 0);
    b.s[b.len - 1] ^= 1;
    assert_int_equal(file_write_atomic(path, b.s, b.len, NULL), 0);
    sb_release(&b);
}

/* The same tensors under names without "transformer.", in two shards. */
static void
test_model_identity_depends_on_weights_not_on_files(void **state)
{
    const char *dir = golden_copy("gpt2", "model-identity");
    struct model *m = open_model(dir);
    struct model_identity whole, parted;
    struct strbuf index = {0};
    struct st_file f;
    char path[256], *bytes;
    size_t size;

    (void)state;
    assert_int_equal(model_identify(&whole, m, NULL), 0);
    assert_int_equal(strlen(whole.weights), 64);
    assert_string_equal(whole.tokenizer, "");
    assert_string_equal(whole.chat, "");
    model_free(m);

    snprintf(path, sizeof(path), "%s/model.safetensors", dir);
    assert_int_equal(st_open(&f, path, NULL), 0);
    assert_int_equal(sb_puts(&index, "{\"weight_map\":{"), 0);
    for (int64_t i = 0; i < f.n; i++) {
        f.tensors[i].name += strlen("transformer.");
        assert_int_equal(sb_printf(&index, "%s\"%s\":\"part%d\"", i ? "," : "",
                                   f.tensors[i].name, i >= 9),
                         0);
    }
    assert_int_equal(sb_puts(&index, "}}"), 0);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(st_serialise(&bytes, &size, f.tensors + 9 * k,
                                      k ? f.n - 9 : 9, NULL, NULL),
                         0);
        snprintf(path, sizeof(path), "%s/part%d", dir, k);
        assert_int_equal(file_write_atomic(path, bytes, size, NULL), 0);
        mem_free(bytes);
    }
    put(dir, "model.safetensors.index.json", index.s);
    snprintf(path, sizeof(path), "%s/model.safetensors", dir);
    assert_int_equal(remove(path), 0);
    m = open_model(dir);
    assert_int_equal(model_identify(&parted, m, NULL), 0);
    assert_string_equal(parted.weights, whole.weights);
    model_free(m);
    st_release(&f);
    sb_release(&index);

    /* One bit of one weight is another model. */
    change_last_byte(dir, "part1");
    m = open_model(dir);
    assert_int_equal(model_identify(&parted, m, NULL), 0);
    assert_string_not_equal(parted.weights, whole.weights);
    model_free(m);
}

static void
test_model_failing_memory_leaks_nothing(void **state)
{
    const char *path = test_source("golden/model/gpt2.gguf");
    const int64_t before = mem_stats_get().live_bytes;
    struct model *m = NULL;
    int rc = TRV_ENOMEM;

    (void)state;
    for (int n = 0; rc; n++) {
        mem_fail_after(n);
        rc = model_open(&m, path, NULL);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        assert_true(n < 5000);
    }
    model_free(m);
    rc = TRV_ENOMEM;
    for (int n = 0; rc; n++) {
        mem_fail_after(n);
        rc = model_open(&m, test_source("golden/models/qwen3"), NULL);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        assert_true(n < 5000);
    }
    model_free(m);
    assert_int_equal(mem_stats_get().live_bytes, before);
}

static void
test_model_name_is_utf8_whatever_the_folder_is_called(void **state)
{
    char path[128];
    struct model *m = NULL;
    trv_err err = {0};

    (void)state;
    snprintf(path, sizeof(path), "%s/a\xff", test_tmpdir("model_name"));
    assert_int_equal(symlink(test_source("golden/tiny/one"), path), 0);
    assert_int_equal(model_open(&m, path, &err), 0);
    assert_string_equal(m->name, "a\xef\xbf\xbd");
    model_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_name_is_utf8_whatever_the_folder_is_called),
        cmocka_unit_test(test_model_opens_a_folder_of_each_family),
        cmocka_unit_test(test_model_reads_gguf_tensors_as_transformers_does),
        cmocka_unit_test(test_model_takes_a_gguf_vocabulary_and_template),
        cmocka_unit_test(test_model_refuses_a_gguf_tensor_that_nothing_reads),
        cmocka_unit_test(test_model_opens_the_real_models),
        cmocka_unit_test(test_model_notes_where_its_context_ends_early),
        cmocka_unit_test(
            test_model_refuses_a_config_that_contradicts_the_weights),
        cmocka_unit_test(test_model_refuses_missing_files_by_name),
        cmocka_unit_test(
            test_model_warns_of_more_tokens_than_rows_of_the_embedding),
        cmocka_unit_test(
            test_model_takes_the_default_template_and_the_file_beside_it),
        cmocka_unit_test(
            test_model_finds_a_tied_embedding_under_its_heads_name),
        cmocka_unit_test(test_model_takes_named_templates_as_transformers_does),
        cmocka_unit_test(test_model_opens_whatever_its_template_is),
        cmocka_unit_test(
            test_model_ends_text_where_its_template_ends_an_answer),
        cmocka_unit_test(test_model_reads_defaults_of_sampling),
        cmocka_unit_test(test_model_identity_depends_on_weights_not_on_files),
        cmocka_unit_test(test_model_failing_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
