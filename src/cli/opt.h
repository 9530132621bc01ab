/* opt.h -- option tables. One table says what a command takes: parsing, help,
 * manual page, completion and the record of a run are all read from it, so
 * they cannot disagree. Defaults are not in the table: they are the values of
 * the struct that is parsed into, so the library's own macros stay the source.
 */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum opt_type {
    OPT_TYPE_END = 0,
    OPT_TYPE_GROUP,  // a heading of the help; no field
    OPT_TYPE_FLAG,   // bool
    OPT_TYPE_INT,    // int32_t
    OPT_TYPE_SEED,   // uint64_t
    OPT_TYPE_NUM,    // double; never infinite or NaN once given
    OPT_TYPE_TEXT,   // const char *
    OPT_TYPE_CHOICE, // const char *, one of `choices`
    OPT_TYPE_LIST,   // struct opt_list; each use adds one
    OPT_TYPE_ARG,    // const char *, by position
};

/** Values of an option that may be repeated, in the order given. */
struct opt_list {
    const char **items;
    int32_t n;
};

struct opt_spec {
    enum opt_type type;
    char letter;         // short name, or 0
    const char *name;    // long name without dashes; of ARG: as shown
    size_t offset;       // of the field
    const char *value;   // what the value is called: "N", "FILE", "TEXT"
    const char *choices; // of CHOICE: "auto|f32|bf16"
    const char *unit;    // of a number, or NULL
    double lo, hi;       // bounds of a number, included
    bool above;          // lo itself is not allowed
    bool required;
    const char *shown; // the default in words; NULL: the field's own value
    const char *help;  // lower case, no full stop
    const char *specs; // a form whose known specs stand before the help
};

/* The offset of a field; a field of another type does not compile. */
#define OPT_AT(T, f, type)                                                     \
    (offsetof(T, f) + 0 * sizeof((type *)0 == &((T *)0)->f))

#define OPT_GROUP(title)                                                       \
    {                                                                          \
        .type = OPT_TYPE_GROUP, .help = title                                  \
    }
#define OPT_FLAG(T, f, letter_, name_, help_)                                  \
    {                                                                          \
        .type = OPT_TYPE_FLAG, .offset = OPT_AT(T, f, bool),                   \
        .letter = letter_, .name = name_, .help = help_                        \
    }
#define OPT_ARG(T, f, name_, help_)                                            \
    {                                                                          \
        .type = OPT_TYPE_ARG, .offset = OPT_AT(T, f, const char *),            \
        .name = name_, .help = help_                                           \
    }
/* The rest name their further fields: OPT_INT(T, f, 0, "rank", .lo = 1, ...) */
#define OPT_NEED_ARG(T, f, name_, ...)                                         \
    {                                                                          \
        .type = OPT_TYPE_ARG, .offset = OPT_AT(T, f, const char *),            \
        .name = name_, .required = true, __VA_ARGS__                           \
    }
#define OPT_INT(T, f, letter_, name_, ...)                                     \
    {                                                                          \
        .type = OPT_TYPE_INT, .offset = OPT_AT(T, f, int32_t),                 \
        .letter = letter_, .name = name_, .value = "N", __VA_ARGS__            \
    }
#define OPT_SEED(T, f, letter_, name_, ...)                                    \
    {                                                                          \
        .type = OPT_TYPE_SEED, .offset = OPT_AT(T, f, uint64_t),               \
        .letter = letter_, .name = name_, .value = "N",                        \
        .hi = 18446744073709551615.0, __VA_ARGS__                              \
    }
#define OPT_NUM(T, f, letter_, name_, ...)                                     \
    {                                                                          \
        .type = OPT_TYPE_NUM, .offset = OPT_AT(T, f, double),                  \
        .letter = letter_, .name = name_, .value = "X", __VA_ARGS__            \
    }
#define OPT_TEXT(T, f, letter_, name_, ...)                                    \
    {                                                                          \
        .type = OPT_TYPE_TEXT, .offset = OPT_AT(T, f, const char *),           \
        .letter = letter_, .name = name_, __VA_ARGS__                          \
    }
#define OPT_CHOICE(T, f, letter_, name_, ...)                                  \
    {                                                                          \
        .type = OPT_TYPE_CHOICE, .offset = OPT_AT(T, f, const char *),         \
        .letter = letter_, .name = name_, __VA_ARGS__                          \
    }
#define OPT_LIST(T, f, letter_, name_, ...)                                    \
    {                                                                          \
        .type = OPT_TYPE_LIST, .offset = OPT_AT(T, f, struct opt_list),        \
        .letter = letter_, .name = name_, __VA_ARGS__                          \
    }
#define OPT_END                                                                \
    {                                                                          \
        .type = OPT_TYPE_END                                                   \
    }

/** A table and the struct that it fills. */
struct opt_table {
    const struct opt_spec *specs;
    void *args;
};

#define OPT_MSG_MAX 512

/**
 * Read words into the structs of `tables`. Values borrow from argv; lists own
 * their array: opt_release(). `--` ends the options. Where an option is given
 * twice, the later counts.
 *
 * @param stop_at_word  stop at the first word that is no option; otherwise
 *                      such words fill the tables' ARGs in order.
 * @return the number of words read, or -1 with one sentence in msg.
 */
int opt_parse(const struct opt_table *tables, int n_tables, int argc,
              char *const *argv, bool stop_at_word, char msg[OPT_MSG_MAX]);

/** @return the first required option or argument that has no value; or NULL. */
const struct opt_spec *opt_missing(const struct opt_table *table);

/** Free what lists hold. */
void opt_release(const struct opt_table *table);

/** The entry of `names` (NULL-terminated) that is most like `word`, or NULL
 * where none is near. */
const char *opt_nearest(const char *word, const char *const *names);

/** True for what has a long name and is neither heading nor argument. */
bool opt_is_option(const struct opt_spec *s);

/** Write "default 16" or "default: the model's own" for the field's value in
 * `defaults`; "" where there is nothing to say. */
void opt_default_text(char *out, size_t size, const struct opt_spec *s,
                      const void *defaults);
/** Write "1 to 4096", "above 0", ...; "" for what is no number. */
void opt_range_text(char *out, size_t size, const struct opt_spec *s);

#endif
