/* detok.c -- decoding.
 *
 * Steps work on a list of strings, one for each token at first. ByteFallback
 * makes other strings of runs of byte tokens, Fuse and ByteLevel make all one.
 * Before that a step sees whole strings. Behind it, it sees the one string in
 * fragments: a step that needs it whole (Replace, a Strip at the end) collects
 * it and acts at the finish.
 */
#include "text/tokenizer/detok.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer/pattern.h"
#include "text/tokenizer/pretok.h"
#include "text/utf8.h"

#define MAX_DEPTH 16 // of Sequences in Sequences
#define MAX_STEPS 32 // in all

static const char lost[] = "\xEF\xBF\xBD"; // U+FFFD

enum detok_kind {
    DETOK_BYTE_LEVEL,
    DETOK_BYTE_FALLBACK,
    DETOK_FUSE,
    DETOK_METASPACE,
    DETOK_STRIP,
    DETOK_REPLACE,
};

struct detok_step {
    enum detok_kind kind;
    bool fused; // the step sees fragments of one string
    struct pattern pattern;
    char *text; // what replaces; the character that is stripped or a space
    size_t n;
    int64_t start, stop; // DETOK_STRIP: characters at most
    bool keep_first;     // DETOK_METASPACE: the first string's spaces stay
};

/* --- reading --- */

static struct detok_step *
add_step(struct detok *d, enum detok_kind kind)
{
    struct detok_step *s;

    if (d->n == d->cap) {
        const int64_t cap = d->cap ? 2 * d->cap : 4;

        s = mem_reallocarray(d->steps, (size_t)cap, sizeof(*s));
        if (!s)
            return NULL;
        d->steps = s;
        d->cap = cap;
    }
    s = &d->steps[d->n];
    memset(s, 0, sizeof(*s));
    s->kind = kind;
    if (d->n > 0) {
        const struct detok_step *before = s - 1;

        s->fused = before->fused || before->kind == DETOK_FUSE ||
                   before->kind == DETOK_BYTE_LEVEL;
    }
    d->n++;
    return s;
}

static int
set_text(struct detok_step *s, const char *text, size_t n)
{
    s->text = mem_strndup(text, n);
    s->n = n;
    return s->text ? 0 : TRV_ENOMEM;
}

int
detok_add_byte_level(struct detok *d)
{
    return add_step(d, DETOK_BYTE_LEVEL) ? 0 : TRV_ENOMEM;
}

int
detok_add_spm(struct detok *d, int strip_spaces)
{
    struct detok_step *s = add_step(d, DETOK_REPLACE);

    if (!s || pattern_literal(&s->pattern, "\xE2\x96\x81", 3) ||
        set_text(s, " ", 1) || !add_step(d, DETOK_BYTE_FALLBACK) ||
        !add_step(d, DETOK_FUSE))
        return TRV_ENOMEM;
    if (!strip_spaces)
        return 0;
    s = add_step(d, DETOK_STRIP);
    if (!s || set_text(s, " ", 1))
        return TRV_ENOMEM;
    s->start = strip_spaces;
    return 0;
}

static int
read_string(struct detok_step *s, const json_t *v, const char *key,
            const char *file, trv_err *err)
{
    const json_t *text = json_object_get(v, key);

    if (!json_is_string(text))
        return err_fail(err, TRV_EFORMAT,
                        "field 'decoder.%s' of '%s' is no string", key, file);
    if (set_text(s, json_string_value(text), json_string_length(text)))
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    return 0;
}

static int
read_one_char(struct detok_step *s, const json_t *v, const char *key,
              const char *file, trv_err *err)
{
    const int rc = read_string(s, v, key, file, err);

    if (!rc && (s->n == 0 || s->n != utf8_len(*s->text)))
        return err_fail(err, TRV_EFORMAT,
                        "field 'decoder.%s' of '%s' is not one character", key,
                        file);
    return rc;
}

static int
read_metaspace(struct detok_step *s, const json_t *v, const char *file,
               trv_err *err)
{
    const char *scheme = NULL;
    bool prefix = true;
    int rc = read_one_char(s, v, "replacement", file, err);

    if (!rc)
        rc = json_flag(&prefix, v, "add_prefix_space", file, err);
    if (!rc)
        rc = json_str(&scheme, v, "prepend_scheme", file, err);
    s->keep_first = scheme ? !strcmp(scheme, "never") : !prefix;
    return rc;
}

