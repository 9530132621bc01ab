/* mix.c -- reading mixes: as one spec, or as a list of weighted ones. */
#include "adapt/mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"

static int
check_part(const struct mix_part *part, trv_err *err)
{
    if (!isfinite(part->weight))
        return err_fail(err, TRV_EINVAL, "the weight of '%.200s' is no number",
                        part->a->spec);
    if (part->a->kind == KIND_MIX)
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' is a mix, which cannot be a part of one",
                        part->a->spec);
    if (part->a->form == FORM_REWARD)
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' is a reward, which has no distribution to be "
                        "mixed; what ratio and contrast are of has one",
                        part->a->spec);
    return 0;
}

/* Open one more adaptation as a part. */
static int
add_to_mix(struct adaptation *mix, const struct adaptation_how *how,
           const char *spec, double weight, trv_err *err)
{
    struct mix_part part = {.weight = weight};
    struct mix_part *grown;
    int rc;

    if (!strncmp(spec, "mix:", 4))
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' is a mix, which cannot be a part of one",
                        spec);
    rc = adaptation_open_how(&part.a, how, spec, err);
    if (!rc)
        rc = check_part(&part, err);
    if (rc)
        goto done;
    grown = mem_reallocarray(mix->mix, (size_t)mix->n_mix + 1, sizeof(*grown));
    if (!grown) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for a mix");
        goto done;
    }
    mix->mix = grown;
    grown[mix->n_mix++] = part;
    part.a = NULL;
done:
    adaptation_free(part.a);
    return rc;
}

const char *
mix_term(double *weight, const char *s)
{
    const size_t sign = *s == '+' || *s == '-';
    char *end;

    if (!strchr("0123456789.", s[sign]) || !s[sign])
        return NULL;
    *weight = strtod(s, &end);
    return *end == '*' && end[1] ? end + 1 : NULL;
}

int
mix_read(struct adaptation *a, const struct adaptation_how *how,
         const char *list, trv_err *err)
{
    struct strbuf one = {0};
    double weight, next;
    const char *at = mix_term(&weight, list);
    int rc = 0;

    a->kind = KIND_MIX;
    if (!at)
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' is no mix: it is WEIGHT*ADAPTATION, and "
                        "further ones behind + or -, as in "
                        "mix:1.5*lora:out/a-0.5*prompt:@z.txt",
                        a->spec);
    while (at && !rc) {
        const char *end = at + 1;

        while (*end && !((*end == '+' || *end == '-') && mix_term(&next, end)))
            end++;
        sb_reset(&one);
        if (sb_add(&one, at, (size_t)(end - at))) {
            rc = err_fail(err, TRV_ENOMEM, "no memory for a mix");
            break;
        }
        rc = add_to_mix(a, how, one.s, weight, err);
        at = *end ? mix_term(&weight, end) : NULL;
    }
    sb_release(&one);
    return rc;
}

/* What the spec of a weighted adaptation says: W*A, A=W, or A alone. */
static int
split_weight(struct strbuf *spec, double *weight, const char *given,
             trv_err *err)
{
    const char *rest = mix_term(weight, given);
    const char *equals = strrchr(given, '=');
    const bool keeps = adaptation_names_reward(given) ||
                       strncmp(given, "demos:", 6) == 0 ||
                       strncmp(given, "retrieve:", 9) == 0 ||
                       (strncmp(given, "prompt:", 7) == 0 && given[7] != '@');
    size_t n = strlen(given);
    char *end;

    if (!rest)
        *weight = 1.0;
    if (!rest && equals && equals[1] && !keeps) {
        const double w = strtod(equals + 1, &end);

        if (!*end && strchr("+-.0123456789", equals[1])) {
            *weight = w;
            n = (size_t)(equals - given);
        }
    }
    return sb_add(spec, rest ? rest : given, rest ? strlen(rest) : n)
               ? err_fail(err, TRV_ENOMEM, "no memory for a mix")
               : 0;
}

int
mix_open(struct adaptation **out, const struct model *m,
         const struct model_identity *id, const char *const *specs, int64_t n,
         bool any_base, trv_err *err)
{
    int left = ADAPTATION_REWARDS_MAX;
    const struct adaptation_how how = {
        .m = m, .id = id, .any_base = any_base, .left = &left};
    struct strbuf spec = {0}, names = {0};
    struct adaptation *mix = mem_calloc(1, sizeof(*mix));
    double weight;
    int rc = 0;

    *out = NULL;
    if (!mix)
        return err_fail(err, TRV_ENOMEM, "no memory for a mix");
    mix->kind = KIND_MIX;
    mix->form = kind_form(KIND_MIX);
    for (int64_t i = 0; i < n && !rc; i++) {
        sb_reset(&spec);
        rc = split_weight(&spec, &weight, specs[i], err);
        if (!rc && n == 1 && weight == 1.0) { // nothing to mix
            rc = adaptation_open_how(out, &how, spec.s, err);
            goto done;
        }
        if (!rc)
            rc = add_to_mix(mix, &how, spec.s, weight, err);
        if (!rc && sb_printf(&names, "%s%s%.12g*%s", i ? "" : "mix:",
                             i && weight >= 0 ? "+" : "", weight, spec.s))
            rc = err_fail(err, TRV_ENOMEM, "no memory for a mix");
    }
    if (rc)
        goto done;
    mix->spec = sb_take(&names);
    if (!mix->spec) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for a mix");
        goto done;
    }
    *out = mix;
    mix = NULL;
done:
    adaptation_free(mix);
    sb_release(&names);
    sb_release(&spec);
    return rc;
}
