/* test_triangle_check.c -- facts about reports that a page can be made of. */
#include "support/test.h"

#include "cli/triangle_check.h"

#define ROOT                                                                   \
    "{\"id\": \"t/0/prompt\", \"task\": \"t\", \"role\": \"source\", "         \
    "\"status\": \"done\", \"parent\": null, \"path\": [\"prompt\"]}"
#define EDGE(id, parent, path)                                                 \
    "{\"id\": \"" id "\", \"task\": \"t\", \"role\": \"edge\", \"status\": "   \
    "\"done\", \"parent\": \"" parent "\", \"path\": [" path "]}"
#define REPORT(nodes)                                                          \
    "{\"format\": 1, \"tasks\": [{\"name\": \"t\"}], \"nodes\": [" nodes "]}"

static void
says(const char *text, const char *want)
{
    char why[TRIANGLE_WHY_MAX];
    json_t *report = json_loads(text, 0, NULL);
    const bool good = report && triangle_check(why, report);

    json_decref(report);
    assert_string_equal(good ? "good" : why, want);
}

static void
test_triangle_check_takes_a_tree(void **state)
{
    (void)state;
    says(REPORT(""), "good");
    says(REPORT(ROOT), "good");
    says(REPORT(EDGE("a", "t/0/prompt", "\"prompt\", \"params\"") "," ROOT),
         "good"); // in any order
}

static void
test_triangle_check_names_the_field_that_is_wrong(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"[]", "it is no JSON object"},
        {"{\"format\": 2}", "format is not 1"},
        {"{\"format\": 1, \"tasks\": 3}", "tasks is no list"},
        {"{\"format\": 1, \"tasks\": [4]}", "tasks[0].name is no text"},
        {"{\"format\": 1, \"tasks\": []}", "nodes is no list"},
        {REPORT("7"), "nodes[0] is no object"},
        {REPORT("{}"), "nodes[0].id is no text"},
        {REPORT(EDGE("a", "b", "")),
         "nodes[0].path is no list of 1 to 8 forms"},
        {REPORT(EDGE("a", "b", "\"soup\"")),
         "nodes[0].path[0] is none of params, prompt, reward"},
        {REPORT(ROOT "," ROOT), "nodes[1].id is an earlier node's"},
        {REPORT(EDGE("a", "b", "\"prompt\"")),
         "nodes[0].parent is no node of the report"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        says(rows[i].text, rows[i].want);
}

static void
test_triangle_check_finds_parents_that_are_a_circle(void **state)
{
    (void)state;
    says(REPORT(EDGE("a", "b", "\"prompt\", \"params\"") "," EDGE(
             "b", "a", "\"prompt\", \"params\"")),
         "nodes[0].path is not one form longer than its parent's");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_triangle_check_takes_a_tree),
        cmocka_unit_test(test_triangle_check_names_the_field_that_is_wrong),
        cmocka_unit_test(test_triangle_check_finds_parents_that_are_a_circle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
