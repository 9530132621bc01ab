/* reward_to_prompt.c -- reward -> prompt: words, demonstrations or virtual
 * tokens under which the model's answers are rewarded.
 *
 *   max over z of E_x E_{p_z} r - beta KL(p_z, p0) - lambda len(z)
 *
 * Virtual tokens are a prompt, but are learned as parameters are: from a reward
 * by the policy gradient, and from given pairs, also of the base alone.
 */
#include "transform/demos/choose_demos.h"
#include "transform/edges/edges.h"
#include "transform/evolve/evolve_method.h"
#include "transform/imitate/guided.h"
#include "transform/policy/policy_method.h"
#include "transform/token_search/text_method.h"
#include "transform/imitate/imitate_cost.h"
#include "transform/token_search/text_cost.h"
#include "transform/demos/demos_cost.h"
#include "transform/evolve/evolve_cost.h"

#define MADE "soft prefix"

static const struct method methods[] = {
    {.info = {.name = "evolve",
              .makes = "text messages",
              .summary = "instructions evolve: proposed, scored, and the best "
                         "of each kind kept",
              .options = "inputs max-tokens temperature beta prompt-tokens "
                         "length-cost fluency rounds population search-inputs "
                         "held-out minibatch answers phrases propose proposer "
                         "proposer-model proposer-calls proposer-tokens "
                         "proposer-timeout",
              .defaults = "max-tokens=48",
              .example = "trivium convert --model MODEL --from verifier:number "
                         "--to prompt:out/z --inputs sums.jsonl",
              .source = "Agrawal et al. 2025, arXiv:2507.19457"},
     .plan = evolve_plan_cost,
     .refuse = evolve_refuse,
     .cuts = METHOD_CUTS(CUT("rounds", 2), CUT("search-inputs", 8),
                         CUT("held-out", 8), CUT_LATE("max-tokens", 16)),
     .run = evolve_method},
    {.info = {.name = "text",
              .makes = "text messages",
              .summary = "search for a text, token by token, led by gradients",
              .options = "inputs samples max-tokens temperature divergence "
                         "beta steps batch prompt-tokens length-cost width "
                         "top-k restarts patience fluency search-from",
              .defaults = "max-tokens=32 steps=40 batch=8",
              .example = "trivium convert --model MODEL --from verifier:number "
                         "--to text:out/z --method text --inputs sums.jsonl",
              .source = "Zou et al. 2023, arXiv:2307.15043"},
     .plan = text_plan,
     .cuts =
         METHOD_CUTS(CUT("samples", 16), CUT("steps", 5), CUT("restarts", 1),
                     CUT_LATE("max-tokens", 16), CUT_LATE("batch", 2)),
     .run = text_method},
    {.info = {.name = "demos",
              .makes = "demos",
              .summary = "choose and order demonstrations among well rewarded "
                         "answers",
              .options = "inputs max-tokens temperature beta "
                         "demos demos-template search-inputs held-out answers",
              .defaults = "max-tokens=48",
              .example = "trivium convert --model MODEL --from verifier:number "
                         "--to demos:out/d --inputs sums.jsonl"},
     .plan = demos_plan,
     .cuts = METHOD_CUTS(CUT("search-inputs", 8), CUT("held-out", 8),
                         CUT_LATE("max-tokens", 16)),
     .run = demos_method},
    POLICY_GRPO_ROW(MADE, "soft"),
    POLICY_RLOO_ROW(MADE, "soft"),
    POLICY_PREFERENCE_ROWS(MADE, "soft"),
    POLICY_BON_ROW(MADE, "soft"),
    POLICY_TILT_ROW(MADE, "soft"),
    POLICY_PPO_ROW(MADE, "soft"),
    {.info = {.name = "distill",
              .makes = MADE,
              .summary = "match p0 exp(r / beta), token by token: of a reward "
                         "that has a value for each (ratio, contrast)",
              .options = "inputs samples max-tokens temperature divergence "
                         "on-policy beta @learn",
              .defaults = "samples=3072 max-tokens=64 steps=800 batch=16 "
                          "beta=1",
              .example = "trivium convert --model MODEL --from out/r "
                         "--to prefix:out/p --method distill",
              .source = "Askell et al. 2021, arXiv:2112.00861"},
     .variant = IMITATE_DISTILL,
     .plan = imitate_plan,
     .cuts = METHOD_CUTS_LEARN,
     .run = imitate_guided},
};

const struct edge edge_reward_to_prompt = {
    FORM_REWARD,      FORM_PROMPT, "reward->prompt",
    "reward->prompt", methods,     EDGE_ROWS(methods)};

static const struct method given[] = {POLICY_GIVEN_ROWS(MADE, "soft")};

const struct edge edge_base_to_prompt = {FORM_BASE,      FORM_PROMPT,
                                         "base->prompt", "reward->prompt",
                                         given,          EDGE_ROWS(given)};
