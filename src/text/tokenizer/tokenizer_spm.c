/* tokenizer_spm.c -- tokenizer.model as a tokenizer.
 *
 * It becomes what transformers builds of the same file, so that ids are equal:
 * rules of normalisation, spaces as U+2581, a space before the text, pieces of
 * the user cut out whole, then BPE or Unigram. The parts are written in
 * tokenizer.json's form and read by its readers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/tokenizer_inside.h"
#include "text/utf8.h"

#define SPACE "\xE2\x96\x81" // U+2581

/* What is made, and of what. */
struct making {
    struct tokenizer *t;
    const struct spm_file *f;
    const struct spm_rules *rules;
    const char *file;
    trv_err *err;
};

static int
no_memory(const struct making *m)
{
    return err_fail(m->err, TRV_ENOMEM, "no memory for '%s'", m->file);
}

/* --- pieces --- */

/* added_tokens_decoder may rename a piece: placeholders of the vocabulary. A
 * name that another piece has is none. */
static struct spm_str
name_of(const struct making *m, const struct vocab *pieces, int64_t id)
{
    const struct spm_str own = m->f->pieces[id].text;
    const json_t *said;
    char key[24];

    snprintf(key, sizeof(key), "%lld", (long long)id);
    said = json_object_get(json_object_get(m->rules->decoder, key), "content");
    if (!json_is_string(said) || json_string_length(said) == 0 ||
        vocab_find(pieces, json_string_value(said), json_string_length(said)) >=
            0)
        return own;
    return (struct spm_str){json_string_value(said), json_string_length(said)};
}

static int
add_pieces(const struct making *m)
{
    struct vocab pieces = {0};
    int rc = 0;

    for (int64_t i = 0; i < m->f->n && !rc; i++) {
        const struct spm_str s = m->f->pieces[i].text;

        if (vocab_find(&pieces, s.s, s.n) >= 0)
            rc = err_fail(m->err, TRV_EFORMAT,
                          "cannot read '%s' as a SentencePiece model: the "
                          "piece '%.*s' is there twice",
                          m->file, s.n > 100 ? 100 : (int)s.n, s.s);
        else if (vocab_add(&pieces, (int32_t)i, s.s, s.n))
            rc = no_memory(m);
    }
    for (int64_t i = 0; i < m->f->n && !rc; i++) {
        const struct spm_str s = name_of(m, &pieces, i);

        if (vocab_add(&m->t->bpe.vocab, (int32_t)i, s.s, s.n))
            rc = no_memory(m);
    }
    vocab_release(&pieces);
    return rc;
}

static int
add_unigram(const struct making *m)
{
    struct unigram *u = &m->t->unigram;

    u->n = m->f->n;
    u->unk = m->f->unk < 0 ? -1 : m->f->unk;
    u->byte_fallback = m->f->byte_fallback;
    u->scores = mem_array((size_t)u->n, sizeof(*u->scores));
    if (!u->scores)
        return no_memory(m);
    for (int64_t i = 0; i < u->n; i++)
        u->scores[i] = (double)m->f->pieces[i].score;
    m->t->kind = "SentencePiece Unigram (tokenizer.model)";
    return 0;
}

/* A piece, ordered by the highest score, then by the lowest id. LlamaTokenizer
 * goes by the id alone, and takes every piece for a normal one. */
struct ranked {
    float score;
    int32_t id;
};

