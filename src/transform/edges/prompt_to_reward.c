/* prompt_to_reward.c -- prompt -> reward: what the prompt asks for becomes a
 * score of answers, without labels.
 *
 *   contrast   r(x,y) = beta (log p_z+(y|x) - log p_z-(y|x)), z- may be the
 *              base
 *   judge      the prompt is a principle: the model is asked whether an answer
 *              obeys it (adapt/reward/judge.h)
 */
#include "transform/edges/edges.h"
#include "transform/head/head_method.h"
#include "transform/views/reward_view.h"

static const struct method methods[] = {
    {.info = {.name = "contrast",
              .makes = "contrast",
              .summary = "the log-ratio to the base, or to another prompt: "
                         "exact, nothing is trained",
              .options = "beta against",
              .defaults = "beta=1",
              .example = "trivium convert --model MODEL --from prompt:@z.txt "
                         "--to contrast:out/c",
              .source = "Yang et al. 2023, arXiv:2307.12950"},
     .run = view_contrast},
    {.info = {.name = "judge",
              .makes = "judge",
              .summary = "ask the model whether an answer obeys the prompt: "
                         "the expected rating, nothing is trained",
              .options = "",
              .defaults = "",
              .example = "trivium convert --model MODEL --from "
                         "\"prompt:The answer is polite.\" --to judge:out/j"},
     .run = view_judge},
    HEAD_METHOD_ROW(HEAD_RANK, "against ", .name = "head",
                    .summary = "train a scalar head to tell answers under the "
                               "prompt from those without it, or under another",
                    .example = "trivium convert --model MODEL --from "
                               "prompt:@z.txt --to head:out/h",
                    .source = "Yang et al. 2023, arXiv:2307.12950"),
    HEAD_METHOD_ROW(HEAD_REGRESS, "against beta ", .name = "regress",
                    .summary = HEAD_REGRESS_SUMMARY,
                    .example = "trivium convert --model MODEL --from "
                               "prompt:@z.txt --to head:out/h --method "
                               "regress"),
};

const struct edge edge_prompt_to_reward = {
    FORM_PROMPT,      FORM_REWARD, "prompt->reward",
    "prompt->reward", methods,     EDGE_ROWS(methods)};
