/* reward_open.c -- rewards from options and parts.
 *
 * A spec and an object of trivium.json give the same options and parts
 * (spec.c, reward_part.c), so there is one check of each.
 */
#include "adapt/reward/reward_open.h"

#include "adapt/prompt/prompt_text.h"
#include "adapt/reward/judge.h"
#include "adapt/reward/verifier.h"
#include "base/mem.h"

#define BETA_MAX 1e6
#define ALPHA_MIN 1e-3

const struct conf_option beta_options[] = {
    {.info = {"beta", "B", "1", "what the log-ratio is multiplied by", false},
     .type = CONF_NUMBER,
     .at = offsetof(struct reward, beta),
     .lo = -BETA_MAX,
     .hi = BETA_MAX},
    {.info = {.name = NULL}},
};
const struct conf_option alpha_options[] = {
    {.info = {"alpha", "A", "1", "the temperature of the logits, above 0",
              false},
     .type = CONF_NUMBER,
     .at = offsetof(struct reward, beta),
     .lo = ALPHA_MIN,
     .hi = BETA_MAX},
    {.info = {.name = NULL}},
};
const struct conf_option no_options[] = {{.info = {.name = NULL}}};

static int
begin(struct adaptation *a, const struct kind_source *from, trv_err *err)
{
    json_t *conf = (json_t *)(uintptr_t)from->conf; // only looked at

    a->reward = mem_calloc(1, sizeof(*a->reward));
    if (!a->reward)
        return err_nomem(err, "to open a reward");
    a->reward->beta = 1.0;
    a->reward->conf = conf ? json_copy(conf) : json_object();
    return a->reward->conf ? 0 : err_nomem(err, "to open a reward");
}

int
reward_open_verifier(struct adaptation *a, struct kind_source *from,
                     trv_err *err)
{
    struct reward *r;
    int rc = begin(a, from, err);

    if (rc)
        return rc;
    r = a->reward;
    rc = verifier_open(&r->verifier, r->conf, from->m->tokenizer, err);
    if (!rc && from->foreign && verifier_runs(r->verifier))
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "a folder's word is not enough to run a program: give "
                      "verifier:command,cmd=... yourself");
    return rc;
}

int
reward_open_judge(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    const char *principle;
    int rc = begin(a, from, err);

    if (!rc)
        rc = judge_open(&a->reward->judge, a->reward->conf, err);
    if (rc)
        return rc;
    principle =
        json_string_value(json_object_get(a->reward->conf, "principle"));
    return prompt_note_file(from, principle, "the principle", "judge:", err);
}

/* A side must be something that gives the next token. */
static int
check_acts(const struct adaptation *side, const char *what, trv_err *err)
{
    if (!side || side->form == FORM_PARAMS || side->form == FORM_PROMPT)
        return 0;
    return err_fail(err, TRV_EINVAL,
                    "%s compares parameters or prompts, and '%.200s' is %s",
                    what, side->spec,
                    side->form == FORM_REWARD ? "a reward" : "the base");
}

int
reward_open_sides(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    const struct kind_row *row = from->row;
    struct adaptation **side[2];
    struct reward *r;
    int rc = begin(a, from, err);

    if (rc)
        return rc;
    r = a->reward;
    side[0] = &r->plus;
    side[1] = &r->minus;
    rc = conf_read(r, r->conf, row->options, row->prefix, err);
    TRV_ASSERT(from->n_parts <= 2);
    for (int64_t i = 0; i < from->n_parts && !rc; i++) {
        rc = check_acts(from->parts[i].a, row->prefix, err);
        if (!rc) {
            *side[i] = from->parts[i].a;
            from->parts[i].a = NULL;
        }
    }
    return rc;
}

int
reward_open_sum(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    struct reward *r;
    int rc = begin(a, from, err);

    if (rc)
        return rc;
    r = a->reward;
    rc = conf_read(r, r->conf, from->row->options, from->row->prefix, err);
    for (int64_t i = 0; i < from->n_parts && !rc; i++)
        if (from->parts[i].a->form == FORM_BASE)
            rc = err_fail(err, TRV_EINVAL,
                          "a sum adds rewards, and the base is none");
    if (rc)
        return rc;
    r->parts = mem_calloc((size_t)from->n_parts, sizeof(*r->parts));
    if (!r->parts)
        return err_nomem(err, "to open a reward");
    for (int64_t i = 0; i < from->n_parts; i++) {
        r->parts[r->n_parts++] =
            (struct reward_part){from->parts[i].weight, from->parts[i].a};
        from->parts[i].a = NULL;
    }
    return 0;
}
