/* tokenizer_gguf.c -- the vocabulary of a GGUF file, by llama.cpp's rules.
 *
 * Model "gpt2" is byte-level BPE; the file names its expressions by "pre".
 * Model "gemma4" is BPE on plain text, with tokens for bytes.
 * Model "llama" is SentencePiece: the two neighbours whose joint token has the
 * best score merge first. All pairs that make a token are known beforehand, so
 * both become one table of ranked merges.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/tokenizer/gguf_pre.h"
#include "text/tokenizer/tokenizer_inside.h"
#include "text/utf8.h"

enum {
    TYPE_NORMAL = 1,
    TYPE_UNKNOWN,
    TYPE_CONTROL,
    TYPE_USER,
    TYPE_UNUSED,
    TYPE_BYTE
};

/* --- how text is cut --- */

static int
read_pre(const struct gguf_pre **out, struct tokenizer *t,
         const struct gguf_vocab *v, const char *name, trv_err *err)
{
    const struct gguf_pre *p = gguf_pre_find(name);
    int rc = 0;

    *out = p;
    if (!p)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "field 'tokenizer.ggml.pre' of '%s' is '%.60s', a "
                        "pre-tokenizer that is not supported",
                        v->path, name);
    for (int k = 0; !rc && k < GGUF_PRE_MAX && p->regex[k]; k++)
        rc = pretok_add_regex(&t->pretok, p->regex[k], v->path, err);
    if (rc)
        return rc;
    t->bpe.ignore_merges = p->ignore_merges;
    t->bpe.whole_lines = t->bpe.byte_fallback = t->spm = p->plain;
    if (!p->plain && pretok_add_byte_level(&t->pretok, false))
        return err_nomem(err, "for '%s'", v->path);
    return 0;
}

/* --- tokens --- */

/* Chat files often mark these as plain; llama.cpp takes them for control. */
static bool
is_turn_end(const char *s, size_t n)
{
    static const char *const names[] = {
        "<|eot_id|>",    "<|im_end|>", "<|end|>", "<end_of_turn>",
        "<|endoftext|>", "<EOT>",      "_<EOT>"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == n && !memcmp(names[i], s, n))
            return true;
    return false;
}

static int
read_token(struct tokenizer *t, const struct gguf_vocab *v, int32_t id,
           struct strbuf *text, trv_err *err)
{
    const struct gguf_str *s = &v->tokens[id];
    const int32_t type = v->types ? v->types[id] : TYPE_NORMAL;
    struct added_token a = {.id = id};
    size_t used;
    int rc;

    sb_reset(text);
    if (s->n == 0)
        rc = sb_printf(text, "[EMPTY_%d]", (int)id);
    else
        rc = utf8_repair(text, &used, s->s, s->n, false);
    if (!rc)
        rc = vocab_add(&t->bpe.vocab, id, text->s, text->len);
    if (rc)
        return err_nomem(err, "for the vocabulary of '%s'", v->path);
    a.special = type == TYPE_CONTROL || type == TYPE_UNKNOWN ||
                is_turn_end(text->s, text->len);
    if ((a.special || type == TYPE_USER) &&
        added_add(&t->added, &a, text->s, text->len))
        return err_nomem(err, "for the vocabulary of '%s'", v->path);
    return 0;
}

static int
read_tokens(struct tokenizer *t, const struct gguf_vocab *v, trv_err *err)
{
    struct strbuf text = {0};
    int rc = 0;

    if (v->n_tokens < 1 || v->n_tokens > VOCAB_MAX_ID || !v->tokens)
        return err_fail(err, TRV_EFORMAT,
                        "field 'tokenizer.ggml.tokens' of '%s' has %lld "
                        "tokens, not 1 to %d",
                        v->path, (long long)v->n_tokens, VOCAB_MAX_ID);
    for (int32_t i = 0; !rc && i < v->n_tokens; i++)
        rc = read_token(t, v, i, &text, err);
    t->bpe.n_ids = (int32_t)v->n_tokens;
    sb_release(&text);
    return rc;
}

/* The id of a string; one that is no token gets an id behind the tokens. */
static int
intern(struct bpe *b, const char *s, size_t n, int32_t *id)
{
    *id = vocab_find(&b->vocab, s, n);
    if (*id >= 0)
        return 0;
    if (b->vocab.size > VOCAB_MAX_ID)
        return TRV_ENOMEM;
    *id = (int32_t)b->vocab.size;
    return vocab_add(&b->vocab, *id, s, n);
}

