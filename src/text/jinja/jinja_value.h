/* jinja_value.h -- the values of a template and the bounds of a rendering.
 *
 * Values are small tagged unions that borrow: strings point into the template,
 * the caller's JSON or the rendering's own memory, which dies as a whole at the
 * end. Lists and dicts never change once built (the sandbox forbids it), so
 * copies share.
 *
 * Failure is sticky: the first j_fail() sets c->rc and its sentence; whatever
 * runs afterwards returns undefined and does no work. Callers test c->rc where
 * they would otherwise act on a value.
 */
#ifndef TEXT_JINJA_VALUE_H
#define TEXT_JINJA_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"

enum j_kind {
    J_UNDEF, // s, n: the missing name; sub 1: an attribute
    J_NONE,
    J_BOOL,
    J_INT,
    J_FLOAT,
    J_STR,  // s, n
    J_LIST, // list, as the four below
    J_TUPLE,
    J_RANGE,
    J_VIEW, // dict.keys() and its like; sub is an enum j_view
    J_GEN,  // an iterator: given out once
    J_DICT,
    J_SPACE, // namespace(): a dict that {% set %} may change
    J_LOOP,
    J_CYCLER,
    J_JOINER,
    J_FUNC,   // a global function
    J_METHOD, // a method bound to its value
    J_MACRO,
};
struct jctx;
struct j_args;
enum j_view { J_KEYS, J_VALUES, J_ITEMS };

struct jv {
    uint8_t kind, sub;
    size_t n; // J_STR, J_UNDEF: bytes
    union {
        bool b;
        int64_t i;
        double f;
        const char *s;
        struct j_list *list;
        struct j_dict *dict;
        struct j_loop *loop;
        struct j_cycler *cycler;
        struct j_method *method;
        struct j_macro *macro;
        const struct j_func *func;
    } u;
};
struct j_list {
    struct jv *v;
    int64_t n, cap;
    int64_t range[3];    // J_RANGE: start, stop, step
    struct j_dict *of;   // J_VIEW: the dict
    struct j_todo *todo; // J_GEN: what makes its items, when they are asked for
};
struct j_dict {
    struct jv *k, *v;
    int64_t n, cap;
};
struct j_loop {
    struct j_list *items;
    int64_t i, depth0;
    struct jv *changed; // the last arguments of loop.changed(), or NULL
    int64_t n_changed;
};
struct j_cycler {
    struct j_list *items; // a joiner's only item is its separator
    int64_t i;
};
/** Something that can be called. `params` names its parameters, parted by
 * commas, the first `needed` of which must be given; they arrive in order in
 * a[], NULL where absent. "*" takes what comes, in raw. */
struct j_func {
    const char *name, *params;
    int needed;
    struct jv (*fn)(struct jctx *c, struct jv self, const struct jv *const *a,
                    const struct j_args *raw);
};
#define J_MAX_PARAMS 8
struct j_method {
    struct jv self;
    const struct j_func *func;
};
struct j_args {
    struct jv *v;
    int64_t n;
    struct j_kw {
        struct jv name, v;
    } * kw;
    int64_t n_kw;
};

/** The work of an iterator, put off until something iterates over it: what is
 * wrong with it may never matter. */
struct j_todo {
    struct jv (*run)(struct jctx *c, const struct j_todo *todo);
    const struct j_func *f;
    struct jv self;
    struct j_args args;
};

/** One rendering. */
struct jctx {
    struct arena arena;
    char *bump; // what is left of the arena's newest piece
    size_t left, bytes;
    int64_t steps;
    int depth, line;
    int rc;
    const char *name; // the template's, for messages
    trv_err *err;
    struct strbuf *out;         // where text goes now
    const struct strbuf *whole; // where it goes in the end
    struct j_list *spans; // where {% generation %} begins and ends; or NULL
    int32_t loop, caller, varargs, kwargs; // these names' numbers, or -1
};

/* The bounds. A published template takes some 100 steps a message; these are
 * far above any honest use and still end a hostile one within seconds. */
