/* reward_open.c -- from specs and from trivium.json to rewards.
 *
 * A spec is first read into the object that trivium.json would hold, then that
 * is opened; only parts are opened from where they stand. So there is one check
 * of every option.
 */
#include <math.h>
#include <string.h>

#include "adapt/mix.h"
#include "adapt/reward/judge.h"
#include "adapt/reward/reward.h"
#include "adapt/reward/reward_conf.h"
#include "adapt/reward/reward_part.h"
#include "adapt/reward/verifier.h"
#include "base/mem.h"

#define PARTS_MAX 64
#define DEPTH_MAX 8 // a reward of a reward of ...
#define BETA_MAX 1e6

static const char *const beta_only[] = {"beta", NULL};

static int
no_memory(trv_err *err)
{
    return err_fail(err, TRV_ENOMEM, "no memory to open a reward");
}

static int
begin(struct adaptation *a, const struct adaptation_how *how, trv_err *err)
{
    if (how->depth > DEPTH_MAX)
        return err_fail(err, TRV_EINVAL,
                        "rewards stand in rewards more than %d deep",
                        DEPTH_MAX);
    if (--*how->left < 0) // or folders that name themselves take for ever
        return err_fail(err, TRV_EINVAL, "too many rewards stand in one");
    a->reward = mem_calloc(1, sizeof(*a->reward));
    return a->reward ? 0 : no_memory(err);
}

/* A part of ratio or contrast: something that gives the next token. */
static int
check_acts(const struct adaptation *part, const char *what, trv_err *err)
{
    if (part->form == FORM_PARAMS || part->form == FORM_PROMPT)
        return 0;
    return err_fail(err, TRV_EINVAL,
                    "%s compares parameters or prompts, and '%.200s' is %s",
                    what, part->spec,
                    part->form == FORM_REWARD ? "a reward" : "the base");
}

static int
check_scores(const struct reward_part *part, trv_err *err)
{
    if (!isfinite(part->weight))
        return err_fail(err, TRV_EINVAL, "the weight of '%.200s' is no number",
                        part->of->spec);
    if (part->of->form != FORM_BASE)
        return 0;
    return err_fail(err, TRV_EINVAL,
                    "a sum adds rewards, and the base is none");
}

static struct adaptation_how
deeper(const struct adaptation_how *how)
{
    struct adaptation_how inner = *how;

    inner.depth++;
    return inner;
}

/* ---- what is alike for both --------------------------------------------- */

/* Options are in r->conf, parts are open: make what works. */
static int
finish(struct adaptation *a, const struct adaptation_how *how, trv_err *err)
{
    struct reward *r = a->reward;
    int rc = 0;

    r->beta = 1.0;
    switch (a->kind) {
    case KIND_VERIFIER:
        rc = verifier_open(&r->verifier, r->conf, how->m->tokenizer, err);
        if (!rc && how->foreign && verifier_runs(r->verifier))
            rc = err_fail(err, TRV_EUNSUPPORTED,
                          "a folder's word is not enough to run a program: "
                          "give verifier:command,cmd=... yourself");
        return rc;
    case KIND_JUDGE:
        return judge_open(&r->judge, r->conf, err);
    case KIND_RATIO:
    case KIND_CONTRAST:
        rc = conf_num(&r->beta, r->conf, "beta", -BETA_MAX, BETA_MAX,
                      kind_name(a->kind), err);
        if (!rc)
            rc = check_acts(r->plus, kind_name(a->kind), err);
        if (!rc && r->minus)
            rc = check_acts(r->minus, kind_name(a->kind), err);
        return rc;
    default:
        for (int64_t p = 0; p < r->n_parts && !rc; p++)
            rc = check_scores(&r->parts[p], err);
        return rc;
    }
}

static int
add_part(struct reward *r, double weight, struct adaptation *of, trv_err *err)
{
    struct reward_part *more;

    if (r->n_parts >= PARTS_MAX) {
        adaptation_free(of);
        return err_fail(err, TRV_EINVAL, "a sum has more than %d parts",
                        PARTS_MAX);
    }
    more = mem_reallocarray(r->parts, (size_t)r->n_parts + 1, sizeof(*more));
    if (!more) {
        adaptation_free(of);
        return no_memory(err);
    }
    r->parts = more;
    r->parts[r->n_parts++] = (struct reward_part){weight, of};
    return 0;
}

/* ---- specs -------------------------------------------------------------- */

/* 0.7*verifier:number+0.3*judge:...: a part ends where the next begins. */
static int
open_sum(struct reward *r, const struct adaptation_how *how, const char *list,
         trv_err *err)
{
    const struct adaptation_how inner = deeper(how);
    double weight, next;
    const char *at = mix_term(&weight, list);
    int rc = 0;

    if (!at)
        return err_fail(err, TRV_EINVAL,
                        "'%.100s' is no sum: it is WEIGHT*REWARD, and further "
                        "ones behind + or -, as in "
                        "sum:0.7*verifier:number+0.3*judge:@FILE",
                        list);
    while (at && !rc) {
        const char *end = at + 1;
        struct adaptation *of = NULL;
        char *spec;

        while (*end && !((*end == '+' || *end == '-') && mix_term(&next, end)))
            end++;
        spec = mem_strndup(at, (size_t)(end - at));
        if (!spec)
            return no_memory(err);
        rc = strncmp(spec, "sum:", 4) == 0
                 ? err_fail(err, TRV_EINVAL,
                            "a sum inside a sum needs a folder of its own")
                 : adaptation_open_how(&of, &inner, spec, err);
        mem_free(spec);
        if (!rc)
            rc = add_part(r, weight, of, err);
        at = *end ? mix_term(&weight, end) : NULL;
    }
    return rc;
}

