/* test_cost_plan.c -- what is announced before a conversion holds: tokens,
 * answers and steps are at most those of the plan, for every row of every edge
 * and every kind that it makes; a budget cuts what was not given; a dry run
 * writes nothing. Rows come from the tables, so a new method is tried, too.
 */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <trivium/trivium.h>

#include "api/api.h"
#include "base/file.h"
#include "learn/cost_plan.h"
#include "support/fit.h"
#include "transform/convert.h"

#define REWARD "verifier:length,by=chars,lo=2,hi=2"

static char dir[200], inputs[300], pairs[300], eval[300], lora[300];
static trv_model *model;
static char said[4000]; // all messages of a conversion

/* ---- a small world ------------------------------------------------------- */

static const char *
place(const char *name)
{
    static char ring[8][300];
    static int turn;

    turn = (turn + 1) % 8;
    snprintf(ring[turn], sizeof(ring[turn]), "%s/%s", dir, name);
    return ring[turn];
}

static void
put(const char *name, const char *text)
{
    trv_err err = {0};

    assert_int_equal(file_write_atomic(place(name), text, strlen(text), &err),
                     0);
}

static void
listen(const char *text, void *payload)
{
    const size_t n = strlen(said);

    (void)payload;
    snprintf(said + n, sizeof(said) - n, "%s\n", text);
}

static trv_convert_options
small(const char *method)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;

    o.method = method;
    o.inputs = inputs;
    o.samples = 40;
    o.group = 4;
    o.max_tokens = 3;
    o.updates = 2;
    o.on_policy = 0.5;
    o.init = "solve";
    o.learn.steps = 6;
    o.learn.batch = 8;
    o.lora.rank = 2;
    o.bottleneck.size = 2;
    o.virtual_tokens.tokens = 2;
    o.prompt_tokens = 3;
    o.search.patience = 3;
    o.evolve.rounds = 4;
    o.evolve.population = 3;
    o.evolve.inputs = 3;
    o.evolve.held_out = 2;
    o.evolve.minibatch = 2;
    o.seed = 5;
    o.allow_diverged = true;
    o.replace = true;
    o.on_message = listen;
    return o;
}

static int
convert(trv_cost *cost, const char *from, const char *to,
        const trv_convert_options *o, trv_err *err)
{
    trv_adaptation *a = NULL;
    int rc = trv_adaptation_open(&a, model, from, false, err);

    said[0] = '\0';
    if (!rc)
        rc = trv_convert(model, cost, a, to, o, NULL, NULL, err);
    trv_adaptation_free(a);
    return rc;
}

static void
make_lora(void)
{
    trv_convert_options o = small("sft");
    char to[300];
    trv_err err = {0};

    o.learn.lr = 0.05;
    fit_options(&o, FORM_PROMPT, "lora");
    snprintf(lora, sizeof(lora), "lora:%s", place("lora"));
    snprintf(to, sizeof(to), "%s", lora);
    if (convert(NULL, "prompt:ab", to, &o, &err))
        fail_msg("%s", err.msg);
}

/* ---- every row ----------------------------------------------------------- */

/* How the rows of data come. */
enum given { FROM_FILE, SAMPLED, PAIRS, HELD_OUT, GIVENS };

/* What an edge converts here; of rewards one that asks the model, too. */
static const char *
source_of(const struct edge *e, const char *method, enum given given)
{
    switch (e->from) {
    case FORM_PARAMS:
        return lora;
    case FORM_PROMPT:
        return "prompt:ab";
    case FORM_REWARD: // distill needs a value for each token
        return strcmp(method, "distill") == 0 ? "contrast:prompt:ab"
               : given == SAMPLED             ? "ratio:prompt:ab"
                                              : REWARD;
    default:
        return "base";
    }
}

