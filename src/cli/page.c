/* page.c -- a measurement as a page: what was made of what, how good it is, and
 * only then the numbers.
 *
 *     header    title, verdict, the way from the base to the source
 *     trouble   what looks wrong, where something does
 *     answers   base, source and target side by side, what differs marked
 *     distance  by place in the answer, and by input
 *     figures   the table: every figure once, with its interval and a bar
 *     making    words of the prompt, commands, curves of the training
 *
 * Colours follow the sides everywhere: class base, source, target. All foreign
 * text passes through html.h.
 */
#include "cli/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/html.h"
#include "cli/human.h"
#include "cli/page_plots.h"
#include "cli/page_style.h"
#include "cli/plot.h"
#include "cli/tokendiff.h"

#define EXCERPT 64     // characters of a prompt in the title
#define LONG_TEXT 1200 // characters from which on a block may scroll

static void
put_line(FILE *f, const char *s)
{
    html_line(f, s, strlen(s));
}

/* ---- names --------------------------------------------------------------- */

struct names {
    const char *source, *target; // "prompt", "LoRA"; "source", "target"
    const char *model;           // the end of its path,
    int model_n;                 // so many bytes
};

static struct names
names_of(const struct page_of *of)
{
    struct names n = {.model = of->who->model};
    size_t len = strlen(n.model);

    figures_names(&n.source, &n.target, of->who);
    while (len > 1 && n.model[len - 1] == '/')
        len--;
    for (size_t i = len; i-- > 0;)
        if (n.model[i] == '/' && i + 1 < len) {
            n.model += i + 1;
            len -= i + 1;
            break;
        }
    if (len > 5 && !strncmp(n.model + len - 5, ".gguf", 5))
        len -= 5;
    n.model_n = (int)len;
    return n;
}

static void
put_model(FILE *f, const struct names *n)
{
    html_line(f, n->model, (size_t)n->model_n);
}

/* The words that a title quotes: the first message that is not empty. */
static const json_t *
first_words(const json_t *words)
{
    for (size_t i = 0; i < json_array_size(words); i++) {
        const json_t *s = json_object_get(json_array_get(words, i), "content");

        if (json_string_length(s) > 0)
            return s;
    }
    return NULL;
}

static void
put_source(FILE *f, const struct page_of *of)
{
    const json_t *said = first_words(origin_words(of->source));
    const char *kind = of->who->source_kind, *spec = of->who->source;

    if (said) {
        fputs("The prompt \342\200\234", f);
        html_excerpt(f, json_string_value(said), json_string_length(said),
                     EXCERPT);
        fputs("\342\200\235", f);
    } else if (!strcmp(kind, "base")) {
        fputs("The base model", f);
    } else {
        fprintf(f, "The %s ", figures_word(kind));
        html_excerpt(f, spec, strlen(spec), EXCERPT);
    }
}

/* A share as percent that does not round to a whole which it is not. */
static const char *
percent(char out[HUMAN_MAX], double share)
{
    for (int d = 0; d <= 2; d++) {
        const double unit = pow(10, d),
                     shown = round(100 * share * unit) / unit;

        snprintf(out, HUMAN_MAX, "%.*f\302\240%%", d, 100 * share);
        if ((shown < 100 || share >= 1) && (shown > 0 || share <= 0))
            break;
    }
    return out;
}

static void
put_title(FILE *f, const trv_measurement *r, const struct page_of *of)
{
    const char *what = figures_word(of->who->target_kind);
    const bool is_made = origin_chain(of->target) != NULL;
    const struct names n = names_of(of);
    char x[HUMAN_MAX], y[HUMAN_MAX];

    put_source(f, of);
    fprintf(f, " %s %s %s of ", is_made ? "as" : "and",
            strchr("aeiou", *what) ? "an" : "a", what);
    put_model(f, &n);
    if (r->gap_closed.n > 0 && r->gap_closed.mean < 0)
        fputs(": farther away than the base model", f);
    else if (r->gap_closed.n > 0)
        fprintf(f, ": %s of the gap closed", percent(x, r->gap_closed.mean));
    else if (r->task_target.n > 0)
        fprintf(f, ": reward %s, from %s", human_mean(x, &r->task_target),
                human_mean(y, &r->task_base));
    else if (r->pair_accuracy.n > 0)
        fprintf(f, ": %s of pairs ordered alike",
                percent(x, r->pair_accuracy.mean));
}

