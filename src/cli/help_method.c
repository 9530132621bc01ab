/* help_method.c -- `trivium help dpo` and the table of edges. Nothing is said of
 * a method here: names, options, defaults and examples are the library's.
 */
#include "cli/help_method.h"

#include <string.h>

#include "cli/help_text.h"

#define EDGE_COLUMN 20             // what stands behind an edge
#define LEARN_GROUP "Optimisation" // what "@learn" stands for

extern const struct cmd_entry cmd_convert;

/* ---- rows --------------------------------------------------------------- */

void
help_method_find(struct help_uses *out, const char *name)
{
    const trv_method *m;
    const char *edge;

    out->n = 0;
    for (int32_t e = 0; (edge = trv_edge_at(e)); e++)
        for (int32_t i = 0; (m = trv_method_at(e, i)); i++)
            if (strcmp(m->name, name) == 0 && out->n < HELP_METHOD_USES) {
                out->v[out->n].edge = edge;
                out->v[out->n++].m = m;
            }
}

const char *
help_method_name(int i)
{
    const char *names[64];
    const trv_method *m;
    int n = 0;

    for (int32_t e = 0; trv_edge_at(e); e++)
        for (int32_t k = 0; (m = trv_method_at(e, k)); k++) {
            bool known = false;

            for (int j = 0; j < n && !known; j++)
                known = strcmp(names[j], m->name) == 0;
            if (known || n == (int)(sizeof(names) / sizeof(*names)))
                continue;
            if (n == i)
                return m->name;
            names[n++] = m->name;
        }
    return NULL;
}

static bool
is_default(int32_t edge, const trv_method *m, const char *kind)
{
    const trv_method *first;
    int32_t i = 0;

    while ((first = trv_method_at(edge, i)) && !help_lists(first->makes, kind))
        i++;
    return first == m;
}

void
help_method_makes(char *out, size_t size, int32_t edge, const trv_method *m)
{
    struct help_list list = {.n = 0};
    const char *kinds = m->makes;
    char kind[32];

    while (help_next(kind, sizeof(kind), &kinds))
        help_list_add(&list, "%s%s", kind,
                      is_default(edge, m, kind) ? "*" : "");
    snprintf(out, size, "%s", list.text);
}

/* ---- the table of edges -------------------------------------------------- */

#define FROM_WIDTH 8
#define MAKES_AT (2 + 2 * FROM_WIDTH)
#define METHODS_AT (MAKES_AT + 24)

/* The part of a list that fits, and where the next line goes on. */
static const char *
print_part(FILE *f, const char *list, int width, bool pad)
{
    int n = 0;

    while (list[n]) {
        const int word = (int)strcspn(list + n, " ");

        if (n && n + word > width)
            break;
        n += word;
        n += list[n] == ' ';
    }
    fprintf(f, "%-*.*s", pad ? width : 0, n - (n && list[n - 1] == ' '), list);
    return list + n;
}

/* "prompt->params": both ends, then two lists side by side. */
static void
print_edge(FILE *f, const char *edge, const char *makes, const char *methods)
{
    const char *const arrow = strstr(edge, "->");
    const int n = arrow ? (int)(arrow - edge) : (int)strlen(edge);

    fprintf(f, "  %-*.*s%-*s", FROM_WIDTH, n, edge, FROM_WIDTH,
            arrow ? arrow + 2 : "");
    for (bool first = true; first || *makes || *methods; first = false) {
        if (!first)
            fprintf(f, "%*s", MAKES_AT, "");
        if (*methods) {
            makes = print_part(f, makes, METHODS_AT - MAKES_AT - 2, true);
            fputs("  ", f);
            methods = print_part(f, methods, HELP_WIDTH - METHODS_AT, false);
        } else {
            makes = print_part(f, makes, METHODS_AT - MAKES_AT - 2, false);
        }
        fputc('\n', f);
    }
}

void
help_method_table(FILE *f, bool color)
{
    const trv_method *m;
    const char *edge;

    help_heading(f, "Methods (* the default for a kind)", color);
    fprintf(f, "  %-*s%-*s%-*s%s\n", FROM_WIDTH, "from", FROM_WIDTH, "to",
            METHODS_AT - MAKES_AT, "makes", "by");
    for (int32_t e = 0; (edge = trv_edge_at(e)); e++) {
        struct help_list makes = {.n = 0}, methods = {.n = 0};
        char made[256] = "", kind[32];
        size_t n = 0;

        for (int32_t i = 0; (m = trv_method_at(e, i)); i++) {
            const char *kinds = m->makes;
            bool first = false;

            while (help_next(kind, sizeof(kind), &kinds)) {
                first = first || is_default(e, m, kind);
                if (help_lists(made, kind) ||
                    n + strlen(kind) + 2 > sizeof(made))
                    continue;
                n += (size_t)snprintf(made + n, sizeof(made) - n, "%s ", kind);
                help_list_append(&makes, "%s%s", makes.n ? " " : "", kind);
            }
            help_list_append(&methods, "%s%s%s", methods.n ? " " : "", m->name,
                             first ? "*" : "");
        }
        print_edge(f, edge, makes.text, methods.text);
    }
}