static bool
give(trv_convert_options *o, const struct edge *e, const struct method *m,
     enum given given)
{
    if (given == PAIRS || (given == FROM_FILE && e->from == FORM_BASE)) {
        o->pairs = pairs;
        o->inputs = NULL;
        o->samples = o->group = 0;
        return method_reads(m, "pairs");
    }
    if (e->from == FORM_BASE)
        return false;
    if (given == SAMPLED)
        o->inputs = NULL;
    if (given == HELD_OUT)
        o->eval = eval;
    return given != HELD_OUT || method_reads(m, "eval");
}

static void
holds(const struct edge *e, const struct method *m, const char *kind,
      enum given given)
{
    trv_convert_options o = small(m->info.name);
    char to[300], what[200];
    trv_cost cost = {0};
    trv_err err = {0};

    if (!give(&o, e, m, given))
        return;
    if (strcmp(kind, "lora") != 0)
        o.init = "zero"; // the closed form makes a LoRA
    o.search.restarts = 1;
    if (strcmp(kind, "messages") == 0 || given == SAMPLED ||
        e->from == FORM_REWARD)
        o.search.width = 8; // else by their cost
    fit_options(&o, e->from, kind);
    snprintf(what, sizeof(what), "%s: %s to %s (%d)", e->title, m->info.name,
             kind, (int)given);
    snprintf(to, sizeof(to), "%s:%s", kind, place("out"));
    if (convert(&cost, source_of(e, m->info.name, given), to, &o, &err))
        fail_msg("%s: %s", what, err.msg);
    if (cost.tokens > cost.planned_tokens)
        fail_msg("%s: at most %.0f tokens were announced and %.0f used", what,
                 cost.planned_tokens, cost.tokens);
    if ((double)cost.samples > cost.planned_answers && !o.pairs)
        fail_msg("%s: at most %.0f answers were announced and %lld drawn", what,
                 cost.planned_answers, (long long)cost.samples);
    if ((double)cost.steps > cost.planned_steps)
        fail_msg("%s: at most %.0f steps were announced and %lld done", what,
                 cost.planned_steps, (long long)cost.steps);
    if (cost.tokens > 0.0 && cost.planned_tokens > 150.0 * cost.tokens)
        fail_msg("%s: %.0f tokens were announced for %.0f", what,
                 cost.planned_tokens, cost.tokens);
    if (cost.tokens > 0.0)
        assert_non_null(strstr(said, "in all; about "));
    if (getenv("SHOW_PLANS"))
        fprintf(stderr, "%s: %.0f of %.0f tokens, %lld of %.0f answers\n", what,
                cost.tokens, cost.planned_tokens, (long long)cost.samples,
                cost.planned_answers);
}

static void
test_cost_plan_bounds_hold_for_every_row(void **state)
{
    const struct edge *e;

    (void)state;
    for (int i = 0; (e = convert_edge_at(i)); i++)
        for (int k = 0; k < e->n; k++)
            for (const char *p = e->methods[k].info.makes; *p;) {
                const size_t n = strcspn(p, " ");
                char kind[40];

                snprintf(kind, sizeof(kind), "%.*s", (int)n, p);
                for (int g = 0; g < GIVENS; g++)
                    holds(e, &e->methods[k], kind, (enum given)g);
                p += n + strspn(p + n, " ");
            }
}

/* Tokens that the time is estimated by. */
static double
estimated(struct adaptation *from, const char *to, const trv_convert_options *o)
{
    struct budget_link link;
    struct budget b = {.s = model->s, .given = o, .links = &link};
    struct convert_choice choice;
    trv_err err = {0};
    double tokens;

    if (convert_choose(&choice, from->form, KIND_LORA, o->method, false,
                       &err) ||
        convert_add(&b, from, KIND_LORA, to, &choice, o, &err) ||
        budget_fit(&b, NULL, &err))
        fail_msg("%s", err.msg);
    tokens = cost_tokens(&link.likely);
    budget_release(&b);
    return tokens;
}

