/* sentencepiece.c -- protobuf's wire format, as far as one message needs it.
 *
 *   message: fields, one behind the other
 *   field:   varint number << 3 | type; then by type
 *            0 varint, 1 eight bytes, 2 varint n and n bytes, 5 four bytes
 *
 * Fields that are not known are passed over, as protobuf does.
 */
#include "text/tokenizer/sentencepiece.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "text/tokenizer/vocab.h"
#include "text/utf8.h"

struct wire {
    const unsigned char *at, *end;
    const char *file;
    trv_err *err;
};

struct field {
    uint64_t number, value; // value: of a varint, or of four or eight bytes
    int type;
    const unsigned char *s; // of type 2
    size_t n;
};

static int
broken(const struct wire *w, const char *fact)
{
    return err_fail(w->err, TRV_EFORMAT,
                    "cannot read '%s' as a SentencePiece model: %s", w->file,
                    fact);
}

static int
varint(struct wire *w, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (w->at == w->end)
            return broken(w, "it ends inside a number");
        *out |= (uint64_t)(*w->at & 0x7f) << shift;
        if (!(*w->at++ & 0x80))
            return 0;
    }
    return broken(w, "a number has more than ten bytes");
}

/* The next field; *more is false at the end. */
static int
next_field(struct wire *w, struct field *f, bool *more)
{
    uint64_t key, n;
    size_t fixed;
    int rc;

    *more = w->at < w->end;
    if (!*more)
        return 0;
    memset(f, 0, sizeof(*f));
    rc = varint(w, &key);
    if (rc)
        return rc;
    f->number = key >> 3;
    f->type = (int)(key & 7);
    if (f->type == 0)
        return varint(w, &f->value);
    if (f->type == 2) {
        rc = varint(w, &n);
        if (rc)
            return rc;
        if (n > (uint64_t)(w->end - w->at))
            return broken(w, "it ends inside a field");
        f->s = w->at;
        f->n = (size_t)n;
        w->at += n;
        return 0;
    }
    fixed = f->type == 1 ? 8 : f->type == 5 ? 4 : 0;
    if (fixed == 0)
        return broken(w, "a field has an unknown type");
    if (fixed > (size_t)(w->end - w->at))
        return broken(w, "it ends inside a field");
    memcpy(&f->value, w->at, fixed);
    w->at += fixed;
    return 0;
}

/* A field of this number, as what it must be. */
static bool
is(const struct field *f, uint64_t number, int type)
{
    return f->number == number && f->type == type;
}

static struct wire
inside(const struct wire *w, const struct field *f)
{
    return (struct wire){f->s, f->s + f->n, w->file, w->err};
}

static int
text_of(const struct wire *w, struct spm_str *out, const struct field *f)
{
    if (!utf8_is_valid((const char *)f->s, f->n) ||
        (f->n && memchr(f->s, 0, f->n)))
        return broken(w, "a piece is no text in UTF-8");
    *out = (struct spm_str){(const char *)f->s, f->n};
    return 0;
}

static int
read_piece(struct wire w, struct spm_piece *p)
{
    struct field f;
    bool more = true;
    int rc;

    *p = (struct spm_piece){.type = SPM_NORMAL};
    while (!(rc = next_field(&w, &f, &more)) && more) {
        if (is(&f, 1, 2)) {
            rc = text_of(&w, &p->text, &f);
        } else if (is(&f, 2, 5)) {
            const uint32_t bits = (uint32_t)f.value;

            memcpy(&p->score, &bits, 4);
            if (!isfinite(p->score))
                rc = broken(&w, "a score is not finite");
        } else if (is(&f, 3, 0)) {
            if (f.value < SPM_NORMAL || f.value > SPM_BYTE)
                rc = broken(&w, "a piece has an unknown type");
            p->type = (enum spm_type)f.value;
        }
        if (rc)
            return rc;
    }
    if (!rc && p->text.n == 0)
        rc = broken(&w, "a piece is empty");
    if (!rc && p->text.n > SPM_PIECE_MAX)
        rc = broken(&w, "a piece is longer than 1024 bytes");
    return rc;
}

