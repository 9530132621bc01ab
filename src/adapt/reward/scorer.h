/* scorer.h -- the reward `head`: a scalar read off a model's last token,
 * learned from pairs of answers.
 *
 *   whole   a Hugging Face folder of sequence classification with one label: a
 *           model of its own, with `score.weight`
 *   LoRA    the base under a LoRA, and `score`: a PEFT folder of task SEQ_CLS,
 *           as TRL's RewardTrainer saves it
 *
 * Padding at the end of a row is not read, by the pad_token_id of the model's
 * config.json: for a LoRA that is the base's. An answer is scored as tokens
 * where the whole folder has the base's tokenizer, else as text.
 */
#ifndef ADAPT_REWARD_SCORER_H
#define ADAPT_REWARD_SCORER_H

#include "adapt/reward/reward.h"

struct scorer {
    struct session *whole; // NULL: the base under adapter weights
    bool same_tokens;      // of whole: its tokenizer is the base's
    struct adapter_weights adapter_weights;
    int64_t n; // the base's width C
    float *w;  // [n]; of whole: NULL, it is the decoder's
};

/** Is the folder a head, in one form or the other? Only its config is read; one
 * that cannot be read is none. TRV_ENOMEM. */
int scorer_find(bool *is, const char *dir, trv_err *err);

/** Open either form. @param base as in peft_read(). @param notes as in
 * session_open_scorer(). TRV_EUNSUPPORTED (another
 * number of labels, what peft_read() refuses), TRV_EMISMATCH, ... */
int scorer_open(struct scorer **out, char **base, struct strbuf *notes,
                const struct model *m, const char *dir, trv_err *err);
void scorer_free(struct scorer *sc); // NULL is allowed

/** Write a LoRA and its score [C] as an artefact; as adaptation_save_weights().
 */
int scorer_save(struct artefact *head, const struct lora *l, const float *w,
                const struct model_config *cfg, struct outdir *to,
                trv_err *err);

#endif