#define J_MAX_STEPS 10000000
#define J_MAX_BYTES ((size_t)256 << 20)
#define J_MAX_OUT ((size_t)96 << 20)
#define J_MAX_DEPTH 600
#define J_MAX_RANGE 100000 // jinja2's own

struct jv j_fail(struct jctx *c, int code, const char *fmt, ...)
    TRV_PRINTF(3, 4);
/** Count work: one step and one more for each 64 bytes or items touched. */
void j_charge(struct jctx *c, size_t touched);
bool j_enter(struct jctx *c); // one level deeper; false when too deep
void j_leave(struct jctx *c);
void *j_alloc(struct jctx *c, size_t n, size_t size); // NULL after a failure
void jctx_release(struct jctx *c);
/** Take b's text into the rendering's memory and release b. */
struct jv j_take(struct jctx *c, struct strbuf *b, int rc);

#define J_NOTHING ((struct jv){.kind = J_NONE})
struct jv j_bool(bool b);
struct jv j_int(int64_t i);
struct jv j_float(double f);
struct jv j_str(const char *s, size_t n); // borrows
struct jv j_cstr(const char *s);          // borrows
struct jv j_undef(const char *name, size_t n, bool attribute);

struct j_list *j_list_new(struct jctx *c);
void j_list_push(struct jctx *c, struct j_list *l, struct jv v);
struct jv j_seq(enum j_kind kind, struct j_list *l);
struct jv j_pair(struct jctx *c, struct jv a, struct jv b); // a tuple
struct j_dict *j_dict_new(struct jctx *c);
void j_dict_set(struct jctx *c, struct j_dict *d, struct jv k, struct jv v);
/** For keys that are known to be new. */
void j_dict_add(struct jctx *c, struct j_dict *d, struct jv k, struct jv v);
struct jv *j_dict_get(struct jctx *c, const struct j_dict *d, struct jv k);
struct jv j_dict_value(struct j_dict *d);
struct jv j_view(struct jctx *c, struct j_dict *d, enum j_view what);

/** The values of a JSON value; strings are borrowed. */
struct jv j_from_json(struct jctx *c, const json_t *json);

const char *j_type(struct jv v); // Python's name of its type
bool j_is_seq(struct jv v);      // has u.list
bool j_is(struct jv v, const char *s);
bool j_same_str(struct jv a, struct jv b);
bool j_truth(struct jctx *c, struct jv v);
bool j_equal(struct jctx *c, struct jv a, struct jv b);
int j_order(struct jctx *c, struct jv a, struct jv b); // -1, 0, 1; NaN is 2
bool j_contains(struct jctx *c, struct jv where, struct jv what);
bool j_hashable(struct jctx *c, struct jv v); // fails where Python would
int64_t j_length(struct jctx *c, struct jv v);
/** The items of an iterator that are not given out yet. */
struct j_list *j_gen_items(struct jctx *c, struct jv v);
/** What iterating over v gives; an iterator is used up by it. Never NULL
 * unless c has failed. */
struct j_list *j_iterate(struct jctx *c, struct jv v);
bool j_number(struct jv v, double *x);   // bool, int or float
bool j_integer(struct jv v, int64_t *i); // bool or int

/** jinja_print.c: append str(v), repr(v), json.dumps(v). */
void j_print(struct jctx *c, struct strbuf *out, struct jv v);
void j_repr(struct jctx *c, struct strbuf *out, struct jv v);
struct j_json_style {
    bool ascii, sort;
    const char *indent;  // NULL: on one line
    struct jv item, key; // separators; undefined means the default
};
void j_json(struct jctx *c, struct strbuf *out, struct jv v,
            const struct j_json_style *style, int level);
struct jv j_to_str(struct jctx *c, struct jv v); // str(v)

/** jinja_arith.c: a op b for + - * / %, 'f' (floor division), 'p' (power). */
struct jv j_arith(struct jctx *c, int op, struct jv a, struct jv b);
struct jv j_format(struct jctx *c, struct jv format, struct jv args); // s % x

#endif
