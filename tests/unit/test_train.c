/* test_train.c -- facts about plain training as a whole. */
#include "support/test.h"

#include <string.h>
#include <trivium/trivium.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static trv_model *
open_model(void)
{
    trv_model_options o = TRV_MODEL_OPTIONS_INIT;
    trv_model *m = NULL;
    trv_err err = {0};

    o.precision = "f32";
    must(trv_model_open(&m, test_source("golden/tiny/one"), &o, &err), &err);
    return m;
}

static void
write_rows(const char *path, int n)
{
    struct strbuf b = {0};
    trv_err err = {0};

    for (int i = 0; i < n; i++)
        assert_int_equal(sb_puts(&b, "{\"text\": \"one two\"}\n"), 0);
    must(file_write_atomic(path, b.s, b.len, &err), &err);
    sb_release(&b);
}

static void
test_train_all_weights_leaves_the_model_as_it_was(void **state)
{
    const char *dir = test_tmpdir("train");
    trv_train_options o = TRV_TRAIN_OPTIONS_INIT;
    trv_model *m = open_model();
    char rows[160], path[2][200], hash[2][HASH_HEX];
    trv_err err = {0};

    (void)state;
    snprintf(rows, sizeof(rows), "%s/rows.jsonl", dir);
    write_rows(rows, 4);
    o.data = rows;
    o.learn.steps = 3;
    o.learn.lr = 1e-2;
    for (int i = 0; i < 2; i++) {
        char to[160];

        snprintf(to, sizeof(to), "full:%s/%d", dir, i);
        snprintf(path[i], sizeof(path[i]), "%s/model.safetensors", to + 5);
        must(trv_train(m, NULL, to, &o, NULL, NULL, &err), &err);
        must(hash_file(hash[i], path[i], &err), &err);
    }
    assert_string_equal(hash[0], hash[1]);
    trv_model_free(m);
}

static void
test_train_refuses_more_steps_than_can_be_counted(void **state)
{
    const char *dir = test_tmpdir("train");
    trv_train_options o = TRV_TRAIN_OPTIONS_INIT;
    trv_model *m = open_model();
    char rows[160], to[160];
    trv_err err = {0};

    (void)state;
    snprintf(rows, sizeof(rows), "%s/rows.jsonl", dir);
    snprintf(to, sizeof(to), "lora:%s/z", dir);
    write_rows(rows, 2200); // a million times as many are above 2^31
    o.data = rows;
    o.epochs = 1e6;
    o.learn.batch = 1;
    assert_int_equal(trv_train(m, NULL, to, &o, NULL, NULL, &err), TRV_ERANGE);
    assert_non_null(strstr(err.msg, "epochs"));
    trv_model_free(m);
}

struct losses {
    double before, after;
};

static void
keep_losses(const char *line, void *payload)
{
    struct losses *l = payload;

    (void)sscanf(line, "held-out loss before training: %lf", &l->before);
    (void)sscanf(line, "held-out loss after training: %lf", &l->after);
}

/* The loss is of the base before, and of what was made after, on the same
 * tokens: those of virtual tokens carry none. */
static void
test_train_every_kind_learns_from_data(void **state)
{
    static const char *const kinds[] = {"lora", "adapter", "prefix", "soft"};
    const char *dir = test_tmpdir("train");
    trv_model *m = open_model();
    double before = 0;
    char rows[160];

    (void)state;
    snprintf(rows, sizeof(rows), "%s/rows.jsonl", dir);
    write_rows(rows, 4);
    for (int i = 0; i < 4; i++) {
        trv_train_options o = TRV_TRAIN_OPTIONS_INIT;
        struct losses l = {0};
        trv_adaptation *a;
        trv_err err = {0};
        char to[200];

        o.data = o.eval = rows;
        o.learn.steps = 30;
        o.learn.lr = i < 2 ? 0.0 : 0.05; // the model is of width 16
        o.virtual_tokens.tokens = 5;
        o.bottleneck.size = 8;
        o.lora.rank = 4;
        o.on_message = keep_losses;
        o.message_payload = &l;
        snprintf(to, sizeof(to), "%s:%s/%s", kinds[i], dir, kinds[i]);
        must(trv_train(m, NULL, to, &o, NULL, NULL, &err), &err);
        if (i == 0)
            before = l.before;
        assert_close(l.before, before, 0);
        if (!(l.after < 0.8 * l.before))
            fail_msg("%s: %g after %g", kinds[i], l.after, l.before);
        must(trv_adaptation_open(&a, m, strchr(to, ':') + 1, false, &err),
             &err);
        trv_adaptation_free(a);
    }
    trv_model_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_all_weights_leaves_the_model_as_it_was),
        cmocka_unit_test(test_train_refuses_more_steps_than_can_be_counted),
        cmocka_unit_test(test_train_every_kind_learns_from_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
