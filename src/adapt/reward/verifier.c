/* verifier.c -- checks of an answer's text. */
#include "adapt/reward/verifier.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "adapt/reward/answer_value.h"
#include "adapt/reward/logratio.h"
#include "adapt/reward/outside.h"
#include "adapt/reward/reward.h"
#include "adapt/reward/reward_conf.h"
#include "adapt/spec_hint.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "text/jinja/jinja_str.h"
#include "text/tokenizer/pattern.h"
#include "text/utf8.h"

enum check {
    CHECK_NUMBER,
    CHECK_MATH,
    CHECK_EXACT,
    CHECK_REGEX,
    CHECK_CONTAINS,
    CHECK_LENGTH,
    CHECK_JSON,
    CHECK_COMMAND,
};
enum by { BY_TEXT, BY_LINE, BY_SENTENCE, BY_WORD, BY_LETTER };
enum measure_by { LENGTH_WORDS, LENGTH_CHARS, LENGTH_TOKENS };

/* The options of all checks, as the tables below read them. The texts are those
 * of the conf, so they are there only while a verifier is opened. */
struct options {
    const char *column, *pattern, *words, *keys, *cmd;
    bool strict, mind_case, all, share, inside, invert;
    int by; // enum by, or enum measure_by
    double lo, hi, slack, timeout_s;
};

struct words {
    char **v;
    int64_t n;
};

struct verifier {
    enum check check;
    char what[32]; // "verifier:regex", for messages
    struct options o;
    char *column; // of the reference; NULL: the first that is there
    struct pattern pattern;
    struct pattern_scratch scratch;
    struct words words; // or keys
    struct outside *helper;
    const struct tokenizer *tokenizer;
    struct strbuf text; // the answer, well-formed
};

/* ---- the tables --------------------------------------------------------- */

#define FIELD(f) .at = offsetof(struct options, f)
#define FLAG(f) .type = CONF_FLAG, FIELD(f)
#define TEXT(f) .type = CONF_TEXT, FIELD(f)
#define NUMBER(f, from, to)                                                    \
    .type = CONF_NUMBER, FIELD(f), .lo = (from), .hi = (to)

#define COLUMN                                                                 \
    {                                                                          \
        .info = {"column", "NAME", NULL,                                       \
                 "the column of the right answer; else answer, reference, "    \
                 "solution or completion, the first there is",                 \
                 false},                                                       \
        TEXT(column)                                                           \
    }
#define MIND_CASE(value, fallback, help)                                       \
    {                                                                          \
        .info = {"case", value, fallback, help, false}, FLAG(mind_case)        \
    }
#define NOT                                                                    \
    {                                                                          \
        .info = {"not", "1", "0", "what is left to 1", false}, FLAG(invert)    \
    }
#define END                                                                    \
    {                                                                          \
        .info = {.name = NULL }                                                \
    }

