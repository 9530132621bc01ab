/* tokenizer.c -- text to ids and back. The parts are read by tokenizer_json.c,
 * tokenizer_hf.c and tokenizer_gguf.c.
 */
#include "text/tokenizer/tokenizer.h"

#include <string.h>

#include "base/mem.h"
#include "text/tokenizer/tokenizer_inside.h"
#include "text/utf8.h"

#define LONG_TEXT 2048 // bytes; a cache of pieces pays from here on

/* --- lists of ids --- */

static int
ids_reserve(struct ids *ids, int64_t more)
{
    int64_t cap = ids->cap ? ids->cap : 64;
    int32_t *v;

    if (more <= ids->cap - ids->n)
        return 0;
    if (more > INT64_MAX / 16 - ids->n)
        return TRV_ENOMEM;
    while (cap < ids->n + more)
        cap *= 2;
    v = mem_reallocarray(ids->v, (size_t)cap, sizeof(*v));
    if (!v)
        return TRV_ENOMEM;
    ids->v = v;
    ids->cap = cap;
    return 0;
}

int
ids_push(struct ids *ids, int32_t id)
{
    if (ids->n == ids->cap && ids_reserve(ids, 1))
        return TRV_ENOMEM;
    ids->v[ids->n++] = id;
    return 0;
}

int
ids_append(struct ids *ids, const int32_t *v, int64_t n)
{
    if (n <= 0)
        return 0;
    if (ids_reserve(ids, n))
        return TRV_ENOMEM;
    memcpy(ids->v + ids->n, v, (size_t)n * sizeof(*v));
    ids->n += n;
    return 0;
}

void
ids_release(struct ids *ids)
{
    mem_free(ids->v);
    memset(ids, 0, sizeof(*ids));
}

/* --- putting together --- */

int
tokenizer_read_vocab(struct tokenizer *t, const json_t *vocab,
                     const char *field, const char *file, trv_err *err)
{
    const char *key;
    size_t n;
    json_t *v;

    if (!json_is_object(vocab))
        return err_fail(err, TRV_EFORMAT, "field '%s' of '%s' is no object",
                        field, file);
    json_object_keylen_foreach((json_t *)(uintptr_t)vocab, key, n, v)
    {
        const json_int_t id = json_integer_value(v);
        int rc;

        if (!json_is_integer(v) || id < 0 || id > VOCAB_MAX_ID)
            return err_fail(err, TRV_EFORMAT,
                            "field '%s' of '%s': the id of '%.100s' is no "
                            "integer from 0 to %d",
                            field, file, key, VOCAB_MAX_ID);
        rc = vocab_add(&t->bpe.vocab, (int32_t)id, key, n);
        if (rc == TRV_EEXIST)
            return err_fail(err, TRV_EFORMAT,
                            "field '%s' of '%s' has id %d twice, for '%.100s' "
                            "and '%.100s'",
                            field, file, (int)id,
                            vocab_text(&t->bpe.vocab, (int32_t)id, NULL), key);
        if (rc)
            return err_fail(err, rc, "no memory for '%s'", file);
    }
    if (t->bpe.vocab.count == 0)
        return err_fail(err, TRV_EFORMAT, "field '%s' of '%s' is empty", field,
                        file);
    return 0;
}

int
tokenizer_add_merge(struct tokenizer *t, int64_t n, const char *a, size_t a_n,
                    const char *b, size_t b_n, const char *field,
                    const char *file, trv_err *err)
{
    const struct vocab *v = &t->bpe.vocab;
    const size_t skip = t->bpe.prefix ? strlen(t->bpe.prefix) : 0;
    const int32_t left = vocab_find(v, a, a_n), right = vocab_find(v, b, b_n);
    struct strbuf whole = {0};
    int32_t id = -1;
    int rc = 0;

    if (left >= 0 && right >= 0) {
        rc = sb_add(&whole, a, a_n);
        if (!rc && b_n > skip)
            rc = sb_add(&whole, b + skip, b_n - skip);
        if (!rc)
            id = vocab_find(v, whole.s, whole.len);
    }
    if (!rc && id < 0)
        rc = err_fail(err, TRV_EFORMAT,
                      "field '%s' of '%s': merge %lld, '%.*s' and '%.*s': "
                      "%s is not in the vocabulary",
                      field, file, (long long)n, a_n > 100 ? 100 : (int)a_n, a,
                      b_n > 100 ? 100 : (int)b_n, b,
                      left < 0    ? "the first"
                      : right < 0 ? "the second"
                                  : "their sum");
    else if (!rc)
        rc = bpe_add_merge(&t->bpe, left, right, (int32_t)n, id, false);
    if (rc == TRV_ENOMEM)
        err_fail(err, rc, "no memory for '%s'", file);
    sb_release(&whole);
    return rc;
}

