/* policy_method.h -- what is learned from a reward, from inputs to an artefact:
 *
 *   dpo, orpo, bon, tilt answers of the base are drawn and scored once, then
 *                        learned from: dpo.c, tilt.c
 *   dpo, orpo, kto       given pairs, or given answers with labels: dpo.c,
 *                        kto.c
 *   grpo, rloo, ppo      the student's own answers, as it learns: grpo.c, ppo.c
 *
 * Parameters and virtual tokens are learned alike, so the rows of these methods
 * stand here, for two edges: MADE lists the kinds of the edge, KIND is that of
 * the example.
 */
#ifndef TRANSFORM_POLICY_METHOD_H
#define TRANSFORM_POLICY_METHOD_H

#include "transform/job.h"
#include "transform/policy/policy_cost.h"

/* Variants. */
enum policy_method {
    POLICY_DPO, // of preference pairs, whatever the loss
    POLICY_GRPO,
    POLICY_BON,
    POLICY_TILT,
    POLICY_PPO,
    POLICY_KTO,
};

/** Options that contradict each other or that the method does not know.
 * TRV_EINVAL, TRV_EUNSUPPORTED, TRV_ERANGE. */
int policy_refuse(const struct convert_job *job, trv_err *err);
/** The run of every method here. What convert_run() returns. */
int policy_method(const struct convert_job *job, trv_cost *cost, trv_err *err);

#define POLICY_ANSWERS                                                         \
    "inputs samples group max-tokens temperature eval max-kl @learn "
/* Sizes that a budget may cut: the length of answers last, since a reward of cut
 * ones is another. */
#define POLICY_CUTS                                                            \
    METHOD_CUTS(CUT("samples", 64), CUT("steps", 30), CUT_LATE("batch", 8),    \
                CUT_TURN("max-tokens", 24, 2))
#define POLICY_EXAMPLE(method, kind)                                           \
    "trivium convert --model MODEL --from verifier:number --to " kind          \
    ":out/" method " --method " method " --inputs sums.jsonl"
#define POLICY_GIVEN_EXAMPLE(method, data, kind)                               \
    "trivium train --model MODEL --method " method " --data " data             \
    ".jsonl --to " kind ":out/" method

/* Sizes where answers are drawn, and where they are given: then as many steps
 * as three passes over them take, TRL's default. */
#define POLICY_DRAWN "group=8 max-tokens=64 steps=200 batch=32 "
#define POLICY_GIVEN "max-tokens=64 batch=16 epochs=3 "

/* TRL's DPOConfig; its rate for DPO is a twentieth of that for SFT. At the full
 * rate both answers of a pair fall. */
#define POLICY_DPO_ROW(made, shown, more, sizes)                               \
    {                                                                          \
        .info = {.name = "dpo",                                                \
                 .makes = made,                                                \
                 .summary =                                                    \
                     "learn from preference pairs, given or made by the "      \
                     "reward",                                                 \
                 .options =                                                    \
                     POLICY_ANSWERS "beta loss pairs pairing margin "          \
                                    "labels label-smoothing sft-weight" more,  \
                 .defaults = sizes "beta=0.1",                                 \
                 .example = shown,                                             \
                 .source = "Rafailov et al. 2023, arXiv:2305.18290"},          \
        .variant = POLICY_DPO, .lr_scale = 0.1, .plan = policy_plan_cost,      \
        .refuse = policy_refuse, .cuts = POLICY_CUTS, .run = policy_method     \
    }

/* TRL's ORPOConfig but for its rate, 1e-6: this is the paper's, 8e-6 for all
 * weights, two fifths of that for SFT. */
#define POLICY_ORPO_ROW(made, shown, more, sizes)                              \
    {                                                                          \
        .info = {.name = "orpo",                                               \
                 .makes = made,                                                \
                 .summary = "learn from preference pairs without a "           \
                            "reference: likelihood and odds ratio",            \
                 .options = POLICY_ANSWERS "beta pairs pairing margin" more,   \
                 .defaults = sizes "beta=0.1",                                 \
                 .example = shown,                                             \
                 .source = "Hong et al. 2024, arXiv:2403.07691"},              \
        .variant = POLICY_DPO, .lr_scale = 0.4, .plan = policy_plan_cost,      \
        .refuse = policy_refuse, .cuts = POLICY_CUTS, .run = policy_method     \
    }

/* TRL's KTOConfig, with the rate of dpo. */
#define POLICY_KTO_ROW(made, kind)                                             \
    {                                                                          \
        .info = {.name = "kto",                                                \
                 .makes = made,                                                \
                 .summary = "learn from given answers that are labelled good " \
                            "or bad, each by itself",                          \
                 .options = "max-tokens eval max-kl @learn beta pairs epochs " \
                            "desirable-weight undesirable-weight",             \
                 .defaults = POLICY_GIVEN "beta=0.1",                          \
                 .example = POLICY_GIVEN_EXAMPLE("kto", "rated", kind),        \
                 .source = "Ethayarajh et al. 2024, arXiv:2402.01306"},        \
        .variant = POLICY_KTO, .lr_scale = 0.1, .plan = policy_plan_cost,      \
        .refuse = policy_refuse, .cuts = POLICY_CUTS, .run = policy_method     \
    }

