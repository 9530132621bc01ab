/* method.c -- the options of a conversion as a table, and methods as lists of
 * their names.
 */
#include "transform/method.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "learn/options.h"

enum type { TYPE_FLAG, TYPE_INT, TYPE_SEED, TYPE_NUM, TYPE_TEXT, TYPE_CHOICE };

struct option {
    enum type type;
    size_t offset; // of the field in trv_convert_options
    const char *name;
    double lo, hi;
    /* what is only shown is left out below */
    const char *value, *choices, *unit, *shown, *help;
};

#define ROW(type_, field, name_, ...)                                          \
    {.type = type_,                                                            \
     .offset = offsetof(trv_convert_options, field),                           \
     .name = name_,                                                            \
     __VA_ARGS__},

static const struct option options[] = {
#define TRV_OPTION_GROUP(title)
#define TRV_OPTION_FLAG(f, letter, name, help_) ROW(TYPE_FLAG, f, name, .lo = 0)
#define TRV_OPTION_INT(f, letter, name, ...) ROW(TYPE_INT, f, name, __VA_ARGS__)
#define TRV_OPTION_NUM(f, letter, name, ...) ROW(TYPE_NUM, f, name, __VA_ARGS__)
#define TRV_OPTION_TEXT(f, letter, name, ...)                                  \
    ROW(TYPE_TEXT, f, name, __VA_ARGS__)
#define TRV_OPTION_CHOICE(f, letter, name, ...)                                \
    ROW(TYPE_CHOICE, f, name, __VA_ARGS__)
#define TRV_OPTION_SEED(f, letter, name, ...)                                  \
    ROW(TYPE_SEED, f, name, __VA_ARGS__)
#include <trivium/convert_options.def>
};
#undef ROW
#define N_OPTIONS (sizeof(options) / sizeof(*options))

/* What every conversion reads. */
static const char everywhere[] =
    "method via replace resume seed budget dry-run";

/* The optimiser's options, which methods name as one. */
static const char learning[] = "steps batch accumulate lr schedule warmup "
                               "weight-decay clip checkpoint-every "
                               "allow-diverged";

/* What is read by what is made, whatever makes it. */
static const struct {
    const char *kinds, *options;
} by_kind[] = {
    {"lora head", "rank alpha rslora dora dropout targets"},
    {"adapter", "bottleneck places"},
    {"soft prefix", "virtual-tokens start"},
    {"full", "save-as"},
};

/* ---- lists of names ----------------------------------------------------- */

static bool
lists(const char *list, const char *name)
{
    const size_t n = strlen(name);

    while (*list) {
        const size_t len = strcspn(list, " ");

        if (len == n && memcmp(list, name, n) == 0)
            return true;
        list += len + strspn(list + len, " ");
    }
    return false;
}

bool
method_reads(const struct method *m, const char *option)
{
    return lists(m->info.options, option) ||
           (lists(m->info.options, "@learn") && lists(learning, option));
}

bool
method_makes(const struct method *m, enum kind kind)
{
    return lists(m->info.makes, kind_name(kind));
}

const char *
method_kind_options(const char *kind)
{
    for (size_t i = 0; i < sizeof(by_kind) / sizeof(*by_kind); i++)
        if (lists(by_kind[i].kinds, kind))
            return by_kind[i].options;
    return "";
}

bool
method_use_reads(const struct method_use *use, const char *option)
{
    return lists(everywhere, option) || method_reads(use->method, option) ||
           lists(method_kind_options(kind_name(use->makes)), option);
}

bool
method_use_heeds(const struct method_use *use, const trv_convert_options *o,
                 const char *option)
{
    return method_use_reads(use, option) &&
           !(o->inputs && use->method->sampling &&
             lists(use->method->sampling, option));
}

/* ---- bounds ------------------------------------------------------------- */

static const void *
field(const trv_convert_options *o, const struct option *p)
{
    return (const char *)o + p->offset;
}

static const char *
text_of(const trv_convert_options *o, const struct option *p)
{
    return *(const char *const *)field(o, p);
}

static int
check_choice(const struct option *p, const char *value, trv_err *err)
{
    const size_t n = strlen(value);
    char hint[NEAREST_HINT];

    for (const char *c = p->choices; c; c = strchr(c, '|')) {
        c += *c == '|';
        if (strcspn(c, "|") == n && strncmp(c, value, n) == 0)
            return 0;
    }
    return err_option(err, TRV_EINVAL, p->name,
                      "'%.60s' is unknown; there are %s%s", value, p->choices,
                      nearest_hint(hint, value, n, p->choices));
}

