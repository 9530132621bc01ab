/* tokenizer_json.c -- tokenizer.json, the file of Hugging Face's `tokenizers`:
 * a BPE or Unigram model with its normalizer, pre-tokenizer, post-processor,
 * decoder and added tokens. Truncation and padding are the caller's affair and
 * ignored.
 */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer/tokenizer_inside.h"

#define MAX_DEPTH 16 // of post-processors in Sequences

/* --- the model --- */

/* Where to cut "a b": at its only space. Tokens may hold spaces themselves
 * (then newer files write pairs); a line with more spaces than one is cut where
 * both sides and their sum are tokens, if that is one place. NULL if not. */
static const char *
cut_of(const struct vocab *v, const char *s, size_t n)
{
    const char *first = memchr(s, ' ', n), *found = NULL;
    struct strbuf whole = {0};

    if (!first || !memchr(first + 1, ' ', n - (size_t)(first + 1 - s)))
        return first;
    if (n > 1024) // no token is that long; keeps a hostile line cheap
        return NULL;
    for (const char *p = first; p;
         p = memchr(p + 1, ' ', n - (size_t)(p + 1 - s))) {
        const size_t left = (size_t)(p - s), right = n - left - 1;

        sb_reset(&whole);
        if (vocab_find(v, s, left) < 0 || vocab_find(v, p + 1, right) < 0 ||
            sb_add(&whole, s, left) || sb_add(&whole, p + 1, right) ||
            vocab_find(v, whole.s, whole.len) < 0)
            continue;
        if (found) {
            found = NULL;
            break;
        }
        found = p;
    }
    sb_release(&whole);
    return found;
}

static int
read_merge(struct tokenizer *t, const json_t *m, int64_t n, const char *file,
           trv_err *err)
{
    const json_t *a = json_array_get(m, 0), *b = json_array_get(m, 1);

    if (json_is_string(m)) {
        const char *s = json_string_value(m);
        const size_t len = json_string_length(m);
        const char *gap = cut_of(&t->bpe.vocab, s, len);

        if (gap)
            return tokenizer_add_merge(t, n, s, (size_t)(gap - s), gap + 1,
                                       len - (size_t)(gap + 1 - s),
                                       "model.merges", file, err);
    } else if (json_array_size(m) == 2 && json_is_string(a) &&
               json_is_string(b)) {
        return tokenizer_add_merge(t, n, json_string_value(a),
                                   json_string_length(a), json_string_value(b),
                                   json_string_length(b), "model.merges", file,
                                   err);
    }
    return err_fail(err, TRV_EFORMAT,
                    "field 'model.merges' of '%s': merge %lld is no pair of "
                    "tokens",
                    file, (long long)n);
}

static int
read_affix(char **out, const json_t *model, const char *key, const char *file,
           trv_err *err)
{
    const char *s = NULL;
    const int rc = json_str(&s, model, key, file, err);

    if (rc || !s || !*s)
        return rc;
    if (strlen(s) > 128)
        return err_fail(err, TRV_EFORMAT,
                        "field 'model.%s' of '%s' is longer than 128 bytes",
                        key, file);
    *out = mem_strdup(s);
    return *out ? 0 : err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
}

static int
read_unk(struct bpe *b, const json_t *unk, const char *file, trv_err *err)
{
    if (!unk || json_is_null(unk))
        return 0;
    if (!json_is_string(unk))
        return err_fail(err, TRV_EFORMAT,
                        "field 'model.unk_token' of '%s' is no string", file);
    b->unk =
        vocab_find(&b->vocab, json_string_value(unk), json_string_length(unk));
    if (b->unk < 0)
        b->unk_lost = mem_strdup(json_string_value(unk));
    return b->unk < 0 && !b->unk_lost
               ? err_fail(err, TRV_ENOMEM, "no memory for '%s'", file)
               : 0;
}

static int
read_bpe(struct tokenizer *t, const json_t *model, const char *file,
         trv_err *err)
{
    const json_t *merges = json_object_get(model, "merges");
    struct bpe *b = &t->bpe;
    int rc = json_flag(&b->byte_fallback, model, "byte_fallback", file, err);

    if (!rc)
        rc = json_flag(&b->fuse_unk, model, "fuse_unk", file, err);
    if (!rc)
        rc = json_flag(&b->ignore_merges, model, "ignore_merges", file, err);
    if (!rc)
        rc = read_affix(&b->prefix, model, "continuing_subword_prefix", file,
                        err);
    if (!rc)
        rc = read_affix(&b->suffix, model, "end_of_word_suffix", file, err);
    if (!rc)
        rc = tokenizer_read_vocab(t, json_object_get(model, "vocab"),
                                  "model.vocab", file, err);
    if (!rc)
        rc = read_unk(b, json_object_get(model, "unk_token"), file, err);
    if (rc)
        return rc;
    if (!json_is_array(merges))
        return err_fail(err, TRV_EFORMAT,
                        "field 'model.merges' of '%s' is no array", file);
    if (json_array_size(merges) > INT32_MAX)
        return err_fail(err, TRV_EFORMAT,
                        "field 'model.merges' of '%s' is too long", file);
    for (size_t i = 0; !rc && i < json_array_size(merges); i++)
        rc = read_merge(t, json_array_get(merges, i), (int64_t)i, file, err);
    t->kind = b->byte_fallback ? "BPE with byte fallback (tokenizer.json)"
                               : "BPE (tokenizer.json)";
    return rc;
}

