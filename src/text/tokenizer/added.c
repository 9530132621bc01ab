/* added.c -- finding added tokens. A trie holds their contents; from each byte
 * of the text it is walked as far as it goes, so a search costs the text's
 * length times the longest token's at worst. Where two are equal after
 * normalisation (`tokenizers` does not say which it takes) the first counts.
 */
#include "text/tokenizer/added.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/utf8.h"

/* --- building --- */

int
added_add(struct added *a, const struct added_token *token, const char *s,
          size_t n)
{
    const int32_t old = vocab_find(&a->names, s, n);
    int rc;

    if (old >= 0) {
        for (int64_t i = 0; i < a->n; i++)
            if (a->v[i].id == old) {
                a->v[i] = *token;
                a->v[i].id = old;
            }
        return 0;
    }
    if (a->n == a->cap) {
        const int64_t cap = a->cap ? 2 * a->cap : 16;
        struct added_token *v = mem_reallocarray(a->v, (size_t)cap, sizeof(*v));

        if (!v)
            return TRV_ENOMEM;
        a->v = v;
        a->cap = cap;
    }
    rc = vocab_add(&a->names, token->id, s, n);
    if (rc)
        return rc;
    a->v[a->n++] = *token;
    return 0;
}

/* Put token i into the trie it is looked for in. */
static int
index_token(struct added *a, int64_t i, const struct normalizer *nz,
            struct strbuf *text, struct strbuf *tmp,
            struct pattern_scratch *scratch, trv_err *err)
{
    size_t n = 0;
    const char *s = vocab_text(&a->names, a->v[i].id, &n);
    bool at_start = true;
    int rc;

    if (!a->v[i].normalized)
        return trie_add(&a->raw, s, n, (int32_t)i);
    sb_reset(text);
    if (sb_add(text, s, n))
        return TRV_ENOMEM;
    rc = normalizer_run(nz, text, tmp, &at_start, scratch, err);
    if (!rc)
        rc = trie_add(&a->normal, text->s, text->len, (int32_t)i);
    if (!rc && text->len)
        rc = vocab_add(&a->shown, a->v[i].id, text->s, text->len);
    return rc;
}

int
added_finish(struct added *a, const struct normalizer *nz, trv_err *err)
{
    struct pattern_scratch scratch = {0};
    struct strbuf text = {0}, tmp = {0};
    int rc = 0;

    for (int64_t i = 0; !rc && i < a->n; i++)
        rc = index_token(a, i, nz, &text, &tmp, &scratch, err);
    if (rc == TRV_ENOMEM)
        err_fail(err, rc, "no memory for the added tokens");
    sb_release(&text);
    sb_release(&tmp);
    pattern_scratch_release(&scratch);
    return rc;
}

void
added_release(struct added *a)
{
    vocab_release(&a->names);
    vocab_release(&a->shown);
    mem_free(a->v);
    trie_release(&a->raw);
    trie_release(&a->normal);
    memset(a, 0, sizeof(*a));
}

/* --- splitting --- */

void
spans_release(struct spans *s)
{
    mem_free(s->v);
    memset(s, 0, sizeof(*s));
}

