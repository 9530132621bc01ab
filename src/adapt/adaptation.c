/* adaptation.c -- from a spec to an adaptation, and from values to a folder.
 */
#include "adapt/adaptation.h"

#include <string.h>

#include "adapt/params/peft.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/utf8.h"

#define PROMPT_FILE "prompt.txt"
#define MESSAGES_FILE "messages.json"
#define PROMPT_LIMIT ((size_t)16 << 20)

static const char known_specs[] =
    "prompt:TEXT, prompt:@FILE, messages:FILE, lora:DIR, the folder of an "
    "artefact, base";

/* ---- prompts --------------------------------------------------------- */

static int
check_text(const char *text, size_t n, const char *what, trv_err *err)
{
    if (n == 0)
        return err_fail(err, TRV_EINVAL, "the prompt %s is empty", what);
    if (!utf8_is_valid(text, n))
        return err_fail(err, TRV_EINVAL, "the prompt %s is not UTF-8", what);
    if (memchr(text, '\0', n))
        return err_fail(err, TRV_EINVAL, "the prompt %s holds a NUL byte",
                        what);
    return 0;
}

static int
take_text(struct adaptation *a, const char *text, size_t n, const char *what,
          trv_err *err)
{
    const int rc = check_text(text, n, what, err);

    if (rc)
        return rc;
    a->kind = KIND_TEXT;
    a->text = mem_strndup(text, n);
    return a->text ? 0 : err_fail(err, TRV_ENOMEM, "no memory for a prompt");
}

static int
read_text(struct adaptation *a, const char *path, trv_err *err)
{
    struct strbuf b = {0}, what = {0};
    size_t skip;
    int rc;

    rc = file_read(&b, path, PROMPT_LIMIT, err);
    if (rc)
        goto done;
    if (sb_printf(&what, "'%s'", path)) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for a prompt");
        goto done;
    }
    /* A byte order mark is an editor's, not a part of the prompt. */
    skip = b.len >= 3 && memcmp(b.s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    rc = take_text(a, b.s + skip, b.len - skip, what.s, err);
done:
    sb_release(&what);
    sb_release(&b);
    return rc;
}

int
messages_check(const json_t **out, const json_t *value, const char *file,
               trv_err *err)
{
    static const char *const roles[] = {"system", "developer", "user",
                                        "assistant", "tool"};
    const json_t *list =
        json_is_object(value) ? json_object_get(value, "messages") : value;
    const json_t *m;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0)
        return err_fail(err, TRV_EFORMAT,
                        "'%s' holds no messages: an array of objects with "
                        "'role' and 'content', alone or as 'messages' of an "
                        "object",
                        file);
    json_array_foreach(list, i, m)
    {
        const json_t *content = json_object_get(m, "content");
        const char *role = json_string_value(json_object_get(m, "role"));
        bool known = false;

        for (size_t r = 0; role && r < sizeof(roles) / sizeof(roles[0]); r++)
            known = known || !strcmp(role, roles[r]);
        if (!known)
            return err_fail(err, TRV_EFORMAT,
                            "message %zu of '%s' has the role '%.60s', not "
                            "system, developer, user, assistant or tool",
                            i + 1, file, role ? role : "(none)");
        if (!json_is_string(content))
            return err_fail(err, TRV_EFORMAT,
                            "message %zu of '%s' has no text as its 'content'",
                            i + 1, file);
        if (strlen(json_string_value(content)) != json_string_length(content))
            return err_fail(err, TRV_EFORMAT, "message %zu of '%s' holds a NUL",
                            i + 1, file);
    }
    *out = list;
    return 0;
}

static int
read_messages(struct adaptation *a, const char *path, trv_err *err)
{
    const json_t *list = NULL;
    json_t *root = NULL;
    int rc;

    rc = json_open(&root, path, err);
    if (!rc)
        rc = messages_check(&list, root, path, err);
    if (!rc) {
        a->kind = KIND_MESSAGES;
        a->messages = json_deep_copy(list);
        if (!a->messages)
            rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'", path);
    }
    json_decref(root);
    return rc;
}

