/* fuzz_terms.c -- virtual tokens and bottlenecks from a stranger: the bytes
 * before the first NUL are the config, those behind it the tensors. Each reader
 * of such a pair gets them; what is accepted must survive being written and
 * read again.
 */
#include <stdint.h>
#include <string.h>

#include "adapt/params/bottleneck_file.h"
#include "adapt/prompt/peft_virtual.h"
#include "base/json.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tiny GPT-2, as in tests/golden/models. */
static const char model[] = "{\"model_type\":\"gpt2\",\"n_embd\":32,"
                            "\"n_head\":4,\"n_layer\":2,\"n_positions\":64,"
                            "\"vocab_size\":112}";
static const char no_tensors[] = "\2\0\0\0\0\0\0\0{}";

struct input {
    const char *config;
    size_t n_config, n_weights;
    const void *weights;
};

static void
read_virtual(const struct model_config *cfg, const struct input *in)
{
    struct virtual_tokens v, again;
    struct payload_files f;
    char *base;
    trv_err err;

    if (peft_virtual_parse(&v, &base, cfg, "fuzz", in->config, in->n_config,
                           in->weights, in->n_weights, false, &err))
        return;
    TRV_ASSERT(!peft_virtual_encode(&f, &v, cfg, base, NULL));
    TRV_ASSERT(!peft_virtual_parse(&again, NULL, cfg, "again", f.config,
                                   f.n_config, f.weights, f.n_weights, false,
                                   NULL));
    TRV_ASSERT(again.n == v.n &&
               !memcmp(again.w, v.w, (size_t)v.n * sizeof(float)));
    payload_files_release(&f);
    virtual_release(&again);
    virtual_release(&v);
    mem_free(base);
}

static void
read_bottleneck(const struct model_config *cfg, const struct input *in)
{
    struct bottleneck b, again;
    struct payload_files f;
    char *base;
    trv_err err;

    if (bottleneck_file_parse(&b, &base, cfg, "fuzz", in->config, in->n_config,
                              in->weights, in->n_weights, false, &err))
        return;
    TRV_ASSERT(!bottleneck_file_encode(&f, &b, base, NULL));
    TRV_ASSERT(!bottleneck_file_parse(&again, NULL, cfg, "again", f.config,
                                      f.n_config, f.weights, f.n_weights, false,
                                      NULL));
    TRV_ASSERT(again.n == b.n &&
               !memcmp(again.w, b.w, (size_t)b.n * sizeof(float)));
    payload_files_release(&f);
    bottleneck_release(&again);
    bottleneck_release(&b);
    mem_free(base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model_config cfg;
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    const size_t n = nul ? (size_t)(nul - data) : size;
    char *config = mem_strndup((const char *)data, n);
    const struct input in = {
        .config = config,
        .n_config = n,
        .weights = nul ? (const void *)(nul + 1) : no_tensors,
        .n_weights = nul ? size - n - 1 : sizeof(no_tensors) - 1};

    if (!cfg.layers) {
        json_t *obj = json_loads(model, 0, NULL);

        TRV_ASSERT(!config_from_json(&cfg, obj, "model", NULL));
        json_decref(obj);
    }
    read_virtual(&cfg, &in);
    read_bottleneck(&cfg, &in);
    mem_free(config);
    return 0;
}
