/* pattern.c -- searching.
 *
 * Publishers' expressions are written for Oniguruma (Ruby syntax). They differ
 * from PCRE2's in a few letters, rewritten by translate(); what has no
 * equivalent is refused. The two libraries also know different versions of
 * Unicode: a character that is newer than PCRE2's tables is shown to it as an
 * old one of the same category and length, so offsets stand.
 */
#include "text/tokenizer/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "text/utf8.h"

#define MAX_REGEX 65536   // bytes; published ones have a few hundred
#define JIT_STACK 1048576 // bytes; PCRE2's own 32 KiB fit most
/* Steps of one match before it gives up: PCRE2's default, and enough beside for
 * a few passes over a run of space as long as the text. */
#define MATCH_LIMIT(n) (10000000 + 8 * (n))

/* --- memory through mem_* --- */

static void *
pcre_alloc(size_t n, void *payload)
{
    (void)payload;
    return mem_alloc(n);
}

static void
pcre_free(void *p, void *payload)
{
    (void)payload;
    mem_free(p);
}

/* --- compiling --- */

/* What \w means to Oniguruma in UTF-8: letters, marks, digits, letter numbers,
 * connectors, other alphabetics, and Latin-1's superscripts and fractions. */
static const char word_set[] =
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}"
    "\\x{24B6}-\\x{24E9}\\x{1F130}-\\x{1F149}\\x{1F150}-\\x{1F169}"
    "\\x{1F170}-\\x{1F189}";

static int
add_escape(struct strbuf *out, char c, bool in_class, const char **why)
{
    switch (c) {
    case 'w':
        return in_class ? sb_puts(out, word_set)
                        : sb_printf(out, "[%s]", word_set);
    case 'W':
        if (in_class)
            *why = "\\W in a class";
        return sb_printf(out, "[^%s]", word_set);
    case 'h': // a hexadecimal digit, not horizontal space
        return sb_puts(out, in_class ? "0-9a-fA-F" : "[0-9a-fA-F]");
    case 'H':
        if (in_class)
            *why = "\\H in a class";
        return sb_puts(out, "[^0-9a-fA-F]");
    default:
        return sb_putc(out, '\\') || sb_putc(out, c);
    }
}

/* Whether re[i..] is "{n,m}+": once possessive, once repeated. */
static bool
is_repeated_interval(const char *re, size_t n, size_t i)
{
    size_t j = i + 1;

    while (j < n && ((re[j] >= '0' && re[j] <= '9') || re[j] == ','))
        j++;
    return j > i + 1 && j + 1 < n && re[j] == '}' && re[j + 1] == '+';
}

/* Rewrite an expression; *why is set where it has no equivalent. */
static int
translate(struct strbuf *out, const char *re, size_t n, const char **why)
{
    bool in_class = false, in_flags = false;
    size_t opened = 0;

    *why = NULL;
    for (size_t i = 0; i < n; i++) {
        const char c = re[i];
        int rc = 0;

        if (c == '\\' && i + 1 < n) {
            rc = add_escape(out, re[++i], in_class, why);
        } else if (in_class) {
            if (c == '[' && !(i + 1 < n && re[i + 1] == ':'))
                *why = "a class inside a class";
            if (c == '&' && i + 1 < n && re[i + 1] == '&')
                *why = "an intersection of classes";
            if (c == '[') { // [:name:]
                const char *end = memchr(re + i, ']', n - i);
                const size_t len = end ? (size_t)(end - re) - i + 1 : n - i;

                rc = sb_add(out, re + i, len);
                i += len - 1;
            } else {
                if (c == ']' && i > opened)
                    in_class = false;
                rc = sb_putc(out, c);
            }
        } else {
            if (c == '[') {
                in_class = true;
                opened = i + 1 < n && re[i + 1] == '^' ? i + 2 : i + 1;
            }
            if (c == '{' && is_repeated_interval(re, n, i))
                *why = "a quantifier {n,m}+";
            in_flags = i >= 2 && re[i - 2] == '(' && re[i - 1] == '?'
                           ? true
                           : in_flags && re[i - 1] >= '-';
            if (in_flags && !((c >= 'a' && c <= 'z') || c == '-'))
                in_flags = false;
            /* (?m) lets a dot match a newline, which is (?s) to PCRE2 */
            rc = sb_putc(out, in_flags && c == 'm' ? 's' : c);
        }
        if (rc)
            return TRV_ENOMEM;
        if (*why)
            return TRV_EUNSUPPORTED;
    }
    return 0;
}

