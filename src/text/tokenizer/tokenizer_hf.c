/* tokenizer_hf.c -- the tokenizer of a Hugging Face folder: which files make
 * it, and which of its tokens begin and end a text.
 */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer/tokenizer_inside.h"

#define MAX_FILE ((size_t)1 << 30) // bytes of a text file; published: 20 MB

static const char qwen2[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/* The small files beside a tokenizer; any may be NULL. */
struct side_files {
    const char *dir;
    json_t *tokenizer_config, *special_map, *config, *generation;
};

static int
open_optional(json_t **out, const char *dir, const char *name, trv_err *err)
{
    char *path = path_join(dir, name);
    int rc = 0;

    if (!path)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", dir);
    if (file_exists(path))
        rc = json_open(out, path, err);
    if (!rc && *out && !json_is_object(*out))
        rc = err_fail(err, TRV_EFORMAT, "'%s' is no JSON object", path);
    mem_free(path);
    return rc;
}

static int
side_open(struct side_files *f, const char *dir, trv_err *err)
{
    int rc;

    f->dir = dir;
    rc = open_optional(&f->tokenizer_config, dir, "tokenizer_config.json", err);
    if (!rc)
        rc =
            open_optional(&f->special_map, dir, "special_tokens_map.json", err);
    if (!rc)
        rc = open_optional(&f->config, dir, "config.json", err);
    if (!rc)
        rc = open_optional(&f->generation, dir, "generation_config.json", err);
    return rc;
}

static void
side_release(struct side_files *f)
{
    json_decref(f->tokenizer_config);
    json_decref(f->special_map);
    json_decref(f->config);
    json_decref(f->generation);
}

/* A special token is written as a string, or as an object with content. */
static const json_t *
content_of(const json_t *v)
{
    return json_is_object(v) ? json_object_get(v, "content") : v;
}

/* What the files call `key` ("bos_token"): a string, null where a file says
 * there is none, NULL where no file speaks of it. */
static const json_t *
named_token(const struct side_files *f, const char *key)
{
    const json_t *v = json_object_get(f->tokenizer_config, key);

    if (!v)
        v = json_object_get(f->special_map, key);
    return v ? content_of(v) : NULL;
}

/* bos or eos: by name from the tokenizer's files, else by id from the
 * model's; of several ids the first. */
static int32_t
special_id(const struct tokenizer *t, const struct side_files *f,
           const char *token_key, const char *id_key)
{
    const json_t *v = named_token(f, token_key);

    if (v)
        return json_is_string(v) ? tokenizer_id(t, json_string_value(v)) : -1;
    v = json_object_get(f->generation, id_key);
    if (!v || json_is_null(v))
        v = json_object_get(f->config, id_key);
    if (json_is_array(v))
        v = json_array_get(v, 0);
    return json_is_integer(v) && json_integer_value(v) >= 0 &&
                   json_integer_value(v) < t->size
               ? (int32_t)json_integer_value(v)
               : -1;
}

/* --- vocab.json and merges.txt --- */

static int
read_merges(struct tokenizer *t, const char *path, trv_err *err)
{
    struct strbuf b = {0};
    int64_t n = 0, line = 0;
    int rc = file_read(&b, path, MAX_FILE, err);

    for (size_t i = 0, end; !rc && i < b.len; i = end + 1) {
        const char *s = b.s + i, *nl = memchr(s, '\n', b.len - i), *gap;
        size_t len;

        end = nl ? (size_t)(nl - b.s) : b.len;
        len = end - i;
        line++;
        if (len && s[len - 1] == '\r')
            len--;
        if (len == 0 || (len >= 8 && !memcmp(s, "#version", 8)))
            continue;
        gap = memchr(s, ' ', len);
        if (!gap || memchr(gap + 1, ' ', len - (size_t)(gap + 1 - s)) ||
            n == INT32_MAX) {
            rc = err_fail(err, TRV_EFORMAT,
                          "line %lld of '%s' is no pair of tokens",
                          (long long)line, path);
            break;
        }
        rc = tokenizer_add_merge(t, n++, s, (size_t)(gap - s), gap + 1,
                                 len - (size_t)(gap + 1 - s), "merges", path,
                                 err);
    }
    sb_release(&b);
    return rc;
}

static int
add_named(struct tokenizer *t, const json_t *content, const char *file,
          trv_err *err)
{
    const struct added_token flags = {.special = true};

    if (!json_is_string(content))
        return 0;
    return tokenizer_add_token(t, &flags, json_string_value(content),
                               json_string_length(content), file, err);
}

/* The object "added_tokens_decoder", in the order of its ids. */
static int
add_decoder_tokens(struct tokenizer *t, const json_t *list, const char *file,
                   trv_err *err)
{
    const char *key;
    json_t *v;
    int rc = 0;

    if (!json_is_object(list))
        return 0;
    json_object_foreach((json_t *)(uintptr_t)list, key, v)
    {
        struct added_token a = {.special = false};
        const json_t *content = json_object_get(v, "content");

        if (!json_is_string(content))
            return err_fail(err, TRV_EFORMAT,
                            "field 'added_tokens_decoder.%.20s' of '%s' has no "
                            "content",
                            key, file);
        rc = json_flag(&a.single_word, v, "single_word", file, err);
        if (!rc)
            rc = json_flag(&a.lstrip, v, "lstrip", file, err);
        if (!rc)
            rc = json_flag(&a.rstrip, v, "rstrip", file, err);
        if (!rc)
            rc = json_flag(&a.special, v, "special", file, err);
        a.normalized = !a.special;
        if (!rc)
            rc = json_flag(&a.normalized, v, "normalized", file, err);
        if (!rc)
            rc = tokenizer_add_token(t, &a, json_string_value(content),
                                     json_string_length(content), file, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* The class's special tokens, whose defaults are all "<|endoftext|>". */
static int
add_special_tokens(struct tokenizer *t, const struct side_files *f,
                   const char *file, trv_err *err)
{
    static const char *const keys[] = {"bos_token", "eos_token", "unk_token",
                                       "pad_token"};
    const json_t *more;
    json_t *otherwise = json_string("<|endoftext|>");
    int rc = 0;

    if (!otherwise)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    for (int i = 0; !rc && i < 4; i++) {
        const json_t *v = named_token(f, keys[i]);

        if (!v && i < 3) // pad has no default
            v = otherwise;
        rc = add_named(t, v, file, err);
    }
    more = json_object_get(f->tokenizer_config, "additional_special_tokens");
    if (!more)
        more = json_object_get(f->special_map, "additional_special_tokens");
    for (size_t i = 0; !rc && i < json_array_size(more); i++)
        rc = add_named(t, content_of(json_array_get(more, i)), file, err);
    json_decref(otherwise);
    return rc;
}

/* Which class's rules the two files are read by. */
static int
read_class(struct tokenizer *t, const struct side_files *f, const char *file,
           trv_err *err)
{
    const char *name = "GPT2Tokenizer";
    bool prefix = false, is_qwen2;
    size_t len;
    int rc = json_str(&name, f->tokenizer_config, "tokenizer_class", file, err);

    if (!rc)
        rc = json_flag(&prefix, f->tokenizer_config, "add_prefix_space", file,
                       err);
    if (rc)
        return rc;
    len = strlen(name);
    if (len > 4 && !strcmp(name + len - 4, "Fast"))
        len -= 4;
    is_qwen2 = len == 14 && !memcmp(name, "Qwen2Tokenizer", len);
    if (!is_qwen2 && !(len == 13 && !memcmp(name, "GPT2Tokenizer", len)))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "the tokenizer class '%s' of '%s' needs a "
                        "tokenizer.json; without one, known are GPT2Tokenizer "
                        "and Qwen2Tokenizer",
                        name, file);
    if (is_qwen2 && normalizer_add_nfc(&t->normalizer))
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    if (is_qwen2) {
        rc = pretok_add_regex(&t->pretok, qwen2, file, err);
        if (!rc && pretok_add_byte_level(&t->pretok, prefix))
            rc = TRV_ENOMEM;
    } else {
        rc = pretok_add_gpt2(&t->pretok, prefix, file, err);
    }
    if (!rc)
        rc = detok_add_byte_level(&t->detok);
    return rc == TRV_ENOMEM ? err_fail(err, rc, "no memory for '%s'", file)
                            : rc;
}

/* add_bos_token, add_eos_token: a template around the text. */
static int
add_template(struct tokenizer *t, const struct side_files *f, const char *file,
             trv_err *err)
{
    bool bos = false, eos = false;
    int rc = json_flag(&bos, f->tokenizer_config, "add_bos_token", file, err);

    if (!rc)
        rc = json_flag(&eos, f->tokenizer_config, "add_eos_token", file, err);
    if (!rc && bos && t->bos >= 0)
        rc = ids_push(&t->post, t->bos);
    if (!rc)
        rc = ids_push(&t->post, TOKENIZER_TEXT);
    if (!rc && eos && t->eos >= 0)
        rc = ids_push(&t->post, t->eos);
    return rc == TRV_ENOMEM ? err_fail(err, rc, "no memory for '%s'", file)
                            : rc;
}

static int
open_vocab_merges(struct tokenizer **out, const struct side_files *f,
                  const char *vocab_path, const char *merges_path, trv_err *err)
{
    struct tokenizer *t = mem_calloc(1, sizeof(*t));
    json_t *vocab = NULL;
    int rc;

    if (!t)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", vocab_path);
    t->bpe.unk = t->bos = t->eos = -1;
    rc = json_open(&vocab, vocab_path, err);
    if (!rc)
        rc = tokenizer_read_vocab(t, vocab, "(whole)", vocab_path, err);
    if (!rc)
        rc = read_merges(t, merges_path, err);
    if (!rc)
        rc = read_class(t, f, f->dir, err);
    if (!rc)
        rc = add_decoder_tokens(
            t, json_object_get(f->tokenizer_config, "added_tokens_decoder"),
            f->dir, err);
    if (!rc)
        rc = add_special_tokens(t, f, f->dir, err);
    if (!rc)
        rc = tokenizer_finish(t, f->dir, err);
    if (rc)
        goto done;
    t->kind = "byte-level BPE (vocab.json and merges.txt)";
    if (!named_token(f, "bos_token"))
        t->bos = tokenizer_id(t, "<|endoftext|>");
    if (!named_token(f, "eos_token"))
        t->eos = tokenizer_id(t, "<|endoftext|>");
    *out = t;
    t = NULL;
done:
    tokenizer_free(t);
    json_decref(vocab);
    return rc;
}

/* --- the folder --- */

static int
open_json_file(struct tokenizer **out, const char *path, trv_err *err)
{
    struct filemap map = {0};
    int rc = filemap_open(&map, path, err);

    if (rc)
        return rc;
    rc = tokenizer_open_json(out, path, (const char *)map.data, map.size, err);
    filemap_release(&map);
    return rc;
}

static int
open_parts(struct tokenizer **out, const struct side_files *f, trv_err *err)
{
    char *json = path_join(f->dir, "tokenizer.json");
    char *vocab = path_join(f->dir, "vocab.json");
    char *merges = path_join(f->dir, "merges.txt");
    int rc;

    if (!json || !vocab || !merges)
        rc = err_fail(err, TRV_ENOMEM, "no memory to open '%s'", f->dir);
    else if (file_exists(json))
        rc = open_json_file(out, json, err);
    else if (file_exists(vocab) && file_exists(merges))
        rc = open_vocab_merges(out, f, vocab, merges, err);
    else
        rc = err_fail(err, TRV_EIO,
                      "'%s' has no tokenizer: neither tokenizer.json nor "
                      "vocab.json with merges.txt",
                      f->dir);
    mem_free(json);
    mem_free(vocab);
    mem_free(merges);
    return rc;
}

int
tokenizer_open_hf(struct tokenizer **out, const char *dir, trv_err *err)
{
    struct side_files f = {0};
    struct tokenizer *t = NULL;
    bool is_json;
    int rc;

    *out = NULL;
    rc = side_open(&f, dir, err);
    if (!rc)
        rc = open_parts(&t, &f, err);
    if (rc)
        goto done;
    is_json = t->bos < 0 && t->eos < 0;
    if (is_json || named_token(&f, "bos_token"))
        t->bos = special_id(t, &f, "bos_token", "bos_token_id");
    if (is_json || named_token(&f, "eos_token"))
        t->eos = special_id(t, &f, "eos_token", "eos_token_id");
    if (t->post.n == 0 && !strncmp(t->kind, "byte-level", 10))
        rc = add_template(t, &f, dir, err);
    if (rc)
        goto done;
    *out = t;
    t = NULL;
done:
    tokenizer_free(t);
    side_release(&f);
    return rc;
}