int
method_check_options(const trv_convert_options *o, trv_err *err)
{
    static const trv_convert_options defaults = TRV_CONVERT_OPTIONS_INIT;
    int rc = 0;

    if (o->version != 1)
        return err_fail(err, TRV_EINVAL,
                        "convert options have version %u, not 1", o->version);
    for (size_t i = 0; i < N_OPTIONS && !rc; i++) {
        const struct option *p = &options[i];
        const char *text;

        if (p->type == TYPE_INT || p->type == TYPE_NUM) {
            const double x = p->type == TYPE_NUM
                                 ? *(const double *)field(o, p)
                                 : *(const int32_t *)field(o, p);

            rc = options_within(&(struct bounded){p->name, x, p->lo, p->hi}, 1,
                                err);
        } else if (p->type == TYPE_TEXT || p->type == TYPE_CHOICE) {
            text = text_of(o, p);
            if (!text && text_of(&defaults, p))
                rc = err_fail(err, TRV_EINVAL,
                              "convert options need a value of %s (start from "
                              "TRV_CONVERT_OPTIONS_INIT)",
                              p->name);
            else if (text && p->type == TYPE_CHOICE)
                rc = check_choice(p, text, err);
        }
    }
    return rc;
}

/* ---- what nothing reads ------------------------------------------------- */

static bool
is_set(const trv_convert_options *o, const struct option *p)
{
    static const trv_convert_options defaults = TRV_CONVERT_OPTIONS_INIT;
    const void *a = field(o, p), *b = field(&defaults, p);
    const char *x, *y;

    switch (p->type) {
    case TYPE_FLAG:
        return *(const bool *)a != *(const bool *)b;
    case TYPE_INT:
        return *(const int32_t *)a != *(const int32_t *)b;
    case TYPE_SEED:
        return *(const uint64_t *)a != *(const uint64_t *)b;
    case TYPE_NUM:
        return *(const double *)a != *(const double *)b;
    default:
        x = text_of(o, p);
        y = text_of(&defaults, p);
        return x && y ? strcmp(x, y) != 0 : x != y;
    }
}

/* Names, each once. */
#define NAMES_MAX 64
struct names {
    const char *v[NAMES_MAX];
    int n;
};

static void
add_name(struct names *list, const char *name)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->v[i], name) == 0)
            return;
    if (list->n < NAMES_MAX)
        list->v[list->n++] = name;
}

/* "dpo", "dpo and grpo", "dpo, grpo and ppo"; more are not worth reading. */
static void
join_names(char *out, size_t size, const struct names *list)
{
    size_t at = 0;

    out[0] = '\0';
    for (int i = 0; i < list->n && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%s",
                               i == 0            ? ""
                               : i + 1 < list->n ? ", "
                                                 : " and ",
                               list->v[i]);
}

#define NAMES_SHOWN 8 // a longer list is shortened

static int
refuse(const struct option *p, const struct method_use *use, int n,
       const struct edge *const *edges, trv_err *err)
{
    struct names goes = {.n = 0}, here = {.n = 0};
    char where[400], what[400];
    const char *title = NULL; // of the edge whose method of this name reads it
    bool of_kind = false;

    for (size_t i = 0; i < sizeof(by_kind) / sizeof(*by_kind); i++)
        for (int k = KIND_BASE; k < KIND_COUNT; k++)
            if (lists(by_kind[i].options, p->name) &&
                lists(by_kind[i].kinds, kind_name((enum kind)k))) {
                of_kind = true;
                add_name(&goes, kind_name((enum kind)k));
            }
    for (; *edges && !of_kind; edges++)
        for (int i = 0; i < (*edges)->n; i++)
            if (method_reads(&(*edges)->methods[i], p->name)) {
                const char *name = (*edges)->methods[i].info.name;

                add_name(&goes, name);
                if (strcmp(name, use[n - 1].method->info.name) == 0)
                    title = (*edges)->title;
            }
    for (int i = 0; i < n; i++)
        add_name(&here,
                 of_kind ? kind_name(use[i].makes) : use[i].method->info.name);
    join_names(where, sizeof(where), &goes);
    join_names(what, sizeof(what), &here);
    if (goes.n > NAMES_SHOWN)
        return err_option(err, TRV_EINVAL, p->name, "is not read by %s", what);
    return err_option(err, TRV_EINVAL, p->name,
                      "goes with %s%s%s; %s here %s %s", where,
                      title ? " of " : "", title ? title : "",
                      of_kind      ? "what is made"
                      : here.n > 1 ? "the methods"
                                   : "the method",
                      !of_kind && here.n > 1 ? "are" : "is", what);
}

int
method_check_read(const struct method_use *use, int n,
                  const trv_convert_options *o, const struct edge *const *edges,
                  trv_err *err)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *p = &options[i];
        bool heeded = !is_set(o, p);
        const struct method *reads = NULL;

        for (int k = 0; k < n && !heeded; k++) {
            heeded = method_use_heeds(&use[k], o, p->name);
            if (method_use_reads(&use[k], p->name))
                reads = use[k].method;
        }
        if (!heeded && reads)
            return err_option(err, TRV_EINVAL, p->name,
                              "decides how many inputs %s samples, and the "
                              "inputs are given",
                              reads->info.name);
        if (!heeded)
            return refuse(p, use, n, edges, err);
    }
    return 0;
}

