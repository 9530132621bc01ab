/* spec.c -- the grammar of specs. A kind's row gives the syntax behind its
 * prefix. Nothing is opened; files are only checked to exist.
 */
#include "adapt/spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/adaptation.h"
#include "adapt/cross_model.h"
#include "adapt/reward/reward_conf.h"
#include "adapt/reward/verifier.h"
#include "adapt/spec_hint.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "model/files/hub.h"

static bool
is_reward(const struct kind_row *row)
{
    return row && kind_form(row->kind) == FORM_REWARD;
}

/* ---- trees --------------------------------------------------------------- */

void
spec_free(struct spec *s)
{
    if (!s)
        return;
    for (int64_t i = 0; i < s->n_parts; i++)
        spec_free(s->parts[i].of);
    mem_free(s->parts);
    json_decref(s->conf);
    json_decref(s->messages);
    mem_free(s->referrer);
    mem_free(s->words);
    mem_free(s->path);
    mem_free(s->text);
    mem_free(s);
}

/* Folders that name themselves would take for ever. */
static int
count_reward(int depth, int *left, trv_err *err)
{
    if (depth > SPEC_DEPTH_MAX)
        return err_fail(err, TRV_EINVAL,
                        "rewards stand in rewards more than %d deep",
                        SPEC_DEPTH_MAX);
    if (--*left < 0)
        return err_fail(err, TRV_EINVAL, "too many rewards stand in one");
    return 0;
}

int
spec_new(struct spec **out, const struct kind_row *row, const char *text,
         int depth, int *left, trv_err *err)
{
    int rc = row && kind_is_described(row) ? count_reward(depth, left, err) : 0;
    struct spec *s;

    *out = NULL;
    if (rc)
        return rc;
    s = mem_calloc(1, sizeof(*s));
    if (!s)
        return err_nomem(err, "to read '%.200s'", text);
    s->row = row;
    s->depth = depth;
    s->text = mem_strdup(text);
    if (!s->text) {
        spec_free(s);
        return err_nomem(err, "to read '%.200s'", text);
    }
    *out = s;
    return 0;
}

int
spec_add(struct spec *s, double weight, struct spec *of, trv_err *err)
{
    struct spec_part *more;
    int rc = 0;

    if (!isfinite(weight))
        rc = err_fail(err, TRV_EINVAL, "the weight of '%.200s' is no number",
                      of->text);
    else if (is_reward(s->row) && s->n_parts >= SPEC_SUM_MAX)
        rc = err_fail(err, TRV_EINVAL, "a sum has more than %d components",
                      SPEC_SUM_MAX);
    if (rc) {
        spec_free(of);
        return rc;
    }
    more = mem_reallocarray(s->parts, (size_t)s->n_parts + 1, sizeof(*more));
    if (!more) {
        spec_free(of);
        return err_nomem(err, "to read '%.200s'", s->text);
    }
    s->parts = more;
    s->parts[s->n_parts++] = (struct spec_part){weight, of};
    return 0;
}

/* ---- names --------------------------------------------------------------- */

/* "lora:DIR, ..." of all that a spec can name. */
static int
list_usage(struct strbuf *out)
{
    const struct kind_row *row;
    int bad = 0;

    for (int i = 0; (row = kind_row_at(i)); i++)
        if (row->usage)
            bad |= sb_printf(out, "%s, ", row->usage);
    return bad | sb_puts(out, "the folder of an artefact, base");
}

static const struct kind_row *
find_prefix(const char *text, size_t n)
{
    const struct kind_row *row;

    for (int i = 0; (row = kind_row_at(i)); i++)
        if (row->prefix && strlen(row->prefix) == n &&
            strncmp(text, row->prefix, n) == 0)
            return row;
    return NULL;
}

/* The row of a prefix or of a kind. */
static const struct kind_row *
find_named(const char *text, size_t n)
{
    const struct kind_row *row = find_prefix(text, n);

    for (int k = KIND_BASE + 1; k < KIND_COUNT && !row; k++)
        if (strlen(kind_name((enum kind)k)) == n &&
            strncmp(text, kind_name((enum kind)k), n) == 0)
            row = kind_row((enum kind)k);
    return row;
}

/* The row whose prefix a spec begins with, and what stands behind it. */
static const struct kind_row *
find_row(const char **rest, const char *text)
{
    const size_t n = strcspn(text, ":");
    const struct kind_row *row = text[n] ? find_prefix(text, n) : NULL;

    if (row)
        *rest = text + n + 1;
    return row;
}

