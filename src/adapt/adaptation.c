/* adaptation.c -- from a spec to an adaptation, and from values to a folder.
 */
#include "adapt/adaptation.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/cross_model.h"
#include "adapt/mix.h"
#include "adapt/params/bottleneck_file.h"
#include "adapt/params/peft.h"
#include "adapt/prompt/demos.h"
#include "adapt/prompt/peft_virtual.h"
#include "adapt/prompt/prompt_text.h"
#include "adapt/prompt/retrieve.h"
#include "adapt/reward/reward.h"
#include "adapt/reward/scorer.h"
#include "base/json.h"
#include "base/mem.h"

static const char known_specs[] =
    "prompt:TEXT, prompt:@FILE, messages:FILE, demos:FILE, retrieve:FILE, "
    "lora:DIR, adapter:DIR, soft:DIR, prefix:DIR, full:DIR, mix:W*A+W*B, "
    "on:DIR,A, head:DIR, verifier:CHECK, ratio:A, "
    "contrast:A, judge:TEXT, sum:W*REWARD+W*REWARD, the folder of an "
    "artefact, base";

/* What an artefact of a kind must hold, and a spec may name by its kind. */
static const struct payload_names {
    enum kind kind;
    bool spec;                    // KIND:DIR
    const char *payload, *config; // config NULL: one file
} payloads[] = {
    {KIND_LORA, true, PEFT_WEIGHTS, PEFT_CONFIG},
    {KIND_ADAPTER, true, BOTTLENECK_WEIGHTS, BOTTLENECK_CONFIG},
    {KIND_SOFT, true, PEFT_WEIGHTS, PEFT_CONFIG},
    {KIND_PREFIX, true, PEFT_WEIGHTS, PEFT_CONFIG},
    {KIND_TEXT, false, PROMPT_TEXT_FILE, NULL},
    {KIND_MESSAGES, false, PROMPT_MESSAGES_FILE, NULL},
    {KIND_DEMOS, true, DEMOS_FILE, NULL},
    {KIND_RETRIEVE, true, RETRIEVE_FILE, NULL},
};
#define N_PAYLOADS (sizeof(payloads) / sizeof(payloads[0]))

/* Rewards that a spec can name. */
static const enum kind reward_specs[] = {KIND_VERIFIER, KIND_RATIO,
                                         KIND_CONTRAST, KIND_JUDGE, KIND_SUM};

/* ---- folders --------------------------------------------------------- */

/* Its trivium.json is all there is. */
static bool
is_reward(enum kind kind)
{
    bool is = false;

    for (size_t i = 0; i < sizeof(reward_specs) / sizeof(reward_specs[0]); i++)
        is = is || reward_specs[i] == kind;
    return is;
}

static bool
lists_file(const struct artefact *a, const char *name)
{
    const json_t *f;
    size_t i;

    json_array_foreach(a->files, i, f)
    {
        if (!strcmp(json_string_value(json_object_get(f, "name")), name))
            return true;
    }
    return false;
}

static int
check_base(const struct artefact *a, const char *dir, const struct model *m,
           const struct model_identity *id, trv_err *err)
{
    struct model_identity own;
    int rc;

    if (!*a->base_weights && !*a->base_tokenizer && !*a->base_chat)
        return 0;
    if (!id) {
        rc = model_identify(&own, m, err);
        if (rc)
            return rc;
        id = &own;
    }
    return artefact_check_base(a, dir, m->name ? m->name : "", id, err);
}

static const struct payload_names *
payload_of(enum kind kind)
{
    for (size_t i = 0; i < N_PAYLOADS; i++)
        if (payloads[i].kind == kind)
            return &payloads[i];
    return NULL;
}

/* Terms of a folder, of the kind that was promised. */
static int
read_terms(struct adaptation *a, enum kind kind, const struct model *m,
           const char *dir, trv_err *err)
{
    int rc;

    a->kind = kind;
    if (kind == KIND_LORA)
        return peft_read(&a->terms.lora, &a->base_name, &m->cfg, dir, false,
                         err);
    if (kind == KIND_ADAPTER)
        return bottleneck_file_read(&a->terms.bottleneck, &a->base_name,
                                    &m->cfg, dir, false, err);
    rc = peft_virtual_read(&a->terms.virtual, &a->base_name, &m->cfg, dir,
                           false, err);
    if (!rc && (a->terms.virtual.kind == VIRTUAL_SOFT) != (kind == KIND_SOFT))
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' says %s in '%s' and another kind in '%s'", dir,
                      kind_name(kind), ARTEFACT_MANIFEST, PEFT_CONFIG);
    return rc;
}

