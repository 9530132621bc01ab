/* spec_hint.c -- endings and beginnings of what people write for a spec. */
#include "adapt/spec_hint.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

/* What runs a script, by its name's ending. */
static const struct script {
    const char *ending, *with;
} scripts[] = {{".py", "python3 "}, {".sh", "sh "},   {".js", "node "},
               {".rb", "ruby "},    {".pl", "perl "}, {NULL, NULL}};

/* Words that people put before a program. */
static const char *const program_words[] = {
    "command:", "cmd:", "reward:", "program:", "python:", NULL};

static const char *const row_endings[] = {".jsonl", ".csv",     ".tsv",
                                          ".json",  ".parquet", NULL};

static bool
ends(const char *text, size_t n, const char *ending)
{
    const size_t k = strlen(ending);

    return n > k && memcmp(text + n - k, ending, k) == 0;
}

static const struct script *
script_of(const char *text, size_t n)
{
    for (const struct script *s = scripts; s->ending; s++)
        if (ends(text, n, s->ending))
            return s;
    return NULL;
}

static bool
program(char out[SPEC_HINT], const char *text, size_t n)
{
    const struct script *s = script_of(text, n);
    const bool alone = !memchr(text, ' ', n);

    if (!s)
        return false;
    snprintf(out, SPEC_HINT,
             "a program of your own is \"verifier:command,cmd=%s%.*s\"",
             alone ? s->with : "", n < 200 ? (int)n : 200, text);
    return true;
}

bool
spec_hint(char out[SPEC_HINT], const char *text)
{
    const size_t n = strlen(text);

    if (text[0] == '@' && file_exists(text + 1)) {
        snprintf(out, SPEC_HINT, "a prompt from a file is prompt:%.200s", text);
        return true;
    }
    for (const char *const *w = program_words; *w; w++) {
        const size_t k = strlen(*w);

        if (strncmp(text, *w, k) == 0)
            return program(out, text + k, n - k);
    }
    for (const char *const *e = row_endings; *e; e++)
        if (ends(text, n, *e) && file_exists(text)) {
            snprintf(out, SPEC_HINT,
                     "rows are learned by 'trivium train --data %.200s', or "
                     "stand in a prompt as demos:%.200s",
                     text, text);
            return true;
        }
    return program(out, text, n);
}

const char *
spec_hint_program(char out[SPEC_HINT], const char *text, size_t n)
{
    char clause[SPEC_HINT];

    snprintf(out, SPEC_HINT, "%s%.500s", "; ",
             program(clause, text, n) ? clause : "");
    return out[2] ? out : "";
}
