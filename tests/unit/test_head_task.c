/* test_head_task.c -- learning a scalar head: gradients and losses against
 * PyTorch and PEFT (tests/golden/heads), and a world of which every pair is
 * known.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/params/peft.h"
#include "base/file.h"
#include "base/json.h"
#include "learn/head_task.h"
#include "model/decoder/scalar.h"
#include "support/golden.h"

#define STEPS 10

struct fixture {
    struct session s;
    struct adapter_weights adapter_weights;
    float *score; // of the adapter
    struct pair_rows rows;
    struct head_task t;
    struct run_task task;
    json_t *golden;
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
take_pairs(struct pair_rows *rows, const json_t *list)
{
    const json_t *pair, *ids, *id;
    size_t i, k, j;
    trv_err err = {0};

    must(pair_rows_begin(rows, (int64_t)json_array_size(list), &err), &err);
    json_array_foreach(list, i, pair)
    {
        struct ids side[PAIR_SIDES] = {0};

        json_array_foreach(pair, k, ids)
        {
            json_array_foreach(ids, j, id) assert_int_equal(
                ids_push(&side[k], (int32_t)json_integer_value(id)), 0);
        }
        must(pair_rows_add(rows, &side[0], &side[1], 0.0, &err), &err);
        ids_release(&side[0]);
        ids_release(&side[1]);
    }
}

/* The golden pairs, to be learned by an adapter or by all weights. */
static void
open_fixture(struct fixture *f, const char *family, const char *isa, bool full)
{
    const struct backend_options be = {.isa = isa, .prec = PREC_F32};
    char name[80];
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    snprintf(name, sizeof(name), "golden/models/%s", family);
    must(model_open(&f->s.model, test_source(name), &err), &err);
    must(backend_open(&f->s.be, &be, &err), &err);
    snprintf(name, sizeof(name), "golden/heads/%s/adapter", family);
    must(peft_read_scorer(&f->adapter_weights.lora, &f->score, NULL,
                          &f->s.model->cfg, test_source(name), true, &err),
         &err);
    must(adapter_weights_refresh(&f->adapter_weights, f->s.be, &err), &err);
    snprintf(name, sizeof(name), "heads/%s/golden.json", family);
    f->golden = golden_open(name);
    take_pairs(&f->rows, json_object_get(f->golden, "pairs"));
    f->t =
        (struct head_task){.s = &f->s,
                           .rows = &f->rows,
                           .adapter_weights = full ? NULL : &f->adapter_weights,
                           .batch = f->rows.n,
                           .accumulate = 1,
                           .centre = 0.01,
                           .pad = f->s.model->cfg.pad};
    must(head_task_init(&f->t, &f->task, &err), &err);
}

static void
close_fixture(struct fixture *f)
{
    head_task_release(&f->t);
    pair_rows_release(&f->rows);
    mem_free(f->score);
    adapter_weights_release(&f->adapter_weights);
    decoder_free(f->s.decoder);
    arena_release(&f->s.arena);
    model_free(f->s.model);
    backend_free(f->s.be);
    json_decref(f->golden);
}

/* Loss of the whole batch; the gradient is left in task.g. */
static double
loss_of(struct fixture *f)
{
    double loss = 0, weight = 0, tokens = 0;
    trv_err err = {0};

    memset(f->task.g, 0, (size_t)f->task.n * sizeof(float));
    must(f->task.after_update(f->task.of, &err), &err);
    must(f->task.begin_step(f->task.self, 0, &tokens, &err), &err);
    must(f->task.gradient(f->task.self, 0, 0, &loss, &weight, &tokens, &err),
         &err);
    assert_close(weight, (double)f->rows.n, 0);
    return loss;
}

/* ---- against PyTorch ---------------------------------------------------- */

static void
check_tensor(const struct st_file *st, const char *name, const float *got,
             int64_t n)
{
    const struct tensor *t = st_find(st, name);
    float *want, most = 0;

    if (!t)
        fail_msg("there is no %s", name);
    assert_int_equal(tensor_rows(t) * tensor_cols(t), n);
    want = mem_array((size_t)n, sizeof(float));
    assert_non_null(want);
    tensor_rows_f32(want, t, 0, tensor_rows(t));
    for (int64_t i = 0; i < n; i++)
        most = fabsf(want[i]) > most ? fabsf(want[i]) : most;
    /* f32 against float64 through two layers, of the largest value */
    for (int64_t i = 0; i < n; i++)
        assert_close(got[i], want[i], 2e-5 * (double)most);
    mem_free(want);
}