/* A list of [token, score]. */
static int
read_unigram(struct tokenizer *t, const json_t *model, const char *file,
             trv_err *err)
{
    const json_t *vocab = json_object_get(model, "vocab");
    struct unigram *u = &t->unigram;
    const size_t n = json_array_size(vocab);
    int64_t unk = -1;
    int rc = json_flag(&u->byte_fallback, model, "byte_fallback", file, err);

    if (!rc && (n < 1 || n > VOCAB_MAX_ID))
        rc =
            err_fail(err, TRV_EFORMAT,
                     "field 'model.vocab' of '%s' is no list of 1 to %d tokens",
                     file, VOCAB_MAX_ID);
    if (!rc)
        rc = json_int(&unk, model, "unk_id", 0, (int64_t)n - 1, file, err);
    if (rc)
        return rc;
    u->unk = (int32_t)unk;
    u->n = (int64_t)n;
    u->scores = mem_array(n, sizeof(*u->scores));
    if (!u->scores)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    for (size_t i = 0; i < n; i++) {
        const json_t *s = json_array_get(json_array_get(vocab, i), 0);
        const json_t *score = json_array_get(json_array_get(vocab, i), 1);

        if (!json_is_string(s) || !json_is_number(score))
            return err_fail(err, TRV_EFORMAT,
                            "field 'model.vocab' of '%s': token %zu is no pair "
                            "of a string and a score",
                            file, i);
        u->scores[i] = json_number_value(score);
        if (vocab_add(&t->bpe.vocab, (int32_t)i, json_string_value(s),
                      json_string_length(s)))
            return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    }
    t->kind = "Unigram (tokenizer.json)";
    return 0;
}

static int
read_model(struct tokenizer *t, const json_t *root, const char *file,
           trv_err *err)
{
    const json_t *model = json_object_get(root, "model");
    const bool merges = json_object_get(model, "merges") != NULL;
    const char *type = merges ? "BPE" : "of no type"; // old files say none
    int rc;

    if (!json_is_object(model))
        return err_fail(err, TRV_EFORMAT, "field 'model' of '%s' is no object",
                        file);
    rc = json_str(&type, model, "type", file, err);
    if (rc)
        return rc;
    if (!strcmp(type, "BPE"))
        return read_bpe(t, model, file, err);
    if (!strcmp(type, "Unigram") || json_object_get(model, "unk_id"))
        return read_unigram(t, model, file, err);
    return err_fail(err, TRV_EUNSUPPORTED,
                    "the tokenizer model '%s' of '%s' is not supported; known "
                    "are BPE and Unigram",
                    type, file);
}

/* --- added tokens --- */

int
tokenizer_read_flags(struct added_token *a, const json_t *v, bool special,
                     const char *file, trv_err *err)
{
    int rc = json_flag(&a->single_word, v, "single_word", file, err);

    if (!rc)
        rc = json_flag(&a->lstrip, v, "lstrip", file, err);
    if (!rc)
        rc = json_flag(&a->rstrip, v, "rstrip", file, err);
    a->special = special;
    if (!rc)
        rc = json_flag(&a->special, v, "special", file, err);
    a->normalized = !a->special;
    if (!rc)
        rc = json_flag(&a->normalized, v, "normalized", file, err);
    return rc;
}

static int
read_added_token(struct tokenizer *t, const json_t *v, size_t i,
                 const char *file, trv_err *err)
{
    const json_t *content = json_object_get(v, "content");
    struct added_token a = {0};
    int64_t id = -1;
    int rc;

    if (!json_is_string(content))
        return err_fail(err, TRV_EFORMAT,
                        "field 'added_tokens[%zu].content' of '%s' is no "
                        "string",
                        i, file);
    rc = json_need(v, "id", file, err);
    if (!rc)
        rc = json_int(&id, v, "id", 0, VOCAB_MAX_ID, file, err);
    if (!rc)
        rc = tokenizer_read_flags(&a, v, false, file, err);
    if (rc)
        return err ? err_prefix(err, "field 'added_tokens[%zu]'", i) : rc;
    return tokenizer_add_token(t, &a, json_string_value(content),
                               json_string_length(content), file, err);
}

static int
read_added(struct tokenizer *t, const json_t *root, const char *file,
           trv_err *err)
{
    const json_t *list = json_object_get(root, "added_tokens");
    int rc = 0;

    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return err_fail(err, TRV_EFORMAT,
                        "field 'added_tokens' of '%s' is no array", file);
    for (size_t i = 0; !rc && i < json_array_size(list); i++)
        rc = read_added_token(t, json_array_get(list, i), i, file, err);
    return rc;
}