/* The methods that learn from preference pairs, the first by default. The loss
 * of each is in loss_preference.c, under the method's name. */
#define POLICY_PREFERENCE_ROWS(made, kind)                                     \
    POLICY_DPO_ROW(made, POLICY_EXAMPLE("dpo", kind), "", POLICY_DRAWN),       \
        POLICY_ORPO_ROW(made, POLICY_EXAMPLE("orpo", kind), "", POLICY_DRAWN)

/* The same, and kto, where preferences are given and no reward is. */
#define POLICY_GIVEN_ROWS(made, kind)                                          \
    POLICY_DPO_ROW(made, POLICY_GIVEN_EXAMPLE("dpo", "pairs", kind),           \
                   " epochs", POLICY_GIVEN),                                   \
        POLICY_ORPO_ROW(made, POLICY_GIVEN_EXAMPLE("orpo", "pairs", kind),     \
                        " epochs", POLICY_GIVEN),                              \
        POLICY_KTO_ROW(made, kind)

/* TRL's GRPOConfig. */
#define POLICY_GRPO_ROW(made, kind)                                            \
    {                                                                          \
        .info = {.name = "grpo",                                               \
                 .makes = made,                                                \
                 .summary = "policy gradient on the student's own answers, "   \
                            "compared in groups",                              \
                 .options = POLICY_ANSWERS "beta loss advantage ratio "        \
                                           "clip-ratio updates",               \
                 .defaults = "group=8 max-tokens=64 steps=100 batch=64",       \
                 .example = POLICY_EXAMPLE("grpo", kind),                      \
                 .source = "Shao et al. 2024, arXiv:2402.03300"},              \
        .variant = POLICY_GRPO, .sampling = "samples",                         \
        .plan = policy_plan_cost, .refuse = policy_refuse,                     \
        .cuts = POLICY_CUTS, .run = policy_method                              \
    }

/* TRL's RLOOConfig; the same as grpo with --advantage rloo. */
#define POLICY_RLOO_ROW(made, kind)                                            \
    {                                                                          \
        .info = {.name = "rloo",                                               \
                 .makes = made,                                                \
                 .summary =                                                    \
                     "policy gradient with the mean of the other answers "     \
                     "as baseline",                                            \
                 .options = POLICY_ANSWERS "beta loss clip-ratio updates",     \
                 .defaults = "group=8 max-tokens=64 steps=100 batch=64 "       \
                             "beta=0.05",                                      \
                 .example = POLICY_EXAMPLE("rloo", kind),                      \
                 .source = "Ahmadian et al. 2024, arXiv:2402.14740"},          \
        .variant = POLICY_GRPO, .sampling = "samples",                         \
        .plan = policy_plan_cost, .refuse = policy_refuse,                     \
        .cuts = POLICY_CUTS, .run = policy_method                              \
    }

#define POLICY_BON_ROW(made, kind)                                             \
    {                                                                          \
        .info = {.name = "bon",                                                \
                 .makes = made,                                                \
                 .summary = "learn the best of each group of answers",         \
                 .options = POLICY_ANSWERS,                                    \
                 .defaults = "group=8 max-tokens=64 steps=200 batch=16",       \
                 .example = POLICY_EXAMPLE("bon", kind)},                      \
        .variant = POLICY_BON, .plan = policy_plan_cost,                       \
        .refuse = policy_refuse, .cuts = POLICY_CUTS, .run = policy_method     \
    }

#define POLICY_TILT_ROW(made, kind)                                            \
    {                                                                          \
        .info = {.name = "tilt",                                               \
                 .makes = made,                                                \
                 .summary = "learn all answers, each by its weight exp(r / "   \
                            "beta)",                                           \
                 .options = POLICY_ANSWERS "beta",                             \
                 .defaults =                                                   \
                     "group=8 max-tokens=64 steps=200 batch=16 beta=0.1",      \
                 .example = POLICY_EXAMPLE("tilt", kind)},                     \
        .variant = POLICY_TILT, .plan = policy_plan_cost,                      \
        .refuse = policy_refuse, .cuts = POLICY_CUTS, .run = policy_method     \
    }

/* TRL's PPOConfig. */
#define POLICY_PPO_ROW(made, kind)                                             \
    {                                                                          \
        .info = {.name = "ppo",                                                \
                 .makes = made,                                                \
                 .summary = "policy gradient with a learned value function",   \
                 .options =                                                    \
                     POLICY_ANSWERS "beta clip-ratio updates gae-lambda",      \
                 .defaults = "group=8 max-tokens=64 steps=100 batch=64 "       \
                             "beta=0.05",                                      \
                 .example = POLICY_EXAMPLE("ppo", kind),                       \
                 .source = "Schulman et al. 2017, arXiv:1707.06347"},          \
        .variant = POLICY_PPO, .sampling = "samples",                          \
        .plan = policy_plan_cost, .refuse = policy_refuse,                     \
        .cuts = POLICY_CUTS, .run = policy_method                              \
    }

#endif
