/* term.c -- interruption, colour, and the progress line. */
#include "cli/term.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/human.h"

#define FIRST_AFTER 1.0 // seconds of work before a line is drawn
#define EVERY 0.2       // seconds between two redraws
#define LOG_EVERY 30.0  // and between two lines where there is no terminal
#define BAR_CELLS 20
#define SAME_WISH 0.3 // seconds in which a second signal is the same wish

static volatile sig_atomic_t interrupted;
static double interrupted_at;

static double
clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* Calls only what may be called in a handler: clock_gettime, signal, raise,
 * isatty, write. */
static void
on_interrupt(int sig)
{
    static const char note[] =
        "\ntrivium: stopping and saving; press Ctrl-C again to stop at once\n";
    const int was = errno; // of the call that was interrupted

    if (interrupted) {
        /* timeout(1) and others signal a process and then its group: what
         * comes at once is one wish, not two */
        if (clock_now() - interrupted_at < SAME_WISH)
            return;
        signal(sig, SIG_DFL);
        raise(sig);
        return;
    }
    interrupted = 1;
    interrupted_at = clock_now();
    if (isatty(STDERR_FILENO)) {
        const ssize_t n = write(STDERR_FILENO, note, sizeof(note) - 1);

        (void)n;
    }
    errno = was;
}

void
term_catch_interrupt(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction sa, old;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_interrupt;
    sigemptyset(&sa.sa_mask);
    sa.sa_flags = SA_RESTART;
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &sa, NULL); // ignored stays ignored
}

bool
term_interrupted(void)
{
    return interrupted != 0;
}

static void
on_break(int sig)
{
    (void)sig;
    interrupted = 1;
}

void
term_catch_break(void)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_break;
    sigemptyset(&sa.sa_mask);
    sa.sa_flags = SA_RESTART; // a write goes on; poll() ends all the same
    (void)sigaction(SIGINT, &sa, NULL);
}

bool
term_take_break(void)
{
    const bool was = interrupted != 0;

    interrupted = 0;
    return was;
}

void
term_init(struct term *t, FILE *out, FILE *err, bool quiet, double (*now)(void))
{
    const char *no_color = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    const bool color = !(no_color && *no_color);
    const bool can_redraw = kind && strcmp(kind, "dumb") != 0;

    *t = (struct term){.err = err, .quiet = quiet};
    t->now = now ? now : clock_now;
    t->live = can_redraw && isatty(fileno(err)) && !quiet;
    t->color_out = color && can_redraw && isatty(fileno(out));
    t->color_err = color && can_redraw && isatty(fileno(err));
    t->began = t->drawn = t->now();
}

const char *
term_bold(bool color)
{
    return color ? "\033[1m" : "";
}

const char *
term_red(bool color)
{
    return color ? "\033[1;31m" : "";
}

const char *
term_green(bool color)
{
    return color ? "\033[32m" : "";
}

const char *
term_plain(bool color)
{
    return color ? "\033[0m" : "";
}

/* Seconds that a rate needs: what is read again after a stop takes none. */
#define RATE_LEAST 0.01

/* "1,203 tokens/s", or the stage's own unit where no tokens are counted. */
static void
rate_text(char out[HUMAN_MAX], const trv_progress *p)
{
    char n[HUMAN_MAX];

    out[0] = '\0';
    if (!(p->seconds > RATE_LEAST))
        return;
    if (p->tokens > 0)
        snprintf(out, HUMAN_MAX, "%s tokens/s",
                 human_count(n, p->tokens / p->seconds));
    else if (p->done > 0) {
        const double rate = (double)p->done / p->seconds;

        if (rate < 1000)
            snprintf(n, sizeof(n), "%.3g", rate);
        else
            human_count(n, rate);
        snprintf(out, HUMAN_MAX, "%.40s %.16s/s", n,
                 p->unit ? p->unit : "steps");
    }
}

/* "45s", "1m47s", "18h28m": short, for a line that must fit. */
static void
left_text(char out[HUMAN_MAX], double s)
{
    const double whole = floor(s + 0.5);

    if (whole < 60)
        snprintf(out, HUMAN_MAX, "%.0fs", whole);
    else if (whole < 3600)
        snprintf(out, HUMAN_MAX, "%.0fm%02.0fs", floor(whole / 60),
                 fmod(whole, 60));
    else
        snprintf(out, HUMAN_MAX, "%.0fh%02.0fm", floor(whole / 3600),
                 floor(fmod(whole, 3600) / 60));
}

/* Of the whole where it is known, else of the stage; false: of neither. */
static bool
time_left(char out[HUMAN_MAX], const trv_progress *p)
{
    const bool known = p->done > 0 && p->total >= p->done;

    left_text(out, p->left > 0 ? p->left
                   : known     ? p->seconds * (double)(p->total - p->done) /
                                 (double)p->done
                           : 0);
    return known;
}

