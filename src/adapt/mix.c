/* mix.c -- which adaptations may be components of a mix. */
#include "adapt/mix.h"

#include "base/mem.h"

static int
check_part(const struct adaptation *part, trv_err *err)
{
    if (part->kind == KIND_MIX)
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' is a mix, which cannot be a component of one",
                        part->spec);
    if (part->form == FORM_REWARD)
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' is a reward, which has no distribution to be "
                        "mixed; what ratio and contrast are of has one",
                        part->spec);
    return 0;
}

int
mix_open(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; i < from->n_parts && !rc; i++)
        rc = check_part(from->parts[i].a, err);
    if (rc)
        return rc;
    a->mix = mem_calloc((size_t)from->n_parts, sizeof(*a->mix));
    if (!a->mix)
        return err_fail(err, TRV_ENOMEM, "no memory for a mix");
    for (int64_t i = 0; i < from->n_parts; i++) {
        a->mix[a->n_mix++] = from->parts[i];
        from->parts[i].a = NULL;
    }
    return 0;
}
