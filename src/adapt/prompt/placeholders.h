/* placeholders.h -- templates of prompts: a text with places such as {input},
 * which are filled in one pass, so that what is put in is never looked at
 * again. A brace that begins no known place stands for itself.
 */
#ifndef ADAPT_PLACEHOLDERS_H
#define ADAPT_PLACEHOLDERS_H

#include <stdbool.h>

#include "base/strbuf.h"

struct slot {
    const char *name; // "{input}"
    const char *text; // NUL-terminated
};

/** Append the template with its places filled. TRV_ENOMEM. */
int placeholders_fill(struct strbuf *out, const char *template,
                      const struct slot *slots, int n);
/** Is a place shown just once? */
bool placeholders_once(const char *template, const char *name);

#endif
