/* page.h -- a measurement as one HTML file that needs nothing else: no script,
 * no font, no picture from elsewhere. */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "cli/figures.h"
#include "cli/origin.h"

struct page_of {
    const struct figures_of *who;
    const struct origin *source, *target;
    const char *inputs; // the file of held-out inputs; NULL: sampled
    char *const *words; // the command as it was typed, without the program
    int n_words;
};

/** In want of memory the stream `f` may lack parts: then its error flag is
 * set by no one else, so -1 is returned; otherwise 0. */
int page_write(FILE *f, const trv_measurement *r, const struct page_of *of);

#endif
