/* params_to_prompt.c -- params -> prompt: the base under a prompt comes to
 * answer as the adapted model does.
 *
 *   min over z of E_x KL(p_D, p_z)
 *
 * And prompt -> prompt: a prompt of text is compressed into virtual tokens by
 * the same means (gist tokens: Mu et al. 2023, arXiv:2304.08467).
 */
#include "transform/demos/choose_demos.h"
#include "transform/edges/edges.h"
#include "transform/imitate/imitate.h"
#include "transform/token_search/text_method.h"
#include "transform/imitate/imitate_cost.h"
#include "transform/token_search/text_cost.h"
#include "transform/demos/demos_cost.h"

#define VIRTUAL                                                                \
    .options = "inputs samples max-tokens temperature divergence on-policy "   \
               "@learn",                                                       \
    .defaults = "samples=3072 max-tokens=64 steps=800 batch=16"

#define PREFIX                                                                 \
    {                                                                          \
        .info = {.name = "prefix",                                             \
                 .makes = "prefix",                                            \
                 .summary =                                                    \
                     "train keys and values of every layer, from a text",      \
                 VIRTUAL,                                                      \
                 .example = "trivium convert --model MODEL --from lora:out/z " \
                            "--to prefix:out/p",                               \
                 .source = "Li and Liang 2021, arXiv:2101.00190"},             \
        .variant = IMITATE_DISTILL, .plan = imitate_plan,                      \
        .cuts = METHOD_CUTS_LEARN, .run = imitate_method                       \
    }
#define SOFT                                                                   \
    {                                                                          \
        .info = {.name = "soft",                                               \
                 .makes = "soft",                                              \
                 .summary = "train the embeddings of virtual tokens, from a "  \
                            "text",                                            \
                 VIRTUAL,                                                      \
                 .example = "trivium convert --model MODEL --from lora:out/z " \
                            "--to soft:out/s --virtual-tokens 16",             \
                 .source = "Lester et al. 2021, arXiv:2104.08691"},            \
        .variant = IMITATE_DISTILL, .plan = imitate_plan,                      \
        .cuts = METHOD_CUTS_LEARN, .run = imitate_method                       \
    }

static const struct method methods[] = {
    PREFIX,
    SOFT,
    {.info = {.name = "text",
              .makes = "text messages",
              .summary = "search for a text, token by token, led by gradients",
              .options = "inputs samples max-tokens temperature divergence "
                         "steps batch prompt-tokens length-cost width top-k "
                         "restarts patience fluency search-from",
              .defaults = "samples=128 max-tokens=32 steps=40 batch=8",
              .example = "trivium convert --model MODEL --from lora:out/z "
                         "--to text:out/words --prompt-tokens 12",
              .source = "Zou et al. 2023, arXiv:2307.15043"},
     .plan = text_plan,
     .cuts =
         METHOD_CUTS(CUT("samples", 16), CUT("steps", 5), CUT("restarts", 1),
                     CUT_LATE("max-tokens", 16), CUT_LATE("batch", 2)),
     .run = text_method},
    {.info = {.name = "demos",
              .makes = "demos",
              .summary = "choose and order demonstrations of its own answers",
              .options = "inputs max-tokens temperature demos "
                         "demos-template search-inputs held-out answers",
              .defaults = "max-tokens=48",
              .example = "trivium convert --model MODEL --from lora:out/z "
                         "--to demos:out/d --inputs train.jsonl"},
     .plan = demos_plan,
     .cuts = METHOD_CUTS(CUT("search-inputs", 8), CUT("held-out", 8),
                         CUT_LATE("max-tokens", 16)),
     .run = demos_method},
};

static const struct method compressions[] = {PREFIX, SOFT};

const struct edge edge_params_to_prompt = {
    FORM_PARAMS,      FORM_PROMPT, "params->prompt",
    "params->prompt", methods,     EDGE_ROWS(methods)};
const struct edge edge_prompt_to_prompt = {
    FORM_PROMPT,      FORM_PROMPT,  "prompt->prompt",
    "prompt->prompt", compressions, EDGE_ROWS(compressions)};
