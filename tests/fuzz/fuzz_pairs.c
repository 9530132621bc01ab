/* fuzz_pairs.c -- adapters of other programs, from a stranger: a GGUF file, or
 * else the bytes before the first NUL are mlx's adapter_config.json and those
 * behind it adapters.safetensors.
 */
#include <stdint.h>
#include <string.h>

#include "adapt/params/lora_gguf.h"
#include "adapt/params/lora_mlx.h"
#include "base/json.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tiny Llama, as in tests/golden/models. */
static const char model[] =
    "{\"model_type\":\"llama\",\"hidden_size\":32,\"num_hidden_layers\":2,"
    "\"num_attention_heads\":4,\"num_key_value_heads\":2,"
    "\"intermediate_size\":48,\"max_position_embeddings\":128,"
    "\"vocab_size\":112,\"rms_norm_eps\":1e-6,\"tie_word_embeddings\":false}";
static const char no_tensors[] = "\2\0\0\0\0\0\0\0{}";

static void
take_gguf(const struct model_config *cfg, const uint8_t *data, size_t size)
{
    struct gguf_file f;
    struct base_patch patch;
    struct lora l;

    if (gguf_parse(&f, "fuzz", data, size, NULL))
        return;
    if (!gguf_lora_take(&l, &patch, cfg, &f, NULL))
        TRV_ASSERT(l.pairs || patch.n > 0);
    lora_release(&l);
    base_patch_release(&patch);
    gguf_release(&f);
}

static void
take_mlx(const struct model_config *cfg, const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    const size_t n = nul ? (size_t)(nul - data) : size;
    const void *weights = nul ? (const void *)(nul + 1) : no_tensors;
    const size_t n_weights = nul ? size - n - 1 : sizeof(no_tensors) - 1;
    char *config = mem_strndup((const char *)data, n);
    struct base_patch patch;
    struct lora l;

    if (!mlx_parse(&l, &patch, cfg, "fuzz", config, n, weights, n_weights,
                   NULL))
        TRV_ASSERT(l.pairs || patch.n > 0);
    lora_release(&l);
    base_patch_release(&patch);
    mem_free(config);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model_config cfg;

    if (!cfg.layers) {
        json_t *obj = json_loads(model, 0, NULL);

        TRV_ASSERT(!config_from_json(&cfg, obj, "model", NULL));
        json_decref(obj);
    }
    if (size >= 4 && !memcmp(data, "GGUF", 4))
        take_gguf(&cfg, data, size);
    else
        take_mlx(&cfg, data, size);
    return 0;
}
