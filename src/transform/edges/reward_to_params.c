/* reward_to_params.c -- reward -> params: answers are drawn, the reward says
 * which are good, and a student learns to give those.
 *
 *   max over D of E_x E_{p_D} r - beta KL(p_D, p0), whose optimum is
 *   p0 exp(r / beta) / Z
 *
 * base -> params learns from given pairs, which need no reward.
 */
#include "transform/edges/edges.h"
#include "transform/imitate/guided.h"
#include "transform/policy/policy_method.h"
#include "transform/imitate/imitate_cost.h"

#define MADE "lora adapter full"

static const struct method methods[] = {
    POLICY_PREFERENCE_ROWS(MADE, "lora"),
    POLICY_GRPO_ROW(MADE, "lora"),
    POLICY_RLOO_ROW(MADE, "lora"),
    POLICY_BON_ROW(MADE, "lora"),
    POLICY_TILT_ROW(MADE, "lora"),
    POLICY_PPO_ROW(MADE, "lora"),
    {.info = {.name = "distill",
              .makes = MADE,
              .summary = "match p0 exp(r / beta), token by token: of a reward "
                         "that has a value for each (ratio, contrast)",
              .options = "inputs samples max-tokens temperature divergence "
                         "on-policy init beta @learn",
              .defaults = "samples=3072 max-tokens=64 steps=800 batch=16 "
                          "beta=1",
              .example = "trivium convert --model MODEL --from out/r "
                         "--to lora:out/again --method distill",
              .source = "Askell et al. 2021, arXiv:2112.00861"},
     .variant = IMITATE_DISTILL,
     .plan = imitate_plan,
     .cuts = METHOD_CUTS_LEARN,
     .run = imitate_guided},
};

const struct edge edge_reward_to_params = {
    FORM_REWARD,      FORM_PARAMS, "reward->params",
    "reward->params", methods,     EDGE_ROWS(methods)};

static const struct method given[] = {POLICY_GIVEN_ROWS(MADE, "lora")};

const struct edge edge_base_to_params = {FORM_BASE,      FORM_PARAMS,
                                         "base->params", "reward->params",
                                         given,          EDGE_ROWS(given)};
