/* test_tree.c -- facts about the tree of adaptations that a triangle makes. */
#include "support/test.h"

#include <string.h>

#include "triangle/edges_asked.h"
#include "triangle/tree.h"

static const uint64_t seeds[] = {3, 7};

static struct tree_of
task(const char *name)
{
    return (struct tree_of){.name = name,
                            .has = {false, true, true, true},
                            .is_chat = true,
                            .made_of = FORM_PROMPT,
                            .made_by = "distill"};
}

static void
build(struct tree *t, const struct tree_of *tasks, int n_tasks, int n_seeds,
      struct tree_limits limits)
{
    trv_err err = {0};

    if (tree_build(t, tasks, n_tasks, seeds, n_seeds, &limits, &err))
        fail_msg("%s", err.msg);
}

static const struct tree_node *
find(const struct tree *t, const char *id)
{
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->nodes[i].id, id) == 0)
            return &t->nodes[i];
    return NULL;
}

static void
test_tree_makes_parents_before_their_children(void **state)
{
    const struct tree_of tasks[] = {task("a"), task("b")};
    struct tree t;

    (void)state;
    build(&t, tasks, 2, 2, (struct tree_limits){.depth = 4});
    for (int i = 0; i < t.n; i++) {
        const struct tree_node *v = &t.nodes[i];
        const struct tree_node *root = &t.nodes[v->root];

        assert_true(v->parent < i && v->twin < i && v->root <= i);
        assert_int_equal(v->parent < 0, v->role == ROLE_SOURCE);
        assert_int_equal(root->role, ROLE_SOURCE);
        assert_int_equal(root->task, v->task);
        assert_true(root->seed == v->seed);
        assert_int_equal(root->forms[0], v->forms[0]);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(t.nodes[k].id, v->id);
        if (v->parent >= 0) {
            const struct tree_node *p = &t.nodes[v->parent];

            assert_int_equal(v->depth, p->depth + 1);
            assert_true(p->chosen); // chains go on from defaults alone
            assert_memory_equal(p->forms, v->forms,
                                (size_t)v->depth * sizeof(*v->forms));
            assert_int_not_equal(v->forms[v->depth], v->forms[v->depth - 1]);
            assert_int_equal(kind_form(v->kind), v->forms[v->depth]);
        }
    }
    tree_release(&t);
}

static void
test_tree_has_every_edge_round_trip_and_chain_of_two(void **state)
{
    const struct tree_of one = task("a");
    int edges[FORM_COUNT][FORM_COUNT] = {{0}}, round = 0, two = 0, around = 0;
    struct tree t;

    (void)state;
    build(&t, &one, 1, 1, (struct tree_limits){.depth = 4});
    for (int i = 0; i < t.n; i++) {
        const struct tree_node *v = &t.nodes[i];

        if (v->role == ROLE_EDGE && v->chosen)
            edges[v->forms[0]][v->forms[1]]++;
        round += v->depth == 2 && v->role == ROLE_ROUND_TRIP;
        two += v->depth == 2 && v->role == ROLE_CHAIN;
        around += v->depth > 2;
        for (int k = 3; k <= v->depth; k++) // behind two, only around
            assert_int_equal(v->forms[k], v->forms[k - 3]);
    }
    for (int f = FORM_PARAMS; f < FORM_COUNT; f++)
        for (int g = FORM_PARAMS; g < FORM_COUNT; g++)
            assert_int_equal(edges[f][g], f != g);
    assert_int_equal(round, 6);
    assert_int_equal(two, 6);
    assert_int_equal(around, 12);
    tree_release(&t);
}

static void
test_tree_takes_the_conversion_that_made_the_params_once(void **state)
{
    const struct tree_of one = task("a");
    const struct tree_node *v;
    struct tree t;

    (void)state;
    build(&t, &one, 1, 2, (struct tree_limits){.depth = 1});
    v = find(&t, "a/7/prompt+distill-lora");
    assert_non_null(v);
    assert_string_equal(t.nodes[v->twin].id, "a/7/params");
    v = find(&t, "a/7/prompt+sft-lora");
    assert_non_null(v);
    assert_int_equal(v->twin, -1);
    tree_release(&t);
}

