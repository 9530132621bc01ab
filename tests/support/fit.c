/* fit.c -- by the library's own tables of options and methods. */
#include "support/fit.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "transform/convert.h"

#define AT(type_, f, name_, ...)                                               \
    {.type = type_,                                                            \
     .name = name_,                                                            \
     .offset = offsetof(trv_convert_options, f),                               \
     .size = sizeof(((trv_convert_options *)0)->f),                            \
     __VA_ARGS__},

static const struct fit_option options[] = {
#define TRV_OPTION_GROUP(title)
#define TRV_OPTION_FLAG(f, letter, name, help_) AT(FIT_FLAG, f, name, .lo = 0)
#define TRV_OPTION_INT(f, letter, name, ...) AT(FIT_INT, f, name, __VA_ARGS__)
#define TRV_OPTION_NUM(f, letter, name, ...) AT(FIT_NUM, f, name, __VA_ARGS__)
#define TRV_OPTION_TEXT(f, letter, name, ...) AT(FIT_TEXT, f, name, __VA_ARGS__)
#define TRV_OPTION_CHOICE(f, letter, name, ...)                                \
    AT(FIT_CHOICE, f, name, __VA_ARGS__)
#define TRV_OPTION_SEED(f, letter, name, ...) AT(FIT_SEED, f, name, __VA_ARGS__)
#include <trivium/convert_options.def>
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

const struct fit_option *
fit_option_at(size_t i)
{
    return i < N_OPTIONS ? &options[i] : NULL;
}

const struct fit_option *
fit_option_of(const char *name)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

void
fit_set(trv_convert_options *o, const struct fit_option *option,
        const char *value)
{
    void *const at = (char *)o + option->offset;

    switch (option->type) {
    case FIT_FLAG:
        *(bool *)at = true;
        break;
    case FIT_INT:
        *(int32_t *)at = (int32_t)strtol(value, NULL, 10);
        break;
    case FIT_SEED:
        *(uint64_t *)at = strtoull(value, NULL, 10);
        break;
    case FIT_NUM:
        *(double *)at = strtod(value, NULL);
        break;
    default:
        *(const char **)at = value;
    }
}

bool
fit_equal(const trv_convert_options *a, const trv_convert_options *b,
          const struct fit_option *option)
{
    const void *const x = (const char *)a + option->offset;
    const void *const y = (const char *)b + option->offset;
    const char *s, *t;

    if (option->type != FIT_TEXT && option->type != FIT_CHOICE)
        return memcmp(x, y, option->size) == 0;
    s = *(const char *const *)x;
    t = *(const char *const *)y;
    return s && t ? strcmp(s, t) == 0 : s == t;
}

static enum kind
kind_of(const char *name, size_t n)
{
    for (int k = 0; k < KIND_COUNT; k++)
        if (strlen(kind_name((enum kind)k)) == n &&
            memcmp(kind_name((enum kind)k), name, n) == 0)
            return (enum kind)k;
    fail_msg("no kind '%.*s'", (int)n, name);
    return KIND_BASE;
}

void
fit_options(trv_convert_options *o, enum form from, const char *kinds)
{
    static const trv_convert_options defaults = TRV_CONVERT_OPTIONS_INIT;
    struct convert_choice list[CONVERT_LINKS_MAX];
    trv_err err = {0};
    int n = 0;

    for (const char *p = kinds; *p;) {
        const size_t len = strcspn(p, " ");
        const enum kind to = kind_of(p, len);

        p += len + strspn(p + len, " ");
        if (convert_choose(&list[n++], from, to, *p ? NULL : o->method,
                           o->pairs != NULL, &err))
            return; // it will be refused
        from = kind_form(to);
    }
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct fit_option *f = &options[i];
        bool read = false;

        for (int k = 0; k < n && !read; k++)
            read = method_use_heeds(&list[k].use, o, f->name);
        if (!read)
            memcpy((char *)o + f->offset, (const char *)&defaults + f->offset,
                   f->size);
    }
}