static int
no_kind(const char *word, size_t n, trv_err *err)
{
    return err_fail(err, TRV_EINVAL, "'%.*s' is no kind; did you mean '%s'?",
                    (int)n, word, kind_nearest(word, n));
}

int
adaptation_target(enum kind *kind, const char **path, const char *to,
                  trv_err *err)
{
    const size_t n = strcspn(to, ":");

    if (strncmp(to, "prompt:", 7) == 0 && to[7]) {
        *kind = KIND_TEXT;
        *path = to + 7;
        return 0;
    }
    for (int k = 1; k < KIND_COUNT; k++) {
        const char *name = kind_name((enum kind)k);

        if (strlen(name) != n || strncmp(name, to, n) != 0 || to[n] != ':')
            continue;
        if (!to[n + 1])
            return err_fail(err, TRV_EINVAL, "'%.200s' names no folder", to);
        *kind = (enum kind)k;
        *path = to + n + 1;
        return 0;
    }
    if (to[n] == ':' && kind_nearest(to, n))
        return no_kind(to, n, err);
    return err_fail(err, TRV_EINVAL,
                    "'%.200s' is no KIND:FOLDER, as in lora:out/z", to);
}

/* ---- what stands behind a prefix ----------------------------------------- */

static int
take_path(struct spec *s, const char *path, size_t n, trv_err *err)
{
    if (n == 0)
        return err_fail(err, TRV_EINVAL, "'%s' names no file or folder",
                        s->text);
    s->path = mem_strndup(path, n);
    return s->path ? 0 : err_nomem(err, "to read '%.200s'", s->text);
}

/* The same of a model or an adapter, which may be named as on the Hub. */
static int
take_place(struct spec *s, const char *given, size_t n, trv_err *err)
{
    struct hub_place place;
    int rc = take_path(s, given, n, err);

    if (rc)
        return rc;
    rc = hub_find(&place, s->path, HUB_WEIGHTS, err);
    if (rc)
        return rc;
    mem_free(s->path);
    s->path = place.path;
    place.path = NULL;
    hub_release(&place);
    return 0;
}

static int
read_words(struct spec *s, const char *rest, trv_err *err)
{
    if (*rest == '@')
        return take_path(s, rest + 1, strlen(rest + 1), err);
    s->n_words = strlen(rest);
    s->words = mem_strdup(rest);
    return s->words ? 0 : err_nomem(err, "to read '%.200s'", s->text);
}

/* The first comma behind the name of a file that is there; NULL: none. */
static const char *
behind_file(const char *rest)
{
    for (const char *at = rest; (at = strchr(at, ',')); at++) {
        char *file = mem_strndup(rest, (size_t)(at - rest));
        const bool there = file && file_exists(file);

        mem_free(file);
        if (there)
            return at;
    }
    return NULL;
}

/* FILE,key=value,...: the options begin at the first comma that a known key
 * and its sign follow, so a file's name may hold commas. */
static int
read_listed(struct spec *s, const char *rest, trv_err *err)
{
    const struct conf_option *o = s->row->options;
    const char *options = NULL;
    int rc;

    s->is_folder = file_is_dir(rest);
    if (s->is_folder)
        return take_path(s, rest, strlen(rest), err);
    for (const char *at = rest; (at = strchr(at, ',')) && !options; at++)
        for (int i = 0; o[i].info.name; i++)
            if (!strncmp(at + 1, o[i].info.name, strlen(o[i].info.name)) &&
                at[1 + strlen(o[i].info.name)] == '=')
                options = at;
    if (!options && !file_exists(rest)) // FILE, and what is no option of it
        options = behind_file(rest);
    rc = take_path(s, rest, options ? (size_t)(options - rest) : strlen(rest),
                   err);
    if (rc)
        return rc;
    s->conf = json_object();
    if (!s->conf)
        return err_nomem(err, "to read '%.200s'", s->text);
    return options ? conf_parse(s->conf, options + 1, s->row->prefix, o, err)
                   : 0;
}

static int
read_folder(struct spec *s, const char *rest, trv_err *err)
{
    const int rc = take_place(s, rest, strlen(rest), err);

    if (rc)
        return rc;
    s->is_folder = file_is_dir(s->path);
    if (!s->is_folder && s->row->is_file && s->row->is_file(s->path))
        return 0;
    if (!s->is_folder && s->row->config)
        return err_fail(err, TRV_EIO,
                        "'%s' is no folder; %s is one that holds "
                        "%s",
                        s->path, s->row->prefix, s->row->config);
    return 0;
}

/* W*A: an optional sign, a number, a star and more. Gives the number and what
 * stands behind the star; else NULL. */