/* ---- the header ---------------------------------------------------------- */

static void
put_verdict(FILE *f, const trv_measurement *r, const struct names *n)
{
    const double gap = r->gap_closed.mean;
    const bool more = r->task_target.mean > r->task_base.mean;

    if (r->gap_closed.n <= 0 && r->task_target.n <= 0)
        return;
    fprintf(f, "With the %s, ", n->target);
    put_model(f, n);
    if (r->gap_closed.n <= 0)
        fprintf(f, " gets %s of the task\342\200\231s reward than without. ",
                more ? "more" : "no more");
    else if (gap < 0)
        fprintf(f, " is farther from what it does with the %s than without. ",
                n->source);
    else
        fprintf(f, " %s it does with the %s. ",
                gap >= 0.9    ? "answers nearly as"
                : gap >= 0.6  ? "comes near to what"
                : gap >= 0.25 ? "goes a part of the way to what"
                              : "does hardly anything of what",
                n->source);
}

/* The inputs, as in "36 inputs of heldout.jsonl". */
static void
put_inputs(FILE *f, int64_t n, const struct page_of *of)
{
    const char *name = of->inputs ? strrchr(of->inputs, '/') : NULL;
    char x[HUMAN_MAX];

    fputs(human_counted(x, (double)n, "inputs"), f);
    if (of->inputs) {
        fputs(" of ", f);
        put_line(f, name ? name + 1 : of->inputs);
    } else {
        fputs(" of the model\342\200\231s own", f);
    }
}

static void
put_lead(FILE *f, const trv_measurement *r, const struct page_of *of)
{
    const struct names n = names_of(of);
    const trv_figure *same = &r->top1_agreement;
    char x[HUMAN_MAX];

    fputs("<p class=\"lead\">", f);
    put_verdict(f, r, &n);
    if (same->n > 0) {
        fputs("On ", f);
        put_inputs(f, same->n, of);
        fprintf(f, ", it picks the same next token in %s of places.",
                percent(x, same->mean));
    }
    fputs("</p>\n", f);
}

static trv_figure
in_percent(const trv_figure *f)
{
    return (trv_figure){100 * f->mean, 100 * f->stderr_, 100 * f->low,
                        100 * f->high, f->n};
}

/* The way from the base to the source, and how far the target has come. */
static void
put_gap(FILE *f, const trv_measurement *r, const struct names *n)
{
    const trv_figure of_100 = in_percent(&r->gap_closed);
    const double at = of_100.mean < 0 ? 0 : of_100.mean;
    const bool is_far = at > 50;
    char mean[HUMAN_MAX], interval[HUMAN_MAX];

    human_mean(mean, &of_100);
    human_interval(interval, &of_100);
    fputs("<figure class=\"gap\">\n<div class=\"way\">", f);
    plot_bar(f, "target", &r->gap_closed, 1);
    fprintf(f,
            "<span style=\"%s:%.2f%%\">%s %s\302\240%%</span></div>\n"
            "<div class=\"ends\"><span class=\"base\">the base model</span>"
            "<span class=\"source\">the %s</span></div>\n"
            "<figcaption>The bar is the divergence of the base model from the "
            "%s; filled is what the %s closes of it",
            is_far ? "right" : "left", is_far ? 100 - at : at, n->target, mean,
            n->source, n->source, n->target);
    if (*interval)
        fprintf(f, " (95\302\240%% interval %s\302\240%%)", interval);
    fputs(".</figcaption>\n</figure>\n", f);
}

