/* pretok.c -- splitting, with the behaviours of `tokenizers`.
 *
 *   Isolated            a|-|b         a match is a piece of its own
 *   Removed             a|b           matches vanish
 *   Contiguous          a|--|b        neighbouring matches join
 *   MergedWithPrevious  a-|b
 *   MergedWithNext      a|-b
 */
#include "text/tokenizer/pretok.h"

#include <string.h>
#include <utf8proc.h>

#include "base/json.h"
#include "base/mem.h"
#include "text/utf8.h"

#define MAX_DEPTH 16  // of Sequences in Sequences
#define MAX_STEPS 256 // in all

static const char gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|"
                           " ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

enum behaviour { ISOLATED, REMOVED, CONTIGUOUS, WITH_PREVIOUS, WITH_NEXT };

enum step_kind {
    STEP_SPLIT,
    STEP_REPLACE, // every match by text
    STEP_PREPEND, // text, where the piece does not begin with it
    STEP_BYTES,   // every byte by the character that stands for it
};

struct pretok_step {
    enum step_kind kind;
    struct pattern pattern;
    enum behaviour behaviour;
    bool invert;
    bool only_first; // STEP_PREPEND: only at the beginning of the whole text
    char text[8];    // one character and a NUL
};

/* --- bytes as characters --- */

/* Printable Latin-1 stands for itself; the other 68 bytes, in order, for
 * U+0100 and up (GPT-2's bytes_to_unicode). */
static bool
is_plain(uint32_t b)
{
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) ||
           (b >= 174 && b <= 255);
}

uint32_t
pretok_byte_char(unsigned char byte)
{
    if (is_plain(byte))
        return byte;
    if (byte <= 32)
        return 0x100u + byte;
    return byte <= 160 ? 0x100u + 33 + (byte - 127u) : 0x143; // 173 is last
}

int
pretok_char_byte(uint32_t cp)
{
    if (cp < 0x100)
        return is_plain(cp) ? (int)cp : -1;
    if (cp > 0x143)
        return -1;
    cp -= 0x100;
    return cp <= 32 ? (int)cp : cp <= 66 ? (int)cp - 33 + 127 : 173;
}

/* --- reading --- */

static struct pretok_step *
add_step(struct pretok *pt, enum step_kind kind)
{
    if (pt->n == pt->cap) {
        const int64_t cap = pt->cap ? 2 * pt->cap : 4;
        struct pretok_step *p =
            mem_reallocarray(pt->steps, (size_t)cap, sizeof(*p));

        if (!p)
            return NULL;
        pt->steps = p;
        pt->cap = cap;
    }
    memset(&pt->steps[pt->n], 0, sizeof(pt->steps[0]));
    pt->steps[pt->n].kind = kind;
    return &pt->steps[pt->n++];
}

int
pretok_add_regex(struct pretok *pt, const char *re, const char *file,
                 trv_err *err)
{
    struct pretok_step *s = add_step(pt, STEP_SPLIT);

    if (!s)
        return err_nomem(err, "for '%s'", file);
    return pattern_regex(&s->pattern, re, strlen(re), "pre_tokenizer", file,
                         err);
}

static int
add_prepend(struct pretok *pt, const char *text, bool only_first)
{
    struct pretok_step *s = add_step(pt, STEP_PREPEND);

    if (!s)
        return TRV_ENOMEM;
    snprintf(s->text, sizeof(s->text), "%s", text);
    s->only_first = only_first;
    return 0;
}

int
pretok_add_byte_level(struct pretok *pt, bool prefix_space)
{
    if (prefix_space && add_prepend(pt, " ", false))
        return TRV_ENOMEM;
    return add_step(pt, STEP_BYTES) ? 0 : TRV_ENOMEM;
}

int
pretok_add_gpt2(struct pretok *pt, bool prefix_space, const char *file,
                trv_err *err)
{
    int rc;

    if (prefix_space && add_prepend(pt, " ", false))
        return err_nomem(err, "for '%s'", file);
    rc = pretok_add_regex(pt, gpt2, file, err);
    if (rc)
        return rc;
    return add_step(pt, STEP_BYTES) ? 0 : err_nomem(err, "for '%s'", file);
}

