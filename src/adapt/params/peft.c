/* peft.c -- LoRA folders of PEFT, read with all checks.
 *
 * Owns shapes, and which tensors must be there. Names are peft_key.c's, fields
 * of the config peft_config.c's, which modules it addresses peft_match.c's, the
 * bytes of a safetensors file safetensors.c's. peft_write.c writes.
 */
#include "adapt/params/peft.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "adapt/params/peft_config.h"
#include "adapt/params/peft_key.h"
#include "adapt/params/peft_match.h"
#include "adapt/params/weight_pairs.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/family.h"
#include "model/files/safetensors.h"

#define PREFIX "base_model.model."
#define SCORE "score.weight"
#define TABLES_MAX 3 // embedding, positions, head

struct reader {
    const struct payload *p;
    const struct model_config *cfg;
    struct peft_config c;
    struct lora *lora;
    struct base_patch *patch;
    float **score; // of a reward model; else NULL
    struct modules m;
    int64_t table_rank[TABLES_MAX]; // 0: not adapted
    double table_alpha[TABLES_MAX];
    unsigned char *seen; // [m.n] a bit for each role
};

/* ---- modules ------------------------------------------------------------ */

static int64_t
rank_of(const struct reader *r, int64_t i)
{
    if (i >= r->m.n_parts)
        return r->table_rank[i - r->m.n_parts];
    return r->lora->pairs ? r->lora->pairs[i].rank : 0;
}

/* Ranks and alphas of all modules, from the config. */
static int
read_shapes(struct reader *r, int64_t *ranks, double *alphas, trv_err *err)
{
    const char *file = r->p->config_file;
    const int64_t parts = r->m.n_parts;
    const json_t *targets = json_object_get(r->p->config, "target_modules");
    const bool all_linear =
        json_is_string(targets) &&
        !strcasecmp(json_string_value(targets), "all-linear");
    struct peft_rules *rules = NULL;
    int64_t n = 0, layer;
    char path[256], other[256];
    int rc = peft_rules_open(&rules, r->p->config, file, err);

    for (int64_t i = 0; i < r->m.n && !rc; i++) {
        modules_path(path, sizeof(path), &r->m, i);
        if (!*path || (i >= parts && (all_linear || r->score)))
            continue; // all-linear leaves out embeddings and the head
        layer = i < parts ? i / PART_COUNT : -1;
        rc = peft_rules_match(rules, &ranks[i], &alphas[i], path, layer, err);
        if (!rc && ranks[i] == 0 &&
            peft_key_elsewhere(other, sizeof(other), path))
            rc = peft_rules_match(rules, &ranks[i], &alphas[i], other, layer,
                                  err);
        n += ranks[i] > 0;
    }
    if (!rc && n == 0 && payload_is_set(targets))
        rc = err_fail(err, TRV_EMISMATCH,
                      "field 'target_modules' of '%s' names no linear layer "
                      "of a %s model",
                      file, family_name(r->cfg->family));
    peft_rules_free(rules);
    return rc;
}

/* ---- one tensor --------------------------------------------------------- */

static int
check_type(const struct payload *p, const struct tensor *t, trv_err *err)
{
    return t->type != DT_COUNT
               ? 0
               : err_fail(err, TRV_EUNSUPPORTED,
                          "tensor '%.300s' of '%s' is %s, not F32, F16 or BF16",
                          t->name, p->file, st_dtype(&p->st, t->name));
}

/* A matrix, or with rows 0 a vector. */
static int
check_shape(const struct reader *r, const struct tensor *t, int64_t rank,
            int64_t rows, int64_t cols, trv_err *err)
{
    char shape[96], want[64];
    int rc = check_type(r->p, t, err);

    if (rc || (rows ? t->n_dims == 2 && t->dim[0] == rows && t->dim[1] == cols
                    : t->n_dims == 1 && t->dim[0] == cols))
        return rc;
    payload_shape_text(shape, sizeof(shape), t);
    if (rows)
        snprintf(want, sizeof(want), "%lld, %lld", (long long)rows,
                 (long long)cols);
    else
        snprintf(want, sizeof(want), "%lld", (long long)cols);
    return err_fail(err, TRV_EMISMATCH,
                    "tensor '%.300s' of '%s' has the shape [%s]; this %s model "
                    "and the rank %lld of '%s' ask for [%s]",
                    t->name, r->p->file, shape, family_name(r->cfg->family),
                    (long long)rank, r->p->config_file, want);
}

