/* peft.c -- LoRA folders of PEFT, read with all checks and written so that PEFT
 * loads them unchanged.
 *
 * Owns names, shapes and the config's fields; which modules a config addresses
 * is peft_match.c's, the bytes of a safetensors file safetensors.c's.
 */
#include "adapt/params/peft.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "adapt/params/peft_match.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/safetensors.h"

#define PREFIX "base_model.model."
#define SCORE PREFIX "score.weight"

/* ---- reading: the config --------------------------------------------- */

/* Fields that must be absent, null, false or empty: each changes the effect of
 * the pairs. */
static const struct {
    const char *field, *means;
} refused[] = {
    {"use_dora", "DoRA"},
    {"lora_bias", "biases of the pairs"},
    {"use_qalora", "QALoRA"},
    {"use_bdlora", "block-diagonal LoRA"},
    {"kasa_config", "KaSA"},
    {"monteclora_config", "MonteCLoRA"},
    {"arrow_config", "routing between adapters"},
    {"alora_invocation_tokens", "activated LoRA"},
    {"layer_replication", "replicated layers"},
    {"trainable_token_indices", "trained tokens"},
    {"target_parameters", "pairs for bare parameters"},
    {"megatron_config", "Megatron's parallel layers"},
};

static int
unsupported(trv_err *err, const char *file, const char *field, const char *wish)
{
    return err_fail(err, TRV_EUNSUPPORTED,
                    "field '%s' of '%s' asks for %s, which is not supported; "
                    "only plain LoRA is",
                    field, file, wish);
}

/* Of a reward model the `score` is saved whole. PEFT also names `classifier`,
 * which the models here do not have. */
static int
check_saved(const json_t *config, const char *file, bool scorer, trv_err *err)
{
    const json_t *list = json_object_get(config, "modules_to_save"), *v;
    bool has_score = false;
    size_t i;

    if (!scorer)
        return payload_is_set(list)
                   ? unsupported(err, file, "modules_to_save",
                                 "whole modules beside the pairs")
                   : 0;
    json_array_foreach(list, i, v)
    {
        const char *name = json_is_string(v) ? json_string_value(v) : "";

        has_score = has_score || !strcmp(name, "score");
        if (strcmp(name, "score") != 0 && strcmp(name, "classifier") != 0)
            return unsupported(err, file, "modules_to_save",
                               "whole modules beside 'score'");
    }
    return has_score ? 0
                     : err_fail(err, TRV_EFORMAT,
                                "field 'modules_to_save' of '%s' does not name "
                                "'score', which a reward is read by",
                                file);
}

static int
check_config(const json_t *config, const char *file, bool scorer, trv_err *err)
{
    const char *wanted = scorer ? "SEQ_CLS" : "CAUSAL_LM";
    const json_t *init = json_object_get(config, "init_lora_weights");
    const char *type = NULL, *bias = "none", *task = NULL;
    char fact[160];
    int rc;

    rc = json_need(config, "peft_type", file, err);
    if (!rc)
        rc = json_str(&type, config, "peft_type", file, err);
    if (rc)
        return rc;
    if (strcmp(type, "LORA") != 0)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "field 'peft_type' of '%s' is '%.100s', which is not "
                        "supported; LORA, PROMPT_TUNING and PREFIX_TUNING are",
                        file, type);
    rc = json_need(config, "target_modules", file, err);
    if (!rc)
        rc = json_str(&bias, config, "bias", file, err);
    if (!rc)
        rc = json_str(&task, config, "task_type", file, err);
    if (rc)
        return rc;
    if (strcmp(bias, "none") != 0) {
        snprintf(fact, sizeof(fact), "trained biases ('%.100s')", bias);
        return unsupported(err, file, "bias", fact);
    }
    if (task && strcmp(task, wanted) != 0) {
        snprintf(fact, sizeof(fact), "'%.100s'", task);
        return unsupported(err, file, "task_type", fact);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (payload_is_set(json_object_get(config, refused[i].field)))
            return unsupported(err, file, refused[i].field, refused[i].means);
    }
    rc = check_saved(config, file, scorer, err);
    if (rc)
        return rc;
    if (json_is_string(init)) {
        /* These start by changing the base's own weights (or, mica, the
         * forward pass): the pairs belong to that base and no other. */
        static const char *const changing[] = {"pissa", "corda",   "olora",
                                               "loftq", "lora_ga", "mica"};

        for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++) {
            if (strncasecmp(json_string_value(init), changing[i],
                            strlen(changing[i])) != 0)
                continue;
            snprintf(fact, sizeof(fact), "a base whose weights '%.40s' changed",
                     json_string_value(init));
            return unsupported(err, file, "init_lora_weights", fact);
        }
    }
    return 0;
}

