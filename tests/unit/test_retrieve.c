/* test_retrieve.c -- BM25 against its formula, queries that mean nothing to
 * FTS5, and corpora that are none.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/output.h"
#include "adapt/adaptation.h"
#include "adapt/prompt/retrieve.h"
#include "adapt/view.h"
#include "base/file.h"
#include "base/rng.h"

#define DOCS 40

static struct retrieve *
open_corpus(const char *bytes, const char *conf)
{
    struct retrieve *r = NULL;
    json_t *options = conf ? json_loads(conf, 0, NULL) : NULL;
    trv_err err = {0};
    char path[600];

    snprintf(path, sizeof(path), "%s/c.jsonl", test_tmpdir("retrieve"));
    if (file_write_atomic(path, bytes, strlen(bytes), &err) ||
        retrieve_open(&r, path, options, &err))
        fail_msg("%s", err.msg);
    json_decref(options);
    return r;
}

/* ---- against the formula ------------------------------------------------ */

static int
count(const char *text, const char *word)
{
    const size_t n = strlen(word);
    int found = 0;

    for (const char *p = text; (p = strstr(p, word)); p += n)
        found += (p == text || p[-1] == ' ') && (!p[n] || p[n] == ' ');
    return found;
}

static int
words_of(const char *text)
{
    int n = 1;

    for (; *text; text++)
        n += *text == ' ';
    return n;
}

/* As Robertson and Zaragoza write it, with FTS5's floor of the idf. */
static double
bm25(const char *const *docs, int d, const char *const *query, int n_query)
{
    double total = 0.0, score = 0.0;

    for (int i = 0; i < DOCS; i++)
        total += words_of(docs[i]);
    for (int q = 0; q < n_query; q++) {
        const double f = count(docs[d], query[q]);
        const double norm = 0.25 + 0.75 * words_of(docs[d]) * DOCS / total;
        double with = 0.0, idf;

        for (int i = 0; i < DOCS; i++)
            with += count(docs[i], query[q]) > 0;
        idf = log((DOCS - with + 0.5) / (with + 0.5));
        idf = idf > 1e-6 ? idf : 1e-6;
        score += idf * f * 2.2 / (f + 1.2 * norm);
    }
    return score;
}

static void
test_retrieve_ranks_as_the_formula_of_bm25(void **state)
{
    static const char *const vocabulary[] = {"ash", "bay", "cod", "dew",
                                             "elm", "fig", "gem", "hay"};
    char text[DOCS][200];
    const char *docs[DOCS];
    struct strbuf bytes = {0};
    struct retrieve *r;
    struct rng rng;

    (void)state;
    rng_init(&rng, 5, 0);
    for (int d = 0; d < DOCS; d++) {
        const uint32_t n = 3 + rng_below(&rng, 20);

        text[d][0] = '\0';
        for (uint32_t w = 0; w < n; w++) {
            // the later words of the vocabulary are the rarer ones
            const uint32_t k = rng_below(&rng, 1 + rng_below(&rng, 8));

            snprintf(text[d] + strlen(text[d]), 10, "%s%s", w ? " " : "",
                     vocabulary[k]);
        }
        docs[d] = text[d];
        sb_printf(&bytes, "{\"text\": \"%s\"}\n", text[d]);
    }
    r = open_corpus(bytes.s, "{\"k\": 40}");
    for (int prompt_value = 0; prompt_value < 30; prompt_value++) {
        const char *query[3];
        char line[40];
        int64_t doc[DOCS], n;
        int matching = 0;

        for (int q = 0; q < 3; q++)
            query[q] = vocabulary[rng_below(&rng, 8)];
        snprintf(line, sizeof(line), "%s %s, %s?", query[0], query[1],
                 query[2]);
        assert_int_equal(retrieve_find(doc, &n, r, line, NULL), 0);
        for (int d = 0; d < DOCS; d++)
            matching += bm25(docs, d, query, 3) > 0;
        assert_int_equal(n, matching);
        for (int64_t i = 1; i < n; i++) {
            const double before = bm25(docs, (int)doc[i - 1], query, 3);
            const double after = bm25(docs, (int)doc[i], query, 3);

            /* Both are sums of three doubles: equal scores may differ in the
             * last place, and then the order between them is free. */
            assert_true(before > after - 1e-12);
            if (before == after)
                assert_true(doc[i - 1] < doc[i]);
        }
    }
    retrieve_free(r);
    sb_release(&bytes);
}

/* ---- queries ------------------------------------------------------------ */

static const char small[] = "{\"text\": \"the red fox\", \"title\": \"Fox\"}\n"
                            "{\"text\": \"a blue whale\"}\n"
                            "{\"text\": \"\\u00fcber den Fl\\u00fcssen\"}\n"
                            "{\"prompt\": \"who?\", \"completion\": \"me\"}\n";