static const struct conf_option of_number[] = {
    COLUMN,
    {.info = {"strict", "1", "0", "only a number behind #### counts", false},
     FLAG(strict)},
    END,
};
static const struct conf_option of_math[] = {COLUMN, END};
static const struct conf_option of_exact[] = {
    COLUMN,
    MIND_CASE("0", "1", "capitals do not matter"),
    END,
};
static const struct conf_option of_regex[] = {
    {.info = {"by", "text|line|sentence|word|letter", "text",
              "of what the share that matches is taken; text: 1 where it "
              "matches anywhere",
              false},
     .type = CONF_CHOICE,
     FIELD(by)},
    {.info = {"share", "1", "0", "the same as by=sentence", false},
     FLAG(share)},
    MIND_CASE("0", "1", "capitals do not matter"),
    NOT,
    {.info = {"pattern", "P", NULL, "a regular expression of PCRE2; needed",
              .takes_rest = true},
     TEXT(pattern)},
    END,
};
static const struct conf_option of_contains[] = {
    {.info = {"all", "1", "0", "all of the words must be there", false},
     FLAG(all)},
    {.info = {"share", "1", "0", "the share of the words that is there", false},
     FLAG(share)},
    {.info = {"inside", "1", "0", "inside longer words, too", false},
     FLAG(inside)},
    MIND_CASE("1", "0", "capitals matter"),
    NOT,
    {.info = {"words", "A|B|C", NULL, "the words, parted by |; needed",
              .takes_rest = true},
     TEXT(words)},
    END,
};
static const struct conf_option of_length[] = {
    {.info = {"by", "words|chars|tokens", "words", "what is counted", false},
     .type = CONF_CHOICE,
     FIELD(by)},
    {.info = {"lo", "N", "0", "the least; falls to 0 at nothing", false},
     NUMBER(lo, 0, 1e9)},
    {.info = {"hi", "N", NULL, "the most; lo or hi is needed", false},
     NUMBER(hi, 0, 1e9)},
    {.info = {"slack", "N", NULL,
              "falls to 0 so far above hi; else as far as hi itself", false},
     NUMBER(slack, 0, 1e9)},
    END,
};
static const struct conf_option of_json[] = {
    {.info = {"keys", "A|B", NULL, "it is an object with these keys", false},
     TEXT(keys)},
    {.info = {"share", "1", "0", "the share of what holds: JSON, and each key",
              false},
     FLAG(share)},
    END,
};
static const struct conf_option of_command[] = {
    {.info = {"timeout", "S", "10", "seconds for one answer", false},
     NUMBER(timeout_s, 0.001, 86400)},
    {.info = {"cmd", "COMMAND", NULL, "what /bin/sh -c runs; needed",
              .takes_rest = true},
     TEXT(cmd)},
    END,
};

static const struct check_row {
    trv_check info;
    const struct conf_option *options;
} checks[] = {
    [CHECK_NUMBER] = {{"number",
                       "1 where the answer's number is the row's: the one in "
                       "\\boxed{}, behind ####, or else its last one",
                       "verifier:number,column=total,strict=1"},
                      of_number},
    [CHECK_MATH] = {{"math",
                     "1 where the answer is mathematically the row's: "
                     "fractions, roots, sets, intervals, equations, units",
                     "verifier:math,column=solution"},
                    of_math},
    [CHECK_EXACT] = {{"exact",
                      "1 where the answer is the row's, less blanks around it",
                      "verifier:exact,case=0"},
                     of_exact},
    [CHECK_REGEX] = {{"regex", "1 where a pattern matches, or a share",
                      "verifier:regex,by=line,pattern=^[-*]"},
                     of_regex},
    [CHECK_CONTAINS] = {{"contains", "1 where one of some words is there",
                         "verifier:contains,all=1,words=yes|please"},
                        of_contains},
    [CHECK_LENGTH] = {{"length",
                       "1 where the length is between two bounds, falling "
                       "linearly outside",
                       "verifier:length,by=words,lo=20,hi=60"},
                      of_length},
    [CHECK_JSON] = {{"json", "1 where the answer is one JSON value",
                     "verifier:json,share=1,keys=name|age"},
                    of_json},
    [CHECK_COMMAND] = {{"command",
                        "what a program of your own says of each answer: see "
                        "below",
                        "verifier:command,timeout=30,cmd=python3 reward.py"},
                       of_command},
};
#define N_CHECKS ((int)(sizeof(checks) / sizeof(checks[0])))

const trv_check *
verifier_check_at(int i)
{
    return i >= 0 && i < N_CHECKS ? &checks[i].info : NULL;
}

const struct conf_option *
verifier_options(const char *name)
{
    for (int i = 0; i < N_CHECKS; i++)
        if (strcmp(checks[i].info.name, name) == 0)
            return checks[i].options;
    return NULL;
}

/* ---- reading ------------------------------------------------------------ */

static int
find_check(enum check *out, const char *name, size_t n, trv_err *err)
{
    char known[200], hint[NEAREST_HINT], clause[SPEC_HINT];
    size_t at = 0;

    for (int i = 0; i < N_CHECKS; i++) {
        const char *one = checks[i].info.name;

        if (strlen(one) == n && memcmp(one, name, n) == 0) {
            *out = (enum check)i;
            return 0;
        }
        if (at < sizeof(known))
            at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
                                   i ? ", " : "", one);
    }
    return err_fail(
        err, TRV_EINVAL, "'verifier:%.*s' is no check; there are %s%s%s",
        n > 60 ? 60 : (int)n, name, known, nearest_hint(hint, name, n, known),
        spec_hint_program(clause, name, n));
}

