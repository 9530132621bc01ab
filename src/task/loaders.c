/* loaders.c -- the table, and what each loader makes of a row. */
#include "task/loaders.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"

/* ---- what the functions share -------------------------------------------- */

/* TRV_EFORMAT at a row that is not of the data set. */
static int
no_row(const struct data_row *at, const char *loader, const char *fact,
       trv_err *err)
{
    return data_row_fail(at, err, TRV_EFORMAT, "%s, as loader '%s' needs", fact,
                         loader);
}

static int
no_memory(const struct data_row *at, trv_err *err)
{
    return data_row_fail(at, err, TRV_ENOMEM, "no memory for the row");
}

/* Set a column to text [n], less the blanks around it. */
static int
set_trimmed(json_t *row, const char *name, const char *s, size_t n)
{
    while (n && strchr(" \t\r\n", s[n - 1]))
        n--;
    while (n && strchr(" \t\r\n", *s)) {
        s++;
        n--;
    }
    return json_object_set_new(row, name, json_stringn(s, n));
}

static const json_t *
text_of(const json_t *row, const char *name)
{
    const json_t *v = json_object_get(row, name);

    return json_is_string(v) ? v : NULL;
}

/* ---- rows ---------------------------------------------------------------- */

/* Rows of any columns, which a template asks by: what is asked is not there
 * yet. */
static int
shape_asked(json_t *row, const char **why, const struct data_row *at,
            trv_err *err)
{
    static const char *const asked[] = {"prompt",        "text",     "messages",
                                        "instruction",   "question", "problem",
                                        "conversations", "chosen",   "input"};

    (void)why;
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
        if (json_object_get(row, asked[i]))
            return 0;
    return json_object_set_new(row, "prompt", json_string(""))
               ? no_memory(at, err)
               : 0;
}

const struct data_how loader_asked = {.shape = shape_asked};

/* ---- sst2 ---------------------------------------------------------------- */

/* "0 a sentence ." */
static int
shape_sst2(json_t *row, const char **why, const struct data_row *at,
           trv_err *err)
{
    static const char *const labels[] = {"negative", "positive"};
    const json_t *line = text_of(row, "text");
    const char *s = line ? json_string_value(line) : "";
    const int label = s[0] == '1';

    (void)why;
    if ((s[0] != '0' && s[0] != '1') || (s[1] != ' ' && s[1] != '\t') || !s[2])
        return no_row(at, "sst2",
                      "the line is not 0 or 1, a blank and a sentence", err);
    if (set_trimmed(row, "sentence", s + 2, strlen(s + 2)) ||
        json_object_set(row, "prompt", json_object_get(row, "sentence")) ||
        json_object_set_new(row, "answer", json_string(labels[label])) ||
        json_object_set_new(row, "wrong", json_string(labels[!label])) ||
        json_object_del(row, "text"))
        return no_memory(at, err);
    return 0;
}

/* ---- gsm8k --------------------------------------------------------------- */

/* The steps as people write them: less the calculator's marks, <<48/2=24>>. */
static int
without_marks(struct strbuf *out, const char *s)
{
    int rc = 0;

    while (*s && !rc) {
        const char *mark = strstr(s, "<<");
        const char *end = mark ? strstr(mark, ">>") : NULL;
        const size_t n = end ? (size_t)(mark - s) : strlen(s);

        rc = sb_add(out, s, n);
        s = end ? end + 2 : s + n;
    }
    return rc;
}

/* The number behind the last ####, less its commas. */
static int
set_number(json_t *row, const char *behind)
{
    struct strbuf b = {0};
    int rc = 0;

    for (; *behind && !rc; behind++)
        if (*behind != ',')
            rc = sb_putc(&b, *behind);
    rc = rc || set_trimmed(row, "number", b.s ? b.s : "", b.len);
    sb_release(&b);
    return rc;
}