/* ---- reading: the tensors -------------------------------------------- */

static void
tensor_name(char *buf, size_t size, const char *path, bool b)
{
    snprintf(buf, size, PREFIX "%s.lora_%c.weight", path, b ? 'B' : 'A');
}

/* Which module of the model does a path name? False where none. */
static bool
find_module(int64_t *at, const struct model_config *cfg, const char *path,
            size_t n)
{
    char buf[256];

    for (int64_t i = 0; i < cfg->layers * PART_COUNT; i++) {
        if (part_path(buf, sizeof(buf), cfg, i / PART_COUNT,
                      (enum part)(i % PART_COUNT)))
            continue;
        if (strlen(buf) == n && strncmp(buf, path, n) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* Tensors that other kinds of adapters have. */
static const char *
foreign_tensor(const char *name)
{
    static const struct {
        const char *part, *means;
    } foreign[] = {
        {".lora_magnitude_vector", "DoRA"},
        {".lora_embedding_", "a LoRA of an embedding"},
        {".lora_A.bias", "a bias of a pair"},
        {".lora_B.bias", "a bias of a pair"},
        {".modules_to_save.", "a whole module"},
        {".original_module.", "a whole module"},
        {".base_layer.", "a weight of the base"},
        {".hada_", "LoHa"},
        {".lokr_", "LoKr"},
        {".ia3_", "IA3"},
    };

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if (strstr(name, foreign[i].part))
            return foreign[i].means;
    }
    return NULL;
}

/* Every tensor must be half of a pair that the config targets, in the shape
 * that model and config require. */
static int
check_tensor(const struct lora *l, const struct model_config *cfg,
             const struct st_file *st, const struct tensor *t, const char *file,
             const char *config_file, trv_err *err)
{
    static const char end_a[] = ".lora_A.weight", end_b[] = ".lora_B.weight";
    const size_t prefix = sizeof(PREFIX) - 1, end = sizeof(end_a) - 1;
    const size_t n = strlen(t->name);
    const bool fits = n > prefix + end && !strncmp(t->name, PREFIX, prefix);
    const bool b = fits && !strcmp(t->name + n - end, end_b);
    const char *means = foreign_tensor(t->name);
    const char *path = fits ? t->name + prefix : "";
    const int n_path = fits ? (int)(n - prefix - end) : 0;
    const struct lora_pair *p;
    char shape[96];
    int64_t at, rows, cols;

    if (means)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "tensor '%.300s' of '%s' is %s: not supported; only "
                        "plain LoRA is",
                        t->name, file, means);
    if (!fits || (!b && strcmp(t->name + n - end, end_a) != 0))
        return err_fail(err, TRV_EFORMAT,
                        "tensor '%.300s' of '%s' is no half of a LoRA pair "
                        "(" PREFIX "MODULE.lora_A.weight)",
                        t->name, file);
    payload_shape_text(shape, sizeof(shape), t);
    if (!find_module(&at, cfg, path, (size_t)n_path))
        return err_fail(err, TRV_EMISMATCH,
                        "tensor '%.300s' [%s] of '%s' adapts '%.*s', which is "
                        "no linear layer of this %s model of %lld layers",
                        t->name, shape, file, n_path < 200 ? n_path : 200, path,
                        family_name(cfg->family), (long long)cfg->layers);
    p = &l->pairs[at];
    if (p->rank == 0)
        return err_fail(err, TRV_EFORMAT,
                        "tensor '%.300s' of '%s' adapts a module that '%s' "
                        "does not target",
                        t->name, file, config_file);
    rows = b ? p->out : p->rank;
    cols = b ? p->rank : p->in;
    if (t->type == DT_COUNT)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "tensor '%.300s' of '%s' is %s, not F32, F16 or BF16",
                        t->name, file, st_dtype(st, t->name));
    if (t->n_dims != 2 || t->dim[0] != rows || t->dim[1] != cols)
        return err_fail(err, TRV_EMISMATCH,
                        "tensor '%.300s' of '%s' has the shape [%s]; this %s "
                        "model and the rank %lld of '%s' ask for [%lld, %lld]",
                        t->name, file, shape, family_name(cfg->family),
                        (long long)p->rank, config_file, (long long)rows,
                        (long long)cols);
    return 0;
}