static int
read_payload(struct adaptation *a, enum kind kind, const struct model *m,
             const char *dir, trv_err *err)
{
    char *path;
    int rc;

    if (payload_of(kind)->config)
        return read_terms(a, kind, m, dir, err);
    path = path_join(dir, payload_of(kind)->payload);
    if (!path)
        return err_fail(err, TRV_ENOMEM, "no memory to read '%s'", dir);
    if (kind == KIND_TEXT)
        rc = prompt_read_text(a, path, err);
    else if (kind == KIND_MESSAGES)
        rc = prompt_read_messages(a, path, err);
    else
        rc = prompt_read_listed(
            a, kind, path, json_object_get(a->artefact.root, "prompt"), err);
    mem_free(path);
    return rc;
}

/* Another model of the same vocabulary. */
static int
open_model(struct adaptation *a, const struct model *m, const char *dir,
           trv_err *err)
{
    char own[HASH_HEX], other[HASH_HEX];
    const struct model *full;
    int rc;

    rc = session_open_beside(&a->full, dir, err);
    if (rc)
        return rc;
    full = a->full->model;
    a->kind = KIND_FULL;
    if (!m->tokenizer || !full->tokenizer)
        return err_fail(err, TRV_EFORMAT, "'%s' has no tokenizer",
                        m->tokenizer ? dir : m->path);
    tokenizer_hash(m->tokenizer, own);
    tokenizer_hash(full->tokenizer, other);
    if (strcmp(own, other) != 0)
        return err_fail(err, TRV_EMISMATCH,
                        "'%s' has another tokenizer than '%s': their tokens "
                        "mean different things",
                        dir, m->path);
    return 0;
}

/* A scalar head on a model of its own, or on the base under a LoRA. */
static int
open_head(struct adaptation *a, const struct model *m, const char *dir,
          trv_err *err)
{
    a->kind = KIND_HEAD;
    a->reward = mem_calloc(1, sizeof(*a->reward));
    if (!a->reward)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", dir);
    return scorer_open(&a->reward->scorer, &a->base_name, m, dir, err);
}

/* A folder with a trivium.json. */
static int
open_artefact(struct adaptation *a, const struct adaptation_how *how,
              const char *dir, trv_err *err)
{
    struct artefact *art = &a->artefact;
    const struct payload_names *names;
    const struct model *m = how->m;
    int rc;

    rc = artefact_read(art, dir, err);
    if (rc)
        return rc;
    if (art->kind == KIND_FULL) {
        rc = artefact_check_files(art, dir, err);
        if (!rc && !how->any_base)
            rc = check_base(art, dir, m, how->id, err);
        return rc ? rc : open_model(a, m, dir, err);
    }
    if (art->kind == KIND_HEAD) {
        rc = artefact_check_files(art, dir, err);
        if (!rc && !how->any_base)
            rc = check_base(art, dir, m, how->id, err);
        return rc ? rc : open_head(a, m, dir, err);
    }
    names = payload_of(art->kind);
    if (!names && !is_reward(art->kind))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' holds a %s of kind '%s', which cannot be opened "
                        "yet",
                        dir, form_name(art->form), kind_name(art->kind));
    if (names && (!lists_file(art, names->payload) ||
                  (names->config && !lists_file(art, names->config))))
        return err_fail(err, TRV_EFORMAT,
                        "the '%s' of '%s' does not list '%s' among its files",
                        ARTEFACT_MANIFEST, dir, names->payload);
    rc = artefact_check_files(art, dir, err);
    if (!rc && !how->any_base)
        rc = check_base(art, dir, m, how->id, err);
    if (!rc && names) {
        rc = read_payload(a, art->kind, m, dir, err);
    } else if (!rc) {
        a->kind = art->kind;
        rc = reward_open_artefact(a, how, dir, err);
    }
    if (!rc && *art->base_name) { // it knows more than PEFT's own field
        mem_free(a->base_name);
        a->base_name = mem_strdup(art->base_name);
        if (!a->base_name)
            rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'", dir);
    }
    return rc;
}

