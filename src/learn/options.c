/* options.c -- the options that all learning shares. */
#include "learn/options.h"

#include "model/lora.h"

int
options_within(const struct bounded *list, size_t n, trv_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!(list[i].value >= list[i].lo && list[i].value <= list[i].hi))
            return err_fail(err, TRV_ERANGE, "%s is %g, outside %g to %g",
                            list[i].name, list[i].value, list[i].lo,
                            list[i].hi);
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

/* Move the fields of `from`, which is used up, into `to`. */
static int
add_all(json_t *to, json_t *from, trv_err *err)
{
    const int failed = !from || json_object_update(to, from) != 0;

    json_decref(from);
    return failed ? err_fail(err, TRV_ENOMEM, "no memory to plan a run") : 0;
}

int
options_tell_lora(json_t *to, const trv_lora_options *o, trv_err *err)
{
    return add_all(to,
                   json_pack("{s:i,s:f,s:b,s:f,s:s}", "rank", o->rank, "alpha",
                             o->alpha > 0 ? o->alpha : 2.0 * o->rank, "rslora",
                             o->rslora, "dropout", o->dropout, "targets",
                             o->targets),
                   err);
}

int
options_tell_learn(json_t *to, const trv_learn_options *o, trv_err *err)
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