static int
read_byte_level(struct pretok *pt, const json_t *v, const char *file,
                trv_err *err)
{
    bool prefix = true, regex = true;
    int rc = json_flag(&prefix, v, "add_prefix_space", file, err);

    if (!rc)
        rc = json_flag(&regex, v, "use_regex", file, err);
    if (rc)
        return rc;
    if (regex)
        return pretok_add_gpt2(pt, prefix, file, err);
    return pretok_add_byte_level(pt, prefix) ? err_nomem(err, "for '%s'", file)
                                             : 0;
}

static int
read_behaviour(enum behaviour *out, const json_t *v, const char *file,
               trv_err *err)
{
    static const char *const names[] = {"Isolated", "Removed", "Contiguous",
                                        "MergedWithPrevious", "MergedWithNext"};
    const char *name = NULL;
    const int rc = json_str(&name, v, "behavior", file, err);

    if (rc || !name)
        return rc;
    for (int i = 0; i < 5; i++)
        if (!strcmp(name, names[i])) {
            *out = (enum behaviour)i;
            return 0;
        }
    return err_fail(err, TRV_EUNSUPPORTED,
                    "field 'pre_tokenizer.behavior' of '%s' is '%s', which is "
                    "not supported",
                    file, name);
}

static int
read_split(struct pretok *pt, const json_t *v, const char *file, trv_err *err)
{
    struct pretok_step *s = add_step(pt, STEP_SPLIT);
    int rc;

    if (!s)
        return err_nomem(err, "for '%s'", file);
    rc = pattern_read(&s->pattern, json_object_get(v, "pattern"),
                      "pre_tokenizer.pattern", file, err);
    if (!rc)
        rc = json_need(v, "behavior", file, err);
    if (!rc)
        rc = read_behaviour(&s->behaviour, v, file, err);
    return rc ? rc : json_flag(&s->invert, v, "invert", file, err);
}

/* One character of a string field. */
static int
read_char(char out[8], const json_t *v, const char *key, const char *otherwise,
          const char *file, trv_err *err)
{
    const char *text = otherwise;
    const int rc = json_str(&text, v, key, file, err);

    if (rc)
        return rc;
    if (!text || !*text || strlen(text) != utf8_len(*text))
        return err_fail(err, TRV_EFORMAT,
                        "field 'pre_tokenizer.%s' of '%s' is not one character",
                        key, file);
    snprintf(out, 8, "%s", text);
    return 0;
}

static int
read_metaspace(struct pretok *pt, const json_t *v, const char *file,
               trv_err *err)
{
    char mark[8];
    const char *scheme = NULL;
    bool prefix = true, split = true;
    struct pretok_step *s;
    int rc = read_char(mark, v, "replacement", "\xE2\x96\x81", file, err);

    if (!rc)
        rc = json_flag(&prefix, v, "add_prefix_space", file, err);
    if (!rc)
        rc = json_flag(&split, v, "split", file, err);
    if (!rc)
        rc = json_str(&scheme, v, "prepend_scheme", file, err);
    if (rc)
        return rc;
    if (!scheme)
        scheme = prefix ? "always" : "never";
    s = add_step(pt, STEP_REPLACE);
    if (!s || pattern_literal(&s->pattern, " ", 1))
        return err_nomem(err, "for '%s'", file);
    memcpy(s->text, mark, sizeof(mark));
    if (!strcmp(scheme, "always") || !strcmp(scheme, "first")) {
        if (add_prepend(pt, mark, scheme[0] == 'f'))
            return err_nomem(err, "for '%s'", file);
    } else if (strcmp(scheme, "never")) {
        return err_fail(err, TRV_EFORMAT,
                        "field 'pre_tokenizer.prepend_scheme' of '%s' is '%s', "
                        "not always, first or never",
                        file, scheme);
    }
    if (!split)
        return 0;
    s = add_step(pt, STEP_SPLIT);
    if (!s || pattern_literal(&s->pattern, mark, strlen(mark)))
        return err_nomem(err, "for '%s'", file);
    s->behaviour = WITH_NEXT;
    return 0;
}

static int
read_class(struct pretok *pt, bool (*is_member)(uint32_t),
           enum behaviour behaviour, const char *file, trv_err *err)
{
    struct pretok_step *s = add_step(pt, STEP_SPLIT);

    if (!s)
        return err_nomem(err, "for '%s'", file);
    s->pattern.is_member = is_member;
    s->behaviour = behaviour;
    return 0;
}