static int
open_folder(struct adaptation *a, const struct adaptation_how *how,
            const char *dir, trv_err *err)
{
    const struct model *m = how->m;
    bool is_scorer;
    int rc;

    if (artefact_is(dir))
        return open_artefact(a, how, dir, err);
    if (peft_is(dir)) {
        enum kind kind;

        rc = peft_virtual_kind(&kind, dir, err);
        if (!rc && kind == KIND_HEAD)
            return open_head(a, m, dir, err);
        return rc ? rc : read_payload(a, kind, m, dir, err);
    }
    if (bottleneck_file_is(dir))
        return read_payload(a, KIND_ADAPTER, m, dir, err);
    if (dir_has(dir, PROMPT_TEXT_FILE))
        return read_payload(a, KIND_TEXT, m, dir, err);
    if (dir_has(dir, PROMPT_MESSAGES_FILE))
        return read_payload(a, KIND_MESSAGES, m, dir, err);
    if (dir_has(dir, DEMOS_FILE))
        return read_payload(a, KIND_DEMOS, m, dir, err);
    if (dir_has(dir, RETRIEVE_FILE))
        return read_payload(a, KIND_RETRIEVE, m, dir, err);
    rc = scorer_find(&is_scorer, dir, err);
    if (rc)
        return rc;
    if (is_scorer)
        return open_head(a, m, dir, err);
    if (dir_has(dir, "config.json"))
        return open_model(a, m, dir, err);
    return err_fail(err, TRV_EFORMAT,
                    "'%s' is no adaptation: it holds none of %s, %s, %s, %s, "
                    "%s, %s, %s, config.json",
                    dir, ARTEFACT_MANIFEST, PEFT_CONFIG, BOTTLENECK_CONFIG,
                    PROMPT_TEXT_FILE, PROMPT_MESSAGES_FILE, DEMOS_FILE,
                    RETRIEVE_FILE);
}

/* ---- specs ----------------------------------------------------------- */

static int
note_path(struct adaptation *a, const char *path, trv_err *err)
{
    if (!*path)
        return err_fail(err, TRV_EINVAL, "'%s' names no file or folder",
                        a->spec);
    a->path = mem_strdup(path);
    return a->path ? 0
                   : err_fail(err, TRV_ENOMEM, "no memory to open '%s'", path);
}

static bool
ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), k = strlen(end);

    return n >= k && !strcmp(s + n - k, end);
}

/* "prompt:" at the start of a spec: what stands behind it. */
static const char *
behind(const char *spec, const char *prefix)
{
    const size_t n = strlen(prefix);

    return strncmp(spec, prefix, n) == 0 ? spec + n : NULL;
}

/* verifier:..., ratio:..., ...: what stands behind, and the kind. */
static const char *
behind_reward(enum kind *kind, const char *spec)
{
    for (size_t i = 0; i < sizeof(reward_specs) / sizeof(reward_specs[0]);
         i++) {
        const char *name = kind_name(reward_specs[i]);
        const size_t n = strlen(name);

        if (strncmp(spec, name, n) != 0 || spec[n] != ':')
            continue;
        *kind = reward_specs[i];
        return spec + n + 1;
    }
    return NULL;
}

bool
adaptation_names_reward(const char *spec)
{
    enum kind kind;

    return behind_reward(&kind, spec) != NULL;
}