/* Rows of a batch begin alike, and answers come back in it: where the estimate
 * forgets that, it is 10 to 30 times what the work takes here. A factor of 3 is
 * left, since many answers of this small world are the same. */
static void
test_cost_plan_the_estimate_counts_what_rows_share(void **state)
{
    static const struct {
        const char *method, *from;
    } cases[] = {{"distill", "prompt:ab"},
                 {"sft", "prompt:ab"},
                 {"dpo", REWARD},
                 {"orpo", REWARD},
                 {"grpo", REWARD}};

    (void)state;
    put("long.jsonl", "{\"prompt\": \"abcdabcdabcdabcdabcda\"}\n"
                      "{\"prompt\": \"abcdabcdabcdabcdabcdb\"}\n"
                      "{\"prompt\": \"abcdabcdabcdabcdabcdc\"}\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        trv_convert_options o = small(cases[i].method);
        trv_adaptation *a = NULL;
        trv_cost cost = {0};
        char to[300];
        double tokens;
        trv_err err = {0};

        o.inputs = place("long.jsonl");
        o.max_tokens = i < 2 ? 12 : 2; // ends come early here
        o.learn.steps = 12;
        o.learn.batch = 32;
        o.init = "zero";
        o.on_policy = 0.0;
        snprintf(to, sizeof(to), "lora:%s", place("estimate"));
        fit_options(&o, i < 2 ? FORM_PROMPT : FORM_REWARD, "lora");
        if (trv_adaptation_open(&a, model, cases[i].from, false, &err))
            fail_msg("%s", err.msg);
        tokens = estimated(a->inner, to, &o);
        if (trv_convert(model, &cost, a, to, &o, NULL, NULL, &err))
            fail_msg("%s: %s", cases[i].method, err.msg);
        if (tokens > 3.0 * cost.tokens || tokens < 0.5 * cost.tokens)
            fail_msg("%s: %.0f tokens were estimated and %.0f used",
                     cases[i].method, tokens, cost.tokens);
        trv_adaptation_free(a);
    }
}

/* ---- budgets ------------------------------------------------------------- */

static void
test_cost_plan_a_small_budget_cuts_what_was_not_given(void **state)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    trv_cost cost = {0}, again = {0};
    char to[300];
    trv_err err = {0};

    (void)state;
    o.inputs = inputs;
    o.replace = true;
    o.lora.rank = 2;
    o.max_tokens = 3;
    o.budget = "0.001s";
    o.on_message = listen;
    snprintf(to, sizeof(to), "lora:%s", place("cut"));
    assert_int_equal(convert(&cost, "prompt:ab", to, &o, &err), 0);
    assert_string_equal(cost.sizes, "--samples 96 --steps 30 --batch 8");
    assert_int_equal(cost.steps, 30);
    assert_int_equal(cost.samples, 96);
    assert_non_null(strstr(said, "96 of 3,072 samples, 30 of 800 steps, "
                                 "8 of 16 batch; --budget none takes all"));
    o.learn.steps = 40;
    o.learn.accumulate = 4; // of a batch that is as long as it was
    assert_int_equal(convert(&again, "prompt:ab", to, &o, &err), 0);
    assert_string_equal(again.sizes, "--samples 96");
    assert_int_equal(again.steps, 40);
    assert_non_null(strstr(said, "note: that is more than the budget"));
}

/* Answers become shorter, and batches smaller, only where fewer are not enough:
 * whatever the budget. */
