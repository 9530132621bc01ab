/* corpus.h -- the texts that tokenizers are checked on. */
#ifndef TESTS_SUPPORT_CORPUS_H
#define TESTS_SUPPORT_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

#define CORPUS_MAX 512

struct corpus {
    struct strbuf documents[CORPUS_MAX];
    int64_t n;
};

/** Add 0.9 MB of generated documents: many scripts, emoji, white space, code,
 * marks, broken UTF-8, words without end. */
void corpus_generate(struct corpus *c);
/** Add 4.6 MB of the assets' real text; false where it is absent. */
bool corpus_add_assets(struct corpus *c);
void corpus_release(struct corpus *c);

#endif