static int
open_spec(struct adaptation *a, const struct adaptation_how *how,
          const char *spec, trv_err *err)
{
    const struct payload_names *named = NULL;
    const char *rest;
    int rc;

    if (!strcmp(spec, "base"))
        return 0;
    rest = behind_reward(&a->kind, spec);
    if (rest)
        return reward_open_spec(a, how, rest, err);
    rest = behind(spec, "prompt:");
    if (rest && *rest != '@')
        return prompt_take_text(a, rest, strlen(rest), "of the spec", err);
    if (rest) {
        rc = note_path(a, rest + 1, err);
        return rc ? rc : prompt_read_text(a, a->path, err);
    }
    rest = behind(spec, "messages:");
    if (rest) {
        rc = note_path(a, rest, err);
        return rc ? rc : prompt_read_messages(a, a->path, err);
    }
    rest = behind(spec, "demos:");
    if (rest && !file_is_dir(rest))
        return prompt_open_listed(a, KIND_DEMOS, rest, err);
    rest = behind(spec, "retrieve:");
    if (rest && !file_is_dir(rest))
        return prompt_open_listed(a, KIND_RETRIEVE, rest, err);
    rest = behind(spec, "mix:");
    if (rest)
        return mix_read(a, how, rest, err);
    rest = behind(spec, "on:");
    if (rest)
        return carry_open(a, how, rest, err);
    rest = behind(spec, "full:");
    if (rest) {
        rc = note_path(a, rest, err);
        if (rc)
            return rc;
        return artefact_is(rest) ? open_folder(a, how, rest, err)
                                 : open_model(a, how->m, rest, err);
    }
    rest = behind(spec, "head:");
    if (rest) {
        rc = note_path(a, rest, err);
        if (!rc && artefact_is(rest))
            rc = open_folder(a, how, rest, err);
        else if (!rc)
            rc = open_head(a, how->m, rest, err);
        if (!rc && a->kind != KIND_HEAD)
            rc = err_fail(err, TRV_EINVAL,
                          "'%s' holds an adaptation of kind %s, not head",
                          a->path, kind_name(a->kind));
        return rc;
    }
    rest = NULL;
    for (size_t i = 0; i < N_PAYLOADS && !rest; i++) {
        const char *kind = kind_name(payloads[i].kind);
        const size_t n = strlen(kind);

        if (payloads[i].spec && !strncmp(spec, kind, n) && spec[n] == ':') {
            rest = spec + n + 1;
            named = &payloads[i];
        }
    }
    if (!rest && !file_exists(spec))
        return strchr(spec, ':')
                   ? err_fail(err, TRV_EINVAL,
                              "'%.200s' is no adaptation: the known forms are "
                              "%s",
                              spec, known_specs)
                   : err_fail(err, TRV_EIO,
                              "there is no '%.200s'; an adaptation is one of "
                              "%s",
                              spec, known_specs);
    rc = note_path(a, rest ? rest : spec, err);
    if (rc)
        return rc;
    if (file_is_dir(a->path)) {
        rc = open_folder(a, how, a->path, err);
        if (!rc && named && a->kind != named->kind)
            rc = err_fail(err, TRV_EINVAL,
                          "'%s' holds an adaptation of kind %s, not %s",
                          a->path, kind_name(a->kind), kind_name(named->kind));
        return rc;
    }
    if (named)
        return err_fail(err, TRV_EIO,
                        "'%s' is no folder; %s is one that holds %s", a->path,
                        kind_name(named->kind), named->config);
    if (ends_with(spec, ".txt"))
        return prompt_read_text(a, a->path, err);
    if (ends_with(spec, ".json"))
        return prompt_read_messages(a, a->path, err);
    return err_fail(err, TRV_EINVAL,
                    "'%.200s' is a file of unknown kind: an adaptation is one "
                    "of %s",
                    spec, known_specs);
}

static int
begin(struct adaptation **out, const char *spec, trv_err *err)
{
    struct adaptation *a = mem_calloc(1, sizeof(*a));

    *out = NULL;
    if (a)
        a->spec = mem_strdup(spec);
    if (!a || !a->spec) {
        mem_free(a);
        return err_fail(err, TRV_ENOMEM, "no memory to open '%.200s'", spec);
    }
    *out = a;
    return 0;
}

/* The last step of every opening: `a` is handed out, or freed. */
static int
finish(struct adaptation **out, struct adaptation *a, int rc)
{
    if (rc) {
        adaptation_free(a);
        *out = NULL;
        return rc;
    }
    a->form = kind_form(a->kind);
    *out = a;
    return 0;
}

int
adaptation_open_how(struct adaptation **out, const struct adaptation_how *how,
                    const char *spec, trv_err *err)
{
    struct adaptation *a;
    int rc = begin(&a, spec, err);

    if (!rc)
        rc = open_spec(a, how, spec, err);
    return finish(out, a, rc);
}

