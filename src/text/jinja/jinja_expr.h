/* jinja_expr.h -- the expressions of a template, and the steps of descent that
 * its statements (jinja_parse.c) take, too. All fail into p->c, and do nothing
 * more after a failure.
 */
#ifndef TEXT_JINJA_EXPR_H
#define TEXT_JINJA_EXPR_H

#include "text/jinja/jinja_parse.h"

struct jparse {
    struct jctx *c;
    struct j_names *names;
    const struct j_token *t;
    int depth, loops; // loops around this place, for break and continue
    int uses;         // of the macro around this place
};

/* Nodes that hang together by `next`; begins as zeros. */
struct jn_list {
    struct jnode *first, **end;
};
void jp_append(struct jn_list *l, struct jnode *x); // and all behind x

/** Say what is wrong with the token that stands here. */
void jp_fail(struct jparse *p, const char *what);
struct jnode *jp_node(struct jparse *p, enum jn_kind kind);
/** A node with children a and b, either of which may be NULL. */
struct jnode *jp_join(struct jparse *p, enum jn_kind kind, struct jnode *a,
                      struct jnode *b);

/* What stands here, and past it. */
void jp_advance(struct jparse *p);
bool jp_is_op(const struct jparse *p, int op);
bool jp_is_name(const struct jparse *p, const char *name);
bool jp_skip_op(struct jparse *p, int op);
bool jp_skip_name(struct jparse *p, const char *name);
void jp_need_op(struct jparse *p, int op, const char *what);
struct jv jp_need_name(struct jparse *p);

/** One level deeper; false where that is too deep. The caller takes p->depth
 * back, whatever it gave. */
bool jp_enter(struct jparse *p);
/** The number of a name, which is added. */
int32_t jp_symbol(struct jparse *p, struct jv name);

/** An expression; `with_cond`: with what may follow it, `if` and `else`. */
struct jnode *jp_expression(struct jparse *p, bool with_cond);
/** Expressions parted by commas, up to a tag's end, a bracket or the name
 * `extra`; one without a comma is itself. `braced`: an empty tuple is allowed.
 */
struct jnode *jp_tuple(struct jparse *p, bool with_cond, const char *extra,
                       bool braced);
/** The filter that stands here, of `of` (NULL: of a block's text). */
struct jnode *jp_one_filter(struct jparse *p, struct jnode *of);

#endif
