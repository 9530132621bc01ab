/* options.c -- the options that all learning shares. */
#include "learn/options.h"

#include <math.h>
#include <string.h>

#include "base/nearest.h"

#include "learn/loop/schedule.h"
#include "model/decoder/dora.h"

int
options_within(const struct bounded *list, size_t n, trv_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!(list[i].value >= list[i].lo && list[i].value <= list[i].hi))
            return err_option(err, TRV_ERANGE, list[i].name,
                              "is %g, outside %g to %g", list[i].value,
                              list[i].lo, list[i].hi);
    return 0;
}

int
options_choose(int *out, const char *option, const char *name,
               const char *const *names, int n, trv_err *err)
{
    char known[120] = "", hint[NEAREST_HINT];
    size_t at = 0;

    for (int i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return 0;
        }
        if (at < sizeof(known))
            at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
                                   i ? ", " : "", names[i]);
    }
    return err_option(err, TRV_EINVAL, option,
                      "'%s' is unknown; there are %s%s", name, known,
                      nearest_hint(hint, name, strlen(name), known));
}

int
options_divergence(enum divergence *out, const char *name, trv_err *err)
{
    static const char *const names[] = {"forward", "reverse", "jsd"};
    int i;
    const int rc = options_choose(&i, "divergence", name, names, 3, err);

    if (!rc)
        *out = (enum divergence)i;
    return rc;
}

int
options_complete(trv_learn_options *o, const struct learn_defaults *d,
                 trv_err *err)
{
    struct schedule checked;

    if (!o->batch)
        o->batch = d->batch;
    if (!o->steps)
        o->steps = d->steps;
    if (!(o->lr > 0))
        o->lr = d->lr;
    if (o->accumulate > o->batch)
        return err_fail(err, TRV_EINVAL,
                        "%d micro-batches of a batch of %d %s would be empty",
                        o->accumulate, o->batch, d->rows);
    return o->steps ? schedule_init(&checked, o->schedule, o->steps, o->warmup,
                                    o->lr, err)
                    : 0;
}

int
options_epochs(trv_learn_options *o, int32_t asked, double epochs, int64_t n,
               trv_err *err)
{
    double steps;

    if (!asked && o->batch > n && n >= o->accumulate)
        o->batch = (int32_t)n; // so that an epoch is one pass
    epochs = epochs > 0 ? epochs : 1.0;
    steps = ceil(epochs * (double)n / (double)o->batch);
    if (o->steps)
        return 0;
    if (steps > INT32_MAX)
        return err_option(err, TRV_ERANGE, "epochs",
                          "is %g: %.0f steps are more than %d", epochs, steps,
                          INT32_MAX);
    o->steps = (int32_t)steps;
    return 0;
}

int
options_check_lora(const trv_lora_options *o, trv_err *err)
{
    const struct bounded list[] = {
        {"rank", o->rank, 1, LORA_MAX_RANK},
        {"alpha", o->alpha, 0, 1e6},
        {"dropout", o->dropout, 0, 0.99},
    };

    if (!o->targets)
        return err_fail(err, TRV_EINVAL,
                        "a LoRA needs targets (start from "
                        "TRV_LORA_OPTIONS_INIT)");
    return options_within(list, sizeof(list) / sizeof(*list), err);
}

int
options_begin_lora(struct lora *l, const struct model *m,
                   const trv_lora_options *o, uint64_t seed, trv_err *err)
{
    const struct lora_spec spec = {.rank = o->rank,
                                   .alpha = o->alpha,
                                   .rslora = o->rslora,
                                   .dora = o->dora,
                                   .dropout = (float)o->dropout};
    int rc = lora_begin(l, &m->cfg, o->targets, &spec, seed, err);

    if (!rc && o->dora)
        rc = dora_start(l, m, err);
    if (rc)
        lora_release(l);
    return rc;
}

int
options_check_learn(const trv_learn_options *o, trv_err *err)
{
    const struct bounded list[] = {
        {"steps", o->steps, 0, 100e6},
        {"batch", o->batch, 0, 65536},
        {"accumulate", o->accumulate, 1, 65536},
        {"learning rate", o->lr, 0, 100},
        {"warmup", o->warmup, 0, 1},
        {"weight-decay", o->weight_decay, 0, 10},
        {"clip", o->clip, 0, 1e6},
        {"checkpoint-every", o->checkpoint_every, 0, 100e6},
    };

    if (!o->schedule)
        return err_fail(err, TRV_EINVAL,
                        "learning needs a schedule (start from "
                        "TRV_LEARN_OPTIONS_INIT)");
    return options_within(list, sizeof(list) / sizeof(*list), err);
}

int
options_length(int64_t *out, int64_t asked, int64_t room, trv_err *err)
{
    if (asked > room)
        return err_option(err, TRV_ETOOLONG, "max-length",
                          "is %lld, but the model's context has room for %lld",
                          (long long)asked, (long long)room);
    *out = asked ? asked : GIVEN_LENGTH < room ? GIVEN_LENGTH : room;
    return 0;
}

/* Move the fields of `from`, which is used up, into `to`. */
static int
add_all(json_t *to, json_t *from, trv_err *err)
{
    const int failed = !from || json_object_update(to, from) != 0;

    json_decref(from);
    return failed ? err_nomem(err, "to plan a run") : 0;
}

int
options_lora_to_json(json_t *to, const trv_lora_options *o, trv_err *err)
{
    return add_all(to,
                   json_pack("{s:i,s:f,s:b,s:f,s:s,s:o*}", "rank", o->rank,
                             "alpha", o->alpha > 0 ? o->alpha : 2.0 * o->rank,
                             "rslora", o->rslora, "dropout", o->dropout,
                             "targets", o->targets, "dora",
                             o->dora ? json_true() : NULL),
                   err);
}

int
options_learn_to_json(json_t *to, const trv_learn_options *o, trv_err *err)
{
    return add_all(to,
                   json_pack("{s:i,s:i,s:i,s:f,s:s,s:f,s:f,s:f}", "steps",
                             o->steps, "batch", o->batch, "accumulate",
                             o->accumulate, "lr", o->lr, "schedule",
                             o->schedule, "warmup", o->warmup, "weight_decay",
                             o->weight_decay, "clip", o->clip),
                   err);
}

struct run_options
options_run(const trv_learn_options *o)
{
    return (struct run_options){.steps = o->steps,
                                .accumulate = o->accumulate,
                                .lr = o->lr,
                                .schedule = o->schedule,
                                .warmup = o->warmup,
                                .weight_decay = o->weight_decay,
                                .clip = o->clip,
                                .checkpoint_every = o->checkpoint_every};
}