static void
finds(struct retrieve *r, const char *query, int64_t want)
{
    int64_t doc[RETRIEVE_K_MAX], n;
    trv_err err = {0};

    if (retrieve_find(doc, &n, r, query, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(n, want >= 0);
    if (want >= 0)
        assert_int_equal(doc[0], want);
}

static void
test_retrieve_takes_any_text_as_words_and_never_as_syntax(void **state)
{
    struct retrieve *r = open_corpus(small, "{\"k\": 1}");

    (void)state;
    finds(r, "Where is the RED one?", 0);
    finds(r, "uber", 2); // without its marks
    finds(r,
          "\xc3\xbc"
          "ber!",
          2);
    finds(r, "me", 3);
    finds(r, "title:fox", 0);
    finds(r, "", -1);
    finds(r, "?!\"'()*:^-+", -1);
    finds(r, "\"whale", 1);
    finds(r, "whale\" OR \"", 1);
    finds(r, "NOT whale", 1);
    finds(r, "NEAR(whale, 3)", 1);
    finds(r, "wha*", -1);
    finds(r, "body : whale^2", 1);
    finds(r, "'; DROP TABLE d; -- whale", 1);
    finds(r, "AND OR NOT", -1);
    finds(r, "\xe2\x80\x9cwhale\xe2\x80\x9d", 1); // in typographic quotes
    finds(r, "\xf0\x9f\x90\xb3 \xe2\x80\x94", -1);
    retrieve_free(r);
}

/* Stems, as Porter cuts them, and only those. */
static void
test_retrieve_finds_other_forms_of_a_word(void **state)
{
    static const struct {
        const char *query;
        int64_t doc;
    } cases[] = {
        {"running", 0},    {"RUNS", 0},      {"to run", 0}, {"runner", -1},
        {"walk", 1},       {"walking", 1},   {"pony", 2},   {"hopeful", 3},
        {"hopefully", -1}, {"relations", 4}, {"relate", 4}, {"ran", -1},
    };
    struct retrieve *r = open_corpus("{\"text\": \"they run\"}\n"
                                     "{\"text\": \"who walked?\"}\n"
                                     "{\"text\": \"two ponies\"}\n"
                                     "{\"text\": \"some hope\"}\n"
                                     "{\"text\": \"a relational x\"}\n",
                                     "{\"k\": 1}");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        finds(r, cases[i].query, cases[i].doc);
    retrieve_free(r);
}

/* The inputs that found nothing are counted, and told of where there are any.
 */
static void
test_retrieve_tells_of_inputs_without_a_document(void **state)
{
    static const char *const inputs[] = {"a fox", "a whale", "an emu", "?"};
    struct retrieve *r = open_corpus(small, NULL);
    struct strbuf said = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct data_row row = {.text = inputs[i]};
        struct strbuf b = {0};

        assert_int_equal(retrieve_view(&b, r, &row, NULL), 0);
        assert_int_equal(retrieve_note(&said, r, NULL), 0);
        assert_int_equal(said.len > 0, i >= 2);
        sb_release(&b);
    }
    assert_non_null(
        strstr(said.s, "33.3% of the inputs that were looked up (1 of 3)"));
    assert_non_null(
        strstr(said.s, "50% of the inputs that were looked up (2 of 4)"));
    sb_release(&said);
    retrieve_free(r);
}

static void
test_retrieve_bears_random_bytes_and_long_queries(void **state)
{
    struct retrieve *r = open_corpus(small, NULL);
    static char text[300000];
    int64_t doc[3], n;
    struct rng rng;
    trv_err err = {0};

    (void)state;
    rng_init(&rng, 9, 0);
    for (int prompt_value = 0; prompt_value < 200; prompt_value++) {
        const uint32_t len = rng_below(&rng, 300);

        for (uint32_t i = 0; i < len; i++)
            text[i] = (char)(1 + rng_below(&rng, 255));
        text[len] = '\0';
        if (retrieve_find(doc, &n, r, text, &err))
            fail_msg("%s", err.msg);
    }
    for (size_t i = 0; i + 1 < sizeof(text); i++)
        text[i] = i % 3 == 2 ? ' ' : (char)('a' + i % 26);
    text[sizeof(text) - 1] = '\0';
    if (retrieve_find(doc, &n, r, text, &err))
        fail_msg("%s", err.msg);
    memset(text, 'a', sizeof(text) - 1); // one word
    if (retrieve_find(doc, &n, r, text, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(n, 0);
    retrieve_free(r);
}

static void
test_retrieve_puts_documents_in_its_template_best_first(void **state)
{
    struct retrieve *r = open_corpus(
        "{\"text\": \"fox and hen\"}\n{\"text\": \"fox fox {title}\", "
        "\"title\": \"On foxes\"}\n{\"text\": \"owl\"}\n{\"text\": \"elk\"}\n"
        "{\"text\": \"emu\"}\n",
        "{\"k\": 2, \"template\": \"[{title}] {text}. \"}");
    struct data_row row = {0};
    struct strbuf b = {0};

    (void)state;
    assert_int_equal(
        data_row_set(&row, json_loads("{\"prompt\": \"A fox\"}", 0, NULL),
                     NULL),
        0);
    assert_int_equal(retrieve_view(&b, r, &row, NULL), 0);
    assert_string_equal(b.s, "[On foxes] fox fox {title}. [] fox and hen. ");
    json_decref(row.json);
    sb_release(&b);
    retrieve_free(r);
}

/* ---- corpora ------------------------------------------------------------ */

static void
refused(const char *bytes, const char *conf, const char *why)
{
    json_t *options = json_loads(conf, 0, NULL);
    struct retrieve *r = NULL;
    trv_err err = {0};
    char path[600];

    snprintf(path, sizeof(path), "%s/c.jsonl", test_tmpdir("retrieve_bad"));
    assert_int_equal(file_write_atomic(path, bytes, strlen(bytes), &err), 0);
    assert_true(retrieve_open(&r, path, options, &err) < 0);
    assert_null(r);
    if (!strstr(err.msg, why))
        fail_msg("'%s' does not say '%s'", err.msg, why);
    json_decref(options);
}

static void
test_retrieve_refuses_what_is_no_corpus(void **state)
{
    (void)state;
    refused("", "{}", "empty");
    refused("{\"text\": \"\"}\n", "{}", "needs a 'text'");
    refused("{\"messages\": [{\"role\": \"user\", \"content\": \"2\"}]}\n",
            "{}", "needs a 'text'");
    refused("{\"text\": \"\xff\"}\n", "{}", "UTF-8");
    refused("[]\n", "{}", "line 1");
    refused(small, "{\"k\": 0}", "from 1 to 1000");
    refused(small, "{\"k\": \"many\"}", "from 1 to 1000");
    refused(small, "{\"template\": \"none\"}", "{text}");
    refused(small, "{\"top\": 3}", "no option 'top'");
}

/* Text of a context: the documents first, then the input. */
static void
test_retrieve_acts_through_the_view_and_from_its_artefact(void **state)
{
    const struct backend_options be = {.prec = PREC_F32};
    struct session *s;
    struct adaptation *a[2] = {NULL, NULL};
    struct artefact head = {0};
    struct outdir to;
    char spec[700], out[600], hash[2][HASH_HEX];
    trv_err err = {0};

    (void)state;
    snprintf(out, sizeof(out), "%s/c,k=v.jsonl", test_tmpdir("retrieve_view"));
    assert_int_equal(file_write_atomic(out, small, strlen(small), &err), 0);
    if (session_open(&s, test_source("golden/tiny/one"), &be, &err))
        fail_msg("%s", err.msg);
    s->model->layout = TEXT_RAW;
    /* A comma, a known key and its sign begin the options: here in the name. */
    snprintf(spec, sizeof(spec), "retrieve:%s,k=1", out);
    assert_true(adaptation_open(&a[0], s->model, NULL, spec, false, &err) < 0);
    snprintf(out, sizeof(out), "%s/c,v.jsonl", test_tmpdir("retrieve_view"));
    assert_int_equal(file_write_atomic(out, small, strlen(small), &err), 0);
    snprintf(spec, sizeof(spec), "retrieve:%s,k=1,template=<{text}> ", out);
    if (adaptation_open(&a[0], s->model, NULL, spec, false, &err))
        fail_msg("%s", err.msg);
    snprintf(out, sizeof(out), "%s/z", test_tmpdir("retrieve_saved"));
    assert_int_equal(artefact_init(&head, KIND_RETRIEVE, "t", NULL, &err), 0);
    if (outdir_init(&to, out, &err) ||
        output_lock(&to, KIND_RETRIEVE, false, &err) ||
        adaptation_save_prompt(&head, a[0], &to, &err) ||
        adaptation_open(&a[1], s->model, NULL, out, false, &err))
        fail_msg("%s", err.msg);
    artefact_release(&head);
    outdir_release(&to);
    for (int i = 0; i < 2; i++) {
        struct data_row row = {0};
        struct strbuf text = {0};
        struct ids ids = {0};

        assert_int_equal(
            data_row_set(&row,
                         json_loads("{\"prompt\": \"A whale says\"}", 0, NULL),
                         NULL),
            0);
        if (view_conditioning(&ids, s->model, a[i], &row, &err) ||
            tokenizer_decode(s->model->tokenizer, &text, ids.v, ids.n, true,
                             &err) ||
            adaptation_hash_prompt(hash[i], a[i], &err))
            fail_msg("%s", err.msg);
        assert_string_equal(text.s, "<a blue whale> A whale says");
        sb_release(&text);
        ids_release(&ids);
        json_decref(row.json);
        adaptation_free(a[i]);
    }
    assert_string_equal(hash[0], hash[1]);
    session_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retrieve_ranks_as_the_formula_of_bm25),
        cmocka_unit_test(
            test_retrieve_takes_any_text_as_words_and_never_as_syntax),
        cmocka_unit_test(test_retrieve_finds_other_forms_of_a_word),
        cmocka_unit_test(test_retrieve_tells_of_inputs_without_a_document),
        cmocka_unit_test(test_retrieve_bears_random_bytes_and_long_queries),
        cmocka_unit_test(
            test_retrieve_puts_documents_in_its_template_best_first),
        cmocka_unit_test(test_retrieve_refuses_what_is_no_corpus),
        cmocka_unit_test(
            test_retrieve_acts_through_the_view_and_from_its_artefact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