static const char *
weighted(double *weight, const char *s)
{
    const size_t sign = *s == '+' || *s == '-';
    char *end;

    if (!strchr("0123456789.", s[sign]) || !s[sign])
        return NULL;
    *weight = strtod(s, &end);
    return *end == '*' && end[1] ? end + 1 : NULL;
}

/* A part of a mix or a sum. */
static int
read_part(struct spec *s, double weight, const char *text, int *left,
          trv_err *err)
{
    const bool sum = is_reward(s->row);
    struct spec *of = NULL;
    const char *rest;
    int rc;

    if (find_row(&rest, text) == s->row)
        return sum ? err_fail(err, TRV_EINVAL,
                              "a sum inside a sum needs a folder of its own")
                   : err_fail(
                         err, TRV_EINVAL,
                         "'%.200s' is a mix, which cannot be a component of "
                         "one",
                         text);
    rc = spec_read(&of, text, s->depth + sum, left, err);
    return rc ? rc : spec_add(s, weight, of, err);
}

/* 1.5*A-0.5*B: a part ends where a sign, a number and a star begin the next. */
static int
read_sum(struct spec *s, const char *rest, int *left, trv_err *err)
{
    double weight, next;
    const char *at = weighted(&weight, rest);
    int rc = 0;

    if (!at)
        return is_reward(s->row)
                   ? err_fail(err, TRV_EINVAL,
                              "'%.200s' is no sum: it is WEIGHT*REWARD, and "
                              "further ones behind + or -, as in "
                              "sum:0.7*verifier:number+0.3*judge:@FILE",
                              s->text)
                   : err_fail(err, TRV_EINVAL,
                              "'%.200s' is no mix: it is WEIGHT*ADAPTATION, "
                              "and further ones behind + or -, as in "
                              "mix:1.5*lora:out/a-0.5*prompt:@z.txt",
                              s->text);
    while (at && !rc) {
        const char *end = at + 1;
        char *one;

        while (*end && !((*end == '+' || *end == '-') && weighted(&next, end)))
            end++;
        one = mem_strndup(at, (size_t)(end - at));
        if (!one)
            return err_nomem(err, "to read '%.200s'", s->text);
        rc = read_part(s, weight, one, left, err);
        mem_free(one);
        at = *end ? weighted(&weight, end) : NULL;
    }
    return rc;
}

/* DIR,A */
static int
read_beside(struct spec *s, const char *rest, int *left, trv_err *err)
{
    const char *comma = strchr(rest, ','), *behind;
    const struct kind_row *row;
    struct spec *of;
    int rc = 0;

    if (!comma || comma == rest || !comma[1] ||
        strncmp(comma + 1, "on:", 3) == 0)
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' names no model and adaptation: it is "
                        "on:DIR,A, as in on:models/a,lora:out/z",
                        s->text);
    row = find_row(&behind, comma + 1);
    if (row) // what is known by its name, before more is read
        rc = cross_model_check(row->kind, comma + 1, err);
    if (!rc)
        rc = take_place(s, rest, (size_t)(comma - rest), err);
    if (!rc)
        rc = spec_read(&of, comma + 1, s->depth, left, err);
    return rc ? rc : spec_add(s, 1.0, of, err);
}

/* One side of a reward that compares; "base" is none where that may be. */
static int
read_side(struct spec *s, const char *text, bool may_be_base, int *left,
          trv_err *err)
{
    struct spec *of = NULL;
    int rc = 0;

    if (!*text)
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' names no adaptation: it is %s", s->text,
                        s->row->usage);
    if (!may_be_base || strcmp(text, "base") != 0)
        rc = spec_read(&of, text, s->depth + 1, left, err);
    return rc ? rc : spec_add(s, 1.0, of, err);
}

/* ",mins=" in place of ",minus=": the word, or NULL. */
static const char *
misspelt_side(const char *rest, const char *side)
{
    for (const char *at = rest; (at = strchr(at, ','));) {
        const size_t n = strspn(++at, "abcdefghijklmnopqrstuvwxyz");

        if (at[n] == '=' &&
            nearest_is_near(nearest_distance(at, n, side), n, side))
            return at;
    }
    return NULL;
}

