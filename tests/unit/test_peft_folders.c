/* test_peft_folders.c -- folders as PEFT saves them, with each option that
 * changes what they hold, and adapters of mlx-lm and llama.cpp, against the
 * log-probabilities of PEFT and of mlx's own formulas.
 *
 * tests/golden/peft/folders.json and foreign.json have the values in float64,
 * gen_folders.py and gen_foreign.py say how. The bound: PEFT itself, in float32, is off by up to 1.5e-5 from them; a
 * part of an adapter that is missed or misread costs 0.01 and more.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/params/peft.h"
#include "adapt/session.h"
#include "adapt/view.h"
#include "base/json.h"
#include "model/decoder/head.h"
#include "model/files/safetensors.h"
#include "support/golden.h"

#define TOKENS_MAX 64
#define BOUND 5e-5

struct fixture {
    struct session *s;
    struct decoder *d; // of the adaptation
    const char *name;  // of the case
    char path[400];
    int32_t ids[TOKENS_MAX];
    int64_t n;
    double logp[TOKENS_MAX]; // of ids[i + 1]
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static struct backend_options opts = {.isa = "ref"};

static void
open_case(struct fixture *f, const json_t *row, const char *place)
{
    const json_t *ids = json_object_get(row, "ids");
    const json_t *logp = json_object_get(row, "logp");
    char rel[256];
    trv_err err = {0};

    *f = (struct fixture){.name =
                              json_string_value(json_object_get(row, "case")),
                          .n = (int64_t)json_array_size(ids)};
    assert_in_range(f->n, 2, TOKENS_MAX);
    assert_int_equal((int64_t)json_array_size(logp), f->n - 1);
    for (int64_t i = 0; i < f->n; i++)
        f->ids[i] = (int32_t)json_integer_value(json_array_get(ids, (size_t)i));
    for (int64_t i = 0; i + 1 < f->n; i++)
        f->logp[i] = json_number_value(json_array_get(logp, (size_t)i));
    snprintf(rel, sizeof(rel), "golden/peft/%s%s", place, f->name);
    snprintf(f->path, sizeof(f->path), "%s", test_source(rel));
    snprintf(rel, sizeof(rel), "golden/models/%s",
             json_string_value(json_object_get(row, "model")));
    must(session_open(&f->s, test_source(rel), &opts, &err), &err);
}

/* Log-probabilities of the tokens after the first, and with `coef` their
 * gradient into the weights. */
static void
score(float *logp, struct fixture *f, const struct adapter_weights *w,
      const float *coef)
{
    const int64_t k = adapter_weights_virtual_count(w);
    int32_t all[2 * TOKENS_MAX];
    const struct row row = {all, k + f->n, w};
    const int64_t *const *at;
    struct arena *a = &f->s->arena;
    struct saved save = {0};
    struct mat hidden, dh;
    struct batch b;
    trv_err err = {0};

    for (int64_t j = 0; j < k; j++)
        all[j] = VIRTUAL_ID(j);
    memcpy(all + k, f->ids, (size_t)f->n * sizeof(*all));
    arena_reset(a);
    must(batch_pack(&b, &at, a, &row, 1, &err), &err);
    must(decoder_forward(f->d, a, &hidden, &b, NULL, coef ? &save : NULL, &err),
         &err);
    dh = mat_new(a, DT_F32, b.T, f->d->cfg->width);
    memset(dh.data, 0, (size_t)(b.T * dh.cols) * sizeof(float));
    must(head_logprobs(f->d, a, logp, NULL,
                       (struct head_rows){hidden, at[0] + k}, f->ids + 1,
                       f->n - 1, coef, dh, &err),
         &err);
    if (coef)
        must(decoder_backward(f->d, a, dh, &b, &save, &err), &err);
}