int
tokenizer_add_token(struct tokenizer *t, const struct added_token *flags,
                    const char *s, size_t n, const char *file, trv_err *err)
{
    struct added_token token = *flags;
    int64_t id;

    if (n == 0)
        return 0;
    token.id = vocab_find(&t->added.names, s, n);
    if (token.id < 0)
        token.id = vocab_find(&t->bpe.vocab, s, n);
    if (token.id < 0) { // the next one; ids of the file do not count
        id = t->bpe.vocab.count;
        if (t->added.names.size > id)
            id = t->added.names.size;
        if (id > VOCAB_MAX_ID)
            return err_fail(err, TRV_EFORMAT, "'%s' has more than %d tokens",
                            file, VOCAB_MAX_ID);
        token.id = (int32_t)id;
    }
    if (added_add(&t->added, &token, s, n))
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    return 0;
}

static const char *
token_text(const struct tokenizer *t, int32_t id, size_t *n)
{
    const char *s = vocab_text(&t->added.names, id, n);

    if (s || id >= t->bpe.n_ids)
        return s;
    return vocab_text(&t->bpe.vocab, id, n);
}

/* SHA-256 of every id's token: its length, 32 bits, little-endian, all ones
 * for an id without a token; and its bytes. */
static int
make_hash(struct tokenizer *t, trv_err *err)
{
    struct hash *h;
    const int rc = hash_open(&h, err);

    if (rc)
        return rc;
    for (int64_t i = 0; i < t->size; i++) {
        size_t n = 0;
        const char *s = token_text(t, (int32_t)i, &n);
        const uint32_t len = s ? (uint32_t)n : UINT32_MAX;

        hash_add(h, &len, sizeof(len));
        if (s)
            hash_add(h, s, n);
    }
    hash_close(h, t->hash);
    return 0;
}

static int
check_post(const struct tokenizer *t, const char *file, trv_err *err)
{
    for (int64_t i = 0; i < t->post.n; i++)
        if (t->post.v[i] >= t->size)
            return err_fail(err, TRV_EFORMAT,
                            "field 'post_processor' of '%s' has id %d, outside "
                            "the vocabulary of %lld",
                            file, (int)t->post.v[i], (long long)t->size);
    return 0;
}

int
tokenizer_finish(struct tokenizer *t, const char *file, trv_err *err)
{
    int rc;

    if (t->bpe.n_ids == 0)
        t->bpe.n_ids = (int32_t)t->bpe.vocab.size;
    t->size = t->bpe.n_ids;
    if (t->added.names.size > t->size)
        t->size = t->added.names.size;
    if (bpe_finish(&t->bpe))
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    if (t->unigram.scores && unigram_finish(&t->unigram, &t->bpe.vocab))
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    rc = added_finish(&t->added, &t->normalizer, err);
    if (rc)
        return rc;
    t->special = mem_calloc((size_t)t->size + 1, 1);
    if (!t->special)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    for (int64_t i = 0; i < t->added.n; i++)
        if (t->added.v[i].special)
            t->special[t->added.v[i].id] = 1;
    rc = check_post(t, file, err);
    return rc ? rc : make_hash(t, err);
}

void
tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    added_release(&t->added);
    normalizer_release(&t->normalizer);
    pretok_release(&t->pretok);
    bpe_release(&t->bpe);
    unigram_release(&t->unigram);
    ids_release(&t->post);
    detok_release(&t->detok);
    mem_free(t->special);
    mem_free(t);
}

/* --- encoding --- */

/* The working memory of one call. */
struct encode {
    const struct tokenizer *t;
    struct ids *out;
    struct pattern_scratch patterns;
    struct bpe_scratch bpe;
    struct unigram_scratch unigram;
    struct strbuf fixed, text, tmp;
    struct pieces pieces, pieces_tmp;
    struct spans spans, spans_normal;
    bool behind_token; // or at the start
};