static int
read_step(struct pretok *pt, const json_t *v, int depth, const char *file,
          trv_err *err)
{
    const char *type = NULL;
    int rc;

    if (!v || json_is_null(v))
        return 0;
    if (depth > MAX_DEPTH || pt->n >= MAX_STEPS)
        return err_fail(err, TRV_EFORMAT,
                        "field 'pre_tokenizer' of '%s' is too deep or too long",
                        file);
    rc = json_need(v, "type", file, err);
    if (!rc)
        rc = json_str(&type, v, "type", file, err);
    if (rc)
        return err ? err_prefix(err, "field 'pre_tokenizer'") : rc;
    if (!strcmp(type, "Sequence")) {
        const json_t *list = json_object_get(v, "pretokenizers");

        if (!json_is_array(list))
            return err_fail(err, TRV_EFORMAT,
                            "field 'pre_tokenizer.pretokenizers' of '%s' is no "
                            "array",
                            file);
        for (size_t i = 0; !rc && i < json_array_size(list); i++)
            rc = read_step(pt, json_array_get(list, i), depth + 1, file, err);
        return rc;
    }
    if (!strcmp(type, "ByteLevel"))
        return read_byte_level(pt, v, file, err);
    if (!strcmp(type, "Split"))
        return read_split(pt, v, file, err);
    if (!strcmp(type, "Metaspace"))
        return read_metaspace(pt, v, file, err);
    if (!strcmp(type, "Digits")) {
        bool one = false;

        rc = json_flag(&one, v, "individual_digits", file, err);
        return rc ? rc
                  : read_class(pt, utf8_is_numeric, one ? ISOLATED : CONTIGUOUS,
                               file, err);
    }
    if (!strcmp(type, "WhitespaceSplit"))
        return read_class(pt, utf8_is_space, REMOVED, file, err);
    if (!strcmp(type, "Punctuation")) {
        enum behaviour how = ISOLATED;

        rc = read_behaviour(&how, v, file, err);
        return rc ? rc : read_class(pt, utf8_is_punct, how, file, err);
    }
    if (!strcmp(type, "Whitespace")) {
        struct pretok_step *s;

        rc = pretok_add_regex(pt, "\\w+|[^\\w\\s]+", file, err);
        s = &pt->steps[pt->n - 1];
        s->behaviour = REMOVED;
        s->invert = true;
        return rc;
    }
    return err_fail(err, TRV_EUNSUPPORTED,
                    "the pre-tokenizer '%s' of '%s' is not supported; known "
                    "are ByteLevel, Split, Digits, Metaspace, Whitespace, "
                    "WhitespaceSplit, Punctuation, Sequence",
                    type, file);
}

int
pretok_read(struct pretok *pt, const json_t *v, const char *file, trv_err *err)
{
    return read_step(pt, v, 0, file, err);
}

void
pretok_release(struct pretok *pt)
{
    for (int64_t i = 0; i < pt->n; i++)
        pattern_release(&pt->steps[i].pattern);
    mem_free(pt->steps);
    memset(pt, 0, sizeof(*pt));
}

/* --- pieces --- */

void
pieces_release(struct pieces *p)
{
    sb_release(&p->text);
    mem_free(p->v);
    memset(p, 0, sizeof(*p));
}

static int
pieces_push(struct pieces *p, size_t at, size_t n, bool first)
{
    if (n == 0)
        return 0;
    if (p->n == p->cap) {
        const int64_t cap = p->cap ? 2 * p->cap : 64;
        struct piece *v = mem_reallocarray(p->v, (size_t)cap, sizeof(*v));

        if (!v)
            return TRV_ENOMEM;
        p->v = v;
        p->cap = cap;
    }
    p->v[p->n++] = (struct piece){at, n, first};
    return 0;
}

int
pieces_set(struct pieces *p, const char *text, size_t n, bool first)
{
    p->n = 0;
    sb_reset(&p->text);
    if (sb_add(&p->text, text, n))
        return TRV_ENOMEM;
    return pieces_push(p, 0, n, first);
}

/* The fold over segments (match, gap, match, ...) of one piece. */
struct fold {
    const struct pretok_step *step;
    struct pieces *out;
    const struct piece *from;
    size_t start, end; // the open piece, relative to `from`
    bool open, was_match;
};

