/* reward_conf.c -- options of rewards. */
#include "adapt/reward/reward_conf.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/strbuf.h"

static const struct conf_option *
find(const struct conf_option *options, const char *s, size_t n)
{
    for (; options->info.name; options++)
        if (strlen(options->info.name) == n &&
            memcmp(options->info.name, s, n) == 0)
            return options;
    return NULL;
}

static int
unknown(const char *what, const char *key, size_t n,
        const struct conf_option *options, trv_err *err)
{
    char known[300] = "", hint[NEAREST_HINT];
    size_t at = 0;

    for (; options->info.name && at < sizeof(known); options++)
        at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
                               at ? ", " : "", options->info.name);
    return err_fail(err, TRV_EINVAL, "%s has no option '%.*s'; %s%s%s", what,
                    n > 60 ? 60 : (int)n, key, at ? "there are " : "none",
                    at ? known : " is known",
                    nearest_hint(hint, key, n, known));
}

/* A word before '=' that is near to an option: what else it might be, a text or
 * another spec, seldom begins so. */
static bool
is_misspelt(const char *word, size_t n, const struct conf_option *options)
{
    for (; options->info.name; options++)
        if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz")] == '=' &&
            nearest_is_near(nearest_distance(word, n, options->info.name), n,
                            options->info.name))
            return true;
    return false;
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

/* ",timeout=" in what an option takes that stands last: the name of another. */
static const char *
swallowed(const struct conf_option *options, const char *value)
{
    while ((value = strchr(value, ','))) {
        const size_t n = strcspn(++value, "=,");
        const struct conf_option *o =
            value[n] == '=' ? find(options, value, n) : NULL;

        if (o && !o->info.takes_rest)
            return value;
    }
    return NULL;
}

int
conf_parse(json_t *conf, const char *text, const char *what,
           const struct conf_option *options, trv_err *err)
{
    int rc =
        *text ? 0 : err_fail(err, TRV_EINVAL, "%s ends with a comma", what);

    while (*text && !rc) {
        const size_t n = strcspn(text, "=,");
        const struct conf_option *o = find(options, text, n);
        const char *value = text + n + 1;
        size_t len;

        if (text[n] != '=')
            return err_fail(err, TRV_EINVAL,
                            "'%.*s' in %s is no option: write key=value",
                            n > 60 ? 60 : (int)n, text, what);
        if (!o)
            return unknown(what, text, n, options, err);
        len = o->info.takes_rest ? strlen(value) : strcspn(value, ",");
        if (o->info.takes_rest && swallowed(options, value))
            return err_fail(err, TRV_EINVAL,
                            "'%.60s' in %s stands behind '%s=', which takes "
                            "all that follows: write it before",
                            swallowed(options, value), what, o->info.name);
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
          const struct conf_option *options, bool alone, trv_err *err)
{
    for (;;) {
        const size_t n = strcspn(*text, "=,");
        const char *value = *text + n + 1;
        size_t len;
        int rc;

        if ((*text)[n] == '=' && !find(options, *text, n) &&
            is_misspelt(*text, n, options))
            return unknown(what, *text, n, options, err);
        if ((*text)[n] != '=' || !find(options, *text, n))
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

static int
read_number(double *out, const json_t *v, const struct conf_option *o,
            const char *what, trv_err *err)
{
    const char *s = json_string_value(v);
    double x = (double)NAN;
    char *end = NULL;

    if (json_is_number(v))
        x = json_number_value(v);
    else if (s && *s && strlen(s) == json_string_length(v)) {
        x = strtod(s, &end);
        if (*end)
            x = (double)NAN;
    }
    if (!(x >= o->lo && x <= o->hi)) // NaN fails, too
        return err_fail(err, TRV_EINVAL,
                        "option '%s' of %s is %s%.40s%s, not a number from %g "
                        "to %g",
                        o->info.name, what, s ? "'" : "", s ? s : "not that",
                        s ? "'" : "", o->lo, o->hi);
    *out = x;
    return 0;
}

static int
read_flag(bool *out, const json_t *v, const struct conf_option *o,
          const char *what, trv_err *err)
{
    const char *s = json_string_value(v);

    if (json_is_true(v) || (s && !strcmp(s, "1")))
        *out = true;
    else if (json_is_false(v) || (s && !strcmp(s, "0")))
        *out = false;
    else
        return err_fail(err, TRV_EINVAL, "option '%s' of %s is neither 0 nor 1",
                        o->info.name, what);
    return 0;
}

/* The place of a name in "a|b|c"; -1: it is not there. */
static int
place_of(const char *list, const char *name)
{
    for (int i = 0;; i++) {
        const size_t n = strcspn(list, "|");

        if (strlen(name) == n && memcmp(list, name, n) == 0)
            return i;
        if (!list[n])
            return -1;
        list += n + 1;
    }
}

static int
read_choice(int *out, const char *s, const struct conf_option *o,
            const char *what, trv_err *err)
{
    const int i = place_of(o->info.value, s);
    char known[200], hint[NEAREST_HINT];
    size_t at = 0;

    if (i >= 0) {
        *out = i;
        return 0;
    }
    for (const char *c = o->info.value; *c && at + 3 < sizeof(known); c++) {
        known[at++] = *c == '|' ? ',' : *c;
        if (*c == '|')
            known[at++] = ' ';
    }
    known[at] = '\0';
    return err_fail(
        err, TRV_EINVAL, "option '%s' of %s is '%.60s'; there are %s%s",
        o->info.name, what, s, known, nearest_hint(hint, s, strlen(s), known));
}

/* One option from a value, which is there. */
static int
read_one(void *into, const json_t *conf, const json_t *v,
         const struct conf_option *o, const char *what, trv_err *err)
{
    void *field = (char *)into + o->at;
    const char *text = NULL;
    int rc = 0;

    switch (o->type) {
    case CONF_FLAG:
        return read_flag(field, v, o, what, err);
    case CONF_NUMBER:
        return read_number(field, v, o, what, err);
    case CONF_CHOICE:
        rc = conf_text(&text, conf, o->info.name, what, err);
        return rc ? rc : read_choice(field, text, o, what, err);
    case CONF_TEXT:
        return conf_text(field, conf, o->info.name, what, err);
    }
    return 0;
}

static void
fall_back(void *into, const struct conf_option *o)
{
    const char *s = o->info.fallback;
    void *field = (char *)into + o->at;

    if (!s)
        return;
    if (o->type == CONF_FLAG)
        *(bool *)field = *s == '1';
    else if (o->type == CONF_NUMBER)
        *(double *)field = strtod(s, NULL);
    else if (o->type == CONF_CHOICE)
        *(int *)field = place_of(o->info.value, s);
    else
        *(const char **)field = s;
}

int
conf_read(void *into, const json_t *conf, const struct conf_option *options,
          const char *what, trv_err *err)
{
    json_t *obj = (json_t *)(uintptr_t)conf; // only looked at
    const char *key;
    json_t *v;
    int rc = 0;

    if (!json_is_object(conf))
        return err_fail(err, TRV_EINVAL, "%s is described by no object", what);
    json_object_foreach(obj, key, v)
    {
        if (!find(options, key, strlen(key)))
            return unknown(what, key, strlen(key), options, err);
    }
    for (const struct conf_option *o = options; o->info.name && !rc; o++) {
        v = json_object_get(conf, o->info.name);
        if (v)
            rc = read_one(into, conf, v, o, what, err);
        else
            fall_back(into, o);
    }
    return rc;
}
