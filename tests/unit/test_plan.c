/* test_plan.c -- which figures are measured of which sides, and why others are
 * not. */
#include "support/test.h"

#include <string.h>

#include "measure/plan.h"

static struct adaptation base = {.form = FORM_BASE, .kind = KIND_BASE};
static struct adaptation text = {
    .form = FORM_PROMPT, .kind = KIND_TEXT, .spec = (char[]){"prompt:z"}};
static struct adaptation lora = {
    .form = FORM_PARAMS, .kind = KIND_LORA, .spec = (char[]){"lora:out"}};
static struct adaptation chat = {
    .form = FORM_PROMPT, .kind = KIND_MESSAGES, .spec = (char[]){"messages:z"}};
static struct adaptation check = {.form = FORM_REWARD,
                                  .kind = KIND_VERIFIER,
                                  .spec = (char[]){"verifier:number"}};

#define KL (ASKED(kl_forward) | ASKED(kl_reverse) | ASKED(kl_base))
#define ALONG (KL | ASKED(gap_closed) | ASKED(top1_agreement))
#define SIDES_OF_TASK (ASKED(task_base) | ASKED(task_target) | ASKED(task_gain))

static const struct {
    const char *name;
    struct adaptation *a, *b; // b NULL: there is no target
    bool task;
    const char *figures; // as named; NULL: the default
    double temperature;  // 0: the default
    bool greedy;
    unsigned want;     // 0: refused
    const char *fails; // with this in the message
    int64_t per_side[SIDES];
} cases[] = {
    {.name = "a prompt and its LoRA",
     .a = &text,
     .b = &lora,
     .want = ALONG | ASKED_DRIFT | ASKED_RANKS,
     .per_side = {2, 2, 1}},
    {.name = "a chat's prompt says nothing to a control text",
     .a = &chat,
     .b = &lora,
     .want = ALONG | ASKED(drift) | ASKED_RANKS,
     .per_side = {2, 2, 1}},
    {.name = "with a task",
     .a = &text,
     .b = &lora,
     .task = true,
     .want = ALONG | ASKED_DRIFT | ASKED_RANKS | ASKED_TASK,
     .per_side = {2, 2, 2}},
    {.name = "the base as target neither drifts nor scores",
     .a = &text,
     .b = &base,
     .want = ALONG,
     .per_side = {0, 1, 1}},
    {.name = "the base as source has no gap",
     .a = &base,
     .b = &lora,
     .want = ASKED(kl_forward) | ASKED(kl_reverse) | ASKED(top1_agreement) |
             ASKED(drift),
     .per_side = {0, 1, 1}},
    {.name = "the same twice does not drift from itself",
     .a = &lora,
     .b = &lora,
     .want = ALONG | ASKED_RANKS,
     .per_side = {2, 2, 1}},
    {.name = "what a verifier made is meant to move",
     .a = &check,
     .b = &lora,
     .task = true,
     .want = ASKED_RANKS | SIDES_OF_TASK,
     .per_side = {2, 0, 2}},
    {.name = "unless it is asked",
     .a = &check,
     .b = &lora,
     .task = true,
     .figures = "drift",
     .want = ASKED(drift)},
    {.name = "the base beside itself",
     .a = &base,
     .b = &base,
     .fails = "nothing to measure between the base and itself"},
    {.name = "the base beside itself at a task: drawn once",
     .a = &base,
     .b = &base,
     .task = true,
     .want = ASKED(task_base) | ASKED(task_source) | ASKED(task_target),
     .per_side = {2, 0, 0}},
    {.name = "a source alone",
     .a = &lora,
     .task = true,
     .want = ASKED(task_base) | ASKED(task_source) | ASKED(task_gain),
     .per_side = {2, 2, 0}},
    {.name = "a source alone, greedily",
     .a = &lora,
     .task = true,
     .greedy = true,
     .want = ASKED(task_base) | ASKED(task_source) | ASKED(task_gain),
     .per_side = {1, 1, 0}},
    {.name = "its reward without the base's",
     .a = &lora,
     .task = true,
     .figures = "task_source",
     .want = ASKED(task_source),
     .per_side = {0, 2, 0}},
    {.name = "the base alone",
     .a = &base,
     .task = true,
     .want = ASKED(task_source),
     .per_side = {2, 0, 0}},
    {.name = "a source alone without a task",
     .a = &lora,
     .fails = "give --target B, or --task REWARD"},
    {.name = "a reward alone",
     .a = &check,
     .task = true,
     .fails = "give --target B, or --task REWARD"},
    {.name = "both greedily: the task's alone",
     .a = &text,
     .b = &lora,
     .task = true,
     .greedy = true,
     .want = ASKED_TASK,
     .per_side = {1, 1, 1}},
    {.name = "divergences are along answers at 1",
     .a = &text,
     .b = &lora,
     .temperature = 0.7,
     .figures = "kl",
     .fails = "temperature is for the figures of a task"},
    {.name = "no figures of a task at 0.7 without one",
     .a = &text,
     .b = &lora,
     .temperature = 0.7,
     .fails = "temperature is for the figures of a task"},
    {.name = "some of them",
     .a = &text,
     .b = &lora,
     .task = true,
     .figures = "gap_closed,task_target",
     .want = ASKED(gap_closed) | ASKED(task_target),
     .per_side = {0, 1, 2}},
    {.name = "a group",
     .a = &text,
     .b = &lora,
     .figures = "kl",
     .want = KL,
     .per_side = {0, 1, 1}},
    {.name = "a slip of a name",
     .a = &text,
     .b = &lora,
     .figures = "gap_clsoed",
     .fails = "did you mean 'gap_closed'?"},
    {.name = "a name that is none",
     .a = &text,
     .b = &lora,
     .figures = "kl,accuracy-of-it",
     .fails = "knows no figure 'accuracy-of-it'; there are task"},
    {.name = "no name",
     .a = &text,
     .b = &lora,
     .figures = "",
     .fails = "knows no figure ''"},
    {.name = "a task that there is not",
     .a = &text,
     .b = &lora,
     .figures = "task",
     .fails = "cannot be 'task' here: there is no task"},
    {.name = "divergences of a reward",
     .a = &check,
     .b = &lora,
     .task = true,
     .figures = "kl",
     .fails = "cannot be 'kl' here: the source is a reward"},
    {.name = "drift of the base",
     .a = &text,
     .b = &base,
     .figures = "drift",
     .fails = "cannot be 'drift' here: there is no target that acts"},
    {.name = "the gap of a source alone",
     .a = &text,
     .task = true,
     .figures = "task,gap_closed",
     .fails = "cannot be 'gap_closed' here: there is no target"},
};

