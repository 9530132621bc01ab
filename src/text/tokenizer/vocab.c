/* vocab.c -- the two-way table of tokens: one block of text, an array by id,
 * and an open-addressed table by string.
 */
#include "text/tokenizer/vocab.h"

#include <string.h>

#include "base/mem.h"

uint64_t
vocab_mix(const char *s, size_t n)
{
    uint64_t h = UINT64_C(0x9E3779B97F4A7C15) ^ n, w;

    for (; n >= 8; s += 8, n -= 8) {
        memcpy(&w, s, 8);
        h = (h ^ w) * UINT64_C(0xD6E8FEB86659FD93);
        h ^= h >> 32;
    }
    w = 0;
    memcpy(&w, s, n);
    h = (h ^ w) * UINT64_C(0xD6E8FEB86659FD93);
    h ^= h >> 32;
    h *= UINT64_C(0xD6E8FEB86659FD93);
    return h ^ h >> 32;
}

static int
grow_tokens(struct vocab *v, int64_t need)
{
    int64_t cap = v->cap ? v->cap : 256;
    struct vocab_token *p;

    while (cap < need)
        cap *= 2;
    if (cap == v->cap)
        return 0;
    p = mem_reallocarray(v->tokens, (size_t)cap, sizeof(*p));
    if (!p)
        return TRV_ENOMEM;
    memset(p + v->cap, 0, (size_t)(cap - v->cap) * sizeof(*p));
    v->tokens = p;
    v->cap = cap;
    return 0;
}

static int
grow_slots(struct vocab *v)
{
    const size_t n = v->n_slots ? 2 * v->n_slots : 512;
    struct vocab_slot *p;

    if (2 * (v->used + 1) <= v->n_slots)
        return 0;
    p = mem_array(n, sizeof(*p));
    if (!p)
        return TRV_ENOMEM;
    memset(p, 0xFF, n * sizeof(*p)); // every id -1
    for (size_t i = 0; i < v->n_slots; i++) {
        const struct vocab_slot s = v->slots[i];
        size_t at = s.hash & (n - 1);

        if (s.id < 0)
            continue;
        while (p[at].id >= 0)
            at = (at + 1) & (n - 1);
        p[at] = s;
    }
    mem_free(v->slots);
    v->slots = p;
    v->n_slots = n;
    return 0;
}

/* The slot that holds the string, or the free one where it would go. */
static size_t
slot_of(const struct vocab *v, const char *s, size_t n, uint32_t hash)
{
    size_t at = hash & (v->n_slots - 1);

    for (;; at = (at + 1) & (v->n_slots - 1)) {
        const struct vocab_slot *slot = &v->slots[at];
        const struct vocab_token *t;

        if (slot->id < 0)
            return at;
        if (slot->hash != hash)
            continue;
        t = &v->tokens[slot->id];
        if (t->len == n && !memcmp(v->text.s + t->at - 1, s, n))
            return at;
    }
}

int
vocab_add(struct vocab *v, int32_t id, const char *s, size_t n)
{
    const uint32_t hash = (uint32_t)vocab_mix(s, n);
    size_t at, from = v->text.len;

    TRV_ASSERT(id >= 0 && id <= VOCAB_MAX_ID);
    if (id < v->size && v->tokens[id].at)
        return TRV_EEXIST;
    if (grow_tokens(v, (int64_t)id + 1) || grow_slots(v))
        return TRV_ENOMEM;
    if ((n && sb_add(&v->text, s, n)) || sb_putc(&v->text, '\0')) {
        v->text.len = from;
        return TRV_ENOMEM;
    }
    at = slot_of(v, s, n, hash);
    if (v->slots[at].id < 0)
        v->used++;
    v->tokens[id].at = from + 1;
    v->tokens[id].len = n;
    v->slots[at].hash = hash;
    v->slots[at].id = id;
    if (id >= v->size)
        v->size = (int64_t)id + 1;
    v->count++;
    return 0;
}

int32_t
vocab_find(const struct vocab *v, const char *s, size_t n)
{
    if (!v->n_slots)
        return -1;
    return v->slots[slot_of(v, s, n, (uint32_t)vocab_mix(s, n))].id;
}

const char *
vocab_text(const struct vocab *v, int32_t id, size_t *n)
{
    if (id < 0 || id >= v->size || !v->tokens[id].at)
        return NULL;
    if (n)
        *n = v->tokens[id].len;
    return v->text.s + v->tokens[id].at - 1;
}

void
vocab_release(struct vocab *v)
{
    sb_release(&v->text);
    mem_free(v->tokens);
    mem_free(v->slots);
    memset(v, 0, sizeof(*v));
}