/* [key=value,]...A[,minus=B] */
static int
read_sides(struct spec *s, const char *rest, int *left, trv_err *err)
{
    const struct kind_row *row = s->row;
    const char *second = NULL;
    char mark[32], *first;
    int rc;

    s->conf = json_object();
    if (!s->conf)
        return err_nomem(err, "to read '%.200s'", s->text);
    rc = conf_lead(s->conf, &rest, row->prefix, row->options, row->alone, err);
    if (rc)
        return rc;
    if (row->sides[1]) {
        snprintf(mark, sizeof(mark), ",%s=", row->sides[1]);
        second = strstr(rest, mark);
    }
    if (row->sides[1] && !second && misspelt_side(rest, row->sides[1]))
        return err_fail(
            err, TRV_EINVAL, "'%.200s' has no side '%.*s'; did you mean '%s='?",
            s->text, (int)strcspn(misspelt_side(rest, row->sides[1]), "="),
            misspelt_side(rest, row->sides[1]), row->sides[1]);
    first = mem_strndup(rest, second ? (size_t)(second - rest) : strlen(rest));
    if (!first)
        return err_nomem(err, "to read '%.200s'", s->text);
    rc = read_side(s, row->alone && !*first ? "base" : first, row->alone, left,
                   err);
    mem_free(first);
    if (!rc && row->sides[1])
        rc = read_side(s, second ? second + strlen(mark) : "base", true, left,
                       err);
    return rc;
}

static int
read_rest(struct spec *s, const char *rest, int *left, trv_err *err)
{
    switch (s->row->subject) {
    case SUBJECT_WORDS:
        return read_words(s, rest, err);
    case SUBJECT_FILE:
        return take_path(s, rest, strlen(rest), err);
    case SUBJECT_LISTED:
        return read_listed(s, rest, err);
    case SUBJECT_FOLDER:
        return read_folder(s, rest, err);
    case SUBJECT_SUM:
        return read_sum(s, rest, left, err);
    case SUBJECT_BESIDE:
        return read_beside(s, rest, left, err);
    case SUBJECT_RULE:
        return s->row->parse(&s->conf, rest, err);
    case SUBJECT_SIDES:
        return read_sides(s, rest, left, err);
    case SUBJECT_NONE:
        break;
    }
    return 0;
}

/* ---- whole specs --------------------------------------------------------- */

/* Does a text name a check, as verifier:CHECK would? */
static bool
is_check(const char *text)
{
    const size_t n = strcspn(text, ",");
    const trv_check *check;

    for (int i = 0; (check = verifier_check_at(i)) != NULL; i++)
        if (strlen(check->name) == n && strncmp(check->name, text, n) == 0)
            return true;
    return false;
}

static int
unknown(const char *text, trv_err *err)
{
    const size_t n = strcspn(text, ":");
    const struct kind_row *row;
    struct strbuf known = {0};
    char hint[NEAREST_HINT], clause[SPEC_HINT];
    int rc;

    if (spec_hint(clause, text))
        return err_fail(err, TRV_EINVAL, "'%.200s' is no adaptation: %s", text,
                        clause);
    if (!file_exists(text) && kind_nearest(text, n)) {
        row = find_named(text, n);
        return row ? err_fail(err, TRV_EINVAL,
                              "'%.200s' names no adaptation of kind %.*s: "
                              "write %s",
                              text, (int)n, text, row->usage)
                   : no_kind(text, n, err);
    }
    if (!file_exists(text) && is_check(text))
        rc = err_fail(err, TRV_EINVAL,
                      "'%.200s' is a check: write verifier:%.200s", text, text);
    else if (!file_exists(text) && strpbrk(text, " \n"))
        rc = err_fail(err, TRV_EINVAL,
                      "there is no '%.200s': write prompt:TEXT for a prompt, "
                      "judge:TEXT for a principle",
                      text);
    else if (file_is_part(text))
        rc =
            err_fail(err, TRV_EINVAL,
                     "'%.200s' is one file of a folder: name the folder", text);
    else if (list_usage(&known))
        rc = err_nomem(err, "to read '%.200s'", text);
    else if (file_exists(text))
        rc = err_fail(err, TRV_EINVAL,
                      "'%.200s' is a file of unknown kind: an adaptation is "
                      "one of %s",
                      text, known.s);
    else if (strchr(text, ':'))
        rc = err_fail(err, TRV_EINVAL,
                      "'%.200s' is no adaptation: the known forms are %s", text,
                      known.s);
    else
        rc = err_fail(err, TRV_EIO,
                      "there is no '%.200s'; an adaptation is one of %s%s",
                      text, known.s, nearest_hint(hint, text, n, "base"));
    sb_release(&known);
    return rc;
}

static bool
ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), k = strlen(end);

    return n >= k && !strcmp(s + n - k, end);
}