static int
read_step(struct detok *d, const json_t *v, int depth, const char *file,
          trv_err *err)
{
    const char *type = NULL;
    struct detok_step *s;
    int rc;

    if (!v || json_is_null(v))
        return 0;
    if (depth > MAX_DEPTH || d->n >= MAX_STEPS)
        return err_fail(err, TRV_EFORMAT,
                        "field 'decoder' of '%s' is too deep or too long",
                        file);
    rc = json_need(v, "type", file, err);
    if (!rc)
        rc = json_str(&type, v, "type", file, err);
    if (rc)
        return err ? err_prefix(err, "field 'decoder'") : rc;
    if (!strcmp(type, "Sequence")) {
        const json_t *list = json_object_get(v, "decoders");

        if (!json_is_array(list))
            return err_fail(err, TRV_EFORMAT,
                            "field 'decoder.decoders' of '%s' is no array",
                            file);
        for (size_t i = 0; !rc && i < json_array_size(list); i++)
            rc = read_step(d, json_array_get(list, i), depth + 1, file, err);
        return rc;
    }
    s = add_step(d, DETOK_FUSE);
    if (!s)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    if (!strcmp(type, "Fuse"))
        return 0;
    if (!strcmp(type, "ByteLevel")) {
        s->kind = DETOK_BYTE_LEVEL;
        return 0;
    }
    if (!strcmp(type, "ByteFallback")) {
        s->kind = DETOK_BYTE_FALLBACK;
        return 0;
    }
    if (!strcmp(type, "Metaspace")) {
        s->kind = DETOK_METASPACE;
        return read_metaspace(s, v, file, err);
    }
    if (!strcmp(type, "Strip")) {
        s->kind = DETOK_STRIP;
        rc = read_one_char(s, v, "content", file, err);
        if (!rc)
            rc = json_int(&s->start, v, "start", 0, INT32_MAX, file, err);
        return rc ? rc : json_int(&s->stop, v, "stop", 0, INT32_MAX, file, err);
    }
    if (!strcmp(type, "Replace")) {
        s->kind = DETOK_REPLACE;
        rc = pattern_read(&s->pattern, json_object_get(v, "pattern"),
                          "decoder.pattern", file, err);
        return rc ? rc : read_string(s, v, "content", file, err);
    }
    return err_fail(err, TRV_EUNSUPPORTED,
                    "the decoder '%s' of '%s' is not supported; known are "
                    "ByteLevel, Metaspace, ByteFallback, Fuse, Strip, Replace, "
                    "Sequence",
                    type, file);
}

int
detok_read(struct detok *d, const json_t *v, const char *file, trv_err *err)
{
    return read_step(d, v, 0, file, err);
}

void
detok_release(struct detok *d)
{
    for (int64_t i = 0; i < d->n; i++) {
        pattern_release(&d->steps[i].pattern);
        mem_free(d->steps[i].text);
    }
    mem_free(d->steps);
    memset(d, 0, sizeof(*d));
}

/* --- running --- */

struct detok_state {
    const struct detok *d;
    struct pattern_scratch scratch;
    int64_t tokens; // seen
    struct step_state {
        struct strbuf held; // not final yet
        struct strbuf tmp;
        int64_t seen; // strings; DETOK_STRIP: characters stripped so far
        bool past;    // DETOK_STRIP: the beginning is over
    } steps[MAX_STEPS + 4];
};

static int emit(struct detok_state *st, int64_t i, struct strbuf *out,
                const char *s, size_t n, trv_err *err);

int
detok_open(struct detok_state **out, const struct detok *d)
{
    TRV_ASSERT(d->n <= MAX_STEPS + 4);
    *out = mem_calloc(1, sizeof(**out));
    if (!*out)
        return TRV_ENOMEM;
    (*out)->d = d;
    return 0;
}

void
detok_free(struct detok_state *st)
{
    if (!st)
        return;
    for (int64_t i = 0; i < st->d->n; i++) {
        sb_release(&st->steps[i].held);
        sb_release(&st->steps[i].tmp);
    }
    pattern_scratch_release(&st->scratch);
    mem_free(st);
}

