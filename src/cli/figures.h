/* figures.h -- the figures of a measurement as rows, one list from which both
 * the table here and the page (page.h) are made. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include <stdbool.h>
#include <stdio.h>

#include <trivium/trivium.h>

/** What a figure counts, hence on which scale it is drawn. */
enum figure_scale {
    FIGURE_NATS,  // 0 upwards; smaller is nearer
    FIGURE_SHARE, // 1 is perfect
    FIGURE_TASK,  // a reward's own; shown only where there is a task
};

struct figure_row {
    const char *name;  // as in JSON
    const char *group; // a name for all of its kind
    const char *cost;  // for each input, in words
    const char *says;  // one line for people
    enum figure_scale scale;
    size_t offset; // of the trv_figure in trv_measurement
};
/** All rows, as measure_figures.def has them; the last has a NULL name. */
extern const struct figure_row figure_rows[];
/** Is it to be shown? What was asked for and not measured is shown as missing;
 * what was not asked for is not shown. */
bool figure_shown(const trv_measurement *r, const struct figure_row *row);
const trv_figure *figure_of(const trv_measurement *r,
                            const struct figure_row *row);
/** Its name as people read it: blanks for '_'. */
void figures_print_name(FILE *f, const struct figure_row *row);

/** Who was measured, as given on the command line, and of which kind the two
 * are (trv_adaptation_kind()). Without a target both of its are NULL. */
struct figures_of {
    const char *model, *source, *target;
    const char *source_kind, *target_kind;
};

/** What people call an adaptation of a kind: "LoRA", "prompt", "reward". */
const char *figures_word(const char *kind);
/** The two by their kinds, or by their roles where these are the same. */
void figures_names(const char **source, const char **target,
                   const struct figures_of *who);

/** The examples side by side in `width` columns, and the distance in words;
 * nothing where there are none. */
void figures_examples(FILE *f, const trv_measurement *r,
                      const struct figures_of *who, int width, bool color);
/** The names that choose figures, what each costs: a part of the help. */
void figures_choices(FILE *f, bool color);
void figures_table(FILE *f, const trv_measurement *r,
                   const struct figures_of *who, bool color);
/** What the measurement and the target cost, in sentences. */
void figures_cost(FILE *f, const trv_measurement *r);

#endif
