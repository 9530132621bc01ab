/* edits.c -- changes of an instruction that need no model. */
#include "transform/evolve/edits.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "text/utf8.h"

static const char *const names[EDIT_COUNT] = {
    "drop", "swap", "duplicate", "insert", "replace", "cross", "cut"};

const char *
edit_name(enum edit e)
{
    TRV_ASSERT(e < EDIT_COUNT);
    return names[e];
}

/* ---- parts -------------------------------------------------------------- */

void
parts_release(struct parts *p)
{
    for (int64_t i = 0; i < p->n; i++)
        mem_free(p->v[i]);
    mem_free(p->v);
    *p = (struct parts){0};
}

/* Takes `text` over, also where it fails. */
static int
take(struct parts *p, char *text)
{
    if (text && p->n == p->cap) {
        const int64_t cap = p->cap ? 2 * p->cap : 8;
        char **v = mem_reallocarray(p->v, (size_t)cap, sizeof(*v));

        if (!v) {
            mem_free(text);
            return TRV_ENOMEM;
        }
        p->v = v;
        p->cap = cap;
    }
    if (!text)
        return TRV_ENOMEM;
    p->v[p->n++] = text;
    return 0;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int
parts_add(struct parts *p, const char *text, size_t n)
{
    struct strbuf b = {0};
    bool gap = false;

    if (!utf8_is_valid(text, n))
        return 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (is_blank(text[i])) {
            gap = b.len > 0;
            continue;
        }
        if (c < 0x20 || c == 0x7f) {
            sb_release(&b);
            return 0;
        }
        if ((gap && sb_putc(&b, ' ')) || sb_putc(&b, text[i])) {
            sb_release(&b);
            return TRV_ENOMEM;
        }
        gap = false;
    }
    if (b.len == 0) {
        sb_release(&b);
        return 0;
    }
    return take(p, sb_take(&b));
}

/* Cut behind each of `ends` that a blank or the end follows. */
static int
split_at(struct parts *p, const char *text, const char *ends)
{
    const char *from = text;
    int rc = 0;

    for (const char *at = text; *at && !rc; at++)
        if (*at == '\n' || (strchr(ends, *at) && (is_blank(at[1]) || !at[1]))) {
            rc = parts_add(p, from, (size_t)(at + 1 - from));
            from = at + 1;
        }
    return rc ? rc : parts_add(p, from, strlen(from));
}

int
parts_split(struct parts *p, const char *text)
{
    const int64_t before = p->n;
    char *one;
    int rc = split_at(p, text, ".!?");

    if (rc || p->n != before + 1)
        return rc;
    one = p->v[--p->n];
    rc = split_at(p, one, ",;:");
    mem_free(one);
    return rc;
}

int
parts_copy(struct parts *out, const struct parts *p)
{
    int rc = 0;

    for (int64_t i = 0; i < p->n && !rc; i++)
        rc = take(out, mem_strdup(p->v[i]));
    return rc;
}

int
parts_join(struct strbuf *out, const struct parts *p)
{
    int rc = 0;

    for (int64_t i = 0; i < p->n && !rc; i++)
        rc = (i && sb_putc(out, ' ')) || sb_puts(out, p->v[i]) ? TRV_ENOMEM : 0;
    return rc;
}

bool
parts_has(const struct parts *p, const char *text)
{
    for (int64_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i], text) == 0)
            return true;
    return false;
}

/* ---- edits -------------------------------------------------------------- */

static int64_t
below(struct rng *rng, int64_t n)
{
    return (int64_t)rng_below(rng, (uint32_t)n);
}

static void
remove_at(struct parts *p, int64_t i)
{
    mem_free(p->v[i]);
    memmove(p->v + i, p->v + i + 1, (size_t)(p->n - i - 1) * sizeof(*p->v));
    p->n--;
}

static int
insert_at(struct parts *p, int64_t i, const char *text)
{
    char *last;
    int rc = take(p, mem_strdup(text));

    if (rc)
        return rc;
    last = p->v[p->n - 1];
    memmove(p->v + i + 1, p->v + i, (size_t)(p->n - 1 - i) * sizeof(*p->v));
    p->v[i] = last;
    return 0;
}