static void
check_scores(struct fixture *f)
{
    struct adaptation *a;
    float logp[TOKENS_MAX];
    trv_err err = {0};

    must(adaptation_open(&a, f->s->model, NULL, f->path, false, &err), &err);
    must(view_ready(a, f->s->be, &err), &err);
    must(session_decoder(f->s, &f->d, &err), &err);
    if (a->full)
        must(session_decoder(a->full, &f->d, &err), &err);
    score(logp, f, view_weights(a), NULL);
    for (int64_t i = 0; i + 1 < f->n; i++)
        if (!(fabs((double)logp[i] - f->logp[i]) < BOUND))
            fail_msg("%s: log p of token %lld is %.7f, and %.7f in PEFT",
                     f->name, (long long)i + 1, (double)logp[i], f->logp[i]);
    adaptation_free(a);
}

static void
each_case(const char *list, const char *place, size_t least,
          void (*check)(struct fixture *f))
{
    json_t *cases;
    const json_t *row;
    size_t i;

    assert_int_equal(json_open(&cases, test_source(list), NULL), 0);
    assert_true(json_array_size(cases) >= least);
    json_array_foreach(cases, i, row)
    {
        struct fixture f;

        open_case(&f, row, place);
        check(&f);
        session_free(f.s);
    }
    json_decref(cases);
}

static void
test_peft_folders_score_as_in_peft(void **state)
{
    (void)state;
    each_case("golden/peft/folders.json", "folders/", 38, check_scores);
}

static void
test_peft_adapters_of_mlx_and_llama_cpp_score_as_there(void **state)
{
    (void)state;
    each_case("golden/peft/foreign.json", "", 9, check_scores);
}

/* Fast code, and bf16, whose rounding of inputs costs what it costs the base:
 * a magnitude or a norm that is left out costs whole nats. */
static void
check_fast(struct fixture *f)
{
    struct adaptation *a;
    float logp[TOKENS_MAX];
    double sum = 0.0;
    trv_err err = {0};

    must(adaptation_open(&a, f->s->model, NULL, f->path, false, &err), &err);
    must(view_ready(a, f->s->be, &err), &err);
    must(session_decoder(a->full ? a->full : f->s, &f->d, &err), &err);
    score(logp, f, view_weights(a), NULL);
    for (int64_t i = 0; i + 1 < f->n; i++)
        sum += fabs((double)logp[i] - f->logp[i]);
    sum /= (double)f->n;
    if (!(sum < (f->s->be->prec == PREC_F32 ? BOUND : 0.15)))
        fail_msg("%s in %s: off by %g nat a token", f->name, f->s->be->isa,
                 sum);
    adaptation_free(a);
}

static void
test_peft_folders_score_on_every_backend(void **state)
{
    (void)state;
    opts = (struct backend_options){.prec = PREC_F32};
    each_case("golden/peft/folders.json", "folders/", 38, check_fast);
    opts = (struct backend_options){.prec = PREC_AUTO};
    each_case("golden/peft/folders.json", "folders/", 38, check_fast);
    opts = (struct backend_options){.isa = "ref"};
}

/* Rows of a batch under one adapter, none and another score as alone. */
static void
test_peft_folders_share_a_batch(void **state)
{
    static const char *const names[] = {"dora", "regex", "lora_bias"};
    struct adapter_weights w[3] = {0};
    const struct adapter_weights *const under[] = {&w[0], NULL, &w[1], &w[2],
                                                   &w[0]};
    float alone[TOKENS_MAX], logp[TOKENS_MAX];
    struct row rows[5];
    const int64_t *const *at;
    struct fixture f = {.n = 12};
    struct mat hidden;
    struct batch b;
    trv_err err = {0};

    (void)state;
    must(session_open(&f.s, test_source("golden/models/llama"), &opts, &err),
         &err);
    must(session_decoder(f.s, &f.d, &err), &err);
    for (int i = 0; i < f.n; i++)
        f.ids[i] = 3 + 7 * i;
    for (int i = 0; i < 3; i++) {
        char rel[256];

        snprintf(rel, sizeof(rel), "golden/peft/folders/%s", names[i]);
        must(peft_read(&w[i].lora, NULL, NULL, f.d->cfg, test_source(rel),
                       false, &err),
             &err);
        must(adapter_weights_refresh(&w[i], f.s->be, &err), &err);
    }
    for (int i = 0; i < 5; i++) {
        score(alone, &f, under[i], NULL);
        for (int k = 0; k < 5; k++)
            rows[k] = (struct row){f.ids, f.n - k, under[k]};
        arena_reset(&f.s->arena);
        must(batch_pack(&b, &at, &f.s->arena, rows, 5, &err), &err);
        must(decoder_forward(f.d, &f.s->arena, &hidden, &b, NULL, NULL, &err),
             &err);
        must(head_logprobs(f.d, &f.s->arena, logp, NULL,
                           (struct head_rows){hidden, at[i]}, f.ids + 1,
                           f.n - i - 1, NULL, (struct mat){0}, &err),
             &err);
        for (int64_t t = 0; t + 1 < f.n - i; t++)
            assert_close((double)logp[t], (double)alone[t], 1e-5);
    }
    for (int i = 0; i < 3; i++)
        adapter_weights_release(&w[i]);
    session_free(f.s);
}