int
adaptation_open_folder(struct adaptation **out,
                       const struct adaptation_how *how, const char *dir,
                       trv_err *err)
{
    struct adaptation *a;
    int rc = begin(&a, dir, err);

    if (!rc)
        rc = note_path(a, dir, err);
    if (!rc)
        rc = open_folder(a, how, dir, err);
    return finish(out, a, rc);
}

int
adaptation_open(struct adaptation **out, const struct model *m,
                const struct model_identity *id, const char *spec,
                bool any_base, trv_err *err)
{
    int left = ADAPTATION_REWARDS_MAX;
    const struct adaptation_how how = {
        .m = m, .id = id, .any_base = any_base, .left = &left};

    return adaptation_open_how(out, &how, spec, err);
}

int
adaptation_of_text(struct adaptation **out, const char *text, size_t n,
                   trv_err *err)
{
    struct adaptation *a;
    int rc = begin(&a, "(a text)", err);

    if (!rc)
        rc = prompt_take_text(a, text, n, "of a part", err);
    return finish(out, a, rc);
}

int
adaptation_of_messages(struct adaptation **out, const json_t *value,
                       const char *file, trv_err *err)
{
    struct adaptation *a;
    int rc = begin(&a, "(messages)", err);

    if (!rc)
        rc = prompt_take_messages(a, value, file, err);
    return finish(out, a, rc);
}

int
adaptation_of_system(struct adaptation **out, const char *text, trv_err *err)
{
    json_t *list = json_pack("[{s:s,s:s}]", "role", "system", "content", text);
    const int rc =
        list ? adaptation_of_messages(out, list, "the system's words", err)
             : err_fail(err, TRV_ENOMEM, "no memory for a message");

    json_decref(list);
    return rc;
}

int
adaptation_of_demos(struct adaptation **out, const json_t *list,
                    const json_t *conf, const char *file, trv_err *err)
{
    struct adaptation *a;
    int rc = begin(&a, "(demonstrations)", err);

    if (!rc)
        a->kind = KIND_DEMOS;
    if (!rc)
        rc = demos_of(&a->demos, list, conf, file, err);
    return finish(out, a, rc);
}

bool
adaptation_is_chat(const struct adaptation *a)
{
    bool chat = a && (a->kind == KIND_MESSAGES ||
                      (a->demos && demos_is_chat(a->demos)) ||
                      (a->reward && reward_is_chat(a->reward)));

    for (int64_t i = 0; a && i < a->n_mix; i++)
        chat = chat || adaptation_is_chat(a->mix[i].a);
    return chat;
}

void
adaptation_free(struct adaptation *a)
{
    if (!a)
        return;
    for (int64_t i = 0; i < a->n_mix; i++)
        adaptation_free(a->mix[i].a);
    mem_free(a->mix);
    if (!a->full_is_lent)
        session_free(a->full);
    terms_release(&a->terms);
    reward_free(a->reward);
    artefact_release(&a->artefact);
    json_decref(a->messages);
    demos_free(a->demos);
    retrieve_free(a->retrieve);
    mem_free(a->text);
    mem_free(a->base_name);
    mem_free(a->path);
    mem_free(a->spec);
    mem_free(a);
}

int
adaptation_target(enum kind *kind, const char **path, const char *to,
                  trv_err *err)
{
    const size_t n = strcspn(to, ":");

    if (strncmp(to, "prompt:", 7) == 0 && to[7]) {
        *kind = KIND_TEXT;
        *path = to + 7;
        return 0;
    }
    for (int k = 1; k < KIND_COUNT; k++) {
        const char *name = kind_name((enum kind)k);

        if (strlen(name) != n || strncmp(name, to, n) != 0 || to[n] != ':')
            continue;
        if (!to[n + 1])
            return err_fail(err, TRV_EINVAL, "'%.200s' names no folder", to);
        *kind = (enum kind)k;
        *path = to + n + 1;
        return 0;
    }
    return err_fail(err, TRV_EINVAL,
                    "'%.200s' is no KIND:FOLDER, as in lora:out/z", to);
}

/* ---- writing --------------------------------------------------------- */