int
method_check_pairs(const trv_convert_options *o, trv_err *err)
{
    static const char making[] =
        "inputs samples group temperature pairing margin labels";

    for (size_t i = 0; i < N_OPTIONS && o->pairs; i++)
        if (lists(making, options[i].name) && is_set(o, &options[i]))
            return err_option(err, TRV_EINVAL, options[i].name,
                              "decides how pairs are made, and the pairs are "
                              "given");
    return 0;
}

void
method_drop_unread(const struct method_use *use, trv_convert_options *o)
{
    static const trv_convert_options defaults = TRV_CONVERT_OPTIONS_INIT;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        static const size_t sizes[] = {
            [TYPE_FLAG] = sizeof(bool),     [TYPE_INT] = sizeof(int32_t),
            [TYPE_SEED] = sizeof(uint64_t), [TYPE_NUM] = sizeof(double),
            [TYPE_TEXT] = sizeof(char *),   [TYPE_CHOICE] = sizeof(char *)};
        const struct option *p = &options[i];

        if (!method_use_reads(use, p->name))
            memcpy((char *)o + p->offset, (const char *)&defaults + p->offset,
                   sizes[p->type]);
    }
}

/* What a run may go on with another value of: it decides no result. */
static const char undecided[] =
    "method via replace resume seed inputs allow-diverged checkpoint-every "
    "max-kl budget dry-run";

int
method_set_options_to_json(json_t *to, const trv_convert_options *o,
                           trv_err *err)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *p = &options[i];
        json_t *value;

        if (!is_set(o, p) || lists(undecided, p->name))
            continue;
        if (p->type == TYPE_FLAG)
            value = json_true();
        else if (p->type == TYPE_INT)
            value = json_integer(*(const int32_t *)field(o, p));
        else if (p->type == TYPE_NUM)
            value = json_real(*(const double *)field(o, p));
        else
            value = json_string(text_of(o, p) ? text_of(o, p) : "");
        if (json_object_set_new(to, p->name, value))
            return err_nomem(err, "to plan a chain");
    }
    return 0;
}

/* ---- defaults ----------------------------------------------------------- */

static const struct option *
find_option(const char *name, size_t n)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strlen(options[i].name) == n &&
            memcmp(options[i].name, name, n) == 0)
            return &options[i];
    return NULL;
}

void
method_defaults(const struct method *m, trv_convert_options *o)
{
    for (const char *p = m->info.defaults; *p;) {
        const size_t n = strcspn(p, "=");
        const struct option *opt = find_option(p, n);
        char *const at = (char *)o + (opt ? opt->offset : 0);
        const double x = strtod(p + n + 1, NULL);

        TRV_ASSERT(opt && (opt->type == TYPE_INT || opt->type == TYPE_NUM));
        if (opt->type == TYPE_NUM && !(*(double *)(void *)at > 0))
            *(double *)(void *)at = x;
        else if (opt->type == TYPE_INT && !*(int32_t *)(void *)at)
            *(int32_t *)(void *)at = (int32_t)x;
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
}

/* ---- sizes --------------------------------------------------------------- */

int32_t *
method_size(trv_convert_options *o, const char *name, size_t n)
{
    const struct option *p = find_option(name, n);

    TRV_ASSERT(p && p->type == TYPE_INT);
    return (int32_t *)(void *)((char *)o + p->offset);
}

bool
method_is_given(const trv_convert_options *o, const char *name, size_t n)
{
    const struct option *p = find_option(name, n);

    return (p && is_set(o, p)) || (o->fixed && p && lists(o->fixed, p->name));
}

/* A number [all of the text], within bounds. */
static bool
read_number(double *out, const char *text, const struct option *p)
{
    char *end = NULL;

    *out = strtod(text, &end);
    return end != text && !*end && *out >= p->lo && *out <= p->hi;
}

int
method_set_option(trv_convert_options *o, const char *name, const char *value,
                  trv_err *err)
{
    const struct option *p = find_option(name, strlen(name));
    void *at = p ? (char *)o + p->offset : NULL;
    double x = 0.0;

    if (!p)
        return err_fail(err, TRV_EINVAL, "there is no option --%.60s", name);
    if (p->type == TYPE_FLAG ? value != NULL : value == NULL)
        return err_fail(err, TRV_EINVAL, "--%s takes %s value", p->name,
                        p->type == TYPE_FLAG ? "no" : "a");
    if ((p->type == TYPE_INT || p->type == TYPE_NUM) &&
        (!read_number(&x, value, p) || (p->type == TYPE_INT && x > floor(x))))
        return err_fail(err, TRV_EINVAL, "--%s takes a number of %g to %g",
                        p->name, p->lo, p->hi);
    switch (p->type) {
    case TYPE_FLAG:
        *(bool *)at = true;
        break;
    case TYPE_INT:
        *(int32_t *)at = (int32_t)x;
        break;
    case TYPE_NUM:
        *(double *)at = x;
        break;
    case TYPE_SEED:
        return err_fail(err, TRV_EINVAL, "--%s is not set here", p->name);
    case TYPE_TEXT:
    case TYPE_CHOICE: // method_check_options() compares
        *(const char **)at = value;
        break;
    }
    return 0;
}
