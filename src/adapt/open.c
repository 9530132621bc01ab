/* open.c -- from a tree (spec.h) to an adaptation, bottom up: parts are opened
 * first and handed to the kind's own open function, which knows neither specs
 * nor folders.
 */
#include <string.h>

#include "adapt/adaptation.h"
#include "adapt/folder.h"
#include "adapt/prompt/demos.h"
#include "adapt/prompt/prompt_text.h"
#include "adapt/reward/reward_part.h"
#include "adapt/spec.h"
#include "base/mem.h"
#include "text/row_layout.h"

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

static int
note_path(struct adaptation *a, const char *path, trv_err *err)
{
    a->path = mem_strdup(path);
    return a->path ? 0
                   : err_fail(err, TRV_ENOMEM, "no memory to open '%s'", path);
}

/* ---- parts --------------------------------------------------------------- */

static int open_tree(struct adaptation **out, const struct adaptation_how *how,
                     const struct spec *s, trv_err *err);

static int
open_parts(struct kind_source *from, const struct adaptation_how *how,
           const struct spec *s, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; i < s->n_parts && !rc; i++) {
        from->parts[i].weight = s->parts[i].weight;
        if (s->parts[i].of)
            rc = open_tree(&from->parts[i].a, how, s->parts[i].of, err);
    }
    return rc;
}

/* Another model, then the part, for that model. */
static int
open_beside(struct kind_source *from, const struct adaptation_how *how,
            const struct spec *s, trv_err *err)
{
    struct adaptation_how there = *how;
    struct adaptation *base;
    int rc = begin(&base, s->path, err);

    if (rc)
        return rc;
    from->parts[1] = (struct mix_component){base, -1.0};
    base->kind = KIND_FULL;
    base->form = kind_form(KIND_FULL);
    rc = note_path(base, s->path, err);
    if (!rc)
        rc = session_open_beside(&base->full, s->path, how->m, how->notes, err);
    if (rc)
        return rc;
    there.m = base->full->model;
    there.id = NULL;
    if (!there.m->tokenizer || !how->m->tokenizer)
        return err_fail(err, TRV_EFORMAT, "'%s' has no tokenizer",
                        how->m->tokenizer ? s->path : how->m->path);
    return open_parts(from, &there, s, err);
}

/* A prompt of text has no system message to be. */
static int
note_place(const struct adaptation *a, const struct adaptation_how *how,
           trv_err *err)
{
    const bool placed = (a->kind == KIND_TEXT || a->kind == KIND_RETRIEVE) &&
                        model_is_chat(how->m) && how->m->no_system;

    return placed && sb_printf(how->notes,
                               "the chat template of '%s' has no place for a "
                               "system message: a prompt of text stands before "
                               "the user's words, parted by a blank line\n",
                               how->m->path)
               ? err_nomem(err, "to open '%.200s'", a->spec)
               : 0;
}

static int
open_kind(struct adaptation *a, const struct adaptation_how *how,
          const struct spec *s, trv_err *err)
{
    const bool beside = s->row->subject == SUBJECT_BESIDE;
    struct kind_source from = {.row = s->row,
                               .m = how->m,
                               .referrer = s->referrer,
                               .path = s->path,
                               .words = s->words,
                               .n_words = s->n_words,
                               .messages = s->messages,
                               .conf = s->conf,
                               .foreign = how->foreign,
                               .notes = how->notes,
                               .n_parts = s->n_parts + beside};
    int rc = 0;

    if (from.n_parts > 0) {
        from.parts = mem_calloc((size_t)from.n_parts, sizeof(*from.parts));
        if (!from.parts)
            return err_fail(err, TRV_ENOMEM, "no memory to open '%.200s'",
                            s->text);
        rc = beside ? open_beside(&from, how, s, err)
                    : open_parts(&from, how, s, err);
    }
    a->kind = s->row->kind;
    if (!rc && s->row->open)
        rc = s->row->open(a, &from, err);
    if (!rc)
        rc = note_place(a, how, err);
    for (int64_t i = 0; i < from.n_parts; i++)
        adaptation_free(from.parts[i].a);
    mem_free(from.parts);
    return rc;
}

/* ---- folders ------------------------------------------------------------- */

/* The reward that trivium.json describes. */
static int
open_described(struct adaptation *a, const struct adaptation_how *how,
               const struct kind_row *row, const char *dir, int depth,
               trv_err *err)
{
    struct adaptation_how inner = *how;
    struct spec *s = NULL;
    int rc;

    inner.foreign = true;
    rc = reward_read(&s, row, dir, json_object_get(a->artefact.root, "reward"),
                     depth, how->left, err);
    if (!rc)
        rc = open_kind(a, &inner, s, err);
    spec_free(s);
    return rc;
}

/* A kind that its files hold: in the folder, or in one of the name. */
static int
open_held(struct adaptation *a, const struct adaptation_how *how,
          const struct kind_row *row, const char *dir, trv_err *err)
{
    const bool one = row->payload && !row->config;
    char *path = one ? path_join(dir, row->payload) : mem_strdup(dir);
    struct kind_source from = {.row = row,
                               .m = how->m,
                               .path = path,
                               .foreign = true,
                               .notes = how->notes,
                               .conf =
                                   json_object_get(a->artefact.root, "prompt")};
    int rc =
        path ? 0 : err_fail(err, TRV_ENOMEM, "no memory to read '%s'", dir);

    a->kind = row->kind;
    if (!rc)
        rc = row->open(a, &from, err);
    mem_free(path);
    return rc;
}