static int
read_trainer(struct wire w, struct spm_file *out)
{
    struct field f;
    bool more = true;
    int rc;

    while (!(rc = next_field(&w, &f, &more)) && more) {
        if (is(&f, 3, 0) && f.value != SPM_UNIGRAM && f.value != SPM_BPE)
            return err_fail(w.err, TRV_EUNSUPPORTED,
                            "the SentencePiece model of '%s' is one of %s, "
                            "which is not supported; known are BPE and Unigram",
                            w.file,
                            f.value == 3   ? "words"
                            : f.value == 4 ? "characters"
                                           : "a new kind");
        if (is(&f, 3, 0))
            out->model = (enum spm_model)f.value;
        else if (is(&f, 24, 0) && f.value)
            return err_fail(w.err, TRV_EUNSUPPORTED,
                            "the SentencePiece model of '%s' has spaces behind "
                            "words (treat_whitespace_as_suffix), which is not "
                            "supported",
                            w.file);
        else if (is(&f, 35, 0))
            out->byte_fallback = f.value != 0;
        else if (is(&f, 40, 0))
            out->unk = (int32_t)(int64_t)f.value;
        else if (is(&f, 41, 0))
            out->bos = (int32_t)(int64_t)f.value;
        else if (is(&f, 42, 0))
            out->eos = (int32_t)(int64_t)f.value;
        else if (is(&f, 45, 2))
            rc = text_of(&w, &out->unk_text, &f);
        else if (is(&f, 46, 2))
            rc = text_of(&w, &out->bos_text, &f);
        else if (is(&f, 47, 2))
            rc = text_of(&w, &out->eos_text, &f);
        if (rc)
            return rc;
    }
    return rc;
}

static int
read_normalizer(struct wire w, struct spm_file *out)
{
    struct field f;
    bool more = true;
    int rc;

    while (!(rc = next_field(&w, &f, &more)) && more) {
        if (is(&f, 2, 2))
            out->charsmap = (struct spm_str){(const char *)f.s, f.n};
        else if (is(&f, 3, 0))
            out->dummy_prefix = f.value != 0;
        else if (is(&f, 4, 0))
            out->collapse = f.value != 0;
        else if (is(&f, 5, 0))
            out->escape = f.value != 0;
    }
    return rc;
}

/* How many pieces there are. */
static int
count_pieces(struct wire w, int64_t *n)
{
    struct field f;
    bool more = true;
    int rc;

    *n = 0;
    while (!(rc = next_field(&w, &f, &more)) && more)
        *n += is(&f, 1, 2);
    if (!rc && (*n < 1 || *n > VOCAB_MAX_ID))
        rc = broken(&w, *n < 1 ? "it has no pieces" : "it has too many pieces");
    return rc;
}

int
spm_read(struct spm_file *out, const char *file, const void *bytes, size_t n,
         trv_err *err)
{
    const unsigned char *p = bytes;
    struct wire w = {p, p + n, file, err};
    struct field f;
    bool more = true;
    int64_t count;
    int rc;

    *out = (struct spm_file){.model = SPM_UNIGRAM, // protobuf's defaults
                             .bos = 1,
                             .eos = 2,
                             .unk_text = {"<unk>", 5},
                             .bos_text = {"<s>", 3},
                             .eos_text = {"</s>", 4},
                             .dummy_prefix = true,
                             .collapse = true,
                             .escape = true};
    rc = count_pieces(w, &count);
    if (rc)
        return rc;
    out->pieces = mem_array((size_t)count, sizeof(*out->pieces));
    if (!out->pieces)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    while (!(rc = next_field(&w, &f, &more)) && more) {
        if (is(&f, 1, 2))
            rc = read_piece(inside(&w, &f), &out->pieces[out->n++]);
        else if (is(&f, 2, 2))
            rc = read_trainer(inside(&w, &f), out);
        else if (is(&f, 3, 2))
            rc = read_normalizer(inside(&w, &f), out);
        if (rc)
            break;
    }
    if (!rc && out->unk >= out->n)
        rc = broken(&w, "its unknown piece is none of its pieces");
    if (rc)
        spm_release(out);
    return rc;
}

void
spm_release(struct spm_file *f)
{
    mem_free(f->pieces);
    memset(f, 0, sizeof(*f));
}
