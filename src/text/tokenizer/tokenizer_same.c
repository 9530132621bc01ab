/* tokenizer_same.c -- do two tokenizers of one vocabulary cut texts alike? */
#include <string.h>

#include "text/tokenizer/tokenizer_inside.h"

/* Spaces in front, in a row and before digits; several digits; line ends;
 * accents, composed and not: where published pipelines differ. */
static const char *const probes[] = {
    "a",
    " a",
    "  a  12",
    "don't 345.67",
    "a\n\n  b\r\n c",
    "\xC3\xA9 e\xCC\x81",                     // accents
    "\xE4\xBD\xA0\xE5\xA5\xBD, \xEF\xBC\x91", // wide letters and digits
};

/* What a text becomes before the merges. */
struct cut {
    struct pieces pieces, tmp;
    struct strbuf text, text_tmp;
    struct pattern_scratch patterns;
};

static int
cut(struct cut *c, const struct tokenizer *t, const char *probe, bool first,
    trv_err *err)
{
    int rc;

    sb_reset(&c->text);
    if (sb_puts(&c->text, probe))
        return err_nomem(err, "to compare tokenizers");
    rc = normalizer_run(&t->normalizer, &c->text, &c->text_tmp, &first,
                        &c->patterns, err);
    if (!rc)
        rc = pieces_set(&c->pieces, c->text.s, c->text.len, first);
    if (!rc)
        rc = pretok_run(&t->pretok, &c->pieces, &c->tmp, &c->patterns, err);
    return rc == TRV_ENOMEM ? err_nomem(err, "to compare tokenizers") : rc;
}

static void
cut_release(struct cut *c)
{
    pieces_release(&c->pieces);
    pieces_release(&c->tmp);
    sb_release(&c->text);
    sb_release(&c->text_tmp);
    pattern_scratch_release(&c->patterns);
}

static bool
is_same(const struct pieces *a, const struct pieces *b)
{
    if (a->n != b->n)
        return false;
    for (int64_t i = 0; i < a->n; i++)
        if (a->v[i].n != b->v[i].n ||
            memcmp(a->text.s + a->v[i].at, b->text.s + b->v[i].at, a->v[i].n))
            return false;
    return true;
}

int
tokenizer_cut_alike(bool *alike, const struct tokenizer *a,
                    const struct tokenizer *b, trv_err *err)
{
    struct cut of_a = {0}, of_b = {0};
    int rc = 0;

    *alike = true;
    for (size_t i = 0; i < 2 * sizeof(probes) / sizeof(*probes) && !rc; i++) {
        const char *probe = probes[i / 2];
        const bool first = i % 2; // else behind a special token

        rc = cut(&of_a, a, probe, first, err);
        if (!rc)
            rc = cut(&of_b, b, probe, first, err);
        *alike = *alike && !rc && is_same(&of_a.pieces, &of_b.pieces);
    }
    cut_release(&of_a);
    cut_release(&of_b);
    return rc;
}
