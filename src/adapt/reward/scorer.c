/* scorer.c -- opening and scoring of the reward `head`. */
#include "adapt/reward/scorer.h"

#include <math.h>
#include <string.h>

#include "adapt/params/peft.h"
#include "adapt/prompt/peft_virtual.h"
#include "adapt/reward/logratio.h"
#include "base/json.h"
#include "model/sample/engine.h"
#include "model/decoder/scalar.h"
#include "text/example.h"

/* ---- folders ------------------------------------------------------------ */

/* Only a lack of memory is an error here: other readers report the rest. */
static int
unless_memory(bool *is, int rc, bool found)
{
    *is = !rc && found;
    return rc == TRV_ENOMEM ? rc : 0;
}

static int
find_whole(bool *is, const char *dir, trv_err *err)
{
    char *path = path_join(dir, "config.json");
    struct model_config cfg = {0};
    trv_err why = {0};
    json_t *doc = NULL;
    int rc;

    *is = false;
    if (!path)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", dir);
    rc = file_exists(path) ? json_open(&doc, path, &why) : TRV_EIO;
    if (!rc)
        rc = config_from_json(&cfg, doc, path, &why);
    rc = unless_memory(is, rc, cfg.labels > 0);
    json_decref(doc);
    mem_free(path);
    return rc ? err_fail(err, rc, "%s", why.msg) : 0;
}

int
scorer_find(bool *is, const char *dir, trv_err *err)
{
    enum kind kind = KIND_BASE;
    trv_err why = {0};
    int rc;

    if (!peft_is(dir))
        return find_whole(is, dir, err);
    rc = peft_virtual_kind(&kind, dir, &why);
    rc = unless_memory(is, rc, kind == KIND_HEAD);
    return rc ? err_fail(err, rc, "%s", why.msg) : 0;
}

static int
open_whole(struct scorer *sc, struct strbuf *notes, const struct model *m,
           const char *dir, trv_err *err)
{
    char own[HASH_HEX], other[HASH_HEX];
    int rc = session_open_scorer(&sc->whole, dir, m, notes, err);

    if (rc)
        return rc;
    if (!sc->whole->model->tokenizer || !m->tokenizer)
        return err_fail(err, TRV_EFORMAT, "'%s' has no tokenizer",
                        m->tokenizer ? dir : m->path);
    tokenizer_hash(m->tokenizer, own);
    tokenizer_hash(sc->whole->model->tokenizer, other);
    sc->same_tokens = strcmp(own, other) == 0;
    return 0;
}

int
scorer_open(struct scorer **out, char **base, struct strbuf *notes,
            const struct model *m, const char *dir, trv_err *err)
{
    struct scorer *sc = mem_calloc(1, sizeof(*sc));
    int rc;

    *out = NULL;
    if (!sc)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", dir);
    sc->n = m->cfg.width;
    rc = peft_is(dir) ? peft_read_scorer(&sc->adapter_weights.lora, &sc->w,
                                         base, &m->cfg, dir, false, err)
                      : open_whole(sc, notes, m, dir, err);
    if (rc)
        scorer_free(sc);
    else
        *out = sc;
    return rc;
}

void
scorer_free(struct scorer *sc)
{
    if (!sc)
        return;
    session_free(sc->whole);
    adapter_weights_release(&sc->adapter_weights);
    mem_free(sc->w);
    mem_free(sc);
}

int
scorer_save(struct artefact *head, const struct lora *l, const float *w,
            const struct model_config *cfg, struct outdir *to, trv_err *err)
{
    struct payload_files files = {0};
    int rc = peft_encode_scorer(&files, l, w, cfg, head->base_origin, err);

    TRV_ASSERT(head->kind == KIND_HEAD);
    if (!rc)
        rc = artefact_put(head, to, PEFT_CONFIG, files.config, files.n_config,
                          err);
    if (!rc)
        rc = artefact_put(head, to, PEFT_WEIGHTS, files.weights,
                          files.n_weights, err);
    if (!rc)
        rc = artefact_finish(head, to, err);
    if (!rc)
        rc = outdir_commit(to, err);
    payload_files_release(&files);
    return rc;
}

/* ---- scoring ------------------------------------------------------------ */

/* What is alike for all items of a call. */
struct run {
    struct session *s;
    const struct scorer *sc;
    struct decoder *d;
    const float *w;
    struct text_rules rules;
    struct example e; // of the row whose context it holds
    const struct data_row *row;
};

