/* lora_gguf.c -- LoRA files of llama.cpp, read. */
#include "adapt/params/lora_gguf.h"

#include <string.h>

#include "adapt/params/weight_pairs.h"
#include "base/file.h"
#include "model/files/family.h"

static bool
says(struct gguf_str s, const char *word)
{
    return s.n == strlen(word) && !memcmp(s.s, word, s.n);
}

static int
check_head(double *alpha, const struct model_config *cfg,
           const struct gguf_file *f, trv_err *err)
{
    struct gguf_str type = {"", 0}, kind = {"", 0}, arch = {"", 0};
    int rc = gguf_string(&type, f, "general.type", err);

    if (!rc)
        rc = gguf_string(&kind, f, "adapter.type", err);
    if (!rc)
        rc = gguf_string(&arch, f, "general.architecture", err);
    if (rc)
        return rc;
    if (!says(type, "adapter") || !says(kind, "lora"))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' is no LoRA: general.type is '%.*s' and "
                        "adapter.type '%.*s'",
                        f->path, (int)(type.n < 60 ? type.n : 60), type.s,
                        (int)(kind.n < 60 ? kind.n : 60), kind.s);
    if (!says(arch, family_gguf(cfg->family)))
        return err_fail(err, TRV_EMISMATCH,
                        "'%s' is for the architecture '%.*s', and the model is "
                        "%s",
                        f->path, (int)(arch.n < 60 ? arch.n : 60), arch.s,
                        family_name(cfg->family));
    if (cfg->conv1d || cfg->qkv_by_head)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s': GGUF files of a LoRA for %s are not supported, "
                        "as llama.cpp's converter turns its pairs round; give "
                        "the PEFT folder",
                        f->path, family_name(cfg->family));
    if (gguf_find(f, "adapter.alora.invocation_tokens"))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' is an activated LoRA, which acts from certain "
                        "tokens on and is not supported",
                        f->path);
    *alpha = 0.0;
    return gguf_num(alpha, f, "adapter.lora.alpha", -1e6, 1e6, err);
}

/* Which module does a tensor of the base belong to? -1: none. */
static int64_t
module_of(const struct modules *m, const struct layout_item *it)
{
    char path[256];

    if (!it || it->bias || it->n_dims != 2 ||
        part_home(path, sizeof(path), m->cfg, it->name))
        return -1;
    path[strlen(path) - strlen(".weight")] = '\0';
    return modules_find(m, path);
}

static int
take_tensor(struct weight_pairs *w, const struct gguf_file *f,
            const struct tensor *t, trv_err *err)
{
    static const char end_a[] = ".lora_a", end_b[] = ".lora_b";
    const size_t n = strlen(t->name), end = sizeof(end_a) - 1;
    const bool a = n > end && !strcmp(t->name + n - end, end_a);
    const bool b = n > end && !strcmp(t->name + n - end, end_b);
    const struct layout_item *it;
    struct weight_pair *pair;
    char name[sizeof(it->gguf_name)] = "";
    bool embedding;
    int64_t i;

    if (!a && !b)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "tensor '%.200s' of '%s' is no half of a pair "
                        "(TENSOR.lora_a): llama.cpp leaves it out; give the "
                        "PEFT folder",
                        t->name, f->path);
    if (n - end < sizeof(name))
        memcpy(name, t->name, n - end);
    it = modules_gguf_item(&w->m, name);
    i = module_of(&w->m, it);
    if (i < 0)
        return err_fail(err, TRV_EMISMATCH,
                        "tensor '%.200s' of '%s' adapts what is no linear "
                        "layer of this %s model",
                        t->name, f->path, family_name(w->m.cfg->family));
    pair = &w->pair[i];
    embedding = table_is_embedding(modules_table(&w->m, i));
    if (a == embedding) {
        pair->up = *t;
        if (w->m.cfg->family->gguf_interleaved)
            pair->up.unpermute_heads = it->rotary_heads;
    } else {
        pair->down = *t;
        pair->down_turned = embedding;
    }
    return 0;
}

int
gguf_lora_take(struct lora *out, struct base_patch *patch,
               const struct model_config *cfg, const struct gguf_file *f,
               trv_err *err)
{
    struct weight_pairs w = {0};
    double alpha;
    int rc = check_head(&alpha, cfg, f, err);

    *out = (struct lora){0};
    *patch = (struct base_patch){0};
    if (!rc)
        rc = weight_pairs_open(&w, cfg, f->path, err);
    for (int64_t i = 0; i < f->n && !rc; i++)
        rc = take_tensor(&w, f, &f->tensors[i], err);
    if (!rc)
        rc = weight_pairs_build(out, patch, &w, alpha != 0.0 ? alpha : 1.0,
                                alpha == 0.0, err);
    weight_pairs_release(&w);
    if (rc) {
        lora_release(out);
        base_patch_release(patch);
    }
    return rc;
}

