/* cmd_score.c -- `trivium score`: what an adaptation thinks of given answers.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/textio.h"

#define EXCERPT 48 // columns of an answer in the table

struct score_args {
    const char *model, *adaptation, *as;
    bool any_base, json;
    trv_score_options o;
};

static const struct score_args score_defaults = {
    .as = "ratio",
    .o = TRV_SCORE_OPTIONS_INIT,
};

static const struct opt_spec score_opts[] = {
    OPT_TEXT(struct score_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = CMD_MODEL_HELP),
    OPT_TEXT(struct score_args, adaptation, 'a', "adaptation", .value = "A",
             .required = true, .specs = "reward",
             .help = "or prompt:TEXT, lora:DIR, an artefact's folder, base"),
    OPT_TEXT(struct score_args, o.data, 'd', "data", .value = "FILE",
             .required = true,
             .help =
                 "answers, as .jsonl, .json or .csv: prompt and completion, "
                 "messages, or prompt, chosen and rejected"),
    OPT_FLAG(struct score_args, any_base, 0, "any-base",
             "take an artefact that was made for another model"),
    OPT_INT(struct score_args, o.max_rows, 0, "max-rows", .lo = 0,
            .hi = INT32_MAX, .unit = "rows", .shown = "0, all",
            .help = "take at most so many from the file"),
    OPT_FLAG(struct score_args, o.no_eos, 0, "no-eos",
             "of log-probabilities: leave out what ends an answer, EOS or what "
             "the chat template puts behind it"),
    OPT_CHOICE(struct score_args, as, 0, "as", .choices = "ratio|logp",
               .value = "NAME",
               .help = "of parameters and prompts: how much likelier than to "
                       "the base an answer is, or its log-probability itself"),
    OPT_FLAG(struct score_args, o.logp, 0, "logp", "the same as --as logp"),
    OPT_GROUP("What to print"),
    OPT_FLAG(struct score_args, o.tokens, 0, "tokens",
             "what each token adds, too"),
    OPT_FLAG(struct score_args, json, 'j', "json",
             "print one JSON object for each row, and one for all"),
    OPT_END,
};

/* ---- JSON ---------------------------------------------------------------- */

