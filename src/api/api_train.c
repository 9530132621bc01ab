/* api_train.c -- learning from given data, by the method that was asked for:
 *
 *   sft      rows of text and answers          learn/train.h
 *   reward   pairs, into a reward model        the same, head:OUT
 *   others   given preferences: a conversion of the base, with the data as its
 *            pairs; which there are is the table of base -> params
 */
#include <string.h>

#include "adapt/adaptation.h"
#include "api/api.h"
#include "api/api_scratch.h"
#include "base/strbuf.h"
#include "learn/student.h"
#include "learn/train.h"
#include "transform/chain.h"
#include "transform/convert.h"

/* ---- which method ------------------------------------------------------- */

/* The methods of given preferences. */
static const struct edge *
preferences(void)
{
    const struct edge *e;

    for (int64_t i = 0; (e = convert_edge_at(i)); i++)
        if (e->from == FORM_BASE && e->to == FORM_PARAMS)
            return e;
    return NULL;
}

static bool
is_of_preferences(const char *method)
{
    const struct edge *e = preferences();

    for (int i = 0; i < e->n; i++)
        if (strcmp(e->methods[i].info.name, method) == 0)
            return true;
    return false;
}

/* "dpo and kto": those that read an option (NULL: all), in a buffer of
 * the caller. */
static const char *
names_of(char *out, size_t size, const char *option)
{
    const struct edge *e = preferences();
    const char *last = NULL;
    size_t at = 0;

    out[0] = '\0';
    for (int i = 0; i < e->n; i++) {
        if (option && !method_reads(&e->methods[i], option))
            continue;
        if (last && at < size)
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "",
                                   last);
        last = e->methods[i].info.name;
    }
    if (last && at < size)
        snprintf(out + at, size - at, "%s%s", at ? " and " : "", last);
    return out;
}

/* Kinds that no rows are learned into: the sentence of an edge would be of what
 * the base becomes. */
static int
check_kind(enum kind kind, trv_err *err)
{
    return kind == KIND_FULL || kind == KIND_HEAD || student_can_be(kind)
               ? 0
               : err_fail(err, TRV_EUNSUPPORTED,
                          "training cannot make '%s'; it can make lora, "
                          "adapter, soft, prefix, full, head",
                          kind_name(kind));
}

static int
choose(const char **method, enum kind kind, const trv_train_options *o,
       trv_err *err)
{
    const bool head = kind == KIND_HEAD;
    char names[120];

    *method = o->method ? o->method : head ? "reward" : "sft";
    if (strcmp(*method, "reward") == 0)
        return head ? 0
                    : err_option(err, TRV_EINVAL, "method",
                                 "'reward' makes a reward model: --to "
                                 "head:OUT, not %s:OUT",
                                 kind_name(kind));
    if (strcmp(*method, "sft") != 0 && !is_of_preferences(*method))
        return err_option(err, TRV_EINVAL, "method",
                          "'%.60s' is unknown for given data; there are sft, "
                          "%s, and reward",
                          *method, names_of(names, sizeof(names), NULL));
    return !head ? 0
                 : err_option(err, TRV_EINVAL, "method",
                              "'%s' makes no reward model, which --method "
                              "reward does",
                              *method);
}

/* ---- what it does not read ---------------------------------------------- */

static int
not_read(const char *option, const char *by, const char *method, trv_err *err)
{
    return err_option(err, TRV_EINVAL, option,
                      "goes with --method %s; the method here is %s", by,
                      method);
}

/* Options of given preferences, where there are none. */
static int
check_plain(const char *method, const trv_train_options *o, trv_err *err)
{
    static const trv_train_options d = TRV_TRAIN_OPTIONS_INIT;
    char names[120];

#define TRV_OPTION_NUM(f, letter, name, ...)                                   \
    if (o->f < d.f || o->f > d.f)                                              \
        return not_read(name, names_of(names, sizeof(names), name), method,    \
                        err);
#define TRV_OPTION_TEXT(f, letter, name, ...)                                  \
    if (o->f)                                                                  \
        return not_read(name, names_of(names, sizeof(names), name), method,    \
                        err);
#include <trivium/preference_options.def>
#undef TRV_OPTION_NUM
#undef TRV_OPTION_TEXT
    return 0;
}