int
verifier_parse(json_t **conf, const char *text, trv_err *err)
{
    const size_t n = strcspn(text, ",");
    char what[32];
    enum check check;
    int rc;

    *conf = NULL;
    rc = find_check(&check, text, n, err);
    if (rc)
        return rc;
    snprintf(what, sizeof(what), "verifier:%s", checks[check].info.name);
    *conf = json_object();
    if (!*conf)
        return err_nomem(err, "for %s", what);
    rc = text[n]
             ? conf_parse(*conf, text + n + 1, what, checks[check].options, err)
             : 0;
    if (!rc && json_object_set_new(*conf, "check",
                                   json_string(checks[check].info.name)))
        rc = err_nomem(err, "for %s", what);
    if (rc) {
        json_decref(*conf);
        *conf = NULL;
    }
    return rc;
}

static int
need(const struct verifier *v, const char *value, const char *key, trv_err *err)
{
    if (value && *value)
        return 0;
    return err_fail(err, TRV_EINVAL, "%s needs %s=", v->what, key);
}

static void
words_release(struct words *w)
{
    for (int64_t i = 0; i < w->n; i++)
        mem_free(w->v[i]);
    mem_free(w->v);
    *w = (struct words){0};
}

/* Append n bytes in lower case. */
static int
add_folded(struct strbuf *out, const char *s, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && !rc;) {
        uint32_t cp;

        i += utf8_get(&cp, s + i);
        rc = utf8_add(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp));
    }
    return rc;
}

/* "a|b|c" */
static int
read_words(struct verifier *v, const char *list, const char *key, trv_err *err)
{
    const char *p = list;
    size_t count = 1;

    for (const char *c = list; *c; c++)
        count += *c == '|';
    v->words.v = mem_calloc(count, sizeof(*v->words.v));
    if (!v->words.v)
        return err_nomem(err, "for %s", v->what);
    for (;;) {
        const size_t n = strcspn(p, "|");
        struct strbuf b = {0};
        int rc;

        if (n == 0)
            return err_fail(err, TRV_EINVAL,
                            "%s has an empty word among %s=%.100s", v->what,
                            key, list);
        rc = v->o.mind_case ? sb_add(&b, p, n) : add_folded(&b, p, n);
        v->words.v[v->words.n] = rc ? NULL : sb_take(&b);
        sb_release(&b);
        if (!v->words.v[v->words.n])
            return err_nomem(err, "for %s", v->what);
        v->words.n++;
        if (!p[n])
            return 0;
        p += n + 1;
    }
}

static int
read_regex(struct verifier *v, trv_err *err)
{
    struct strbuf re = {0};
    int rc = need(v, v->o.pattern, "pattern", err);

    if (rc)
        return rc;
    if (v->o.share && v->o.by == BY_TEXT)
        v->o.by = BY_SENTENCE;
    if (sb_printf(&re, "%s%s", v->o.mind_case ? "" : "(?i)", v->o.pattern))
        rc = err_nomem(err, "for %s", v->what);
    if (!rc)
        rc = pattern_regex(&v->pattern, re.s, re.len, "pattern", v->what, err);
    if (rc == TRV_EFORMAT) { // it came from an argument, not from a file
        rc = TRV_EINVAL;
        if (err)
            err->code = rc;
    }
    sb_release(&re);
    return rc;
}

static int
read_length(struct options *o, const json_t *conf, const char *what,
            trv_err *err)
{
    if (!json_object_get(conf, "lo") && !json_object_get(conf, "hi"))
        return err_fail(err, TRV_EINVAL, "%s needs lo= or hi=", what);
    if (o->hi < o->lo)
        return err_fail(err, TRV_EINVAL, "%s has hi=%g below lo=%g", what,
                        o->hi, o->lo);
    if (isnan(o->slack))
        o->slack = o->hi;
    return 0;
}

static int
read_column(struct verifier *v, trv_err *err)
{
    const int rc = v->o.column ? need(v, v->o.column, "column", err) : 0;

    if (rc || !v->o.column)
        return rc;
    v->column = mem_strdup(v->o.column);
    return v->column ? 0 : err_nomem(err, "for %s", v->what);
}