/* It was made of inputs that were laid out in another way than here. */
static int
note_layout(const struct adaptation *a, const struct adaptation_how *how,
            const char *dir, trv_err *err)
{
    const char *made = a->artefact.layout;
    const bool chat = model_is_chat(how->m);
    const bool other = chat ? strcmp(made, LAYOUT_NAME_RAW) == 0
                            : strcmp(made, LAYOUT_NAME_CHAT) == 0;

    return other && sb_printf(how->notes,
                              "'%s' was made in the layout %s, and plain "
                              "prompts are laid out %s here: it may do "
                              "nothing%s\n",
                              dir, made, chat ? "as a chat" : "raw",
                              chat           ? "; --raw makes them raw"
                              : how->m->chat ? "; leave --raw away"
                                             : "")
               ? err_nomem(err, "to open '%s'", dir)
               : 0;
}

static int
open_folder(struct adaptation *a, const struct adaptation_how *how,
            const char *dir, int depth, trv_err *err)
{
    const struct kind_row *row;
    enum kind kind;
    int rc = folder_kind(&kind, &a->artefact, dir, how->m, how->id,
                         how->any_base, err);

    if (rc)
        return rc;
    row = kind_row(kind);
    rc = kind_is_described(row) ? open_described(a, how, row, dir, depth, err)
                                : open_held(a, how, row, dir, err);
    if (!rc && a->artefact.root)
        rc = note_layout(a, how, dir, err);
    if (!rc && a->artefact.root && *a->artefact.base_name) {
        mem_free(a->base_name); // it knows more than PEFT's own field
        a->base_name = mem_strdup(a->artefact.base_name);
        if (!a->base_name)
            rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'", dir);
    }
    return rc;
}

/* ---- trees --------------------------------------------------------------- */

static bool
is_by_folder(const struct spec *s)
{
    return s->is_folder &&
           (!s->row || s->row->payload || s->referrer || artefact_is(s->path));
}

static int
check_promised(const struct adaptation *a, const struct spec *s, trv_err *err)
{
    if (!s->row || a->kind == s->row->kind)
        return 0;
    if (s->referrer)
        return err_fail(
            err, TRV_EMISMATCH, "'%s' refers to '%s' as %.40s, and it is %s",
            s->referrer, s->path, kind_name(s->row->kind), kind_name(a->kind));
    return err_fail(err, TRV_EINVAL,
                    "'%s' holds an adaptation of kind %s, not %s", s->path,
                    kind_name(a->kind), kind_name(s->row->kind));
}

static int
open_tree(struct adaptation **out, const struct adaptation_how *how,
          const struct spec *s, trv_err *err)
{
    const bool beside = s->row && s->row->subject == SUBJECT_BESIDE;
    struct adaptation *a;
    int rc = begin(&a, s->text, err);

    if (!rc && s->path && !beside)
        rc = note_path(a, s->path, err);
    if (!rc && is_by_folder(s)) {
        rc = open_folder(a, how, s->path, s->depth, err);
        if (!rc)
            rc = check_promised(a, s, err);
    } else if (!rc) {
        rc = open_kind(a, how, s, err);
    }
    return finish(out, a, rc);
}

/* Open a tree that was read with rc, and free it. */
static int
open_whole(struct adaptation **out, struct adaptation_how *how, struct spec *s,
           int rc, trv_err *err)
{
    struct strbuf notes = {0};

    *out = NULL;
    how->notes = &notes;
    if (!rc)
        rc = open_tree(out, how, s, err);
    spec_free(s);
    if (rc)
        sb_release(&notes);
    else
        (*out)->notes = notes;
    return rc;
}

int
adaptation_open_part(struct adaptation **out, const struct adaptation_how *how,
                     const char *dir, const json_t *part, trv_err *err)
{
    struct spec *s;
    int rc = part_read(&s, dir, part, 0, how->left, err);

    *out = NULL;
    if (!rc)
        rc = open_tree(out, how, s, err);
    spec_free(s);
    return rc;
}

/* What is wrong with a spec is said of all of it, as the user wrote it: what
 * could not be read of it, and what it means and cannot be. */
static int
name_spec(int rc, bool read, const char *spec, trv_err *err)
{
    const char *at = err ? strstr(err->msg, spec) : NULL;

    while (at && (at == err->msg || at[-1] != '\''))
        at = strstr(at + 1, spec);
    if (err && !at && (rc == TRV_EINVAL || (rc && !read && rc != TRV_ENOMEM)))
        (void)err_prefix(err, "'%.200s'", spec);
    return rc;
}

int
adaptation_open(struct adaptation **out, const struct model *m,
                const struct model_identity *id, const char *spec,
                bool any_base, trv_err *err)
{
    int left = SPEC_REWARDS_MAX;
    struct adaptation_how how = {
        .m = m, .id = id, .any_base = any_base, .left = &left};
    struct spec *s;
    int rc = spec_read(&s, spec, 0, &left, err);

    return name_spec(open_whole(out, &how, s, rc, err), !rc, spec, err);
}

int
adaptation_open_mix(struct adaptation **out, const struct model *m,
                    const struct model_identity *id, const char *const *specs,
                    int64_t n, bool any_base, trv_err *err)
{
    int left = SPEC_REWARDS_MAX;
    struct adaptation_how how = {
        .m = m, .id = id, .any_base = any_base, .left = &left};
    struct spec *s;
    int rc = spec_read_list(&s, specs, n, &left, err);

    const bool read = !rc;

    rc = open_whole(out, &how, s, rc, err);
    return n == 1 ? name_spec(rc, read, specs[0], err) : rc;
}

/* ---- prompts that lie in no file of their own ---------------------------- */

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