static int
load_half(float *out, const struct st_file *st, const char *path, bool b,
          const char *file, const char *config_file, trv_err *err)
{
    const struct tensor *t;
    char name[320], other[320];
    int64_t n;

    tensor_name(name, sizeof(name), path, b);
    tensor_name(other, sizeof(other), path, !b);
    t = st_find(st, name);
    if (!t)
        return st_find(st, other)
                   ? err_fail(err, TRV_EFORMAT,
                              "'%s' holds '%s' without its other half '%s'",
                              file, other, name)
                   : err_fail(err, TRV_EFORMAT,
                              "'%s' targets '%s', but '%s' lacks the tensor "
                              "'%s'",
                              config_file, path, file, name);
    tensor_rows_f32(out, t, 0, t->dim[0]);
    n = t->dim[0] * t->dim[1];
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(out[i]))
            return err_fail(err, TRV_ENONFINITE,
                            "tensor '%s' of '%s' holds %g at position %lld",
                            name, file, (double)out[i], (long long)i);
    }
    return 0;
}

/* Ranks and alphas of all modules, from the config. */
static int
read_shapes(int64_t *ranks, double *alphas, const json_t *config,
            const struct model_config *cfg, const char *file, trv_err *err)
{
    struct peft_rules *rules = NULL;
    int64_t targets = 0;
    char path[256];
    int rc;

    rc = peft_rules_open(&rules, config, file, err);
    for (int64_t i = 0; i < cfg->layers * PART_COUNT && !rc; i++) {
        if (part_path(path, sizeof(path), cfg, i / PART_COUNT,
                      (enum part)(i % PART_COUNT)))
            continue;
        rc = peft_rules_match(rules, &ranks[i], &alphas[i], path,
                              i / PART_COUNT, err);
        targets += ranks[i] > 0;
    }
    if (!rc && targets == 0)
        rc = err_fail(err, TRV_EMISMATCH,
                      "field 'target_modules' of '%s' names no linear layer "
                      "of a %s model",
                      file, family_name(cfg->family));
    peft_rules_free(rules);
    return rc;
}

static int
load_score(float **out, const struct payload *p, const struct model_config *cfg,
           trv_err *err)
{
    const struct tensor *t = st_find(&p->st, SCORE);

    if (t && t->n_dims == 2 && t->dim[0] != 1)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' classifies into %lld labels; a reward model has "
                        "one",
                        p->file, (long long)t->dim[0]);
    if (t && t->type == DT_COUNT)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "tensor '%s' of '%s' is %s, not F32, F16 or BF16",
                        SCORE, p->file, st_dtype(&p->st, SCORE));
    *out = mem_array((size_t)cfg->width, sizeof(float));
    if (!*out)
        return err_fail(err, TRV_ENOMEM, "no memory to read '%s'", p->file);
    return payload_tensor(*out, p, SCORE, 1, cfg->width, err);
}

