/* fuzz_safetensors.c -- any bytes: parsed, and what was found is read. */
#include <stddef.h>
#include <stdint.h>

#include "model/files/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink; // a byte that is read is used

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct st_file f;
    trv_err err;

    if (st_parse(&f, "fuzz", bytes, size, &err))
        return 0;
    for (int64_t i = 0; i < f.n; i++) {
        const struct tensor *t = st_find(&f, f.tensors[i].name);
        float row[64];

        if (t && tensor_rows(t) > 0 && tensor_cols(t) <= 64)
            tensor_rows_f32(row, t, tensor_rows(t) - 1, 1);
        if (t && t->bytes > 0)
            sink ^= ((const uint8_t *)t->data)[t->bytes - 1];
        TRV_ASSERT(st_dtype(&f, f.tensors[i].name) != NULL);
    }
    st_release(&f);
    return 0;
}
