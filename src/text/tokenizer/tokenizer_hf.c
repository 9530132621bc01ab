/* tokenizer_hf.c -- the tokenizer of a Hugging Face folder: which files make
 * it, and which of its tokens begin and end a text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer/tokenizer_inside.h"

#define MAX_FILE ((size_t)1 << 30) // bytes of a text file; published: 20 MB

static const char qwen2[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/* The small files beside a tokenizer; any may be NULL. tokenizer_config.json
 * with a field added_tokens_decoder says all: as in transformers,
 * special_tokens_map.json and added_tokens.json count only without it. */
struct side_files {
    const char *dir;
    json_t *tokenizer_config, *special_map, *added, *config, *generation;
    const json_t *decoder;       // added_tokens_decoder
    const char *bos, *eos, *unk; // where no file names them; or NULL
    const json_t *extra;         // tokens where no file lists further ones
    struct strbuf *notes;        // or NULL
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
        rc = open_optional(&f->added, dir, "added_tokens.json", err);
    if (!rc)
        rc = open_optional(&f->config, dir, "config.json", err);
    if (!rc)
        rc = open_optional(&f->generation, dir, "generation_config.json", err);
    f->decoder = json_object_get(f->tokenizer_config, "added_tokens_decoder");
    if (!rc && f->decoder && !json_is_object(f->decoder))
        rc = err_fail(err, TRV_EFORMAT,
                      "field 'added_tokens_decoder' of '%s/"
                      "tokenizer_config.json' is no object",
                      dir);
    return rc;
}

static void
side_release(struct side_files *f)
{
    json_decref(f->tokenizer_config);
    json_decref(f->special_map);
    json_decref(f->added);
    json_decref(f->config);
    json_decref(f->generation);
}

/* A special token is written as a string, or as an object with content. */
static const json_t *
content_of(const json_t *v)
{
    return json_is_object(v) ? json_object_get(v, "content") : v;
}

/* What a file calls `key` ("bos_token"): a string or an object of flags, null
 * where it says there is none, NULL where no file speaks of it. */
static const json_t *
named_value(const struct side_files *f, const char *key)
{
    const json_t *v = f->decoder ? NULL : json_object_get(f->special_map, key);

    return v ? v : json_object_get(f->tokenizer_config, key);
}

static const json_t *
named_token(const struct side_files *f, const char *key)
{
    return content_of(named_value(f, key));
}

/* bos or eos: by name from the tokenizer's files, else by id from the
 * model's; of several ids the first. */
