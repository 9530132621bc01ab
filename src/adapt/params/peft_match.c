/* peft_match.c -- PEFT's matching of modules.
 *
 *   target_modules, exclude_modules
 *       a string: a regular expression for the whole path ("all-linear" is
 *       every linear layer); a list: the path itself, or its end after a dot
 *   layers_to_transform, layers_pattern
 *       keep of a list's matches by suffix those in the named blocks
 *   rank_pattern, alpha_pattern
 *       the first key K for which ^(.*\.)?(K)$ matches the path
 *
 * Patterns come from foreign files: their length, number and the work of a
 * match are bounded.
 */
#include "adapt/params/peft_match.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "model/decoder/lora.h"

#define PATTERNS_MAX 65536 // modules of the largest models are some thousands
#define PATTERN_LENGTH_MAX 4096
#define MATCH_LIMIT 100000 // steps; a path of 100 bytes takes some hundreds

struct valued {
    pcre2_code *code;
    double value;
};

struct pattern_map {
    struct valued *v;
    int64_t n;
};

struct peft_rules {
    const char *file;
    pcre2_general_context *memory;
    pcre2_compile_context *compile;
    pcre2_match_context *limits;
    pcre2_match_data *match;

    bool all_linear;
    const json_t *targets, *excluded; // arrays, or NULL
    pcre2_code *target, *exclude;     // where they are strings
    const json_t *layers;             // array, integer or NULL
    pcre2_code **layer_patterns;
    int64_t n_layer_patterns;
    struct pattern_map ranks, alphas;
    int64_t rank;
    double alpha;
};

static void *
take(PCRE2_SIZE n, void *unused)
{
    (void)unused;
    return mem_alloc(n);
}

static void
give(void *p, void *unused)
{
    (void)unused;
    mem_free(p);
}

static int
compile(const struct peft_rules *r, pcre2_code **out, const char *before,
        const char *pattern, const char *after, uint32_t flags,
        const char *field, trv_err *err)
{
    struct strbuf b = {0};
    int code, rc = 0;
    PCRE2_SIZE at;

    if (sb_printf(&b, "%s%s%s", before, pattern, after)) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for a pattern of '%s'",
                      r->file);
        goto done;
    }
    *out =
        pcre2_compile((PCRE2_SPTR)b.s, b.len,
                      flags | PCRE2_UTF | PCRE2_ANCHORED | PCRE2_DOLLAR_ENDONLY,
                      &code, &at, r->compile);
    if (!*out) {
        PCRE2_UCHAR why[128] = "";

        pcre2_get_error_message(code, why, sizeof(why));
        rc = err_fail(err, TRV_EFORMAT,
                      "field '%s' of '%s' holds the pattern '%.100s': %s",
                      field, r->file, pattern, (const char *)why);
    }
done:
    sb_release(&b);
    return rc;
}

static int
matches(const struct peft_rules *r, bool *out, const pcre2_code *code,
        const char *path, trv_err *err)
{
    const int n = pcre2_match(code, (PCRE2_SPTR)path, strlen(path), 0,
                              PCRE2_NO_UTF_CHECK, r->match, r->limits);

    if (n < 0 && n != PCRE2_ERROR_NOMATCH)
        return err_fail(err,
                        n == PCRE2_ERROR_NOMEMORY ? TRV_ENOMEM : TRV_EFORMAT,
                        "a pattern of '%s' takes too much work to match '%s'",
                        r->file, path);
    *out = n >= 0;
    return 0;
}