/* The bytes that a byte-level token stands for; a token with another character
 * in it stands for itself. */
static int
add_bytes(struct strbuf *out, const char *s, size_t n)
{
    const size_t before = out->len;

    for (size_t i = 0; i < n;) {
        uint32_t cp;
        int byte;

        i += utf8_get(&cp, s + i);
        byte = pretok_char_byte(cp);
        if (byte < 0) {
            out->len = before;
            return sb_add(out, s, n);
        }
        if (sb_putc(out, (char)byte))
            return TRV_ENOMEM;
    }
    return 0;
}

/* Give out what is whole of the bytes held. */
static int
flush_utf8(struct detok_state *st, int64_t i, struct strbuf *out, bool more,
           trv_err *err)
{
    struct step_state *ss = &st->steps[i];
    size_t used = 0;

    if (!ss->held.len)
        return 0;
    sb_reset(&ss->tmp);
    if (utf8_repair(&ss->tmp, &used, ss->held.s, ss->held.len, more))
        return TRV_ENOMEM;
    memmove(ss->held.s, ss->held.s + used, ss->held.len - used);
    ss->held.len -= used;
    return emit(st, i + 1, out, ss->tmp.s, ss->tmp.len, err);
}

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The byte of a token "<0xNN>", or -1. */
static int
fallback_byte(const char *s, size_t n)
{
    if (n != 6 || memcmp(s, "<0x", 3) != 0 || s[5] != '>' ||
        hex_digit(s[3]) < 0 || hex_digit(s[4]) < 0)
        return -1;
    return hex_digit(s[3]) * 16 + hex_digit(s[4]);
}

/* A run of byte tokens is over: it is text as a whole, or not at all. */
static int
flush_run(struct detok_state *st, int64_t i, struct strbuf *out, trv_err *err)
{
    struct step_state *ss = &st->steps[i];
    const size_t n = ss->held.len;
    int rc = 0;

    if (n == 0)
        return 0;
    if (utf8_is_valid(ss->held.s, n))
        rc = emit(st, i + 1, out, ss->held.s, n, err);
    else
        for (size_t k = 0; !rc && k < n; k++)
            rc = emit(st, i + 1, out, lost, 3, err);
    sb_reset(&ss->held);
    return rc;
}

static int
metaspace(struct detok_state *st, int64_t i, struct strbuf *out, const char *s,
          size_t n, trv_err *err)
{
    const struct detok_step *step = &st->d->steps[i];
    struct step_state *ss = &st->steps[i];
    const bool drop = !step->keep_first && (step->fused || ss->seen == 0);

    ss->seen++;
    sb_reset(&ss->tmp);
    for (size_t k = 0; k < n;) {
        const size_t len = utf8_len(s[k]);
        int rc = 0;

        if (len == step->n && !memcmp(s + k, step->text, len))
            rc = drop ? 0 : sb_putc(&ss->tmp, ' ');
        else
            rc = sb_add(&ss->tmp, s + k, len);
        if (rc)
            return rc;
        k += len;
    }
    return emit(st, i + 1, out, ss->tmp.s, ss->tmp.len, err);
}

/* Strip a whole string at both ends. */
static void
strip_both(const struct detok_step *step, const char **s, size_t *n)
{
    const char *end = *s + *n;

    for (int64_t k = 0;
         k < step->start && *n >= step->n && !memcmp(*s, step->text, step->n);
         k++) {
        *s += step->n;
        *n -= step->n;
    }
    for (int64_t k = 0; k < step->stop && *n >= step->n &&
                        !memcmp(end - step->n, step->text, step->n);
         k++) {
        end -= step->n;
        *n -= step->n;
    }
}

/* Strip the beginning of the one string, fragment by fragment. */
static int
strip_fragment(struct detok_state *st, int64_t i, struct strbuf *out,
               const char *s, size_t n, trv_err *err)
{
    const struct detok_step *step = &st->d->steps[i];
    struct step_state *ss = &st->steps[i];

    while (!ss->past && n) {
        if (ss->seen < step->start && n >= step->n &&
            !memcmp(s, step->text, step->n)) {
            s += step->n;
            n -= step->n;
            ss->seen++;
        } else {
            ss->past = true;
        }
    }
    return emit(st, i + 1, out, s, n, err);
}