static void
encode_release(struct encode *e)
{
    pattern_scratch_release(&e->patterns);
    bpe_scratch_release(&e->bpe);
    unigram_scratch_release(&e->unigram);
    sb_release(&e->fixed);
    sb_release(&e->text);
    sb_release(&e->tmp);
    pieces_release(&e->pieces);
    pieces_release(&e->pieces_tmp);
    spans_release(&e->spans);
    spans_release(&e->spans_normal);
}

/* Text without added tokens, normalised. */
static int
encode_text(struct encode *e, const char *s, size_t n, bool first, trv_err *err)
{
    const struct tokenizer *t = e->t;
    int rc;

    if (pieces_set(&e->pieces, s, n, first))
        return err_fail(err, TRV_ENOMEM, "no memory to encode");
    rc = pretok_run(&t->pretok, &e->pieces, &e->pieces_tmp, &e->patterns, err);
    for (int64_t i = 0; !rc && i < e->pieces.n; i++) {
        const char *piece = e->pieces.text.s + e->pieces.v[i].at;
        const size_t len = e->pieces.v[i].n;

        rc = t->unigram.scores
                 ? unigram_encode(&t->unigram, &t->bpe.vocab, e->out, piece,
                                  len, &e->unigram, err)
                 : bpe_encode(&t->bpe, e->out, piece, len, &e->bpe, err);
    }
    return rc == TRV_ENOMEM ? err_fail(err, rc, "no memory to encode") : rc;
}

/* What SentencePiece does to a text: a space before it, U+2581 for spaces. */
static int
spm_text(struct encode *e, const char *s, size_t n)
{
    int rc = 0;

    if (e->t->spm_space && e->behind_token)
        rc = sb_puts(&e->text, "\xE2\x96\x81");
    for (size_t i = 0, j; !rc && i < n; i = j) {
        j = i + 1;
        if (s[i] == ' ') {
            rc = sb_puts(&e->text, "\xE2\x96\x81");
            continue;
        }
        while (j < n && s[j] != ' ')
            j++;
        rc = sb_add(&e->text, s + i, j - i);
    }
    return rc;
}

/* Text between the added tokens that are not normalised. */
static int
encode_span(struct encode *e, const char *s, size_t n, bool first, trv_err *err)
{
    const struct tokenizer *t = e->t;
    int rc;

    sb_reset(&e->text);
    rc = t->spm ? spm_text(e, s, n) : sb_add(&e->text, s, n);
    if (!rc)
        rc = normalizer_run(&t->normalizer, &e->text, &e->tmp, &first,
                            &e->patterns, err);
    if (!rc)
        rc = added_split(&t->added, &t->added.normal, &e->spans_normal,
                         e->text.s, e->text.len);
    for (int64_t i = 0; !rc && i < e->spans_normal.n; i++) {
        const struct span *p = &e->spans_normal.v[i];

        rc = p->id >= 0 ? ids_push(e->out, p->id)
                        : encode_text(e, e->text.s + p->at, p->n,
                                      first && p->at == 0, err);
    }
    return rc == TRV_ENOMEM ? err_fail(err, rc, "no memory to encode") : rc;
}

static int
encode_all(struct encode *e, const char *s, size_t n, trv_err *err)
{
    const struct tokenizer *t = e->t;
    int rc = t->longest_first
                 ? added_split_longest(&t->added, &e->spans, s, n)
                 : added_split(&t->added, &t->added.raw, &e->spans, s, n);

    e->behind_token = true;
    for (int64_t i = 0; !rc && i < e->spans.n; i++) {
        const struct span *p = &e->spans.v[i];

        rc = p->id >= 0 ? ids_push(e->out, p->id)
                        : encode_span(e, s + p->at, p->n, p->at == 0, err);
        e->behind_token = p->id >= 0;
    }
    return rc == TRV_ENOMEM ? err_fail(err, rc, "no memory to encode") : rc;
}

