/* test_reward_part.c -- parts of rewards in trivium.json: what is told opens
 * again, and what is broken is refused.
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/reward/reward_part.h"
#include "base/json.h"

static struct model m; // rules and prompts of text need nothing of it

static int
open_part(struct adaptation **out, const char *text, trv_err *err)
{
    int left = SPEC_REWARDS_MAX;
    const struct adaptation_how how = {
        .m = &m, .any_base = true, .foreign = true, .left = &left};
    json_t *part;
    int rc;

    assert_int_equal(json_parse(&part, "part", text, strlen(text), err), 0);
    rc = adaptation_open_part(out, &how, ".", part, err);
    json_decref(part);
    return rc;
}

static void
test_reward_part_that_was_told_opens_and_tells_the_same(void **state)
{
    static const char *const specs[] = {
        "verifier:regex,by=letter,pattern=[a-m],n",
        "judge:scale=1-5,Be short, and kind.",
        "contrast:beta=2,prompt:Say it twice. ,minus=prompt:No. ",
        "sum:0.7*verifier:number-0.1*ratio:beta=-3,prompt:a",
        "endo:",
        "endo:alpha=0.5,prompt:a",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct adaptation *a, *b;
        json_t *told, *again;
        char *text;
        trv_err err = {0};

        assert_int_equal(adaptation_open(&a, &m, NULL, specs[i], true, &err),
                         0);
        assert_int_equal(part_to_json(&told, a, ".", &err), 0);
        text = json_dumps(told, 0);
        if (open_part(&b, text, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(part_to_json(&again, b, ".", &err), 0);
        assert_true(json_equal(told, again));
        free(text);
        json_decref(told);
        json_decref(again);
        adaptation_free(a);
        adaptation_free(b);
    }
}

/* A head is a folder: an object in its place has nothing to score by. */
static void
test_reward_part_that_is_broken_is_refused(void **state)
{
    static const char *const broken[] = {
        "{\"kind\": \"head\", \"reward\": {}}",
        "{\"kind\": \"lora\", \"reward\": {}}",
        ("{\"kind\": \"sum\", \"reward\": {\"parts\": [{\"weight\": 1,"
         " \"part\": {\"kind\": \"head\", \"reward\": {}}}]}}"),
        "{\"kind\": \"sum\", \"reward\": {\"parts\": []}}",
        "{\"kind\": \"ratio\", \"reward\": {}}",
        "{\"kind\": \"text\"}",
        "{\"reward\": {}}",
        "[]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct adaptation *a = NULL;
        trv_err err = {0};

        assert_int_equal(open_part(&a, broken[i], &err), TRV_EFORMAT);
        assert_null(a);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_reward_part_that_was_told_opens_and_tells_the_same),
        cmocka_unit_test(test_reward_part_that_is_broken_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