/* --- "gpt2", "gemma4" --- */

static int
read_merges(struct tokenizer *t, const struct gguf_vocab *v, trv_err *err)
{
    struct strbuf whole = {0};
    int rc = 0;

    if (v->n_merges < 0 || v->n_merges > INT32_MAX ||
        (v->n_merges > 0 && !v->merges))
        return err_fail(err, TRV_EFORMAT,
                        "field 'tokenizer.ggml.merges' of '%s' is broken",
                        v->path);
    for (int64_t i = 0; !rc && i < v->n_merges; i++) {
        const struct gguf_str *m = &v->merges[i];
        const char *gap = m->n > 1 ? memchr(m->s + 1, ' ', m->n - 1) : NULL;
        size_t a_n, b_n;
        int32_t a, b, c;

        if (!gap || !utf8_is_valid(m->s, m->n)) {
            rc = err_fail(err, TRV_EFORMAT,
                          "field 'tokenizer.ggml.merges' of '%s': merge %lld "
                          "is no pair of tokens",
                          v->path, (long long)i);
            break;
        }
        a_n = (size_t)(gap - m->s);
        b_n = m->n - a_n - 1;
        sb_reset(&whole);
        rc = sb_add(&whole, m->s, a_n) || sb_add(&whole, gap + 1, b_n) ||
                     intern(&t->bpe, m->s, a_n, &a) ||
                     intern(&t->bpe, gap + 1, b_n, &b) ||
                     intern(&t->bpe, whole.s, whole.len, &c) ||
                     bpe_add_merge(&t->bpe, a, b, (int32_t)i, c, true)
                 ? err_nomem(err, "for the vocabulary of '%s'", v->path)
                 : 0;
    }
    sb_release(&whole);
    return rc;
}

/* --- "llama" --- */

/* One place for each distinct score, the best first. */
struct scored {
    float score;
    int32_t id;
};

