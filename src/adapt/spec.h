/* spec.h -- what is to be opened, as a tree that was read and not yet opened: a
 * kind, what it is read from, its options, its parts. A spec that a user writes
 * (adaptation.h) becomes one here, a part of trivium.json in
 * reward/reward_part.h. Every error of the grammar is reported here.
 */
#ifndef ADAPT_SPEC_H
#define ADAPT_SPEC_H

#include "adapt/kind.h"
#include "base/strbuf.h"

struct spec_part {
    double weight;
    struct spec *of; // NULL: the base
};

struct spec {
    const struct kind_row *row; // NULL: of whatever kind the folder is
    char *text;                 // as it was given, for messages
    char *path;                 // of a file or folder; NULL: none
    bool is_folder;
    char *words; // [n_words] of a prompt; NULL: none
    size_t n_words;
    json_t *messages;        // NULL: none
    json_t *conf;            // options; NULL: none
    struct spec_part *parts; // [n_parts], owned
    int64_t n_parts;
    int depth;      // rewards that it stands in
    char *referrer; // the artefact that it is a part of; NULL: none
};

/* Hostile specs and folders are bounded: rewards stand in rewards so deep, so
 * many of them in all, and so many are added. */
#define SPEC_DEPTH_MAX 8
#define SPEC_REWARDS_MAX 1000
#define SPEC_SUM_MAX 64

/**
 * Read a spec.
 *
 * @param depth  rewards that it stands in.
 * @param left   how many rewards may still be read, in all.
 * @return 0; TRV_EINVAL (the grammar), TRV_EIO (a name that is none), ...
 */
int spec_read(struct spec **out, const char *text, int depth, int *left,
              trv_err *err);
/** Several, each as A, A=W or W*A, as one mix (a text behind prompt: and the
 * options of demos, retrieve and rewards keep their '='). One of weight 1 is
 * itself. n >= 1. */
int spec_read_list(struct spec **out, const char *const *texts, int64_t n,
                   int *left, trv_err *err);
void spec_free(struct spec *s); // NULL is allowed

/* ---- for those who read trees from elsewhere ---- */

/** A tree of one; counts it where it is a reward. @param row  NULL: see above.
 */
int spec_new(struct spec **out, const struct kind_row *row, const char *text,
             int depth, int *left, trv_err *err);
/** Append a part, which is taken even where that fails. TRV_EINVAL: one more
 * than a sum may have; a weight that is no number. */
int spec_add(struct spec *s, double weight, struct spec *of, trv_err *err);

#endif