/* Both files, parsed. `score` NULL: a plain LoRA. */
static int
build(struct lora *out, float **score, char **base,
      const struct model_config *cfg, const struct payload *p, bool trained,
      trv_err *err)
{
    const json_t *config = p->config;
    const struct st_file *st = &p->st;
    const char *config_file = p->config_file, *file = p->file;
    const size_t n = (size_t)cfg->layers * PART_COUNT;
    int64_t *ranks = mem_calloc(n, sizeof(*ranks));
    double *alphas = mem_calloc(n, sizeof(*alphas));
    double dropout = 0.0;
    bool rslora = false;
    const char *name = NULL;
    int rc;

    if (!ranks || !alphas) {
        rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'", config_file);
        goto done;
    }
    rc = check_config(config, config_file, score != NULL, err);
    if (!rc)
        rc = json_flag(&rslora, config, "use_rslora", config_file, err);
    if (!rc)
        rc = json_num(&dropout, config, "lora_dropout", 0.0, 0.9999,
                      config_file, err);
    if (!rc)
        rc = json_str(&name, config, "base_model_name_or_path", config_file,
                      err);
    if (!rc)
        rc = read_shapes(ranks, alphas, config, cfg, config_file, err);
    if (!rc)
        rc = lora_init_shaped(out, cfg, ranks, alphas, rslora, trained, err);
    if (rc)
        goto done;
    out->dropout = (float)dropout;
    for (int64_t i = 0; i < st->n && !rc; i++)
        if (!score || strcmp(st->tensors[i].name, SCORE) != 0)
            rc = check_tensor(out, cfg, st, &st->tensors[i], file, config_file,
                              err);
    for (int64_t i = 0; i < (int64_t)n && !rc; i++) {
        const struct lora_pair *pair = &out->pairs[i];
        char path[256];

        if (!pair->rank || part_path(path, sizeof(path), cfg, i / PART_COUNT,
                                     (enum part)(i % PART_COUNT)))
            continue;
        rc = load_half(pair->a, st, path, false, file, config_file, err);
        if (!rc)
            rc = load_half(pair->b, st, path, true, file, config_file, err);
    }
    if (!rc && score)
        rc = load_score(score, p, cfg, err);
    if (!rc && base && name) {
        *base = mem_strdup(name);
        if (!*base)
            rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'",
                          config_file);
    }
done:
    if (rc && score) {
        mem_free(*score);
        *score = NULL;
    }
    if (rc)
        lora_release(out);
    mem_free(ranks);
    mem_free(alphas);
    return rc;
}

bool
peft_is(const char *dir)
{
    return dir_has(dir, PEFT_CONFIG);
}

static int
parse_either(struct lora *out, float **score, char **base,
             const struct model_config *cfg, const char *name,
             const char *config, size_t n_config, const void *weights,
             size_t n_weights, bool trained, trv_err *err)
{
    struct payload p;
    int rc;

    *out = (struct lora){0};
    if (base)
        *base = NULL;
    rc = payload_parse(&p, name, PEFT_CONFIG, PEFT_WEIGHTS, config, n_config,
                       weights, n_weights, err);
    if (!rc)
        rc = build(out, score, base, cfg, &p, trained, err);
    payload_release(&p);
    return rc;
}

int
peft_parse(struct lora *out, char **base, const struct model_config *cfg,
           const char *name, const char *config, size_t n_config,
           const void *weights, size_t n_weights, bool trained, trv_err *err)
{
    return parse_either(out, NULL, base, cfg, name, config, n_config, weights,
                        n_weights, trained, err);
}

int
peft_parse_scorer(struct lora *out, float **score, char **base,
                  const struct model_config *cfg, const char *name,
                  const char *config, size_t n_config, const void *weights,
                  size_t n_weights, bool trained, trv_err *err)
{
    *score = NULL;
    return parse_either(out, score, base, cfg, name, config, n_config, weights,
                        n_weights, trained, err);
}

static int
read_either(struct lora *out, float **score, char **base,
            const struct model_config *cfg, const char *dir, bool trained,
            trv_err *err)
{
    struct payload p;
    int rc;

    *out = (struct lora){0};
    if (base)
        *base = NULL;
    rc = payload_open(&p, dir, PEFT_CONFIG, PEFT_WEIGHTS, err);
    if (!rc)
        rc = build(out, score, base, cfg, &p, trained, err);
    payload_release(&p);
    return rc;
}

int
peft_read(struct lora *out, char **base, const struct model_config *cfg,
          const char *dir, bool trained, trv_err *err)
{
    return read_either(out, NULL, base, cfg, dir, trained, err);
}

int
peft_read_scorer(struct lora *out, float **score, char **base,
                 const struct model_config *cfg, const char *dir, bool trained,
                 trv_err *err)
{
    *score = NULL;
    return read_either(out, score, base, cfg, dir, trained, err);
}

/* ---- writing --------------------------------------------------------- */

/* Whole numbers as integers, as PEFT's own files have them. */
static json_t *
number(double x)
{
    return x == floor(x) && fabs(x) < 1e15 ? json_integer((json_int_t)x)
                                           : json_real(x);
}

