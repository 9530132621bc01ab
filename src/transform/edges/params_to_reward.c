/* params_to_reward.c -- params -> reward: the update, seen from the other side.
 *
 *   r(x,y) = beta (log p_D(y|x) - log p0(y|x))
 *
 * is exact and needs no training, for p0 exp(r / beta) is p_D itself (Rafailov
 * et al. 2023, arXiv:2305.18290, section 4).
 */
#include "transform/edges/edges.h"
#include "transform/head/head_method.h"
#include "transform/views/reward_view.h"

static const struct method methods[] = {
    {.info = {.name = "ratio",
              .makes = "ratio",
              .summary = "the log-ratio to the base: exact, nothing is trained",
              .options = "beta",
              .defaults = "beta=1",
              .example = "trivium convert --model MODEL --from lora:out/z "
                         "--to ratio:out/r",
              .source = "Rafailov et al. 2023, arXiv:2305.18290"},
     .run = view_ratio},
    HEAD_METHOD_ROW(HEAD_RANK, "", .name = "head",
                    .summary = "train a scalar head to rank pairs of answers "
                               "as the log-ratio does",
                    .example = "trivium convert --model MODEL --from "
                               "lora:out/z --to head:out/h",
                    .source = "Ouyang et al. 2022, arXiv:2203.02155"),
    HEAD_METHOD_ROW(HEAD_REGRESS, "beta ", .name = "regress",
                    .summary = HEAD_REGRESS_SUMMARY,
                    .example = "trivium convert --model MODEL --from "
                               "lora:out/z --to head:out/h --method regress"),
};

const struct edge edge_params_to_reward = {
    FORM_PARAMS,      FORM_REWARD, "params->reward",
    "params->reward", methods,     EDGE_ROWS(methods)};
