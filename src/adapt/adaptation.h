/* adaptation.h -- a vertex: an adaptation opened for one model, whatever its
 * form. Reading and writing; acting and scoring are the decoder's.
 *
 *   base              adapts nothing
 *   prompt:TEXT       a prompt, as it stands
 *   prompt:@FILE      the bytes of a file, as they stand
 *   messages:FILE     a JSON array of messages, or an object with `messages`
 *   lora:DIR          a PEFT folder
 *   DIR               an artefact (trivium.json), a PEFT folder, or a folder
 *                     with prompt.txt or messages.json
 */
#ifndef ADAPT_ADAPTATION_H
#define ADAPT_ADAPTATION_H

#include "adapt/artefact.h"
#include "model/lora.h"

struct adaptation {
    enum form form;
    enum kind kind;           // KIND_BASE, KIND_LORA, KIND_TEXT, KIND_MESSAGES
    char *spec;               // as it was given
    char *path;               // of the file or folder; NULL where there is none
    char *text;               // KIND_TEXT: UTF-8, no NUL inside
    json_t *messages;         // KIND_MESSAGES: array of {"role", "content"}
    struct lora lora;         // KIND_LORA; no act copies: see lora_refresh()
    struct artefact artefact; // root NULL where there is no trivium.json
    char *base_name;          // what the files say; NULL: unknown
};

/**
 * Open what a spec names, for a model.
 *
 * @param m   gives config, name and (unless `id`) identity.
 * @param id  the model's identity, or NULL: then it is computed where the
 *            artefact names a base, which reads all weights once.
 * @param any_base  accept an artefact of another base (its shapes must fit).
 * @return 0; TRV_EINVAL (a spec that is none, with those known; an empty
 *         prompt; text that is not UTF-8), TRV_EIO, TRV_EFORMAT,
 *         TRV_EUNSUPPORTED (a kind that cannot be opened yet, by name),
 *         TRV_EMISMATCH, TRV_ENOMEM.
 */
int adaptation_open(struct adaptation **out, const struct model *m,
                    const struct model_identity *id, const char *spec,
                    bool any_base, trv_err *err);
void adaptation_free(struct adaptation *a);

/** "lora:out/z" -> kind and path (borrowed from `to`). TRV_EINVAL shows
 * the form; any kind of KIND_LIST but "base" is accepted here. */
int adaptation_target(enum kind *kind, const char **path, const char *to,
                      trv_err *err);

/**
 * Write a LoRA as an artefact: PEFT's two files and trivium.json, atomically.
 *
 * @param head     begun with artefact_init(KIND_LORA, ...) and given its
 *                 chain; the payload files are added to it.
 * @param replace  an artefact that is there is replaced; else TRV_EEXIST.
 */
int adaptation_save_lora(struct artefact *head, const struct lora *l,
                         const struct model_config *cfg, const char *path,
                         bool replace, trv_err *err);
/** Write a prompt (KIND_TEXT: prompt.txt) likewise. */
int adaptation_save_text(struct artefact *head, const char *text,
                         const char *path, bool replace, trv_err *err);

/** Check an array of messages, or take it out of an object's `messages`. Each
 * has a `role` (system, developer, user, assistant, tool) and a `content`
 * string. *out is borrowed from `value`. */
int messages_check(const json_t **out, const json_t *value, const char *file,
                   trv_err *err);

#endif