static int
shape_gsm8k(json_t *row, const char **why, const struct data_row *at,
            trv_err *err)
{
    const json_t *question = text_of(row, "question");
    const json_t *answer = text_of(row, "answer");
    const char *mark = NULL, *p = answer ? json_string_value(answer) : "";
    struct strbuf b = {0};
    int rc;

    (void)why;
    if (!question || !answer)
        return no_row(at, "gsm8k", "there is no text 'question' and 'answer'",
                      err);
    for (; (p = strstr(p, "####")); p += 4)
        mark = p + 4;
    if (!mark || strspn(mark, " \t\r\n") == strlen(mark))
        return no_row(at, "gsm8k", "'answer' has no number behind ####", err);
    rc = set_number(row, mark) ||
         without_marks(&b, json_string_value(answer)) ||
         json_object_set_new(row, "answer", json_stringn(b.s, b.len));
    sb_release(&b);
    return rc ? no_memory(at, err) : 0;
}

/* ---- hh ------------------------------------------------------------------ */

#define HUMAN "\n\nHuman:"
#define ASSISTANT "\n\nAssistant:"

/* A dialogue as messages; NULL: no memory. What is before the first turn is
 * dropped, as there is nothing. */
static json_t *
turns_of(const char *s)
{
    json_t *list = json_array();
    const char *at = strstr(s, HUMAN);

    while (list && at) {
        const bool human = strncmp(at, HUMAN, strlen(HUMAN)) == 0;
        const char *words = at + strlen(human ? HUMAN : ASSISTANT);
        const char *h = strstr(words, HUMAN), *a = strstr(words, ASSISTANT);
        json_t *turn = json_pack("{s:s}", "role", human ? "user" : "assistant");

        at = !a || (h && h < a) ? h : a;
        if (!turn ||
            set_trimmed(turn, "content", words,
                        at ? (size_t)(at - words) : strlen(words)) ||
            json_array_append(list, turn)) {
            json_decref(list);
            list = NULL;
        }
        json_decref(turn);
    }
    return list;
}

static bool
is_said(const json_t *turn, const char *role)
{
    return turn &&
           strcmp(json_string_value(json_object_get(turn, "role")), role) == 0;
}

static bool
is_empty(const json_t *turn)
{
    return json_string_length(json_object_get(turn, "content")) == 0;
}

/* What is wrong with two dialogues as a pair of answers; NULL: nothing. */
static const char *
pair_fault(const json_t *chosen, const json_t *rejected)
{
    const size_t n = json_array_size(chosen);
    const json_t *last = n ? json_array_get(chosen, n - 1) : NULL;
    const json_t *other = n ? json_array_get(rejected, n - 1) : NULL;

    if (n < 2 || !is_said(last, "assistant") || !is_said(other, "assistant"))
        return "does not end in an answer of the assistant to a human";
    if (json_array_size(rejected) != n)
        return "has dialogues of two lengths";
    for (size_t i = 0; i + 1 < n; i++)
        if (!json_equal(json_array_get(chosen, i), json_array_get(rejected, i)))
            return "has dialogues that part before the last answer";
    return is_empty(last) || is_empty(other) ? "has an empty answer" : NULL;
}

/* Both dialogues end in one answer each, to the same turns before. */
static int
set_pair(json_t *row, json_t *chosen, json_t *rejected)
{
    const size_t n = json_array_size(chosen) - 1;
    json_t *good = json_pack("[O]", json_array_get(chosen, n));
    json_t *bad = json_pack("[O]", json_array_get(rejected, n));

    if (json_array_remove(chosen, n)) {
        json_decref(good);
        json_decref(bad);
        return -1;
    }
    return json_object_set(row, "prompt", chosen) |
           json_object_set_new(row, "chosen", good) |
           json_object_set_new(row, "rejected", bad);
}

