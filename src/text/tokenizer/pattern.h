/* pattern.h -- what a tokenizer searches for: a string, a regular expression
 * (written for Oniguruma, run by PCRE2), or a class of characters.
 */
#ifndef TEXT_PATTERN_H
#define TEXT_PATTERN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

/** Zeros are a pattern that matches nothing. */
struct pattern {
    char *literal; // or NULL
    size_t n;
    struct pcre2_real_code_8 *code; // or NULL
    bool (*is_member)(uint32_t cp); // or NULL: one character of the class
};

/** Working memory of one thread's searches; zeros are ready for use. */
struct pattern_scratch {
    struct pcre2_real_match_data_8 *match;
    struct pcre2_real_match_context_8 *context;
    struct pcre2_real_jit_stack_8 *stack;
    struct strbuf stand_in; // the text with characters PCRE2 does not know yet
                            // replaced by known ones of their category
};
void pattern_scratch_release(struct pattern_scratch *s);

int pattern_literal(struct pattern *p, const char *s, size_t n);
/** TRV_EFORMAT (no such expression), TRV_EUNSUPPORTED, TRV_ENOMEM; the message
 * names `field` of `file`. */
int pattern_regex(struct pattern *p, const char *re, size_t n,
                  const char *field, const char *file, trv_err *err);
/** Read {"String": s} or {"Regex": s}. */
int pattern_read(struct pattern *p, const json_t *v, const char *field,
                 const char *file, trv_err *err);
void pattern_release(struct pattern *p); // accepts zeros

/** One pass over a text, valid UTF-8. */
struct pattern_search {
    const struct pattern *p;
    struct pattern_scratch *scratch;
    const char *text, *seen; // as given; as the expression sees it
    size_t n, from;
    size_t last; // where the last match ended, SIZE_MAX before the first
};
int pattern_begin(struct pattern_search *s, const struct pattern *p,
                  struct pattern_scratch *scratch, const char *text, size_t n);
/** 1 and the next match's bytes [start, end), 0 where there is no more,
 * TRV_ENOMEM, TRV_ERANGE (the expression gave up on the text). An empty match
 * right behind the last match does not count. */
int pattern_next(struct pattern_search *s, size_t *start, size_t *end,
                 trv_err *err);

/** Append text with every match replaced. */
int pattern_replace(struct strbuf *out, const struct pattern *p,
                    struct pattern_scratch *scratch, const char *text, size_t n,
                    const char *with, size_t with_n, trv_err *err);

#endif
