/* api_scratch.c -- a training that begins with random weights.
 *
 * The lock on OUT comes first: the weights lie in OUT.run/start, and those of a
 * run that is under way must stay.
 */
#include "api/api_scratch.h"

#include <string.h>

#include "adapt/adaptation.h"
#include "learn/loop/run_place.h"

struct trv_scratch {
    struct run_place place;
    char *to, *path; // "KIND:OUT", OUT.run/start
};

int
trv_scratch_open(trv_scratch **out, const char *to, const char *from,
                 const trv_train_options *opts, trv_err *err)
{
    static const trv_train_options defaults = TRV_TRAIN_OPTIONS_INIT;
    const trv_train_options *o = opts ? opts : &defaults;
    const char *path;
    trv_scratch *s;
    enum kind kind;
    int rc = adaptation_target(&kind, &path, to, err);

    *out = NULL;
    if (rc)
        return rc;
    s = mem_calloc(1, sizeof(*s));
    if (!s)
        return err_nomem(err, "to train '%.200s'", to);
    rc = run_place_init(&s->place, path, NULL, NULL, err);
    if (!rc)
        rc = run_place_lock(&s->place, kind, o->replace, o->resume, err);
    if (rc)
        goto done;
    s->to = mem_strdup(to);
    s->path = path_join(s->place.dir, "start");
    rc = s->to && s->path ? trv_model_create(s->path, from, o->seed, true, err)
                          : err_nomem(err, "to train '%.200s'", to);
    if (rc)
        run_place_leave(&s->place, false);
    else
        *out = s;
done:
    if (rc)
        trv_scratch_free(s);
    return rc;
}

const char *
trv_scratch_path(const trv_scratch *s)
{
    return s->path;
}

void
trv_scratch_free(trv_scratch *s)
{
    if (!s)
        return;
    run_place_release(&s->place);
    mem_free(s->to);
    mem_free(s->path);
    mem_free(s);
}

int
api_scratch_out(struct outdir **out, trv_scratch *s, const char *to,
                trv_err *err)
{
    *out = run_place_out(&s->place);
    return strcmp(s->to, to) == 0
               ? 0
               : err_fail(err, TRV_EINVAL,
                          "the random weights are for '%.200s', not '%.200s'",
                          s->to, to);
}