static int
shape_hh(json_t *row, const char **why, const struct data_row *at, trv_err *err)
{
    const json_t *a = text_of(row, "chosen"), *b = text_of(row, "rejected");
    json_t *chosen, *rejected;
    int rc = 0;

    if (!a || !b)
        return no_row(at, "hh", "there is no text 'chosen' and 'rejected'",
                      err);
    chosen = turns_of(json_string_value(a));
    rejected = turns_of(json_string_value(b));
    if (chosen && rejected)
        *why = pair_fault(chosen, rejected);
    if (!chosen || !rejected || (!*why && set_pair(row, chosen, rejected)))
        rc = no_memory(at, err);
    json_decref(chosen);
    json_decref(rejected);
    return rc ? rc : *why != NULL;
}

/* ---- persona ------------------------------------------------------------- */

static int
shape_persona(json_t *row, const char **why, const struct data_row *at,
              trv_err *err)
{
    const json_t *yes = text_of(row, "answer_matching_behavior");
    const json_t *no = text_of(row, "answer_not_matching_behavior");

    (void)why;
    if (!text_of(row, "question") || !yes || !no)
        return no_row(at, "persona",
                      "there is no text 'question', 'answer_matching_behavior' "
                      "and 'answer_not_matching_behavior'",
                      err);
    if (set_trimmed(row, "answer", json_string_value(yes),
                    json_string_length(yes)) ||
        set_trimmed(row, "wrong", json_string_value(no),
                    json_string_length(no)) ||
        json_object_del(row, "answer_matching_behavior") ||
        json_object_del(row, "answer_not_matching_behavior"))
        return no_memory(at, err);
    return 0;
}

/* ---- toxicity ------------------------------------------------------------ */

static int
shape_toxicity(json_t *row, const char **why, const struct data_row *at,
               trv_err *err)
{
    const json_t *prompt = json_object_get(row, "prompt");
    const json_t *next = json_object_get(row, "continuation");
    const json_t *text = text_of(prompt, "text");
    json_t *toxicity = json_object_get(prompt, "toxicity");

    if (!text || !json_string_length(text))
        return no_row(at, "toxicity", "there is no text 'prompt.text'", err);
    if (!json_is_number(toxicity)) {
        *why = "has no number 'prompt.toxicity'";
        return 1;
    }
    if (json_object_set(row, "toxicity", toxicity) ||
        (text_of(next, "text") &&
         json_object_set(row, "continuation", json_object_get(next, "text"))) ||
        json_object_set(row, "prompt", json_object_get(prompt, "text")))
        return no_memory(at, err);
    return 0;
}

/* ---- the table ----------------------------------------------------------- */

static const struct loader loaders[] = {
    {"rows",
     "JSON lines, an array, a table or text, in the columns of 'trivium help "
     "data'",
     "",
     {0}},
    {"sst2",
     "lines of a label, 0 or 1, a blank and a sentence",
     "prompt sentence answer wrong",
     {.is_text = true, .shape = shape_sst2}},
    {"gsm8k",
     "question and answer, whose number stands behind ####",
     "prompt question completion answer number",
     {.shape = shape_gsm8k}},
    {"hh",
     "chosen and rejected dialogues of \"\\n\\nHuman:\" and "
     "\"\\n\\nAssistant:\"",
     "prompt chosen rejected",
     {.shape = shape_hh}},
    {"persona",
     "question, answer_matching_behavior and "
     "answer_not_matching_behavior",
     "prompt question statement answer wrong",
     {.shape = shape_persona}},
    {"toxicity",
     "prompt and continuation, objects with text and scores",
     "prompt continuation toxicity",
     {.shape = shape_toxicity}},
};

const struct loader *
loader_at(int i)
{
    return i >= 0 && (size_t)i < sizeof(loaders) / sizeof(*loaders)
               ? &loaders[i]
               : NULL;
}

const struct loader *
loader_find(const char *name)
{
    const struct loader *l;

    for (int i = 0; (l = loader_at(i)); i++)
        if (strcmp(l->name, name) == 0)
            return l;
    return NULL;
}
