/* bpe.h -- byte-pair encoding of one piece of text: characters become symbols,
 * and the pair of neighbours with the lowest rank is merged until none is left.
 */
#ifndef TEXT_BPE_H
#define TEXT_BPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "text/tokenizer/tokenizer.h"
#include "text/tokenizer/vocab.h"

struct bpe {
    struct vocab vocab; // of the model, without added tokens
    struct bpe_merge {
        uint64_t pair; // left id << 32 | right id; UINT64_MAX is free
        int32_t rank, id;
    } * merges;
    size_t n_slots, n_merges; // n_slots a power of two, or 0
    uint64_t *joints;         // see bpe_finish(); n_joints a power of two, or 0
    size_t n_joints, used_joints;

    int32_t n_ids;      // ids from here on are strings that merges pass
                        // through but that are no tokens (GGUF)
    int32_t low[0x800]; // symbol of each character below U+0800, or -1
    int32_t bytes[256]; // token "<0xNN>", or -1
    int32_t unk;        // or -1
    char *unk_lost;     // the unknown token that the vocabulary lacks, or NULL
    char *prefix, *suffix; // of symbols that do not begin, that end a word
    bool byte_fallback, fuse_unk, ignore_merges;
    bool whole_lines; // ignore_merges, for pieces of newlines
};

/** Let (left, right) become id. A pair's later rank replaces its earlier, or
 * is dropped with `keep_first`. */
int bpe_add_merge(struct bpe *b, int32_t left, int32_t right, int32_t rank,
                  int32_t id, bool keep_first);
/** To be called once, when vocabulary and merges are complete. */
int bpe_finish(struct bpe *b);
void bpe_release(struct bpe *b); // accepts zeros

/** Working memory of one thread; zeros are ready for use. */
struct bpe_scratch {
    struct bpe_symbol *symbols;
    int64_t n, cap;
    struct bpe_pair *heap;
    int64_t n_heap, cap_heap;
    struct bpe_cached *cache; // of short pieces; only for long texts
};
void bpe_scratch_release(struct bpe_scratch *s);
int bpe_use_cache(struct bpe_scratch *s); // TRV_ENOMEM

/** Append the ids of a piece, valid UTF-8. O(n log n).
 * TRV_ENOMEM, TRV_EFORMAT (the unknown token is needed and missing). */
int bpe_encode(const struct bpe *b, struct ids *out, const char *s, size_t n,
               struct bpe_scratch *scratch, trv_err *err);

#endif
