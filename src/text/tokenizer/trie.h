/* trie.h -- strings by their bytes: what of a list begins at a place in a text.
 */
#ifndef TEXT_TRIE_H
#define TEXT_TRIE_H

#include <stddef.h>
#include <stdint.h>

struct trie_node {
    int32_t child, sibling; // -1 at the ends
    int32_t value;          // of the string that ends here, or -1
    unsigned char byte;
};

/* Node i < 256 is the first byte i; zeros are an empty trie. */
struct trie {
    struct trie_node *nodes;
    int64_t n, cap;
};

/** Insert a string; where it is there already, the first value counts.
 * TRV_ENOMEM. */
int trie_add(struct trie *t, const char *s, size_t n, int32_t value);
/** The node behind `node` for a byte, or -1. */
int32_t trie_step(const struct trie *t, int32_t node, unsigned char byte);
void trie_release(struct trie *t); // accepts zeros

#endif
