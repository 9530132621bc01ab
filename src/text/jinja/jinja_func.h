/* jinja_func.h -- what methods (jinja_method.c) and global functions
 * (jinja_global.c) of templates are written with.
 */
#ifndef TEXT_JINJA_FUNC_H
#define TEXT_JINJA_FUNC_H

#include "text/jinja/jinja_eval.h"

/* A function of templates: a are its arguments by the names of its entry, NULL
 * where one is left out, and raw as they were given. */
#define J_FUNC(name)                                                           \
    static struct jv name(struct jctx *c, struct jv self,                      \
                          const struct jv *const *a, const struct j_args *raw)
#define J_UNUSED (void)a, (void)raw, (void)self, (void)c

/** *out = *v, which must be a string; false after the failure of c. */
bool j_need_str(struct jctx *c, const struct jv *v, struct jv *out);
/** An integer; `none` where v is NULL or None. Fails for all else. */
int64_t j_int_or(struct jctx *c, const struct jv *v, int64_t none);
/** The entry of a table that ends with zeros; NULL where there is none. */
const struct j_func *j_find_func(const struct j_func *table, struct jv name);

#endif
