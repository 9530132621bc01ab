/* tokenizer.h -- text to token ids and back, exactly as the model's publisher
 * does it: Hugging Face tokenizer.json (BPE, byte-level or with byte
 * fallback), vocab.json + merges.txt, and the vocabulary of a GGUF file.
 *
 * A tokenizer is immutable once open; any number of threads may share it.
 */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/strbuf.h"

struct tokenizer;
struct detok_state;

/** A growing list of token ids; zeros are an empty list. */
struct ids {
    int32_t *v;
    int64_t n, cap;
};
int ids_push(struct ids *ids, int32_t id);                    // 0, ENOMEM
int ids_append(struct ids *ids, const int32_t *v, int64_t n); // 0, ENOMEM
void ids_release(struct ids *ids);

/** What a GGUF file says of its vocabulary; filled by model/files/gguf.c, borrowed
 * for the call. Strings are (pointer, length) pairs, not NUL-terminated. */
struct gguf_vocab {
    const char *path;        // for messages
    const char *model, *pre; // "gpt2", "llama"; "qwen2", ... or NULL
    int64_t n_tokens, n_merges;
    const struct gguf_str {
        const char *s;
        size_t n;
    } * tokens, *merges;        // [n_tokens], [n_merges] or NULL
    const float *scores;        // [n_tokens] or NULL
    const int32_t *types;       // [n_tokens] or NULL; 1 normal 2 unknown
                                // 3 control 4 user defined 6 byte
    int32_t bos, eos, unk, pad; // ids, -1 where absent
    int add_bos, add_eos, add_space_prefix; // 0, 1, or -1 where not said
};

/** Open the tokenizer of a Hugging Face folder: tokenizer.json, or else
 * vocab.json + merges.txt, or else tokenizer.model; tokenizer_config.json,
 * special_tokens_map.json, added_tokens.json and config.json name the special
 * and added tokens where present. Where files contradict each other, one wins
 * as in transformers, and a line is added to `notes` (may be NULL). TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED (naming the part), TRV_ENOMEM. */
int tokenizer_open_hf(struct tokenizer **out, struct strbuf *notes,
                      const char *dir, trv_err *err);
int tokenizer_open_gguf(struct tokenizer **out, const struct gguf_vocab *v,
                        trv_err *err);
void tokenizer_free(struct tokenizer *t);

/** Append the ids of n bytes of text. Special and added tokens written in the
 * text are found, as in `tokenizers`. `special`: add what the post-processor
 * adds (BOS, EOS). Broken UTF-8 is first repaired as Python's
 * bytes.decode(errors="replace") repairs it. What was appended before a failure
 * stays. TRV_ENOMEM, TRV_ERANGE (an expression gave up on a hostile text),
 * TRV_EFORMAT (the unknown token is needed, and missing). */
int tokenizer_encode(const struct tokenizer *t, struct ids *out,
                     const char *text, size_t n, bool special, trv_err *err);

/** Append the text of ids; `skip_special` leaves special tokens out. Equal to
 * `tokenizers`' decode (clean_up_tokenization_spaces false). An id outside
 * 0..size-1 is TRV_ERANGE; one inside that has no token is passed over. */
int tokenizer_decode(const struct tokenizer *t, struct strbuf *out,
                     const int32_t *ids, int64_t n, bool skip_special,
                     trv_err *err);

/** Streaming decode: feed one id, get the bytes that are final. A UTF-8
 * character is never cut; the concatenation equals tokenizer_decode() of all.
 * Zeros are a new stream; `skip_special` is set before the first id. */
struct token_stream {
    bool skip_special;
    struct detok_state *state;
};
int token_stream_feed(const struct tokenizer *t, struct token_stream *s,
                      int32_t id, struct strbuf *out, trv_err *err);
int token_stream_finish(const struct tokenizer *t, struct token_stream *s,
                        struct strbuf *out, trv_err *err);
void token_stream_release(struct token_stream *s);

/** Leave out the ids from `rows` on, fewer than there are: for one whose
 * model has no more rows. A text that needs one is TRV_EFORMAT. */
void tokenizer_cut(struct tokenizer *t, int64_t rows);

int64_t tokenizer_size(const struct tokenizer *t); // ids are 0..size-1
int32_t tokenizer_bos(const struct tokenizer *t);  // -1 where there is none
int32_t tokenizer_eos(const struct tokenizer *t);
int32_t tokenizer_id(const struct tokenizer *t, const char *token); // or -1
bool tokenizer_is_special(const struct tokenizer *t, int32_t id);
/** Call a token special that its file does not: texts leave it out from here
 * on. Only while the model opens. */
void tokenizer_set_special(struct tokenizer *t, int32_t id);
/** Is it found whole in a text, before anything else is cut? */
bool tokenizer_is_added(const struct tokenizer *t, int32_t id);
/** The token as the vocabulary writes it; NULL for an id that has none. */
const char *tokenizer_token(const struct tokenizer *t, int32_t id);
const char *tokenizer_kind(const struct tokenizer *t); // for inspect
/** SHA-256 over every id's token, in order: equal where ids mean the same. */
void tokenizer_hash(const struct tokenizer *t, char hex[HASH_HEX]);

#endif