bool
gguf_lora_is(const char *path)
{
    struct filemap m;
    const bool is = !filemap_open(&m, path, NULL) && m.size >= 4 &&
                    !memcmp(m.data, "GGUF", 4);

    filemap_release(&m);
    return is;
}

int
gguf_lora_read(struct lora *out, struct base_patch *patch,
               const struct model_config *cfg, const char *path, trv_err *err)
{
    struct gguf_file f;
    int rc = gguf_open(&f, path, err);

    *out = (struct lora){0};
    *patch = (struct base_patch){0};
    if (!rc)
        rc = gguf_lora_take(out, patch, cfg, &f, err);
    gguf_release(&f);
    return rc;
}

int
gguf_lora_find(bool *is, const char *path, trv_err *err)
{
    struct gguf_str type = {"", 0};
    struct gguf_file f = {0};
    trv_err why = {0};
    int rc;

    *is = false;
    if (!gguf_lora_is(path))
        return 0;
    rc = gguf_open_file(&f, path, &why);
    if (!rc)
        rc = gguf_string(&type, &f, "general.type", &why);
    *is = !rc && type.n == 7 && !memcmp(type.s, "adapter", 7);
    gguf_release(&f);
    return rc == TRV_ENOMEM ? err_fail(err, rc, "%s", why.msg) : 0;
}

/* Ranks and modules of the pairs, each once: "ffn_down" of
 * blk.1.ffn_down.weight.lora_b [out, rank]. */
static int
describe_pairs(json_t *ranks, json_t *modules, const struct gguf_file *f)
{
    static const char end[] = ".weight.lora_b";
    int bad = 0;

    for (int64_t i = 0; i < f->n && !bad; i++) {
        const struct tensor *t = &f->tensors[i];
        const size_t n = strlen(t->name), len = sizeof(end) - 1;
        const char *s = t->name;
        char rank[24];

        if (n <= len || strcmp(s + n - len, end) != 0)
            continue;
        snprintf(rank, sizeof(rank), "%lld", (long long)t->dim[t->n_dims - 1]);
        if (!strncmp(s, "blk.", 4) && strchr(s + 4, '.'))
            s = strchr(s + 4, '.') + 1;
        if (s >= t->name + n - len)
            continue;
        bad = json_object_set_new(ranks, rank, json_true()) ||
              json_object_setn_new(modules, s, (size_t)(t->name + n - len - s),
                                   json_true());
    }
    return bad;
}

/* The keys of an object, as "a, b". */
static int
join_keys(struct strbuf *out, json_t *object)
{
    const char *key;
    json_t *v;
    int bad = 0;

    json_object_foreach(object, key, v)
    {
        bad = bad || sb_printf(out, "%s%s", out->len ? ", " : "", key);
    }
    return bad;
}

int
gguf_lora_describe(json_t **out, const char *path, trv_err *err)
{
    json_t *ranks = json_object(), *modules = json_object();
    struct gguf_str arch = {"", 0}, base = {"", 0};
    struct strbuf r = {0}, m = {0};
    struct gguf_file f = {0};
    double alpha = 0.0;
    int rc = gguf_open_file(&f, path, err);

    *out = NULL;
    if (!rc)
        rc = gguf_string(&arch, &f, "general.architecture", err);
    if (!rc)
        rc = gguf_string(&base, &f, "general.base_model.0.name", err);
    if (!rc)
        rc = gguf_num(&alpha, &f, "adapter.lora.alpha", -1e6, 1e6, err);
    if (!rc && (describe_pairs(ranks, modules, &f) || join_keys(&r, ranks) ||
                join_keys(&m, modules)))
        rc = err_nomem(err, "to inspect '%s'", path);
    if (!rc) {
        *out = json_pack("{s:s%,s:o,s:f,s:s,s:s,s:I}", "architecture", arch.s,
                         arch.n, "base",
                         base.n ? json_stringn(base.s, base.n) : json_null(),
                         "alpha", alpha, "rank", r.s ? r.s : "", "modules",
                         m.s ? m.s : "", "tensors", (json_int_t)f.n);
        if (!*out)
            rc = err_nomem(err, "to inspect '%s'", path);
    }
    sb_release(&r);
    sb_release(&m);
    json_decref(ranks);
    json_decref(modules);
    gguf_release(&f);
    return rc;
}
