/* output.c -- which files of a folder may be replaced. */
#include "adapt/output.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "adapt/adaptation.h"
#include "adapt/params/peft.h"
#include "base/file.h"
#include "model/files/writer.h"

static const char *const logs[] = {
#define LOG_NAME(name) name,
    OUTPUT_LOGS(LOG_NAME)
#undef LOG_NAME
};
#define LOGS (sizeof(logs) / sizeof(*logs))

/* trivium.json, what it lists, and logs. */
static int
own_listed(json_t *own, const char *dir, trv_err *err)
{
    struct artefact a;
    const json_t *f;
    size_t i;
    int rc = artefact_read(&a, dir, err);

    if (rc)
        return rc;
    if (json_object_set_new(own, ARTEFACT_MANIFEST, json_true()))
        rc = err_nomem(err, "to read '%s'", dir);
    json_array_foreach(a.files, i, f)
    {
        const char *name = json_string_value(json_object_get(f, "name"));

        if (!rc && json_object_set_new(own, name, json_true()))
            rc = err_nomem(err, "to read '%s'", dir);
    }
    for (size_t k = 0; k < LOGS && !rc; k++)
        if (json_object_set_new(own, logs[k], json_true()))
            rc = err_nomem(err, "to read '%s'", dir);
    artefact_release(&a);
    return rc;
}

static bool
is_peft_name(const char *name)
{
    return !strcmp(name, PEFT_CONFIG) || !strcmp(name, PEFT_WEIGHTS) ||
           !strcmp(name, "adapter_model.bin");
}

/* Files of the names that PEFT and Hugging Face give. */
static int
own_named(json_t *own, const char *dir, bool peft, bool model, trv_err *err)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    int rc = 0;

    if (!d)
        return err_fail(err, TRV_EIO, "cannot read folder '%s': %s", dir,
                        strerror(errno));
    while (!rc && (e = readdir(d)))
        if (((peft && is_peft_name(e->d_name)) ||
             (model && writer_is_name(e->d_name))) &&
            json_object_set_new(own, e->d_name, json_true()))
            rc = err_nomem(err, "to read '%s'", dir);
    closedir(d);
    return rc;
}

static int
own_artefact(json_t *own, const char *dir, const void *payload, trv_err *err)
{
    const enum kind *kind = payload;

    if (artefact_is(dir))
        return own_listed(own, dir, err);
    if (peft_is(dir))
        return own_named(own, dir, true,
                         *kind == KIND_FULL || *kind == KIND_HEAD, err);
    return dir_is_empty(dir)
               ? 0
               : err_fail(err, TRV_EEXIST,
                          "cannot replace '%s': the folder is no artefact",
                          dir);
}

static bool
writes_artefact(const char *name, const void *payload)
{
    const enum kind *kind = payload;

    for (size_t k = 0; k < LOGS; k++)
        if (strcmp(name, logs[k]) == 0)
            return true;
    return adaptation_writes(*kind, name);
}

static int
own_model(json_t *own, const char *dir, const void *payload, trv_err *err)
{
    (void)payload;
    if (dir_is_empty(dir))
        return 0;
    if (!dir_has(dir, "config.json"))
        return err_fail(err, TRV_EEXIST,
                        "cannot replace '%s': the folder is no model", dir);
    return artefact_is(dir) ? own_listed(own, dir, err)
                            : own_named(own, dir, false, true, err);
}

static bool
writes_model(const char *name, const void *payload)
{
    (void)payload;
    return writer_is_name(name);
}

int
output_lock(struct outdir *d, enum kind kind, bool replace, trv_err *err)
{
#define KIND_RULE(id, form, name)                                              \
    {own_artefact, writes_artefact, &kinds[KIND_##id]},
#define KIND_VALUE(id, form, name) KIND_##id,
    static const enum kind kinds[] = {KIND_LIST(KIND_VALUE)};
    static const struct outdir_rule rules[] = {KIND_LIST(KIND_RULE)};
#undef KIND_VALUE
#undef KIND_RULE

    TRV_ASSERT(kind > KIND_BASE && kind < KIND_COUNT);
    return outdir_lock(d, &rules[kind], replace, err);
}

int
output_lock_model(struct outdir *d, bool replace, trv_err *err)
{
    static const struct outdir_rule rule = {own_model, writes_model, NULL};

    return outdir_lock(d, &rule, replace, err);
}
