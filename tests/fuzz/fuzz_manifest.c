/* fuzz_manifest.c -- a trivium.json from a stranger. What is accepted is
 * accepted again after being written by us. */
#include <stdint.h>
#include <string.h>

#include "adapt/artefact.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct model_identity id = {"a", "b", ""};
    char *bytes = mem_alloc(size ? size : 1), *text; // exact size, for ASan
    struct artefact a, b, c;
    trv_err err;

    if (size)
        memcpy(bytes, data, size);
    if (!artefact_parse(&a, "fuzz", bytes, size, &err)) {
        TRV_ASSERT(artefact_bytes(&a) >= 0);
        (void)artefact_check_base(&a, "fuzz", "model", &id, &err);
        text = json_dumps(a.root, 0);
        TRV_ASSERT(text);
        TRV_ASSERT(!artefact_parse(&b, "again", text, strlen(text), &err));
        TRV_ASSERT(b.kind == a.kind);
        free(text);
        TRV_ASSERT(!artefact_init(&c, a.kind, a.base_name, NULL, &err));
        TRV_ASSERT(!artefact_inherit(&c, &a, &err));
        TRV_ASSERT(json_equal(c.chain, a.chain));
        artefact_release(&a);
        artefact_release(&b);
        artefact_release(&c);
    }
    mem_free(bytes);
    return 0;
}