static void
test_cost_plan_late_sizes_are_cut_late(void **state)
{
    int late = 0, first = 0;

    (void)state;
    for (double seconds = 1e-3; seconds < 100.0; seconds *= 2.0) {
        trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
        trv_cost cost = {0};
        char to[300], budget[40];
        trv_err err = {0};

        snprintf(budget, sizeof(budget), "%gs", seconds);
        snprintf(to, sizeof(to), "lora:%s", place("dry"));
        o.inputs = inputs;
        o.dry_run = true;
        o.budget = budget;
        assert_int_equal(convert(&cost, "prompt:ab", to, &o, &err), 0);
        if (strstr(cost.sizes, "--max-tokens") || strstr(cost.sizes, "--batch"))
            assert_non_null(
                strstr(cost.sizes, "--samples 96 --steps 30 --max-tokens"));
        late += strstr(cost.sizes, "--batch") != NULL;
        first += *cost.sizes && !strstr(cost.sizes, "--batch");
    }
    assert_true(late > 0 && first > 0);
}

/* A reward sees whole answers as long as fewer and smaller steps will do, and a
 * batch stays whole groups of answers. */
static void
test_cost_plan_answers_to_a_reward_are_shortened_last(void **state)
{
    static const char *const methods[] = {"dpo", "grpo", "rloo"};

    (void)state;
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        int batches = 0, shorter = 0;

        for (double seconds = 1e-3; seconds < 100.0; seconds *= 1.5) {
            trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
            trv_cost cost = {0};
            char to[300], budget[40];
            const char *batch;
            trv_err err = {0};

            snprintf(budget, sizeof(budget), "%gs", seconds);
            snprintf(to, sizeof(to), "lora:%s", place("dry"));
            o.inputs = inputs;
            o.method = methods[i];
            o.dry_run = true;
            o.budget = budget;
            if (convert(&cost, REWARD, to, &o, &err))
                fail_msg("%s in %s: %s", methods[i], budget, err.msg);
            batch = strstr(cost.sizes, "--batch ");
            if (batch)
                assert_int_equal(strtol(batch + 8, NULL, 10) % 8, 0);
            if (strstr(cost.sizes, "--max-tokens"))
                assert_non_null(strstr(cost.sizes, "--batch 8 --max-tokens"));
            batches += batch != NULL;
            shorter += strstr(cost.sizes, "--max-tokens") != NULL;
        }
        assert_true(batches > shorter);
    }
}

static void
test_cost_plan_small_models_are_not_cut_by_default(void **state)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    trv_cost cost = {0};
    char to[300];
    trv_err err = {0};

    (void)state;
    o.inputs = inputs;
    o.dry_run = true;
    snprintf(to, sizeof(to), "lora:%s", place("dry"));
    assert_int_equal(convert(&cost, "prompt:ab", to, &o, &err), 0);
    assert_string_equal(cost.sizes, "");
    assert_true(cost.planned_steps == 800 && cost.planned_answers == 3072);
}

static bool
stop_in_training(const trv_progress *p, void *payload)
{
    (void)payload;
    return strcmp(p->stage, "training") != 0 || p->done < 10;
}

