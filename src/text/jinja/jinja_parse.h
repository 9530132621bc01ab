/* jinja_parse.h -- a template's tokens as a tree, with jinja2's grammar.
 *
 * One kind of node: a list hangs off a child pointer and goes on by `next`.
 * What a, b, c, d hold stands beside each kind.
 */
#ifndef TEXT_JINJA_PARSE_H
#define TEXT_JINJA_PARSE_H

#include "text/jinja/jinja_lex.h"
#include "text/jinja/jinja_value.h"

enum jn_kind {
    // expressions
    JN_CONST,   // v
    JN_NAME,    // sym, v: the name
    JN_LIST,    // a: items
    JN_TUPLE,   // a: items
    JN_DICT,    // a: keys, each with its value in a
    JN_ATTR,    // a . v
    JN_ITEM,    // a [ b ]
    JN_SLICE,   // only as JN_ITEM's b: [ a : b : c ]
    JN_CALL,    // a ( b )
    JN_FILTER,  // a | v ( b ); a NULL: the text of a block
    JN_TEST,    // a is v ( b )
    JN_KEYWORD, // among arguments: v = a
    JN_STAR,    // among arguments: * a
    JN_STARS,   // among arguments: ** a
    JN_NOT,     // not a
    JN_NEG,
    JN_POS,
    JN_ARITH, // a op b, as j_arith()
    JN_AND,
    JN_OR,
    JN_CONCAT,  // a: parts
    JN_COMPARE, // a, then b: operands, each JN_OPERAND
    JN_OPERAND, // op a
    JN_COND,    // a if b else c (or NULL)
    // statements
    JN_TEXT,         // v
    JN_PRINT,        // a
    JN_IF,           // if a: b; c: op 1: the else's body, op 0: the next JN_IF
    JN_FOR,          // for a in b if d: c, else e
    JN_SET,          // a = b
    JN_SET_BLOCK,    // a = the text of b, through the filters c
    JN_MACRO,        // sym, v: name; a: parameters; b: body; op: JN_USES_ flags
    JN_CALL_BLOCK,   // a: the call; b: the caller, a JN_MACRO
    JN_FILTER_BLOCK, // a: filters; b: body
    JN_WITH,         // a: JN_SETs; b: body
    JN_SCOPE,        // b: body, under its own names
    JN_GENERATION,   // the same, and what an assistant says
    JN_BREAK,
    JN_CONTINUE,
    JN_FIELD, // as a target: sym . v, of a namespace
    JN_PARAM, // a macro's parameter: sym, v; a: its default or NULL
};
enum { JN_USES_CALLER = 1, JN_USES_VARARGS = 2, JN_USES_KWARGS = 4 };

struct jnode {
    uint8_t kind;
    uint16_t op;
    int32_t sym, line;
    struct jv v;
    struct jnode *a, *b, *c, *d, *e, *next;
};

/** Names are numbered when parsed, so that a lookup compares integers. */
struct j_names {
    struct jv *v;
    int32_t n, cap;
    struct j_name_link {
        int32_t sym;
        struct j_name_link *next;
    } * buckets[512];
};
/** The number of a name; -1 where it is not there and `add` is false. */
int32_t j_name(struct jctx *c, struct j_names *names, const char *s, size_t n,
               bool add);

#define JINJA_MAX_SOURCE ((size_t)1 << 20)

/** Parse into c's memory. NULL after a failure, which is in c. */
struct jnode *jinja_parse(struct jctx *c, struct j_names *names,
                          const char *source, size_t n);

/* In jinja_filter.c and jinja_test.c; NULL where there is none. */
const void *jinja_find_filter(const char *name, size_t n);
const void *jinja_find_test(const char *name, size_t n);

#endif
