/* curves.c -- the lines of metrics.jsonl as columns. */
#include "cli/curves.h"

#include <jansson.h>
#include <stdlib.h>

#define METRICS_MAX ((size_t)1 << 20) // lines; runs have some 100 to 100,000

static void
curve_release(struct curve *c)
{
    free(c->step);
    free(c->value);
    *c = (struct curve){0};
}

static int
curve_add(struct curve *c, double step, const json_t *value)
{
    const int64_t n = c->n;

    if (!json_is_number(value) || (n > 0 && step <= c->step[n - 1]))
        return 0;
    if ((n & (n - 1)) == 0) { // full at each power of two
        const size_t size = (size_t)(n ? 2 * n : 1) * sizeof(double);
        double *steps = realloc(c->step, size);
        double *values;

        if (steps)
            c->step = steps;
        values = steps ? realloc(c->value, size) : NULL;
        if (!values)
            return -1;
        c->value = values;
    }
    c->step[n] = step;
    c->value[n] = json_number_value(value);
    c->n++;
    return 0;
}

int
curves_read(struct curves *c, FILE *f)
{
    char *line = NULL;
    size_t cap = 0;
    int bad = 0;

    for (size_t i = 0; i < METRICS_MAX && !bad; i++) {
        const ssize_t n = getline(&line, &cap, f);
        json_t *row = n > 0 ? json_loadb(line, (size_t)n, 0, NULL) : NULL;
        const json_t *step = json_object_get(row, "step");

        if (json_is_number(step)) {
            const double at = json_number_value(step);

            bad = curve_add(&c->loss, at, json_object_get(row, "loss")) ||
                  curve_add(&c->reward, at, json_object_get(row, "reward"));
        }
        json_decref(row);
        if (n < 0)
            break;
    }
    free(line);
    return bad;
}

void
curves_release(struct curves *c)
{
    curve_release(&c->loss);
    curve_release(&c->reward);
}