static int
read_check(struct verifier *v, const json_t *conf, trv_err *err)
{
    const struct options *o = &v->o;
    int rc;

    switch (v->check) {
    case CHECK_NUMBER:
    case CHECK_MATH:
    case CHECK_EXACT:
        return read_column(v, err);
    case CHECK_REGEX:
        return read_regex(v, err);
    case CHECK_CONTAINS:
        rc = need(v, o->words, "words", err);
        if (!rc && o->all && o->share)
            rc = err_fail(err, TRV_EINVAL, "%s has both all=1 and share=1",
                          v->what);
        return rc ? rc : read_words(v, o->words, "words", err);
    case CHECK_LENGTH:
        return read_length(&v->o, conf, v->what, err);
    case CHECK_JSON:
        return o->keys ? read_words(v, o->keys, "keys", err) : 0;
    case CHECK_COMMAND:
        rc = need(v, o->cmd, "cmd", err);
        return rc ? rc : outside_open(&v->helper, o->cmd, o->timeout_s, err);
    }
    return 0;
}

/* "check" names the table that reads the rest. */
static int
read_options(struct verifier *v, const json_t *conf, trv_err *err)
{
    json_t *rest = json_copy((json_t *)(uintptr_t)conf);
    int rc;

    if (!rest)
        return err_nomem(err, "for a verifier");
    (void)json_object_del(rest, "check");
    v->o = (struct options){
        .mind_case = true, .hi = (double)INFINITY, .slack = (double)NAN};
    rc = conf_read(&v->o, rest, checks[v->check].options, v->what, err);
    if (!rc)
        rc = read_check(v, rest, err);
    json_decref(rest);
    v->o.column = v->o.pattern = v->o.words = v->o.keys = v->o.cmd = NULL;
    return rc;
}

int
verifier_open(struct verifier **out, const json_t *conf,
              const struct tokenizer *t, trv_err *err)
{
    struct verifier *v = mem_calloc(1, sizeof(*v));
    const char *name = NULL;
    int rc;

    *out = NULL;
    if (!v)
        return err_nomem(err, "for a verifier");
    v->tokenizer = t;
    if (!json_is_object(conf))
        rc = err_fail(err, TRV_EINVAL, "a verifier is described by no object");
    else
        rc = conf_text(&name, conf, "check", "a verifier", err);
    if (!rc && !name)
        rc = err_fail(err, TRV_EINVAL, "a verifier needs 'check'");
    if (!rc)
        rc = find_check(&v->check, name, strlen(name), err);
    if (rc)
        goto done;
    snprintf(v->what, sizeof(v->what), "verifier:%s",
             checks[v->check].info.name);
    rc = read_options(v, conf, err);
    if (rc)
        goto done;
    *out = v;
    v = NULL;
done:
    verifier_free(v);
    return rc;
}

void
verifier_free(struct verifier *v)
{
    if (!v)
        return;
    outside_free(v->helper);
    words_release(&v->words);
    pattern_release(&v->pattern);
    pattern_scratch_release(&v->scratch);
    sb_release(&v->text);
    mem_free(v->column);
    mem_free(v);
}

bool
verifier_runs(const struct verifier *v)
{
    return v->check == CHECK_COMMAND;
}

/* ---- references --------------------------------------------------------- */

/* err_fail() that names the item. */
static int
in_item(int rc, const struct reward_item *item, int64_t index, trv_err *err)
{
    if (rc && err && item->row->path)
        err_prefix(err, "'%s' line %lld", item->row->path,
                   (long long)item->row->line);
    else if (rc && err)
        err_prefix(err, "answer %lld", (long long)index + 1);
    return rc;
}

/* A value as text, as Python prints it: itself, a number, a flag, a last
 * message. */
static int
value_text(struct strbuf *out, const json_t *v)
{
    if (json_is_array(v) && json_array_size(v) > 0)
        v = json_object_get(json_array_get(v, json_array_size(v) - 1),
                            "content");
    if (json_is_string(v))
        return sb_add(out, json_string_value(v), json_string_length(v));
    if (json_is_integer(v))
        return sb_printf(out, "%lld", (long long)json_integer_value(v));
    if (json_is_real(v))
        return jstr_float(out, json_real_value(v));
    if (json_is_boolean(v))
        return sb_puts(out, json_is_true(v) ? "true" : "false");
    return TRV_EINVAL;
}

