/* reward_conf.c -- options of rewards. */
#include "adapt/reward/reward_conf.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

static bool
is_listed(const char *const *list, const char *s, size_t n)
{
    for (; list && *list; list++)
        if (strlen(*list) == n && memcmp(*list, s, n) == 0)
            return true;
    return false;
}

/* "a, b, c" of a list, for messages; cut where the buffer ends. */
static void
join_names(char *out, size_t size, const char *const *list)
{
    size_t at = 0;

    out[0] = '\0';
    for (; *list && at < size; list++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "",
                               *list);
}

static int
unknown(const char *what, const char *key, size_t n, const char *const *keys,
        trv_err *err)
{
    char known[300];

    join_names(known, sizeof(known), keys);
    return err_fail(err, TRV_EINVAL, "%s has no option '%.*s'; %s%s", what,
                    n > 60 ? 60 : (int)n, key, *keys ? "there are " : "none",
                    *keys ? known : " is known");
}

static int
put(json_t *conf, const char *what, const char *key, size_t n,
    const char *value, size_t n_value, trv_err *err)
{
    char name[32];
    json_t *v;

    TRV_ASSERT(n < sizeof(name)); // it is one of ours
    memcpy(name, key, n);
    name[n] = '\0';
    if (json_object_get(conf, name))
        return err_fail(err, TRV_EINVAL, "%s is given '%s' twice", what, name);
    v = json_stringn(value, n_value);
    if (!v)
        return err_fail(err, TRV_EINVAL, "option '%s' of %s is not UTF-8", name,
                        what);
    return json_object_set_new(conf, name, v)
               ? err_fail(err, TRV_ENOMEM, "no memory for %s", what)
               : 0;
}

int
conf_parse(json_t *conf, const char *text, const char *what,
           const char *const *keys, const char *const *rest, trv_err *err)
{
    int rc = 0;

    while (*text && !rc) {
        const size_t n = strcspn(text, "=,");
        const char *value = text + n + 1;
        size_t len;

        if (text[n] != '=')
            return err_fail(err, TRV_EINVAL,
                            "'%.*s' in %s is no option: write key=value",
                            n > 60 ? 60 : (int)n, text, what);
        if (!is_listed(keys, text, n))
            return unknown(what, text, n, keys, err);
        len = is_listed(rest, text, n) ? strlen(value) : strcspn(value, ",");
        rc = put(conf, what, text, n, value, len, err);
        text = value + len;
        if (*text == ',' && !*++text)
            rc = rc ? rc
                    : err_fail(err, TRV_EINVAL, "%s ends with a comma", what);
    }
    return rc;
}

int
conf_lead(json_t *conf, const char **text, const char *what,
          const char *const *keys, bool alone, trv_err *err)
{
    for (;;) {
        const size_t n = strcspn(*text, "=,");
        const char *value = *text + n + 1;
        size_t len;
        int rc;

        if ((*text)[n] != '=' || !is_listed(keys, *text, n))
            return 0;
        len = strcspn(value, ",");
        if (value[len] != ',' && !alone)
            return err_fail(err, TRV_EINVAL,
                            "%s needs a comma and its subject behind '%.60s'",
                            what, *text);
        rc = put(conf, what, *text, n, value, len, err);
        if (rc)
            return rc;
        *text = value + len + (value[len] == ',');
    }
}

int
conf_known(const json_t *conf, const char *what, const char *const *keys,
           trv_err *err)
{
    json_t *obj = (json_t *)(uintptr_t)conf; // only looked at
    const char *key;
    json_t *v;

    if (!json_is_object(conf))
        return err_fail(err, TRV_EINVAL, "%s is described by no object", what);
    json_object_foreach(obj, key, v)
    {
        if (!is_listed(keys, key, strlen(key)))
            return unknown(what, key, strlen(key), keys, err);
    }
    return 0;
}

int
conf_text(const char **out, const json_t *conf, const char *key,
          const char *what, trv_err *err)
{
    const json_t *v = json_object_get(conf, key);

    if (!v)
        return 0;
    if (!json_is_string(v))
        return err_fail(err, TRV_EINVAL, "option '%s' of %s is no text", key,
                        what);
    if (strlen(json_string_value(v)) != json_string_length(v))
        return err_fail(err, TRV_EINVAL, "option '%s' of %s holds a NUL", key,
                        what);
    *out = json_string_value(v);
    return 0;
}

int
conf_num(double *out, const json_t *conf, const char *key, double lo, double hi,
         const char *what, trv_err *err)
{
    const json_t *v = json_object_get(conf, key);
    const char *s = json_string_value(v);
    double x = (double)NAN;
    char *end = NULL;

    if (!v)
        return 0;
    if (json_is_number(v))
        x = json_number_value(v);
    else if (s && *s && strlen(s) == json_string_length(v)) {
        x = strtod(s, &end);
        if (*end)
            x = (double)NAN;
    }
    if (!(x >= lo && x <= hi)) // NaN fails, too
        return err_fail(err, TRV_EINVAL,
                        "option '%s' of %s is %s%.40s%s, not a number from %g "
                        "to %g",
                        key, what, s ? "'" : "", s ? s : "not that",
                        s ? "'" : "", lo, hi);
    *out = x;
    return 0;
}

int
conf_flag(bool *out, const json_t *conf, const char *key, const char *what,
          trv_err *err)
{
    const json_t *v = json_object_get(conf, key);
    const char *s = json_string_value(v);

    if (!v)
        return 0;
    if (json_is_true(v) || (s && !strcmp(s, "1")))
        *out = true;
    else if (json_is_false(v) || (s && !strcmp(s, "0")))
        *out = false;
    else
        return err_fail(err, TRV_EINVAL, "option '%s' of %s is neither 0 nor 1",
                        key, what);
    return 0;
}

int
conf_choice(int *out, const json_t *conf, const char *key,
            const char *const *names, const char *what, trv_err *err)
{
    const char *s = NULL;
    char known[200];
    int rc = conf_text(&s, conf, key, what, err);

    if (rc || !s)
        return rc;
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], s) == 0) {
            *out = i;
            return 0;
        }
    join_names(known, sizeof(known), names);
    return err_fail(err, TRV_EINVAL,
                    "option '%s' of %s is '%.60s'; there are %s", key, what, s,
                    known);
}