/* ---- halves of pairs ---------------------------------------------------- */

/* Where a tensor of a pair goes. */
struct place {
    float *at;
    int64_t rows, cols; // as stored; rows 0: a vector
    bool turned;        // `at` holds it turned round
};

/* at NULL: the pair has no such tensor. */
static struct place
place_in_part(const struct lora_pair *p, enum peft_role role)
{
    switch (role) {
    case ROLE_A:
        return (struct place){p->a, p->rank, p->in, false};
    case ROLE_B:
        return (struct place){p->b, p->out, p->rank, false};
    case ROLE_MAGNITUDE:
        return (struct place){p->m, 0, p->out, false};
    case ROLE_BIAS:
        return (struct place){p->bias, 0, p->out, false};
    default:
        return (struct place){0};
    }
}

/* Of an embedding [V, C], A is [rank, V] and B [C, rank]: it takes rows of A^T
 * as its activations. */
static struct place
place_in_table(const struct table *t, const struct patch_item *it,
               enum peft_role role)
{
    const int64_t V = t->of.dim[0], C = t->of.dim[1], rank = it->n;
    const bool embedding = table_is_embedding(t);

    switch (role) {
    case ROLE_A:
        return (struct place){embedding ? NULL : it->down, rank, C, false};
    case ROLE_B:
        return (struct place){embedding ? NULL : it->up, V, rank, false};
    case ROLE_EMBED_A:
        return (struct place){embedding ? it->up : NULL, rank, V, true};
    case ROLE_EMBED_B:
        return (struct place){embedding ? it->down : NULL, C, rank, true};
    case ROLE_MAGNITUDE:
        return (struct place){it->magnitude, 0, embedding ? C : V, false};
    default:
        return (struct place){0};
    }
}

/* A bias that the config does not ask for holds nothing, or the folder
 * contradicts itself. */
static int
check_leftover(const struct reader *r, const struct tensor *t, trv_err *err)
{
    const int64_t n = tensor_rows(t) * tensor_cols(t);
    float *v = mem_calloc((size_t)n + 1, sizeof(float));
    int rc = v ? check_type(r->p, t, err)
               : err_nomem(err, "to read '%s'", r->p->file);

    if (!rc)
        rc = weight_values(v, t, false, r->p->file, err);
    for (int64_t i = 0; i < n && !rc; i++)
        if (v[i] != 0.0f)
            rc = err_fail(err, TRV_EFORMAT,
                          "tensor '%.300s' of '%s' is a bias of a pair, which "
                          "'%s' does not ask for (lora_bias)",
                          t->name, r->p->file, r->p->config_file);
    mem_free(v);
    return rc;
}

static int
no_place(struct reader *r, const struct tensor *t, int64_t at,
         enum peft_role role, trv_err *err)
{
    if (role == ROLE_BIAS || role == ROLE_A_BIAS)
        return check_leftover(r, t, err);
    if (role == ROLE_MAGNITUDE)
        return err_fail(err, TRV_EFORMAT,
                        "tensor '%.300s' of '%s' is a magnitude of DoRA, which "
                        "'%s' does not ask for (use_dora)",
                        t->name, r->p->file, r->p->config_file);
    return err_fail(
        err, TRV_EFORMAT, "tensor '%.300s' of '%s' is half of a pair for %s",
        t->name, r->p->file,
        table_is_embedding(modules_table(&r->m, at)) ? "a linear layer"
                                                     : "an embedding");
}

static int
take_half(struct reader *r, const struct tensor *t, const struct peft_key *key,
          trv_err *err)
{
    const int64_t at = modules_find(&r->m, key->path);
    struct place place;
    const struct table *table;
    char shape[96];
    int rc;

    payload_shape_text(shape, sizeof(shape), t);
    if (at < 0)
        return err_fail(
            err, TRV_EMISMATCH,
            "tensor '%.300s' [%s] of '%s' adapts '%.200s', which is "
            "no linear layer of this %s model of %lld layers",
            t->name, shape, r->p->file, key->path, family_name(r->cfg->family),
            (long long)r->cfg->layers);
    if (rank_of(r, at) == 0)
        return err_fail(err, TRV_EFORMAT,
                        "tensor '%.300s' of '%s' adapts a module that '%s' "
                        "does not target",
                        t->name, r->p->file, r->p->config_file);
    table = modules_table(&r->m, at);
    place = table ? place_in_table(
                        table,
                        base_patch_find(r->patch, PATCH_PAIR, table->of.name),
                        key->role)
                  : place_in_part(&r->lora->pairs[at], key->role);
    if (!place.at)
        return no_place(r, t, at, key->role, err);
    rc = check_shape(r, t, rank_of(r, at), place.rows, place.cols, err);
    if (!rc && r->seen[at] & 1 << key->role)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' holds '%.300s' twice, with and without an "
                      "adapter's name",
                      r->p->file, t->name);
    r->seen[at] |= (unsigned char)(1 << key->role);
    if (rc)
        return rc;
    return weight_values(place.at, t, place.turned, r->p->file, err);
}

