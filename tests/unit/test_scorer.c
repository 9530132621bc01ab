/* test_scorer.c -- reward models as folders: opened from transformers, written
 * and opened again, refused where they are something else.
 */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/output.h"
#include "adapt/reward/scorer.h"
#include "adapt/params/peft.h"
#include "base/json.h"
#include "support/golden.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
open_tiny(struct session *s)
{
    const struct backend_options be = {.isa = "ref", .prec = PREC_F32};
    trv_err err = {0};

    memset(s, 0, sizeof(*s));
    must(model_open(&s->model, test_source("golden/tiny/one"), &err), &err);
    s->model->layout = TEXT_RAW;
    must(backend_open(&s->be, &be, &err), &err);
}

static void
close_tiny(struct session *s)
{
    decoder_free(s->decoder);
    arena_release(&s->arena);
    model_free(s->model);
    backend_free(s->be);
}

/* Scores of the rows of tiny.json under what lies in `dir`. */
static void
check_tiny(struct session *s, const char *dir)
{
    const struct text_rules rules = model_text_rules(s->model);
    struct reward_item items[4];
    struct data_row rows[4];
    struct example e[4];
    struct adaptation *a;
    json_t *golden = golden_open("heads/tiny.json");
    const int n = (int)json_array_size(golden);
    double score[4];
    trv_err err = {0};

    assert_true(n > 0 && n <= 4);
    must(adaptation_open(&a, s->model, NULL, dir, false, &err), &err);
    assert_int_equal(a->kind, KIND_HEAD);
    assert_int_equal(a->form, FORM_REWARD);
    assert_false(reward_has_tokens(a));
    for (int i = 0; i < n; i++) {
        rows[i] = (struct data_row){.line = i + 1};
        e[i] = (struct example){0};
        must(data_row_set(&rows[i], json_array_get(golden, (size_t)i), &err),
             &err);
        must(example_context(&e[i], &rules, &rows[i], NULL, NULL, &err), &err);
        must(example_answer(&e[i], &rules, &rows[i], &err), &err);
        items[i] = (struct reward_item){
            .row = &rows[i],
            .text = json_string_value(rows[i].completion),
            .n_text = json_string_length(rows[i].completion),
            .ids = e[i].ids.v + e[i].n_context,
            .n_ids = e[i].ids.n - e[i].n_context};
    }
    must(reward_score(s, a, score, NULL, items, n, NULL, &err), &err);
    for (int i = 0; i < n; i++) {
        /* f32 against float64: 3e-7 was seen */
        assert_close(score[i],
                     golden_number(json_array_get(golden, (size_t)i), "score"),
                     1e-5);
        example_release(&e[i]);
    }
    adaptation_free(a);
    json_decref(golden);
}

static void
copy_file(const char *from, const char *to)
{
    struct strbuf text = {0};
    trv_err err = {0};

    must(file_read(&text, from, (size_t)1 << 24, &err), &err);
    must(file_write_atomic(to, text.s, text.len, &err), &err);
    sb_release(&text);
}

/* A copy of the tiny reward model, to be spoiled. */
static void
copy_tiny(char *dir, size_t size, const char *name)
{
    static const char *const files[] = {"config.json", "model.safetensors",
                                        "tokenizer.json",
                                        "tokenizer_config.json"};
    char from[300], to[300];

    snprintf(dir, size, "%s", test_tmpdir(name));
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        snprintf(from, sizeof(from), "golden/heads/tiny/%s", files[i]);
        snprintf(to, sizeof(to), "%s/%s", dir, files[i]);
        copy_file(test_source(from), to);
    }
}

/* Replace one text in a file by another. */
static void
edit(const char *dir, const char *name, const char *old, const char *new)
{
    struct strbuf text = {0}, out = {0};
    char path[300];
    char *at;
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    must(file_read(&text, path, (size_t)1 << 24, &err), &err);
    at = memmem(text.s, text.len, old, strlen(old));
    if (!at)
        fail_msg("'%s' has no %s", path, old);
    assert_int_equal(sb_add(&out, text.s, (size_t)(at - text.s)), 0);
    assert_int_equal(sb_puts(&out, new), 0);
    assert_int_equal(sb_add(&out, at + strlen(old),
                            text.len - (size_t)(at - text.s) - strlen(old)),
                     0);
    must(file_write_atomic(path, out.s, out.len, &err), &err);
    sb_release(&text);
    sb_release(&out);
}

static void
test_scorer_a_folder_made_by_transformers_scores_equally(void **state)
{
    struct session s;
    char spec[300];

    (void)state;
    open_tiny(&s);
    check_tiny(&s, test_source("golden/heads/tiny"));
    snprintf(spec, sizeof(spec), "head:%s", test_source("golden/heads/tiny"));
    check_tiny(&s, spec);
    close_tiny(&s);
}