/* One whole string through a step that does not look at its neighbours. */
static int
whole_string(struct detok_state *st, int64_t i, struct strbuf *out,
             const char *s, size_t n, trv_err *err)
{
    const struct detok_step *step = &st->d->steps[i];
    struct step_state *ss = &st->steps[i];
    int rc;

    if (step->kind == DETOK_STRIP) {
        strip_both(step, &s, &n);
        return emit(st, i + 1, out, s, n, err);
    }
    sb_reset(&ss->tmp);
    rc = pattern_replace(&ss->tmp, &step->pattern, &st->scratch, s, n,
                         step->text, step->n, err);
    return rc ? rc : emit(st, i + 1, out, ss->tmp.s, ss->tmp.len, err);
}

/* Hand a string, or a fragment of the one string, to step i. */
static int
emit(struct detok_state *st, int64_t i, struct strbuf *out, const char *s,
     size_t n, trv_err *err)
{
    const struct detok_step *step;
    struct step_state *ss = &st->steps[i];
    int byte, rc;

    if (i == st->d->n)
        return n ? sb_add(out, s, n) : 0;
    step = &st->d->steps[i];
    switch (step->kind) {
    case DETOK_FUSE:
        return emit(st, i + 1, out, s, n, err);
    case DETOK_METASPACE:
        return metaspace(st, i, out, s, n, err);
    case DETOK_BYTE_LEVEL:
        if (step->fused)
            return sb_add(&ss->held, s, n);
        rc = add_bytes(&ss->held, s, n);
        return rc ? rc : flush_utf8(st, i, out, true, err);
    case DETOK_BYTE_FALLBACK:
        if (step->fused)
            return sb_add(&ss->held, s, n);
        byte = fallback_byte(s, n);
        if (byte >= 0)
            return sb_putc(&ss->held, (char)byte);
        rc = flush_run(st, i, out, err);
        return rc ? rc : emit(st, i + 1, out, s, n, err);
    case DETOK_STRIP:
        if (step->fused && step->stop == 0)
            return strip_fragment(st, i, out, s, n, err);
        break;
    case DETOK_REPLACE:
        break;
    }
    return step->fused ? sb_add(&ss->held, s, n)
                       : whole_string(st, i, out, s, n, err);
}

/* Nothing more comes to step i. */
static int
finish_step(struct detok_state *st, int64_t i, struct strbuf *out, trv_err *err)
{
    const struct detok_step *step = &st->d->steps[i];
    struct step_state *ss = &st->steps[i];
    struct strbuf whole;
    int byte, rc;

    if (!step->fused) {
        if (step->kind == DETOK_BYTE_LEVEL)
            return flush_utf8(st, i, out, false, err);
        return step->kind == DETOK_BYTE_FALLBACK ? flush_run(st, i, out, err)
                                                 : 0;
    }
    if (!ss->held.len)
        return 0;
    whole = ss->held;
    memset(&ss->held, 0, sizeof(ss->held));
    if (step->kind == DETOK_BYTE_LEVEL) {
        rc = add_bytes(&ss->held, whole.s, whole.len);
        rc = rc ? rc : flush_utf8(st, i, out, false, err);
    } else if (step->kind == DETOK_BYTE_FALLBACK) {
        byte = fallback_byte(whole.s, whole.len);
        rc = byte >= 0 ? sb_putc(&ss->held, (char)byte)
                       : emit(st, i + 1, out, whole.s, whole.len, err);
        rc = rc ? rc : flush_run(st, i, out, err);
    } else {
        rc = whole_string(st, i, out, whole.s, whole.len, err);
    }
    sb_release(&whole);
    return rc;
}

static int
named(int rc, trv_err *err)
{
    return rc == TRV_ENOMEM ? err_fail(err, rc, "no memory to decode") : rc;
}

int
detok_token(struct detok_state *st, struct strbuf *out, const char *s, size_t n,
            trv_err *err)
{
    if (st->d->n == 0 && st->tokens++ > 0 && sb_putc(out, ' '))
        return named(TRV_ENOMEM, err);
    return named(emit(st, 0, out, s, n, err), err);
}

int
detok_finish(struct detok_state *st, struct strbuf *out, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; !rc && i < st->d->n; i++)
        rc = finish_step(st, i, out, err);
    return named(rc, err);
}