/* A field that is null, a string, or a list of strings. */
static int
names_or_pattern(const struct peft_rules *r, const json_t **list,
                 pcre2_code **code, const json_t *config, const char *field,
                 trv_err *err)
{
    const json_t *v = json_object_get(config, field), *name;
    size_t i;

    if (!v || json_is_null(v))
        return 0;
    if (json_is_string(v))
        return compile(r, code, "", json_string_value(v), "", PCRE2_ENDANCHORED,
                       field, err);
    if (!json_is_array(v))
        return err_fail(err, TRV_EFORMAT,
                        "field '%s' of '%s' is neither a string nor a list",
                        field, r->file);
    json_array_foreach(v, i, name)
    {
        if (!json_is_string(name) || !*json_string_value(name))
            return err_fail(err, TRV_EFORMAT,
                            "field '%s' of '%s' holds something other than "
                            "names of modules",
                            field, r->file);
    }
    *list = v;
    return 0;
}

static int
compile_map(const struct peft_rules *r, struct pattern_map *map,
            const json_t *config, const char *field, trv_err *err)
{
    const json_t *obj = json_object_get(config, field), *v;
    const char *key;
    int rc;

    if (!obj || json_is_null(obj))
        return 0;
    if (!json_is_object(obj))
        return err_fail(err, TRV_EFORMAT, "field '%s' of '%s' is no object",
                        field, r->file);
    if (json_object_size(obj) > PATTERNS_MAX)
        return err_fail(err, TRV_ERANGE,
                        "field '%s' of '%s' has more than %d patterns", field,
                        r->file, PATTERNS_MAX);
    if (json_object_size(obj) == 0)
        return 0;
    map->v = mem_calloc(json_object_size(obj), sizeof(*map->v));
    if (!map->v)
        return err_fail(err, TRV_ENOMEM, "no memory for the patterns of '%s'",
                        r->file);
    for (void *it = json_object_iter((json_t *)(uintptr_t)obj); it;
         it = json_object_iter_next((json_t *)(uintptr_t)obj, it)) {
        key = json_object_iter_key(it);
        v = json_object_iter_value(it);
        if (!json_is_number(v))
            return err_fail(err, TRV_EFORMAT,
                            "field '%s' of '%s' gives '%.100s' no number",
                            field, r->file, key);
        rc = compile(r, &map->v[map->n].code, "(.*\\.)?(", key, ")$", 0, field,
                     err);
        if (rc)
            return rc;
        map->v[map->n++].value = json_number_value(v);
    }
    return 0;
}

static int
read_layers(struct peft_rules *r, const json_t *config, trv_err *err)
{
    const json_t *v = json_object_get(config, "layers_to_transform"), *e;
    const json_t *p = json_object_get(config, "layers_pattern");
    const size_t n = json_is_array(p) ? json_array_size(p) : 1;
    size_t i;
    int rc;

    if (v && !json_is_null(v) && !json_is_integer(v) && !json_is_array(v))
        return err_fail(err, TRV_EFORMAT,
                        "field 'layers_to_transform' of '%s' is neither an "
                        "integer nor a list",
                        r->file);
    json_array_foreach(v, i, e)
    {
        if (!json_is_integer(e))
            return err_fail(err, TRV_EFORMAT,
                            "field 'layers_to_transform' of '%s' holds "
                            "something other than integers",
                            r->file);
    }
    if (json_is_integer(v) || json_array_size(v) > 0)
        r->layers = v;

    if (!p || json_is_null(p) || n == 0)
        return 0;
    if (n > PATTERNS_MAX)
        return err_fail(err, TRV_ERANGE,
                        "field 'layers_pattern' of '%s' has more than %d "
                        "patterns",
                        r->file, PATTERNS_MAX);
    r->layer_patterns = mem_calloc(n, sizeof(*r->layer_patterns));
    if (!r->layer_patterns)
        return err_fail(err, TRV_ENOMEM, "no memory for the patterns of '%s'",
                        r->file);
    for (i = 0; i < n; i++) {
        e = json_is_array(p) ? json_array_get(p, i) : p;
        if (!json_is_string(e))
            return err_fail(err, TRV_EFORMAT,
                            "field 'layers_pattern' of '%s' holds something "
                            "other than strings",
                            r->file);
        if (!*json_string_value(e))
            continue;
        rc = compile(r, &r->layer_patterns[r->n_layer_patterns], "(?:^|.*?\\.)",
                     json_string_value(e), "\\.(?<trivium_index>\\d+)\\.", 0,
                     "layers_pattern", err);
        if (rc)
            return rc;
        r->n_layer_patterns++;
    }
    return 0;
}