static void
test_scorer_with_another_tokenizer_scores_by_the_text(void **state)
{
    struct session s;
    char dir[200];

    (void)state;
    open_tiny(&s);
    copy_tiny(dir, sizeof(dir), "scorer_words");
    /* the bytes 0x01 and 0x02 change places: not in any text here */
    edit(dir, "tokenizer.json", "\"\xc4\x81\":", "\"mark\":");
    edit(dir, "tokenizer.json", "\"\xc4\x82\":", "\"\xc4\x81\":");
    edit(dir, "tokenizer.json", "\"mark\":", "\"\xc4\x82\":");
    check_tiny(&s, dir);
    close_tiny(&s);
}

static void
refuse(struct session *s, const char *spec, int code, const char *says)
{
    struct adaptation *a;
    trv_err err = {0};

    assert_int_equal(adaptation_open(&a, s->model, NULL, spec, false, &err),
                     code);
    assert_null(a);
    if (!strstr(err.msg, says))
        fail_msg("'%s' does not say '%s'", err.msg, says);
}

static void
test_scorer_refuses_folders_that_are_no_reward(void **state)
{
    struct session s;
    struct model *m;
    char dir[200], spec[220];
    trv_err err = {0};

    (void)state;
    open_tiny(&s);
    snprintf(spec, sizeof(spec), "head:%s", test_source("golden/tiny/one"));
    refuse(&s, spec, TRV_EUNSUPPORTED, "is no reward model");
    snprintf(spec, sizeof(spec), "full:%s", test_source("golden/heads/tiny"));
    refuse(&s, spec, TRV_EUNSUPPORTED, "it is a reward, head:");
    assert_int_equal(model_open(&m, test_source("golden/heads/tiny"), &err),
                     TRV_EUNSUPPORTED);
    copy_tiny(dir, sizeof(dir), "scorer_labels");
    edit(dir, "config.json", "\"0\": \"LABEL_0\"",
         "\"0\": \"LABEL_0\", \"1\": \"LABEL_1\"");
    refuse(&s, dir, TRV_EUNSUPPORTED, "classifies into 2 labels");
    copy_tiny(dir, sizeof(dir), "scorer_none");
    edit(dir, "config.json", "\"0\": \"LABEL_0\"", "");
    snprintf(spec, sizeof(spec), "head:%s", dir);
    refuse(&s, spec, TRV_EFORMAT, "has no labels");
    copy_tiny(dir, sizeof(dir), "scorer_width");
    edit(dir, "model.safetensors", "\"score.weight\":", "\"scare.weight\":");
    refuse(&s, dir, TRV_EFORMAT, "lacks the tensor 'score.weight'");
    close_tiny(&s);
}

static void
test_scorer_what_is_written_opens_and_scores_the_same(void **state)
{
    struct session s;
    struct artefact head = {0};
    struct outdir to;
    struct scorer *sc = NULL;
    struct lora l = {0};
    float w[16];
    char out[220], *base = NULL;
    bool is = false;
    trv_err err = {0};

    (void)state;
    open_tiny(&s);
    must(lora_begin(&l, &s.model->cfg, "q_proj,down_proj",
                    &(struct lora_spec){.rank = 2}, 3, &err),
         &err);
    for (int64_t i = 0; i < l.n; i++)
        l.w[i] = (float)(i % 7) - 3.0f;
    for (int i = 0; i < 16; i++)
        w[i] = (float)i - 7.5f;
    snprintf(out, sizeof(out), "%s/r", test_tmpdir("scorer_out"));
    must(artefact_init(&head, KIND_HEAD, "tiny", NULL, &err), &err);
    must(outdir_init(&to, out, &err), &err);
    must(output_lock(&to, KIND_HEAD, false, &err), &err);
    must(scorer_save(&head, &l, w, &s.model->cfg, &to, &err), &err);
    must(scorer_find(&is, out, &err), &err);
    assert_true(is);
    must(scorer_open(&sc, &base, NULL, s.model, out, &err), &err);
    assert_string_equal(base, "tiny");
    assert_memory_equal(sc->w, w, sizeof(w));
    assert_int_equal(sc->adapter_weights.lora.n, l.n);
    assert_memory_equal(sc->adapter_weights.lora.w, l.w,
                        (size_t)l.n * sizeof(float));
    assert_int_equal(output_lock(&to, KIND_HEAD, false, &err), TRV_EEXIST);
    must(output_lock(&to, KIND_HEAD, true, &err), &err);
    w[3] = (float)NAN;
    assert_int_equal(scorer_save(&head, &l, w, &s.model->cfg, &to, &err),
                     TRV_ENONFINITE);
    outdir_release(&to);
    scorer_free(sc);
    mem_free(base);
    lora_release(&l);
    artefact_release(&head);
    close_tiny(&s);
}