static int
fold_close(struct fold *f)
{
    if (!f->open)
        return 0;
    f->open = false;
    return pieces_push(f->out, f->from->at + f->start, f->end - f->start,
                       f->from->first && f->start == 0);
}

static int
fold_add(struct fold *f, size_t start, size_t end, bool is_match)
{
    bool join = false;
    int rc = 0;

    if (f->step->invert)
        is_match = !is_match;
    switch (f->step->behaviour) {
    case ISOLATED:
        break;
    case REMOVED:
        if (is_match)
            return fold_close(f);
        break;
    case CONTIGUOUS:
        join = is_match == f->was_match;
        break;
    case WITH_PREVIOUS:
        join = is_match && !f->was_match;
        break;
    case WITH_NEXT:
        join = !is_match && f->was_match;
        break;
    }
    if (f->open && join) {
        f->end = end;
    } else {
        rc = fold_close(f);
        f->open = true;
        f->start = start;
        f->end = end;
    }
    f->was_match = is_match;
    return rc;
}

static int
split_piece(const struct pretok_step *step, const struct piece *piece,
            const char *text, struct pieces *out,
            struct pattern_scratch *scratch, trv_err *err)
{
    struct fold f = {.step = step, .out = out, .from = piece};
    struct pattern_search s;
    size_t done = 0, start, end;
    int rc =
        pattern_begin(&s, &step->pattern, scratch, text + piece->at, piece->n);

    while (!rc) {
        rc = pattern_next(&s, &start, &end, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
        rc = (start > done && fold_add(&f, done, start, false)) ||
                     fold_add(&f, start, end, true)
                 ? TRV_ENOMEM
                 : 0;
        done = end;
    }
    if (!rc && done < piece->n)
        rc = fold_add(&f, done, piece->n, false);
    return rc ? rc : fold_close(&f);
}

static int
byte_chars(struct strbuf *out, const char *s, size_t n)
{
    char chunk[512]; // two bytes for each of up to 256

    while (n) {
        const size_t k = n < 256 ? n : 256;
        size_t len = 0;

        for (size_t i = 0; i < k; i++)
            len += utf8_put(chunk + len, pretok_byte_char((unsigned char)s[i]));
        if (sb_add(out, chunk, len))
            return TRV_ENOMEM;
        s += k;
        n -= k;
    }
    return 0;
}

/* Write one piece anew into out->text. */
static int
rewrite_piece(const struct pretok_step *step, const struct piece *piece,
              const char *text, struct pieces *out,
              struct pattern_scratch *scratch, trv_err *err)
{
    const char *s = text + piece->at;
    const size_t at = out->text.len, mark = strlen(step->text);
    int rc;

    if (step->kind == STEP_BYTES) {
        rc = byte_chars(&out->text, s, piece->n);
    } else if (step->kind == STEP_REPLACE) {
        rc = pattern_replace(&out->text, &step->pattern, scratch, s, piece->n,
                             step->text, mark, err);
    } else {
        const bool has = piece->n >= mark && !memcmp(s, step->text, mark);
        const bool add = !has && (piece->first || !step->only_first);

        rc = (add && sb_add(&out->text, step->text, mark)) ||
                     sb_add(&out->text, s, piece->n)
                 ? TRV_ENOMEM
                 : 0;
    }
    return rc ? rc : pieces_push(out, at, out->text.len - at, piece->first);
}

int
pretok_run(const struct pretok *pt, struct pieces *p, struct pieces *tmp,
           struct pattern_scratch *scratch, trv_err *err)
{
    for (int64_t i = 0; i < pt->n; i++) {
        const struct pretok_step *step = &pt->steps[i];
        struct pieces swap;
        int rc = 0;

        tmp->n = 0;
        sb_reset(&tmp->text);
        for (int64_t k = 0; !rc && k < p->n; k++)
            rc = step->kind == STEP_SPLIT
                     ? split_piece(step, &p->v[k], p->text.s, tmp, scratch, err)
                     : rewrite_piece(step, &p->v[k], p->text.s, tmp, scratch,
                                     err);
        if (rc == TRV_ENOMEM)
            return err_fail(err, rc, "no memory to split text");
        if (rc)
            return rc;
        swap = *p;
        *p = *tmp;
        *tmp = swap;
        if (step->kind == STEP_SPLIT) { // the text is still the old one
            const struct strbuf text = p->text;

            p->text = tmp->text;
            tmp->text = text;
        }
    }
    return 0;
}
