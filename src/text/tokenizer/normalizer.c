/* normalizer.c -- Unicode normal forms and the small rewritings of
 * tokenizer.json, flattened into a list of steps.
 */
#include "text/tokenizer/normalizer.h"

#include <string.h>
#include <utf8proc.h>

#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer/charsmap.h"
#include "text/utf8.h"

#define MAX_DEPTH 16  // of Sequences in Sequences
#define MAX_STEPS 256 // in all

enum norm_kind {
    NORM_FORM,
    NORM_REPLACE,
    NORM_PREPEND,
    NORM_LOWER,
    NORM_STRIP,
    NORM_CHARSMAP
};

struct norm_step {
    enum norm_kind kind;
    bool compose, compat; // NORM_FORM
    struct pattern pattern;
    char *text; // of NORM_REPLACE and NORM_PREPEND
    size_t n;
    bool left, right; // NORM_STRIP
    struct charsmap map;
};

/* --- reading --- */

static struct norm_step *
add_step(struct normalizer *nz, enum norm_kind kind)
{
    if (nz->n == nz->cap) {
        const int64_t cap = nz->cap ? 2 * nz->cap : 4;
        struct norm_step *p =
            mem_reallocarray(nz->steps, (size_t)cap, sizeof(*p));

        if (!p)
            return NULL;
        nz->steps = p;
        nz->cap = cap;
    }
    memset(&nz->steps[nz->n], 0, sizeof(nz->steps[0]));
    nz->steps[nz->n].kind = kind;
    return &nz->steps[nz->n++];
}

int
normalizer_add_nfc(struct normalizer *nz)
{
    struct norm_step *s = add_step(nz, NORM_FORM);

    if (!s)
        return TRV_ENOMEM;
    s->compose = true;
    return 0;
}

int
normalizer_add_charsmap(struct normalizer *nz, const void *bytes, size_t n,
                        const char *file, trv_err *err)
{
    struct norm_step *s = add_step(nz, NORM_CHARSMAP);

    return s ? charsmap_read(&s->map, bytes, n, file, err)
             : err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
}

static int
read_text(struct norm_step *s, const json_t *v, const char *key,
          const char *file, trv_err *err)
{
    const char *text = NULL;
    int rc = json_need(v, key, file, err);

    if (!rc)
        rc = json_str(&text, v, key, file, err);
    if (rc)
        return rc;
    s->n = json_string_length(json_object_get(v, key));
    s->text = mem_strndup(text, s->n);
    return s->text ? 0 : err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
}

static int
read_step(struct normalizer *nz, const json_t *v, int depth, const char *file,
          trv_err *err)
{
    static const char *const forms[] = {"NFC", "NFD", "NFKC", "NFKD"};
    const char *type = NULL;
    struct norm_step *s;
    int rc;

    if (!v || json_is_null(v))
        return 0;
    if (depth > MAX_DEPTH || nz->n >= MAX_STEPS)
        return err_fail(err, TRV_EFORMAT,
                        "field 'normalizer' of '%s' is too deep or too long",
                        file);
    rc = json_need(v, "type", file, err);
    if (!rc)
        rc = json_str(&type, v, "type", file, err);
    if (rc)
        return err ? err_prefix(err, "field 'normalizer'") : rc;
    if (!strcmp(type, "Sequence")) {
        const json_t *list = json_object_get(v, "normalizers");

        if (!json_is_array(list))
            return err_fail(err, TRV_EFORMAT,
                            "field 'normalizer.normalizers' of '%s' is no "
                            "array",
                            file);
        for (size_t i = 0; !rc && i < json_array_size(list); i++)
            rc = read_step(nz, json_array_get(list, i), depth + 1, file, err);
        return rc;
    }
    s = add_step(nz, NORM_FORM);
    if (!s)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    for (int i = 0; i < 4; i++) {
        if (strcmp(type, forms[i]))
            continue;
        s->compose = i == 0 || i == 2;
        s->compat = i >= 2;
        return 0;
    }
    if (!strcmp(type, "Replace")) {
        s->kind = NORM_REPLACE;
        rc = pattern_read(&s->pattern, json_object_get(v, "pattern"),
                          "normalizer.pattern", file, err);
        return rc ? rc : read_text(s, v, "content", file, err);
    }
    if (!strcmp(type, "Prepend")) {
        s->kind = NORM_PREPEND;
        return read_text(s, v, "prepend", file, err);
    }
    if (!strcmp(type, "Lowercase")) {
        s->kind = NORM_LOWER;
        return 0;
    }
    if (!strcmp(type, "Strip")) {
        s->kind = NORM_STRIP;
        s->left = s->right = true;
        rc = json_flag(&s->left, v, "strip_left", file, err);
        return rc ? rc : json_flag(&s->right, v, "strip_right", file, err);
    }
    if (!strcmp(type, "Precompiled")) {
        const json_t *map = json_object_get(v, "precompiled_charsmap");

        s->kind = NORM_CHARSMAP;
        return json_is_string(map)
                   ? charsmap_read_base64(&s->map, json_string_value(map),
                                          json_string_length(map), file, err)
                   : err_fail(err, TRV_EFORMAT,
                              "field 'precompiled_charsmap' of '%s' is no "
                              "string",
                              file);
    }
    return err_fail(err, TRV_EUNSUPPORTED,
                    "the normalizer '%s' of '%s' is not supported; known are "
                    "NFC, NFD, NFKC, NFKD, Replace, Prepend, Lowercase, Strip, "
                    "Precompiled, Sequence",
                    type, file);
}

