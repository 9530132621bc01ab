/* adaptation.h -- an adaptation of any form, opened for one model: reading and
 * writing. view.h samples and scores with it.
 *
 *   base              adapts nothing
 *   prompt:TEXT       a prompt, as it stands
 *   prompt:@FILE      the bytes of a file, as they stand
 *   messages:FILE     a JSON array of messages, or an object with `messages`
 *   demos:FILE[,form=F][,template=T]     demonstrations: prompt/demos.h
 *   retrieve:FILE[,k=K][,template=T]     documents: prompt/retrieve.h
 *   lora:DIR          a folder of PEFT or mlx-lm, or llama.cpp's GGUF file
 *   soft:DIR, prefix:DIR   one of PEFT's PROMPT_TUNING, PREFIX_TUNING
 *   adapter:DIR       bottleneck adapters (params/bottleneck_file.h)
 *   full:DIR          another model of the same vocabulary
 *   mix:W*A+W*B       several at once: log p0 + sum W (log p_A - log p0); any
 *                     but a mix, '-' for '+' turns a weight's sign
 *   on:DIR,A          what A changes in the model in DIR, transferred to this
 *                     one: a mix, or a reward where the tokenizers differ
 *                     (cross_model.h)
 *   head:DIR          a reward that was learned (reward/scorer.h)
 *   verifier:..., ratio:..., contrast:..., endo:..., judge:..., sum:...
 *                     rewards, as reward/reward.h says
 *   DIR               an artefact (trivium.json), any of these folders, or one
 *                     with prompt.txt or messages.json
 */
#ifndef ADAPT_ADAPTATION_H
#define ADAPT_ADAPTATION_H

#include "adapt/artefact.h"
#include "adapt/session.h"
#include "model/decoder/adapter_weights.h"

struct adaptation;
struct mix_component {
    struct adaptation *a; // owned by the mix
    double weight;
};

struct adaptation {
    enum form form;
    enum kind kind;
    char *spec;          // as it was given
    char *path;          // of the file or folder; NULL where there is none
    char *text;          // KIND_TEXT: UTF-8, no NUL inside
    json_t *messages;    // KIND_MESSAGES: array of {"role", "content"}
    struct demos *demos; // KIND_DEMOS
    struct retrieve *retrieve; // KIND_RETRIEVE
    struct adapter_weights
        adapter_weights; // KIND_LORA, _ADAPTER, _SOFT, _PREFIX; no act
                         // copies: see view_ready()
    /* KIND_FULL, or the other model that it is of (cross_model.h): its
     * backend is set by view_ready() */
    struct session *full;
    bool full_is_lent;         // another part owns it
    bool is_cross_model;       // a mix by cross_model.h: A on a model, and it
    struct mix_component *mix; // KIND_MIX: [n_mix]
    int64_t n_mix;
    struct reward *reward;    // of FORM_REWARD; else NULL
    struct artefact artefact; // root NULL where there is no trivium.json
    char *base_name;          // from the files; NULL: unknown
    struct strbuf notes;      // of the whole: lines about its files, of models
                              // that it opens and of columns that nothing reads
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
/** Append lines about what its use has shown so far, of all its parts. */
int adaptation_use_notes(struct strbuf *out, const struct adaptation *a,
                         trv_err *err);

/** Several as one mix, or a single one of weight 1 as itself; each is A, A=W or
 * W*A (spec.h). */
int adaptation_open_mix(struct adaptation **out, const struct model *m,
                        const struct model_identity *id,
                        const char *const *specs, int64_t n, bool any_base,
                        trv_err *err);

/* How parts of an adaptation are opened: as the whole is. */
struct adaptation_how {
    const struct model *m;
    const struct model_identity *id; // NULL: computed where it is needed
    bool any_base;
    bool foreign;         // a folder asks for it, not the user: runs no program
    int *left;            // how many rewards may still be read, in all (spec.h)
    struct strbuf *notes; // takes lines of the files that are opened
};
/** Open a part of the reward of the artefact in `dir`
 * (reward/reward_part.h). */
int adaptation_open_part(struct adaptation **out,
                         const struct adaptation_how *how, const char *dir,
                         const json_t *part, trv_err *err);
/** Prompts that lie in no file of their own; copied. `file` is for messages. */
int adaptation_of_text(struct adaptation **out, const char *text, size_t n,
                       trv_err *err);
int adaptation_of_messages(struct adaptation **out, const json_t *value,
                           const char *file, trv_err *err);
/** One message of the system. */
int adaptation_of_system(struct adaptation **out, const char *text,
                         trv_err *err);
int adaptation_of_demos(struct adaptation **out, const json_t *list,
                        const json_t *conf, const char *file, trv_err *err);

/** Does it hold a prompt of messages, which only a chat has? */
bool adaptation_is_chat(const struct adaptation *a); // NULL: no
/** Does it hold a prompt of text? */
bool adaptation_has_text(const struct adaptation *a); // NULL: no

/** "lora:out/z" -> kind and path (borrowed from `to`). TRV_EINVAL shows
 * the form; any kind of KIND_LIST but "base" is accepted here, and "prompt",
 * which is a text. */
int adaptation_target(enum kind *kind, const char **path, const char *to,
                      trv_err *err);

/**
 * Write adapter weights as an artefact: their two files and trivium.json,
 * atomically.
 *
 * @param head     begun with artefact_init() for the weights' kind and given
 *                 its chain; the payload files are added to it.
 * @param to       locked; committed here.
 */
int adaptation_save_weights(struct artefact *head,
                            const struct adapter_weights *t,
                            const struct model_config *cfg, struct outdir *to,
                            trv_err *err);
/** Write likewise a prompt without adapter weights, of head's kind: text,
 * messages, demos or retrieve with its corpus. */
int adaptation_save_prompt(struct artefact *head, const struct adaptation *a,
                           struct outdir *to, trv_err *err);
/** May an artefact of this kind hold a file of this name? */
bool adaptation_writes(enum kind kind, const char *name);
/** SHA-256 of the contents of a prompt of these kinds: a file behind a spec may
 * change. */
int adaptation_hash_prompt(char hex[HASH_HEX], const struct adaptation *a,
                           trv_err *err);

#endif
