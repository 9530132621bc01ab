/* gguf_pre.h -- the pre-tokenizers that GGUF files name (tokenizer.ggml.pre):
 * llama.cpp's table, as expressions.
 */
#ifndef TEXT_GGUF_PRE_H
#define TEXT_GGUF_PRE_H

#include <stdbool.h>

#define GGUF_PRE_MAX 6

struct gguf_pre {
    const char *names;               // each between spaces
    const char *regex[GGUF_PRE_MAX]; // cut one after the other; then NULL
    bool ignore_merges; // a piece that is a token is not taken apart
    bool add_bos;       // where the file says nothing
    bool plain;         // no characters for bytes: as SentencePiece has it,
                        // U+2581 for a space, and <0xNN> tokens
};

/** The row of a name; NULL where it is unknown. */
const struct gguf_pre *gguf_pre_find(const char *name);
/** The i-th row, from 0; NULL behind the last. */
const struct gguf_pre *gguf_pre_at(int i);

#endif