int
peft_rules_open(struct peft_rules **out, const json_t *config, const char *file,
                trv_err *err)
{
    struct peft_rules *r = mem_calloc(1, sizeof(*r));
    const json_t *t = json_object_get(config, "target_modules");
    int rc;

    *out = NULL;
    if (!r)
        return err_fail(err, TRV_ENOMEM, "no memory to read '%s'", file);
    r->file = file;
    r->rank = 8; // PEFT's defaults
    r->alpha = 8.0;
    r->memory = pcre2_general_context_create(take, give, NULL);
    r->compile = r->memory ? pcre2_compile_context_create(r->memory) : NULL;
    r->limits = r->memory ? pcre2_match_context_create(r->memory) : NULL;
    r->match = r->memory ? pcre2_match_data_create(64, r->memory) : NULL;
    if (!r->compile || !r->limits || !r->match) {
        rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'", file);
        goto done;
    }
    pcre2_set_max_pattern_length(r->compile, PATTERN_LENGTH_MAX);
    pcre2_set_match_limit(r->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(r->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(r->limits, 20000); // KiB

    rc = json_int(&r->rank, config, "r", 1, INT32_MAX, file, err);
    if (!rc)
        rc = json_num(&r->alpha, config, "lora_alpha", -1e9, 1e9, file, err);
    if (rc)
        goto done;
    r->all_linear = json_is_string(t) &&
                    strcasecmp(json_string_value(t), "all-linear") == 0;
    rc = r->all_linear ? 0
                       : names_or_pattern(r, &r->targets, &r->target, config,
                                          "target_modules", err);
    if (rc)
        goto done;
    rc = names_or_pattern(r, &r->excluded, &r->exclude, config,
                          "exclude_modules", err);
    if (rc)
        goto done;
    rc = read_layers(r, config, err);
    if (rc)
        goto done;
    rc = compile_map(r, &r->ranks, config, "rank_pattern", err);
    if (rc)
        goto done;
    rc = compile_map(r, &r->alphas, config, "alpha_pattern", err);
    if (rc)
        goto done;
    *out = r;
    r = NULL;
done:
    peft_rules_free(r);
    return rc;
}

static void
release_map(struct pattern_map *map)
{
    for (int64_t i = 0; i < map->n; i++)
        pcre2_code_free(map->v[i].code);
    mem_free(map->v);
}

void
peft_rules_free(struct peft_rules *r)
{
    if (!r)
        return;
    release_map(&r->ranks);
    release_map(&r->alphas);
    for (int64_t i = 0; i < r->n_layer_patterns; i++)
        pcre2_code_free(r->layer_patterns[i]);
    mem_free(r->layer_patterns);
    pcre2_code_free(r->target);
    pcre2_code_free(r->exclude);
    pcre2_match_data_free(r->match);
    pcre2_match_context_free(r->limits);
    pcre2_compile_context_free(r->compile);
    pcre2_general_context_free(r->memory);
    mem_free(r);
}

enum listed { LISTED_NOT, LISTED_WHOLE, LISTED_SUFFIX };

static enum listed
is_listed(const json_t *list, const char *path)
{
    const size_t len = strlen(path);
    enum listed found = LISTED_NOT;
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
    {
        const size_t n = json_string_length(v);

        if (n > len || strcmp(path + len - n, json_string_value(v)) != 0)
            continue;
        if (n == len)
            return LISTED_WHOLE;
        if (path[len - n - 1] == '.')
            found = LISTED_SUFFIX;
    }
    return found;
}

/* The block's number as `layers_pattern` finds it in the path. */
static int
index_in_path(const struct peft_rules *r, int64_t *index, const char *path,
              trv_err *err)
{
    bool found = false;
    int rc;

    for (int64_t i = 0; i < r->n_layer_patterns; i++) {
        PCRE2_UCHAR digits[24];
        PCRE2_SIZE n = sizeof(digits);

        rc = matches(r, &found, r->layer_patterns[i], path, err);
        if (rc)
            return rc;
        if (!found)
            continue;
        *index = pcre2_substring_copy_byname(
                     r->match, (PCRE2_SPTR) "trivium_index", digits, &n) == 0
                     ? strtoll((const char *)digits, NULL, 10)
                     : -1;
        return 0;
    }
    *index = -1;
    return 0;
}

/* Is the block among `layers_to_transform`? */
static int
is_layer(const struct peft_rules *r, bool *out, const char *path, int64_t layer,
         trv_err *err)
{
    const json_t *v;
    size_t i;
    int rc;

    *out = true;
    if (!r->layers)
        return 0;
    if (r->n_layer_patterns > 0) {
        rc = index_in_path(r, &layer, path, err);
        if (rc)
            return rc;
    }
    *out = json_is_integer(r->layers) && json_integer_value(r->layers) == layer;
    json_array_foreach(r->layers, i, v)
    {
        if (json_integer_value(v) == layer)
            *out = true;
    }
    return 0;
}

static int
is_target(const struct peft_rules *r, bool *out, const char *path,
          int64_t layer, trv_err *err)
{
    bool excluded = false;
    int rc = 0;

    *out = false;
    if (r->exclude)
        rc = matches(r, &excluded, r->exclude, path, err);
    else if (r->excluded)
        excluded = is_listed(r->excluded, path) != LISTED_NOT;
    if (rc || excluded)
        return rc;
    if (r->all_linear) { // PEFT lists the modules by name, then goes on
        return is_layer(r, out, path, layer, err);
    }
    if (r->target)
        return matches(r, out, r->target, path, err);
    switch (is_listed(r->targets, path)) {
    case LISTED_NOT:
        return 0;
    case LISTED_WHOLE: // a full path is not asked for its block
        *out = true;
        return 0;
    case LISTED_SUFFIX:
        break;
    }
    return is_layer(r, out, path, layer, err);
}

static int
look_up(const struct peft_rules *r, const struct pattern_map *map,
        double *value, const char *path, trv_err *err)
{
    for (int64_t i = 0; i < map->n; i++) {
        bool found;
        const int rc = matches(r, &found, map->v[i].code, path, err);

        if (rc)
            return rc;
        if (!found)
            continue;
        *value = map->v[i].value;
        return 0;
    }
    return 0;
}

int
peft_rules_match(const struct peft_rules *r, int64_t *rank, double *alpha,
                 const char *path, int64_t layer, trv_err *err)
{
    double value = (double)r->rank;
    bool target;
    int rc;

    *rank = 0;
    *alpha = r->alpha;
    rc = is_target(r, &target, path, layer, err);
    if (rc || !target)
        return rc;
    rc = look_up(r, &r->ranks, &value, path, err);
    if (rc)
        return rc;
    if (!(value >= 1.0 && value <= LORA_MAX_RANK) ||
        value != (double)(int64_t)value)
        return err_fail(err, TRV_ERANGE,
                        "'%s' gives '%s' the rank %g, outside 1 to %d", r->file,
                        path, value, LORA_MAX_RANK);
    rc = look_up(r, &r->alphas, alpha, path, err);
    if (rc)
        return rc;
    if (!(*alpha >= -1e9 && *alpha <= 1e9) || *alpha == 0.0)
        return err_fail(err, TRV_ERANGE,
                        "'%s' gives '%s' the alpha %g, which is no usable "
                        "scale",
                        r->file, path, *alpha);
    *rank = (int64_t)value;
    return 0;
}
