/* adaptation_save.c -- adaptations as folders: a kind's files and trivium.json.
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/adaptation.h"
#include "adapt/payload.h"
#include "adapt/prompt/demos.h"
#include "adapt/prompt/retrieve.h"
#include "base/mem.h"
#include "model/files/writer.h"

bool
adaptation_writes(enum kind kind, const char *name)
{
    const struct kind_row *row = kind_row(kind);

    if (strcmp(name, ARTEFACT_MANIFEST) == 0)
        return true;
    if (kind == KIND_FULL || kind == KIND_HEAD)
        return writer_is_name(name) ||
               (kind == KIND_HEAD && adaptation_writes(KIND_LORA, name));
    if (kind == KIND_TEXT || kind == KIND_MESSAGES) // a search may end in both
        return strcmp(name, kind_row(KIND_TEXT)->payload) == 0 ||
               strcmp(name, kind_row(KIND_MESSAGES)->payload) == 0;
    return (row->payload && strcmp(name, row->payload) == 0) ||
           (row->config && strcmp(name, row->config) == 0);
}

int
adaptation_save_weights(struct artefact *head, const struct adapter_weights *t,
                        const struct model_config *cfg, struct outdir *to,
                        trv_err *err)
{
    const struct kind_row *row = kind_row(head->kind);
    struct payload_files files = {0};
    int rc;

    TRV_ASSERT(row->encode_weights);
    rc = row->encode_weights(&files, t, cfg, head->base_origin, err);
    if (!rc)
        rc = artefact_put(head, to, row->config, files.config, files.n_config,
                          err);
    if (!rc)
        rc = artefact_put(head, to, row->payload, files.weights,
                          files.n_weights, err);
    if (!rc)
        rc = artefact_finish(head, to, err);
    if (!rc)
        rc = outdir_commit(to, err);
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
                       struct outdir *to, trv_err *err)
{
    const struct kind_row *row = kind_row(a->kind);
    json_t *options = prompt_options(a);
    struct strbuf bytes = {0};
    int rc;

    TRV_ASSERT(head->kind == a->kind && row->encode_prompt);
    rc = row->encode_prompt(&bytes, a, err);
    if (!rc && options && json_object_set(head->root, "prompt", options))
        rc = err_fail(err, TRV_ENOMEM, "no memory to save a prompt");
    if (!rc)
        rc = artefact_put(head, to, row->payload, bytes.s ? bytes.s : "",
                          bytes.len, err);
    if (!rc)
        rc = artefact_finish(head, to, err);
    if (!rc)
        rc = outdir_commit(to, err);
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
