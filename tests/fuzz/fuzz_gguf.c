/* fuzz_gguf.c -- any bytes: parsed, then asked for a config, a vocabulary and
 * the last row of every tensor. */
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/files/gguf_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink; // a byte that is read is used

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct model_config c;
    struct gguf_words w;
    struct gguf_file f;
    trv_err err;

    if (gguf_parse(&f, "fuzz", bytes, size, &err))
        return 0;
    for (int64_t i = 0; i < f.n; i++) {
        const struct tensor *t = &f.tensors[i];
        float row[512];

        if (tensor_cols(t) <= 512)
            tensor_rows_f32(row, t, tensor_rows(t) - 1, 1);
    }
    if (!gguf_config(&c, &f, &err)) {
        float table[2 * 64];

        if (c.n_ropes > 0 && c.head_dim <= 64)
            rope_table(table, &c.ropes[0], c.head_dim, 2);
    }
    if (!gguf_words_open(&w, &f, &err)) {
        for (int64_t i = 0; i < w.v.n_tokens; i++)
            if (w.v.tokens[i].n > 0)
                sink ^= (uint8_t)w.v.tokens[i].s[w.v.tokens[i].n - 1];
        gguf_words_release(&w);
    }
    gguf_release(&f);
    return 0;
}
