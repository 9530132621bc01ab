/* term.h -- the terminal: interruption, colour, and the progress line. */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stdio.h>

#include <trivium/trivium.h>

/** Where people look. Progress is drawn over one line on a terminal, not
 * before the work has taken a second, at most five times a second. When a
 * stage ends one last line says what it took, on a terminal or not. */
struct term {
    FILE *err;
    bool live;  // a terminal that can redraw a line
    bool quiet; // neither progress nor last lines
    bool color_out, color_err;
    double (*now)(void); // seconds, never backwards

    /* the stage that is running */
    char stage[48];
    trv_progress last;
    double began, drawn; // of the call; of the last redraw
    bool on_line;        // a progress line stands unfinished
};

/** @param now  NULL for the system's clock; tests give their own. */
void term_init(struct term *t, FILE *out, FILE *err, bool quiet,
               double (*now)(void));

/** A trv_progress_fn; payload is the struct term. False after Ctrl-C. */
bool term_progress(const trv_progress *p, void *payload);
/** End the running stage with its last line. */
void term_done(struct term *t);
/** Wipe an unfinished progress line, so that a message can stand there. */
void term_clear(struct term *t);
/** Before a message: a stage that is whole ends with its last line, so that
 * what comes behind it stands behind it; of another the bar is cleared. */
void term_message(struct term *t);

/** "" unless the stream is a terminal and NO_COLOR is unset. */
const char *term_bold(bool color);
const char *term_red(bool color);
const char *term_green(bool color);
const char *term_plain(bool color);

/** From here on the first SIGINT or SIGTERM only sets a flag, so that the work
 * can save what it has; the second ends the program. */
void term_catch_interrupt(void);
bool term_interrupted(void);
/** From here on SIGINT only sets the flag, however often: Ctrl-C stops one
 * answer of a conversation. */
void term_catch_break(void);
/** Was there one? The flag is cleared. */
bool term_take_break(void);
/** How many columns the stream's terminal has; `otherwise` where it is none. */
int term_columns(FILE *f, int otherwise);

#endif
