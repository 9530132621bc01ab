/* peft_config.c -- fields of an adapter_config.json, and refusals by name. */
#include "adapt/params/peft_config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "adapt/payload.h"
#include "base/json.h"

/* Other types of PEFT. Of most a full model can be made. */
static const struct {
    const char *type, *means;
} others[] = {
    {"ADALORA", "AdaLoRA"},
    {"BOFT", "BOFT"},
    {"FOURIERFT", "FourierFT"},
    {"HRA", "HRA"},
    {"IA3", "IA3"},
    {"LN_TUNING", "tuned layer norms"},
    {"LOHA", "LoHa"},
    {"LOKR", "LoKr"},
    {"OFT", "OFT"},
    {"RANDLORA", "RandLora"},
    {"TRAINABLE_TOKENS", "tokens"},
    {"VBLORA", "VB-LoRA"},
    {"VERA", "VeRA"},
    {"MISS", "MiSS"},
};

/* Fields that must be absent, null, false or empty: each changes the effect of
 * the pairs. Those of mixtures and routers cannot be merged. */
static const struct {
    const char *field, *means;
    bool merges;
} refused[] = {
    {"use_qalora", "QALoRA", true},
    {"use_bdlora", "block-diagonal LoRA", true},
    {"kasa_config", "KaSA", true},
    {"monteclora_config", "MonteCLoRA", true},
    {"arrow_config", "routing between adapters", false},
    {"alora_invocation_tokens",
     "activated LoRA, which acts from certain tokens on", false},
    {"layer_replication", "replicated layers", true},
    {"target_parameters", "pairs for bare parameters", true},
    {"megatron_config", "Megatron's parallel layers", false},
};

static int
unsupported(trv_err *err, const char *file, const char *field, const char *wish,
            bool merges)
{
    return err_fail(err, TRV_EUNSUPPORTED,
                    "field '%s' of '%s' asks for %s, which is not supported%s",
                    field, file, wish, merges ? "; " PEFT_MERGE : "");
}

static int
check_type(const json_t *config, const char *file, trv_err *err)
{
    const char *type = NULL;
    int rc = json_need(config, "peft_type", file, err);

    if (!rc)
        rc = json_str(&type, config, "peft_type", file, err);
    if (rc || !strcmp(type, "LORA"))
        return rc;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (!strcmp(type, others[i].type))
            return err_fail(err, TRV_EUNSUPPORTED,
                            "field 'peft_type' of '%s' is '%s' (%s), which is "
                            "not supported; " PEFT_MERGE,
                            file, type, others[i].means);
    return err_fail(err, TRV_EUNSUPPORTED,
                    "field 'peft_type' of '%s' is '%.100s', which is not "
                    "supported; LORA, PROMPT_TUNING, P_TUNING and "
                    "PREFIX_TUNING are",
                    file, type);
}

static int
check_bias(const json_t *config, const char *file, trv_err *err)
{
    const char *bias = "none";
    const int rc = json_str(&bias, config, "bias", file, err);

    /* Trained biases lie in the file, whatever the field says of them. */
    if (rc || !*bias || !strcmp(bias, "none") || !strcmp(bias, "all") ||
        !strcmp(bias, "lora_only"))
        return rc;
    return err_fail(err, TRV_EFORMAT,
                    "field 'bias' of '%s' is '%.100s'; there are none, all, "
                    "lora_only",
                    file, bias);
}

static int
check_task(const json_t *config, const char *file, bool scorer, trv_err *err)
{
    const char *task = NULL;
    const int rc = json_str(&task, config, "task_type", file, err);

    if (rc || !task || !strcmp(task, scorer ? "SEQ_CLS" : "CAUSAL_LM"))
        return rc;
    return err_fail(err, TRV_EUNSUPPORTED,
                    "field 'task_type' of '%s' asks for '%.100s', which is not "
                    "supported",
                    file, task);
}

/* These start by changing the base's own weights (or, mica, the forward pass):
 * the pairs belong to that base and no other. */