static int
by_rank(const void *pa, const void *pb)
{
    const struct ranked *a = pa, *b = pb;

    if (a->score > b->score)
        return -1;
    if (a->score < b->score)
        return 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static bool
is_merged(const struct making *m, int32_t id)
{
    return m->rules->llama || m->f->pieces[id].type == SPM_NORMAL;
}

static int32_t
merged_id(const struct making *m, const char *s, size_t n)
{
    const int32_t id = vocab_find(&m->t->bpe.vocab, s, n);

    return id >= 0 && is_merged(m, id) ? id : -1;
}

/* Every pair of normal pieces that makes a third, by its rank. */
static int
add_merges(const struct making *m)
{
    struct bpe *b = &m->t->bpe;
    struct ranked *order = mem_array((size_t)m->f->n, sizeof(*order));
    int32_t rank = 0;
    int64_t n = 0;
    int rc = 0;

    if (!order)
        return no_memory(m);
    for (int32_t i = 0; i < m->f->n; i++)
        if (is_merged(m, i))
            order[n++] = (struct ranked){
                m->rules->llama ? 0.0f : m->f->pieces[i].score, i};
    qsort(order, (size_t)n, sizeof(*order), by_rank);
    for (int64_t i = 0; i < n && !rc; i++) {
        size_t len;
        const char *s = vocab_text(&b->vocab, order[i].id, &len);

        for (size_t k = utf8_len(*s); k < len && !rc; k += utf8_len(s[k])) {
            const int32_t left = merged_id(m, s, k);
            const int32_t right = left < 0 ? -1 : merged_id(m, s + k, len - k);

            if (right >= 0 && rank < INT32_MAX)
                rc = bpe_add_merge(b, left, right, rank++, order[i].id, false);
        }
    }
    mem_free(order);
    return rc == TRV_ENOMEM ? no_memory(m) : rc;
}

static int
add_bpe(const struct making *m)
{
    struct bpe *b = &m->t->bpe;

    /* LlamaTokenizer knows no unknown token: what has no bytes is left out. */
    b->byte_fallback = m->f->byte_fallback || m->rules->llama;
    b->fuse_unk = true;
    if (!m->rules->llama)
        b->unk = vocab_find(&b->vocab, m->f->unk_text.s, m->f->unk_text.n);
    for (int64_t i = 0; i < m->f->n && !m->rules->llama; i++)
        b->ignore_merges = b->ignore_merges || m->f->pieces[i].type == SPM_USER;
    m->t->kind = m->f->byte_fallback
                     ? "SentencePiece BPE with byte fallback (tokenizer.model)"
                     : "SentencePiece BPE (tokenizer.model)";
    return add_merges(m);
}

/* --- before and behind the model --- */

/* Read one part by a reader of tokenizer.json's. */
#define READ_PART(m, reader, part, json)                                       \
    (json) ? reader(part, json, (m)->file, (m)->err) : no_memory(m)

static json_t *
replace(const char *how, const char *pattern, const char *with)
{
    return json_pack("{s:s,s:{s:s},s:s}", "type", "Replace", "pattern", how,
                     pattern, "content", with);
}

static int
add_normalizer(const struct making *m)
{
    const struct spm_file *f = m->f;
    json_t *list = json_array(), *all;
    int rc = 0;

    if (f->charsmap.n)
        rc = normalizer_add_charsmap(&m->t->normalizer, f->charsmap.s,
                                     f->charsmap.n, m->file, m->err);
    if (f->collapse) {
        json_array_append_new(list, replace("Regex", "\\A +| +\\z", ""));
        json_array_append_new(list, replace("Regex", " {2,}", " "));
    }
    if (f->escape)
        json_array_append_new(list, replace("String", " ", SPACE));
    /* Metaspace adds no space before one; SentencePiece does. */
    if (f->dummy_prefix && m->rules->prefix == SPM_PREFIX_ALWAYS)
        json_array_append_new(list, replace("Regex", "\\A" SPACE, SPACE SPACE));
    all = json_pack("{s:s,s:o}", "type", "Sequence", "normalizers", list);
    if (!rc)
        rc = READ_PART(m, normalizer_read, &m->t->normalizer, all);
    json_decref(all);
    return rc;
}

static int
by_length(const void *pa, const void *pb)
{
    const struct spm_str *a = pa, *b = pb;

    return a->n > b->n ? -1 : a->n < b->n;
}

/* An expression for the pieces of the user, the longest first. */
static int
user_pattern(const struct making *m, struct strbuf *out)
{
    struct spm_str *list = mem_array((size_t)m->f->n, sizeof(*list));
    int64_t n = 0;
    int rc = 0;

    if (!list)
        return no_memory(m);
    for (int64_t i = 0; i < m->f->n; i++)
        if (m->f->pieces[i].type == SPM_USER) {
            list[n].s = vocab_text(&m->t->bpe.vocab, (int32_t)i, &list[n].n);
            n++;
        }
    qsort(list, (size_t)n, sizeof(*list), by_length);
    for (int64_t i = 0; i < n && !rc; i++) {
        rc = i ? sb_putc(out, '|') : 0;
        for (size_t k = 0; k < list[i].n && !rc; k++) {
            const char c = list[i].s[k];

            if (c > 0 && strchr("\\^$.|?*+()[]{}-#&~/ \t\n\r\v\f", c))
                rc = sb_printf(out, "\\x{%02x}", (unsigned)c);
            else
                rc = sb_putc(out, c);
        }
    }
    mem_free(list);
    return rc ? no_memory(m) : 0;
}

static int
add_pretok(const struct making *m)
{
    static const char *const schemes[] = {"always", "first", "never"};
    const bool prefix = m->rules->llama || m->f->dummy_prefix;
    json_t *list = json_array(), *all;
    struct strbuf user = {0};
    int rc = m->rules->llama ? 0 : user_pattern(m, &user);

    if (prefix)
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s,s:b}", "type", "Metaspace",
                            "replacement", SPACE, "prepend_scheme",
                            schemes[m->rules->prefix], "split", 0));
    if (user.len)
        json_array_append_new(list,
                              json_pack("{s:s,s:{s:s},s:s,s:b}", "type",
                                        "Split", "pattern", "Regex", user.s,
                                        "behavior", "Isolated", "invert", 0));
    all = json_pack("{s:s,s:o}", "type", "Sequence", "pretokenizers", list);
    if (!rc)
        rc = READ_PART(m, pretok_read, &m->t->pretok, all);
    json_decref(all);
    sb_release(&user);
    return rc;
}