static void
sweep(const char *spec)
{
    struct session s;
    int rc = TRV_ENOMEM;

    open_tiny(&s);
    for (int64_t n = 0; rc == TRV_ENOMEM; n++) {
        struct data_row row = {.line = 1};
        static const int32_t y[] = {65, 257};
        const struct reward_item item = {
            .row = &row, .text = "b", .n_text = 1, .ids = y, .n_ids = 2};
        struct adaptation *a = NULL;
        double score;
        trv_err err = {0};

        row.json = json_pack("{s:s}", "prompt", "a");
        must(data_row_set(&row, row.json, &err), &err);
        mem_fail_after(n);
        rc = adaptation_open(&a, s.model, NULL, spec, false, &err);
        if (!rc)
            rc = reward_score(&s, a, &score, NULL, &item, 1, NULL, &err);
        mem_fail_after(-1);
        adaptation_free(a);
        json_decref(row.json);
        decoder_free(s.decoder); // packed weights are memory, too
        s.decoder = NULL;
        arena_release(&s.arena);
    }
    assert_int_equal(rc, 0);
    close_tiny(&s);
}

static void
test_scorer_want_of_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    sweep(test_source("golden/heads/tiny"));
}

/* ---- files of PEFT that are broken -------------------------------------- */

static void
refuse_peft(const struct model_config *cfg, const char *config,
            const struct strbuf *weights, int code, const char *says)
{
    struct lora l;
    float *score;
    trv_err err = {0};

    assert_int_equal(peft_parse_scorer(&l, &score, NULL, cfg, "dir", config,
                                       strlen(config), weights->s, weights->len,
                                       false, &err),
                     code);
    assert_null(score);
    assert_null(l.pairs);
    if (!strstr(err.msg, says))
        fail_msg("'%s' does not say '%s'", err.msg, says);
}

static void
test_scorer_refuses_loras_whose_score_is_missing_or_another(void **state)
{
#define HEAD                                                                   \
    "\"peft_type\": \"LORA\", \"r\": 3, \"lora_alpha\": 6, "                   \
    "\"target_modules\": [\"q_proj\", \"k_proj\", \"v_proj\", "                \
    "\"o_proj\", \"gate_proj\", \"up_proj\", \"down_proj\"], "
    struct model *m;
    struct strbuf weights = {0};
    char *at;
    trv_err err = {0};

    (void)state;
    must(model_open(&m, test_source("golden/models/llama"), &err), &err);
    must(file_read(&weights,
                   test_source("golden/heads/llama/adapter/"
                               "adapter_model.safetensors"),
                   (size_t)1 << 24, &err),
         &err);
    refuse_peft(&m->cfg, "{" HEAD "\"task_type\": \"CAUSAL_LM\"}", &weights,
                TRV_EUNSUPPORTED, "asks for 'CAUSAL_LM'");
    refuse_peft(&m->cfg, "{" HEAD "\"task_type\": \"SEQ_CLS\"}", &weights,
                TRV_EFORMAT, "does not name 'score'");
    refuse_peft(&m->cfg,
                "{" HEAD "\"task_type\": \"SEQ_CLS\", \"modules_to_save\": "
                "[\"score\", \"embed_tokens\"]}",
                &weights, TRV_EUNSUPPORTED, "whole modules beside 'score'");
    at = memmem(weights.s, weights.len, "score.weight", 12);
    assert_non_null(at);
    memcpy(at, "scare.weight", 12);
    refuse_peft(&m->cfg,
                "{" HEAD "\"task_type\": \"SEQ_CLS\", \"modules_to_save\": "
                "[\"score\"]}",
                &weights, TRV_EFORMAT, "is no half of a LoRA pair");
    sb_release(&weights);
    model_free(m);
#undef HEAD
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_scorer_a_folder_made_by_transformers_scores_equally),
        cmocka_unit_test(test_scorer_with_another_tokenizer_scores_by_the_text),
        cmocka_unit_test(test_scorer_refuses_folders_that_are_no_reward),
        cmocka_unit_test(test_scorer_what_is_written_opens_and_scores_the_same),
        cmocka_unit_test(test_scorer_want_of_memory_leaves_nothing_behind),
        cmocka_unit_test(
            test_scorer_refuses_loras_whose_score_is_missing_or_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
