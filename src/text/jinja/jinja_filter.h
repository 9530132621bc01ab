/* jinja_filter.h -- what filters of templates are written with. */
#ifndef TEXT_JINJA_FILTER_H
#define TEXT_JINJA_FILTER_H

#include "text/jinja/jinja_eval.h"

/* A filter of `self`: a are its arguments by the names of its entry, NULL where
 * one is left out, and raw as they were given. */
#define FILTER(name)                                                           \
    static struct jv name(struct jctx *c, struct jv self,                      \
                          const struct jv *const *a, const struct j_args *raw)
#define UNUSED (void)a, (void)raw, (void)self, (void)c

/** An argument as a truth or an integer; `none` where it is left out. */
bool j_flag(struct jctx *c, const struct jv *v, bool none);
int64_t j_int_arg(struct jctx *c, const struct jv *v, int64_t none);
/** x.a.b.0, each step as an item first; `none` (or NULL) where there is none.
 */
struct jv j_follow(struct jctx *c, struct jv x, struct jv path,
                   const struct jv *none);
/** A sort key: the attribute, its letters lowered unless case counts. */
struct jv j_key_of(struct jctx *c, struct jv x, const struct jv *attribute,
                   bool with_case);

/** jinja_sequence.c: a table that ends with zeros. */
extern const struct j_func j_sequence_filters[];
/** Is it a generator in jinja2? */
bool j_sequence_is_lazy(const struct j_func *f);

#endif
