/* folder.c -- folders by their trivium.json, or by a file of the registry. */
#include "adapt/folder.h"

#include <string.h>

#include "base/strbuf.h"

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

/* The files that hold a kind are among those that trivium.json vouches for. */
static int
check_listed(const struct artefact *a, const char *dir,
             const struct kind_row *row, trv_err *err)
{
    const char *const names[] = {row->payload, row->config};

    for (int i = 0; i < 2; i++)
        if (names[i] && !lists_file(a, names[i]))
            return err_fail(err, TRV_EFORMAT,
                            "the '%s' of '%s' does not list '%s' among its "
                            "files",
                            ARTEFACT_MANIFEST, dir, names[i]);
    return 0;
}

static bool
is_openable(const struct kind_row *row)
{
    return row->payload || row->subject == SUBJECT_FOLDER ||
           kind_is_described(row);
}

static int
read_artefact(struct artefact *art, const char *dir, const struct model *m,
              const struct model_identity *id, bool any_base, trv_err *err)
{
    int rc = artefact_read(art, dir, err);

    if (rc)
        return rc;
    if (!is_openable(kind_row(art->kind)))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' holds a %s of kind '%s', which cannot be opened "
                        "yet",
                        dir, form_name(art->form), kind_name(art->kind));
    rc = check_listed(art, dir, kind_row(art->kind), err);
    if (!rc)
        rc = artefact_check_files(art, dir, err);
    return rc || any_base ? rc : check_base(art, dir, m, id, err);
}

/* What was looked for, in the order of the rows. */
static int
is_none(const char *dir, trv_err *err)
{
    const struct kind_row *row;
    struct strbuf marks = {0};
    int bad = sb_puts(&marks, ARTEFACT_MANIFEST), rc;

    for (int i = 0; (row = kind_row_at(i)); i++)
        if (row->mark)
            bad |= sb_printf(&marks, ", %s", row->mark);
    rc = bad ? err_fail(err, TRV_ENOMEM, "no memory to open '%s'", dir)
             : err_fail(err, TRV_EFORMAT,
                        "'%s' is no adaptation: it holds none of %s", dir,
                        marks.s);
    sb_release(&marks);
    return rc;
}

int
folder_kind(enum kind *kind, struct artefact *art, const char *dir,
            const struct model *m, const struct model_identity *id,
            bool any_base, trv_err *err)
{
    const struct kind_row *row;
    int rc;

    if (artefact_is(dir)) {
        rc = read_artefact(art, dir, m, id, any_base, err);
        *kind = art->kind;
        return rc;
    }
    for (int i = 0; (row = kind_row_at(i)); i++) {
        if (!row->mark || !dir_has(dir, row->mark))
            continue;
        *kind = row->kind;
        return row->find ? row->find(kind, dir, err) : 0;
    }
    return is_none(dir, err);
}
