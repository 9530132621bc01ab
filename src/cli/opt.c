/* opt.c -- reading words by an option table.
 *
 * Every complaint is one sentence that names the option, what was given and
 * what it takes.
 */
#include "cli/opt.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hints.h"

#define NAME_MAX_LEN 40 // longer words are like no name

static int complain(char msg[OPT_MSG_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
complain(char msg[OPT_MSG_MAX], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(msg, OPT_MSG_MAX, fmt, ap);
    va_end(ap);
    return -1;
}

bool
opt_is_option(const struct opt_spec *s)
{
    return s->type != OPT_TYPE_END && s->type != OPT_TYPE_GROUP &&
           s->type != OPT_TYPE_ARG;
}

/* Capitals are no other letters. */
static bool
same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edit distance with neighbours swapped counting one (optimal alignment). */
static size_t
edit_distance(const char *a, const char *b)
{
    size_t rows[3][NAME_MAX_LEN + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    const size_t n_a = strlen(a), n_b = strlen(b);

    if (n_a > NAME_MAX_LEN || n_b > NAME_MAX_LEN)
        return SIZE_MAX;
    memset(rows, 0, sizeof(rows));
    for (size_t j = 0; j <= n_b; j++)
        last[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t *const spare = before;

        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t d = last[j - 1] + !same(a[i - 1], b[j - 1]);

            if (last[j] + 1 < d)
                d = last[j] + 1;
            if (row[j - 1] + 1 < d)
                d = row[j - 1] + 1;
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
                same(a[i - 2], b[j - 1]) && before[j - 2] + 1 < d)
                d = before[j - 2] + 1;
            row[j] = d;
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[n_b];
}

/* A short word that begins otherwise is another name, as hat is beside cat,
 * unless its first two letters are swapped. */
static bool
begins_alike(const char *word, size_t n, const char *name)
{
    return n > 4 || same(word[0], name[0]) ||
           (n > 1 && same(word[0], name[1]) && same(word[1], name[0]));
}

const char *
opt_nearest(const char *word, const char *const *names)
{
    const size_t n = strlen(word);
    size_t best_d = n < 5 ? 1 : n < 9 ? 2 : n / 3; // more is another word
    const char *best = NULL;

    if (n < 2)
        return NULL;
    for (; *names; names++) {
        const size_t d = edit_distance(word, *names);

        if (d < best_d + (best == NULL) && begins_alike(word, n, *names)) {
            best = *names;
            best_d = d;
        }
    }
    if (best && best_d >= strlen(best))
        return NULL; // every letter differs
    return best;
}

/* An option written with other dashes or capitals. */
static const char *
spelt_otherwise(const struct opt_table *tables, int n_tables, const char *word,
                size_t n)
{
    for (int t = 0; t < n_tables; t++)
        for (const struct opt_spec *s = tables[t].specs; s->type; s++)
            if (opt_is_option(s) && hint_same(word, n, s->name))
                return s->name;
    return NULL;
}

/* The only option of all tables that a word [n] begins, or else one that is
 * near. */
static const char *
nearest_option(const struct opt_table *tables, int n_tables, const char *word,
               size_t n)
{
    const char *names[160], *begun = NULL, *near;
    char copy[NAME_MAX_LEN + 2];
    size_t n_names = 0;
    int n_begun = 0;

    for (int t = 0; t < n_tables; t++)
        for (const struct opt_spec *s = tables[t].specs; s->type; s++) {
            if (!opt_is_option(s))
                continue;
            if (n > 2 && strncmp(word, s->name, n) == 0) {
                begun = s->name;
                n_begun++;
            }
            if (n_names + 1 < sizeof(names) / sizeof(*names))
                names[n_names++] = s->name;
        }
    names[n_names] = NULL;
    snprintf(copy, sizeof(copy), "%.*s", n < sizeof(copy) ? (int)n : 0, word);
    near = opt_nearest(copy, names);
    return n_begun == 1 ? begun : near;
}

/* What was found for a word: its spec and the struct that it fills. */
struct found {
    const struct opt_spec *spec;
    char *args;
};

static struct found
find_long(const struct opt_table *tables, int n_tables, const char *name,
          size_t n)
{
    for (int t = 0; t < n_tables; t++)
        for (const struct opt_spec *s = tables[t].specs; s->type; s++)
            if (opt_is_option(s) && strlen(s->name) == n &&
                !memcmp(s->name, name, n))
                return (struct found){s, tables[t].args};
    return (struct found){NULL, NULL};
}

/* The row for a word [n] without its two dashes, or with its one. */
static const struct hint *
find_hint(const char *word, size_t n)
{
    for (const struct hint *h = hints; h->theirs; h++)
        if ((n > 0 && word[0] == '-') == (h->theirs[0] == '-') &&
            hint_same(word, n, h->theirs))
            return h;
    return NULL;
}

/* What is called otherwise here: the first of the hint's options that a table
 * has, or what takes its place. False: there is nothing to be said. */
static bool
complain_of_foreign(const struct opt_table *tables, int n_tables,
                    const char *word, size_t n, char msg[OPT_MSG_MAX])
{
    const struct hint *h = find_hint(word, n);
    const char *dashes = n > 0 && word[0] == '-' ? "" : "--";
    struct found f = {NULL, NULL};

    for (const char *o = h ? h->ours : NULL; o && *o && !f.spec;) {
        const size_t len = strcspn(o, "|");

        f = find_long(tables, n_tables, o, len);
        o += len + (o[len] == '|');
    }
    if (f.spec)
        complain(msg, "unknown option '%s%.*s'; here it is '--%s'%s%s", dashes,
                 (int)n, word, f.spec->name, h->note ? ", " : "",
                 h->note ? h->note : "");
    else if (h && h->instead)
        complain(msg, "unknown option '%s%.*s'; %s", dashes, (int)n, word,
                 h->instead);
    return f.spec || (h && h->instead);
}

static struct found
find_letter(const struct opt_table *tables, int n_tables, char letter)
{
    for (int t = 0; t < n_tables; t++)
        for (const struct opt_spec *s = tables[t].specs; s->type; s++)
            if (opt_is_option(s) && s->letter == letter)
                return (struct found){s, tables[t].args};
    return (struct found){NULL, NULL};
}

/* Plain digits with thousands as typed: no commas, so that it can be copied. */
static void
number_text(char *out, size_t size, double x)
{
    if (fabs(x) < 1e15 && x == floor(x))
        snprintf(out, size, "%.0f", x);
    else
        snprintf(out, size, "%g", x);
}

void
opt_range_text(char *out, size_t size, const struct opt_spec *s)
{
    char lo[64], hi[64];

    out[0] = '\0';
    number_text(lo, sizeof(lo), s->lo);
    number_text(hi, sizeof(hi), s->hi);
    if (s->type == OPT_TYPE_SEED)
        snprintf(out, size, "0 to 18446744073709551615");
    else if (s->type != OPT_TYPE_INT && s->type != OPT_TYPE_NUM)
        return;
    else if (isinf(s->hi) || (s->type == OPT_TYPE_INT && s->hi >= INT32_MAX))
        snprintf(out, size, s->above ? "above %s" : "%s or more", lo);
    else if (s->above)
        snprintf(out, size, "above %s, up to %s", lo, hi);
    else
        snprintf(out, size, "%s to %s", lo, hi);
}

void
opt_default_text(char *out, size_t size, const struct opt_spec *s,
                 const void *defaults)
{
    const char *at = (const char *)defaults + s->offset;
    const char *text = NULL;
    char number[64] = "";

    out[0] = '\0';
    if (s->shown) {
        if (*s->shown)
            snprintf(out, size, "default: %s", s->shown);
        return;
    }
    switch (s->type) {
    case OPT_TYPE_INT:
        snprintf(number, sizeof(number), "%d", *(const int32_t *)at);
        text = number;
        break;
    case OPT_TYPE_SEED:
        snprintf(number, sizeof(number), "%llu",
                 (unsigned long long)*(const uint64_t *)at);
        text = number;
        break;
    case OPT_TYPE_NUM:
        snprintf(number, sizeof(number), "%g", *(const double *)at);
        text = number;
        break;
    case OPT_TYPE_TEXT:
    case OPT_TYPE_CHOICE:
        text = *(const char *const *)at;
        break;
    default:
        break;
    }
    if (text)
        snprintf(out, size, "default %s", text);
}

/* "takes a whole number of 1 or more (tokens), not '-5'" */
static int
wrong_number(const struct opt_spec *s, const char *text, char msg[OPT_MSG_MAX])
{
    char range[128];
    const char *joint = "from ";

    opt_range_text(range, sizeof(range), s);
    if (s->above)
        joint = "";
    else if (strstr(range, "or more"))
        joint = "of ";
    return complain(
        msg, "option '--%s' takes a %snumber %s%s%s%s%s, not '%.100s'", s->name,
        s->type == OPT_TYPE_NUM ? "" : "whole ", joint, range,
        s->unit ? " (" : "", s->unit ? s->unit : "", s->unit ? ")" : "", text);
}

static int
set_int(const struct opt_spec *s, char *at, const char *text,
        char msg[OPT_MSG_MAX])
{
    char *end;
    long long x;

    errno = 0;
    x = strtoll(text, &end, 10);
    if (end == text || *end || errno || (double)x < s->lo ||
        (double)x > s->hi || x < INT32_MIN || x > INT32_MAX ||
        (s->above && (double)x == s->lo))
        return wrong_number(s, text, msg);
    *(int32_t *)(void *)at = (int32_t)x;
    return 0;
}

static int
set_seed(const struct opt_spec *s, char *at, const char *text,
         char msg[OPT_MSG_MAX])
{
    char *end;
    unsigned long long x;

    errno = 0;
    x = strtoull(text, &end, 10); // takes a sign, which a seed has not
    if (*text < '0' || *text > '9' || *end || errno)
        return wrong_number(s, text, msg);
    *(uint64_t *)(void *)at = x;
    return 0;
}

static int
set_num(const struct opt_spec *s, char *at, const char *text,
        char msg[OPT_MSG_MAX])
{
    char *end;
    double x;

    errno = 0;
    x = strtod(text, &end);
    if (end == text || *end || !isfinite(x) || x < s->lo || x > s->hi ||
        (s->above && x == s->lo))
        return wrong_number(s, text, msg);
    *(double *)(void *)at = x;
    return 0;
}

static int
set_choice(const struct opt_spec *s, char *at, const char *text,
           char msg[OPT_MSG_MAX])
{
    const size_t n = strlen(text);
    const char *names[16];
    char words[OPT_MSG_MAX], *w = words;
    const char *const hint = hint_of_value(s->name, text);
    const char *near;
    size_t n_names = 0;

    for (const char *c = s->choices; c;) {
        const char *bar = strchr(c, '|');
        const size_t len = bar ? (size_t)(bar - c) : strlen(c);

        if (len == n && !memcmp(c, text, n)) {
            *(const char **)(void *)at = text;
            return 0;
        }
        if ((size_t)(w - words) + len + 1 < sizeof(words) && n_names < 15) {
            names[n_names++] = w;
            memcpy(w, c, len);
            w[len] = '\0';
            w += len + 1;
        }
        c = bar ? bar + 1 : NULL;
    }
    names[n_names] = NULL;
    near = opt_nearest(text, names);
    complain(msg, "option '--%s' takes one of %s, not '%.100s'", s->name,
             s->choices, text);
    w = msg + strlen(msg);
    if (hint)
        snprintf(w, OPT_MSG_MAX - (size_t)(w - msg), "; %s", hint);
    else if (near)
        snprintf(w, OPT_MSG_MAX - (size_t)(w - msg), " (did you mean '%s'?)",
                 near);
    return -1;
}

static int
set_list(char *at, const char *text, int argc, char msg[OPT_MSG_MAX])
{
    struct opt_list *list = (struct opt_list *)(void *)at;

    if (!list->items) // there are never more values than words
        list->items = calloc((size_t)argc, sizeof(*list->items));
    if (!list->items)
        return complain(msg, "no memory to read the command line");
    list->items[list->n++] = text;
    return 0;
}

static int
set_value(struct found f, const char *text, int argc, char msg[OPT_MSG_MAX])
{
    char *at = f.args + f.spec->offset;

    switch (f.spec->type) {
    case OPT_TYPE_INT:
        return set_int(f.spec, at, text, msg);
    case OPT_TYPE_SEED:
        return set_seed(f.spec, at, text, msg);
    case OPT_TYPE_NUM:
        return set_num(f.spec, at, text, msg);
    case OPT_TYPE_CHOICE:
        return set_choice(f.spec, at, text, msg);
    case OPT_TYPE_LIST:
        return set_list(at, text, argc, msg);
    default:
        *(const char **)(void *)at = text;
        return 0;
    }
}

/* What the reader has: the words, where it stands, and what it fills. */
struct reader {
    const struct opt_table *tables;
    int n_tables, argc, at;
    char *const *argv;
    char *msg;
};

/* The word after an option; one that is itself a known option is none, so a
 * forgotten value is named instead of swallowing its neighbour. */
static const char *
next_value(struct reader *r)
{
    const char *word = r->at + 1 < r->argc ? r->argv[r->at + 1] : NULL;

    if (!word)
        return NULL;
    if (!strncmp(word, "--", 2) &&
        (!word[2] ||
         find_long(r->tables, r->n_tables, word + 2, strcspn(word + 2, "="))
             .spec))
        return NULL;
    r->at++;
    return word;
}

static int
read_long(struct reader *r)
{
    const char *name = r->argv[r->at] + 2;
    const char *value = strchr(name, '=');
    const size_t n = value ? (size_t)(value - name) : strlen(name);
    const struct found f = find_long(r->tables, r->n_tables, name, n);

    if (!f.spec) {
        const char *near = spelt_otherwise(r->tables, r->n_tables, name, n);

        if (!near &&
            complain_of_foreign(r->tables, r->n_tables, name, n, r->msg))
            return -1;
        if (!near)
            near = nearest_option(r->tables, r->n_tables, name, n);
        if (near)
            return complain(r->msg,
                            "unknown option '--%.*s'; did you mean '--%s'?",
                            n < 100 ? (int)n : 100, name, near);
        return complain(r->msg, "unknown option '--%.*s'",
                        n < 100 ? (int)n : 100, name);
    }
    if (f.spec->type == OPT_TYPE_FLAG) {
        if (value)
            return complain(r->msg,
                            "option '--%s' takes no value, not '%.100s'",
                            f.spec->name, value + 1);
        *(bool *)(void *)(f.args + f.spec->offset) = true;
        return 0;
    }
    value = value ? value + 1 : next_value(r);
    if (!value)
        return complain(r->msg, "option '--%s' needs a value (%s)",
                        f.spec->name, f.spec->value ? f.spec->value : "TEXT");
    return set_value(f, value, r->argc, r->msg);
}

/* "-q", "-qj" (two flags), "-m PATH", "-mPATH". */
static int
read_short(struct reader *r)
{
    const char *const word = r->argv[r->at];

    if (word[2] &&
        complain_of_foreign(r->tables, r->n_tables, word, strlen(word), r->msg))
        return -1;
    for (const char *c = word + 1; *c; c++) {
        const struct found f = find_letter(r->tables, r->n_tables, *c);
        const char *value;

        if (!f.spec)
            return complain(r->msg, "unknown option '-%c' in '%.100s'", *c,
                            word);
        if (f.spec->type == OPT_TYPE_FLAG) {
            *(bool *)(void *)(f.args + f.spec->offset) = true;
            continue;
        }
        value = c[1] ? c + 1 : next_value(r);
        if (!value)
            return complain(r->msg, "option '-%c' (--%s) needs a value (%s)",
                            *c, f.spec->name,
                            f.spec->value ? f.spec->value : "TEXT");
        return set_value(f, value, r->argc, r->msg);
    }
    return 0;
}

/* Is a word an option that takes no value? */
static bool
is_flag(const struct reader *r, const char *word)
{
    const struct found f =
        strncmp(word, "--", 2) == 0
            ? find_long(r->tables, r->n_tables, word + 2, strlen(word + 2))
            : (struct found){NULL, NULL};

    return f.spec && f.spec->type == OPT_TYPE_FLAG;
}

static int
read_argument(struct reader *r)
{
    const struct opt_spec *missing = NULL;
    bool takes_any = false;

    for (int t = 0; t < r->n_tables; t++)
        for (const struct opt_spec *s = r->tables[t].specs; s->type; s++) {
            const char **at;

            if (s->type != OPT_TYPE_ARG)
                continue;
            takes_any = true;
            at = (const char **)(void *)((char *)r->tables[t].args + s->offset);
            if (!*at) {
                *at = r->argv[r->at];
                return 0;
            }
        }
    for (int t = 0; t < r->n_tables && !missing && !takes_any; t++)
        missing = opt_missing(&r->tables[t]);
    if (r->at > 0 && is_flag(r, r->argv[r->at - 1]))
        return complain(r->msg, "unexpected argument '%.100s': %s takes none",
                        r->argv[r->at], r->argv[r->at - 1]);
    if (missing && opt_is_option(missing))
        return complain(r->msg,
                        "unexpected argument '%.100s'; write --%s %.100s",
                        r->argv[r->at], missing->name, r->argv[r->at]);
    return complain(r->msg, "unexpected argument '%.100s'", r->argv[r->at]);
}

int
opt_parse(const struct opt_table *tables, int n_tables, int argc,
          char *const *argv, bool stop_at_word, char msg[OPT_MSG_MAX])
{
    struct reader r = {tables, n_tables, argc, 0, argv, msg};
    bool options = true;

    for (; r.at < argc; r.at++) {
        const char *word = argv[r.at];
        int rc;

        if (options && !strcmp(word, "--")) {
            options = false;
            continue;
        }
        if (options && !strncmp(word, "--", 2))
            rc = read_long(&r);
        else if (options && word[0] == '-' && word[1])
            rc = read_short(&r);
        else if (stop_at_word)
            break;
        else
            rc = read_argument(&r);
        if (rc)
            return rc;
    }
    return r.at;
}

const struct opt_spec *
opt_missing(const struct opt_table *table)
{
    for (const struct opt_spec *s = table->specs; s->type; s++) {
        const char *at = (const char *)table->args + s->offset;

        if (s->required && !*(const char *const *)(const void *)at)
            return s;
    }
    return NULL;
}

void
opt_release(const struct opt_table *table)
{
    for (const struct opt_spec *s = table->specs; s->type; s++)
        if (s->type == OPT_TYPE_LIST) {
            struct opt_list *list =
                (struct opt_list *)(void *)((char *)table->args + s->offset);

            free(list->items);
            *list = (struct opt_list){NULL, 0};
        }
}