static int
add_decoder(const struct making *m)
{
    const bool bytes = m->f->byte_fallback || m->rules->llama;
    const bool prefix = m->rules->llama ? m->rules->prefix != SPM_PREFIX_NEVER
                                        : m->f->dummy_prefix;
    json_t *list = json_array(), *all;
    int rc;

    json_array_append_new(list, replace("String", SPACE, " "));
    if (bytes)
        json_array_append_new(list, json_pack("{s:s}", "type", "ByteFallback"));
    if (bytes || prefix)
        json_array_append_new(list, json_pack("{s:s}", "type", "Fuse"));
    if (prefix)
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:i,s:i}", "type", "Strip",
                                        "content", " ", "start", 1, "stop", 0));
    all = json_pack("{s:s,s:o}", "type", "Sequence", "decoders", list);
    rc = READ_PART(m, detok_read, &m->t->detok, all);
    json_decref(all);
    return rc;
}

/* --- all of it --- */

/* Control pieces are special tokens of a text; in Llama's class, those of the
 * user are added ones. They are added last, under the file's own names. */
static int
list_tokens(const struct making *m, json_t **out)
{
    *out = json_array();
    for (int64_t i = 0; i < m->f->n; i++) {
        const struct spm_piece *p = &m->f->pieces[i];
        const bool control = p->type == SPM_CONTROL;

        if ((control || (p->type == SPM_USER && m->rules->llama)) &&
            json_array_append_new(*out,
                                  json_pack("{s:s%,s:b,s:b}", "content",
                                            p->text.s, p->text.n, "special",
                                            control, "normalized", 0)))
            return no_memory(m);
    }
    return *out ? 0 : no_memory(m);
}

static int
copy_name(char **out, const struct making *m, int32_t id,
          const struct spm_str *s)
{
    if (id < 0)
        return 0;
    *out = mem_strndup(s->s, s->n);
    return *out ? 0 : no_memory(m);
}

static int
make(const struct making *m, struct spm_names *names)
{
    int rc = add_pieces(m);

    if (!rc)
        rc = m->f->model == SPM_UNIGRAM ? add_unigram(m) : add_bpe(m);
    if (!rc && !m->rules->llama)
        rc = add_normalizer(m);
    if (!rc)
        rc = add_pretok(m);
    if (!rc)
        rc = add_decoder(m);
    if (!rc)
        rc = list_tokens(m, &names->tokens);
    if (!rc)
        rc = copy_name(&names->bos, m, m->f->bos, &m->f->bos_text);
    if (!rc)
        rc = copy_name(&names->eos, m, m->f->eos, &m->f->eos_text);
    return rc ? rc : copy_name(&names->unk, m, m->f->unk, &m->f->unk_text);
}

int
tokenizer_read_spm(struct tokenizer **out, struct spm_names *names,
                   const struct spm_rules *rules, const char *file,
                   const void *bytes, size_t n, trv_err *err)
{
    struct spm_file f = {0};
    struct tokenizer *t = NULL;
    int rc;

    *out = NULL;
    *names = (struct spm_names){0};
    rc = spm_read(&f, file, bytes, n, err);
    if (rc)
        return rc;
    t = mem_calloc(1, sizeof(*t));
    if (!t) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
        goto done;
    }
    t->bpe.unk = t->bos = t->eos = t->unigram.unk = -1;
    rc = make(&(struct making){t, &f, rules, file, err}, names);
    if (rc)
        goto done;
    *out = t;
    t = NULL;
done:
    if (rc)
        spm_names_release(names);
    tokenizer_free(t);
    spm_release(&f);
    return rc;
}

void
spm_names_release(struct spm_names *names)
{
    json_decref(names->tokens);
    mem_free(names->bos);
    mem_free(names->eos);
    mem_free(names->unk);
    memset(names, 0, sizeof(*names));
}
