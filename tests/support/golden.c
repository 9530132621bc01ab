/* golden.c -- a missing key or another length fails the test that asks. */
#include "support/golden.h"

#include <math.h>

#include "base/json.h"

json_t *
golden_open(const char *relative)
{
    json_t *root;
    trv_err err;
    char path[128];

    snprintf(path, sizeof(path), "golden/%s", relative);
    if (json_open(&root, test_source(path), &err))
        fail_msg("%s", err.msg);
    return root;
}

struct golden
golden_array(const json_t *obj, const char *key)
{
    const json_t *list = json_object_get(obj, key), *x;
    struct golden g = {.n = (int64_t)json_array_size(list)};
    size_t i;

    if (!json_is_array(list) || g.n > GOLDEN_MAX)
        fail_msg("no array '%s' of at most %d numbers", key, GOLDEN_MAX);
    json_array_foreach(list, i, x)
    {
        g.v[i] = json_is_number(x) ? json_number_value(x) : (double)NAN;
        g.f[i] = (float)g.v[i];
        g.i[i] = json_is_integer(x) ? json_integer_value(x) : -1;
        g.b[i] = json_number_value(x) != 0.0;
    }
    return g;
}

double
golden_number(const json_t *obj, const char *key)
{
    const json_t *x = json_object_get(obj, key);

    if (json_is_boolean(x))
        return json_is_true(x) ? 1.0 : 0.0;
    if (!json_is_number(x))
        fail_msg("no number '%s'", key);
    return json_number_value(x);
}

const char *
golden_string(const json_t *obj, const char *key)
{
    const json_t *x = json_object_get(obj, key);

    if (!json_is_string(x))
        fail_msg("no string '%s'", key);
    return json_string_value(x);
}

void
golden_assert(const double *got, int64_t n, const json_t *obj, const char *key,
              double rel)
{
    const struct golden want = golden_array(obj, key);
    double largest = 0.0;

    assert_int_equal(n, want.n);
    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(want.v[i]));
    for (int64_t i = 0; i < n; i++)
        test_close(got[i], want.v[i], rel * largest, key, __FILE__, __LINE__);
}

void
golden_assert_f32(const float *got, int64_t n, const json_t *obj,
                  const char *key, double rel)
{
    double wide[GOLDEN_MAX];

    assert_true(n <= GOLDEN_MAX);
    for (int64_t i = 0; i < n; i++)
        wide[i] = (double)got[i];
    golden_assert(wide, n, obj, key, rel);
}