static int32_t
special_id(const struct tokenizer *t, const struct side_files *f,
           const char *token_key, const char *otherwise, const char *id_key)
{
    const json_t *v = named_token(f, token_key);

    if (v)
        return json_is_string(v) ? tokenizer_id(t, json_string_value(v)) : -1;
    if (otherwise)
        return tokenizer_id(t, otherwise);
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

/* --- tokens that only the small files name --- */

static const char *const attributes[] = {"bos_token", "eos_token", "unk_token",
                                         "sep_token", "pad_token", "cls_token",
                                         "mask_token"};
#define N_ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

/* Does a key of tokenizer_config.json name a token of the model's own, as
 * "image_token" does? */
static bool
is_own_key(const char *key, const json_t *v)
{
    const size_t n = strlen(key);

    if (n < 6 || strcmp(key + n - 6, "_token") != 0 ||
        !(json_is_string(v) || json_object_get(v, "__type")))
        return false;
    for (size_t i = 0; i < N_ATTRIBUTES; i++)
        if (!strcmp(key, attributes[i]))
            return false;
    return true;
}

static bool
is_named(const struct side_files *f, const char *content)
{
    const char *key;
    json_t *v;

    for (size_t i = 0; i < N_ATTRIBUTES; i++) {
        const char *s = json_string_value(named_token(f, attributes[i]));

        if (s && !strcmp(s, content))
            return true;
    }
    json_object_foreach(f->tokenizer_config, key, v)
    {
        const char *s = json_string_value(content_of(v));

        if (is_own_key(key, v) && s && !strcmp(s, content))
            return true;
    }
    return false;
}

/* A token of added_tokens_decoder or added_tokens.json. */
struct late_token {
    int64_t id;
    const char *content;
    size_t n;
    struct added_token flags;
};

static int
by_id(const void *pa, const void *pb)
{
    const struct late_token *a = pa, *b = pb;

    return a->id < b->id ? -1 : a->id > b->id;
}

static int
read_decoder_token(struct late_token *out, const char *key, const json_t *v,
                   const char *dir, trv_err *err)
{
    const json_t *content = json_object_get(v, "content");
    char *end = NULL;

    out->id = strtoll(key, &end, 10);
    if (!*key || *end || out->id < 0 || out->id > VOCAB_MAX_ID ||
        !json_is_string(content))
        return err_fail(err, TRV_EFORMAT,
                        "field 'added_tokens_decoder.%.20s' of '%s/"
                        "tokenizer_config.json' is no token: an id with its "
                        "content",
                        key, dir);
    out->content = json_string_value(content);
    out->n = json_string_length(content);
    return tokenizer_read_flags(&out->flags, v, false, dir, err);
}

static int
read_added_entry(struct late_token *out, const struct side_files *f,
                 const char *key, const json_t *v, trv_err *err)
{
    const json_int_t id = json_integer_value(v);

    if (!json_is_integer(v) || id < 0 || id > VOCAB_MAX_ID)
        return err_fail(err, TRV_EFORMAT,
                        "the id of '%.100s' in '%s/added_tokens.json' is no "
                        "integer from 0 to %d",
                        key, f->dir, VOCAB_MAX_ID);
    out->id = id;
    out->content = key;
    out->n = strlen(key);
    out->flags.special = is_named(f, key);
    out->flags.normalized = !out->flags.special;
    return 0;
}

static int32_t
id_of(const struct tokenizer *t, const char *s, size_t n)
{
    const int32_t id = vocab_find(&t->added.names, s, n);

    return id >= 0 ? id : vocab_find(&t->bpe.vocab, s, n);
}

/* A file may give an id that the token does not get: its vocabulary has
 * another, or it is the next one after a gap. */
static int
note_ids(const struct side_files *f, const struct tokenizer *t,
         const struct late_token *list, size_t n, const char *file,
         trv_err *err)
{
    const struct late_token *first = NULL;
    int64_t bad = 0;

    for (size_t i = 0; i < n; i++)
        if (list[i].n && id_of(t, list[i].content, list[i].n) != list[i].id) {
            first = first ? first : &list[i];
            bad++;
        }
    if (bad > 0 && f->notes &&
        sb_printf(f->notes,
                  "'%s/%s' gives tokens other ids than the vocabulary (%lld, "
                  "such as %lld to '%.100s', which is %d); the vocabulary's "
                  "are used\n",
                  f->dir, file, (long long)bad, (long long)first->id,
                  first->content, (int)id_of(t, first->content, first->n)))
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", f->dir);
    return 0;
}

/* The tokens of added_tokens_decoder, or else of added_tokens.json, in the
 * order of their ids. */
static int
add_late_tokens(struct tokenizer *t, const struct side_files *f, trv_err *err)
{
    const json_t *from = f->decoder ? f->decoder : f->added;
    const size_t cap = json_object_size(from);
    struct late_token *list;
    const char *key;
    size_t n = 0;
    json_t *v;
    int rc = 0;

    if (cap == 0)
        return 0;
    list = mem_calloc(cap, sizeof(*list));
    if (!list)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", f->dir);
    json_object_foreach((json_t *)(uintptr_t)from, key, v)
    {
        if (!rc)
            rc = f->decoder
                     ? read_decoder_token(&list[n++], key, v, f->dir, err)
                     : read_added_entry(&list[n++], f, key, v, err);
    }
    if (!rc)
        qsort(list, n, sizeof(*list), by_id);
    for (size_t i = 0; i < n && !rc; i++) {
        if (f->decoder && is_named(f, list[i].content))
            list[i].flags.special = true;
        else if (!f->decoder && /* the tokenizer's own of this id counts */
                 vocab_text(&t->added.names, (int32_t)list[i].id, NULL))
            continue;
        rc = tokenizer_add_token(t, &list[i].flags, list[i].content, list[i].n,
                                 f->dir, err);
    }
    if (!rc)
        rc = note_ids(
            f, t, list, n,
            f->decoder ? "tokenizer_config.json" : "added_tokens.json", err);
    mem_free(list);
    return rc;
}

/* A special token that is no added one yet. */
static int
add_named(struct tokenizer *t, const json_t *v, const char *file, trv_err *err)
{
    const json_t *content = content_of(v);
    struct added_token flags = {.special = true};
    int rc = 0;

    if (!json_is_string(content) ||
        vocab_find(&t->added.names, json_string_value(content),
                   json_string_length(content)) >= 0)
        return 0;
    if (json_is_object(v))
        rc = tokenizer_read_flags(&flags, v, true, file, err);
    return rc ? rc
              : tokenizer_add_token(t, &flags, json_string_value(content),
                                    json_string_length(content), file, err);
}

/* The list or object of further special tokens. */
static int
add_extra(struct tokenizer *t, const struct side_files *f, trv_err *err)
{
    static const char *const keys[] = {"extra_special_tokens",
                                       "additional_special_tokens"};
    const json_t *more = NULL;
    const char *key;
    json_t *v;
    int rc = 0;

    for (int i = 0; i < 4 && !more; i++) {
        const json_t *from = i < 2 ? f->tokenizer_config : f->special_map;

        if (i < 2 || !f->decoder)
            more = json_object_get(from, keys[i % 2]);
        if (!json_is_object(more) && json_array_size(more) == 0)
            more = NULL;
    }
    more = more ? more : f->extra;
    for (size_t i = 0; !rc && i < json_array_size(more); i++)
        rc = add_named(t, json_array_get(more, i), f->dir, err);
    if (!json_is_object(more))
        return rc;
    json_object_foreach((json_t *)(uintptr_t)more, key, v)
    {
        if (!rc)
            rc = add_named(t, v, f->dir, err);
    }
    return rc;
}

/* Add the tokens that only the small files name, as TokenizersBackend of
 * transformers does. */
static int
add_side_tokens(struct tokenizer *t, const struct side_files *f, trv_err *err)
{
    const char *const otherwise[N_ATTRIBUTES] = {f->bos, f->eos, f->unk};
    const char *key;
    json_t *v;
    int rc = add_late_tokens(t, f, err);

    for (size_t i = 0; !rc && i < N_ATTRIBUTES; i++) {
        const json_t *named = named_value(f, attributes[i]);
        json_t *dflt =
            !named && otherwise[i] ? json_string(otherwise[i]) : NULL;

        rc = add_named(t, named ? named : dflt, f->dir, err);
        json_decref(dflt);
    }
    json_object_foreach(f->tokenizer_config, key, v)
    {
        if (!rc && is_own_key(key, v))
            rc = add_named(t, v, f->dir, err);
    }
    return rc ? rc : add_extra(t, f, err);
}

/* The two files may name different tokens. */
static int
note_names(const struct side_files *f, trv_err *err)
{
    for (size_t i = 0; i < N_ATTRIBUTES && f->notes; i++) {
        const char *a = json_string_value(
            content_of(json_object_get(f->tokenizer_config, attributes[i])));
        const char *b = json_string_value(
            content_of(json_object_get(f->special_map, attributes[i])));

        if (a && b && strcmp(a, b) != 0 &&
            sb_printf(f->notes,
                      "'%s': %s is '%.100s' in tokenizer_config.json and "
                      "'%.100s' in special_tokens_map.json; '%.100s' is used\n",
                      f->dir, attributes[i], a, b, f->decoder ? a : b))
            return err_fail(err, TRV_ENOMEM, "no memory for '%s'", f->dir);
    }
    return 0;
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
open_vocab_merges(struct tokenizer **out, struct side_files *f,
                  const char *vocab_path, const char *merges_path, trv_err *err)
{
    struct tokenizer *t = mem_calloc(1, sizeof(*t));
    json_t *vocab = NULL;
    int rc;

    if (!t)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", vocab_path);
    t->bpe.unk = t->bos = t->eos = t->unigram.unk = -1;
    f->bos = f->eos = f->unk = "<|endoftext|>"; // the classes' defaults
    rc = json_open(&vocab, vocab_path, err);
    if (!rc)
        rc = tokenizer_read_vocab(t, vocab, "(whole)", vocab_path, err);
    if (!rc)
        rc = read_merges(t, merges_path, err);
    if (!rc)
        rc = read_class(t, f, f->dir, err);
    if (!rc)
        rc = add_side_tokens(t, f, err);
    if (!rc)
        rc = tokenizer_finish(t, f->dir, err);
    if (rc)
        goto done;
    t->kind = "byte-level BPE (vocab.json and merges.txt)";
    *out = t;
    t = NULL;
done:
    tokenizer_free(t);
    json_decref(vocab);
    return rc;
}

/* --- tokenizer.json and the class --- */

/* Models whose tokenizer transformers reads by the file's own rules, whatever
 * class tokenizer_config.json names. */
static bool
is_read_plainly(const char *model_type)
{
    static const char names[] =
        " mistral mistral3 ministral ministral3 mixtral phi3 granite "
        "granitemoehybrid olmo2 olmo3 glm glm4 nemotron ernie4_5 internlm2 "
        "internlm3 ";
    char key[40];
    const int n = snprintf(key, sizeof(key), " %s ", model_type);

    return n < (int)sizeof(key) && strstr(names, key);
}

static int
spm_rules_of(struct spm_rules *out, const struct side_files *f, trv_err *err)
{
    const char *name = "", *type = "";
    bool legacy, prefix = true;
    int rc =
        json_str(&name, f->tokenizer_config, "tokenizer_class", f->dir, err);

    if (!rc)
        rc = json_str(&type, f->config, "model_type", f->dir, err);
    if (rc)
        return rc;
    *out = (struct spm_rules){.decoder = f->decoder};
    out->llama = (!strcmp(name, "LlamaTokenizer") ||
                  !strcmp(name, "LlamaTokenizerFast")) &&
                 !is_read_plainly(type);
    legacy = !out->llama; // the classes' defaults
    rc = json_flag(&legacy, f->tokenizer_config, "legacy", f->dir, err);
    if (!rc && out->llama)
        rc = json_flag(&prefix, f->tokenizer_config, "add_prefix_space", f->dir,
                       err);
    out->prefix = !prefix  ? SPM_PREFIX_NEVER
                  : legacy ? SPM_PREFIX_ALWAYS
                           : SPM_PREFIX_FIRST;
    return rc;
}

/* The class's own pipeline: of Llama's, of GPT-2's and Qwen2's. */
static int
build_class(struct tokenizer *as, const struct side_files *f,
            const struct spm_rules *rules, trv_err *err)
{
    static const char *const schemes[] = {"always", "first", "never"};
    json_t *metaspace;
    int rc;

    if (!rules->llama)
        return read_class(as, f, f->dir, err);
    metaspace = json_pack("{s:s,s:s,s:b}", "type", "Metaspace",
                          "prepend_scheme", schemes[rules->prefix], "split", 0);
    rc = metaspace ? pretok_read(&as->pretok, metaspace, f->dir, err)
                   : err_nomem(err, "to read '%s'", f->dir);
    json_decref(metaspace);
    return rc;
}

/* transformers 5 takes vocabulary and merges alone from a tokenizer.json where
 * it knows the class, and its own pipeline; transformers 4 and all others take
 * the file as it stands. So the file is what the model was trained with. */
static int
note_class(const struct side_files *f, const struct tokenizer *t, trv_err *err)
{
    const char *name = "", *type = "";
    struct tokenizer *as;
    struct spm_rules rules;
    bool alike = true;
    int rc = spm_rules_of(&rules, f, err);

    if (!rc)
        rc = json_str(&name, f->tokenizer_config, "tokenizer_class", f->dir,
                      err);
    if (!rc)
        rc = json_str(&type, f->config, "model_type", f->dir, err);
    if (rc || is_read_plainly(type) || rules.llama != t->bpe.byte_fallback ||
        (!rules.llama && strncmp(name, "GPT2Tokenizer", 13) != 0 &&
         strncmp(name, "Qwen2Tokenizer", 14) != 0))
        return rc;
    as = mem_calloc(1, sizeof(*as));
    if (!as)
        return err_nomem(err, "to read '%s'", f->dir);
    rc = build_class(as, f, &rules, err);
    if (!rc)
        rc = tokenizer_cut_alike(&alike, t, as, err);
    tokenizer_free(as);
    if (!rc && !alike &&
        sb_printf(f->notes,
                  "'%s/tokenizer.json' is used as it stands; transformers 5 "
                  "cuts texts by the rules of %.40s, which "
                  "tokenizer_config.json names, so its ids may differ\n",
                  f->dir, name))
        rc = err_nomem(err, "to read '%s'", f->dir);
    return rc;
}

/* --- the folder --- */

/* vocab.json is what tokenizer.json was made from. Where it says something
 * else, tokenizer.json wins. */
static int
note_vocab(const struct tokenizer *t, const struct side_files *f,
           const char *path, trv_err *err)
{
    json_t *vocab = NULL, *v;
    const char *key, *first = NULL;
    int64_t bad = 0;
    size_t n;
    int rc = 0;

    if (json_open(&vocab, path, NULL)) // nothing needs it
        vocab = NULL;
    json_object_keylen_foreach(vocab, key, n, v)
    {
        if (json_integer_value(v) != id_of(t, key, n) && bad++ == 0)
            first = key;
    }
    if (bad > 0 &&
        sb_printf(f->notes,
                  "'%s' gives tokens other ids than tokenizer.json beside it "
                  "(%lld, such as '%.100s'); tokenizer.json is used\n",
                  path, (long long)bad, first))
        rc = err_fail(err, TRV_ENOMEM, "no memory for '%s'", path);
    json_decref(vocab);
    return rc;
}

static int
open_json_file(struct tokenizer **out, const struct side_files *f,
               const char *path, const char *vocab, trv_err *err)
{
    struct filemap map = {0};
    int rc = filemap_open(&map, path, err);

    if (rc)
        return rc;
    rc = tokenizer_read_json(out, path, (const char *)map.data, map.size, err);
    filemap_release(&map);
    if (!rc)
        rc = add_side_tokens(*out, f, err);
    if (!rc && f->notes && file_exists(vocab))
        rc = note_vocab(*out, f, vocab, err);
    if (!rc && f->notes)
        rc = note_class(f, *out, err);
    return rc ? rc : tokenizer_finish(*out, path, err);
}

static int
open_spm(struct tokenizer **out, struct spm_names *names, struct side_files *f,
         const char *path, trv_err *err)
{
    struct spm_rules rules;
    struct filemap map = {0};
    int rc = spm_rules_of(&rules, f, err);

    if (!rc)
        rc = filemap_open(&map, path, err);
    if (rc)
        return rc;
    rc = tokenizer_read_spm(out, names, &rules, path, map.data, map.size, err);
    filemap_release(&map);
    f->bos = names->bos;
    f->eos = names->eos;
    f->unk = names->unk;
    f->extra = names->tokens;
    if (!rc)
        rc = add_side_tokens(*out, f, err);
    return rc ? rc : tokenizer_finish(*out, path, err);
}

static int
open_parts(struct tokenizer **out, struct spm_names *names,
           struct side_files *f, trv_err *err)
{
    char *json = path_join(f->dir, "tokenizer.json");
    char *vocab = path_join(f->dir, "vocab.json");
    char *merges = path_join(f->dir, "merges.txt");
    char *spm = path_join(f->dir, "tokenizer.model");
    const bool is_json = json && file_exists(json);
    int rc;

    if (!json || !vocab || !merges || !spm)
        rc = err_fail(err, TRV_ENOMEM, "no memory to open '%s'", f->dir);
    else if (is_json)
        rc = open_json_file(out, f, json, vocab, err);
    else if (file_exists(vocab) && file_exists(merges))
        rc = open_vocab_merges(out, f, vocab, merges, err);
    else if (file_exists(spm))
        rc = open_spm(out, names, f, spm, err);
    else
        rc = err_fail(err, TRV_EIO,
                      "'%s' has no tokenizer: neither tokenizer.json nor "
                      "vocab.json with merges.txt nor tokenizer.model",
                      f->dir);
    if (!rc) {
        (*out)->bos = special_id(*out, f, "bos_token", f->bos, "bos_token_id");
        (*out)->eos = special_id(*out, f, "eos_token", f->eos, "eos_token_id");
    }
    if (!rc && !is_json) // a tokenizer.json has its own
        rc = add_template(*out, f, f->dir, err);
    mem_free(json);
    mem_free(vocab);
    mem_free(merges);
    mem_free(spm);
    return rc;
}

int
tokenizer_open_hf(struct tokenizer **out, struct strbuf *notes, const char *dir,
                  trv_err *err)
{
    struct side_files f = {.notes = notes};
    struct spm_names names = {0};
    struct tokenizer *t = NULL;
    int rc;

    *out = NULL;
    rc = side_open(&f, dir, err);
    if (!rc)
        rc = open_parts(&t, &names, &f, err);
    if (!rc)
        rc = note_names(&f, err);
    if (rc)
        goto done;
    *out = t;
    t = NULL;
done:
    tokenizer_free(t);
    spm_names_release(&names);
    side_release(&f);
    return rc;
}
