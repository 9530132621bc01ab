/* maths.h -- answers of mathematics: read as people and models write them, in
 * LaTeX or plain, and compared by what they say.
 *
 *   text of an answer --maths_find()--> the piece that is the answer
 *   piece --maths_open()--> a tree --maths_equal()--> equal or not
 *
 * The piece is what stands behind the last '####', or else in the last
 * \boxed{}, or else the last formula ($...$, \(...\), \[...\]) or number, where
 * those right behind the word "answer" come first.
 *
 * Equal are: numbers and expressions of one value; tuples and open intervals
 * in order; sets and lists in any order, with each other and as a reference
 * with tuples; intervals by their ends; matrices by their elements; equations
 * where one is a multiple of the other; x = 5 and 5. A decimal equals what
 * rounds to the same six places. Units, words around and degrees do not count;
 * 12 % is 0.12, and 12, too.
 * The rules are those of the Python package math-verify;
 * tests/golden/reward/math.json compares the two.
 *
 * Bounds: MATHS_TEXT_MAX bytes, MATHS_DEPTH_MAX levels, MATHS_ITEMS_MAX parts,
 * MATHS_NODES_MAX nodes, and a number of comparisons; what is above them is
 * refused, or differs.
 */
#ifndef ADAPT_REWARD_MATHS_H
#define ADAPT_REWARD_MATHS_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "text/number.h"

#define MATHS_TEXT_MAX 4096  // bytes of one piece
#define MATHS_DEPTH_MAX 64   // of the text
#define MATHS_HEIGHT_MAX 256 // of the tree: 1/2/3/... is no deeper text
#define MATHS_ITEMS_MAX 64   // of a list, a set, a sum and so on
#define MATHS_NODES_MAX 8192 // of the tree: each +- doubles what is around it

enum maths_kind {
    MATHS_NUMBER,   // digits as they are written
    MATHS_SYMBOL,   // a letter, with its index; a word of \text{}
    MATHS_CONSTANT, // pi, e, i, infinity
    MATHS_SUM,      // of its parts
    MATHS_PRODUCT,
    MATHS_QUOTIENT, // two parts
    MATHS_POWER,    // two parts
    MATHS_NEGATIVE,
    MATHS_PERCENT,
    MATHS_DEGREES,
    MATHS_MIXED,    // 2 1/2: a whole number and a fraction
    MATHS_CALL,     // name: sqrt, log (its base comes second), sin, ...
    MATHS_LIST,     // 1, 2: no brackets
    MATHS_SET,      // {1, 2}, and the empty set
    MATHS_TUPLE,    // (1, 2), [1, 2), (1, 2, 3)
    MATHS_UNION,    // of sets and intervals; name: "U", "n" or "-"
    MATHS_RELATION, // a chain: 1 < x < 2
    MATHS_MATRIX,   // `rows` of them, one part an element
};
struct maths_node {
    enum maths_kind kind;
    const char *name;     // of a symbol, a constant, a call, a union
    const char *relation; // of a part of a chain: what stands before it
    struct number number;
    int repeats; // so many of its last digits: 0.1\overline{6}
    struct maths_node *first, *last, *next;
    int n;                      // parts
    int height;                 // levels below
    int rows;                   // of a matrix
    bool open_left, open_right; // of a tuple
    bool is_word;               // a symbol that is a whole word
};
struct maths {
    struct arena mem; // nodes and names
    struct strbuf text;
    struct maths_node *root;
};

/** Put the piece of a text that is its answer into `out`. False where there is
 * none: no formula, no number. */
int maths_find(struct strbuf *out, bool *found, const char *text, size_t n);
/** Does the text mark its answer: by '####', a box, or a formula's marks? */
bool maths_is_marked(const char *text, size_t n);
bool maths_is_boxed(const char *text, size_t n);
/** The formula of the text that the byte `at` lies in; false where there is
 * none. */
bool maths_formula(size_t *start, size_t *end, const char *text, size_t n,
                   size_t at);

/** Read a piece. TRV_EFORMAT with what is not understood, TRV_ENOMEM. */
int maths_open(struct maths *out, const char *text, size_t n, trv_err *err);
void maths_release(struct maths *m); // accepts zeros

/** Does the answer say what the reference says? */
bool maths_equal(const struct maths *reference, const struct maths *answer);

/* ---- between the files of maths ---------------------------------------- */

/** maths_tidy.c: append the text without what does not count: sizes, fonts,
 * spaces, units, currencies; with one spelling for what has several. */
int maths_tidy(struct strbuf *out, const char *text, size_t n);

/** maths_lex.c: bytes of {...} at s, 0 where it does not close; of blanks. */
size_t maths_group(const char *s, size_t n);
size_t maths_spaces(const char *s, size_t n);

/** maths_value.c: the value at one of several points, at which symbols have
 * values of their own. */
__extension__ typedef __int128 maths_wide;
struct maths_value {
    bool exact; // p / q, q > 0; else x
    maths_wide p, q;
    long double _Complex x;
};
#define MATHS_POINTS 5
/** False where it has no value: 1/0, a list, a call that is not known. */
bool maths_value(struct maths_value *out, const struct maths_node *node,
                 int point);
bool maths_value_equal(const struct maths_value *a,
                       const struct maths_value *b);
bool maths_has_symbols(const struct maths_node *node);

#endif