/* ---- whole tensors and trained tokens ----------------------------------- */

static int
no_patch(const struct reader *r, const struct tensor *t, trv_err *err)
{
    return err_fail(err, TRV_EUNSUPPORTED,
                    "tensor '%.300s' of '%s' changes the base itself, which is "
                    "not supported here; " PEFT_MERGE,
                    t->name, r->p->file);
}

static int
take_score(struct reader *r, const struct tensor *t, trv_err *err)
{
    int rc = check_type(r->p, t, err);

    if (!rc && t->n_dims == 2 && t->dim[0] != 1)
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "'%s' classifies into %lld labels; a reward model has "
                      "one",
                      r->p->file, (long long)t->dim[0]);
    if (!rc)
        rc = payload_check(r->p, t->name, 1, r->cfg->width, err);
    if (rc)
        return rc;
    mem_free(*r->score);
    *r->score = mem_array((size_t)r->cfg->width, sizeof(float));
    return *r->score ? weight_values(*r->score, t, false, r->p->file, err)
                     : err_nomem(err, "to read '%s'", r->p->file);
}

static int
take_whole(struct reader *r, const struct tensor *t, const char *name,
           trv_err *err)
{
    const struct layout_item *it = modules_item(&r->m, name);

    if (r->score && !strcmp(name, SCORE))
        return take_score(r, t, err);
    if (!it)
        return err_fail(err, TRV_EFORMAT,
                        "tensor '%.300s' of '%s' is no half of a LoRA pair "
                        "(" PREFIX "MODULE.lora_A.weight) and no tensor of "
                        "this %s model",
                        t->name, r->p->file, family_name(r->cfg->family));
    if (!r->patch || r->score)
        return no_patch(r, t, err);
    return weight_whole(r->patch, it, t, r->p->file, err);
}

/* The ids of the tokens that were trained in the table at `path`. */
static const json_t *
tokens_of(const struct reader *r, const char *path)
{
    const json_t *v = r->c.tokens;
    const size_t len = strlen(path);
    const char *key;
    json_t *list;

    if (json_is_array(v))
        return v;
    json_object_foreach((json_t *)(uintptr_t)v, key, list)
    {
        const size_t n = strlen(key);

        if (n <= len && !strcmp(path + len - n, key) &&
            (n == len || path[len - n - 1] == '.'))
            return list;
    }
    return NULL;
}

static int
read_ids(struct patch_item *to, const struct reader *r, const json_t *list,
         trv_err *err)
{
    const json_t *v;
    size_t i;

    to->n = (int64_t)json_array_size(list);
    to->at = mem_array((size_t)to->n + 1, sizeof(*to->at));
    if (!to->at)
        return err_nomem(err, "to read '%s'", r->p->config_file);
    json_array_foreach(list, i, v)
    {
        const int64_t id = json_is_integer(v) ? json_integer_value(v) : -1;

        if (id < 0 || id >= to->of.dim[0])
            return err_fail(err, TRV_EFORMAT,
                            "field 'trainable_token_indices' of '%s' holds "
                            "something other than tokens of the model's "
                            "vocabulary of %lld",
                            r->p->config_file, (long long)to->of.dim[0]);
        to->at[i] = (int32_t)id;
    }
    return 0;
}