static int
compile(struct pattern *p, const struct strbuf *re, int *code, size_t *at)
{
    pcre2_general_context *g =
        pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    pcre2_compile_context *cc = g ? pcre2_compile_context_create(g) : NULL;

    *code = 0;
    if (cc) {
        pcre2_set_newline(cc, PCRE2_NEWLINE_LF);
        p->code = pcre2_compile((PCRE2_SPTR)(re->s ? re->s : ""), re->len,
                                PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE |
                                    PCRE2_NEVER_BACKSLASH_C,
                                code, at, cc);
    }
    if (p->code) // without a JIT compiler the interpreter serves
        (void)pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);
    pcre2_compile_context_free(cc);
    pcre2_general_context_free(g);
    if (p->code)
        return 0;
    return *code && *code != PCRE2_ERROR_HEAP_FAILED ? TRV_EFORMAT : TRV_ENOMEM;
}

int
pattern_regex(struct pattern *p, const char *re, size_t n, const char *field,
              const char *file, trv_err *err)
{
    struct strbuf b = {0};
    const char *why;
    char text[120];
    size_t at = 0;
    int rc, code;

    if (n > MAX_REGEX)
        return err_fail(err, TRV_EFORMAT,
                        "field '%s' of '%s': an expression of %zu bytes is "
                        "longer than %d",
                        field, file, n, MAX_REGEX);
    rc = translate(&b, re, n, &why);
    if (rc == TRV_EUNSUPPORTED) {
        err_fail(err, rc, "field '%s' of '%s': %s is not supported: '%.*s'",
                 field, file, why, n > 200 ? 200 : (int)n, re);
        goto done;
    }
    if (!rc)
        rc = compile(p, &b, &code, &at);
    if (rc == TRV_EFORMAT) {
        pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text));
        err_fail(err, rc,
                 "field '%s' of '%s' is no regular expression: %s: '%.*s'",
                 field, file, text, n > 200 ? 200 : (int)n, re);
    } else if (rc) {
        err_fail(err, rc, "no memory for field '%s' of '%s'", field, file);
    }
done:
    sb_release(&b);
    return rc;
}

int
pattern_literal(struct pattern *p, const char *s, size_t n)
{
    p->literal = mem_strndup(s, n);
    p->n = n;
    return p->literal ? 0 : TRV_ENOMEM;
}

int
pattern_read(struct pattern *p, const json_t *v, const char *field,
             const char *file, trv_err *err)
{
    const json_t *s = json_object_get(v, "String");
    const json_t *re = json_object_get(v, "Regex");

    if (json_is_string(v)) // as the oldest files have it
        s = v;
    if (json_is_string(s)) {
        if (json_string_length(s) == 0)
            return pattern_regex(p, "", 0, field, file, err);
        if (pattern_literal(p, json_string_value(s), json_string_length(s)))
            return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
        return 0;
    }
    if (json_is_string(re))
        return pattern_regex(p, json_string_value(re), json_string_length(re),
                             field, file, err);
    return err_fail(err, TRV_EFORMAT,
                    "field '%s' of '%s' is neither a String nor a Regex", field,
                    file);
}

void
pattern_release(struct pattern *p)
{
    mem_free(p->literal);
    pcre2_code_free(p->code);
    memset(p, 0, sizeof(*p));
}

/* --- searching --- */

void
pattern_scratch_release(struct pattern_scratch *s)
{
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    sb_release(&s->stand_in);
    memset(s, 0, sizeof(*s));
}

static int
scratch_ready(struct pattern_scratch *s)
{
    pcre2_general_context *g;

    if (s->match)
        return 0;
    g = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    if (!g)
        return TRV_ENOMEM;
    s->context = pcre2_match_context_create(g);
    s->stack = pcre2_jit_stack_create(32768, JIT_STACK, g);
    s->match = s->context && s->stack ? pcre2_match_data_create(1, g) : NULL;
    pcre2_general_context_free(g);
    if (!s->match) {
        pattern_scratch_release(s);
        return TRV_ENOMEM;
    }
    pcre2_jit_stack_assign(s->context, NULL, s->stack);
    return 0;
}

/* Characters of Unicode 15 and 16, in order: first, last, stand-in. */
static const struct newer {
    uint32_t first, last, as;
} newer[] = {
#include "text/unicode_new.inc"
};