static int
span_push(struct spans *s, size_t at, size_t n, int32_t id)
{
    if (s->n == s->cap) {
        const int64_t cap = s->cap ? 2 * s->cap : 16;
        struct span *v = mem_reallocarray(s->v, (size_t)cap, sizeof(*v));

        if (!v)
            return TRV_ENOMEM;
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = (struct span){at, n, id};
    return 0;
}

/* The longest token at text + at: its index, or -1. */
static int32_t
longest_at(const struct trie *t, const char *text, size_t n, size_t at,
           size_t *len)
{
    int32_t node = (unsigned char)text[at], best = -1;

    for (size_t i = at; node >= 0;) {
        i++;
        if (t->nodes[node].value >= 0) {
            best = t->nodes[node].value;
            *len = i - at;
        }
        node = i < n ? trie_step(t, node, (unsigned char)text[i]) : -1;
    }
    return best;
}

static bool
is_inside_word(const char *text, size_t n, size_t start, size_t end)
{
    uint32_t cp;

    if (start > 0) {
        utf8_get(&cp, text + utf8_back(text, start));
        if (utf8_is_word(cp))
            return true;
    }
    if (end < n) {
        utf8_get(&cp, text + end);
        if (utf8_is_word(cp))
            return true;
    }
    return false;
}

static size_t
spaces_before(const char *text, size_t least, size_t at)
{
    while (at > least) {
        const size_t k = utf8_back(text, at);
        uint32_t cp;

        utf8_get(&cp, text + k);
        if (!utf8_is_space(cp))
            break;
        at = k;
    }
    return at;
}

static size_t
spaces_after(const char *text, size_t n, size_t at)
{
    while (at < n) {
        uint32_t cp;
        const size_t k = utf8_get(&cp, text + at);

        if (!utf8_is_space(cp))
            break;
        at += k;
    }
    return at;
}

int
added_split(const struct added *a, const struct trie *trie, struct spans *out,
            const char *text, size_t n)
{
    size_t done = 0; // text before it is spoken for
    size_t run = 0;  // where the space behind the last rstrip token ends

    out->n = 0;
    for (size_t at = 0, len = 0; trie->n && at < n;) {
        const int32_t hit = longest_at(trie, text, n, at, &len);
        const struct added_token *token;
        size_t start, end;

        if (hit < 0) {
            at++;
            continue;
        }
        token = &a->v[hit];
        start = at;
        end = at + len;
        at = end; // the search goes on here, whatever becomes of the match
        if (token->single_word && is_inside_word(text, n, start, end))
            continue;
        if (token->lstrip) {
            start = start > done ? spaces_before(text, done, start) : done;
        }
        if (token->rstrip) { // one run of space is measured once
            if (end > run)
                run = spaces_after(text, n, end);
            end = run;
        }
        if (start > done && span_push(out, done, start - done, -1))
            return TRV_ENOMEM;
        /* Nothing is left where the token before took this one's space. */
        if (end > start && span_push(out, start, end - start, token->id))
            return TRV_ENOMEM;
        done = end;
    }
    return n > done ? span_push(out, done, n - done, -1) : 0;
}

/* --- llama.cpp's order --- */

static int
by_length_then_id(const void *pa, const void *pb)
{
    const struct span *a = pa, *b = pb;

    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

static int
by_place(const void *pa, const void *pb)
{
    const struct span *a = pa, *b = pb;

    return a->at < b->at ? -1 : a->at > b->at;
}

/* Every occurrence of every token, overlapping ones too. */
static int
all_hits(const struct added *a, struct spans *out, const char *text, size_t n)
{
    const struct trie *t = &a->raw;

    for (size_t at = 0; t->n && at < n; at++) {
        int32_t node = (unsigned char)text[at];

        for (size_t i = at; node >= 0;) {
            i++;
            if (t->nodes[node].value >= 0 &&
                span_push(out, at, i - at, a->v[t->nodes[node].value].id))
                return TRV_ENOMEM;
            node = i < n ? trie_step(t, node, (unsigned char)text[i]) : -1;
        }
    }
    return 0;
}

int
added_split_longest(const struct added *a, struct spans *out, const char *text,
                    size_t n)
{
    struct spans hits = {0};
    unsigned char *taken = NULL;
    size_t done = 0;
    int64_t kept = 0;
    int rc;

    out->n = 0;
    rc = all_hits(a, &hits, text, n);
    if (rc || hits.n == 0)
        goto rest;
    taken = mem_calloc(n, 1);
    if (!taken) {
        rc = TRV_ENOMEM;
        goto rest;
    }
    qsort(hits.v, (size_t)hits.n, sizeof(*hits.v), by_length_then_id);
    for (int64_t i = 0; i < hits.n; i++) {
        const struct span h = hits.v[i];

        /* What is taken by others is at least as long, so it covers an end. */
        if (taken[h.at] || taken[h.at + h.n - 1])
            continue;
        memset(taken + h.at, 1, h.n);
        hits.v[kept++] = h;
    }
    qsort(hits.v, (size_t)kept, sizeof(*hits.v), by_place);
    for (int64_t i = 0; !rc && i < kept; i++) {
        const struct span h = hits.v[i];

        if (h.at > done)
            rc = span_push(out, done, h.at - done, -1);
        if (!rc)
            rc = span_push(out, h.at, h.n, h.id);
        done = h.at + h.n;
    }
rest:
    if (!rc && n > done)
        rc = span_push(out, done, n - done, -1);
    mem_free(taken);
    spans_release(&hits);
    return rc;
}