int
term_columns(FILE *f, int otherwise)
{
    struct winsize w;

    if (ioctl(fileno(f), TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    return otherwise;
}

/* "training [####....] 12/80  loss 1.2345  1,203 tokens/s  45s left": the bar
 * takes what room the words leave; where they are too long the loss goes first,
 * so that the time left is seen. */
static void
draw(struct term *t, const trv_progress *p)
{
    char words[256], line[512], bar[BAR_CELLS + 1];
    char rate[HUMAN_MAX], left[HUMAN_MAX], loss[HUMAN_MAX] = "";
    const double share =
        p->total > 0 ? (double)p->done / (double)p->total : 0.0;
    const bool known = time_left(left, p);
    const int columns = term_columns(t->err, 80) - 1; // a full line would wrap
    int cells, full;

    rate_text(rate, p);
    if (isfinite(p->loss))
        snprintf(loss, sizeof(loss), "  loss %.4f", p->loss);
    for (;;) {
        snprintf(words, sizeof(words), "%lld/%lld%s  %s  %s left",
                 (long long)p->done, (long long)p->total, loss, rate,
                 known ? left : "?");
        cells = columns - (int)(strlen(t->stage) + strlen(words) + 4);
        if (cells >= 0 || !loss[0])
            break;
        loss[0] = '\0';
    }
    cells = cells > BAR_CELLS ? BAR_CELLS : cells < 0 ? 0 : cells;
    full = share >= 1 ? cells : (int)(share * cells);
    memset(bar, '.', (size_t)cells);
    memset(bar, '#', (size_t)(full > 0 ? full : 0));
    bar[cells] = '\0';
    snprintf(line, sizeof(line), "%s [%s] %s", t->stage, bar, words);
    fprintf(t->err, "\r%.*s\033[K", columns > 0 ? columns : 0, line);
    fflush(t->err);
    t->on_line = true;
}

/* "training: 12 of 80 steps, loss 1.2345, 1,203 tokens/s, 45s left": a line of
 * a log. */
static void
log_line(struct term *t, const trv_progress *p)
{
    char rate[HUMAN_MAX], left[HUMAN_MAX], done[HUMAN_MAX], total[HUMAN_MAX];
    const bool known = time_left(left, p);

    rate_text(rate, p);
    fprintf(
        t->err, "%s: %s of %s", t->stage, human_count(done, (double)p->done),
        human_counted(total, (double)p->total, p->unit ? p->unit : "steps"));
    if (isfinite(p->loss))
        fprintf(t->err, ", loss %.4f", p->loss);
    if (rate[0])
        fprintf(t->err, ", %s", rate);
    if (known)
        fprintf(t->err, ", %s left", left);
    fputc('\n', t->err);
    fflush(t->err);
}

void
term_clear(struct term *t)
{
    if (t->on_line) {
        fputs("\r\033[K", t->err);
        fflush(t->err);
    }
    t->on_line = false;
}

void
term_done(struct term *t)
{
    char took[HUMAN_MAX], rate[HUMAN_MAX], done[HUMAN_MAX], total[HUMAN_MAX];
    const trv_progress *p = &t->last;
    const char *unit = p->unit ? p->unit : "steps";

    term_clear(t);
    if (!t->stage[0])
        return;
    if (!t->quiet) {
        rate_text(rate, p);
        if (p->done < p->total)
            fprintf(t->err, "%s: %s of %s in %s", t->stage,
                    human_count(done, (double)p->done),
                    human_counted(total, (double)p->total, unit),
                    human_seconds(took, p->seconds));
        else
            fprintf(t->err, "%s: %s in %s", t->stage,
                    human_counted(done, (double)p->done, unit),
                    human_seconds(took, p->seconds));
        if (rate[0])
            fprintf(t->err, ", %s", rate);
        if (isfinite(p->loss))
            fprintf(t->err, ", loss %.4f", p->loss);
        fputc('\n', t->err);
        fflush(t->err);
    }
    t->stage[0] = '\0';
}

void
term_message(struct term *t)
{
    if (t->last.total > 0 && t->last.done >= t->last.total)
        term_done(t);
    else
        term_clear(t);
}

bool
term_progress(const trv_progress *p, void *payload)
{
    struct term *t = payload;
    const char *stage = p->stage ? p->stage : "working";
    const double now = t->now();

    if (strncmp(t->stage, stage, sizeof(t->stage) - 1) != 0) {
        term_done(t);
        snprintf(t->stage, sizeof(t->stage), "%s", stage);
    }
    t->last = *p;
    if (t->live && now - t->began >= FIRST_AFTER && now - t->drawn >= EVERY) {
        draw(t, p);
        t->drawn = now;
    } else if (!t->live && !t->quiet && now - t->drawn >= LOG_EVERY) {
        log_line(t, p);
        t->drawn = now;
    }
    return !term_interrupted();
}