static int
take_rows(struct reader *r, const struct tensor *t, const char *path,
          trv_err *err)
{
    const json_t *list = tokens_of(r, path);
    const struct table *table = NULL;
    struct patch_item *to;
    int rc;

    for (int i = 0; i < r->m.n_tables; i++)
        if (!strcmp(r->m.tables[i].path, path))
            table = &r->m.tables[i];
    if (!r->patch || r->score)
        return no_patch(r, t, err);
    if (!table || !json_is_array(list))
        return err_fail(err, TRV_EFORMAT,
                        "tensor '%.300s' of '%s' holds trained tokens that "
                        "'%s' does not name (trainable_token_indices)",
                        t->name, r->p->file, r->p->config_file);
    if (base_patch_find(r->patch, PATCH_ROWS, table->of.name))
        return err_fail(err, TRV_EFORMAT,
                        "'%s' holds '%.300s' twice, with and without an "
                        "adapter's name",
                        r->p->file, t->name);
    to = base_patch_add(r->patch, PATCH_ROWS, &table->of);
    if (!to)
        return err_nomem(err, "to read '%s'", r->p->file);
    rc = read_ids(to, r, list, err);
    if (!rc)
        rc = check_shape(r, t, 0, to->n, table->of.dim[1], err);
    if (rc)
        return rc;
    to->values = mem_array((size_t)(to->n * table->of.dim[1]), sizeof(float));
    return to->values ? weight_values(to->values, t, false, r->p->file, err)
                      : err_nomem(err, "to read '%s'", r->p->file);
}

static int
take_tensor(struct reader *r, const struct tensor *t, trv_err *err)
{
    const char *foreign = peft_key_foreign(t->name);
    struct peft_key key, text;

    if (foreign)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "tensor '%.300s' of '%s' is %s, which is not "
                        "supported; " PEFT_MERGE,
                        t->name, r->p->file, foreign);
    if (!peft_key_parse(&key, t->name))
        return err_fail(err, TRV_EFORMAT,
                        "tensor '%.300s' of '%s' is no half of a LoRA pair "
                        "(" PREFIX "MODULE.lora_A.weight) and no tensor of "
                        "this %s model",
                        t->name, r->p->file, family_name(r->cfg->family));
    if (key.role == ROLE_WHOLE)
        return take_whole(r, t, key.path, err);
    text = key;
    if (part_home(key.path, sizeof(key.path), r->cfg, text.path))
        return err_fail(err, TRV_EFORMAT,
                        "tensor '%.300s' of '%s': a name too long", t->name,
                        r->p->file);
    if (key.role == ROLE_ROWS)
        return take_rows(r, t, key.path, err);
    return take_half(r, t, &key, err);
}

/* ---- what must be there ------------------------------------------------- */

static int
check_halves(struct reader *r, int64_t i, trv_err *err)
{
    static const char *const names[] = {[ROLE_A] = "lora_A.weight",
                                        [ROLE_B] = "lora_B.weight",
                                        [ROLE_MAGNITUDE] =
                                            "lora_magnitude_vector",
                                        [ROLE_BIAS] = "lora_B.bias",
                                        [ROLE_EMBED_A] = "lora_embedding_A",
                                        [ROLE_EMBED_B] = "lora_embedding_B"};
    const bool embedding = table_is_embedding(modules_table(&r->m, i));
    const enum peft_role a = embedding ? ROLE_EMBED_A : ROLE_A;
    const enum peft_role b = embedding ? ROLE_EMBED_B : ROLE_B;
    const int both = 1 << a | 1 << b, seen = r->seen[i];
    const int need =
        both | (r->c.dora ? 1 << ROLE_MAGNITUDE : 0) |
        (r->c.lora_bias && !modules_table(&r->m, i) ? 1 << ROLE_BIAS : 0);
    enum peft_role lacks = a;
    char path[256];

    if ((seen & need) == need)
        return 0;
    modules_path(path, sizeof(path), &r->m, i);
    while (!(need & 1 << lacks) || seen & 1 << lacks)
        lacks = lacks == ROLE_EMBED_B ? ROLE_A : lacks + 1;
    if ((seen & both) == 1 << a || (seen & both) == 1 << b)
        return err_fail(err, TRV_EFORMAT,
                        "'%s' holds '" PREFIX "%s.%s' without its other half "
                        "'" PREFIX "%s.%s'",
                        r->p->file, path, names[lacks == a ? b : a], path,
                        names[lacks]);
    return err_fail(err, TRV_EFORMAT,
                    "'%s' targets '%s', but '%s' lacks the tensor '" PREFIX
                    "%s.%s'",
                    r->p->config_file, path, r->p->file, path, names[lacks]);
}

