/* families.c -- the families' names. */
#include "support/families.h"

#include "model/files/family.h"

const char *
test_family(size_t i)
{
    const struct family *f = family_at(i);

    return f ? f->name : NULL;
}

const char *
test_gguf_family(size_t i)
{
    const struct family *f;

    for (size_t k = 0; (f = family_at(k)); k++)
        if ((f->gguf || f->gguf_every) && i-- == 0) // OLMo 3's say olmo2
            return f->name;
    return NULL;
}