/* What is read and written again holds the tensors of the folder, by name. */
static void
check_names(struct fixture *f)
{
    struct payload_files files = {0};
    struct st_file theirs, ours;
    struct base_patch patch;
    struct lora l;
    char path[512];
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/adapter_model.safetensors", f->path);
    must(peft_read(&l, &patch, NULL, &f->s->model->cfg, f->path, false, &err),
         &err);
    must(peft_encode(&files, &l, &f->s->model->cfg, NULL, &err), &err);
    must(st_open(&theirs, path, &err), &err);
    must(st_parse(&ours, f->name, files.weights, files.n_weights, &err), &err);
    assert_int_equal(ours.n, theirs.n);
    for (int64_t i = 0; i < theirs.n; i++)
        if (!st_find(&ours, theirs.tensors[i].name))
            fail_msg("%s: '%s' is not written", f->name,
                     theirs.tensors[i].name);
    st_release(&ours);
    st_release(&theirs);
    payload_files_release(&files);
    lora_release(&l);
    base_patch_release(&patch);
}

static void
test_peft_folders_are_written_under_the_names_of_peft(void **state)
{
    static const char *const names[] = {"dora",      "regex",     "lora_phi3",
                                        "dora_phi3", "lora_neox", "dora_neox",
                                        "seen",      "seen_dora"};
    const size_t n = sizeof(names) / sizeof(*names);
    json_t *cases = golden_open("peft/folders.json");
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < json_array_size(cases) * n; i++) {
        const json_t *row = json_array_get(cases, i / n);
        struct fixture f;

        if (strcmp(json_string_value(json_object_get(row, "case")),
                   names[i % n]))
            continue;
        open_case(&f, row, "folders/");
        check_names(&f);
        session_free(f.s);
        checked++;
    }
    assert_int_equal(checked, n);
    json_decref(cases);
}

/* A DoRA of all maps, as training begins it. */
static void
begin_dora(struct adapter_weights *w, const struct model *m)
{
    const struct lora_spec spec = {.rank = 2, .dora = true};
    trv_err err = {0};

    must(lora_begin(&w->lora, &m->cfg, "all-linear", &spec, 1, &err), &err);
    must(dora_start(&w->lora, m, &err), &err);
}

/* It starts as the base; once its weights have changed, it scores as one that
 * never had others. */
static void
test_peft_folders_dora_follows_its_weights(void **state)
{
    struct adapter_weights learned = {0}, fresh = {0};
    struct fixture f = {.n = 12};
    float base[TOKENS_MAX], logp[TOKENS_MAX], want[TOKENS_MAX];
    double moved = 0;
    trv_err err = {0};

    (void)state;
    must(session_open(&f.s, test_source("golden/models/gpt2"), &opts, &err),
         &err);
    must(session_decoder(f.s, &f.d, &err), &err);
    for (int i = 0; i < f.n; i++)
        f.ids[i] = 3 + 7 * i;
    begin_dora(&learned, f.s->model);
    begin_dora(&fresh, f.s->model);
    must(adapter_weights_refresh(&learned, f.s->be, &err), &err);
    score(base, &f, NULL, NULL);
    score(logp, &f, &learned, NULL);
    for (int64_t t = 0; t + 1 < f.n; t++)
        assert_close((double)logp[t], (double)base[t], 1e-5);
    for (int64_t i = 0; i < learned.lora.n; i++) {
        learned.lora.w[i] += 0.01f * (float)(i % 7);
        fresh.lora.w[i] += 0.01f * (float)(i % 7);
    }
    must(adapter_weights_refresh(&learned, f.s->be, &err), &err);
    must(adapter_weights_refresh(&fresh, f.s->be, &err), &err);
    score(logp, &f, &learned, NULL);
    score(want, &f, &fresh, NULL);
    for (int64_t t = 0; t + 1 < f.n; t++) {
        moved = fmax(moved, fabs((double)want[t] - (double)base[t]));
        assert_true(logp[t] == want[t]);
    }
    assert_true(moved > 1e-3);
    adapter_weights_release(&learned);
    adapter_weights_release(&fresh);
    session_free(f.s);
}