static int
check_start(const json_t *config, const char *file, trv_err *err)
{
    static const char *const changing[] = {"pissa", "corda",   "olora",
                                           "loftq", "lora_ga", "mica"};
    const json_t *init = json_object_get(config, "init_lora_weights");

    for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++)
        if (json_is_string(init) &&
            !strncasecmp(json_string_value(init), changing[i],
                         strlen(changing[i])))
            return err_fail(
                err, TRV_EUNSUPPORTED,
                "field 'init_lora_weights' of '%s' is '%.40s': its pairs "
                "belong to a base whose weights that start changed; save it "
                "with save_pretrained(DIR, "
                "path_initial_model_for_weight_conversion=START), "
                "or " PEFT_MERGE,
                file, json_string_value(init));
    return 0;
}

/* Of a reward model the `score` is saved whole. PEFT also names `classifier`,
 * which the models here do not have. */
static int
check_saved(const json_t *list, const char *file, bool scorer, trv_err *err)
{
    bool has_score = false;
    const json_t *v;
    size_t i;

    if (list && !json_is_null(list) && !json_is_array(list))
        return err_fail(err, TRV_EFORMAT,
                        "field 'modules_to_save' of '%s' is no list", file);
    json_array_foreach(list, i, v)
    {
        const char *name = json_is_string(v) ? json_string_value(v) : "";

        if (!*name)
            return err_fail(err, TRV_EFORMAT,
                            "field 'modules_to_save' of '%s' holds something "
                            "other than names of modules",
                            file);
        has_score = has_score || !strcmp(name, "score");
        if (scorer && strcmp(name, "score") && strcmp(name, "classifier"))
            return unsupported(err, file, "modules_to_save",
                               "whole modules beside 'score'", true);
    }
    return has_score || !scorer
               ? 0
               : err_fail(err, TRV_EFORMAT,
                          "field 'modules_to_save' of '%s' does not name "
                          "'score', which a reward is read by",
                          file);
}

static int
check_tokens(const json_t *v, const char *file, bool scorer, trv_err *err)
{
    if (!payload_is_set(v))
        return 0;
    if (scorer)
        return unsupported(err, file, "trainable_token_indices",
                           "trained tokens of a reward model", true);
    return json_is_array(v) || json_is_object(v)
               ? 0
               : err_fail(err, TRV_EFORMAT,
                          "field 'trainable_token_indices' of '%s' is neither "
                          "a list nor an object",
                          file);
}

static int
read_flags(struct peft_config *out, const json_t *config, const char *file,
           trv_err *err)
{
    int rc = json_flag(&out->rslora, config, "use_rslora", file, err);

    if (!rc)
        rc = json_flag(&out->dora, config, "use_dora", file, err);
    if (!rc)
        rc = json_flag(&out->lora_bias, config, "lora_bias", file, err);
    if (!rc)
        rc = json_flag(&out->keeps_tie, config, "ensure_weight_tying", file,
                       err);
    if (!rc && out->dora && out->lora_bias) // PEFT refuses it, too
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' asks for 'use_dora' and 'lora_bias', which exclude "
                      "each other",
                      file);
    return rc;
}

int
peft_config_read(struct peft_config *out, const json_t *config,
                 const char *file, bool scorer, trv_err *err)
{
    int rc = check_type(config, file, err);

    *out = (struct peft_config){
        .saved = json_object_get(config, "modules_to_save"),
        .tokens = json_object_get(config, "trainable_token_indices"),
    };
    if (!rc)
        rc = json_need(config, "target_modules", file, err);
    if (!rc)
        rc = check_bias(config, file, err);
    if (!rc)
        rc = check_task(config, file, scorer, err);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) && !rc; i++)
        if (payload_is_set(json_object_get(config, refused[i].field)))
            rc = unsupported(err, file, refused[i].field, refused[i].means,
                             refused[i].merges);
    if (!rc)
        rc = check_saved(out->saved, file, scorer, err);
    if (!rc)
        rc = check_tokens(out->tokens, file, scorer, err);
    if (!rc)
        rc = check_start(config, file, err);
    if (!rc)
        rc = read_flags(out, config, file, err);
    if (!rc)
        rc = json_num(&out->dropout, config, "lora_dropout", 0.0, 0.9999, file,
                      err);
    if (!rc)
        rc = json_str(&out->base, config, "base_model_name_or_path", file, err);
    return rc;
}