/* The double that a person would have written for this float. */
static double
shortest(float x)
{
    char buf[32];

    for (int digits = 1; digits < 9; digits++) {
        snprintf(buf, sizeof(buf), "%.*g", digits, (double)x);
        if (strtof(buf, NULL) == x)
            break;
        snprintf(buf, sizeof(buf), "%.9g", (double)x);
    }
    return strtod(buf, NULL);
}

static const char *
last_segment(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot ? dot + 1 : name;
}

static bool
has_layers(const struct lora *l, enum part p, const bool *layers)
{
    for (int64_t i = 0; i < l->layers; i++) {
        if ((lora_at(l, i, p)->rank > 0) != layers[i])
            return false;
    }
    return true;
}

static bool
is_adapted(const struct lora *l, enum part p)
{
    for (int64_t i = 0; i < l->layers; i++) {
        if (lora_at(l, i, p)->rank > 0)
            return true;
    }
    return false;
}

/* The shortest name that matches part p and no part that is left alone. */
static const char *
short_name(const struct lora *l, const struct model_config *cfg, enum part p)
{
    const char *name = part_name(cfg, p), *last = last_segment(name);

    for (int q = 0; q < PART_COUNT; q++) {
        const char *other = part_name(cfg, (enum part)q);

        if (other && !strcmp(last_segment(other), last) &&
            !is_adapted(l, (enum part)q))
            return name;
    }
    return last;
}

static bool
holds_string(const json_t *list, const char *s)
{
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
    {
        if (!strcmp(json_string_value(v), s))
            return true;
    }
    return false;
}

/* target_modules and layers_to_transform: by the parts' names where all adapted
 * parts cover the same layers, by full paths otherwise. NULL without memory. */
static json_t *
target_list(json_t **layers_out, const struct lora *l,
            const struct model_config *cfg)
{
    bool *layers = mem_calloc((size_t)l->layers, sizeof(*layers));
    json_t *list = json_array(), *numbers = NULL;
    bool same = true, all = true;
    int first = -1;
    char path[256];

    *layers_out = NULL;
    if (!layers || !list)
        goto fail;
    for (int p = 0; p < PART_COUNT; p++) {
        if (!is_adapted(l, (enum part)p))
            continue;
        for (int64_t i = 0; first < 0 && i < l->layers; i++) {
            layers[i] = lora_at(l, i, (enum part)p)->rank > 0;
            all = all && layers[i];
        }
        first = first < 0 ? p : first;
        same = same && has_layers(l, (enum part)p, layers);
    }
    for (int64_t i = 0; i < l->layers * PART_COUNT; i++) {
        const enum part p = (enum part)(i % PART_COUNT);
        const char *name = path;

        if (l->pairs[i].rank == 0)
            continue;
        if (same)
            name = short_name(l, cfg, p);
        else if (part_path(path, sizeof(path), cfg, i / PART_COUNT, p))
            goto fail;
        if (!(same && holds_string(list, name)) &&
            json_array_append_new(list, json_string(name)))
            goto fail;
    }
    numbers = same && !all ? json_array() : json_null();
    for (int64_t i = 0; json_is_array(numbers) && i < l->layers; i++) {
        if (layers[i] && json_array_append_new(numbers, json_integer(i)))
            goto fail;
    }
    if (!numbers)
        goto fail;
    *layers_out = numbers;
    mem_free(layers);
    return list;
fail:
    json_decref(numbers);
    json_decref(list);
    mem_free(layers);
    return NULL;
}

/* The config's fields. Those of later PEFT versions are left out where they
 * have their defaults: PEFT before 0.14 refuses fields that it does not
 * know. */
