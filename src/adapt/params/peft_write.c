/* peft_write.c -- LoRA folders written so that PEFT loads them unchanged. */
#include "adapt/params/peft.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

#define PREFIX "base_model.model."
#define SCORE PREFIX "score.weight"
#define TENSORS_OF_PAIR 4

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
 * parts cover the same layers, by full paths otherwise, and where a vision tower
 * has modules of those names. NULL without memory. */
static json_t *
target_list(json_t **layers_out, const struct lora *l,
            const struct model_config *cfg)
{
    bool *layers = mem_calloc((size_t)l->layers, sizeof(*layers));
    json_t *list = json_array(), *numbers = NULL;
    bool same = !cfg->sees, all = true;
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

static json_t *
drop(json_t *obj)
{
    json_decref(obj);
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
            "{s:O, s:n, s:s, s:b, s:b, s:b, s:n, s:O, s:o, s:o, s:O,"
            " s:s, s:I, s:O, s:O, s:s, s:b}",
            "alpha_pattern", alphas, "auto_mapping", "bias", "none",
            "fan_in_fan_out", cfg->conv1d, "inference_mode", 1,
            "init_lora_weights", 1, "layers_pattern", "layers_to_transform",
            layers, "lora_alpha", number(first->alpha), "lora_dropout",
            json_real(shortest(l->dropout)), "modules_to_save", saved,
            "peft_type", "LORA", "r", (json_int_t)first->rank, "rank_pattern",
            ranks, "target_modules", targets, "task_type",
            scorer ? "SEQ_CLS" : "CAUSAL_LM", "use_rslora", l->rslora);
    if (obj && l->dora && json_object_set_new(obj, "use_dora", json_true()))
        obj = drop(obj);
    if (obj && l->bias && json_object_set_new(obj, "lora_bias", json_true()))
        obj = drop(obj);
    json_decref(ranks);
    json_decref(alphas);
    json_decref(layers);
    json_decref(targets);
    json_decref(saved);
    return payload_name_base(obj, base);
}

/* One of a pair's tensors; data NULL where the pair has none. */
static struct tensor
pair_tensor(char name[320], const struct lora_pair *p, const char *path, int i)
{
    static const char *const ends[TENSORS_OF_PAIR] = {
        "lora_A.weight", "lora_B.weight", "lora_magnitude_vector",
        "lora_B.bias"};
    const float *const data[TENSORS_OF_PAIR] = {p->a, p->b, p->m, p->bias};
    struct tensor t = {.name = name,
                       .type = DT_F32,
                       .n_dims = i < 2 ? 2 : 1,
                       .dim = {i == 0 ? p->rank : p->out, i == 0   ? p->in
                                                          : i == 1 ? p->rank
                                                                   : 0},
                       .data = data[i]};

    snprintf(name, 320, PREFIX "%s.%s", path, ends[i]);
    t.bytes = (size_t)(t.dim[0] * (i < 2 ? t.dim[1] : 1)) * sizeof(float);
    return t;
}

/* The tensors of all pairs; names [TENSORS_OF_PAIR * pairs][320] are written
 * beside. */
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
        for (int k = 0; k < TENSORS_OF_PAIR; k++) {
            t[n] = pair_tensor(names[n], p, path, k);
            n += t[n].data != NULL;
        }
    }
    return n;
}

static int
encode_either(struct payload_files *out, const struct lora *l,
              const float *score, const struct model_config *cfg,
              const char *base, trv_err *err)
{
    const size_t most = (size_t)l->layers * PART_COUNT * TENSORS_OF_PAIR + 1;
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
