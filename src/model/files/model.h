/* model.h -- a model on disk, opened: its config, its tensors where they lie
 * in the mapped files, its tokenizer and chat template, its identity.
 *
 * Read-only once open; shared by any number of sessions and threads.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/hash.h"
#include "model/files/config.h"
#include "text/chat.h"
#include "text/data.h"
#include "text/example.h"
#include "text/tokenizer/tokenizer.h"

/* Tensors of one layer; NULL where the family has none. */
struct layer_tensors {
    const struct tensor *norm1_w, *norm1_b, *norm2_w, *norm2_b; // before
    const struct tensor *out1_w, *out1_b, *out2_w, *out2_b;     // after
    const struct tensor *w[PART_COUNT], *b[PART_COUNT];
    const struct tensor *q_norm, *k_norm;
};

struct layout_item;
struct own_tensor;

struct checkpoint; // the mapped files and their index; model/files/checkpoint.h

struct model {
    char *path;
    char *name;   // "_name_or_path", GGUF's general.name, or the folder's name
    char *origin; // what finds it again: its name on the Hub, ORG/NAME[@REV],
                  // or its absolute path
    bool is_of_hub;
    bool gguf;
    bool vocabulary; // a GGUF file without tensors: all but the tokenizer and
                     // the chat template is empty
    struct model_config cfg;
    struct checkpoint *ckpt;
    const struct tensor *embed, *pos_embed, *norm_w, *norm_b;
    const struct tensor *head;    // the embedding where they are tied; NULL in
                                  // a reward model
    const struct tensor *score;   // [1, width] of a reward model; else NULL
    struct layer_tensors *layers; // [L]
    struct tokenizer *tokenizer;  // NULL where the folder has none
    struct chat_template *chat;   // NULL where there is none
    char *chat_source;            // its text
    bool has_turn_end;
    int32_t turn_end; // that ends an answer of the chat: example_turn_end()
    enum text_layout layout; // raw: asked for, or the template cannot be used
    bool no_system;          // the chat has no place for a system message
    struct strbuf notes;     // where files contradict each other: lines
    struct own_tensor *own;  // what model_replace() was given
    /* generation_config.json, where present: defaults of sampling */
    double temperature, top_p, repetition_penalty; // NaN: not said
    int64_t top_k;                                 // -1: not said
};

/** Open a Hugging Face folder or a .gguf file, by its path or its name on the
 * Hub (hub.h). Every tensor that the config
 * asks for must be there with the shape that it says, inside its file; no two
 * may overlap. TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED, TRV_ENOMEM. */
int model_open(struct model **out, const char *path, trv_err *err);
/** The same for a folder that scores: sequence classification with one label,
 * which model_open() refuses by name, as this refuses all others. */
int model_open_scorer(struct model **out, const char *path, trv_err *err);
void model_free(struct model *m);

/** TRV_EUNSUPPORTED where the file holds a vocabulary and no weights; whoever
 * wants more of a model than its tokenizer asks this first. */
int model_need_weights(const struct model *m, trv_err *err);

/**
 * Take another chat template: the model's own of that name, or else the text of
 * a file. NULL: the one that the model opens with, which a template named
 * tool_use stands beside (model_chat.c). A template that cannot be parsed is an
 * error here only where it is a file; a model's own says so when it is used.
 * TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED, TRV_ENOMEM.
 */
int model_open_chat(struct model *m, const char *template, trv_err *err);

/**
 * Lay plain prompts out as `layout` says: "chat", "raw"; NULL: as a chat where
 * there is a template that can be used. TRV_EINVAL: another word; a chat, and
 * there is no such template.
 */
int model_set_layout(struct model *m, const char *layout, trv_err *err);
/** The layout of the model that it works beside. */
void model_share_layout(struct model *m, const struct model *with);
/** Are plain prompts a user's turn? */
bool model_is_chat(const struct model *m);
/** Take another name for `origin`; TRV_EINVAL where it is none. */
int model_set_origin(struct model *m, const char *name, trv_err *err);

/** The tensor that a layout item names. */
const struct tensor *model_tensor(const struct model *m,
                                  const struct layout_item *item);
/** Let f32 values (of the item's shape, in the order of a checkpoint; freed
 * with the model, or here after a failure) stand for a tensor of its files.
 * Before a decoder is opened. A head that is tied to the embedding stays what
 * it was until cfg.tied is false and the head itself is replaced. TRV_ENOMEM. */
int model_replace(struct model *m, const struct layout_item *item,
                  float *values, trv_err *err);

int64_t model_params(const struct model *m); // tied weights count once
bool model_ends_text(const struct model *m, int32_t id); // EOS, end of turn
struct text_rules model_text_rules(const struct model *m);

/** Hashes that say which base an adaptation belongs to. `weights` reads every
 * tensor that the model uses once, in the order of layout_each(): its Hugging
 * Face name, type, shape and bytes. So it does not depend on shards, on a
 * prefix left out of the names, or on unused buffers. */
struct model_identity {
    char weights[HASH_HEX], tokenizer[HASH_HEX], chat[HASH_HEX]; // "" if none
};
int model_identify(struct model_identity *out, const struct model *m,
                   trv_err *err);

#endif
