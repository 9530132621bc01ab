/* answer_value.c -- is the value that an answer gives the reference's? */
#include "adapt/reward/answer_value.h"

#include <string.h>

#include "adapt/reward/maths.h"
#include "base/strbuf.h"
#include "text/ascii.h"
#include "text/number.h"
#include "text/utf8.h"

#define WORD_MIN 3 // so many letters beside each other are no product

/* A piece of text, and what it is. */
struct piece {
    struct strbuf text;
    struct number number;
    bool is_number;
};

/* ---- one number among words --------------------------------------------- */

/* Are the bytes words, blanks and punctuation, and none of it mathematics?
 * A letter alone counts as a word where it is a unit, or "a" or "I". */
static bool
is_prose(const char *s, size_t n)
{
    size_t run = 0;

    for (size_t i = 0; i < n;) {
        const bool inside = i > 0 && i + 1 < n && ascii_is_letter(s[i - 1]) &&
                            ascii_is_letter(s[i + 1]);
        uint32_t cp;
        const size_t k = utf8_get(&cp, s + i);
        const bool word = cp != 0x3c0 && utf8_is_word(cp) && cp != '_' &&
                          !utf8_is_numeric(cp);

        if (!word && !utf8_is_space(cp) &&
            !(cp < 0x80 && cp && strchr(".,:;!?'\"", (int)cp)) &&
            !((cp == '-' || cp == '/') && inside) &&
            !(cp >= 0x80 && utf8_is_punct(cp)))
            return false;
        run = word ? run + 1 : 0;
        i += k;
        if (run == 1 && cp < 0x80 && !strchr("aImgshlkm", (int)cp) &&
            !(i < n && (ascii_is_letter(s[i]) || (unsigned char)s[i] >= 0x80)))
            return false;
    }
    return true;
}

/* The one number of a text that is words apart from it. */
static bool
one_number(struct number *out, const char *s, size_t n)
{
    struct number more;
    size_t at = 0;

    if (!number_next(out, s, n, &at) || number_next(&more, s, n, &at))
        return false;
    if ((out->start > 0 && ascii_is_letter(s[out->start - 1])) ||
        (out->end < n && (ascii_is_letter(s[out->end]) || s[out->end] == '/')))
        return false;
    return is_prose(s, out->start) && is_prose(s + out->end, n - out->end);
}

/* Words that no mathematics has, beside a digit. */
static bool
has_words(const char *s, size_t n)
{
    size_t run = 0;
    bool command = false, digit = false, words = false;

    for (size_t i = 0; i < n; i++) {
        command = s[i] == '\\' || (i > 0 && s[i - 1] == '{') ||
                  (command && ascii_is_letter(s[i]));
        run = ascii_is_letter(s[i]) && !command ? run + 1 : 0;
        digit |= ascii_is_digit(s[i]);
        words |= run >= WORD_MIN;
    }
    return digit && words && !memmem(s, n, "\\text", 5) &&
           !memmem(s, n, "sqrt", 4);
}

/* ---- the reference ------------------------------------------------------ */

static int
read_reference(struct piece *out, const struct answer_value *a, trv_err *err)
{
    const char *s = a->reference;
    size_t n = a->n_reference;
    bool found = false;
    int rc = 0;

    if (maths_is_marked(s, n)) {
        rc = maths_find(&out->text, &found, s, n);
        s = out->text.s ? out->text.s : "";
        n = out->text.len;
    }
    out->is_number =
        number_is(&out->number, s, n) || one_number(&out->number, s, n);
    if (rc || found) // the number borrows from the text, which stays
        return rc ? err_nomem(err, "for a reference") : 0;
    if (!out->is_number && has_words(s, n))
        return err_fail(err, TRV_EINVAL,
                        "it has words and no single number; mark the answer "
                        "by #### or \\boxed{}");
    if (sb_add(&out->text, s, n))
        return err_nomem(err, "for a reference");
    if (out->is_number)
        out->is_number = number_is(&out->number, out->text.s, n) ||
                         one_number(&out->number, out->text.s, n);
    return 0;
}

/* ---- the answer --------------------------------------------------------- */