int
normalizer_read(struct normalizer *nz, const json_t *v, const char *file,
                trv_err *err)
{
    return read_step(nz, v, 0, file, err);
}

void
normalizer_release(struct normalizer *nz)
{
    for (int64_t i = 0; i < nz->n; i++) {
        pattern_release(&nz->steps[i].pattern);
        mem_free(nz->steps[i].text);
        charsmap_release(&nz->steps[i].map);
    }
    mem_free(nz->steps);
    memset(nz, 0, sizeof(*nz));
}

/* --- normal forms --- */

struct points {
    utf8proc_int32_t *v;
    size_t n, cap;
};

static int
points_reserve(struct points *p, size_t more)
{
    size_t cap = p->cap ? p->cap : 1024;
    utf8proc_int32_t *v;

    if (p->n + more <= p->cap)
        return 0;
    while (cap < p->n + more)
        cap *= 2;
    v = mem_reallocarray(p->v, cap, sizeof(*v));
    if (!v)
        return TRV_ENOMEM;
    p->v = v;
    p->cap = cap;
    return 0;
}

/* Characters that are newer than the tables of `tokenizers` for normal forms:
 * to it, and so to every published model, they are starters that neither come
 * apart nor arise. In order. */
static const struct newer {
    uint32_t first, last;
} newer[] = {
#include "text/unicode_marks.inc"
};