/* The character that PCRE2 is to see for cp. */
static uint32_t
stand_in(uint32_t cp)
{
    size_t lo = 0, hi = sizeof(newer) / sizeof(newer[0]);

    if (cp == 0x180E) // no longer white space, but still \h to PCRE2
        return 0x200B;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;

        if (cp > newer[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < sizeof(newer) / sizeof(newer[0]) && cp >= newer[lo].first
               ? newer[lo].as
               : cp;
}

/* Let s->seen be the text with its newest characters replaced. */
static int
replace_newer(struct pattern_search *s)
{
    struct strbuf *b = &s->scratch->stand_in;
    bool copied = false;

    s->seen = s->text;
    for (size_t i = 0; i < s->n;) {
        const unsigned char lead = (unsigned char)s->text[i];
        uint32_t cp, as;

        if (lead < 0xE0) { // none of the table's is that short
            i++;
            continue;
        }
        i += utf8_get(&cp, s->text + i);
        as = stand_in(cp);
        if (as == cp)
            continue;
        if (!copied) {
            sb_reset(b);
            if (sb_add(b, s->text, s->n))
                return TRV_ENOMEM;
            copied = true;
        }
        i -= utf8_len((char)lead);
        i += utf8_put(b->s + i, as);
    }
    if (copied)
        s->seen = b->s;
    return 0;
}

int
pattern_begin(struct pattern_search *s, const struct pattern *p,
              struct pattern_scratch *scratch, const char *text, size_t n)
{
    *s = (struct pattern_search){.p = p,
                                 .scratch = scratch,
                                 .text = text,
                                 .seen = text,
                                 .n = n,
                                 .last = SIZE_MAX};
    if (!p->code)
        return 0;
    if (scratch_ready(scratch) || replace_newer(s))
        return TRV_ENOMEM;
    pcre2_set_match_limit(scratch->context, n < 100000000
                                                ? (uint32_t)MATCH_LIMIT(n)
                                                : UINT32_MAX);
    return 0;
}

static int
next_literal(struct pattern_search *s, size_t *start, size_t *end)
{
    const char *hit =
        memmem(s->text + s->from, s->n - s->from, s->p->literal, s->p->n);

    if (!hit)
        return 0;
    *start = (size_t)(hit - s->text);
    *end = s->from = *start + s->p->n;
    return 1;
}

static int
next_member(struct pattern_search *s, size_t *start, size_t *end)
{
    while (s->from < s->n) {
        const size_t at = s->from;
        uint32_t cp;

        s->from += utf8_get(&cp, s->text + at);
        if (s->p->is_member(cp)) {
            *start = at;
            *end = s->from;
            return 1;
        }
    }
    return 0;
}

static int
next_regex(struct pattern_search *s, size_t *start, size_t *end, trv_err *err)
{
    while (s->from <= s->n) {
        const PCRE2_SIZE *ov;
        int rc = pcre2_match(s->p->code, (PCRE2_SPTR)s->seen, s->n, s->from,
                             PCRE2_NO_UTF_CHECK, s->scratch->match,
                             s->scratch->context);

        if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
            rc = pcre2_match(s->p->code, (PCRE2_SPTR)s->seen, s->n, s->from,
                             PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                             s->scratch->match, s->scratch->context);
        if (rc == PCRE2_ERROR_NOMATCH)
            return 0;
        if (rc == PCRE2_ERROR_NOMEMORY)
            return err_fail(err, TRV_ENOMEM, "no memory to split text");
        if (rc < 0)
            return err_fail(err, TRV_ERANGE,
                            "the tokenizer's expression gave up at byte %zu "
                            "of a text of %zu bytes (PCRE2 error %d)",
                            s->from, s->n, rc);
        ov = pcre2_get_ovector_pointer(s->scratch->match);
        if (ov[0] > ov[1] || ov[0] < s->from || ov[1] > s->n)
            return err_fail(err, TRV_ERANGE,
                            "the tokenizer's expression matches backwards");
        if (ov[0] == ov[1] && ov[1] == s->last) { // step over one character
            s->from += s->from < s->n ? utf8_len(s->text[s->from]) : 1;
            continue;
        }
        *start = ov[0];
        *end = s->last = s->from = ov[1];
        return 1;
    }
    return 0;
}

int
pattern_next(struct pattern_search *s, size_t *start, size_t *end, trv_err *err)
{
    if (s->p->code)
        return next_regex(s, start, end, err);
    if (s->p->is_member)
        return next_member(s, start, end);
    if (s->p->literal && s->from < s->n)
        return next_literal(s, start, end);
    return 0;
}

int
pattern_replace(struct strbuf *out, const struct pattern *p,
                struct pattern_scratch *scratch, const char *text, size_t n,
                const char *with, size_t with_n, trv_err *err)
{
    struct pattern_search s;
    size_t done = 0, start, end;
    int rc = pattern_begin(&s, p, scratch, text, n);

    while (!rc) {
        rc = pattern_next(&s, &start, &end, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
        rc = sb_add(out, text + done, start - done) || sb_add(out, with, with_n)
                 ? TRV_ENOMEM
                 : 0;
        done = end;
    }
    if (rc || sb_add(out, text + done, n - done))
        return err_fail(err, TRV_ENOMEM, "no memory to replace in text");
    return 0;
}
