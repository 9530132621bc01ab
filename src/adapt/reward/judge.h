/* judge.h -- a principle in words, and the model itself as the judge.
 *
 * The model is asked whether the answer obeys the principle, as a user asks it
 * (through the chat template where it has one):
 *
 *   Principle: {principle}
 *   Question: {question}
 *   Answer: {answer}
 *   Does the answer obey the principle?
 *
 *   yes and no    r = log p(yes) - log p(no) of its answer
 *   LO-HI         r = sum of k p(k) / sum of p(k), k = LO..HI
 *
 * What all ratings end in alike (the end of the turn) is left out.
 *
 *   scale=LO-HI      whole numbers, at most 10 of them, instead of yes and no
 *   yes=WORD, no=WORD
 *   template=@FILE   another question, with {answer} and, where wanted,
 *                    {question} and {principle}
 */
#ifndef ADAPT_REWARD_JUDGE_H
#define ADAPT_REWARD_JUDGE_H

#include "adapt/reward/reward.h"
#include "adapt/reward/reward_conf.h"

struct judge;
extern const struct conf_option judge_options[];

/** Read "[key=value,]...PRINCIPLE" or "...@FILE" into an object; files are
 * copied into it. */
int judge_parse(json_t **conf, const char *text, trv_err *err);
int judge_open(struct judge **out, const json_t *conf, trv_err *err);
void judge_free(struct judge *j);

/** The question that is put to the model for an item. */
int judge_ask(struct strbuf *out, const struct judge *j,
              const struct reward_item *item, trv_err *err);

#endif