/* ---- the page of a method ------------------------------------------------ */

/* The edges of a method where `of` says the same as at its i-th; "" where an
 * earlier one does. */
static void
edges_alike(struct help_list *list, const struct help_uses *u, int i,
            const char *(*of)(const trv_method *m))
{
    const char *const text = of(u->v[i].m);

    list->n = 0;
    list->text[0] = '\0';
    for (int k = 0; k < u->n; k++) {
        const char *const other = of(u->v[k].m);

        if ((text && other) ? strcmp(text, other) != 0 : text != other)
            continue;
        if (k < i)
            return;
        help_list_add(list, "%s", u->v[k].edge);
    }
}

static const char *
summary_of(const trv_method *m)
{
    return m->summary;
}

static const char *
source_of(const trv_method *m)
{
    return m->source;
}

static const char *
example_of(const trv_method *m)
{
    return m->example;
}

static void
print_edges(FILE *f, const struct help_uses *u, bool color)
{
    help_heading(f, "Makes (* by default)", color);
    for (int i = 0; i < u->n; i++) {
        char makes[256] = "";

        for (int32_t e = 0; trv_edge_at(e); e++)
            if (strcmp(trv_edge_at(e), u->v[i].edge) == 0)
                help_method_makes(makes, sizeof(makes), e, u->v[i].m);
        help_item(f, u->v[i].edge, makes, EDGE_COLUMN);
    }
}

static void
print_summaries(FILE *f, const char *name, const struct help_uses *u)
{
    for (int i = 0; i < u->n; i++) {
        struct help_list edges;
        char text[1400];

        edges_alike(&edges, u, i, summary_of);
        if (!edges.n)
            continue;
        if (i > 0 || strcmp(u->v[u->n - 1].m->summary, u->v[0].m->summary) != 0)
            snprintf(text, sizeof(text), "%s, %s: %s.", name, edges.text,
                     u->v[i].m->summary);
        else
            snprintf(text, sizeof(text), "%s: %s.", name, u->v[i].m->summary);
        help_wrap(f, text, 0, 0);
    }
}

/* The method's own default of an option: "" where it has none. */
static void
default_of(char *out, size_t size, const trv_method *m, const char *option)
{
    const char *list = m->defaults;
    const size_t n = strlen(option);
    char each[64];

    out[0] = '\0';
    while (help_next(each, sizeof(each), &list))
        if (strncmp(each, option, n) == 0 && each[n] == '=')
            snprintf(out, size, "%s", each + n + 1);
}

/* Is the option in a row's list, or in its group where the row has a default? */
static bool
row_reads(const trv_method *m, const char *option, const char *group)
{
    char value[64];

    default_of(value, sizeof(value), m, option);
    return help_lists(m->options, option) ||
           (value[0] && strcmp(group, LEARN_GROUP) == 0 &&
            help_lists(m->options, "@learn"));
}

/* Write each default once; behind it the edges, where not all have the same. */
static void
add_defaults(struct help_list *out, const struct help_uses *u,
             const char *option)
{
    char value[HELP_METHOD_USES][64];
    bool same = true;

    for (int i = 0; i < u->n; i++) {
        default_of(value[i], sizeof(value[i]), u->v[i].m, option);
        same = same && strcmp(value[i], value[0]) == 0;
    }
    if (same && value[0][0])
        help_list_add(out, "%s", value[0]);
    for (int i = 0; i < u->n && !same; i++) {
        bool known = !value[i][0];

        for (int k = 0; k < i && !known; k++)
            known = strcmp(value[k], value[i]) == 0;
        if (known)
            continue;
        help_list_add(out, "%s of", value[i]);
        for (int k = i, n = 0; k < u->n; k++)
            if (strcmp(value[k], value[i]) == 0)
                help_list_append(out, "%s %s", n++ ? "," : "", u->v[k].edge);
    }
}

/* Make of an option what the method's rows say of it: the edges where it is read,
 * if not at all, and its defaults. False: no row reads it. */