static int
by_score(const void *pa, const void *pb)
{
    const struct scored *a = pa, *b = pb;

    if (a->score > b->score)
        return -1;
    if (a->score < b->score)
        return 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* The id that string s[0..n) can have while pieces merge: a token, or a single
 * character that only longer tokens have. */
static int
part_of(struct bpe *b, const struct gguf_vocab *v, const char *s, size_t n,
        int32_t *id)
{
    *id = vocab_find(&b->vocab, s, n);
    if (*id < 0 && n == utf8_len(*s))
        return intern(b, s, n, id);
    if (*id >= 0 && *id < v->n_tokens && v->types && v->types[*id] == TYPE_BYTE)
        *id = -1; // stands for a byte, not for its own characters
    return 0;
}

/* Every way to make token `id` of two parts. */
static int
add_pairs(struct bpe *b, const struct gguf_vocab *v, int32_t id, int32_t rank,
          struct strbuf *text)
{
    size_t n = 0;
    const char *s = vocab_text(&b->vocab, id, &n);

    sb_reset(text); // the vocabulary's block moves when it grows
    if (sb_add(text, s, n))
        return TRV_ENOMEM;
    if (v->types && v->types[id] == TYPE_BYTE)
        return 0;
    for (size_t k = utf8_len(*text->s); k < n; k += utf8_len(text->s[k])) {
        int32_t left, right;

        if (part_of(b, v, text->s, k, &left) ||
            part_of(b, v, text->s + k, n - k, &right))
            return TRV_ENOMEM;
        if (left >= 0 && right >= 0 &&
            bpe_add_merge(b, left, right, rank, id, true))
            return TRV_ENOMEM;
    }
    return 0;
}

static int
read_scores(struct tokenizer *t, const struct gguf_vocab *v, trv_err *err)
{
    struct scored *order = mem_array((size_t)v->n_tokens, sizeof(*order));
    struct strbuf text = {0};
    int32_t rank = 0;
    int rc = 0;

    if (!order)
        return err_nomem(err, "for the vocabulary of '%s'", v->path);
    for (int32_t i = 0; !rc && i < v->n_tokens; i++) {
        order[i] = (struct scored){v->scores ? v->scores[i] : 0.0f, i};
        if (isnan(order[i].score))
            rc = err_fail(err, TRV_EFORMAT,
                          "field 'tokenizer.ggml.scores' of '%s': the score of "
                          "token %d is not a number",
                          v->path, (int)i);
    }
    if (!rc)
        qsort(order, (size_t)v->n_tokens, sizeof(*order), by_score);
    for (int64_t i = 0; !rc && i < v->n_tokens; i++) {
        if (i > 0 && order[i].score < order[i - 1].score)
            rank++;
        if (add_pairs(&t->bpe, v, order[i].id, rank, &text))
            rc = err_nomem(err, "for the vocabulary of '%s'", v->path);
    }
    sb_release(&text);
    mem_free(order);
    return rc;
}

/* --- all of it --- */

static int32_t
token_or(const struct gguf_vocab *v, int32_t id, int32_t otherwise)
{
    if (id < 0)
        id = otherwise;
    return id < v->n_tokens ? id : -1;
}

static int
add_template(struct tokenizer *t, const struct gguf_vocab *v, bool bos,
             bool eos, trv_err *err)
{
    if (v->add_bos >= 0)
        bos = v->add_bos > 0;
    if (v->add_eos >= 0)
        eos = v->add_eos > 0;
    if ((bos && t->bos >= 0 && ids_push(&t->post, t->bos)) ||
        ids_push(&t->post, TOKENIZER_TEXT) ||
        (eos && t->eos >= 0 && ids_push(&t->post, t->eos)))
        return err_nomem(err, "for the vocabulary of '%s'", v->path);
    return 0;
}

static int
read_gpt2(struct tokenizer *t, const struct gguf_vocab *v, const char *pre,
          trv_err *err)
{
    const struct gguf_pre *p;
    int rc = read_pre(&p, t, v, pre, err);

    if (rc)
        return rc;
    t->kind =
        p->plain ? "BPE with byte fallback (GGUF)" : "byte-level BPE (GGUF)";
    t->bos = token_or(v, v->bos, -1);
    t->eos = token_or(v, v->eos, -1);
    rc = read_merges(t, v, err);
    if (!rc && (p->plain ? detok_add_spm(&t->detok, 0)
                         : detok_add_byte_level(&t->detok)))
        rc = err_nomem(err, "for the vocabulary of '%s'", v->path);
    return rc ? rc : add_template(t, v, p->add_bos, false, err);
}

static int
read_llama(struct tokenizer *t, const struct gguf_vocab *v, trv_err *err)
{
    int rc = read_scores(t, v, err);

    t->kind = "SentencePiece BPE with byte fallback (GGUF)";
    t->spm = true;
    t->spm_space = v->add_space_prefix != 0;
    t->bpe.byte_fallback = true;
    t->bpe.unk = token_or(v, v->unk, 0);
    t->bos = token_or(v, v->bos, 1);
    t->eos = token_or(v, v->eos, 2);
    if (!rc && detok_add_spm(&t->detok, t->spm_space))
        rc = err_nomem(err, "for the vocabulary of '%s'", v->path);
    return rc ? rc : add_template(t, v, true, false, err);
}

int
tokenizer_open_gguf(struct tokenizer **out, const struct gguf_vocab *v,
                    trv_err *err)
{
    const char *model = v->model ? v->model : "(absent)";
    const bool is_llama = !strcmp(model, "llama");
    const bool is_gemma4 = !strcmp(model, "gemma4");
    const char *pre = is_gemma4           ? "gemma4"
                      : v->pre && *v->pre ? v->pre
                                          : "default";
    struct tokenizer *t;
    int rc;

    *out = NULL;
    if (!is_llama && !is_gemma4 && strcmp(model, "gpt2"))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "field 'tokenizer.ggml.model' of '%s' is '%.60s', "
                        "which is not supported; known are gpt2, llama and "
                        "gemma4",
                        v->path, model);
    t = mem_calloc(1, sizeof(*t));
    if (!t)
        return err_nomem(err, "for the vocabulary of '%s'", v->path);
    t->bpe.unk = t->bos = t->eos = t->unigram.unk = -1;
    t->longest_first = true;
    rc = read_tokens(t, v, err);
    if (!rc)
        rc = is_llama ? read_llama(t, v, err) : read_gpt2(t, v, pre, err);
    if (!rc)
        rc = tokenizer_finish(t, v->path, err);
    if (rc)
        goto done;
    *out = t;
    t = NULL;
done:
    tokenizer_free(t);
    return rc;
}