/* ---- folders --------------------------------------------------------- */

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

static int
read_payload(struct adaptation *a, enum kind kind, const struct model *m,
             const char *dir, trv_err *err)
{
    char *path;
    int rc;

    if (kind == KIND_LORA) {
        a->kind = KIND_LORA;
        return peft_read(&a->lora, &a->base_name, &m->cfg, dir, false, err);
    }
    path = path_join(dir, kind == KIND_TEXT ? PROMPT_FILE : MESSAGES_FILE);
    if (!path)
        return err_fail(err, TRV_ENOMEM, "no memory to read '%s'", dir);
    rc = kind == KIND_TEXT ? read_text(a, path, err)
                           : read_messages(a, path, err);
    mem_free(path);
    return rc;
}

/* A folder with a trivium.json. */
static int
open_artefact(struct adaptation *a, const struct model *m,
              const struct model_identity *id, const char *dir, bool any_base,
              trv_err *err)
{
    struct artefact *art = &a->artefact;
    const char *payload;
    int rc;

    rc = artefact_read(art, dir, err);
    if (rc)
        return rc;
    switch (art->kind) {
    case KIND_LORA:
        payload = PEFT_WEIGHTS;
        break;
    case KIND_TEXT:
        payload = PROMPT_FILE;
        break;
    case KIND_MESSAGES:
        payload = MESSAGES_FILE;
        break;
    case KIND_FULL:
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' holds a whole model and no adaptation: give it "
                        "as the model",
                        dir);
    default:
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' holds a %s of kind '%s', which cannot be opened "
                        "yet; lora, text and messages can",
                        dir, form_name(art->form), kind_name(art->kind));
    }
    if (!lists_file(art, payload) ||
        (art->kind == KIND_LORA && !lists_file(art, PEFT_CONFIG)))
        return err_fail(err, TRV_EFORMAT,
                        "the '%s' of '%s' does not list '%s' among its files",
                        ARTEFACT_MANIFEST, dir, payload);
    rc = artefact_check_files(art, dir, err);
    if (!rc && !any_base)
        rc = check_base(art, dir, m, id, err);
    if (!rc)
        rc = read_payload(a, art->kind, m, dir, err);
    if (!rc && *art->base_name) { // it knows more than PEFT's own field
        mem_free(a->base_name);
        a->base_name = mem_strdup(art->base_name);
        if (!a->base_name)
            rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'", dir);
    }
    return rc;
}

static bool
has_file(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    const bool has = path && file_exists(path);

    mem_free(path);
    return has;
}