/* One gradient against the golden one, of `n` values. */
static void
check_gradient(const struct fixture *f, const struct st_file *golden,
               const char *path, const char *end, const float *got, int64_t n)
{
    double top = 0, worst = 0;
    char name[320];
    const struct tensor *t;
    float *want;

    if (!got)
        return;
    snprintf(name, sizeof(name), "base_model.model.%s.%s", path, end);
    t = st_find(golden, name);
    if (!t)
        fail_msg("%s: no gradient of '%s'", f->name, name);
    assert_int_equal(tensor_rows(t) * tensor_cols(t), n);
    want = mem_array((size_t)n, sizeof(float));
    tensor_rows_f32(want, t, 0, tensor_rows(t));
    for (int64_t i = 0; i < n; i++) {
        top = fmax(top, fabs((double)want[i]));
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
    }
    mem_free(want);
    if (!(worst <= 2e-5 * top)) // as the gradients of test_decoder.c
        fail_msg("%s: '%s' is off by %g of %g", f->name, name, worst, top);
}

static void
check_gradients(struct fixture *f)
{
    struct adapter_weights w = {0};
    float logp[TOKENS_MAX], coef[TOKENS_MAX];
    struct st_file golden;
    char path[512];
    trv_err err = {0};

    for (int i = 0; i < TOKENS_MAX; i++)
        coef[i] = 1.0f;
    snprintf(path, sizeof(path), "%s/grad.safetensors", f->path);
    if (st_open(&golden, path, NULL)) // there are none of most cases
        return;
    must(peft_read(&w.lora, NULL, NULL, &f->s->model->cfg, f->path, true, &err),
         &err);
    must(adapter_weights_refresh(&w, f->s->be, &err), &err);
    must(session_decoder(f->s, &f->d, &err), &err);
    score(logp, f, &w, coef);
    for (int64_t i = 0; i < w.lora.layers * PART_COUNT; i++) {
        const struct lora_pair *p = &w.lora.pairs[i];

        if (!p->rank)
            continue;
        part_path(path, sizeof(path), f->d->cfg, i / PART_COUNT,
                  (enum part)(i % PART_COUNT));
        check_gradient(f, &golden, path, "lora_A.weight", p->d_a,
                       p->rank * p->in);
        check_gradient(f, &golden, path, "lora_B.weight", p->d_b,
                       p->rank * p->out);
        check_gradient(f, &golden, path, "lora_magnitude_vector", p->d_m,
                       p->out);
        check_gradient(f, &golden, path, "lora_B.bias", p->d_bias, p->out);
    }
    adapter_weights_release(&w);
    st_release(&golden);
}

static void
test_peft_folders_have_the_gradients_of_autograd(void **state)
{
    (void)state;
    each_case("golden/peft/folders.json", "folders/", 38, check_gradients);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peft_folders_score_as_in_peft),
        cmocka_unit_test(test_peft_folders_are_written_under_the_names_of_peft),
        cmocka_unit_test(
            test_peft_adapters_of_mlx_and_llama_cpp_score_as_there),
        cmocka_unit_test(test_peft_folders_score_on_every_backend),
        cmocka_unit_test(test_peft_folders_share_a_batch),
        cmocka_unit_test(test_peft_folders_dora_follows_its_weights),
        cmocka_unit_test(test_peft_folders_have_the_gradients_of_autograd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
