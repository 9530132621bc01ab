/* kind.h -- the forms of an adaptation, the kinds of each, and one row for each
 * kind: how specs name it, which files hold it, and how it is opened, written
 * and used as a reward.
 *
 * A new kind is a line of KIND_LIST, a row in kinds.c, and a file for what the
 * row points to.
 */
#ifndef ADAPT_KIND_H
#define ADAPT_KIND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum form { FORM_BASE, FORM_PARAMS, FORM_PROMPT, FORM_REWARD, FORM_COUNT };
const char *form_name(enum form f); // "base", "params", "prompt", "reward"

/* Every kind: its form and name. */
#define KIND_LIST(X)                                                           \
    X(BASE, BASE, "base")                                                      \
    X(LORA, PARAMS, "lora")                                                    \
    X(FULL, PARAMS, "full")                                                    \
    X(ADAPTER, PARAMS, "adapter")                                              \
    X(MIX, PARAMS, "mix")                                                      \
    X(TEXT, PROMPT, "text")                                                    \
    X(MESSAGES, PROMPT, "messages")                                            \
    X(DEMOS, PROMPT, "demos")                                                  \
    X(RETRIEVE, PROMPT, "retrieve")                                            \
    X(SOFT, PROMPT, "soft")                                                    \
    X(PREFIX, PROMPT, "prefix")                                                \
    X(HEAD, REWARD, "head")                                                    \
    X(RATIO, REWARD, "ratio")                                                  \
    X(CONTRAST, REWARD, "contrast")                                            \
    X(JUDGE, REWARD, "judge")                                                  \
    X(VERIFIER, REWARD, "verifier")                                            \
    X(ENDO, REWARD, "endo")                                                    \
    X(SUM, REWARD, "sum")

enum kind {
#define KIND_ENUM(id, form, name) KIND_##id,
    KIND_LIST(KIND_ENUM)
#undef KIND_ENUM
        KIND_COUNT
};
const char *kind_name(enum kind k);
enum form kind_form(enum kind k);

/* ---- the registry: one row a kind, in kinds.c --------------------------- */

struct adaptation;
struct conf_option;
struct mix_component;
struct model;
struct model_config;
struct payload_files;
struct reward_item;
struct reward_watch;
struct session;
struct strbuf;
struct adapter_weights;

/** The syntax of the text behind a prefix; spec.c has the grammar. */
enum kind_subject {
    SUBJECT_NONE,   // there is no prefix
    SUBJECT_WORDS,  // TEXT, or @FILE
    SUBJECT_FILE,   // FILE
    SUBJECT_LISTED, // FILE[,key=value]..., or DIR
    SUBJECT_FOLDER, // DIR
    SUBJECT_SUM,    // W*A+W*B
    SUBJECT_BESIDE, // DIR,A where A is opened for the model in DIR
    SUBJECT_RULE,   // what `parse` reads
    SUBJECT_SIDES,  // [key=value,]...A[,side=B]
};

/** What a kind is opened from. Borrowed for the call, but for the parts, which
 * are open already: those that the kind does not take (it sets them to NULL)
 * are freed by the caller. */
struct kind_source {
    const struct kind_row *row;
    const struct model *m;
    const char *referrer; // the artefact that it is a part of; NULL: a spec
    const char *path;     // file or folder; NULL: none
    const char *words;    // [n_words] of a text; NULL: none
    size_t n_words;
    const json_t *messages;      // NULL: none
    const json_t *conf;          // options; NULL: none
    struct mix_component *parts; // [n_parts]; .a NULL: the base
    int64_t n_parts;
    bool foreign; // a folder asks for it, not the user: no program is run and
                  // no pipe is read
    struct strbuf *notes; // takes lines about the files
};

/** Score items under an adaptation of the row's kind: reward_score(). */
typedef int kind_score(struct session *s, struct adaptation *a, double *score,
                       double *const *token, const struct reward_item *items,
                       int64_t n, const struct reward_watch *watch,
                       trv_err *err);

/** The value that a reward gives each token of an answer. */
enum kind_tokens {
    TOKENS_NONE,
    TOKENS_SHARE, // its share of the score
    TOKENS_RATIO, // and the share is a log-ratio: see reward_guide()
};

struct kind_row {
    enum kind kind;

    /* in specs */
    const char *prefix;  // "lora"; NULL: no spec begins with it
    const char *usage;   // "lora:DIR", for lists of what is known
    const char *summary; // what the spec names, in one line
    const char *example; // such a spec; NULL: usage says it all
    enum kind_subject subject;
    const struct conf_option *options; // of a spec and of trivium.json
    int (*parse)(json_t **conf, const char *text, trv_err *err); // of a RULE

    /* in folders */
    const char *payload; // the file that holds it; NULL: no such file
    const char *config;  // the file beside it; NULL: the payload stands alone
    const char *mark;    // a folder without trivium.json that has this file is
                         // of this kind; NULL: none is
    int (*find)(enum kind *kind, const char *dir, trv_err *err); // where the
        // mark does not settle it: which kind it is
    bool (*is_file)(const char *path); // a file that holds it all; NULL: none

    int (*open)(struct adaptation *a, struct kind_source *from, trv_err *err);
    int (*encode_weights)(struct payload_files *out,
                          const struct adapter_weights *t,
                          const struct model_config *cfg, const char *base,
                          trv_err *err);
    int (*encode_prompt)(struct strbuf *out, const struct adaptation *a,
                         trv_err *err);

    /* as a reward */
    kind_score *score;
    enum kind_tokens tokens;
    const char *sides[3]; // what it compares, by the names of trivium.json,
                          // NULL at the end; the second may be the base
    bool alone;           // so may the first, and then no spec need name it
    const char *factor;   // the key of its factor
};

/** The row of a kind. */
const struct kind_row *kind_row(enum kind k);
/** Rows in the order of KIND_LIST, and behind them what a spec can name beside
 * a kind (on:DIR,A); NULL from there on. */
const struct kind_row *kind_row_at(int i);
/** The name of a kind, or the prefix of a spec, that a mistyped word [n] most
 * likely stands for; NULL: none is near. */
const char *kind_nearest(const char *word, size_t n);
/** Is trivium.json all there is of it, in its object `reward`? */
bool kind_is_described(const struct kind_row *row);

/* Scores, each beside what it scores by. */
kind_score logratio_of_base, logratio_of_adaptation, logratio_of_sides;
kind_score scorer_score, judge_score, verifier_scores, endo_score;

#endif