/* Does the path of a tensor's module end in a name of modules_to_save? */
static bool
is_saved(const char *tensor, const char *name)
{
    const char *dot = strrchr(tensor, '.');
    const size_t len = dot ? (size_t)(dot - tensor) : 0, n = strlen(name);

    return n <= len && !strncmp(tensor + len - n, name, n);
}

static int
check_whole(struct reader *r, trv_err *err)
{
    const json_t *v;
    size_t k;

    json_array_foreach(r->c.saved, k, v)
    {
        for (int64_t i = 0; i < r->m.n_items; i++)
            if (is_saved(r->m.items[i].name, json_string_value(v)) &&
                !base_patch_find(r->patch, PATCH_WHOLE, r->m.items[i].name))
                return err_fail(err, TRV_EFORMAT,
                                "field 'modules_to_save' of '%s' names "
                                "'%.100s', but '%s' lacks the tensor '" PREFIX
                                "%s'",
                                r->p->config_file, json_string_value(v),
                                r->p->file, r->m.items[i].name);
    }
    return 0;
}

static int
check_complete(struct reader *r, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; i < r->m.n && !rc; i++)
        if (rank_of(r, i) > 0)
            rc = check_halves(r, i, err);
    if (!rc && r->score && !*r->score)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' lacks the tensor '" PREFIX SCORE "'", r->p->file);
    if (!rc && !r->patch && !r->score &&
        (payload_is_set(r->c.saved) || payload_is_set(r->c.tokens)))
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "'%s' changes the base itself (modules_to_save, "
                      "trainable_token_indices), which is not supported "
                      "here; " PEFT_MERGE,
                      r->p->config_file);
    if (!rc && r->patch)
        rc = check_whole(r, err);
    for (int i = 0; i < r->m.n_tables && !rc && r->patch; i++)
        if (tokens_of(r, r->m.tables[i].path) &&
            (r->m.tables[i].of.slot == SLOT_EMBED ||
             json_is_object(r->c.tokens)) &&
            !base_patch_find(r->patch, PATCH_ROWS, r->m.tables[i].of.name))
            rc = err_fail(err, TRV_EFORMAT,
                          "'%s' names trained tokens "
                          "(trainable_token_indices), but '%s' has none of "
                          "'%s'",
                          r->p->config_file, r->p->file, r->m.tables[i].path);
    return rc;
}

/* ---- all of it ---------------------------------------------------------- */

/* A patch for each adapted table, its tensors still empty. */
static int
begin_table(struct reader *r, int i, trv_err *err)
{
    const struct table *t = &r->m.tables[i];
    const int64_t rank = r->table_rank[i];
    struct patch_item *it;

    if (!r->patch)
        return err_fail(
            err, TRV_EUNSUPPORTED,
            "'%s' adapts '%s', which is not supported here; " PEFT_MERGE,
            r->p->config_file, t->path);
    if (r->c.lora_bias)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' asks for biases of the pair of '%s', which is "
                        "not supported; " PEFT_MERGE,
                        r->p->config_file, t->path);
    it = modules_begin_pair(
        r->patch, t, rank,
        (float)(r->table_alpha[i] /
                (r->c.rslora ? sqrt((double)rank) : (double)rank)));
    if (it && r->c.dora) {
        it->by_column = table_is_embedding(t);
        it->magnitude =
            mem_calloc((size_t)t->of.dim[it->by_column], sizeof(float));
    }
    return it && (!r->c.dora || it->magnitude)
               ? 0
               : err_nomem(err, "to read '%s'", r->p->config_file);
}

/* Allocate for what the config asks for. */
static int
begin(struct reader *r, bool trained, trv_err *err)
{
    const char *file = r->p->config_file;
    int64_t *ranks = NULL, n = 0;
    double *alphas = NULL;
    int rc = modules_open(&r->m, r->cfg, file, err);

    if (rc)
        return rc;
    ranks = mem_calloc((size_t)r->m.n, sizeof(*ranks));
    alphas = mem_calloc((size_t)r->m.n, sizeof(*alphas));
    r->seen = mem_calloc((size_t)r->m.n, 1);
    if (!ranks || !alphas || !r->seen)
        rc = err_nomem(err, "to read '%s'", file);
    if (!rc)
        rc = read_shapes(r, ranks, alphas, err);
    for (int64_t i = 0; i < r->m.n_parts && !rc; i++)
        n += ranks[i];
    if (!rc && n > 0)
        rc = lora_init_shaped(r->lora, r->cfg,
                              &(struct lora_shape){.ranks = ranks,
                                                   .alphas = alphas,
                                                   .rslora = r->c.rslora,
                                                   .dora = r->c.dora,
                                                   .bias = r->c.lora_bias},
                              trained, err);
    r->lora->dropout = (float)r->c.dropout;
    for (int i = 0; i < r->m.n_tables && !rc; i++) {
        r->table_rank[i] = ranks[r->m.n_parts + i];
        r->table_alpha[i] = alphas[r->m.n_parts + i];
        if (r->table_rank[i] > 0)
            rc = begin_table(r, i, err);
    }
    mem_free(ranks);
    mem_free(alphas);
    return rc;
}

