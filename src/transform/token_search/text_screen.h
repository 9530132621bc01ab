/* text_screen.h -- selection of the text that a search starts from: all texts
 * are screened, then the best few are evaluated exactly, where a goal has both
 * (text_search.h).
 */
#ifndef TRANSFORM_TEXT_SCREEN_H
#define TRANSFORM_TEXT_SCREEN_H

#include "transform/token_search/text_search.h"

struct text_chooser {
    struct session *s; // its decoder is made
    struct prompt_place *slot;
    const struct search_goal *goal;
    const struct search_at *at;
    double fluency, length;
};

/** The best of n >= 1 texts. Where the goal confirms, its answers are accepted.
 * What the goal returns, TRV_ENOMEM. */
int text_screen(int64_t *best, const struct text_chooser *c,
                const struct proposal *list, int64_t n, trv_err *err);

/** What fluency and length add to the loss of each of n prompts. */
int text_rest(double *told, struct session *s, const struct prompt_place *slot,
              double fluency, double length, const struct ids *z, int64_t n,
              trv_err *err);

/* Values and whose they are; low ones first, equal ones by place. */
struct ordered {
    double value;
    int64_t at;
};
int ordered_by_value(const void *a, const void *b);

#endif
