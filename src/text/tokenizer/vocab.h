/* vocab.h -- token strings by id, and ids by string. */
#ifndef TEXT_VOCAB_H
#define TEXT_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/* Far above any published vocabulary; keeps a lying id from asking for
 * gigabytes. */
#define VOCAB_MAX_ID 10000000

struct vocab {
    struct strbuf text; // all strings, each with a NUL after it
    struct vocab_token {
        size_t at;  // 1 + its offset in text; 0 is a hole
        size_t len; // bytes
    } * tokens;
    int64_t size, cap; // ids are below size
    int64_t count;     // ids that have a string
    struct vocab_slot {
        uint32_t hash;
        int32_t id; // -1 is free
    } * slots;
    size_t n_slots, used; // a power of two, or 0
};

/** Give `id` (0..VOCAB_MAX_ID) a string; a string that is there already moves
 * to the new id. TRV_EEXIST where the id has one, TRV_ENOMEM. */
int vocab_add(struct vocab *v, int32_t id, const char *s, size_t n);
int32_t vocab_find(const struct vocab *v, const char *s, size_t n); // or -1
/** The string of an id, NUL-terminated; NULL for holes and outside. */
const char *vocab_text(const struct vocab *v, int32_t id, size_t *n);
void vocab_release(struct vocab *v); // accepts zeros

/** A 64-bit hash of bytes, for tables in memory only. */
uint64_t vocab_mix(const char *s, size_t n);

#endif