static json_t *
json_value(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *
json_figure(const trv_figure *f)
{
    if (f->n <= 0)
        return json_null();
    return json_pack("{s:o, s:o, s:I}", "mean", json_value(f->mean), "stderr",
                     json_value(f->stderr_), "n", (json_int_t)f->n);
}

/* [{"id":, "text":, "score":}]; NULL where no values were asked for. */
static json_t *
json_tokens(const trv_model *m, const trv_scored_answer *y)
{
    json_t *list = y->token_scores ? json_array() : NULL;

    for (int64_t t = 0; list && t < y->n_tokens; t++) {
        char *text = NULL;
        size_t n = 0;
        int bad = trv_detokenize(m, &text, &n, &y->ids[t], 1, false, NULL);

        bad = bad || json_array_append_new(
                         list, json_pack("{s:i, s:o, s:o}", "id", y->ids[t],
                                         "text", textio_json(text, n), "score",
                                         json_value(y->token_scores[t])));
        trv_free(text);
        if (bad) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *
json_row(const trv_model *m, const trv_scored_row *r, int64_t number)
{
    const trv_scored_answer *y = &r->answer;

    if (r->text)
        return json_pack(
            "{s:I, s:o, s:I, s:I, s:o, s:o, s:o*}", "row", (json_int_t)number,
            "score", json_value(y->score), "n_tokens", (json_int_t)y->n_tokens,
            "bytes", (json_int_t)y->n, "per_token",
            json_value(y->score / (double)y->n_tokens), "per_byte",
            json_value(y->score / (double)y->n), "tokens", json_tokens(m, y));
    if (!r->pair)
        return json_pack("{s:I, s:o, s:o*}", "row", (json_int_t)number, "score",
                         json_value(y->score), "tokens", json_tokens(m, y));
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:o*, s:o*}", "row", (json_int_t)number, "chosen",
        json_value(y->score), "rejected", json_value(r->rejected.score),
        "margin", json_value(y->score - r->rejected.score), "chosen_tokens",
        json_tokens(m, y), "rejected_tokens", json_tokens(m, &r->rejected));
}

/* Nats of a text, less than nothing, for each token, or for each byte. */
static double
text_nats(const trv_scores *s, int64_t n)
{
    return -s->text_logp / (double)n;
}

static json_t *
json_perplexity(const trv_scores *s)
{
    return json_pack(
        "{s:o, s:o, s:o, s:I, s:I}", "token",
        json_value(exp(text_nats(s, s->text_tokens))), "byte",
        json_value(exp(text_nats(s, s->text_bytes))), "bits_per_byte",
        json_value(text_nats(s, s->text_bytes) / log(2.0)), "tokens",
        (json_int_t)s->text_tokens, "bytes", (json_int_t)s->text_bytes);
}

static json_t *
json_summary(const trv_scores *s)
{
    json_t *o =
        json_pack("{s:I, s:I, s:o, s:o}", "rows", (json_int_t)s->n, "answers",
                  (json_int_t)s->score.n, "score", json_figure(&s->score),
                  "std", json_value(s->deviation));

    if (o && s->margin.n > 0 &&
        (json_object_set_new(o, "chosen", json_figure(&s->chosen)) ||
         json_object_set_new(o, "rejected", json_figure(&s->rejected)) ||
         json_object_set_new(o, "margin", json_figure(&s->margin)) ||
         json_object_set_new(o, "accuracy", json_figure(&s->accuracy)))) {
        json_decref(o);
        return NULL;
    }
    if (o && s->text_rows > 0 &&
        json_object_set_new(o, "perplexity", json_perplexity(s))) {
        json_decref(o);
        return NULL;
    }
    return o ? json_pack("{s:o}", "summary", o) : NULL;
}

static bool
print_object(FILE *f, json_t *o)
{
    const bool good =
        o && json_dumpf(o, f, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0;

    json_decref(o);
    if (good)
        fputc('\n', f);
    return good;
}

static enum cli_exit
print_json(const struct cli *cli, const trv_model *m, const trv_scores *s)
{
    bool good = true;

    for (int64_t i = 0; i < s->n && good; i++)
        good = print_object(cli->out, json_row(m, &s->rows[i], i + 1));
    if (good)
        good = print_object(cli->out, json_summary(s));
    if (!good && !ferror(cli->out))
        return cli_fail(cli, CLI_FAILURE, "no memory to print the scores");
    return cli_finish(cli);
}

/* ---- the table ----------------------------------------------------------- */

static void
print_tokens(FILE *f, const trv_model *m, const trv_scored_answer *y)
{
    for (int64_t t = 0; y->token_scores && t < y->n_tokens; t++) {
        char *text = NULL;
        size_t n = 0;

        if (trv_detokenize(m, &text, &n, &y->ids[t], 1, false, NULL))
            n = 0;
        fprintf(f, "%8s %10.4f  '", "", y->token_scores[t]);
        if (text)
            textio_print_excerpt(f, text, n, EXCERPT);
        fputs("'\n", f);
        trv_free(text);
    }
}

static void
print_row(FILE *f, const trv_model *m, const trv_scored_row *r, int64_t number)
{
    fprintf(f, "%8lld %10.4f  ", (long long)number, r->answer.score);
    if (r->text)
        fprintf(f, "%10lld %10.4f %10.4f  ", (long long)r->answer.n_tokens,
                r->answer.score / (double)r->answer.n_tokens,
                r->answer.score / (double)r->answer.n);
    if (r->pair)
        fprintf(f, "%10.4f %10.4f  ", r->rejected.score,
                r->answer.score - r->rejected.score);
    textio_print_excerpt(f, r->answer.text, r->answer.n, EXCERPT);
    fputc('\n', f);
    print_tokens(f, m, &r->answer);
    if (r->pair && r->rejected.token_scores) {
        fprintf(f, "%8s %10s\n", "", "rejected");
        print_tokens(f, m, &r->rejected);
    }
}

static void
print_figure(FILE *f, const char *name, const trv_figure *v)
{
    char text[HUMAN_MAX];

    if (v->n > 0)
        fprintf(f, "%-10s %s\n", name, human_figure(text, v));
}

static enum cli_exit
print_table(const struct cli *cli, const trv_model *m, const trv_scores *s)
{
    const bool color = cli->term.color_out;
    const bool pairs = s->margin.n > 0;
    FILE *f = cli->out;
    char text[HUMAN_MAX];

    fprintf(f, "%s%8s %10s  ", term_bold(color), "row",
            pairs ? "chosen" : "score");
    if (pairs)
        fprintf(f, "%10s %10s  ", "rejected", "margin");
    if (s->text_rows > 0)
        fprintf(f, "%10s %10s %10s  ", "tokens", "per token", "per byte");
    fprintf(f, "%s%s\n", s->text_rows > 0 ? "text" : "answer",
            term_plain(color));
    for (int64_t i = 0; i < s->n; i++)
        print_row(f, m, &s->rows[i], i + 1);
    fputc('\n', f);
    print_figure(f, "mean", &s->score);
    if (isfinite(s->deviation))
        fprintf(f, "%-10s %.4g\n", "std", s->deviation);
    print_figure(f, "chosen", &s->chosen);
    print_figure(f, "rejected", &s->rejected);
    print_figure(f, "margin", &s->margin);
    print_figure(f, "accuracy", &s->accuracy);
    if (s->text_rows > 0)
        fprintf(f, "%-10s %.6g a token, %.6g a byte (%.6g bits per byte)\n",
                "perplexity", exp(text_nats(s, s->text_tokens)),
                exp(text_nats(s, s->text_bytes)),
                text_nats(s, s->text_bytes) / log(2.0));
    if (s->text_rows > 0)
        fprintf(f, "%-10s %s\n", "tokens",
                human_count(text, (double)s->text_tokens));
    fprintf(f, "%-10s %s\n", "answers", human_count(text, (double)s->score.n));
    return cli_finish(cli);
}

static enum cli_exit
score_run(struct cli *cli, const void *args)
{
    const struct score_args *a = args;
    trv_score_options o = a->o;
    trv_model *m = NULL;
    trv_adaptation *adaptation = NULL;
    trv_scores scores = {0};
    trv_err err = {0};
    enum cli_exit status;

    if (cli_model_open(cli, &m, a->model, &err) ||
        cli_adaptation_open(cli, &adaptation, m, a->adaptation, a->any_base,
                            &err)) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    o.logp = o.logp || strcmp(a->as, "logp") == 0;
    term_catch_interrupt();
    o.on_message = cli_message;
    o.message_payload = cli;
    if (trv_score(m, &scores, adaptation, &o, term_progress, &cli->term,
                  &err)) {
        term_done(&cli->term);
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_done(&cli->term);
    if (scores.unused && !cli->globals->quiet)
        fprintf(cli->err, "trivium: warning: %s\n", scores.unused);
    if (scores.joined)
        cli_message("note: " LAYOUT_JOINED ", and are scored so", cli);
    status =
        a->json ? print_json(cli, m, &scores) : print_table(cli, m, &scores);
done:
    trv_scores_release(&scores);
    cli_adaptation_close(cli, adaptation);
    trv_model_free(m);
    return status;
}

const struct cmd_entry cmd_score = {
    .name = "score",
    .summary = "say what an adaptation thinks of given answers",
    .description =
        "Score the answers of a file. A reward gives its own value: a head is "
        "a reward model, a verifier "
        "checks the text, ratio and contrast compare log-probabilities, a "
        "judge asks the model itself, endo is what its own logits hold. "
        "Parameters and prompts score by how much "
        "likelier than to the base model an answer is to them, base by its "
        "log-probability, all in nats. Pairs get a margin, and the share "
        "of them whose chosen answer is above the rejected one. With --raw "
        "--as logp --no-eos they are what lm-evaluation-harness calls the "
        "loglikelihood of completion after prompt. Of rows with `text` alone "
        "all tokens are scored, the first behind BOS, or EOS where there is "
        "none: its loglikelihood_rolling, and the perplexity of all.\n\n"
        "'trivium help rewards' lists the rewards, their options, and how a "
        "program of your own becomes one.",
    .examples =
        "trivium score --model MODEL --adaptation verifier:number "
        "--data answers.jsonl\n"
        "trivium score --model MODEL --adaptation out/z --data pairs.jsonl "
        "--json\n"
        "trivium score --model MODEL --adaptation \"prompt:Be kind. \" \\\n"
        "    --data answers.jsonl --tokens",
    .opts = score_opts,
    .args_size = sizeof(struct score_args),
    .defaults = &score_defaults,
    .run = score_run,
};