static int
open_contrast(struct reward *r, const struct adaptation_how *how,
              const char *rest, trv_err *err)
{
    static const char mark[] = ",minus=";
    const struct adaptation_how inner = deeper(how);
    const char *minus = strstr(rest, mark);
    char *plus =
        mem_strndup(rest, minus ? (size_t)(minus - rest) : strlen(rest));
    int rc = plus ? 0 : no_memory(err);

    if (!rc)
        rc = adaptation_open_how(&r->plus, &inner, plus, err);
    if (!rc && minus && strcmp(minus + sizeof(mark) - 1, "base") != 0)
        rc = adaptation_open_how(&r->minus, &inner, minus + sizeof(mark) - 1,
                                 err);
    mem_free(plus);
    return rc;
}

int
reward_open_spec(struct adaptation *a, const struct adaptation_how *how,
                 const char *rest, trv_err *err)
{
    const struct adaptation_how inner = deeper(how);
    struct reward *r;
    int rc = begin(a, how, err);

    if (rc)
        return rc;
    r = a->reward;
    if (a->kind == KIND_VERIFIER)
        rc = verifier_parse(&r->conf, rest, err);
    else if (a->kind == KIND_JUDGE)
        rc = judge_parse(&r->conf, rest, err);
    else if (!(r->conf = json_object()))
        rc = no_memory(err);
    if (!rc && (a->kind == KIND_RATIO || a->kind == KIND_CONTRAST))
        rc = conf_lead(r->conf, &rest, kind_name(a->kind), beta_only, err);
    if (!rc && a->kind == KIND_RATIO)
        rc = adaptation_open_how(&r->plus, &inner, rest, err);
    if (!rc && a->kind == KIND_CONTRAST)
        rc = open_contrast(r, how, rest, err);
    if (!rc && a->kind == KIND_SUM)
        rc = open_sum(r, how, rest, err);
    return rc ? rc : finish(a, how, err);
}

/* ---- trivium.json ------------------------------------------------------- */

/* {"weight": 0.7, "part": {...}} each */
static int
open_parts(struct reward *r, const struct adaptation_how *how, const char *dir,
           const json_t *conf, trv_err *err)
{
    const json_t *list = json_object_get(conf, "parts"), *entry;
    size_t i;
    int rc = 0;

    if (!json_is_array(list) || json_array_size(list) < 1)
        return err_fail(err, TRV_EFORMAT, "the sum of '%s' has no parts", dir);
    json_array_foreach(list, i, entry)
    {
        const json_t *w = json_object_get(entry, "weight");
        struct adaptation *of = NULL;

        if (!json_is_number(w) || !isfinite(json_number_value(w)))
            return err_fail(err, TRV_EFORMAT,
                            "part %zu of the sum of '%s' has no weight", i + 1,
                            dir);
        rc = part_open(&of, how, dir, json_object_get(entry, "part"), err);
        if (!rc)
            rc = add_part(r, json_number_value(w), of, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Options of a kind that has parts: all but these. */
static int
take_options(struct reward *r, const json_t *conf, const char *const *parts,
             trv_err *err)
{
    r->conf = json_copy((json_t *)(uintptr_t)conf);
    if (!r->conf)
        return no_memory(err);
    for (; *parts; parts++)
        (void)json_object_del(r->conf, *parts);
    return 0;
}

int
reward_open_conf(struct adaptation *a, const struct adaptation_how *how,
                 const char *dir, const json_t *conf, trv_err *err)
{
    static const char *const parts[] = {"of", "plus", "minus", "parts", NULL};
    static const char *const none[] = {NULL};
    const struct adaptation_how inner = deeper(how);
    const json_t *minus = json_object_get(conf, "minus");
    const char *word = json_string_value(minus);
    struct reward *r;
    int rc = begin(a, how, err);

    if (rc)
        return rc;
    r = a->reward;
    if (!json_is_object(conf))
        return err_fail(err, TRV_EFORMAT,
                        "'%s' has no object 'reward' that describes its %s",
                        dir, kind_name(a->kind));
    rc = take_options(r, conf, parts, err);
    if (!rc && a->kind == KIND_RATIO)
        rc = part_open(&r->plus, &inner, dir, json_object_get(conf, "of"), err);
    if (!rc && a->kind == KIND_CONTRAST)
        rc = part_open(&r->plus, &inner, dir, json_object_get(conf, "plus"),
                       err);
    if (!rc && a->kind == KIND_CONTRAST && minus &&
        !(word && !strcmp(word, "base")))
        rc = part_open(&r->minus, &inner, dir, minus, err);
    if (!rc && a->kind == KIND_SUM)
        rc = open_parts(r, &inner, dir, conf, err);
    if (!rc && (a->kind == KIND_RATIO || a->kind == KIND_CONTRAST ||
                a->kind == KIND_SUM))
        rc = conf_known(r->conf, kind_name(a->kind),
                        a->kind == KIND_SUM ? none : beta_only, err);
    return rc ? rc : finish(a, how, err);
}
