/* writer.h -- a model written as a Hugging Face folder.
 *
 * The config and the tokenizer's files are carried over from the folder that
 * the model was opened from; the weights are the decoder's trained ones, in F32
 * or BF16, or fresh random ones.
 */
#ifndef MODEL_WRITER_H
#define MODEL_WRITER_H

#include "base/outdir.h"
#include "model/decoder/decoder.h"

/** Where a tensor's values come from: out [rows, cols] = rows of the tensor
 * `item` as it is stored. */
struct layout_item;
typedef int (*writer_source)(float *out, const struct layout_item *item,
                             void *payload, trv_err *err);

/** Where the files go: outdir_write(), or one that also notes their hashes. */
struct writer_sink {
    int (*put)(void *self, const char *name, const void *bytes, size_t n,
               trv_err *err);
    void *self;
};
struct writer_sink writer_to(struct outdir *dir);
/** Is it a file of a model's folder: one that is written here, or of sharded
 * weights? */
bool writer_is_name(const char *name);

/**
 * Write config.json, the tokenizer's files and model.safetensors.
 *
 * @param from  folder with config.json and the tokenizer's files.
 * @param type  DT_F32 or DT_BF16.
 * @return 0, TRV_EIO, TRV_EFORMAT, TRV_ENONFINITE (names the tensor),
 *         TRV_ENOMEM.
 */
int writer_folder(struct writer_sink to, const char *from,
                  const struct model_config *cfg, enum dtype type,
                  writer_source source, void *payload, trv_err *err);

/** The weights of a decoder after decoder_train_full(). TRV_EUNSUPPORTED where
 * the model came from a GGUF file, which has no config.json to carry over. */
int writer_trained(struct writer_sink to, const struct decoder *d,
                   enum dtype type, trv_err *err);

/** The same as a reward model: sequence classification with one label, after
 * decoder_add_score(). `pad` is the config's pad_token_id, -1: null. */
int writer_scorer(struct writer_sink to, const struct decoder *d, int32_t pad,
                  enum dtype type, trv_err *err);

/**
 * Write a model that knows nothing yet: `from` holds config.json and a
 * tokenizer, and needs no weights.
 *
 * Normal with deviation 0.02, the maps that end a residual branch (attention
 * output, MLP's second) divided by sqrt(2 L); norms 1, biases 0.
 * Source   Radford et al. 2019 (GPT-2), section 2.3.
 */
int writer_scratch(struct writer_sink to, const char *from, uint64_t seed,
                   trv_err *err);

#endif
