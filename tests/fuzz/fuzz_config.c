/* fuzz_config.c -- any bytes as config.json; what is accepted keeps the
 * promises that the decoder builds on. */
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "model/files/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
look(const struct layout_item *it, trv_err *err, void *payload)
{
    (void)payload;
    TRV_ASSERT(it->dim[0] > 0 && (it->n_dims == 1 || it->dim[1] > 0));
    /* Two layers' worth is enough. */
    return it->layer > 1 ? err_fail(err, TRV_ECANCELED, "enough") : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct model_config c;
    json_t *doc;
    trv_err err;

    if (json_parse(&doc, "fuzz", (const char *)bytes, size, &err))
        return 0;
    if (!config_from_json(&c, doc, "fuzz", &err)) {
        float table[2 * 64];
        const int rc = layout_each(&c, look, &err, NULL);

        TRV_ASSERT(rc == 0 || rc == TRV_ECANCELED);
        TRV_ASSERT(c.heads % c.kv_heads == 0 && c.eos < c.vocab);
        for (int64_t i = 0; i < c.layers; i++)
            TRV_ASSERT(config_layer(&c, i)->rope < c.n_ropes);
        if (c.n_ropes > 0 && c.head_dim <= 64)
            rope_table(table, &c.ropes[0], c.head_dim, 2);
    }
    json_decref(doc);
    return 0;
}
