/* adaptation_save.c -- adaptations as folders: a kind's files and trivium.json.
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/adaptation.h"
#include "adapt/payload.h"
#include "adapt/prompt/demos.h"
#include "adapt/prompt/retrieve.h"
#include "base/mem.h"

int
adaptation_save_terms(struct artefact *head, const struct terms *t,
                      const struct model_config *cfg, const char *path,
                      bool replace, trv_err *err)
{
    const struct kind_row *row = kind_row(head->kind);
    struct payload_files files = {0};
    struct outdir d = {0};
    int rc;

    TRV_ASSERT(row->encode_terms);
    rc = row->encode_terms(&files, t, cfg, head->base_name, err);
    if (!rc)
        rc = outdir_begin(&d, path, replace, err);
    if (!rc)
        rc = artefact_put(head, &d, row->config, files.config, files.n_config,
                          err);
    if (!rc)
        rc = artefact_put(head, &d, row->payload, files.weights,
                          files.n_weights, err);
    if (!rc)
        rc = artefact_finish(head, &d, err);
    if (!rc)
        rc = outdir_commit(&d, err);
    outdir_release(&d);
    payload_files_release(&files);
    return rc;
}

static json_t *
prompt_options(const struct adaptation *a)
{
    return a->demos ? a->demos->conf : a->retrieve ? a->retrieve->conf : NULL;
}

int
adaptation_save_prompt(struct artefact *head, const struct adaptation *a,
                       const char *path, bool replace, trv_err *err)
{
    const struct kind_row *row = kind_row(a->kind);
    json_t *options = prompt_options(a);
    struct strbuf bytes = {0};
    struct outdir d = {0};
    int rc;

    TRV_ASSERT(head->kind == a->kind && row->encode_prompt);
    rc = row->encode_prompt(&bytes, a, err);
    if (!rc && options && json_object_set(head->root, "prompt", options))
        rc = err_fail(err, TRV_ENOMEM, "no memory to save a prompt");
    if (!rc)
        rc = outdir_begin(&d, path, replace, err);
    if (!rc)
        rc = artefact_put(head, &d, row->payload, bytes.s ? bytes.s : "",
                          bytes.len, err);
    if (!rc)
        rc = artefact_finish(head, &d, err);
    if (!rc)
        rc = outdir_commit(&d, err);
    outdir_release(&d);
    sb_release(&bytes);
    return rc;
}

int
adaptation_hash_prompt(char hex[HASH_HEX], const struct adaptation *a,
                       trv_err *err)
{
    const json_t *options = prompt_options(a);
    struct strbuf bytes = {0};
    char *text = NULL;
    int rc = kind_row(a->kind)->encode_prompt(&bytes, a, err);

    if (!rc && options) {
        text = json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
        if (!text || sb_puts(&bytes, text))
            rc = err_fail(err, TRV_ENOMEM, "no memory for a prompt");
    }
    if (!rc)
        rc = hash_bytes(hex, bytes.s ? bytes.s : "", bytes.len, err);
    free(text);
    sb_release(&bytes);
    return rc;
}
