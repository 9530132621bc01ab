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
    {.info = {.name = "head",
              .makes = "head",
              .summary = "train a scalar head to tell answers under the prompt "
                         "from those without it, or under another",
              .options = "inputs samples max-tokens temperature against "
                         "@learn",
              .defaults = "samples=2048 max-tokens=64 steps=256 batch=16 "
                          "beta=1",
              .example = "trivium convert --model MODEL --from prompt:@z.txt "
                         "--to head:out/h",
              .source = "Yang et al. 2023, arXiv:2307.12950"},
     .variant = HEAD_RANK,
     .run = head_method},
    {.info = {.name = "regress",
              .makes = "head",
              .summary = "train a scalar head on the differences of the "
                         "log-ratio",
              .options = "inputs samples max-tokens temperature against beta "
                         "@learn",
              .defaults = "samples=2048 max-tokens=64 steps=256 batch=16 "
                          "beta=1",
              .example = "trivium convert --model MODEL --from prompt:@z.txt "
                         "--to head:out/h --method regress"},
     .variant = HEAD_REGRESS,
     .run = head_method},
};

const struct edge edge_prompt_to_reward = {
    FORM_PROMPT,      FORM_REWARD, "prompt->reward",
    "prompt->reward", methods,     EDGE_ROWS(methods)};