static bool
is_newer(uint32_t cp)
{
    size_t lo = 0, hi = sizeof(newer) / sizeof(newer[0]);

    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;

        if (cp > newer[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < sizeof(newer) / sizeof(newer[0]) && cp >= newer[lo].first;
}

static int
combining(utf8proc_int32_t cp)
{
    const int cls = cp < 0x300 ? 0 : utf8proc_get_property(cp)->combining_class;

    return cls && !is_newer((uint32_t)cp) ? cls : 0;
}

/* The character that two compose to, or 0. */
static utf8proc_int32_t
composed(utf8proc_int32_t left, utf8proc_int32_t right)
{
    utf8proc_int32_t pair[2] = {left, right};

    if (right < 0x300) // no second half is lower
        return 0;
    return utf8proc_normalize_utf32(pair, 2,
                                    UTF8PROC_STABLE | UTF8PROC_COMPOSE) == 1 &&
                   !is_newer((uint32_t)pair[0])
               ? pair[0]
               : 0;
}

/* Canonical composition: a character joins the last starter unless one with
 * the same or a higher class stands between (UAX 15). */
static size_t
compose(utf8proc_int32_t *v, size_t n)
{
    size_t out = 0, starter = SIZE_MAX;
    int last = 0; // class of the character before, 0 right behind the starter

    for (size_t i = 0; i < n; i++) {
        const int cls = combining(v[i]);
        utf8proc_int32_t both = 0;

        if (starter != SIZE_MAX && (last < cls || last == 0))
            both = composed(v[starter], v[i]);
        if (both) {
            v[starter] = both;
            continue;
        }
        if (cls == 0)
            starter = out;
        last = cls;
        v[out++] = v[i];
    }
    return out;
}

/* Put marks v[0..n) into canonical order: a stable counting sort, so that a
 * hostile run of a million marks costs no more than an honest text. */
static int
order_marks(utf8proc_int32_t *v, size_t n)
{
    size_t start[257] = {0};
    utf8proc_int32_t *copy;

    if (n < 2)
        return 0;
    copy = mem_array(n, sizeof(*copy));
    if (!copy)
        return TRV_ENOMEM;
    memcpy(copy, v, n * sizeof(*copy));
    for (size_t i = 0; i < n; i++)
        start[combining(v[i]) + 1]++;
    for (int c = 0; c < 256; c++)
        start[c + 1] += start[c];
    for (size_t i = 0; i < n; i++)
        v[start[combining(copy[i])]++] = copy[i];
    mem_free(copy);
    return 0;
}

static int
decompose(struct points *p, const char *s, size_t n, bool compat)
{
    const utf8proc_option_t how =
        UTF8PROC_DECOMPOSE | UTF8PROC_STABLE |
        (utf8proc_option_t)(compat ? UTF8PROC_COMPAT : 0);
    int last_class = 0;

    for (size_t i = 0; i < n;) {
        uint32_t cp;
        utf8proc_ssize_t k;

        i += utf8_get(&cp, s + i);
        if (points_reserve(p, 32)) // U+FDFA, the longest, becomes 18
            return TRV_ENOMEM;
        if (cp < 0xA0 || is_newer(cp)) {
            p->v[p->n++] = (utf8proc_int32_t)cp;
            continue;
        }
        k = utf8proc_decompose_char((utf8proc_int32_t)cp, p->v + p->n,
                                    (utf8proc_ssize_t)(p->cap - p->n), how,
                                    &last_class);
        if (k < 0 || (size_t)k > p->cap - p->n) { // no such character
            p->v[p->n++] = (utf8proc_int32_t)cp;
            continue;
        }
        p->n += (size_t)k;
    }
    for (size_t i = 0, j; i < p->n; i = j) {
        j = i + 1;
        if (!combining(p->v[i]))
            continue;
        while (j < p->n && combining(p->v[j]))
            j++;
        if (order_marks(p->v + i, j - i))
            return TRV_ENOMEM;
    }
    return 0;
}

static int
normal_form(const struct norm_step *s, struct strbuf *text, struct strbuf *tmp)
{
    struct points p = {0};
    int rc = 0;
    size_t i = 0;

    while (i < text->len && (unsigned char)text->s[i] < 0x80)
        i++;
    if (i == text->len)
        return 0; // ASCII is in every normal form
    sb_reset(tmp);
    rc = decompose(&p, text->s, text->len, s->compat);
    if (!rc && s->compose)
        p.n = compose(p.v, p.n);
    for (i = 0; !rc && i < p.n; i++)
        rc = utf8_add(tmp, (uint32_t)p.v[i]);
    mem_free(p.v);
    return rc;
}

/* --- running --- */

static int
lower(struct strbuf *text, struct strbuf *tmp)
{
    sb_reset(tmp);
    for (size_t i = 0; i < text->len;) {
        uint32_t cp;
        int rc;

        i += utf8_get(&cp, text->s + i);
        if (cp == 0x130) // the one capital that becomes two characters
            rc = sb_puts(tmp, "i\xCC\x87");
        else
            rc =
                utf8_add(tmp, (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp));
        if (rc)
            return rc;
    }
    return 0;
}

static int
strip(const struct norm_step *s, struct strbuf *text, struct strbuf *tmp,
      bool *at_start)
{
    size_t from = 0, to = text->len;
    uint32_t cp;

    while (s->left && from < to) {
        const size_t k = utf8_get(&cp, text->s + from);

        if (!utf8_is_space(cp))
            break;
        from += k;
        *at_start = false;
    }
    while (s->right && to > from) {
        const size_t k = utf8_back(text->s, to);

        utf8_get(&cp, text->s + k);
        if (!utf8_is_space(cp))
            break;
        to = k;
    }
    sb_reset(tmp);
    return sb_add(tmp, text->s + from, to - from);
}

int
normalizer_run(const struct normalizer *nz, struct strbuf *text,
               struct strbuf *tmp, bool *at_start,
               struct pattern_scratch *scratch, trv_err *err)
{
    for (int64_t i = 0; i < nz->n && text->len; i++) {
        const struct norm_step *s = &nz->steps[i];
        struct strbuf swap;
        int rc = 0;

        sb_reset(tmp);
        switch (s->kind) {
        case NORM_FORM:
            rc = normal_form(s, text, tmp);
            if (!rc && !tmp->len)
                continue; // nothing to do
            break;
        case NORM_REPLACE:
            rc = pattern_replace(tmp, &s->pattern, scratch, text->s, text->len,
                                 s->text, s->n, err);
            if (rc && rc != TRV_ENOMEM)
                return rc;
            break;
        case NORM_PREPEND:
            rc = sb_add(tmp, s->text, s->n) || sb_add(tmp, text->s, text->len)
                     ? TRV_ENOMEM
                     : 0;
            break;
        case NORM_LOWER:
            rc = lower(text, tmp);
            break;
        case NORM_STRIP:
            rc = strip(s, text, tmp, at_start);
            break;
        case NORM_CHARSMAP:
            rc = charsmap_run(&s->map, tmp, text->s, text->len);
            break;
        }
        if (rc)
            return err_fail(err, TRV_ENOMEM, "no memory to normalise text");
        swap = *text;
        *text = *tmp;
        *tmp = swap;
    }
    return 0;
}