/* --- the post-processor --- */

static int
bad_template(const char *what, const char *file, trv_err *err)
{
    return err_fail(err, TRV_EFORMAT, "field 'post_processor.%s' of '%s' is %s",
                    what, file, "no template");
}

/* Append the ids that the template's table has for a special token. */
static int
add_template_ids(struct ids *out, const json_t *v, const json_t *special,
                 const char *file, trv_err *err)
{
    const json_t *name = json_object_get(special, "id");
    const json_t *table = json_object_get(v, "special_tokens");
    const json_t *ids = json_object_get(
        json_is_string(name) ? json_object_get(table, json_string_value(name))
                             : NULL,
        "ids");

    if (!json_is_array(ids))
        return bad_template("special_tokens", file, err);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);

        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) > VOCAB_MAX_ID)
            return bad_template("special_tokens.ids", file, err);
        if (ids_push(out, (int32_t)json_integer_value(id)))
            return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    }
    return 0;
}

/* One template around what there is already. */
static int
read_template(struct tokenizer *t, const json_t *v, const char *file,
              trv_err *err)
{
    const json_t *single = json_object_get(v, "single");
    struct ids post = {0};
    int rc = 0;

    if (!json_is_array(single))
        return bad_template("single", file, err);
    for (size_t i = 0; !rc && i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i);
        const json_t *special = json_object_get(item, "SpecialToken");
        const json_t *sequence = json_object_get(item, "Sequence");
        const char *which = json_string_value(json_object_get(sequence, "id"));

        if (special)
            rc = add_template_ids(&post, v, special, file, err);
        else if (!which || strcmp(which, "A"))
            rc = bad_template("single", file, err);
        else if (t->post.n == 0 ? ids_push(&post, TOKENIZER_TEXT)
                                : ids_append(&post, t->post.v, t->post.n))
            rc = err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
        if (!rc && post.n > 4096)
            rc = bad_template("single", file, err);
    }
    if (rc) {
        ids_release(&post);
        return rc;
    }
    ids_release(&t->post);
    t->post = post;
    return 0;
}

static int
read_post(struct tokenizer *t, const json_t *v, int depth, const char *file,
          trv_err *err)
{
    const char *type = NULL;
    int rc;

    if (!v || json_is_null(v))
        return 0;
    if (depth > MAX_DEPTH)
        return err_fail(err, TRV_EFORMAT,
                        "field 'post_processor' of '%s' is too deep", file);
    rc = json_need(v, "type", file, err);
    if (!rc)
        rc = json_str(&type, v, "type", file, err);
    if (rc)
        return err ? err_prefix(err, "field 'post_processor'") : rc;
    if (!strcmp(type, "ByteLevel")) // moves offsets only
        return 0;
    if (!strcmp(type, "TemplateProcessing"))
        return read_template(t, v, file, err);
    if (!strcmp(type, "Sequence")) {
        const json_t *list = json_object_get(v, "processors");

        if (!json_is_array(list))
            return err_fail(err, TRV_EFORMAT,
                            "field 'post_processor.processors' of '%s' is no "
                            "array",
                            file);
        for (size_t i = 0; !rc && i < json_array_size(list); i++)
            rc = read_post(t, json_array_get(list, i), depth + 1, file, err);
        return rc;
    }
    return err_fail(err, TRV_EUNSUPPORTED,
                    "the post-processor '%s' of '%s' is not supported; known "
                    "are TemplateProcessing, ByteLevel, Sequence",
                    type, file);
}

/* --- all of it --- */

static int
read_all(struct tokenizer *t, const json_t *root, const char *file,
         trv_err *err)
{
    int rc;

    if (!json_is_object(root))
        return err_fail(err, TRV_EFORMAT, "'%s' is no JSON object", file);
    rc = read_model(t, root, file, err);
    if (!rc)
        rc = normalizer_read(&t->normalizer,
                             json_object_get(root, "normalizer"), file, err);
    if (!rc)
        rc = pretok_read(&t->pretok, json_object_get(root, "pre_tokenizer"),
                         file, err);
    if (!rc)
        rc = detok_read(&t->detok, json_object_get(root, "decoder"), file, err);
    if (!rc)
        rc = read_added(t, root, file, err);
    if (!rc)
        rc =
            read_post(t, json_object_get(root, "post_processor"), 0, file, err);
    return rc;
}

int
tokenizer_read_json(struct tokenizer **out, const char *name, const char *bytes,
                    size_t n, trv_err *err)
{
    struct tokenizer *t = NULL;
    json_t *root = NULL;
    int rc;

    *out = NULL;
    rc = json_parse(&root, name, bytes, n, err);
    if (rc)
        return rc;
    t = mem_calloc(1, sizeof(*t));
    if (!t) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for '%s'", name);
        goto done;
    }
    t->bpe.unk = t->bos = t->eos = t->unigram.unk = -1;
    rc = read_all(t, root, name, err);
    if (rc)
        goto done;
    *out = t;
    t = NULL;
done:
    tokenizer_free(t);
    json_decref(root);
    return rc;
}
