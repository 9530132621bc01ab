/* kind.c -- names and forms of kinds. */
#include "adapt/kind.h"

#include "base/err.h"

static const char *const form_names[FORM_COUNT] = {"base", "params", "prompt",
                                                   "reward"};

static const struct {
    enum form form;
    const char *name;
} kinds[KIND_COUNT] = {
#define KIND_ROW(id, form, name) {FORM_##form, name},
    KIND_LIST(KIND_ROW)
#undef KIND_ROW
};

const char *
form_name(enum form f)
{
    TRV_ASSERT(f < FORM_COUNT);
    return form_names[f];
}

const char *
kind_name(enum kind k)
{
    TRV_ASSERT(k < KIND_COUNT);
    return kinds[k].name;
}

enum form
kind_form(enum kind k)
{
    TRV_ASSERT(k < KIND_COUNT);
    return kinds[k].form;
}
