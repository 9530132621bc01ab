/* maths_lex.h -- tokens of a tidied piece of mathematics. */
#ifndef ADAPT_REWARD_MATHS_LEX_H
#define ADAPT_REWARD_MATHS_LEX_H

#include "adapt/reward/maths.h"

/** Other tokens are the character that they are: + - * / : ^ _ ! % ( ) [ ] { }
 * | , ; & */
enum {
    LEX_END = 0,
    LEX_NUMBER = 256,
    LEX_SYMBOL,
    LEX_WORD, // \text{...} and what has an accent, as one symbol
    LEX_CONSTANT,
    LEX_CALL,
    LEX_ROOT,
    LEX_FRAC,
    LEX_BINOM,
    LEX_RELATION, // = < > <= >= != ~
    LEX_UNION,    // U, n, -
    LEX_PLUS_MINUS,
    LEX_SET_OPEN,
    LEX_SET_CLOSE,
    LEX_EMPTY, // the empty set
    LEX_DEGREE,
    LEX_FLOOR,
    LEX_FLOOR_CLOSE,
    LEX_CEIL,
    LEX_CEIL_CLOSE,
    LEX_MATRIX,
    LEX_END_MATRIX,
    LEX_ROW,
    LEX_UNKNOWN,
};
struct token {
    int kind;
    const char *name; // of symbols, calls and so on: a constant string
    struct number number;
    int repeats;
    size_t start, length; // in the text; of a word, what is between its braces
};
struct lexer {
    const char *s;
    size_t n, at;
    int depth; // of brackets; inside them a comma parts items, not thousands
};

void lex_next(struct lexer *lex, struct token *out);
/** Read on from here. */
void lex_back(struct lexer *lex, size_t at);

/** May a factor begin with this token, right behind another? */
bool lex_begins_factor(int kind, bool in_bars);
bool lex_is_sine(const char *name);
const char *lex_inverse(const char *sine); // sin: arcsin

#endif