static void
check_gradients(const char *family, const char *isa)
{
    struct fixture f;
    struct st_file st;
    char name[200], path[128];
    trv_err err = {0};
    int64_t checked = 0;

    open_fixture(&f, family, isa, false);
    memcpy(f.t.score, f.score, (size_t)f.s.model->cfg.width * sizeof(float));
    assert_close(loss_of(&f), golden_number(f.golden, "loss"), 1e-4);
    snprintf(name, sizeof(name), "golden/heads/%s/golden.safetensors", family);
    must(st_open(&st, test_source(name), &err), &err);
    for (int64_t i = 0; i < f.adapter_weights.lora.layers * PART_COUNT; i++) {
        const struct lora_pair *p = &f.adapter_weights.lora.pairs[i];

        if (!p->rank)
            continue;
        assert_int_equal(part_path(path, sizeof(path), &f.s.model->cfg,
                                   i / PART_COUNT, (enum part)(i % PART_COUNT)),
                         0);
        for (int b = 0; b < 2; b++, checked++) {
            snprintf(name, sizeof(name), "base_model.model.%s.lora_%c.weight",
                     path, b ? 'B' : 'A');
            check_tensor(&st, name, b ? p->d_b : p->d_a,
                         p->rank * (b ? p->out : p->in));
        }
    }
    check_tensor(&st, "base_model.model.score.weight", f.t.d_score,
                 f.s.model->cfg.width);
    assert_int_equal(checked + 1, st.n);
    st_release(&st);
    close_fixture(&f);
}

static void
test_preferred_gradients_equal_pytorch_and_peft(void **state)
{
    (void)state;
    check_gradients("gpt2", "ref");
    check_gradients("llama", "ref");
    check_gradients("llama", NULL);
}

struct losses {
    double v[STEPS];
    int n;
};

static bool
note_loss(const trv_progress *p, void *payload)
{
    struct losses *l = payload;

    l->v[p->done - 1] = p->loss;
    l->n = (int)p->done;
    return true;
}

static void
check_run(const char *family, const char *isa, bool full)
{
    struct run_options opts = RUN_OPTIONS_INIT;
    struct run_result result;
    struct losses got = {0};
    struct fixture f;
    trv_err err = {0};

    open_fixture(&f, family, isa, full);
    opts.steps = STEPS;
    opts.lr = 1e-3;
    opts.schedule = "constant";
    opts.warmup = 0;
    opts.weight_decay = 0.01;
    must(run_train(&result, &f.task, &opts, f.s.be, note_loss, &got, &err),
         &err);
    assert_int_equal(got.n, STEPS);
    assert_close(got.v[0], log(2.0), 1e-12); // a score of zeros
    /* as in test_training.c: signs of tiny gradients turn whole steps */
    golden_assert(got.v, STEPS, f.golden,
                  full ? "full_losses" : "adapter_losses", 1e-4);
    close_fixture(&f);
}

static void
test_preferred_ten_losses_equal_pytorch_and_peft(void **state)
{
    (void)state;
    check_run("gpt2", "ref", false);
    check_run("llama", NULL, false);
}

static void
test_preferred_ten_losses_of_all_weights_equal_pytorch(void **state)
{
    (void)state;
    check_run("gpt2", NULL, true);
    check_run("llama", "ref", true);
}

/* ---- alone -------------------------------------------------------------- */

static void
check_differences(bool full, bool match)
{
    const float h = 1.0f / 256;
    struct fixture f;
    float *g;

    open_fixture(&f, "llama", "ref", full);
    f.t.match = match;
    for (int64_t i = 0; i < f.rows.n; i++)
        f.rows.list[i].gap = 0.5 - (double)i;
    memcpy(f.t.score, f.score, (size_t)f.s.model->cfg.width * sizeof(float));
    (void)loss_of(&f);
    g = mem_array((size_t)f.task.n, sizeof(float));
    assert_non_null(g);
    memcpy(g, f.task.g, (size_t)f.task.n * sizeof(float));
    for (int64_t i = f.task.n - 1; i >= 0; i -= f.task.n / 40) {
        const float old = f.task.w[i];
        double value[2];

        for (int s = 0; s < 2; s++) {
            f.task.w[i] = old + (s ? h : -h);
            value[s] = loss_of(&f);
        }
        f.task.w[i] = old;
        /* losses of order 10 rounded at 1e-6, over 2h; and the third
         * derivative times h^2 */
        assert_close(g[i], (value[1] - value[0]) / (2.0 * (double)h),
                     2e-3 + 2e-3 * fabs((double)g[i]));
    }
    mem_free(g);
    close_fixture(&f);
}