static void
test_tree_begins_with_what_says_most(void **state)
{
    const struct tree_of tasks[] = {task("a"), task("b")};
    struct tree t;
    int core = 0;

    (void)state;
    build(&t, tasks, 2, 2, (struct tree_limits){.depth = 4});
    for (int i = 0; i < t.n; i++) {
        assert_true(i == 0 || t.nodes[i - 1].rank <= t.nodes[i].rank);
        core += t.nodes[i].rank <= TREE_RANK_CORE;
    }
    assert_int_equal(core, 2 * 2 * (3 + 6)); // sources, and defaults of six
    tree_release(&t);
}

static void
test_tree_leaves_out_what_is_not_asked_for(void **state)
{
    struct tree_of one = task("a");
    struct edges_asked asked;
    trv_err err = {0};
    struct tree t;

    (void)state;
    if (edges_asked_read(
            &asked, "prompt->params:solve, params-prompt:soft+demos", &err))
        fail_msg("%s", err.msg);
    for (int f = 0; f < FORM_COUNT; f++)
        for (int g = 0; g < FORM_COUNT; g++)
            one.methods[f][g] = asked.methods[f][g];
    build(&t, &one, 1, 1, (struct tree_limits){.depth = 1});
    assert_int_equal(t.n, 3 + 3);
    assert_non_null(find(&t, "a/3/prompt+solve-lora"));
    assert_true(find(&t, "a/3/prompt+solve-lora")->chosen);
    assert_true(find(&t, "a/3/params+soft-soft")->chosen);
    assert_false(find(&t, "a/3/params+demos-demos")->chosen);
    tree_release(&t);
    edges_asked_release(&asked);
}

static void
test_tree_refuses_edges_and_methods_that_are_none(void **state)
{
    static const char *const bad[] = {
        "prompt",
        "prompt-",
        "-params",
        "prompt-prompt",
        "prompt-param",
        "base-params",
        "prompt>params",
        "",
        "prompt-params,",
        ",",
        "prompt-params prompt-reward",
    };
    struct tree_of one = task("a");
    struct edges_asked asked;
    struct tree t;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        trv_err err = {0};

        if (edges_asked_read(&asked, bad[i], &err) != TRV_EINVAL)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.msg, "edges"));
    }
    for (int i = 0; i < 2; i++) {
        trv_err err = {0};

        one.methods[FORM_PROMPT][FORM_PARAMS] = i ? "distill nothing" : "dpo";
        assert_int_equal(tree_build(&t, &one, 1, seeds, 1,
                                    &(struct tree_limits){.depth = 4}, &err),
                         TRV_EINVAL);
        assert_non_null(strstr(err.msg, "no method of prompt->params"));
    }
}

static void
test_tree_survives_any_want_of_memory(void **state)
{
    const struct tree_of one = task("a");
    int rc;

    (void)state;
    for (int64_t n = 0, more = 1; more; n++) {
        struct tree t;
        trv_err err = {0};

        mem_fail_after(n);
        rc = tree_build(&t, &one, 1, seeds, 2,
                        &(struct tree_limits){.depth = 4}, &err);
        mem_fail_after(-1);
        more = rc != 0;
        if (rc)
            assert_int_equal(rc, TRV_ENOMEM);
        else
            tree_release(&t);
        assert_true(n < 100);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_makes_parents_before_their_children),
        cmocka_unit_test(test_tree_has_every_edge_round_trip_and_chain_of_two),
        cmocka_unit_test(
            test_tree_takes_the_conversion_that_made_the_params_once),
        cmocka_unit_test(test_tree_begins_with_what_says_most),
        cmocka_unit_test(test_tree_leaves_out_what_is_not_asked_for),
        cmocka_unit_test(test_tree_refuses_edges_and_methods_that_are_none),
        cmocka_unit_test(test_tree_survives_any_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