/* Options of plain training, where preferences are given. */
static int
check_given(const char *method, const trv_train_options *o, trv_err *err)
{
    const struct {
        const char *name, *by;
        bool is_set;
    } list[] = {
        {"max-length", "sft and reward", o->max_length != 0},
        {"loss-on", "sft", o->loss_on && strcmp(o->loss_on, "last") != 0},
        {"full", "reward", o->full},
        {"centre", "reward", o->centre > 0},
        {"from-scratch", "sft and reward", o->scratch != NULL},
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        if (list[i].is_set)
            return not_read(list[i].name, list[i].by, method, err);
    return 0;
}

/* ---- the door ----------------------------------------------------------- */

/* The same options, of a conversion. */
static trv_convert_options
as_conversion(const char *method, const trv_train_options *o)
{
    trv_convert_options c = TRV_CONVERT_OPTIONS_INIT;

    c.method = method;
    c.pairs = o->data;
    c.eval = o->eval;
    c.replace = o->replace;
    c.resume = o->resume;
    c.seed = o->seed;
    c.lora = o->lora;
    c.virtual_tokens = o->virtual_tokens;
    c.bottleneck = o->bottleneck;
    c.save_as = o->precision;
    c.learn = o->learn;
    c.allow_diverged = o->allow_diverged;
    c.epochs = o->epochs;
    c.on_message = o->on_message;
    c.message_payload = o->message_payload;
    c.budget = o->budget;
    c.fixed = o->epochs > 0 ? "steps" : NULL; // which the epochs decide
    c.dry_run = o->dry_run;
#define TRV_OPTION_NUM(f, ...) c.f = o->f;
#define TRV_OPTION_TEXT(f, ...) c.f = o->f;
#include <trivium/preference_options.def>
#undef TRV_OPTION_NUM
#undef TRV_OPTION_TEXT
    return c;
}

static int
learn_preferences(struct session *s, trv_cost *cost, const char *to,
                  const char *method, const trv_train_options *o,
                  trv_progress_fn progress, void *payload, trv_err *err)
{
    const trv_convert_options c = as_conversion(method, o);
    struct adaptation *base = NULL;
    int rc = check_given(method, o, err);

    if (!rc && !o->data)
        rc = err_fail(err, TRV_EINVAL, "training needs a file of data");
    if (!rc)
        rc = adaptation_open(&base, s->model, s->identified ? &s->id : NULL,
                             "base", false, err);
    if (!rc)
        rc = chain_run(s, cost, base, to, &c, progress, payload, err);
    adaptation_free(base);
    return rc;
}

int
trv_train(trv_model *m, trv_cost *cost, const char *to,
          const trv_train_options *opts, trv_progress_fn progress,
          void *payload, trv_err *err)
{
    static const trv_train_options defaults = TRV_TRAIN_OPTIONS_INIT;
    struct outdir *held = NULL;
    const char *method, *out;
    trv_cost unused;
    enum kind kind;
    int rc = api_need_model(m, err);

    opts = opts ? opts : &defaults;
    cost = cost ? cost : &unused;
    if (!rc)
        rc = adaptation_target(&kind, &out, to, err);
    if (!rc)
        rc = check_kind(kind, err);
    if (!rc && opts->dry_run && !opts->resume)
        rc = api_check_out(to, opts->replace, err);
    if (!rc)
        rc = choose(&method, kind, opts, err);
    if (!rc && is_of_preferences(method))
        return learn_preferences(m->s, cost, to, method, opts, progress,
                                 payload, err);
    if (!rc)
        rc = check_plain(method, opts, err);
    if (!rc && opts->scratch)
        rc = api_scratch_out(&held, opts->scratch, to, err);
    return rc ? rc
              : train_run(m->s, cost, to, held, opts, progress, payload, err);
}