/* Go back from a number over "1 2/" before it: where the fraction begins. */
static size_t
fraction_start(const char *s, size_t start)
{
    size_t at = start;

    while (at > 1 && s[at - 1] == '/' && ascii_is_digit(s[at - 2])) {
        at--;
        while (at > 0 && (ascii_is_digit(s[at - 1]) || s[at - 1] == ','))
            at--;
    }
    if (at < start && at > 1 && s[at - 1] == ' ' && ascii_is_digit(s[at - 2])) {
        at--;
        while (at > 0 && ascii_is_digit(s[at - 1]))
            at--;
    }
    if (at < start && at > 0 && s[at - 1] == '-')
        at--;
    return at;
}

/* What of the answer is compared with a number. *found false: nothing. */
static int
find_number(struct piece *out, bool *found, const struct answer_value *a)
{
    const char *s = a->text;
    struct number last;
    size_t start, end;

    if (!a->strict && maths_is_boxed(s, a->n_text))
        return maths_find(&out->text, found, s, a->n_text);
    *found = number_said(&last, s, a->n_text, a->strict);
    if (!*found)
        return 0;
    start = fraction_start(s, last.start);
    end = last.end;
    if (end + 1 < a->n_text && s[end] == '/' && ascii_is_digit(s[end + 1])) {
        while (end < a->n_text && (ascii_is_digit(s[end]) || s[end] == '/'))
            end++; // behind a mark the first number is not the last
    } else if (start == last.start) {
        (void)maths_formula(&start, &end, s, a->n_text, last.start);
    }
    return sb_add(&out->text, s + start, end - start);
}

static int
find_answer(struct piece *out, bool *found, const struct answer_value *a,
            bool is_number)
{
    int rc;

    *found = false;
    if (a->strict && !is_number && !memmem(a->text, a->n_text, "####", 4))
        return 0;
    rc = is_number && !a->formula
             ? find_number(out, found, a)
             : maths_find(&out->text, found, a->text, a->n_text);
    if (!rc && *found && out->text.s)
        out->is_number = number_is(&out->number, out->text.s, out->text.len) ||
                         one_number(&out->number, out->text.s, out->text.len);
    return rc;
}

/* ---- comparing ---------------------------------------------------------- */

static int
numbers_equal(bool *equal, const struct answer_value *a,
              const struct number *want, const struct number *got)
{
    double x;

    *equal = number_equal(want, got);
    if (*equal || !a->real || got->percent)
        return 0;
    if (number_double(&x, got)) // 17 digits of a double are that double
        return TRV_ENOMEM;
    *equal = memcmp(&x, a->real, sizeof(x)) == 0;
    return 0;
}

/* By structure. What of the answer is not understood is not equal. */
static int
formulas_equal(bool *equal, const struct piece *want, const struct piece *got,
               trv_err *err)
{
    const char *s = got->text.s ? got->text.s : "";
    struct maths reference = {0}, answer = {0};
    int rc = maths_open(&reference, want->text.s ? want->text.s : "",
                        want->text.len, err);

    *equal = false;
    if (!rc) {
        const int bad = maths_open(&answer, s, got->text.len, NULL);

        if (bad == TRV_ENOMEM)
            rc = err_nomem(err, "for an answer");
        else if (!bad)
            *equal = maths_equal(&reference, &answer);
    }
    maths_release(&answer);
    maths_release(&reference);
    return rc;
}

static bool
has_digit(const struct strbuf *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (ascii_is_digit(b->s[i]))
            return true;
    return false;
}

int
answer_value(double *score, const struct answer_value *a, trv_err *err)
{
    struct piece want = {0}, got = {0};
    bool equal = false, found;
    int rc = read_reference(&want, a, err);

    if (!rc && !a->formula && !has_digit(&want.text) &&
        !memchr(want.text.s ? want.text.s : "", '\\', want.text.len))
        rc = err_fail(err, TRV_EINVAL, "it holds no number");
    if (!rc && find_answer(&got, &found, a, want.is_number))
        rc = err_nomem(err, "for an answer");
    if (!rc && !a->formula && found && want.is_number && got.is_number) {
        if (numbers_equal(&equal, a, &want.number, &got.number))
            rc = err_nomem(err, "for an answer");
    } else if (!rc) { // also where nothing was found: to check the reference
        rc = formulas_equal(&equal, &want, &got, err);
    }
    if (rc == TRV_EFORMAT) {
        rc = TRV_EINVAL;
        if (err)
            err->code = rc;
    }
    *score = equal ? 1.0 : 0.0;
    sb_release(&want.text);
    sb_release(&got.text);
    return rc;
}
