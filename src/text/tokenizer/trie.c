/* trie.c -- nodes in one array; children of a node are a list. */
#include "text/tokenizer/trie.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static int
trie_node_new(struct trie *t, unsigned char byte)
{
    if (t->n == t->cap) {
        const int64_t cap = t->cap ? 2 * t->cap : 512;
        struct trie_node *p;

        if (cap > INT32_MAX)
            return -1;
        p = mem_reallocarray(t->nodes, (size_t)cap, sizeof(*p));
        if (!p)
            return -1;
        t->nodes = p;
        t->cap = cap;
    }
    t->nodes[t->n] = (struct trie_node){-1, -1, -1, byte};
    return (int)t->n++;
}

int32_t
trie_step(const struct trie *t, int32_t node, unsigned char byte)
{
    int32_t at = t->nodes[node].child;

    while (at >= 0 && t->nodes[at].byte != byte)
        at = t->nodes[at].sibling;
    return at;
}

int
trie_add(struct trie *t, const char *s, size_t n, int32_t value)
{
    int32_t at;

    if (n == 0)
        return 0;
    if (t->n == 0)
        for (int i = 0; i < 256; i++)
            if (trie_node_new(t, (unsigned char)i) < 0)
                return TRV_ENOMEM;
    at = (unsigned char)s[0];
    for (size_t i = 1; i < n; i++) {
        int32_t next = trie_step(t, at, (unsigned char)s[i]);

        if (next < 0) {
            next = trie_node_new(t, (unsigned char)s[i]);
            if (next < 0)
                return TRV_ENOMEM;
            t->nodes[next].sibling = t->nodes[at].child;
            t->nodes[at].child = next;
        }
        at = next;
    }
    if (t->nodes[at].value < 0)
        t->nodes[at].value = value;
    return 0;
}

void
trie_release(struct trie *t)
{
    mem_free(t->nodes);
    memset(t, 0, sizeof(*t));
}