static int
open_folder(struct adaptation *a, const struct model *m,
            const struct model_identity *id, const char *dir, bool any_base,
            trv_err *err)
{
    if (artefact_is(dir))
        return open_artefact(a, m, id, dir, any_base, err);
    if (peft_is(dir))
        return read_payload(a, KIND_LORA, m, dir, err);
    if (has_file(dir, PROMPT_FILE))
        return read_payload(a, KIND_TEXT, m, dir, err);
    if (has_file(dir, MESSAGES_FILE))
        return read_payload(a, KIND_MESSAGES, m, dir, err);
    return err_fail(err, TRV_EFORMAT,
                    "'%s' is no adaptation: it holds none of %s, %s, %s, %s%s",
                    dir, ARTEFACT_MANIFEST, PEFT_CONFIG, PROMPT_FILE,
                    MESSAGES_FILE,
                    has_file(dir, "config.json")
                        ? " (but a whole model, which cannot be opened as one "
                          "yet)"
                        : "");
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

static int
open_spec(struct adaptation *a, const struct model *m,
          const struct model_identity *id, const char *spec, bool any_base,
          trv_err *err)
{
    const char *rest;
    int rc;

    if (!strcmp(spec, "base"))
        return 0;
    rest = behind(spec, "prompt:");
    if (rest && *rest != '@')
        return take_text(a, rest, strlen(rest), "of the spec", err);
    if (rest) {
        rc = note_path(a, rest + 1, err);
        return rc ? rc : read_text(a, a->path, err);
    }
    rest = behind(spec, "messages:");
    if (rest) {
        rc = note_path(a, rest, err);
        return rc ? rc : read_messages(a, a->path, err);
    }
    rest = behind(spec, "lora:");
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
        rc = open_folder(a, m, id, a->path, any_base, err);
        if (!rc && rest && a->kind != KIND_LORA)
            rc = err_fail(err, TRV_EINVAL, "'%s' holds a %s, not a lora",
                          a->path, kind_name(a->kind));
        return rc;
    }
    if (rest)
        return err_fail(err, TRV_EIO,
                        "'%s' is no folder; a LoRA is one that holds %s",
                        a->path, PEFT_CONFIG);
    if (ends_with(spec, ".txt"))
        return read_text(a, a->path, err);
    if (ends_with(spec, ".json"))
        return read_messages(a, a->path, err);
    return err_fail(err, TRV_EINVAL,
                    "'%.200s' is a file of unknown kind: an adaptation is one "
                    "of %s",
                    spec, known_specs);
}

int
adaptation_open(struct adaptation **out, const struct model *m,
                const struct model_identity *id, const char *spec,
                bool any_base, trv_err *err)
{
    struct adaptation *a = mem_calloc(1, sizeof(*a));
    int rc;

    *out = NULL;
    if (!a)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%.200s'", spec);
    a->spec = mem_strdup(spec);
    if (!a->spec) {
        rc = err_fail(err, TRV_ENOMEM, "no memory to open '%.200s'", spec);
        goto done;
    }
    rc = open_spec(a, m, id, spec, any_base, err);
    if (rc)
        goto done;
    a->form = kind_form(a->kind);
    *out = a;
    a = NULL;
done:
    adaptation_free(a);
    return rc;
}

void
adaptation_free(struct adaptation *a)
{
    if (!a)
        return;
    lora_release(&a->lora);
    artefact_release(&a->artefact);
    json_decref(a->messages);
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

int
adaptation_save_lora(struct artefact *head, const struct lora *l,
                     const struct model_config *cfg, const char *path,
                     bool replace, trv_err *err)
{
    struct peft_files files = {0};
    struct outdir d = {0};
    int rc;

    TRV_ASSERT(head->kind == KIND_LORA);
    rc = peft_encode(&files, l, cfg, head->base_name, err);
    if (!rc)
        rc = outdir_begin(&d, path, replace, err);
    if (!rc)
        rc = artefact_put(head, &d, PEFT_CONFIG, files.config, files.n_config,
                          err);
    if (!rc)
        rc = artefact_put(head, &d, PEFT_WEIGHTS, files.weights,
                          files.n_weights, err);
    if (!rc)
        rc = artefact_finish(head, &d, err);
    if (!rc)
        rc = outdir_commit(&d, err);
    outdir_release(&d);
    peft_files_release(&files);
    return rc;
}

int
adaptation_save_text(struct artefact *head, const char *text, const char *path,
                     bool replace, trv_err *err)
{
    struct outdir d = {0};
    int rc;

    TRV_ASSERT(head->kind == KIND_TEXT);
    rc = check_text(text, strlen(text), "to be saved", err);
    if (!rc)
        rc = outdir_begin(&d, path, replace, err);
    if (!rc)
        rc = artefact_put(head, &d, PROMPT_FILE, text, strlen(text), err);
    if (!rc)
        rc = artefact_finish(head, &d, err);
    if (!rc)
        rc = outdir_commit(&d, err);
    outdir_release(&d);
    return rc;
}
