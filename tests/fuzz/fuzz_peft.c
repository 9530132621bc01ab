/* fuzz_peft.c -- an adapter from a stranger: the bytes before the first NUL are
 * adapter_config.json, those behind it adapter_model.safetensors.
 *
 * What is accepted must survive being written and read again.
 */
#include <stdint.h>
#include <string.h>

#include "adapt/params/peft.h"
#include "base/json.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tiny GPT-2, as in tests/golden/models. */
static const char model[] = "{\"model_type\":\"gpt2\",\"n_embd\":32,"
                            "\"n_head\":4,\"n_layer\":2,\"n_positions\":64,"
                            "\"vocab_size\":112}";
static const char no_tensors[] = "\2\0\0\0\0\0\0\0{}";

static void
again(const struct lora *l, const char *base, const struct model_config *cfg)
{
    struct payload_files f;
    struct lora back;

    TRV_ASSERT(!peft_encode(&f, l, cfg, base, NULL));
    TRV_ASSERT(!peft_parse(&back, NULL, NULL, cfg, "again", f.config,
                           f.n_config, f.weights, f.n_weights, false, NULL));
    TRV_ASSERT(back.n == l->n);
    TRV_ASSERT(!memcmp(back.w, l->w, (size_t)l->n * sizeof(float)));
    for (int64_t i = 0; i < l->layers * PART_COUNT; i++)
        TRV_ASSERT(back.pairs[i].rank == l->pairs[i].rank);
    lora_release(&back);
    payload_files_release(&f);
}

static void
again_scorer(const struct lora *l, const float *score, const char *base,
             const struct model_config *cfg)
{
    const size_t bytes = (size_t)cfg->width * sizeof(float);
    struct payload_files f;
    struct lora back;
    float *also;

    TRV_ASSERT(!peft_encode_scorer(&f, l, score, cfg, base, NULL));
    TRV_ASSERT(!peft_parse_scorer(&back, &also, NULL, cfg, "again", f.config,
                                  f.n_config, f.weights, f.n_weights, false,
                                  NULL));
    TRV_ASSERT(back.n == l->n && !memcmp(also, score, bytes));
    mem_free(also);
    lora_release(&back);
    payload_files_release(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model_config cfg;
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    const size_t n = nul ? (size_t)(nul - data) : size;
    const void *weights = nul ? (const void *)(nul + 1) : no_tensors;
    const size_t n_weights = nul ? size - n - 1 : sizeof(no_tensors) - 1;
    struct base_patch patch;
    struct lora l;
    char *base, *config;
    float *score;
    trv_err err;

    if (!cfg.layers) {
        json_t *obj = json_loads(model, 0, NULL);

        TRV_ASSERT(!config_from_json(&cfg, obj, "model", NULL));
        json_decref(obj);
    }
    config = mem_strndup((const char *)data, n);
    if (!peft_parse(&l, &patch, &base, &cfg, "fuzz", config, n, weights,
                    n_weights, false, &err) &&
        l.pairs)
        again(&l, base, &cfg);
    mem_free(base);
    base_patch_release(&patch);
    lora_release(&l);
    if (!peft_parse_scorer(&l, &score, &base, &cfg, "fuzz", config, n, weights,
                           n_weights, false, &err))
        again_scorer(&l, score, base, &cfg);
    mem_free(score);
    mem_free(config);
    mem_free(base);
    lora_release(&l);
    return 0;
}
