/* family.h -- what a family of models is: one file each in families/, and one
 * row of the table below.
 */
#ifndef MODEL_FAMILY_H
#define MODEL_FAMILY_H

#include "model/files/config_field.h"
#include "model/files/layout.h"

/** The families: a row's name is its model_type and its file's name. */
#define FAMILIES(X)                                                            \
    X(gpt2)                                                                    \
    X(llama)                                                                   \
    X(mistral)                                                                 \
    X(qwen2)                                                                   \
    X(qwen3)                                                                   \
    X(olmo2)                                                                   \
    X(phi3)                                                                    \
    X(ministral3)                                                              \
    X(gpt_neox)                                                                \
    X(starcoder2)                                                              \
    X(glm4)                                                                    \
    X(olmo3)                                                                   \
    X(gemma2)                                                                  \
    X(gemma3)                                                                  \
    X(granite)                                                                 \
    X(smollm3)                                                                 \
    X(exaone4)                                                                 \
    X(granitemoehybrid)

/* Hugging Face's names of a family's tensors, without ".weight". */
struct family_names {
    const char *layers; // before a layer's number: "model.layers"
    const char *slots[SLOT_COUNT], *parts[PART_COUNT]; // NULL: it has none
};

struct gguf_file; // model/files/gguf.h

struct family {
    const char *name;      // model_type, and the architecture of GGUF files
    const char *text;      // model_type where it is a text model alone; or NULL
    const char *scorer;    // transformers' class of sequence classification
    bool gguf;             // GGUF files name it; else they open as another
    const char *gguf_name; // what they say, where it is not the name
    /* llama.cpp's converter interleaves the two halves of each head of q and
     * k. */
    bool gguf_interleaved;
    /* Of a GGUF file in which only some layers have the window: all but each
     * so many-th have it, and of how many keys it is where none says so. 0: the
     * window is all layers'. */
    int64_t gguf_every, gguf_window;
    /* The family whose files with a window carry this one's name. */
    const struct family *gguf_sliding;
    const struct family_names *names;
    /** Set what all its models share, and their usual activation and norm_eps,
     * which a file may say otherwise. */
    void (*shape)(struct model_config *c);
    /** Read the rest from a config.json. */
    void (*read)(struct fields *r, struct model_config *c);
    /** Set what a GGUF file leaves unsaid, once all else is read; or NULL. */
    int (*read_gguf)(struct model_config *c, const struct gguf_file *f,
                     trv_err *err);
};

#define FAMILY_DECLARE(name) extern const struct family family_##name;
FAMILIES(FAMILY_DECLARE)
#undef FAMILY_DECLARE

/** The family number i, from 0; NULL after the last. */
const struct family *family_at(size_t i);
/** By a name of n bytes; NULL where it is none. */
const struct family *family_find(const char *name, size_t n);
/** What the models of a model_type that no family reads are, as in "a mixture
 * of experts"; NULL where that is not known. */
const char *family_unread(const char *name);
/** By what GGUF files call it. */
const struct family *family_find_gguf(const char *arch, size_t n);
const char *family_gguf(const struct family *f);
/** Their names as "gpt2, llama, ..."; of those that GGUF files name. Returns
 * buf. */
const char *family_list(char *buf, size_t size, bool gguf);

#endif
