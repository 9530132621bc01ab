/* tokenizer_inside.h -- what the files of the tokenizer share. */
#ifndef TEXT_TOKENIZER_INSIDE_H
#define TEXT_TOKENIZER_INSIDE_H

#include <jansson.h>

#include "text/tokenizer/added.h"
#include "text/tokenizer/bpe.h"
#include "text/tokenizer/detok.h"
#include "text/tokenizer/normalizer.h"
#include "text/tokenizer/pretok.h"
#include "text/tokenizer/tokenizer.h"
#include "text/tokenizer/unigram.h"

#define TOKENIZER_TEXT (-1) // the place of the text among template ids

struct tokenizer {
    /* In the order of encoding: added tokens are cut out of the text, the rest
     * is normalised, cut into pieces, and merged or cut into tokens. */
    struct added added;
    struct normalizer normalizer;
    struct pretok pretok;
    struct bpe bpe;         // its vocabulary is every model's
    struct unigram unigram; // in place of the merges, where it has scores
    struct ids post;        // ids around the text with `special`; or empty
    struct detok detok;     // ids to text
    bool longest_first;     // added tokens in llama.cpp's order
    bool spm_space; // a space before text at the start and behind tokens
    bool spm;       // spaces become U+2581
    unsigned char *special; // [size], 1 where the token is special
    int64_t size;
    int32_t bos, eos; // or -1
    const char *kind;
    char hash[HASH_HEX];
};

/** tokenizer.json from memory, up to tokenizer_finish(), so that tokens can be
 * added; `name` stands for the file in messages. */
int tokenizer_read_json(struct tokenizer **out, const char *name,
                        const char *bytes, size_t n, trv_err *err);
/* How transformers reads a tokenizer.model, beside what the file says. */
enum spm_prefix { SPM_PREFIX_ALWAYS, SPM_PREFIX_FIRST, SPM_PREFIX_NEVER };
struct spm_rules {
    bool llama;             // by LlamaTokenizer's pipeline, not the file's
    enum spm_prefix prefix; // before each text between added tokens, the first
    const json_t *decoder;  // added_tokens_decoder, which may rename; or NULL
};
/* What the file calls them, NULL where it has none, and its pieces that are
 * tokens of a text: an array as of added_tokens in tokenizer.json. */
struct spm_names {
    char *bos, *eos, *unk;
    json_t *tokens;
};
void spm_names_release(struct spm_names *names); // accepts zeros
/** tokenizer.model from memory, up to tokenizer_finish(). */
int tokenizer_read_spm(struct tokenizer **out, struct spm_names *names,
                       const struct spm_rules *rules, const char *file,
                       const void *bytes, size_t n, trv_err *err);
/** The flags of an added token that an object writes; `special` where it does
 * not say. */
int tokenizer_read_flags(struct added_token *a, const json_t *v, bool special,
                         const char *file, trv_err *err);

/** Read a BPE model's vocabulary (an object of ids) into t. */
int tokenizer_read_vocab(struct tokenizer *t, const json_t *vocab,
                         const char *field, const char *file, trv_err *err);
/** Add the n-th merge, "a" and "b". */
int tokenizer_add_merge(struct tokenizer *t, int64_t n, const char *a,
                        size_t a_n, const char *b, size_t b_n,
                        const char *field, const char *file, trv_err *err);
/** Add a token as AddedVocabulary does: one that the vocabulary knows keeps
 * its id, another gets the next one. */
int tokenizer_add_token(struct tokenizer *t, const struct added_token *flags,
                        const char *s, size_t n, const char *file,
                        trv_err *err);
/** Do both normalise and split texts alike? Some texts that tell published
 * pipelines apart are tried. TRV_ENOMEM. */
int tokenizer_cut_alike(bool *alike, const struct tokenizer *a,
                        const struct tokenizer *b, trv_err *err);
/** Complete a tokenizer whose parts are all there. */
int tokenizer_finish(struct tokenizer *t, const char *file, trv_err *err);

#endif