static void
test_preferred_gradients_equal_central_differences(void **state)
{
    (void)state;
    check_differences(false, false);
    check_differences(true, false);
    check_differences(false, true);
}

static void
test_preferred_micro_batches_add_up_to_the_batch(void **state)
{
    struct fixture f;
    double loss = 0, weight = 0, tokens = 0, whole;
    float *g;
    const struct run_figure *list;
    double accuracy, margin;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "llama", "ref", false);
    memcpy(f.t.score, f.score, (size_t)f.s.model->cfg.width * sizeof(float));
    whole = loss_of(&f);
    g = mem_array((size_t)f.task.n, sizeof(float));
    assert_non_null(g);
    memcpy(g, f.task.g, (size_t)f.task.n * sizeof(float));
    assert_int_equal(f.task.figures(f.task.self, &list), 2);
    accuracy = list[0].value;
    margin = list[1].value;
    assert_true(accuracy > 0);
    f.t.accumulate = 3;
    memset(f.task.g, 0, (size_t)f.task.n * sizeof(float));
    must(f.task.begin_step(f.task.self, 0, &tokens, &err), &err);
    for (int64_t m = 0; m < 3; m++)
        must(f.task.gradient(f.task.self, 0, m, &loss, &weight, &tokens, &err),
             &err);
    assert_close(loss, whole, 1e-5);
    assert_close(weight, (double)f.rows.n, 0);
    assert_int_equal(f.task.figures(f.task.self, &list), 2);
    assert_close(list[0].value, accuracy, 1e-12);
    assert_close(list[1].value, margin, 1e-6);
    for (int64_t i = 0; i < f.task.n; i++)
        assert_close(f.task.g[i], g[i], 1e-4); // another order of sums
    mem_free(g);
    close_fixture(&f);
}

static bool
stop_at_four(const trv_progress *p, void *payload)
{
    (void)payload;
    return p->done < 4;
}

static void
test_preferred_a_resumed_run_ends_with_the_same_bits(void **state)
{
    struct run_options opts = RUN_OPTIONS_INIT;
    struct run_result result;
    struct fixture f;
    float *want;
    char dir[2][200];
    trv_err err = {0};

    (void)state;
    snprintf(dir[0], sizeof(dir[0]), "%s", test_tmpdir("preferred_whole"));
    snprintf(dir[1], sizeof(dir[1]), "%s", test_tmpdir("preferred_parts"));
    opts.steps = STEPS;
    opts.lr = 1e-2;
    open_fixture(&f, "llama", NULL, false);
    f.t.batch = 3; // of 4 pairs: the shuffle matters
    opts.dir = dir[0];
    must(run_train(&result, &f.task, &opts, f.s.be, NULL, NULL, &err), &err);
    want = mem_array((size_t)f.task.n, sizeof(float));
    assert_non_null(want);
    memcpy(want, f.task.w, (size_t)f.task.n * sizeof(float));
    close_fixture(&f);

    open_fixture(&f, "llama", NULL, false);
    f.t.batch = 3;
    opts.dir = dir[1];
    assert_int_equal(
        run_train(&result, &f.task, &opts, f.s.be, stop_at_four, NULL, &err),
        TRV_ECANCELED);
    close_fixture(&f);
    open_fixture(&f, "llama", NULL, false);
    f.t.batch = 3;
    opts.resume = true;
    must(run_train(&result, &f.task, &opts, f.s.be, NULL, NULL, &err), &err);
    assert_memory_equal(f.task.w, want, (size_t)f.task.n * sizeof(float));
    mem_free(want);
    close_fixture(&f);
}

/* ---- a world of 2 inputs and all answers of 3 out of 4 tokens ------------ */

#define WORLD_X 2
#define WORLD_V 4
#define WORLD_DRAWS 4 // of each pair's label
#define WORLD_Y (WORLD_V * WORLD_V * WORLD_V)

/* The true reward: a table for each place, another for each input. */
static double
truth(int x, int y)
{
    static const double table[3][WORLD_V] = {
        {1.5, -0.5, 0.0, -1.0}, {-1.0, 2.0, 0.5, -1.5}, {0.5, 0.0, -2.0, 1.0}};
    double r = 0;

    for (int i = 0; i < 3; i++, y /= WORLD_V)
        r += table[(i + x) % 3][y % WORLD_V];
    return r;
}