int
tokenizer_encode(const struct tokenizer *t, struct ids *out, const char *text,
                 size_t n, bool special, trv_err *err)
{
    struct encode e = {.t = t, .out = out};
    const bool around = special && t->post.n > 0;
    const int64_t before = out->n;
    size_t used;
    int rc = 0;

    if (n >= LONG_TEXT)
        rc = bpe_use_cache(&e.bpe);
    if (!rc && n && !utf8_is_valid(text, n)) {
        rc = utf8_repair(&e.fixed, &used, text, n, false);
        text = e.fixed.s;
        n = e.fixed.len;
    }
    if (rc)
        err_fail(err, rc, "no memory to encode %zu bytes", n);
    if (!rc && !around)
        rc = encode_all(&e, text, n, err);
    for (int64_t i = 0; !rc && around && i < t->post.n; i++) {
        if (t->post.v[i] == TOKENIZER_TEXT)
            rc = encode_all(&e, text, n, err);
        else if (ids_push(out, t->post.v[i]))
            rc = err_fail(err, TRV_ENOMEM, "no memory to encode");
    }
    for (int64_t i = before; i < out->n && !rc; i++)
        if (out->v[i] >= t->size)
            rc = err_fail(err, TRV_EFORMAT,
                          "the text needs the token '%.100s', id %d, for which "
                          "the model's embedding has no row",
                          token_text(t, out->v[i], NULL), (int)out->v[i]);
    encode_release(&e);
    return rc;
}

/* --- decoding --- */

static int
decode_id(const struct tokenizer *t, struct detok_state *st, struct strbuf *out,
          int32_t id, bool skip_special, trv_err *err)
{
    size_t n = 0;
    const char *s;

    if (id < 0 || id >= t->size)
        return err_fail(err, TRV_ERANGE,
                        "token id %d is outside the vocabulary of %lld",
                        (int)id, (long long)t->size);
    s = vocab_text(&t->added.shown, id, &n);
    if (!s)
        s = token_text(t, id, &n);
    if (!s || (skip_special && t->special[id]))
        return 0;
    return detok_token(st, out, s, n, err);
}

int
tokenizer_decode(const struct tokenizer *t, struct strbuf *out,
                 const int32_t *ids, int64_t n, bool skip_special, trv_err *err)
{
    struct detok_state *st;
    int rc = 0;

    if (detok_open(&st, &t->detok))
        return err_fail(err, TRV_ENOMEM, "no memory to decode");
    for (int64_t i = 0; !rc && i < n; i++)
        rc = decode_id(t, st, out, ids[i], skip_special, err);
    if (!rc)
        rc = detok_finish(st, out, err);
    detok_free(st);
    return rc;
}

int
token_stream_feed(const struct tokenizer *t, struct token_stream *s, int32_t id,
                  struct strbuf *out, trv_err *err)
{
    if (!s->state && detok_open(&s->state, &t->detok))
        return err_fail(err, TRV_ENOMEM, "no memory to decode");
    return decode_id(t, s->state, out, id, s->skip_special, err);
}

int
token_stream_finish(const struct tokenizer *t, struct token_stream *s,
                    struct strbuf *out, trv_err *err)
{
    (void)t;
    return s->state ? detok_finish(s->state, out, err) : 0;
}

void
token_stream_release(struct token_stream *s)
{
    detok_free(s->state);
    s->state = NULL;
}

/* --- questions --- */

void
tokenizer_cut(struct tokenizer *t, int64_t rows)
{
    TRV_ASSERT(rows <= t->size);
    t->size = rows;
}

int64_t
tokenizer_size(const struct tokenizer *t)
{
    return t->size;
}

int32_t
tokenizer_bos(const struct tokenizer *t)
{
    return t->bos;
}

int32_t
tokenizer_eos(const struct tokenizer *t)
{
    return t->eos;
}

int32_t
tokenizer_id(const struct tokenizer *t, const char *token)
{
    const size_t n = strlen(token);
    int32_t id = vocab_find(&t->added.names, token, n);

    if (id < 0)
        id = vocab_find(&t->bpe.vocab, token, n);
    return id < t->size ? id : -1;
}

bool
tokenizer_is_special(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->size && t->special[id];
}

void
tokenizer_set_special(struct tokenizer *t, int32_t id)
{
    if (id >= 0 && id < t->size)
        t->special[id] = true;
}

bool
tokenizer_is_added(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->size && vocab_text(&t->added.names, id, NULL);
}

const char *
tokenizer_token(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->size ? token_text(t, id, NULL) : NULL;
}

const char *
tokenizer_kind(const struct tokenizer *t)
{
    return t->kind;
}

void
tokenizer_hash(const struct tokenizer *t, char hex[HASH_HEX])
{
    memcpy(hex, t->hash, HASH_HEX);
}
