/* fuzz_reward.c -- a reward from a stranger: the spec of one ("verifier:...",
 * "sum:..."), or, where the bytes begin with a brace, a part of a trivium.json.
 *
 * What is accepted must be told as JSON, open from that again, and tell the
 * same. Rules then score a few answers. Names with a slash are left out: no
 * file but the working folder's is looked at; and no program is run.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "adapt/reward/reward_part.h"
#include "adapt/reward/reward.h"
#include "adapt/reward/verifier.h"
#include "adapt/spec.h"
#include "base/json.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each reward has what it scores by. */
static bool
is_whole(const struct adaptation *a)
{
    const struct reward *r = a->reward;
    bool whole = r != NULL;

    if (a->form != FORM_REWARD)
        return true;
    for (int64_t p = 0; whole && p < r->n_parts; p++)
        whole = is_whole(r->parts[p].of);
    switch (a->kind) {
    case KIND_RATIO:
    case KIND_CONTRAST:
        return whole && r->plus && isfinite(r->beta);
    case KIND_ENDO:
        return whole && r->beta > 0;
    case KIND_JUDGE:
        return whole && r->judge;
    case KIND_VERIFIER:
        return whole && r->verifier;
    case KIND_HEAD:
        return whole && r->scorer;
    default:
        return whole && r->n_parts > 0;
    }
}

/* Only rules: all else needs a model that has weights. */
static bool
is_rule(const struct adaptation *a)
{
    if (a->kind == KIND_VERIFIER)
        return !verifier_runs(a->reward->verifier);
    if (a->kind != KIND_SUM)
        return false;
    for (int64_t p = 0; p < a->reward->n_parts; p++)
        if (!is_rule(a->reward->parts[p].of))
            return false;
    return true;
}

static void
score(struct adaptation *a)
{
    static const char *const answers[] = {
        "", "The answer is 1,234.50.\n#### 1234.5", "{\"a\": [1, null]}",
        "a b\na! \xc3\xa9\xff"};
    static const int32_t ids[] = {0, 1, 2};
    struct reward_item items[4];
    struct data_row row = {.path = "fuzz", .line = 1, .label = -1};
    double value[4];
    trv_err err;

    row.json = json_pack("{s:s,s:s}", "prompt", "a", "answer", "1234.5");
    TRV_ASSERT(row.json);
    row.prompt = json_object_get(row.json, "prompt");
    for (int i = 0; i < 4; i++)
        items[i] = (struct reward_item){.row = &row,
                                        .text = answers[i],
                                        .n_text = strlen(answers[i]),
                                        .ids = ids,
                                        .n_ids = 3};
    if (!reward_score(NULL, a, value, NULL, items, 4, NULL, &err))
        for (int i = 0; i < 4; i++)
            TRV_ASSERT(isfinite(value[i]));
    json_decref(row.json);
}

/* What it tells, opened and told again. */
static void
again(const struct adaptation *a, const struct model *m)
{
    int left = SPEC_REWARDS_MAX;
    const struct adaptation_how how = {
        .m = m, .any_base = true, .foreign = true, .left = &left};
    struct adaptation *b;
    json_t *part, *told;
    trv_err err;

    if (part_to_json(&part, a, ".", &err))
        return; // what no folder may hold
    TRV_ASSERT(!adaptation_open_part(&b, &how, ".", part, &err));
    TRV_ASSERT(b->kind == a->kind);
    TRV_ASSERT(reward_has_tokens(a) == reward_has_tokens(b));
    TRV_ASSERT(!part_to_json(&told, b, ".", &err));
    TRV_ASSERT(json_equal(part, told));
    adaptation_free(b);
    json_decref(told);
    json_decref(part);
}

/* Only these open no file. */
static bool
names_reward(const char *text)
{
    int left = SPEC_REWARDS_MAX;
    struct spec *s;
    bool is;

    if (spec_read(&s, text, 0, &left, NULL))
        return false;
    is = s->row && kind_is_described(s->row);
    spec_free(s);
    return is;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model m; // no weights, no tokenizer
    int left = SPEC_REWARDS_MAX;
    const struct adaptation_how how = {
        .m = &m, .any_base = true, .foreign = true, .left = &left};
    char *text = mem_strndup((const char *)data, size);
    struct adaptation *a = NULL;
    json_t *part = NULL;
    trv_err err;
    int rc = TRV_EINVAL;

    if (text && !strchr(text, '/') && !strstr(text, "..")) {
        if (*text == '{') {
            rc = json_parse(&part, "fuzz", text, strlen(text), &err);
            if (!rc)
                rc = adaptation_open_part(&a, &how, ".", part, &err);
        } else if (names_reward(text)) {
            rc = adaptation_open(&a, &m, NULL, text, true, &err);
        }
    }
    if (!rc && a->form == FORM_REWARD) {
        TRV_ASSERT(is_whole(a));
        again(a, &m);
        if (is_rule(a))
            score(a);
    }
    if (!rc)
        adaptation_free(a);
    json_decref(part);
    mem_free(text);
    return 0;
}
