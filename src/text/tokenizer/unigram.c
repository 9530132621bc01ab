/* unigram.c -- Viterbi's search, with the order of sums and the ties of
 * `tokenizers`: scores in double, from left to right, the first of equal paths.
 */
#include "text/tokenizer/unigram.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "text/utf8.h"

#define UNK_PENALTY 10.0 // below the lowest score, as in SentencePiece

/* The best way to a place in the piece. */
struct unigram_node {
    double score;
    size_t from; // where its last token begins; SIZE_MAX: none ends here
    int32_t id;  // that token; -1: unknown
};

int
unigram_finish(struct unigram *u, const struct vocab *v)
{
    double low = 0.0;
    int rc = 0;

    for (int64_t i = 0; i < u->n && !rc; i++) {
        size_t n;
        const char *s = vocab_text(v, (int32_t)i, &n);

        if (i == 0 || u->scores[i] < low)
            low = u->scores[i];
        if (s && vocab_find(v, s, n) == i) // of equal ones the last
            rc = trie_add(&u->trie, s, n, (int32_t)i);
    }
    u->unk_score = low - UNK_PENALTY;
    for (int b = 0; b < 256; b++) {
        char name[8];

        snprintf(name, sizeof(name), "<0x%02X>", (unsigned)b);
        u->bytes[b] = vocab_find(v, name, 6);
    }
    return rc;
}

void
unigram_release(struct unigram *u)
{
    mem_free(u->scores);
    trie_release(&u->trie);
    memset(u, 0, sizeof(*u));
}

void
unigram_scratch_release(struct unigram_scratch *s)
{
    mem_free(s->nodes);
    mem_free(s->cuts);
    memset(s, 0, sizeof(*s));
}

static void
offer(struct unigram_node *to, double score, size_t from, int32_t id)
{
    if (to->from == SIZE_MAX || score > to->score)
        *to = (struct unigram_node){score, from, id};
}

/* Fill the nodes from left to right. */
static void
search(const struct unigram *u, const char *s, size_t n,
       struct unigram_node *nodes)
{
    for (size_t i = 0; i <= n; i++)
        nodes[i].from = SIZE_MAX;
    nodes[0].score = 0.0;
    for (size_t at = 0, next; at < n; at = next) {
        const double here = nodes[at].score;
        bool single = false; // a token is the character itself
        int32_t node = u->trie.n ? (unsigned char)s[at] : -1;

        next = at + utf8_len(s[at]);
        for (size_t i = at; node >= 0;) {
            const int32_t id = u->trie.nodes[node].value;

            i++;
            if (id >= 0) {
                offer(&nodes[i], here + u->scores[id], at, id);
                single = single || i == next;
            }
            node = i < n ? trie_step(&u->trie, node, (unsigned char)s[i]) : -1;
        }
        if (!single)
            offer(&nodes[next], here + u->unk_score, at, -1);
    }
}

/* An unknown run, or a token: the bytes where none is its string. */
static int
push_text(const struct unigram *u, const struct vocab *v, struct ids *out,
          const char *s, size_t n, trv_err *err)
{
    const int32_t id = vocab_find(v, s, n);
    bool bytes = u->byte_fallback;
    int rc = 0;

    if (id >= 0)
        return ids_push(out, id);
    for (size_t i = 0; i < n && bytes; i++)
        bytes = u->bytes[(unsigned char)s[i]] >= 0;
    if (!bytes && u->unk < 0)
        return err_fail(err, TRV_EFORMAT,
                        "the text needs the unknown token, and the tokenizer "
                        "has none");
    if (!bytes)
        return ids_push(out, u->unk);
    for (size_t i = 0; i < n && !rc; i++)
        rc = ids_push(out, u->bytes[(unsigned char)s[i]]);
    return rc;
}

/* Where the tokens of the best way end, from the last to the first; unknown
 * neighbours count as one. */
static size_t
cuts_of(const struct unigram *u, const struct unigram_node *nodes, size_t n,
        size_t *cuts)
{
    bool unknown = false; // the token to the right
    size_t k = 0;

    for (size_t at = n; at > 0; at = nodes[at].from) {
        const bool is = nodes[at].id == -1 || nodes[at].id == u->unk;

        if (!is || !unknown)
            cuts[k++] = at;
        unknown = is;
    }
    return k;
}

int
unigram_encode(const struct unigram *u, const struct vocab *v, struct ids *out,
               const char *s, size_t n, struct unigram_scratch *scratch,
               trv_err *err)
{
    size_t start = 0, k;
    int rc = 0;

    if (n + 1 > scratch->cap) {
        unigram_scratch_release(scratch);
        scratch->nodes = mem_array(n + 1, sizeof(*scratch->nodes));
        scratch->cuts = mem_array(n + 1, sizeof(*scratch->cuts));
        if (!scratch->nodes || !scratch->cuts)
            return err_fail(err, TRV_ENOMEM,
                            "no memory to encode a piece of %zu bytes", n);
        scratch->cap = n + 1;
    }
    search(u, s, n, scratch->nodes);
    for (k = cuts_of(u, scratch->nodes, n, scratch->cuts); k > 0 && !rc; k--) {
        rc = push_text(u, v, out, s + start, scratch->cuts[k - 1] - start, err);
        start = scratch->cuts[k - 1];
    }
    return rc == TRV_ENOMEM ? err_fail(err, rc, "no memory to encode") : rc;
}
