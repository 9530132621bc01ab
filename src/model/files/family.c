/* family.c -- the table of the families. */
#include "model/files/family.h"

#include <stdio.h>
#include <string.h>

#define FAMILY_ROW(name) &family_##name,
static const struct family *const families[] = {FAMILIES(FAMILY_ROW)};
#undef FAMILY_ROW

#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

const struct family *
family_at(size_t i)
{
    return i < N_FAMILIES ? families[i] : NULL;
}

const struct family *
family_find(const char *name, size_t n)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (strlen(families[i]->name) == n &&
            memcmp(families[i]->name, name, n) == 0)
            return families[i];
    return NULL;
}

const struct family *
family_find_gguf(const char *arch, size_t n)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        const char *name = family_gguf(families[i]);

        if (families[i]->gguf && strlen(name) == n &&
            memcmp(name, arch, n) == 0)
            return families[i];
    }
    return NULL;
}

const char *
family_gguf(const struct family *f)
{
    return f->gguf_name ? f->gguf_name : f->name;
}

const char *
family_list(char *buf, size_t size, bool gguf)
{
    size_t at = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < N_FAMILIES && at < size; i++)
        if (!gguf || families[i]->gguf)
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "",
                                   gguf ? family_gguf(families[i])
                                        : families[i]->name);
    return buf;
}

const char *
family_name(const struct family *f)
{
    return f->name;
}

const char *
family_scorer(const struct family *f)
{
    return f->scorer;
}