/* ORG/NAME: a folder of whatever kind, or a LoRA as a GGUF file. */
static int
read_of_hub(struct spec **out, const char *text, int depth, int *left,
            trv_err *err)
{
    int rc = spec_new(out, NULL, text, depth, left, err);

    if (!rc)
        rc = take_place(*out, text, strlen(text), err);
    if (rc)
        return rc;
    (*out)->is_folder = file_is_dir((*out)->path);
    if (!(*out)->is_folder)
        (*out)->row = kind_row(KIND_LORA);
    return 0;
}

/* A spec without a prefix: base, or the name of a folder or a file. */
static int
read_name(struct spec **out, const char *text, int depth, int *left,
          trv_err *err)
{
    const struct kind_row *row = NULL;
    const bool of_hub =
        !file_exists(text) && hub_is_name(text) && strchr(text, '/');
    bool is_folder;
    int rc;

    if (!strcmp(text, "base"))
        return spec_new(out, kind_row(KIND_BASE), text, depth, left, err);
    if (of_hub)
        return read_of_hub(out, text, depth, left, err);
    is_folder = file_is_dir(text);
    if (!is_folder && file_exists(text) && ends_with(text, ".txt"))
        row = kind_row(KIND_TEXT);
    else if (!is_folder && file_exists(text) && ends_with(text, ".json"))
        row = kind_row(KIND_MESSAGES);
    else if (!is_folder && kind_row(KIND_LORA)->is_file(text))
        row = kind_row(KIND_LORA);
    else if (!is_folder)
        return unknown(text, err);
    rc = spec_new(out, row, text, depth, left, err);
    if (rc)
        return rc;
    (*out)->is_folder = is_folder;
    return take_path(*out, text, strlen(text), err);
}

int
spec_read(struct spec **out, const char *text, int depth, int *left,
          trv_err *err)
{
    const char *rest;
    const struct kind_row *row = find_row(&rest, text);
    int rc;

    *out = NULL;
    if (!row) {
        rc = read_name(out, text, depth, left, err);
    } else {
        rc = spec_new(out, row, text, depth, left, err);
        if (!rc)
            rc = read_rest(*out, rest, left, err);
    }
    if (rc) {
        spec_free(*out);
        *out = NULL;
    }
    return rc;
}

/* ---- lists --------------------------------------------------------------- */

/* A = W is not read as a weight behind these: their texts and options hold
 * signs of their own. */
static bool
keeps_signs(const char *text)
{
    const char *rest;
    const struct kind_row *row = find_row(&rest, text);

    return row && (kind_is_described(row) || row->subject == SUBJECT_LISTED ||
                   (row->subject == SUBJECT_WORDS && *rest != '@'));
}

/* Parse the spec of a weighted adaptation: W*A, A=W, or A alone. */
static int
split_weight(struct strbuf *spec, double *weight, const char *given,
             trv_err *err)
{
    const char *rest = weighted(weight, given);
    const char *equals = strrchr(given, '=');
    size_t n = strlen(given);
    char *end;

    if (!rest)
        *weight = 1.0;
    if (!rest && equals && equals[1] && !keeps_signs(given)) {
        const double w = strtod(equals + 1, &end);

        if (!*end && strchr("+-.0123456789", equals[1])) {
            *weight = w;
            n = (size_t)(equals - given);
        }
    }
    return sb_add(spec, rest ? rest : given, rest ? strlen(rest) : n)
               ? err_nomem(err, "to read '%.200s'", given)
               : 0;
}

int
spec_read_list(struct spec **out, const char *const *texts, int64_t n,
               int *left, trv_err *err)
{
    struct strbuf one = {0}, name = {0};
    struct spec *mix = NULL;
    double weight;
    int rc = spec_new(&mix, kind_row(KIND_MIX), "mix:", 0, left, err);

    *out = NULL;
    for (int64_t i = 0; i < n && !rc; i++) {
        sb_reset(&one);
        rc = split_weight(&one, &weight, texts[i], err);
        if (!rc && n == 1 && weight == 1.0) { // nothing to mix
            rc = spec_read(out, one.s, 0, left, err);
            goto done;
        }
        if (!rc)
            rc = read_part(mix, weight, one.s, left, err);
        if (!rc && sb_printf(&name, "%s%s%.12g*%s", i ? "" : "mix:",
                             i && weight >= 0 ? "+" : "", weight, one.s))
            rc = err_nomem(err, "to read '%.200s'", one.s);
    }
    if (rc)
        goto done;
    mem_free(mix->text);
    mix->text = sb_take(&name);
    if (!mix->text) {
        rc = err_nomem(err, "to read 'mix:'");
        goto done;
    }
    *out = mix;
    mix = NULL;
done:
    spec_free(mix);
    sb_release(&name);
    sb_release(&one);
    return rc;
}
