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

static bool
is_name(const char *name, const char *given, size_t n)
{
    return name && strlen(name) == n && memcmp(name, given, n) == 0;
}

const struct family *
family_find(const char *name, size_t n)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (is_name(families[i]->name, name, n) ||
            is_name(families[i]->text, name, n))
            return families[i];
    return NULL;
}

const char *
family_list(char *buf, size_t size, bool gguf)
{
    size_t at = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < N_FAMILIES && at < size; i++)
        if (!gguf || families[i]->gguf)
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "",
                                   families[i]->name);
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
