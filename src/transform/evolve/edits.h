/* edits.h -- an instruction as a row of parts, and small changes of it that
 * need no model: what moves a search where models write no good instructions.
 *
 *   drop       leave a part out            insert   put a phrase in
 *   swap       two parts change places     replace  a phrase for a part
 *   duplicate  repeat a part               cross    one's beginning, another's
 *   cut        leave some words of a part out       end
 */
#ifndef TRANSFORM_EDITS_H
#define TRANSFORM_EDITS_H

#include <stdbool.h>

#include "base/rng.h"
#include "base/strbuf.h"

#define PARTS_MOST 64

/* Parts, or a pool of phrases; each is trimmed and not empty. */
struct parts {
    char **v;
    int64_t n, cap;
};
void parts_release(struct parts *p); // accepts zeros
/** Add `n` bytes, trimmed and with each run of white space as one blank. What
 * is empty, no UTF-8 or holds control characters is left out. TRV_ENOMEM. */
int parts_add(struct parts *p, const char *text, size_t n);
/** Add the sentences of a text; one alone is taken apart at commas. */
int parts_split(struct parts *p, const char *text);
int parts_copy(struct parts *out, const struct parts *p);
/** Append the parts with blanks between them. */
int parts_join(struct strbuf *out, const struct parts *p);
bool parts_has(const struct parts *p, const char *text);

enum edit {
    EDIT_DROP,
    EDIT_SWAP,
    EDIT_DUPLICATE,
    EDIT_INSERT,
    EDIT_REPLACE,
    EDIT_CROSS,
    EDIT_CUT,
    EDIT_COUNT
};
const char *edit_name(enum edit e);

/**
 * Change an instruction in one way, drawn from those that are possible.
 *
 * @param out     [out] at least one part; release it.
 * @param how     takes which way.
 * @param a       the parent, maybe of no part.
 * @param mate    of a cross; NULL: none.
 * @param pool    of phrases; maybe empty.
 * @param closed  parts are not taken apart: no cut.
 * @return 0; 1 where nothing is possible; TRV_ENOMEM.
 */
int edit_draw(struct parts *out, enum edit *how, const struct parts *a,
              const struct parts *mate, const struct parts *pool, bool closed,
              struct rng *rng);

#endif