static int
find_reference(struct strbuf *out, const json_t **found, const char **column,
               const struct verifier *v, const struct reward_item *item,
               trv_err *err)
{
    static const char *const names[] = {"answer", "reference", "solution",
                                        "completion"};
    const json_t *row = item->row->json;
    const json_t *own = item->own ? json_object_get(row, "completion") : NULL;
    const json_t *value = NULL;
    char hint[NEAREST_HINT];
    int rc;

    *column = v->column;
    if (v->column)
        value = json_object_get(row, v->column);
    for (size_t i = 0; !v->column && !value && i < 4; i++) {
        *column = names[i];
        value = json_object_get(row, names[i]);
        if (json_is_null(value) || (own && value == own))
            value = NULL; // what is scored is no reference for itself
    }
    if (!value && v->column)
        return err_fail(err, TRV_EINVAL,
                        "there is no column '%.60s', which "
                        "%s compares with%s",
                        v->column, v->what,
                        data_column_hint(hint, row, v->column));
    if (!value)
        return err_fail(err, TRV_EINVAL,
                        "%s needs a reference: a column answer, reference, "
                        "solution%s or one named by column=",
                        v->what, item->own ? "" : ", completion");
    *found = value;
    rc = value_text(out, value);
    if (rc == TRV_ENOMEM)
        return err_nomem(err, "for %s", v->what);
    return rc ? err_fail(err, rc, "column '%s' is no text and no number",
                         *column)
              : 0;
}

/* ---- checks ------------------------------------------------------------- */

static void
trim(const char **s, size_t *n)
{
    while (*n > 0) {
        uint32_t cp;
        const size_t k = utf8_get(&cp, *s);

        if (!utf8_is_space(cp))
            break;
        *s += k;
        *n -= k;
    }
    while (*n > 0) {
        uint32_t cp;
        const size_t at = utf8_back(*s, *n);

        (void)utf8_get(&cp, *s + at);
        if (!utf8_is_space(cp))
            break;
        *n = at;
    }
}

static int
check_value(struct verifier *v, double *score, const struct reward_item *item,
            trv_err *err)
{
    struct strbuf ref = {0};
    const json_t *found;
    const char *column;
    double real;
    int rc = find_reference(&ref, &found, &column, v, item, err);

    if (!rc) {
        const struct answer_value a = {.reference = ref.s ? ref.s : "",
                                       .n_reference = ref.len,
                                       .real =
                                           json_is_real(found) ? &real : NULL,
                                       .text = v->text.s,
                                       .n_text = v->text.len,
                                       .strict = v->o.strict,
                                       .formula = v->check == CHECK_MATH};

        real = json_real_value(found);
        rc = answer_value(score, &a, err);
        if (rc)
            err_prefix(err, "column '%.60s' with '%.60s' is not understood",
                       column, a.reference);
    }
    sb_release(&ref);
    return rc;
}

static int
check_exact(struct verifier *v, double *score, const struct reward_item *item,
            trv_err *err)
{
    struct strbuf ref = {0}, a = {0}, b = {0};
    const char *column, *s = v->text.s, *r;
    const json_t *found;
    size_t n = v->text.len, n_ref;
    int rc = find_reference(&ref, &found, &column, v, item, err);

    if (!rc) {
        r = ref.s ? ref.s : "";
        n_ref = ref.len;
        trim(&s, &n);
        trim(&r, &n_ref);
        if (v->o.mind_case)
            *score = n == n_ref && memcmp(s, r, n) == 0 ? 1.0 : 0.0;
        else if (add_folded(&a, s, n) || add_folded(&b, r, n_ref))
            rc = err_nomem(err, "for %s", v->what);
        else
            *score = a.len == b.len && (!a.len || !memcmp(a.s, b.s, a.len))
                         ? 1.0
                         : 0.0;
    }
    sb_release(&a);
    sb_release(&b);
    sb_release(&ref);
    return rc;
}

static bool
ends_sentence(char c)
{
    return c == '.' || c == '!' || c == '?';
}

/* The next part of the text from *at on: its bytes [*start, *end), blanks
 * around it left out. False where there is no more. */