static int
build(struct reader *r, char **base, bool trained, trv_err *err)
{
    const struct payload *p = r->p;
    int rc = peft_config_read(&r->c, p->config, p->config_file, r->score, err);

    if (!rc)
        rc = begin(r, trained, err);
    for (int64_t i = 0; i < p->st.n && !rc; i++)
        rc = take_tensor(r, &p->st.tensors[i], err);
    if (!rc)
        rc = check_complete(r, err);
    if (!rc && r->patch)
        r->patch->keeps_tie = r->c.keeps_tie;
    if (!rc && base && r->c.base) {
        *base = mem_strdup(r->c.base);
        if (!*base)
            rc = err_nomem(err, "to read '%s'", p->config_file);
    }
    modules_release(&r->m);
    mem_free(r->seen);
    if (rc && r->score) {
        mem_free(*r->score);
        *r->score = NULL;
    }
    if (rc && r->patch)
        base_patch_release(r->patch);
    if (rc)
        lora_release(r->lora);
    return rc;
}

static void
clear(struct lora *out, struct base_patch *patch, float **score, char **base)
{
    *out = (struct lora){0};
    if (patch)
        *patch = (struct base_patch){0};
    if (score)
        *score = NULL;
    if (base)
        *base = NULL;
}

bool
peft_is(const char *dir)
{
    return dir_has(dir, PEFT_CONFIG);
}

static int
parse_either(struct reader *r, char **base, const char *name,
             const char *config, size_t n_config, const void *weights,
             size_t n_weights, bool trained, trv_err *err)
{
    struct payload p;
    int rc = payload_parse(&p, name, PEFT_CONFIG, PEFT_WEIGHTS, config,
                           n_config, weights, n_weights, err);

    r->p = &p;
    clear(r->lora, r->patch, r->score, base);
    if (!rc)
        rc = build(r, base, trained, err);
    payload_release(&p);
    return rc;
}

int
peft_parse(struct lora *out, struct base_patch *patch, char **base,
           const struct model_config *cfg, const char *name, const char *config,
           size_t n_config, const void *weights, size_t n_weights, bool trained,
           trv_err *err)
{
    struct reader r = {.cfg = cfg, .lora = out, .patch = patch};

    return parse_either(&r, base, name, config, n_config, weights, n_weights,
                        trained, err);
}

int
peft_parse_scorer(struct lora *out, float **score, char **base,
                  const struct model_config *cfg, const char *name,
                  const char *config, size_t n_config, const void *weights,
                  size_t n_weights, bool trained, trv_err *err)
{
    struct reader r = {.cfg = cfg, .lora = out, .score = score};

    return parse_either(&r, base, name, config, n_config, weights, n_weights,
                        trained, err);
}

static int
read_either(struct reader *r, char **base, const char *dir, bool trained,
            trv_err *err)
{
    struct payload p;
    int rc = payload_open(&p, dir, PEFT_CONFIG, PEFT_WEIGHTS, err);

    r->p = &p;
    clear(r->lora, r->patch, r->score, base);
    if (!rc)
        rc = build(r, base, trained, err);
    payload_release(&p);
    return rc;
}

int
peft_read(struct lora *out, struct base_patch *patch, char **base,
          const struct model_config *cfg, const char *dir, bool trained,
          trv_err *err)
{
    struct reader r = {.cfg = cfg, .lora = out, .patch = patch};

    return read_either(&r, base, dir, trained, err);
}

int
peft_read_scorer(struct lora *out, float **score, char **base,
                 const struct model_config *cfg, const char *dir, bool trained,
                 trv_err *err)
{
    struct reader r = {.cfg = cfg, .lora = out, .score = score};

    return read_either(&r, base, dir, trained, err);
}
