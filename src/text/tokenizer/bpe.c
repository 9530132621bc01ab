/* bpe.c -- merging.
 *
 * A piece may be a whole book (SentencePiece-style models do not split), so
 * symbols that no merge can ever join cut it first: see bpe_finish(). What is
 * left is short as a rule, and scanned; a long run (a hostile word) goes
 * through a heap. Both merge the lowest rank first, the leftmost among equals.
 */
#include "text/tokenizer/bpe.h"

#include <string.h>

#include "base/mem.h"
#include "text/utf8.h"

#define SHORT_RUN 24     // symbols; above, the heap is faster
#define CACHE_SLOTS 8192 // of 64 bytes
#define CACHE_KEY 30
#define CACHE_IDS 8

#define MAX_PIECE INT32_MAX // symbols; positions are 32 bits

struct bpe_symbol {
    int32_t id;         // -1: merged into its left neighbour
    int32_t prev, next; // -1 at the ends
    int32_t rank, into; // of the merge with `next`; INT32_MAX where none
};

struct bpe_pair {
    int32_t rank, at;
};

struct bpe_cached { // one cache line
    uint8_t key_n, n;
    char key[CACHE_KEY];
    int32_t ids[CACHE_IDS];
};

/* --- the table of merges --- */

static uint64_t
pair_of(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

static size_t
pair_slot(uint64_t pair, size_t n)
{
    pair *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(pair >> 29) & (n - 1);
}

static struct bpe_merge *
merge_slot(struct bpe_merge *v, size_t n, uint64_t pair)
{
    size_t at = pair_slot(pair, n);

    while (v[at].pair != UINT64_MAX && v[at].pair != pair)
        at = (at + 1) & (n - 1);
    return &v[at];
}

static int
grow_merges(struct bpe *b)
{
    const size_t n = b->n_slots ? 2 * b->n_slots : 1024;
    struct bpe_merge *p;

    if (2 * (b->n_merges + 1) <= b->n_slots)
        return 0;
    p = mem_array(n, sizeof(*p));
    if (!p)
        return TRV_ENOMEM;
    memset(p, 0xFF, n * sizeof(*p));
    for (size_t i = 0; i < b->n_slots; i++)
        if (b->merges[i].pair != UINT64_MAX)
            *merge_slot(p, n, b->merges[i].pair) = b->merges[i];
    mem_free(b->merges);
    b->merges = p;
    b->n_slots = n;
    return 0;
}

int
bpe_add_merge(struct bpe *b, int32_t left, int32_t right, int32_t rank,
              int32_t id, bool keep_first)
{
    const uint64_t pair = pair_of(left, right);
    struct bpe_merge *m;

    if (grow_merges(b))
        return TRV_ENOMEM;
    m = merge_slot(b->merges, b->n_slots, pair);
    if (m->pair == pair && keep_first)
        return 0;
    if (m->pair != pair)
        b->n_merges++;
    *m = (struct bpe_merge){pair, rank, id};
    return 0;
}

/* --- joints ---
 *
 * A joint is a pair of symbols that some merge can bring together: the last
 * symbol of its left side and the first of its right side. Between two symbols
 * that are no joint a piece can be cut before merging, and nothing changes:
 * a token across the cut would contain the joint.
 */

static int
grow_joints(struct bpe *b)
{
    const size_t n = b->n_joints ? 2 * b->n_joints : 1024;
    uint64_t *p;

    if (2 * (b->used_joints + 1) <= b->n_joints)
        return 0;
    p = mem_array(n, sizeof(*p));
    if (!p)
        return TRV_ENOMEM;
    memset(p, 0xFF, n * sizeof(*p));
    for (size_t i = 0; i < b->n_joints; i++) {
        size_t at;

        if (b->joints[i] == UINT64_MAX)
            continue;
        at = pair_slot(b->joints[i], n);
        while (p[at] != UINT64_MAX)
            at = (at + 1) & (n - 1);
        p[at] = b->joints[i];
    }
    mem_free(b->joints);
    b->joints = p;
    b->n_joints = n;
    return 0;
}

static bool
is_joint(const struct bpe *b, int32_t left, int32_t right)
{
    const uint64_t pair = pair_of(left, right);
    size_t at;

    if (!b->n_joints)
        return true; // not known: cut nowhere
    at = pair_slot(pair, b->n_joints);
    while (b->joints[at] != UINT64_MAX && b->joints[at] != pair)
        at = (at + 1) & (b->n_joints - 1);
    return b->joints[at] == pair;
}

static int
add_joint(struct bpe *b, int32_t left, int32_t right)
{
    const uint64_t pair = pair_of(left, right);
    size_t at;

    if (left < 0 || right < 0) // never a symbol at the start
        return 0;
    if (grow_joints(b))
        return TRV_ENOMEM;
    at = pair_slot(pair, b->n_joints);
    while (b->joints[at] != UINT64_MAX && b->joints[at] != pair)
        at = (at + 1) & (b->n_joints - 1);
    if (b->joints[at] == UINT64_MAX)
        b->used_joints++;
    b->joints[at] = pair;
    return 0;
}

/* Symbols that stand for no character of their own string would make the
 * argument above wrong; a merge that uses one switches the cutting off. */
static bool
is_odd_symbol(const struct bpe *b, int32_t id)
{
    if (id == b->unk)
        return true;
    for (int i = 0; i < 256; i++)
        if (b->bytes[i] == id)
            return true;
    return false;
}

static int
find_joints(struct bpe *b)
{
    if (b->prefix || b->suffix)
        return 0;
    if (grow_joints(b))
        return TRV_ENOMEM;
    for (size_t i = 0; i < b->n_slots; i++) {
        const struct bpe_merge *m = &b->merges[i];
        size_t nl = 0, nr = 0, at;
        const char *l, *r;

        if (m->pair == UINT64_MAX)
            continue;
        l = vocab_text(&b->vocab, (int32_t)(m->pair >> 32), &nl);
        r = vocab_text(&b->vocab, (int32_t)(m->pair & UINT32_MAX), &nr);
        if (!l || !r || !nl || !nr ||
            ((l[0] == '<' || b->unk == (int32_t)(m->pair >> 32)) &&
             is_odd_symbol(b, (int32_t)(m->pair >> 32))) ||
            ((r[0] == '<' || b->unk == (int32_t)(m->pair & UINT32_MAX)) &&
             is_odd_symbol(b, (int32_t)(m->pair & UINT32_MAX)))) {
            mem_free(b->joints);
            b->joints = NULL;
            b->n_joints = b->used_joints = 0;
            return 0;
        }
        at = utf8_back(l, nl);
        if (add_joint(b, vocab_find(&b->vocab, l + at, nl - at),
                      vocab_find(&b->vocab, r,
                                 utf8_len(*r) < nr ? utf8_len(*r) : nr)))
            return TRV_ENOMEM;
    }
    return 0;
}

int
bpe_finish(struct bpe *b)
{
    char s[8];

    for (uint32_t c = 0; c < 0x800; c++)
        b->low[c] = vocab_find(&b->vocab, s, utf8_put(s, c));
    for (int i = 0; i < 256; i++) {
        const int n = snprintf(s, sizeof(s), "<0x%02X>", (unsigned)i);

        b->bytes[i] = vocab_find(&b->vocab, s, (size_t)n);
    }
    return find_joints(b);
}

void
bpe_release(struct bpe *b)
{
    vocab_release(&b->vocab);
    mem_free(b->merges);
    mem_free(b->joints);
    mem_free(b->prefix);
    mem_free(b->suffix);
    mem_free(b->unk_lost);
    memset(b, 0, sizeof(*b));
}

/* --- scratch --- */

void
bpe_scratch_release(struct bpe_scratch *s)
{
    mem_free(s->symbols);
    mem_free(s->heap);
    mem_free(s->cache);
    memset(s, 0, sizeof(*s));
}

int
bpe_use_cache(struct bpe_scratch *s)
{
    if (!s->cache)
        s->cache = mem_calloc(CACHE_SLOTS, sizeof(*s->cache));
    return s->cache ? 0 : TRV_ENOMEM;
}

static int
push_symbol(struct bpe_scratch *s, int32_t id)
{
    if (s->n == s->cap) {
        const int64_t cap = s->cap ? 2 * s->cap : 256;
        struct bpe_symbol *p;

        if (s->n >= MAX_PIECE)
            return TRV_ENOMEM;
        p = mem_reallocarray(s->symbols, (size_t)cap, sizeof(*p));
        if (!p)
            return TRV_ENOMEM;
        s->symbols = p;
        s->cap = cap;
    }
    s->symbols[s->n++].id = id;
    return 0;
}

/* --- symbols --- */

/* The symbol of one character, with the marks of its place in the word. */
static int32_t
symbol_of(const struct bpe *b, const char *s, size_t n, bool first, bool last)
{
    const char *prefix = !first && b->prefix ? b->prefix : "";
    const char *suffix = last && b->suffix ? b->suffix : "";
    char key[512];
    int len;

    if (!*prefix && !*suffix) {
        uint32_t cp;

        utf8_get(&cp, s);
        return cp < 0x800 ? b->low[cp] : vocab_find(&b->vocab, s, n);
    }
    len = snprintf(key, sizeof(key), "%s%.*s%s", prefix, (int)n, s, suffix);
    return len > 0 && (size_t)len < sizeof(key)
               ? vocab_find(&b->vocab, key, (size_t)len)
               : -1;
}

static bool
has_all_bytes(const struct bpe *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (b->bytes[(unsigned char)s[i]] < 0)
            return false;
    return true;
}

/* A piece's characters as symbols. The unknown token is held back until the
 * next known character, past fallback bytes too, as `tokenizers` does it. */
static int
make_symbols(const struct bpe *b, const char *s, size_t n,
             struct bpe_scratch *scratch, trv_err *err)
{
    bool unk = false;
    int rc = 0;

    scratch->n = 0;
    for (size_t i = 0, k; !rc && i < n; i += k) {
        int32_t id;

        k = utf8_len(s[i]);
        id = symbol_of(b, s + i, k, i == 0, i + k == n);
        if (id >= 0) {
            if (unk)
                rc = push_symbol(scratch, b->unk);
            unk = false;
            rc = rc ? rc : push_symbol(scratch, id);
        } else if (b->byte_fallback && has_all_bytes(b, s + i, k)) {
            for (size_t j = 0; !rc && j < k; j++)
                rc = push_symbol(scratch, b->bytes[(unsigned char)s[i + j]]);
        } else if (b->unk >= 0) {
            if (unk && !b->fuse_unk)
                rc = push_symbol(scratch, b->unk);
            unk = true;
        } else if (b->unk_lost) {
            return err_fail(err, TRV_EFORMAT,
                            "the text has a character that needs the unknown "
                            "token '%s', which the vocabulary lacks",
                            b->unk_lost);
        }
    }
    if (!rc && unk)
        rc = push_symbol(scratch, b->unk);
    return rc;
}

/* --- merging --- */

static void
look_up(const struct bpe *b, struct bpe_symbol *v, int32_t at)
{
    struct bpe_symbol *s = &v[at];
    const struct bpe_merge *m;

    s->rank = INT32_MAX;
    if (s->next < 0 || !b->n_slots)
        return;
    m = merge_slot(b->merges, b->n_slots, pair_of(s->id, v[s->next].id));
    if (m->pair == UINT64_MAX)
        return;
    s->rank = m->rank;
    s->into = m->id;
}

/* Join v[at] and its right neighbour; look up the pairs that arise. */
static void
merge_at(const struct bpe *b, struct bpe_symbol *v, int32_t at)
{
    struct bpe_symbol *s = &v[at], *right = &v[s->next];

    s->id = s->into;
    s->next = right->next;
    right->id = -1;
    if (s->next >= 0)
        v[s->next].prev = at;
    look_up(b, v, at);
    if (s->prev >= 0)
        look_up(b, v, s->prev);
}

static void
merge_short(const struct bpe *b, struct bpe_symbol *v)
{
    for (;;) {
        int32_t best = INT32_MAX, at = -1;

        for (int32_t i = 0; i >= 0; i = v[i].next)
            if (v[i].rank < best) {
                best = v[i].rank;
                at = i;
            }
        if (at < 0)
            return;
        merge_at(b, v, at);
    }
}

static bool
comes_first(struct bpe_pair a, struct bpe_pair b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

static int
heap_push(struct bpe_scratch *s, struct bpe_pair p)
{
    int64_t i = s->n_heap;

    if (i == s->cap_heap) {
        const int64_t cap = s->cap_heap ? 2 * s->cap_heap : 256;
        struct bpe_pair *h = mem_reallocarray(s->heap, (size_t)cap, sizeof(*h));

        if (!h)
            return TRV_ENOMEM;
        s->heap = h;
        s->cap_heap = cap;
    }
    s->n_heap++;
    while (i > 0 && comes_first(p, s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = p;
    return 0;
}

static struct bpe_pair
heap_pop(struct bpe_scratch *s)
{
    const struct bpe_pair top = s->heap[0], last = s->heap[--s->n_heap];
    int64_t i = 0;

    for (;;) {
        int64_t c = 2 * i + 1;

        if (c >= s->n_heap)
            break;
        if (c + 1 < s->n_heap && comes_first(s->heap[c + 1], s->heap[c]))
            c++;
        if (!comes_first(s->heap[c], last))
            break;
        s->heap[i] = s->heap[c];
        i = c;
    }
    s->heap[i] = last;
    return top;
}

static int
heap_push_at(struct bpe_scratch *s, const struct bpe_symbol *v, int32_t at)
{
    if (at < 0 || v[at].rank == INT32_MAX)
        return 0;
    return heap_push(s, (struct bpe_pair){v[at].rank, at});
}

/* Entries of pairs that are gone stay in the heap; they are known by a rank
 * that is not their symbol's any more. */
static int
merge_long(const struct bpe *b, struct bpe_symbol *v, int32_t n,
           struct bpe_scratch *s)
{
    s->n_heap = 0;
    for (int32_t i = 0; i < n; i++)
        if (heap_push_at(s, v, i))
            return TRV_ENOMEM;
    while (s->n_heap) {
        const struct bpe_pair top = heap_pop(s);

        if (v[top.at].id < 0 || v[top.at].rank != top.rank)
            continue;
        merge_at(b, v, top.at);
        if (heap_push_at(s, v, top.at) || heap_push_at(s, v, v[top.at].prev))
            return TRV_ENOMEM;
    }
    return 0;
}

/* A string that is no token: its characters, or their bytes, where those are
 * tokens (llama.cpp). */
static int
push_no_token(const struct bpe *b, struct ids *out, int32_t id)
{
    size_t n = 0;
    const char *s = vocab_text(&b->vocab, id, &n);
    int rc = 0;

    for (size_t i = 0; !rc && i < n; i++) {
        const int32_t byte = b->byte_fallback ? b->bytes[(unsigned char)s[i]]
                             : (unsigned char)s[i] < 0x80
                                 ? b->low[(unsigned char)s[i]]
                                 : -1;

        if (byte >= 0 && byte < b->n_ids)
            rc = ids_push(out, byte);
    }
    return rc;
}

static int
merge_run(const struct bpe *b, struct ids *out, struct bpe_symbol *v, int32_t n,
          struct bpe_scratch *scratch)
{
    int rc = 0;

    for (int32_t i = 0; i < n; i++) {
        v[i].prev = i - 1;
        v[i].next = i + 1 < n ? i + 1 : -1;
    }
    for (int32_t i = 0; i < n; i++)
        look_up(b, v, i);
    if (n <= SHORT_RUN)
        merge_short(b, v);
    else
        rc = merge_long(b, v, n, scratch);
    for (int32_t i = 0; !rc && i >= 0; i = v[i].next)
        rc = v[i].id < b->n_ids ? ids_push(out, v[i].id)
                                : push_no_token(b, out, v[i].id);
    return rc;
}

static struct bpe_cached *
cache_slot(const struct bpe_scratch *s, const char *key, size_t n)
{
    if (!s->cache || n > CACHE_KEY)
        return NULL;
    return &s->cache[vocab_mix(key, n) & (CACHE_SLOTS - 1)];
}

int
bpe_encode(const struct bpe *b, struct ids *out, const char *s, size_t n,
           struct bpe_scratch *scratch, trv_err *err)
{
    struct bpe_cached *hit = cache_slot(scratch, s, n);
    const int64_t before = out->n;
    int rc = 0;

    if (n == 0)
        return 0;
    if (hit && hit->key_n == n && !memcmp(hit->key, s, n))
        return ids_append(out, hit->ids, hit->n);
    if (b->ignore_merges || (b->whole_lines && *s == '\n')) {
        const int32_t id = vocab_find(&b->vocab, s, n);

        if (id >= 0 && id < b->n_ids)
            return ids_push(out, id);
    }
    rc = make_symbols(b, s, n, scratch, err);
    for (int64_t i = 0, j; !rc && i < scratch->n; i = j) {
        j = i + 1;
        while (j < scratch->n && (scratch->n <= SHORT_RUN ||
                                  is_joint(b, scratch->symbols[j - 1].id,
                                           scratch->symbols[j].id)))
            j++;
        rc = merge_run(b, out, scratch->symbols + i, (int32_t)(j - i), scratch);
    }
    if (rc == TRV_ENOMEM)
        return err_fail(err, rc, "no memory to encode a piece of %zu bytes", n);
    if (!rc && hit && out->n - before <= CACHE_IDS) {
        hit->key_n = (uint8_t)n;
        hit->n = (uint8_t)(out->n - before);
        memcpy(hit->key, s, n);
        if (hit->n)
            memcpy(hit->ids, out->v + before, hit->n * sizeof(int32_t));
    }
    return rc;
}