static bool
next_part(enum by by, const char *s, size_t n, size_t *at, size_t *start,
          size_t *end)
{
    size_t i = *at;
    uint32_t cp = 0;

    while (i < n) { // what no part begins with
        const size_t k = utf8_get(&cp, s + i);
        const utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
        const bool letter =
            c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;

        if (by == BY_LETTER ? letter : !utf8_is_space(cp))
            break;
        i += k;
    }
    if (i >= n)
        return false;
    *start = *end = i;
    while (i < n) {
        const char first = s[i];
        const size_t k = utf8_get(&cp, s + i);

        if (first == '\n' || (by == BY_WORD && utf8_is_space(cp)))
            break;
        i += k;
        if (!utf8_is_space(cp))
            *end = i;
        if (by == BY_LETTER)
            break;
        if (by == BY_SENTENCE && ends_sentence(first) && i < n) {
            (void)utf8_get(&cp, s + i);
            if (utf8_is_space(cp))
                break;
        }
    }
    *at = i;
    return true;
}

/* Does the pattern match somewhere in these bytes? 1, 0 or an error. */
static int
matches(struct verifier *v, const char *s, size_t n, trv_err *err)
{
    struct pattern_search search;
    size_t start, end;

    if (pattern_begin(&search, &v->pattern, &v->scratch, s, n))
        return err_nomem(err, "for %s", v->what);
    return pattern_next(&search, &start, &end, err);
}

static int
check_regex(struct verifier *v, double *score, trv_err *err)
{
    size_t at = 0, start = 0, end = 0;
    int64_t parts = 0, hits = 0;
    int found = 0;

    if (v->o.by == BY_TEXT) {
        found = matches(v, v->text.s, v->text.len, err);
        *score = found;
        return found < 0 ? found : 0;
    }
    while (found >= 0 && next_part((enum by)v->o.by, v->text.s, v->text.len,
                                   &at, &start, &end)) {
        found = matches(v, v->text.s + start, end - start, err);
        hits += found > 0;
        parts++;
    }
    *score = parts ? (double)hits / (double)parts : 0.0;
    return found < 0 ? found : 0;
}

/* Is the word in the text, and not a part of a longer one? */
static bool
has_word(const struct verifier *v, const struct strbuf *text, const char *word)
{
    const size_t n = strlen(word);
    uint32_t first, last, beside;

    (void)utf8_get(&first, word);
    (void)utf8_get(&last, word + utf8_back(word, n));
    for (const char *p = text->s; p;) {
        const size_t left = text->len - (size_t)(p - text->s);
        bool whole = true;

        p = memmem(p, left, word, n);
        if (!p)
            return false;
        if (!v->o.inside && p > text->s && utf8_is_word(first)) {
            (void)utf8_get(&beside,
                           text->s + utf8_back(text->s, (size_t)(p - text->s)));
            whole = !utf8_is_word(beside);
        }
        if (!v->o.inside && p + n < text->s + text->len && utf8_is_word(last)) {
            (void)utf8_get(&beside, p + n);
            whole = whole && !utf8_is_word(beside);
        }
        if (whole)
            return true;
        p += utf8_len(*p);
    }
    return false;
}

static int
check_contains(struct verifier *v, double *score, trv_err *err)
{
    struct strbuf folded = {0};
    const struct strbuf *text = &v->text;
    int64_t found = 0;
    int rc = 0;

    if (!v->o.mind_case) {
        rc = add_folded(&folded, v->text.s, v->text.len);
        text = &folded;
    }
    for (int64_t i = 0; i < v->words.n && !rc && text->s; i++)
        found += has_word(v, text, v->words.v[i]);
    *score = v->o.share ? (double)found / (double)v->words.n
             : v->o.all ? (double)(found == v->words.n)
                        : (double)(found > 0);
    sb_release(&folded);
    return rc ? err_nomem(err, "for %s", v->what) : 0;
}