static int
encode_terms(struct payload_files *files, enum kind kind, const struct terms *t,
             const struct model_config *cfg, const char *base, trv_err *err)
{
    if (kind == KIND_LORA)
        return peft_encode(files, &t->lora, cfg, base, err);
    if (kind == KIND_ADAPTER)
        return bottleneck_file_encode(files, &t->bottleneck, base, err);
    return peft_virtual_encode(files, &t->virtual, cfg, base, err);
}

int
adaptation_save_terms(struct artefact *head, const struct terms *t,
                      const struct model_config *cfg, const char *path,
                      bool replace, trv_err *err)
{
    const struct payload_names *names = payload_of(head->kind);
    struct payload_files files = {0};
    struct outdir d = {0};
    int rc;

    TRV_ASSERT(names && names->config);
    rc = encode_terms(&files, head->kind, t, cfg, head->base_name, err);
    if (!rc)
        rc = outdir_begin(&d, path, replace, err);
    if (!rc)
        rc = artefact_put(head, &d, names->config, files.config, files.n_config,
                          err);
    if (!rc)
        rc = artefact_put(head, &d, names->payload, files.weights,
                          files.n_weights, err);
    if (!rc)
        rc = artefact_finish(head, &d, err);
    if (!rc)
        rc = outdir_commit(&d, err);
    outdir_release(&d);
    payload_files_release(&files);
    return rc;
}

/* The bytes of a prompt's file. */
static int
encode_prompt(struct strbuf *out, const struct adaptation *a, trv_err *err)
{
    char *text = NULL;
    int bad = 0;

    if (a->kind == KIND_DEMOS)
        return demos_encode(out, a->demos, err);
    if (a->kind == KIND_TEXT) {
        bad = sb_puts(out, a->text);
    } else if (a->kind == KIND_MESSAGES) {
        text = json_dumps(a->messages, JSON_INDENT(2));
        bad = !text || sb_puts(out, text) || sb_putc(out, '\n');
    } else {
        const struct data *corpus = &a->retrieve->corpus;

        for (int64_t i = 0; i < corpus->n && !bad; i++) {
            text = json_dumps(corpus->rows[i].json, JSON_COMPACT);
            bad = !text || sb_puts(out, text) || sb_putc(out, '\n');
            free(text);
            text = NULL;
        }
    }
    free(text);
    return bad ? err_fail(err, TRV_ENOMEM, "no memory to save a prompt") : 0;
}

static json_t *
prompt_options(const struct adaptation *a)
{
    return a->demos ? a->demos->conf : a->retrieve ? a->retrieve->conf : NULL;
}

int
adaptation_save_prompt(struct artefact *head, const struct adaptation *a,
                       const char *path, bool replace, trv_err *err)
{
    json_t *options = prompt_options(a);
    struct strbuf bytes = {0};
    struct outdir d = {0};
    int rc;

    TRV_ASSERT(head->kind == a->kind);
    rc = encode_prompt(&bytes, a, err);
    if (!rc && options && json_object_set(head->root, "prompt", options))
        rc = err_fail(err, TRV_ENOMEM, "no memory to save a prompt");
    if (!rc)
        rc = outdir_begin(&d, path, replace, err);
    if (!rc)
        rc = artefact_put(head, &d, payload_of(a->kind)->payload,
                          bytes.s ? bytes.s : "", bytes.len, err);
    if (!rc)
        rc = artefact_finish(head, &d, err);
    if (!rc)
        rc = outdir_commit(&d, err);
    outdir_release(&d);
    sb_release(&bytes);
    return rc;
}

int
adaptation_hash_prompt(char hex[HASH_HEX], const struct adaptation *a,
                       trv_err *err)
{
    const json_t *options = prompt_options(a);
    struct strbuf bytes = {0};
    char *text = NULL;
    int rc = encode_prompt(&bytes, a, err);

    if (!rc && options) {
        text = json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
        if (!text || sb_puts(&bytes, text))
            rc = err_fail(err, TRV_ENOMEM, "no memory for a prompt");
    }
    if (!rc)
        rc = hash_bytes(hex, bytes.s ? bytes.s : "", bytes.len, err);
    free(text);
    sb_release(&bytes);
    return rc;
}