static double
top_of(const trv_measurement *r, enum figure_scale scale)
{
    double top = scale == FIGURE_SHARE ? 1 : 0;

    for (const struct figure_row *row = figure_rows; row->name; row++) {
        const trv_figure *fig = figure_of(r, row);

        if (row->scale != scale || scale == FIGURE_SHARE || fig->n <= 0)
            continue;
        top = fig->mean > top ? fig->mean : top;
        if (fig->n > 1 && isfinite(fig->high) && fig->high > top)
            top = fig->high;
    }
    return top > 0 ? top : 1;
}

/* Where there is no gap but a task: what the answers get of it. */
static void
put_task(FILE *f, const trv_measurement *r, const struct names *n)
{
    const trv_figure *const figs[] = {&r->task_base, &r->task_source,
                                      &r->task_target};
    const char *const words[] = {"the base model", n->source, n->target};
    static const char *const kinds[] = {"base", "source", "target"};
    char x[HUMAN_MAX];

    fputs("<figure class=\"gap\">\n", f);
    for (int i = 0; i < 3; i++)
        if (figs[i]->n > 0) {
            fprintf(f,
                    "<div class=\"ends\"><span class=\"%s\">%s%s</span>"
                    "<span>%s</span></div>\n",
                    kinds[i], i ? "the " : "", words[i],
                    human_mean(x, figs[i]));
            plot_bar(f, kinds[i], figs[i], top_of(r, FIGURE_TASK));
        }
    fputs("<figcaption>Mean reward of the task, over inputs.</figcaption>\n"
          "</figure>\n",
          f);
}

static void
put_header(FILE *f, const trv_measurement *r, const struct page_of *of)
{
    const struct names n = names_of(of);

    fputs("<header>\n<h1>", f);
    put_title(f, r, of);
    fputs("</h1>\n", f);
    put_lead(f, r, of);
    if (r->gap_closed.n > 0)
        put_gap(f, r, &n);
    else if (r->task_target.n > 0)
        put_task(f, r, &n);
    fputs("</header>\n", f);
}

static void
put_trouble(FILE *f, const char *s)
{
    if (!s || !*s)
        return;
    fputs("<section class=\"trouble\" aria-labelledby=\"trouble\">\n"
          "<h2 id=\"trouble\">What looks wrong</h2>\n<ul>\n",
          f);
    while (*s) {
        const size_t n = strcspn(s, "\n");

        fputs("<li>", f);
        html_line(f, s, n);
        fputs("</li>\n", f);
        s += n + (s[n] == '\n');
    }
    fputs("</ul>\n</section>\n", f);
}

/* ---- answers ------------------------------------------------------------- */

/* One marked run: spaces at its ends, and more than one, are made visible. */
static void
put_run(FILE *f, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const bool inner = i > 0 && i + 1 < n && s[i - 1] != ' ' &&
                           s[i - 1] != '\n' && s[i + 1] != ' ' &&
                           s[i + 1] != '\n';
        size_t k = 0;

        if (s[i] == '\n') {
            fputs("<i class=\"nl\"></i>\n", f);
        } else if (s[i] == ' ' && !inner) {
            fputs("<i class=\"sp\"> </i>", f);
        } else {
            while (i + k < n && s[i + k] != '\n' && (k == 0 || s[i + k] != ' '))
                k++;
            html_text(f, s + i, k);
            i += k - 1;
        }
    }
}

