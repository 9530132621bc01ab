/* edges_asked.c -- the grammar: EDGE[:METHOD[+METHOD]...][,EDGE...]. */
#include "triangle/edges_asked.h"

#include <string.h>

#include "base/mem.h"
#include "triangle/tree.h"

/* The form that a word [n] names; FORM_COUNT: none of the three. */
static enum form
form_of(const char *word, size_t n)
{
    for (int f = FORM_PARAMS; f < FORM_COUNT; f++)
        if (strlen(form_name((enum form)f)) == n &&
            memcmp(form_name((enum form)f), word, n) == 0)
            return (enum form)f;
    return FORM_COUNT;
}

/* One edge [n], without blanks around it. */
static int
read_edge(struct edges_asked *out, const char *p, size_t n, trv_err *err)
{
    const char *dash = memchr(p, '-', n), *colon = memchr(p, ':', n);
    const size_t end = colon ? (size_t)(colon - p) : n;
    const char *to = dash && dash[1] == '>' ? dash + 2 : dash ? dash + 1 : p;
    const enum form f =
        dash && dash < p + end ? form_of(p, (size_t)(dash - p)) : FORM_COUNT;
    const enum form g = f != FORM_COUNT && to <= p + end
                            ? form_of(to, (size_t)(p + end - to))
                            : FORM_COUNT;
    char *methods;

    if (g == FORM_COUNT || f == g)
        return err_option(err, TRV_EINVAL, "edges",
                          "holds '%.*s', which is no edge; an edge is "
                          "prompt-params, params-reward and so on, with "
                          "methods behind a colon: params-prompt:prefix+soft",
                          (int)(n < 80 ? n : 80), p);
    if (!colon) {
        mem_free(out->methods[f][g]);
        out->methods[f][g] = NULL; // as the task says
        return 0;
    }
    methods = mem_strndup(colon + 1, n - end - 1);
    if (!methods)
        return err_nomem(err, "to read edges");
    for (char *c = methods; *c; c++)
        *c = *c == '+' ? ' ' : *c;
    mem_free(out->methods[f][g]);
    out->methods[f][g] = methods;
    return 0;
}

int
edges_asked_read(struct edges_asked *out, const char *text, trv_err *err)
{
    int rc = 0;

    *out = (struct edges_asked){0};
    for (int f = 0; text && f < FORM_COUNT && !rc; f++)
        for (int g = 0; g < FORM_COUNT && !rc; g++) {
            out->methods[f][g] = mem_strdup("");
            if (!out->methods[f][g])
                rc = err_nomem(err, "to read edges");
        }
    for (const char *p = text; p && !rc;) {
        const size_t n = strcspn(p, ",");
        size_t from = strspn(p, " "), to = n;

        while (to > from && p[to - 1] == ' ')
            to--;
        rc = read_edge(out, p + (from < to ? from : to),
                       to > from ? to - from : 0, err);
        p = p[n] ? p + n + 1 : NULL;
    }
    if (rc)
        edges_asked_release(out);
    return rc;
}

void
edges_asked_release(struct edges_asked *e)
{
    for (int f = 0; f < FORM_COUNT; f++)
        for (int g = 0; g < FORM_COUNT; g++)
            mem_free(e->methods[f][g]);
    *e = (struct edges_asked){0};
}