static void
test_plan_measures_what_the_sides_have_and_says_why_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        trv_measure_options o = TRV_MEASURE_OPTIONS_INIT;
        struct measure m = {.side = {NULL, cases[i].a, cases[i].b},
                            .has_target = cases[i].b != NULL,
                            .task = cases[i].task ? &check : NULL,
                            .opts = &o};
        trv_err err = {0};
        int rc;

        o.figures = cases[i].figures;
        if (cases[i].greedy)
            o.temperature = 0.0;
        else if (cases[i].temperature > 0.0)
            o.temperature = cases[i].temperature;
        rc = plan_figures(&m, &err);
        if (cases[i].fails) {
            if (rc != TRV_EINVAL || !strstr(err.msg, cases[i].fails))
                fail_msg("%s: %s", cases[i].name, rc ? err.msg : "accepted");
            continue;
        }
        if (rc || m.asked != cases[i].want)
            fail_msg("%s: asked %x, not %x: %s", cases[i].name, m.asked,
                     cases[i].want, err.msg);
        plan_answers(&m);
        for (int s = 0; s < SIDES; s++)
            if (m.per_side[s] != cases[i].per_side[s])
                fail_msg("%s: side %d draws %lld", cases[i].name, s,
                         (long long)m.per_side[s]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_plan_measures_what_the_sides_have_and_says_why_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
