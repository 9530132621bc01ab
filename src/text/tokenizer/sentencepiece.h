/* sentencepiece.h -- tokenizer.model, SentencePiece's file: a protobuf message
 * with the pieces, how they were trained, and how a text is normalised.
 */
#ifndef TEXT_SENTENCEPIECE_H
#define TEXT_SENTENCEPIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum spm_type {
    SPM_NORMAL = 1,
    SPM_UNKNOWN,
    SPM_CONTROL,
    SPM_USER, // found in a text before anything else
    SPM_UNUSED,
    SPM_BYTE
};

/* Bytes of a piece. SentencePiece makes none of more than 16 characters unless
 * it is asked to; each place in a piece may part it, so work is their square.
 */
#define SPM_PIECE_MAX 1024

enum spm_model { SPM_UNIGRAM = 1, SPM_BPE };

/* Strings lie in the file's bytes, without a NUL; they are valid UTF-8. */
struct spm_str {
    const char *s;
    size_t n;
};

struct spm_file {
    struct spm_piece {
        struct spm_str text;
        float score;
        enum spm_type type;
    } * pieces; // [n]
    int64_t n;
    enum spm_model model;
    bool byte_fallback;
    int32_t unk, bos, eos; // ids, negative where there is none
    struct spm_str unk_text, bos_text, eos_text;
    struct spm_str charsmap; // bytes; empty: none
    bool dummy_prefix;       // a space before the text
    bool collapse;           // spaces: none at the ends, one in a row
    bool escape;             // spaces become U+2581
};

/** Read n bytes, which out borrows. TRV_EFORMAT, TRV_EUNSUPPORTED (a model of
 * words or characters, spaces behind words), TRV_ENOMEM; messages name `file`.
 */
int spm_read(struct spm_file *out, const char *file, const void *bytes,
             size_t n, trv_err *err);
void spm_release(struct spm_file *f); // accepts zeros

#endif