static bool
of_method(struct opt_spec *own, struct help_list *help, struct help_list *shown,
          const struct help_uses *u, const char *group)
{
    struct help_list where = {.n = 0};
    struct help_uses of = {.n = 0}; // that read it

    for (int i = 0; i < u->n; i++)
        if (row_reads(u->v[i].m, own->name, group)) {
            of.v[of.n++] = u->v[i];
            help_list_add(&where, "%s", u->v[i].edge);
        }
    if (!of.n)
        return false;
    help_list_add(help, "%s", own->help);
    if (of.n < u->n)
        help_list_append(help, "; only %s", where.text);
    own->help = help->text;
    add_defaults(shown, &of, own->name);
    if (shown->n || (own->shown && strcmp(own->shown, "by the method") == 0))
        own->shown = shown->text;
    return true;
}

static void
print_options(FILE *f, const struct help_uses *u, bool color)
{
    const char *group = "Options", *titled = NULL;

    for (const struct opt_spec *s = cmd_convert.opts; s->type; s++) {
        struct opt_spec own = *s;
        struct help_list help = {.n = 0}, shown = {.n = 0};

        if (s->type == OPT_TYPE_GROUP)
            group = s->help;
        if (!opt_is_option(s) || !of_method(&own, &help, &shown, u, group))
            continue;
        if (titled != group)
            help_heading(f, group, color);
        titled = group;
        help_option(f, &own, cmd_convert.defaults);
    }
}

/* "--rank, --alpha" of "rank alpha". */
static void
add_options(struct help_list *out, const char *options)
{
    char each[64];

    while (help_next(each, sizeof(each), &options))
        help_list_add(out, "--%s", each);
}

/* The optimiser's options that no row has a default of. */
static void
learn_options(struct help_list *out, const struct help_uses *u)
{
    const char *group = "";

    for (const struct opt_spec *s = cmd_convert.opts; s->type; s++) {
        char value[64] = "";

        if (s->type == OPT_TYPE_GROUP)
            group = s->help;
        if (!opt_is_option(s) || strcmp(group, LEARN_GROUP) != 0)
            continue;
        for (int i = 0; i < u->n && !value[0]; i++)
            default_of(value, sizeof(value), u->v[i].m, s->name);
        if (!value[0])
            help_list_add(out, "--%s", s->name);
    }
}

static void
print_names(FILE *f, const char *of, const struct help_list *names,
            bool *titled, bool color)
{
    if (names->n && !*titled) {
        help_heading(f,
                     "Further options ('trivium help training' explains them)",
                     color);
        *titled = true;
    }
    if (names->n)
        help_item(f, of, names->text, EDGE_COLUMN);
}

/* What is not of the method alone is only named. */
static void
print_further(FILE *f, const struct help_uses *u, bool color)
{
    struct help_list names = {.n = 0};
    char seen[512] = "", kind[32];
    bool learn = false, titled = false;

    for (int i = 0; i < u->n; i++)
        learn = learn || help_lists(u->v[i].m->options, "@learn");
    if (learn)
        learn_options(&names, u);
    print_names(f, "optimiser", &names, &titled, color);
    for (int i = 0; i < u->n; i++) {
        const char *kinds = u->v[i].m->makes;

        while (help_next(kind, sizeof(kind), &kinds)) {
            const size_t n = strlen(seen);

            names = (struct help_list){.n = 0};
            if (help_lists(seen, kind) || n + strlen(kind) + 2 > sizeof(seen))
                continue;
            snprintf(seen + n, sizeof(seen) - n, "%s ", kind);
            add_options(&names, trv_kind_options(kind));
            print_names(f, kind, &names, &titled, color);
        }
    }
}

/* Sources and examples, each once. */
static void
print_ends(FILE *f, const struct help_uses *u, bool color)
{
    bool titled = false;

    for (int i = 0; i < u->n; i++) {
        struct help_list edges;

        edges_alike(&edges, u, i, source_of);
        if (!edges.n || !u->v[i].m->source)
            continue;
        if (!titled)
            help_heading(f, "Source", color);
        titled = true;
        fputs("  ", f);
        help_wrap(f, u->v[i].m->source, 2, 2);
    }
    help_heading(f, "Examples", color);
    for (int i = 0; i < u->n; i++) {
        struct help_list edges;

        edges_alike(&edges, u, i, example_of);
        if (edges.n)
            help_command_line(f, u->v[i].m->example);
    }
}

bool
help_method(FILE *f, const char *name, bool color)
{
    struct help_uses u;

    help_method_find(&u, name);
    if (!u.n)
        return false;
    fprintf(f,
            "Usage: trivium convert -m PATH -f A -t KIND:OUT --method %s "
            "[OPTIONS]\n\n",
            name);
    print_summaries(f, name, &u);
    print_edges(f, &u, color);
    print_options(f, &u, color);
    print_further(f, &u, color);
    print_ends(f, &u, color);
    return true;
}
