/* fit.c -- by the library's own tables of options and methods. */
#include "support/fit.h"

#include <stddef.h>
#include <string.h>

#include "support/test.h"
#include "transform/convert.h"

static const struct field {
    const char *name;
    size_t offset, size;
} fields[] = {
#define AT(f, name)                                                            \
    {name, offsetof(trv_convert_options, f),                                   \
     sizeof(((trv_convert_options *)0)->f)},
#define TRV_OPTION_GROUP(title)
#define TRV_OPTION_FLAG(f, letter, name, help) AT(f, name)
#define TRV_OPTION_INT(f, letter, name, ...) AT(f, name)
#define TRV_OPTION_NUM(f, letter, name, ...) AT(f, name)
#define TRV_OPTION_TEXT(f, letter, name, ...) AT(f, name)
#define TRV_OPTION_CHOICE(f, letter, name, ...) AT(f, name)
#define TRV_OPTION_SEED(f, letter, name, ...) AT(f, name)
#include <trivium/convert_options.def>
#define TRV_OPTION_GROUP(title)
#define TRV_OPTION_FLAG(f, letter, name, help) AT(f, name)
#define TRV_OPTION_INT(f, letter, name, ...) AT(f, name)
#define TRV_OPTION_NUM(f, letter, name, ...) AT(f, name)
#define TRV_OPTION_TEXT(f, letter, name, ...) AT(f, name)
#define TRV_OPTION_CHOICE(f, letter, name, ...) AT(f, name)
#include <trivium/learn_options.def>
};

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
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct field *f = &fields[i];
        bool read = false;

        for (int k = 0; k < n && !read; k++)
            read = method_use_reads(&list[k].use, f->name);
        if (!read)
            memcpy((char *)o + f->offset, (const char *)&defaults + f->offset,
                   f->size);
    }
}
