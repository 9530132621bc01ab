/* prompt_place.c -- the place of a prompt, found by putting texts into it. */
#include "transform/search/prompt_place.h"

#include <string.h>

#include "base/mem.h"

/* How many different texts must agree on where they stand. */
#define PROBES 4

/* The context of a row under a text; the ids are lent until the next call. */
static int
context_of(const struct ids **out, struct prompt_place *s, int64_t row,
           const char *text, trv_err *err)
{
    const struct text_rules rules = model_text_rules(s->m);
    struct strbuf b = {0};
    int rc = sb_puts(&b, text) || sb_puts(&b, s->end)
                 ? err_nomem(err, "for a prompt's place")
                 : 0;

    if (!rc)
        rc = example_context(s->scratch, &rules, &s->rows[row], b.s, NULL, err);
    sb_release(&b);
    *out = &s->scratch->ids;
    return rc;
}

/* --- opening --- */

/* A word of one to eight plain letters, so that no tokenizer joins it with a
 * blank, a bracket or a newline beside it; and none that begins or ends as an
 * earlier one does. */
static bool
is_probe(const char *text, size_t n, const struct strbuf *earlier, int n_probes)
{
    if (n < 1 || n > 8)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') ||
              (text[i] >= 'A' && text[i] <= 'Z')))
            return false;
    for (int p = 0; p < n_probes; p++)
        if (earlier[p].s[0] == text[0] ||
            earlier[p].s[earlier[p].len - 1] == text[n - 1])
            return false;
    return true;
}

/* Words out of the vocabulary itself: any tokenizer has some. */
static int
find_probes(struct strbuf *probes, int *n_probes, const struct tokenizer *t,
            trv_err *err)
{
    struct strbuf text = {0};
    int rc = 0;

    *n_probes = 0;
    for (int64_t id = 0; id < tokenizer_size(t) && *n_probes < PROBES && !rc;
         id++) {
        const int32_t one = (int32_t)id;

        if (tokenizer_is_special(t, one) || !tokenizer_token(t, one))
            continue;
        sb_reset(&text);
        rc = tokenizer_decode(t, &text, &one, 1, false, err);
        if (!rc && is_probe(text.s, text.len, probes, *n_probes)) {
            if (sb_add(&probes[*n_probes], text.s, text.len))
                rc = err_nomem(err, "for a prompt's place");
            *n_probes += 1;
        }
    }
    sb_release(&text);
    if (!rc && *n_probes < 2)
        rc = err_fail(err, TRV_EINVAL,
                      "the vocabulary has too few letters for a search over "
                      "prompts");
    return rc;
}

static int64_t
common_prefix(const struct ids *a, const struct ids *b, int64_t most)
{
    int64_t n = 0;

    while (n < most && n < a->n && n < b->n && a->v[n] == b->v[n])
        n++;
    return n;
}

static int64_t
common_suffix(const struct ids *a, const struct ids *b, int64_t most)
{
    int64_t n = 0;

    while (n < most && n < a->n && n < b->n &&
           a->v[a->n - 1 - n] == b->v[b->n - 1 - n])
        n++;
    return n;
}

static int
copy_ids(struct ids *out, const int32_t *v, int64_t n, trv_err *err)
{
    return ids_append(out, v, n) ? err_nomem(err, "for a prompt's place") : 0;
}

/* Head and tail of a row: what stays where the text changes. */
static int
find_row(struct prompt_place *s, int64_t row, const struct strbuf *probes,
         int n_probes, trv_err *err)
{
    struct ids first = {0};
    const struct ids *c;
    int64_t head = INT64_MAX, tail = INT64_MAX, least = INT64_MAX;
    int rc = context_of(&c, s, row, probes[0].s, err);

    if (!rc)
        rc = copy_ids(&first, c->v, c->n, err);
    for (int p = 1; p < n_probes && !rc; p++) {
        rc = context_of(&c, s, row, probes[p].s, err);
        if (rc)
            break;
        head = common_prefix(&first, c, head);
        tail = common_suffix(&first, c, tail);
        least = c->n < least ? c->n : least;
    }
    least = first.n < least ? first.n : least;
    if (!rc && head + tail >= least)
        rc = data_row_fail(&s->rows[row], err, TRV_EINVAL,
                           "a prompt has no place of its own in this input: "
                           "the chat template does not show a system message");
    if (!rc)
        rc = copy_ids(&s->at[row].head, first.v, head, err);
    if (!rc)
        rc = copy_ids(&s->at[row].tail, first.v + first.n - tail, tail, err);
    ids_release(&first);
    return rc;
}