static json_t *
config_json(const struct lora *l, const struct model_config *cfg,
            const char *base, bool scorer)
{
    const struct lora_pair *first = NULL;
    json_t *ranks = json_object(), *alphas = json_object();
    json_t *layers = NULL, *targets = target_list(&layers, l, cfg);
    json_t *saved = scorer ? json_pack("[s]", "score") : json_null();
    json_t *obj = NULL;
    char path[256];
    int rc = ranks && alphas && targets && saved ? 0 : -1;

    for (int64_t i = 0; i < l->layers * PART_COUNT && !rc; i++) {
        const struct lora_pair *p = &l->pairs[i];

        if (!p->rank)
            continue;
        first = first ? first : p;
        rc = part_path(path, sizeof(path), cfg, i / PART_COUNT,
                       (enum part)(i % PART_COUNT));
        if (!rc && p->rank != first->rank)
            rc = json_object_set_new(ranks, path, json_integer(p->rank));
        if (!rc && p->alpha != first->alpha)
            rc = json_object_set_new(alphas, path, number(p->alpha));
    }
    if (!rc && first)
        obj = json_pack(
            "{s:O, s:n, s:s?, s:s, s:b, s:b, s:b, s:n, s:O, s:o, s:o, s:O,"
            " s:s, s:I, s:O, s:n, s:O, s:s, s:b}",
            "alpha_pattern", alphas, "auto_mapping", "base_model_name_or_path",
            base, "bias", "none", "fan_in_fan_out", cfg->conv1d,
            "inference_mode", 1, "init_lora_weights", 1, "layers_pattern",
            "layers_to_transform", layers, "lora_alpha", number(first->alpha),
            "lora_dropout", json_real(shortest(l->dropout)), "modules_to_save",
            saved, "peft_type", "LORA", "r", (json_int_t)first->rank,
            "rank_pattern", ranks, "revision", "target_modules", targets,
            "task_type", scorer ? "SEQ_CLS" : "CAUSAL_LM", "use_rslora",
            l->rslora);
    json_decref(ranks);
    json_decref(alphas);
    json_decref(layers);
    json_decref(targets);
    json_decref(saved);
    return obj;
}

/* Two tensors for each pair; names [2 * pairs][320] are written beside. */
static int64_t
list_tensors(struct tensor *t, char (*names)[320], const struct lora *l,
             const struct model_config *cfg)
{
    int64_t n = 0;

    for (int64_t i = 0; i < l->layers * PART_COUNT; i++) {
        const struct lora_pair *p = &l->pairs[i];
        char path[256];

        if (!p->rank || part_path(path, sizeof(path), cfg, i / PART_COUNT,
                                  (enum part)(i % PART_COUNT)))
            continue;
        for (int b = 0; b < 2; b++, n++) {
            tensor_name(names[n], sizeof(names[n]), path, b);
            t[n] = (struct tensor){
                .name = names[n],
                .type = DT_F32,
                .n_dims = 2,
                .dim = {b ? p->out : p->rank, b ? p->rank : p->in},
                .data = b ? p->b : p->a,
            };
            t[n].bytes = (size_t)(t[n].dim[0] * t[n].dim[1]) * sizeof(float);
        }
    }
    return n;
}

static int
encode_either(struct payload_files *out, const struct lora *l,
              const float *score, const struct model_config *cfg,
              const char *base, trv_err *err)
{
    const size_t most = (size_t)l->layers * PART_COUNT * 2 + 1;
    struct tensor *tensors = mem_calloc(most, sizeof(*tensors));
    char(*names)[320] = mem_calloc(most, sizeof(*names));
    json_t *config = config_json(l, cfg, base, score != NULL);
    int64_t n;
    int rc;

    *out = (struct payload_files){0};
    if (!tensors || !names || !config) {
        rc = err_fail(err, TRV_ENOMEM, "no memory to write '%s'", PEFT_CONFIG);
        goto done;
    }
    n = list_tensors(tensors, names, l, cfg);
    if (score)
        tensors[n++] =
            (struct tensor){.name = SCORE,
                            .type = DT_F32,
                            .n_dims = 2,
                            .dim = {1, cfg->width},
                            .data = score,
                            .bytes = (size_t)cfg->width * sizeof(float)};
    rc = payload_encode(out, config, PEFT_CONFIG, tensors, n, err);
done:
    json_decref(config);
    mem_free(names);
    mem_free(tensors);
    return rc;
}

int
peft_encode(struct payload_files *out, const struct lora *l,
            const struct model_config *cfg, const char *base, trv_err *err)
{
    return encode_either(out, l, NULL, cfg, base, err);
}

int
peft_encode_scorer(struct payload_files *out, const struct lora *l,
                   const float *score, const struct model_config *cfg,
                   const char *base, trv_err *err)
{
    return encode_either(out, l, score, cfg, base, err);
}