static int
begin(struct run *r, struct session *s, struct scorer *sc, trv_err *err)
{
    struct session *at = sc->whole ? sc->whole : s;
    int rc;

    *r = (struct run){.s = s, .sc = sc, .rules = model_text_rules(at->model)};
    if (sc->whole)
        sc->whole->be = s->be;
    if (!r->rules.chat)
        r->rules.chat = s->model->chat;
    rc = adapter_weights_refresh(&sc->adapter_weights, s->be, err);
    if (!rc)
        rc = session_decoder(at, &r->d, err);
    if (!rc)
        r->w = sc->whole ? r->d->score.v : sc->w;
    return rc;
}

/* Its words, where its tokens are another tokenizer's. */
static int
append_text(struct run *r, const struct reward_item *item, trv_err *err)
{
    json_t *text =
        json_stringn_nocheck(item->text ? item->text : "", item->n_text);
    int rc = text ? example_append(&r->e, &r->rules, item->row, text, err)
                  : err_fail(err, TRV_ENOMEM, "no memory to score answers");

    json_decref(text);
    return rc;
}

/* Context and answer of an item as one row, in the arena. */
static int
make_row(struct row *out, struct run *r, const struct reward_item *item,
         trv_err *err)
{
    const bool tokens = !r->sc->whole || r->sc->same_tokens;
    const struct ids *ids = &r->e.ids;
    int32_t *copy;
    int rc = 0;

    if (r->row != item->row)
        rc = example_context(&r->e, &r->rules, item->row, NULL, NULL, err);
    r->row = rc ? NULL : item->row;
    if (rc)
        return rc;
    r->e.ids.n = r->e.n_context; // the last answer gives way
    if (!tokens)
        rc = append_text(r, item, err);
    else if (ids_append(&r->e.ids, item->ids, item->n_ids))
        rc = err_fail(err, TRV_ENOMEM, "no memory to score answers");
    if (rc)
        return rc;
    if (ids->n < 1)
        return data_row_fail(item->row, err, TRV_EINVAL,
                             "an empty answer to an empty input has no score");
    if (ids->n > r->d->cfg->context)
        return data_row_fail(item->row, err, TRV_ETOOLONG,
                             "an answer of %lld tokens behind %lld does not "
                             "fit the context of %lld",
                             (long long)(ids->n - r->e.n_context),
                             (long long)r->e.n_context,
                             (long long)r->d->cfg->context);
    copy = arena_alloc(&r->s->arena, (size_t)ids->n * sizeof(*copy));
    if (!copy)
        return err_fail(err, TRV_ENOMEM, "no memory to score answers");
    memcpy(copy, ids->v, (size_t)ids->n * sizeof(*copy));
    *out = (struct row){copy, ids->n,
                        r->sc->whole ? NULL : &r->sc->adapter_weights};
    return 0;
}

/* Items from the first on, for a few passes; *done takes how many. */
static int
score_some(struct run *r, double *score, const struct reward_item *items,
           int64_t n, int64_t *done, trv_err *err)
{
    const int64_t most = n < ENGINE_TOKENS ? n : ENGINE_TOKENS;
    struct arena *a = &r->s->arena;
    struct row *rows;
    int64_t tokens = 0, k = 0;
    int rc = 0;

    arena_reset(a);
    rows = arena_alloc(a, (size_t)most * sizeof(*rows));
    if (!rows)
        return err_fail(err, TRV_ENOMEM, "no memory to score answers");
    for (; k < most && tokens < ENGINE_TOKENS && !rc; k++) {
        rc = make_row(&rows[k], r, &items[k], err);
        tokens += rc ? 0 : rows[k].n;
    }
    *done = k;
    if (!rc)
        rc = scalar_score(r->d, a, score, r->w, rows, k, r->d->cfg->pad, err);
    for (int64_t i = 0; i < k && !rc; i++)
        if (!isfinite(score[i]))
            rc = data_row_fail(items[i].row, err, TRV_ENONFINITE,
                               "the reward gives the answer a value that is "
                               "not finite");
    return rc;
}

int
scorer_score(struct session *s, struct adaptation *a, double *score,
             double *const *token, const struct reward_item *items, int64_t n,
             const struct reward_watch *watch, trv_err *err)
{
    struct run r;
    int64_t done = 0;
    int rc = begin(&r, s, a->reward->scorer, err);

    TRV_ASSERT(!token);
    for (int64_t i = 0; i < n && !rc; i += done) {
        rc = score_some(&r, score + i, items + i, n - i, &done, err);
        if (!rc)
            rc = reward_report(watch, i + done, n, err);
    }
    example_release(&r.e);
    return rc;
}