/* A text of which the tokens that `other` has not are marked. */
static int
put_marked(FILE *f, const struct tokens *t, const struct tokens *other)
{
    bool *differs = tokens_differ(t, other);

    if (!differs)
        return -1;
    for (int64_t i = 0, k; i < t->n; i = k) {
        const int64_t from = i ? t->ends[i - 1] : 0;

        for (k = i + 1; k < t->n && differs[k] == differs[i];)
            k++;
        if (t->ends[k - 1] == from)
            continue;
        if (differs[i]) {
            fputs("<mark>", f);
            put_run(f, t->text + from, (size_t)(t->ends[k - 1] - from));
            fputs("</mark>", f);
        } else {
            html_text(f, t->text + from, (size_t)(t->ends[k - 1] - from));
        }
    }
    free(differs);
    return 0;
}

/* The tokens of one side; a text without them is one. */
static struct tokens
tokens_of(const char *text, const int64_t *ends, int64_t n, int64_t *whole)
{
    *whole = (int64_t)strlen(text);
    if (n == 0 || ends[n - 1] != *whole)
        return (struct tokens){text, whole, *whole > 0};
    return (struct tokens){text, ends, n};
}

static int
put_example(FILE *f, const trv_example *e, const struct names *n)
{
    int64_t whole[3];
    const struct tokens said[] = {
        tokens_of(e->base, e->base_tokens.ends, e->base_tokens.n, &whole[0]),
        tokens_of(e->source, e->source_tokens.ends, e->source_tokens.n,
                  &whole[1]),
        tokens_of(e->target, e->target_tokens.ends, e->target_tokens.n,
                  &whole[2])};
    const char *const words[] = {"base model", n->source, n->target};
    static const char *const kinds[] = {"base", "source", "target"};
    static const int against[] = {1, 2, 1};
    int bad = 0;

    fputs("<article>\n<h3 class=\"asked\" dir=\"auto\">", f);
    html_text(f, e->input, strlen(e->input));
    fputs("</h3>\n<div class=\"three\">\n", f);
    for (int i = 0; i < 3 && !bad; i++) {
        fprintf(f, "<div class=\"said %s\">\n<h4>%s</h4>\n<p dir=\"auto\">",
                kinds[i], words[i]);
        bad = put_marked(f, &said[i], &said[against[i]]);
        fputs("</p>\n</div>\n", f);
    }
    fputs("</div>\n</article>\n", f);
    return bad;
}

static int
put_examples(FILE *f, const trv_measurement *r, const struct names *n)
{
    int bad = 0;

    if (!r->n_examples)
        return 0;
    fprintf(f,
            "<section aria-labelledby=\"answers\">\n<h2 id=\"answers\">What "
            "they answer</h2>\n<p class=\"note\">The same inputs, three ways, "
            "with the same random numbers, at temperature %.1f; the figures "
            "are measured at 1. Marked is what differs: of the %s and the %s "
            "from one another, of the base model from the %s.</p>\n",
            TRV_EXAMPLE_TEMPERATURE, n->source, n->target, n->source);
    for (int32_t i = 0; i < r->n_examples && !bad; i++)
        bad = put_example(f, &r->examples[i], n);
    fputs("</section>\n", f);
    return bad;
}

/* ---- the distance -------------------------------------------------------- */

static int
put_distance(FILE *f, const trv_measurement *r, const struct names *n)
{
    int bad;

    if (r->n_inputs == 0 || r->n_positions == 0)
        return 0;
    fputs("<section aria-labelledby=\"distance\">\n<h2 id=\"distance\">Where "
          "they differ</h2>\n<div class=\"two\">\n",
          f);
    bad = page_plot_positions(f, r, n->source, n->target) ||
          page_plot_inputs(f, r, n->source, n->target);
    fputs("</div>\n</section>\n", f);
    return bad ? -1 : 0;
}

/* ---- the figures --------------------------------------------------------- */