static int
check_length(struct verifier *v, double *score, const struct reward_item *item)
{
    size_t at = 0, start, end;
    double n = 0;

    if (v->o.by == LENGTH_WORDS) {
        while (next_part(BY_WORD, v->text.s, v->text.len, &at, &start, &end))
            n++;
    } else if (v->o.by == LENGTH_CHARS) {
        for (; at < v->text.len; at += utf8_len(v->text.s[at]))
            n++;
    } else {
        for (int64_t i = 0; i < item->n_ids; i++)
            n += !v->tokenizer ||
                 !tokenizer_is_special(v->tokenizer, item->ids[i]);
    }
    *score = n < v->o.lo                 ? n / v->o.lo
             : n <= v->o.hi              ? 1.0
             : n >= v->o.hi + v->o.slack ? 0.0
                                         : 1.0 - (n - v->o.hi) / v->o.slack;
    return 0;
}

static int
check_json(struct verifier *v, double *score, trv_err *err)
{
    const char *s = v->text.s;
    size_t n = v->text.len;
    json_error_t why;
    json_t *value;
    int64_t held = 0;

    trim(&s, &n);
    value = json_loadb(s, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (!value && json_error_code(&why) == json_error_out_of_memory)
        return err_nomem(err, "for %s", v->what);
    for (int64_t i = 0; i < v->words.n; i++)
        held += json_object_get(value, v->words.v[i]) != NULL;
    *score = !value       ? 0.0
             : v->o.share ? (double)(1 + held) / (double)(1 + v->words.n)
                          : (double)(held == v->words.n);
    json_decref(value);
    return 0;
}

/* {"prompt":, "completion":, other columns} */
static int
check_command(struct verifier *v, double *score, const struct reward_item *item,
              trv_err *err)
{
    const struct data_row *row = item->row;
    json_t *question = json_copy(row->json);
    json_t *prompt = NULL;
    int bad = !question, rc;

    if (!bad && row->prompt) {
        prompt = json_incref((json_t *)(uintptr_t)row->prompt);
    } else if (!bad && row->messages) { // all but the answer
        const size_t n = json_array_size(row->messages);
        const char *role = json_string_value(
            json_object_get(json_array_get(row->messages, n - 1), "role"));

        prompt = json_copy((json_t *)(uintptr_t)row->messages);
        if (prompt && role && strcmp(role, "assistant") == 0)
            bad = json_array_remove(prompt, n - 1);
    } else if (!bad) {
        prompt = json_string(row->text ? row->text : "");
    }
    bad = bad || json_object_set_new(question, "prompt", prompt) ||
          json_object_set_new(question, "completion",
                              json_stringn(v->text.s, v->text.len));
    rc = bad ? err_nomem(err, "for %s", v->what)
             : outside_ask(v->helper, score, question, err);
    json_decref(question);
    return rc;
}

int
verifier_score(struct verifier *v, double *score,
               const struct reward_item *item, int64_t index, trv_err *err)
{
    size_t used;
    int rc = 0;

    sb_reset(&v->text);
    if (sb_puts(&v->text, "") || // so that there is a text, if an empty one
        utf8_repair(&v->text, &used, item->text, item->n_text, false))
        return err_nomem(err, "for %s", v->what);
    switch (v->check) {
    case CHECK_NUMBER:
    case CHECK_MATH:
        rc = check_value(v, score, item, err);
        break;
    case CHECK_EXACT:
        rc = check_exact(v, score, item, err);
        break;
    case CHECK_REGEX:
        rc = check_regex(v, score, err);
        break;
    case CHECK_CONTAINS:
        rc = check_contains(v, score, err);
        break;
    case CHECK_LENGTH:
        rc = check_length(v, score, item);
        break;
    case CHECK_JSON:
        rc = check_json(v, score, err);
        break;
    case CHECK_COMMAND:
        rc = check_command(v, score, item, err);
        break;
    }
    if (rc)
        return in_item(rc, item, index, err);
    if (v->o.invert)
        *score = 1.0 - *score;
    return 0;
}

int
verifier_scores(struct session *s, struct adaptation *a, double *score,
                double *const *token, const struct reward_item *items,
                int64_t n, const struct reward_watch *watch, trv_err *err)
{
    int rc = 0;

    (void)s;
    TRV_ASSERT(!token);
    for (int64_t i = 0; i < n && !rc; i++) {
        rc = verifier_score(a->reward->verifier, &score[i], &items[i], i, err);
        if (!rc)
            rc = reward_report(watch, i + 1, n, err);
    }
    return rc;
}