static void
world_ids(struct ids *ids, int x, int y)
{
    ids->n = 0;
    assert_int_equal(ids_push(ids, 10 + x), 0);
    for (int i = 0; i < 3; i++, y /= WORLD_V)
        assert_int_equal(ids_push(ids, 20 + y % WORLD_V), 0);
    assert_int_equal(ids_push(ids, 2), 0);
}

/* All pairs, labelled as Bradley and Terry would: the better one is chosen with
 * probability s(its lead). */
static void
world_pairs(struct pair_rows *rows)
{
    struct ids side[2] = {0};
    struct rng rng;
    trv_err err = {0};

    rng_init(&rng, 5, 5);
    must(pair_rows_begin(
             rows, WORLD_DRAWS * WORLD_X * WORLD_Y * (WORLD_Y - 1) / 2, &err),
         &err);
    for (int x = 0; x < WORLD_X * WORLD_DRAWS; x++)
        for (int a = 0; a < WORLD_Y; a++)
            for (int b = 0; b < a; b++) {
                const double lead =
                    truth(x % WORLD_X, a) - truth(x % WORLD_X, b);
                const bool first = rng_uniform(&rng) < 1 / (1 + exp(-lead));

                world_ids(&side[0], x % WORLD_X, first ? a : b);
                world_ids(&side[1], x % WORLD_X, first ? b : a);
                must(pair_rows_add(rows, &side[0], &side[1], lead, &err), &err);
            }
    ids_release(&side[0]);
    ids_release(&side[1]);
}

static void
test_preferred_a_reward_from_all_pairs_of_a_world_ranks_as_the_true_one(
    void **state)
{
    struct run_options opts = RUN_OPTIONS_INIT;
    struct run_result result;
    struct fixture f;
    struct row row[WORLD_Y];
    struct ids ids[WORLD_Y] = {{0}};
    double r[WORLD_Y];
    int64_t right = 0, wrong = 0;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "llama", NULL, false);
    pair_rows_release(&f.rows);
    world_pairs(&f.rows);
    head_task_release(&f.t); // begin anew with these
    f.t.batch = 64;
    f.t.centre = 0;
    must(head_task_init(&f.t, &f.task, &err), &err);
    opts.steps = 400;
    opts.lr = 7e-3;
    must(run_train(&result, &f.task, &opts, f.s.be, NULL, NULL, &err), &err);
    for (int x = 0; x < WORLD_X; x++) {
        for (int y = 0; y < WORLD_Y; y++) {
            world_ids(&ids[y], x, y);
            row[y] = (struct row){ids[y].v, ids[y].n, &f.adapter_weights};
        }
        must(scalar_score(f.t.d, &f.s.arena, r, f.t.score, row, WORLD_Y, -1,
                          &err),
             &err);
        for (int a = 0; a < WORLD_Y; a++)
            for (int b = 0; b < a; b++) {
                const double lead = truth(x, a) - truth(x, b);

                if (fabs(lead) > 1e-9)
                    *((r[a] > r[b]) == (lead > 0) ? &right : &wrong) += 1;
            }
    }
    /* The labels are drawn, and near ties are right half of the time: even the
     * best fit to them ranks some of those wrongly. 0.986 was seen. */
    assert_true((double)right / (double)(right + wrong) > 0.95);
    for (int y = 0; y < WORLD_Y; y++)
        ids_release(&ids[y]);
    close_fixture(&f);
}

/* ---- files -------------------------------------------------------------- */

static void
open_tiny(struct session *s)
{
    trv_err err = {0};

    memset(s, 0, sizeof(*s));
    must(model_open(&s->model, test_source("golden/tiny/one"), &err), &err);
    s->model->layout = TEXT_RAW;
}

static int
read_pairs(struct pair_rows *rows, const struct session *s, const char *text,
           int64_t longest, trv_err *err)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/pairs.jsonl", test_tmpdir("preferred"));
    must(file_write_atomic(path, text, strlen(text), err), err);
    return pair_rows_open(rows, s->model, path, longest, err);
}

static void
add_pair(struct pair_rows *to, const struct pair_row *from, int first,
         int second)
{
    const struct ids side[PAIR_SIDES] = {
        {.v = from->ids[first], .n = from->n[first]},
        {.v = from->ids[second], .n = from->n[second]}};
    trv_err err = {0};

    must(pair_rows_add(to, &side[0], &side[1], 0.0, &err), &err);
}

/* One pair's loss is that of the margin which it is judged by; the same pair
 * the other way round, and an answer beside itself, take it back. */