/* A row; its inputs are counted where they are not the table's. */
static void
put_figure(FILE *f, const trv_measurement *r, const struct figure_row *row,
           int64_t inputs)
{
    const trv_figure *fig = figure_of(r, row);
    char x[HUMAN_MAX], y[HUMAN_MAX], z[HUMAN_MAX];

    fprintf(f, "<tr id=\"%s\"><th scope=\"row\">", row->name);
    figures_print_name(f, row);
    fputs("<span>", f);
    put_line(f, row->says);
    fprintf(f, "</span></th><td>%s", human_figure(x, fig));
    plot_bar(f, "figure", fig, top_of(r, row->scale));
    fprintf(f, "<span>%s%s%s</span></td></tr>\n", human_interval(y, fig),
            *y && fig->n != inputs ? ", " : "",
            fig->n != inputs ? human_counted(z, (double)fig->n, "inputs") : "");
}

static void
put_table(FILE *f, const trv_measurement *r)
{
    int64_t inputs = 0;
    char x[HUMAN_MAX];

    for (const struct figure_row *row = figure_rows; row->name; row++)
        if (inputs == 0 && figure_of(r, row)->n > 0)
            inputs = figure_of(r, row)->n;
    fprintf(f,
            "<table>\n<thead><tr><th scope=\"col\">figure</th>"
            "<th scope=\"col\">mean \302\261 standard error<span>95\302\240%% "
            "interval, %s</span></th></tr></thead>\n<tbody>\n",
            human_counted(x, (double)inputs, "inputs"));
    for (const struct figure_row *row = figure_rows; row->name; row++)
        if (figure_shown(r, row) && figure_of(r, row)->n > 0)
            put_figure(f, r, row, inputs);
    fputs("</tbody>\n</table>\n", f);
}

static void
put_figures(FILE *f, const trv_measurement *r)
{
    int missing = 0;

    fputs("<section aria-labelledby=\"figures\">\n<h2 id=\"figures\">The "
          "figures</h2>\n",
          f);
    put_table(f, r);
    for (const struct figure_row *row = figure_rows; row->name; row++)
        if (figure_shown(r, row) && figure_of(r, row)->n <= 0) {
            fputs(missing++ ? ", " : "<p class=\"note\">Not measured: ", f);
            figures_print_name(f, row);
        }
    fputs(missing ? ".</p>\n</section>\n" : "</section>\n", f);
}

/* ---- the making ---------------------------------------------------------- */

/* All words of a prompt. A long one scrolls, so it can be reached by key. */
static void
put_words(FILE *f, const json_t *words, const char *whose)
{
    size_t n = 0;

    if (!words)
        return;
    for (size_t i = 0; i < json_array_size(words); i++)
        n += json_string_length(
            json_object_get(json_array_get(words, i), "content"));
    fprintf(f, "<h3>The %s\342\200\231s words</h3>\n<div class=\"words\"%s>\n",
            whose,
            n > LONG_TEXT ? " tabindex=\"0\" role=\"region\" "
                            "aria-label=\"all words of the prompt\""
                          : "");
    for (size_t i = 0; i < json_array_size(words); i++) {
        const json_t *m = json_array_get(words, i);
        const json_t *text = json_object_get(m, "content");
        const char *role = json_string_value(json_object_get(m, "role"));

        if (role) {
            fputs("<p class=\"role\">", f);
            put_line(f, role);
            fputs("</p>\n", f);
        }
        fputs("<p class=\"text\" dir=\"auto\">", f);
        html_text(f, json_string_value(text) ? json_string_value(text) : "",
                  json_string_length(text));
        fputs("</p>\n", f);
    }
    fputs("</div>\n", f);
}

static void
put_command(FILE *f, const char *title, const char *note, const char *text)
{
    fprintf(f,
            "<h3>%s</h3>\n<p class=\"note\">%s</p>\n<pre class=\"words\"%s>\n",
            title, note,
            strlen(text) > LONG_TEXT ? " tabindex=\"0\" role=\"region\" "
                                       "aria-label=\"a long command\""
                                     : "");
    html_text(f, text, strlen(text));
    fputs("</pre>\n", f);
}