int
prompt_place_open(struct prompt_place *out, const struct model *m,
                  const struct data_row *rows, int64_t n, const char *end,
                  trv_err *err)
{
    struct strbuf probes[PROBES] = {{0}};
    int n_probes = 0, rc;

    TRV_ASSERT(n >= 1);
    *out =
        (struct prompt_place){.m = m,
                              .rows = rows,
                              .end = end,
                              .at = mem_calloc((size_t)n, sizeof(*out->at)),
                              .scratch = mem_calloc(1, sizeof(*out->scratch))};
    if (!out->at || !out->scratch)
        rc = err_nomem(err, "for a prompt's place");
    else
        rc = find_probes(probes, &n_probes, m->tokenizer, err);
    for (; out->n < n && !rc; out->n++)
        rc = find_row(out, out->n, probes, n_probes, err);
    for (int p = 0; p < PROBES; p++)
        sb_release(&probes[p]);
    if (rc)
        prompt_place_release(out);
    return rc;
}

void
prompt_place_release(struct prompt_place *s)
{
    for (int64_t i = 0; i < s->n; i++) {
        ids_release(&s->at[i].head);
        ids_release(&s->at[i].tail);
    }
    if (s->scratch)
        example_release(s->scratch);
    mem_free(s->scratch);
    mem_free(s->at);
    *s = (struct prompt_place){0};
}

/* --- there and back --- */

static bool
stands_in(const struct ids *c, const struct place_row *at, const int32_t *z,
          int64_t n)
{
    const size_t size = sizeof(*z);

    return c->n == at->head.n + n + at->tail.n &&
           (at->head.n == 0 ||
            memcmp(c->v, at->head.v, (size_t)at->head.n * size) == 0) &&
           memcmp(c->v + at->head.n, z, (size_t)n * size) == 0 &&
           (at->tail.n == 0 || memcmp(c->v + at->head.n + n, at->tail.v,
                                      (size_t)at->tail.n * size) == 0);
}

/* An error that only means that this text cannot stand there is not passed
 * on. */
static int
try_text(bool *stands, struct prompt_place *s, int64_t row, const char *text,
         const int32_t *z, int64_t n, trv_err *err)
{
    const struct ids *c;
    trv_err refused = {0};
    const int rc = context_of(&c, s, row, text, &refused);

    *stands = !rc && stands_in(c, &s->at[row], z, n);
    return rc == TRV_ENOMEM ? err_nomem(err, "for a prompt's place") : 0;
}

/* Text after the head's, where the head's text is what it begins with. */
static int
decode_behind_head(struct strbuf *text, const struct prompt_place *s,
                   const int32_t *z, int64_t n, trv_err *err)
{
    const struct tokenizer *t = s->m->tokenizer;
    const struct ids *head = &s->at[0].head;
    struct strbuf before = {0}, all = {0};
    struct ids both = {0};
    int rc = copy_ids(&both, head->v, head->n, err);

    sb_reset(text);
    if (!rc)
        rc = copy_ids(&both, z, n, err);
    if (!rc)
        rc = tokenizer_decode(t, &before, head->v, head->n, false, err);
    if (!rc)
        rc = tokenizer_decode(t, &all, both.v, both.n, false, err);
    if (!rc && all.len > before.len &&
        (before.len == 0 || memcmp(all.s, before.s, before.len) == 0) &&
        sb_add(text, all.s + before.len, all.len - before.len))
        rc = err_nomem(err, "for a prompt's place");
    ids_release(&both);
    sb_release(&before);
    sb_release(&all);
    return rc;
}

static bool
is_text(const struct strbuf *b)
{
    return b->len > 0 && !memchr(b->s, 0, b->len);
}

int
prompt_place_text(struct strbuf *text, bool *stands, struct prompt_place *s,
                  const int32_t *z, int64_t n, trv_err *err)
{
    int rc;

    *stands = false;
    sb_reset(text);
    rc = tokenizer_decode(s->m->tokenizer, text, z, n, false, err);
    if (!rc && is_text(text))
        rc = try_text(stands, s, 0, text->s, z, n, err);
    if (rc || *stands || s->at[0].head.n == 0)
        return rc;
    /* A tokenizer that takes a blank off a text's beginning does not take it
     * off within a text. */
    rc = decode_behind_head(text, s, z, n, err);
    if (!rc && is_text(text))
        rc = try_text(stands, s, 0, text->s, z, n, err);
    return rc;
}

int
prompt_place_check(bool *stands, struct prompt_place *s, const char *text,
                   const int32_t *z, int64_t n, trv_err *err)
{
    int rc = 0;

    *stands = true;
    for (int64_t i = 0; i < s->n && *stands && !rc; i++)
        rc = try_text(stands, s, i, text, z, n, err);
    return rc;
}

int
prompt_place_ids(struct ids *z, bool *stands, struct prompt_place *s,
                 const char *text, trv_err *err)
{
    const struct place_row *at = &s->at[0];
    const struct ids *c;
    int64_t n;
    int rc = context_of(&c, s, 0, text, err);

    if (rc)
        return rc;
    n = c->n - at->head.n - at->tail.n;
    *stands = n >= 1 && stands_in(c, at, c->v + at->head.n, n);
    return *stands ? copy_ids(z, c->v + at->head.n, n, err) : 0;
}