/* A resumed run takes the sizes that the first one was cut to. */
static void
test_cost_plan_a_resumed_run_keeps_its_sizes(void **state)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    trv_adaptation *a = NULL;
    trv_cost cost = {0};
    char to[300];
    trv_err err = {0};

    (void)state;
    o.inputs = inputs;
    o.lora.rank = 2;
    o.max_tokens = 3;
    o.budget = "0.001s";
    snprintf(to, sizeof(to), "lora:%s", place("stopped"));
    assert_int_equal(trv_adaptation_open(&a, model, "prompt:ab", false, &err),
                     0);
    assert_int_equal(
        trv_convert(model, &cost, a, to, &o, stop_in_training, NULL, &err),
        TRV_ECANCELED);
    o.resume = true;
    o.budget = "none";
    if (trv_convert(model, &cost, a, to, &o, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(cost.steps, 30);
    trv_adaptation_free(a);
}

static void
test_cost_plan_a_dry_run_writes_nothing(void **state)
{
    static const char *const names[] = {"dry", "dry.run", "dry.lock",
                                        "dry.via"};
    static const char *const vias[] = {NULL, "ratio", "ratio,lora,prefix"};

    (void)state;
    for (size_t v = 0; v < sizeof(vias) / sizeof(*vias); v++) {
        trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
        trv_cost cost = {0};
        char to[300];
        trv_err err = {0};

        o.dry_run = true;
        o.via = vias[v];
        snprintf(to, sizeof(to), "lora:%s", place("dry"));
        if (convert(&cost, lora, to, &o, &err))
            fail_msg("%s", err.msg);
        assert_true(cost.planned_tokens > 0.0 && cost.planned_seconds > 0.0);
        assert_true(cost.tokens == 0.0 && cost.steps == 0);
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            if (file_exists(place(names[i])))
                fail_msg("a dry run made '%s'", names[i]);
    }
}

/* Looks that nobody asked for cost a tenth of the work at most: ten steps on
 * pairs draw nothing. */
static void
test_cost_plan_looks_are_a_tenth_of_the_work(void **state)
{
    const struct method *dpo = NULL;
    const struct edge *e;

    (void)state;
    for (int i = 0; (e = convert_edge_at(i)); i++)
        for (int k = 0; k < e->n; k++)
            if (e->to == FORM_PARAMS && method_reads(&e->methods[k], "eval"))
                dpo = &e->methods[k];
    for (int given = 0; given < 2; given++) {
        trv_convert_options o = small("dpo");
        const struct cost_lengths l = {.is_given = true,
                                       .inputs = 64,
                                       .context = 40,
                                       .source = 40,
                                       .parts = 1,
                                       .answers = 200};
        struct adaptation from = {.form = given ? FORM_BASE : FORM_REWARD};
        const struct convert_job job = {
            .method = dpo, .from = &from, .to = KIND_LORA, .opts = &o};
        struct cost_plan p = {0};
        double looks = 0.0;

        o.pairs = given ? pairs : NULL;
        o.max_tokens = 64;
        o.learn.steps = 10;
        o.learn.batch = 32;
        dpo->plan(&p, &job, &l);
        for (int i = 0; i < p.n; i++)
            if (strcmp(p.stages[i].name, "evaluating") == 0) {
                looks = rate_tokens(&p.stages[i].work);
                assert_true(!given || p.stages[i].work.draws == 0.0);
            }
        assert_true(looks > 0.0 && p.looks >= 1.0);
        assert_true(looks <= 0.1 * 3.0 * (cost_tokens(&p) - looks));
    }
}

struct heard {
    double left[4000];
    char first[40];
    int n;
};

static bool
hear_left(const trv_progress *p, void *payload)
{
    struct heard *h = payload;

    if (h->n == 0)
        snprintf(h->first, sizeof(h->first), "%s", p->stage);
    if (h->n < (int)(sizeof(h->left) / sizeof(*h->left)))
        h->left[h->n++] = p->left;
    return true;
}

/* While answers are drawn, the steps to come are in the time left. */
static void
test_cost_plan_the_time_left_is_that_of_the_whole(void **state)
{
    trv_convert_options o = small("distill");
    trv_adaptation *a = NULL;
    struct heard h = {.n = 0};
    trv_cost cost = {0};
    char to[300];
    trv_err err = {0};

    (void)state;
    o.learn.steps = 2000;
    o.init = "zero";
    fit_options(&o, FORM_PROMPT, "lora");
    snprintf(to, sizeof(to), "lora:%s", place("left"));
    assert_int_equal(trv_adaptation_open(&a, model, "prompt:ab", false, &err),
                     0);
    assert_int_equal(trv_convert(model, &cost, a, to, &o, hear_left, &h, &err),
                     0);
    assert_true(h.n > 10 && cost.planned_seconds > 0.0);
    if (!(h.left[0] > 0.5 * cost.planned_seconds))
        fail_msg("%g s of %g s are left at the beginning of '%s'", h.left[0],
                 cost.planned_seconds, h.first);
    trv_adaptation_free(a);
}

static void
test_cost_plan_a_chain_is_announced_as_a_whole(void **state)
{
    trv_convert_options o = small(NULL);
    trv_cost cost = {0};
    char to[300];
    trv_err err = {0};

    (void)state;
    o.init = "zero";
    fit_options(&o, FORM_PROMPT, "lora ratio lora prefix");
    o.via = "lora,ratio,lora";
    snprintf(to, sizeof(to), "prefix:%s", place("chain"));
    if (convert(&cost, "prompt:ab", to, &o, &err))
        fail_msg("%s", err.msg);
    assert_true(cost.tokens <= cost.planned_tokens);
    assert_true((double)cost.steps <= cost.planned_steps);
    assert_non_null(strstr(said, "in all about "));
}

static void
test_cost_plan_a_budget_is_a_time(void **state)
{
    static const struct {
        const char *text;
        double seconds; // 0: refused
    } cases[] = {
        {"90s", 90},      {"10m", 600},
        {"2h", 7200},     {"45", 45},
        {"1.5 min", 90},  {"none", HUGE_VAL},
        {"", 0},          {"ten", 0},
        {"-5m", 0},       {"5 weeks", 0},
        {"nan", 0},       {"0", 0},
        {"1e-9", 0},      {"99999999999999h", 0},
        {"0.001s", 1e-3}, {"365d", 31536000},
        {"366d", 0},      {"inf", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        double seconds = 0;
        trv_err err = {0};
        const int rc = cost_budget(&seconds, cases[i].text, &err);

        if ((cases[i].seconds == 0.0) != (rc != 0) ||
            (rc == 0 && seconds != cases[i].seconds))
            fail_msg("'%s': %d, %g", cases[i].text, rc, seconds);
    }
}

/* ---- refusals before any work -------------------------------------------- */

static bool
never(const trv_progress *p, void *payload)
{
    (void)payload;
    fail_msg("'%s' began: %lld", p->stage, (long long)p->done);
    return false;
}

/* What cannot work is said before anything is drawn. % is the folder. */
static void
test_cost_plan_what_cannot_work_is_refused_before_any_work(void **state)
{
    static const struct {
        const char *from, *to, *method, *init;
        bool sampled;
        const char *says;
    } cases[] = {
        {"mix:2*lora:%/lora-1*prompt:a", "lora", "solve", "zero", false,
         "solve follows one stream"},
        {"mix:2*lora:%/lora-1*prompt:a", "lora", "distill", "solve", false,
         "solve follows one stream"},
        {"full:%/model", "lora", "solve", "zero", false,
         "solve follows one stream"},
        {"verifier:number", "lora", "dpo", "zero", true, "--inputs"},
        {"verifier:math", "lora", "grpo", "zero", true, "--inputs"},
        {"verifier:exact", "text", "evolve", "zero", true, "--inputs"},
        {"sum:1*verifier:number+1*ratio:prompt:a", "lora", "bon", "zero", true,
         "--inputs"},
        {"verifier:number", "lora", "tilt", "zero", false, "answer"},
        {"verifier:number,column=total", "demos", "demos", "zero", false,
         "total"},
        {"verifier:exact", "text", "text", "zero", false, "answer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        trv_convert_options o = small(cases[i].method);
        trv_adaptation *a = NULL;
        char from[500] = "", to[300];
        trv_err err = {0};
        int rc;

        for (const char *p = cases[i].from; *p; p++) {
            const size_t n = strlen(from);

            snprintf(from + n, sizeof(from) - n, *p == '%' ? "%s" : "%.1s",
                     *p == '%' ? dir : p);
        }
        o.init = cases[i].init;
        o.inputs = cases[i].sampled ? NULL : inputs;
        snprintf(to, sizeof(to), "%s:%s", cases[i].to, place("refused"));
        rc = trv_adaptation_open(&a, model, from, true, &err);
        if (rc)
            fail_msg("%s: %s", from, err.msg);
        fit_options(&o,
                    strncmp(from, "mix", 3) && strncmp(from, "full", 4)
                        ? FORM_REWARD
                        : FORM_PARAMS,
                    cases[i].to);
        rc = trv_convert(model, NULL, a, to, &o, never, NULL, &err);
        if (!rc || !strstr(err.msg, cases[i].says))
            fail_msg("%s by %s: %d, '%s' should say '%s'", from,
                     cases[i].method, rc, rc ? err.msg : "it converts",
                     cases[i].says);
        trv_adaptation_free(a);
    }
}

static void
copy_model(void)
{
    static const char *const files[] = {"config.json", "model.safetensors",
                                        "tokenizer.json",
                                        "tokenizer_config.json"};
    trv_err err = {0};

    assert_int_equal(dir_make(place("model"), &err), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct strbuf text = {0};
        char from[300], to[300];

        snprintf(from, sizeof(from), "golden/world/%s", files[i]);
        snprintf(to, sizeof(to), "%s/%s", place("model"), files[i]);
        assert_int_equal(
            file_read(&text, test_source(from), (size_t)1 << 26, &err), 0);
        assert_int_equal(file_write_atomic(to, text.s, text.len, &err), 0);
        sb_release(&text);
    }
}

static int
set_up(void **state)
{
    trv_model_options mo = TRV_MODEL_OPTIONS_INIT;
    trv_err err = {0};

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("cost_plan"));
    snprintf(inputs, sizeof(inputs), "%s/in.jsonl", dir);
    snprintf(pairs, sizeof(pairs), "%s/pairs.jsonl", dir);
    snprintf(eval, sizeof(eval), "%s/eval.jsonl", dir);
    put("in.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"cb\"}\n"
                    "{\"prompt\": \"d\"}\n{\"prompt\": \"bd\"}\n"
                    "{\"prompt\": \"ac\"}\n");
    put("eval.jsonl", "{\"prompt\": \"b\"}\n{\"prompt\": \"ca\"}\n");
    put("pairs.jsonl",
        "{\"prompt\": \"a\", \"chosen\": \"bc\", \"rejected\": \"d\"}\n"
        "{\"prompt\": \"c\", \"chosen\": \"dd\", \"rejected\": \"a\"}\n");
    copy_model();
    put("model/tokenizer_config.json",
        "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"chat_template\":"
        " \"{{ bos_token }}{% for m in messages %}{{ m['content'] }}{{ ' ' }}"
        "{% endfor %}\"}");
    mo.precision = "f32";
    mo.threads = 1;
    if (trv_model_open(&model, place("model"), &mo, &err))
        fail_msg("%s", err.msg);
    make_lora();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    trv_model_free(model);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_plan_bounds_hold_for_every_row),
        cmocka_unit_test(test_cost_plan_the_estimate_counts_what_rows_share),
        cmocka_unit_test(test_cost_plan_answers_to_a_reward_are_shortened_last),
        cmocka_unit_test(test_cost_plan_a_small_budget_cuts_what_was_not_given),
        cmocka_unit_test(test_cost_plan_late_sizes_are_cut_late),
        cmocka_unit_test(test_cost_plan_small_models_are_not_cut_by_default),
        cmocka_unit_test(test_cost_plan_a_resumed_run_keeps_its_sizes),
        cmocka_unit_test(test_cost_plan_a_dry_run_writes_nothing),
        cmocka_unit_test(test_cost_plan_looks_are_a_tenth_of_the_work),
        cmocka_unit_test(test_cost_plan_the_time_left_is_that_of_the_whole),
        cmocka_unit_test(test_cost_plan_a_chain_is_announced_as_a_whole),
        cmocka_unit_test(test_cost_plan_a_budget_is_a_time),
        cmocka_unit_test(
            test_cost_plan_what_cannot_work_is_refused_before_any_work),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