/* The conversion, where there was one, beside the measurement. */
static int
put_commands(FILE *f, const struct page_of *of)
{
    const bool is_made = origin_chain(of->target) != NULL;
    char *made = NULL, *typed = NULL;
    size_t n;
    FILE *to = open_memstream(&made, &n);
    int bad = to ? 0 : -1;

    if (to) {
        origin_commands(to, of->target, of->who->model);
        bad = fclose(to);
    }
    to = bad ? NULL : open_memstream(&typed, &n);
    if (to) {
        origin_words_typed(to, of->words, of->n_words);
        bad = fclose(to);
    }
    if (to && !bad) {
        fprintf(f, "<div class=\"%s\">\n<div>\n", is_made ? "two" : "one");
        if (is_made) {
            put_command(f, "The conversion",
                        "With all its options, as trivium.json keeps them.",
                        made);
            fputs("</div>\n<div>\n", f);
        }
        put_command(f, "The measurement", "As it was typed.", typed);
        fputs("</div>\n</div>\n", f);
    }
    free(made);
    free(typed);
    return to && !bad ? 0 : -1;
}

/* "Made by distill: 600 steps, 2,048 answers, 688,618 tokens." */
static void
put_cost(FILE *f, const struct origin *o)
{
    const json_t *chain = origin_chain(o);
    const json_t *step = json_array_get(chain, json_array_size(chain) - 1);
    const char *method = json_string_value(json_object_get(step, "method"));
    const char *key, *between = ": ";
    json_t *value;
    char x[HUMAN_MAX];

    if (!method)
        return;
    fputs("<p>Made by ", f);
    put_line(f, method);
    json_object_foreach(json_object_get(step, "cost"), key,
                        value) if (json_is_number(value))
    {
        fputs(between, f);
        between = ", ";
        put_line(f, human_count(x, json_number_value(value)));
        fputc(' ', f);
        html_line(f, key, strlen(key) - (json_number_value(value) == 1.0));
    }
    fputs(".</p>\n", f);
}

static int
put_making(FILE *f, const struct page_of *of, const struct names *n)
{
    const struct origin *made = of->target;
    const bool has_curve = made->curves.loss.n > 1 || made->curves.reward.n > 1;
    int bad;

    fprintf(f,
            "<section aria-labelledby=\"making\">\n<h2 id=\"making\">How it "
            "was made</h2>\n<div class=\"%s\">\n<div>\n",
            has_curve ? "two" : "one");
    put_words(f, origin_words(of->source), n->source);
    put_words(f, origin_words(of->target), n->target);
    put_cost(f, made);
    if (has_curve)
        fputs("</div>\n<div>\n", f);
    bad = page_plot_curve(f, &made->curves.loss, "Training loss", "Loss") ||
          page_plot_curve(f, &made->curves.reward, "Reward", "Mean reward");
    fputs("</div>\n</div>\n", f);
    bad = bad || put_commands(f, of);
    fputs("</section>\n", f);
    return bad ? -1 : 0;
}

int
page_write(FILE *f, const trv_measurement *r, const struct page_of *of)
{
    const struct names n = names_of(of);
    int bad;

    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n"
          "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
          "content=\"width=device-width,initial-scale=1\">\n<title>",
          f);
    put_title(f, r, of);
    fputs("</title>\n<style>\n", f);
    for (int i = 0; page_style[i]; i++)
        fputs(page_style[i], f);
    fputs("</style>\n</head>\n<body>\n<main>\n", f);
    put_header(f, r, of);
    put_trouble(f, r->trouble);
    bad = put_examples(f, r, &n) || put_distance(f, r, &n);
    put_figures(f, r);
    bad = bad || put_making(f, of, &n);
    fputs("</main>\n<footer>\n<p>", f);
    figures_cost(f, r);
    fprintf(f, "Made by trivium %s.</p>\n</footer>\n</body>\n</html>\n",
            trv_version());
    return bad ? -1 : 0;
}
