/* jinja_lex.h -- a template's source as tokens, with jinja2's rules of white
 * space: trim_blocks, lstrip_blocks, and the signs in {%- -%} {%+ +%}.
 */
#ifndef TEXT_JINJA_LEX_H
#define TEXT_JINJA_LEX_H

#include "text/jinja/jinja_value.h"

enum j_token_kind {
    JT_END,
    JT_TEXT,  // v: the text between tags
    JT_PRINT, // {{
    JT_PRINT_END,
    JT_BLOCK, // {%
    JT_BLOCK_END,
    JT_NAME,  // v
    JT_VALUE, // v: a string or a number
    JT_OP,    // op: its first byte, or its two bytes as J_OP()
};
#define J_OP(a, b) ((a) | (b) << 8)

struct j_token {
    uint8_t kind;
    uint16_t op;
    int line;
    struct jv v;
};

/** Tokens of the source in c's memory, JT_END last. Fails through c; NULL
 * then. */
struct j_token *jinja_lex(struct jctx *c, const char *source, size_t n);

#endif