static void
test_preferred_is_judged_as_it_learns(void **state)
{
    struct fixture f;
    struct pair_rows all = {0}, one = {0};
    struct reward_figures got;
    double margin;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "llama", "ref", false);
    must(pair_rows_begin(&one, 1, &err), &err);
    add_pair(&one, f.rows.list, CHOSEN, REJECTED);
    must(pair_rows_begin(&all, 3, &err), &err);
    add_pair(&all, f.rows.list, CHOSEN, REJECTED);
    add_pair(&all, f.rows.list, REJECTED, CHOSEN);
    add_pair(&all, f.rows.list, CHOSEN, CHOSEN);
    pair_rows_release(&f.rows);
    f.rows = one;
    head_task_release(&f.t); // begin anew with this pair
    f.t.batch = 1;
    f.t.centre = 0;
    must(head_task_init(&f.t, &f.task, &err), &err);
    memcpy(f.t.score, f.score, (size_t)f.s.model->cfg.width * sizeof(float));
    must(head_task_evaluate(&got, &f.t, &f.rows, &err), &err);
    margin = got.margin;
    assert_true(fabs(margin) > 1e-3);
    assert_close(loss_of(&f), log1p(exp(-margin)), 1e-6);
    must(head_task_evaluate(&got, &f.t, &all, &err), &err);
    assert_close(got.margin, 0, 1e-7);
    assert_close(got.accuracy, 0.5, 1e-15);
    assert_close(got.max - got.min, fabs(margin), 1e-7);
    pair_rows_release(&all);
    close_fixture(&f);
}

static void
test_preferred_pairs_may_begin_alike_in_place_of_a_prompt(void **state)
{
    struct session s;
    struct pair_rows rows;
    trv_err err = {0};

    (void)state;
    open_tiny(&s);
    must(read_pairs(&rows, &s,
                    "{\"prompt\": \"Say\", \"chosen\": \" yes\", "
                    "\"rejected\": \" no\"}\n"
                    "{\"chosen\": \"Say yes\", \"rejected\": \"Say no\"}\n",
                    128, &err),
         &err);
    assert_int_equal(rows.n, 2);
    for (int k = 0; k < PAIR_SIDES; k++) {
        assert_int_equal(rows.list[0].n[k], rows.list[1].n[k]);
        assert_memory_equal(rows.list[0].ids[k], rows.list[1].ids[k],
                            (size_t)rows.list[0].n[k] * sizeof(int32_t));
        assert_int_equal(rows.list[0].ids[k][rows.list[0].n[k] - 1],
                         tokenizer_eos(s.model->tokenizer));
    }
    pair_rows_release(&rows);
    model_free(s.model);
}

static void
test_preferred_pairs_that_are_too_long_are_left_out_whole(void **state)
{
    static const char text[] =
        "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n"
        "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"cccccccc\"}\n";
    struct session s;
    struct pair_rows rows;
    trv_err err = {0};

    (void)state;
    open_tiny(&s);
    must(read_pairs(&rows, &s, text, 8, &err), &err);
    assert_int_equal(rows.n, 1);
    assert_int_equal(rows.n_dropped, 1);
    pair_rows_release(&rows);
    assert_int_equal(read_pairs(&rows, &s, text, 2, &err), TRV_EFORMAT);
    assert_int_equal(read_pairs(&rows, &s,
                                "{\"prompt\": \"a\", \"completion\": \"b\"}\n",
                                8, &err),
                     TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "line 1: the row is no pair"));
    assert_int_equal(read_pairs(&rows, &s,
                                "{\"chosen\": \"a\", \"rejected\": \"b\"}\n", 8,
                                &err),
                     TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "do not begin alike"));
    model_free(s.model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preferred_gradients_equal_pytorch_and_peft),
        cmocka_unit_test(test_preferred_ten_losses_equal_pytorch_and_peft),
        cmocka_unit_test(
            test_preferred_ten_losses_of_all_weights_equal_pytorch),
        cmocka_unit_test(test_preferred_gradients_equal_central_differences),
        cmocka_unit_test(test_preferred_micro_batches_add_up_to_the_batch),
        cmocka_unit_test(test_preferred_a_resumed_run_ends_with_the_same_bits),
        cmocka_unit_test(
            test_preferred_a_reward_from_all_pairs_of_a_world_ranks_as_the_true_one),
        cmocka_unit_test(test_preferred_is_judged_as_it_learns),
        cmocka_unit_test(
            test_preferred_pairs_may_begin_alike_in_place_of_a_prompt),
        cmocka_unit_test(
            test_preferred_pairs_that_are_too_long_are_left_out_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
