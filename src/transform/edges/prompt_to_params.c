/* prompt_to_params.c -- prompt -> params: a student without the prompt learns
 * to answer as the model does with it.
 *
 *   min over D of E_x KL(p_z, p_D)
 *
 * And params -> params, the same with another teacher: parameters of one kind,
 * a mix, or what came over from another model, become parameters of a kind that
 * can be kept.
 */
#include "transform/edges/edges.h"
#include "transform/imitate/imitate.h"
#include "transform/imitate/imitate_cost.h"

static const struct method methods[] = {
    {.info = {.name = "distill",
              .makes = "lora adapter full",
              .summary = "match the teacher's distribution of the next token, "
                         "on its own answers",
              .options = "inputs samples max-tokens temperature divergence "
                         "on-policy init @learn",
              .defaults = "samples=3072 max-tokens=64 steps=800 batch=16",
              .example = "trivium convert --model MODEL --from prompt:@z.txt "
                         "--to lora:out/z --inputs train.jsonl",
              .source = "Askell et al. 2021, arXiv:2112.00861; Agarwal et al. "
                        "2023, arXiv:2306.13649"},
     .variant = IMITATE_DISTILL,
     .plan = imitate_plan,
     .cuts = METHOD_CUTS_LEARN,
     .run = imitate_method},
    {.info = {.name = "sft",
              .makes = "lora adapter full",
              .summary = "learn the teacher's answers as they stand",
              .options = "inputs samples max-tokens temperature init @learn",
              .defaults = "samples=3072 max-tokens=64 steps=800 batch=16",
              .example = "trivium convert --model MODEL --from prompt:@z.txt "
                         "--to lora:out/z --method sft"},
     .variant = IMITATE_SFT,
     .plan = imitate_plan,
     .cuts = METHOD_CUTS_LEARN,
     .run = imitate_method},
    {.info = {.name = "features",
              .makes = "lora adapter full",
              .summary = "distill, and match hidden states, too",
              .options = "inputs samples max-tokens temperature divergence "
                         "on-policy init features-weight features-layers "
                         "@learn",
              .defaults = "samples=3072 max-tokens=64 steps=800 batch=16",
              .example = "trivium convert --model MODEL --from prompt:@z.txt "
                         "--to lora:out/z --method features "
                         "--features-layers upper",
              .source = "Sun et al. 2019, arXiv:1908.09355; Jiao et al. 2019, "
                        "arXiv:1909.10351"},
     .variant = IMITATE_FEATURES,
     .plan = imitate_plan,
     .cuts = METHOD_CUTS_LEARN,
     .run = imitate_method},
    {.info = {.name = "solve",
              .makes = "lora",
              .summary = "a closed form, layer by layer: seconds, no training",
              .options = "inputs samples max-tokens temperature",
              .defaults = "samples=768 max-tokens=64",
              .example = "trivium convert --model MODEL --from prompt:@z.txt "
                         "--to lora:out/z --method solve",
              .source = "after Dherin et al. 2025, arXiv:2507.16003"},
     .variant = IMITATE_SOLVE,
     .plan = imitate_plan,
     .cuts = METHOD_CUTS(CUT("samples", 96), CUT_LATE("max-tokens", 24)),
     .run = imitate_method},
};

const struct edge edge_prompt_to_params = {
    FORM_PROMPT,      FORM_PARAMS, "prompt->params",
    "prompt->params", methods,     EDGE_ROWS(methods)};
const struct edge edge_params_to_params = {
    FORM_PARAMS,      FORM_PARAMS, "params->params",
    "params->params", methods,     EDGE_ROWS(methods)};
