/* jinja_eval.h -- running a template: names, calls, attributes, statements. */
#ifndef TEXT_JINJA_EVAL_H
#define TEXT_JINJA_EVAL_H

#include "text/jinja/jinja_parse.h"
#include "text/jinja/jinja_value.h"

/** Names and their values; an inner scope shadows the outer. */
struct j_scope {
    struct j_scope *up;
    struct j_var {
        int32_t sym;
        struct jv v;
    } * vars;
    int64_t n, cap;
};
void j_scope_set(struct jctx *c, struct j_scope *s, int32_t sym, struct jv v);

/** Run the tree under `scope`; the text goes to c->out. */
void jinja_run(struct jctx *c, const struct jnode *root, struct j_scope *scope);

struct jv j_call(struct jctx *c, struct jv callee, const struct j_args *args);
/** Call f with its arguments put in place. */
struct jv j_apply(struct jctx *c, const struct j_func *f, struct jv self,
                  const struct j_args *args);
/** x.name and x[key] as the sandbox looks them up: attribute first and item
 * first; undefined where there is neither. */
struct jv j_attr(struct jctx *c, struct jv x, struct jv name);
struct jv j_item(struct jctx *c, struct jv x, struct jv key);
/** x.name where it is an attribute, and not an item; false where it is none. */
bool j_own_attr(struct jctx *c, struct jv x, struct jv name, struct jv *out);
/** The first of `defined`: fails with the name where v is undefined. */
bool j_defined(struct jctx *c, struct jv v);

/** jinja_method.c: methods and attributes of values; jinja_global.c. */
struct jv j_method_of(struct jctx *c, struct jv x, struct jv name, bool *found);
const struct j_func *j_global(struct jv name);

/** jinja_filter.c, jinja_test.c: apply a filter or test by name. */
struct jv j_filter(struct jctx *c, struct jv name, struct jv x,
                   const struct j_args *args);
bool j_test(struct jctx *c, struct jv name, struct jv x,
            const struct j_args *args);

#endif
