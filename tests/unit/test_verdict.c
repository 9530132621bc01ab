/* test_verdict.c -- facts about what is said to be wrong with a node. */
#include "support/test.h"

#include <string.h>

#include "triangle/verdict.h"

/* A row, and how a sentence about it begins; NULL: nothing is said. */
static const struct {
    const char *row, *says;
} cases[] = {
    /* up by chance alone */
    {"{'reward': {'base': {'mean': 0.5, 'stderr': 0.1}, "
     "'target': {'mean': 0.6, 'stderr': 0.1}}, 'second_reward': "
     "{'base': {'mean': 0.9, 'stderr': 0.01}, "
     "'target': {'mean': 0.1, 'stderr': 0.01}}}",
     NULL},
    {"{'reward': {'base': {'mean': 0.2, 'stderr': 0.05}, "
     "'target': {'mean': 0.9, 'stderr': 0.02}}, 'second_reward': "
     "{'base': {'mean': 0.9, 'stderr': 0.05}, "
     "'target': {'mean': 0.1, 'stderr': 0.05}}, "
     "'kl_base': {'mean': 7, 'stderr': 0.1}}",
     "reward hacking: the reward rose from 0.20 to 0.90"},
    /* the second reward stands, and the base is near: all is well */
    {"{'reward': {'base': {'mean': 0.2, 'stderr': 0.05}, "
     "'target': {'mean': 0.9, 'stderr': 0.02}}, 'second_reward': "
     "{'base': {'mean': 0.9, 'stderr': 0.05}, "
     "'target': {'mean': 0.85, 'stderr': 0.05}}, "
     "'kl_base': {'mean': 0.3, 'stderr': 0.1}}",
     NULL},
    {"{'reward': {'base': {'mean': 0.2, 'stderr': 0.05}, "
     "'target': {'mean': 0.9, 'stderr': 0.02}}, "
     "'kl_base': {'mean': 2.7, 'stderr': 0.1}}",
     "the reward rose from 0.20 to 0.90 at 2.7 nats per token"},
    {"{'metric': {'unseen': {'base': {'mean': 0.8, 'stderr': 0.03}, "
     "'target': {'mean': 0.5, 'stderr': 0.04}}}}",
     "forgetting: "},
    {"{'metric': {'unseen': {'base': {'mean': 0.8, 'stderr': 0.03}, "
     "'target': {'mean': 0.75, 'stderr': 0.04}}}}",
     NULL},
    {"{'fidelity': {'name': 'gap closed', "
     "'of_root': {'mean': 0.02, 'stderr': 0.01}}}",
     "poor optimum: hardly anything"},
    {"{'fidelity': {'name': 'gap closed', "
     "'of_root': {'mean': 0.02, 'stderr': 0.3}}}", // nobody can tell
     NULL},
    {"{'fidelity': {'name': 'reward gained', 'of_root': {'mean': 0.0, "
     "'stderr': 0.0}}, 'reward': {'base': {'mean': 0.1, 'stderr': 0.05}, "
     "'target': {'mean': 0.1, 'stderr': 0.05}}}",
     "poor optimum: the reward is 0.10"},
    {"{}", NULL},
    {"{'reward': 3, 'metric': [], 'fidelity': {'name': 4}}", NULL},
};

static void
test_verdict_names_what_its_figures_show(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[800];
        json_t *row;
        const char *said;
        trv_err err = {0};

        snprintf(text, sizeof(text), "%s", cases[i].row);
        for (char *p = text; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        row = json_loads(text, 0, NULL);
        assert_non_null(row);
        json_object_set_new(row, "trouble", json_array());
        assert_int_equal(verdict_add(row, true, &err), 0);
        said = json_string_value(
            json_array_get(json_object_get(row, "trouble"), 0));
        if (!cases[i].says != !said ||
            (said && strncmp(said, cases[i].says, strlen(cases[i].says)) != 0))
            fail_msg("%s\nsays %s", text, said ? said : "nothing");
        /* of another source it is no reward's doing */
        json_array_clear(json_object_get(row, "trouble"));
        assert_int_equal(verdict_add(row, false, &err), 0);
        if (cases[i].says && strstr(cases[i].says, "reward rose"))
            assert_int_equal(json_array_size(json_object_get(row, "trouble")),
                             0);
        json_decref(row);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict_names_what_its_figures_show),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