static int64_t
count_words(const char *s)
{
    int64_t n = 1;

    for (; *s; s++)
        n += *s == ' ';
    return n;
}

/* Leave one to all but one of a part's words out, at one place. */
static int
cut_words(struct parts *p, int64_t i, struct rng *rng)
{
    const int64_t words = count_words(p->v[i]);
    const int64_t gone = 1 + below(rng, words - 1);
    const int64_t from = below(rng, words - gone + 1);
    struct strbuf b = {0};
    int64_t w = 0;
    int rc = 0;

    for (const char *s = p->v[i]; *s && !rc; w++) {
        const size_t n = strcspn(s, " ");

        if (w < from || w >= from + gone)
            rc = (b.len && sb_putc(&b, ' ')) || sb_add(&b, s, n) ? TRV_ENOMEM
                                                                 : 0;
        s += n + (s[n] == ' ');
    }
    if (!rc) {
        mem_free(p->v[i]);
        p->v[i] = sb_take(&b);
    }
    sb_release(&b);
    return rc;
}

static int
cross(struct parts *out, const struct parts *a, const struct parts *mate,
      struct rng *rng)
{
    const int64_t head = 1 + below(rng, a->n);
    const int64_t tail = below(rng, mate->n);
    int rc = 0;

    while (out->n > head)
        remove_at(out, out->n - 1);
    for (int64_t i = tail; i < mate->n && out->n < PARTS_MOST && !rc; i++)
        rc = take(out, mem_strdup(mate->v[i]));
    return rc;
}

static bool
is_possible(enum edit e, const struct parts *a, const struct parts *mate,
            const struct parts *pool, bool closed)
{
    switch (e) {
    case EDIT_DROP:
    case EDIT_SWAP:
        return a->n > 1;
    case EDIT_DUPLICATE:
        return a->n > 0 && a->n < PARTS_MOST;
    case EDIT_INSERT:
        return pool->n > 0 && a->n < PARTS_MOST;
    case EDIT_REPLACE:
        return pool->n > 0 && a->n > 0;
    case EDIT_CROSS:
        return mate && mate->n > 0 && a->n > 0;
    default:
        for (int64_t i = 0; i < a->n && !closed; i++)
            if (strchr(a->v[i], ' '))
                return true;
        return false;
    }
}

static int
apply(struct parts *out, enum edit e, const struct parts *a,
      const struct parts *mate, const struct parts *pool, struct rng *rng)
{
    const int64_t i = a->n > 0 ? below(rng, a->n) : 0;
    int64_t j;
    char *other;
    int rc;

    switch (e) {
    case EDIT_DROP:
        remove_at(out, i);
        return 0;
    case EDIT_SWAP:
        j = (i + 1 + below(rng, a->n - 1)) % a->n;
        other = out->v[i];
        out->v[i] = out->v[j];
        out->v[j] = other;
        return 0;
    case EDIT_DUPLICATE:
        return insert_at(out, below(rng, a->n + 1), a->v[i]);
    case EDIT_INSERT:
        j = below(rng, pool->n);
        return insert_at(out, below(rng, a->n + 1), pool->v[j]);
    case EDIT_REPLACE:
        j = below(rng, pool->n);
        rc = insert_at(out, i, pool->v[j]);
        if (!rc)
            remove_at(out, i + 1);
        return rc;
    case EDIT_CROSS:
        return cross(out, a, mate, rng);
    default:
        j = i;
        while (!strchr(a->v[j], ' '))
            j = (j + 1) % a->n;
        return cut_words(out, j, rng);
    }
}

int
edit_draw(struct parts *out, enum edit *how, const struct parts *a,
          const struct parts *mate, const struct parts *pool, bool closed,
          struct rng *rng)
{
    enum edit may[EDIT_COUNT];
    uint32_t n = 0;
    int rc;

    *out = (struct parts){0};
    for (int e = 0; e < EDIT_COUNT; e++)
        if (is_possible((enum edit)e, a, mate, pool, closed))
            may[n++] = (enum edit)e;
    if (n == 0)
        return 1;
    *how = may[rng_below(rng, n)];
    rc = parts_copy(out, a);
    if (!rc)
        rc = apply(out, *how, a, mate, pool, rng);
    if (rc)
        parts_release(out);
    return rc;
}
