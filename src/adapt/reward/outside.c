/* outside.c -- a helper process and its two pipes. */
#include "adapt/reward/outside.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"

#define LINE_MAX_BYTES ((size_t)1 << 16) // of a reply; a score takes few
/* Where a program ended as if all were done. */
#define PROTOCOL                                                               \
    ": it shall print a number for each line it reads, until there are no "    \
    "more ('trivium help rewards')"
#define GRACE_S 0.5       // to end by itself once its input is closed
#define SECOND_LINE_MS 50 // after the first reply of all: see ask()

extern char **environ;

struct outside {
    char *command;
    double timeout_s;
    pid_t pid;   // 0: not running
    bool proven; // it has answered a question with one line
    int in, out; // its standard input (a socket) and output; -1: none
    struct strbuf reply;
};

int
outside_open(struct outside **out, const char *command, double timeout_s,
             trv_err *err)
{
    struct outside *o = mem_calloc(1, sizeof(*o));

    *out = NULL;
    if (o)
        o->command = mem_strdup(command);
    if (!o || !o->command) {
        mem_free(o);
        return err_fail(err, TRV_ENOMEM, "no memory to start a helper");
    }
    o->timeout_s = timeout_s;
    o->in = o->out = -1;
    *out = o;
    return 0;
}

static void
close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Has it ended, and waits to be asked how? */
static bool
has_ended(pid_t pid)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == pid;
}

/* End it and everything that it started; its status, or -1. Its group is ended
 * while the process itself is still known, so that no other can be meant. */
static int
stop(struct outside *o, double grace_s)
{
    const double until = clock_now() + grace_s;
    const struct timespec nap = {0, 5000000};
    int status = -1;

    close_end(&o->in);
    if (o->pid > 0) {
        while (!has_ended(o->pid) && clock_now() < until)
            (void)nanosleep(&nap, NULL);
        (void)kill(-o->pid, SIGKILL);
        while (waitpid(o->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    close_end(&o->out);
    o->pid = 0;
    o->proven = false;
    sb_reset(&o->reply);
    return status;
}

void
outside_free(struct outside *o)
{
    if (!o)
        return;
    (void)stop(o, GRACE_S);
    sb_release(&o->reply);
    mem_free(o->command);
    mem_free(o);
}

/* Start it. Its input is a socket, because a write to a closed socket can be
 * made not to raise SIGPIPE without changing the caller's signals. */
static int
spawn(struct outside *o, int in, int out)
{
    char sh[] = "/bin/sh", flag[] = "-c";
    char *argv[] = {sh, flag, o->command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t all;
    int rc;

    rc = posix_spawn_file_actions_init(&files);
    if (rc)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc) {
        posix_spawn_file_actions_destroy(&files);
        return rc;
    }
    /* A group of its own, so that it can be ended with its children; signals as
     * any program expects them. */
    sigemptyset(&all);
    sigaddset(&all, SIGXFSZ);
    sigaddset(&all, SIGPIPE);
    rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
                                             POSIX_SPAWN_SETSIGDEF);
    if (!rc)
        rc = posix_spawnattr_setpgroup(&attr, 0);
    if (!rc)
        rc = posix_spawnattr_setsigdefault(&attr, &all);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(&files, in, 0);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(&files, out, 1);
    if (!rc)
        rc = posix_spawn(&o->pid, sh, &files, &attr, argv, environ);
    if (rc)
        o->pid = 0;
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

static int
start(struct outside *o, trv_err *err)
{
    int in[2], out[2], rc;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0)
        return err_fail(err, TRV_EIO, "cannot start '%.200s': %s", o->command,
                        strerror(errno));
    if (pipe2(out, O_CLOEXEC) != 0) {
        rc = errno;
        close(in[0]);
        close(in[1]);
        return err_fail(err, TRV_EIO, "cannot start '%.200s': %s", o->command,
                        strerror(rc));
    }
    rc = spawn(o, in[1], out[1]);
    close(in[1]);
    close(out[1]);
    o->in = in[0];
    o->out = out[0];
    if (rc) {
        (void)stop(o, 0.0);
        return err_fail(err, TRV_EIO, "cannot start '%.200s': %s", o->command,
                        strerror(rc));
    }
    (void)fcntl(o->in, F_SETFL, O_NONBLOCK);
    (void)fcntl(o->out, F_SETFL, O_NONBLOCK);
    return 0;
}

/* It closed its output or its input: how did it end? */
static int
died(struct outside *o, trv_err *err)
{
    const int status = stop(o, GRACE_S);

    if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return err_fail(err, TRV_EIO,
                        "the helper '%.200s' cannot be run: the shell ended "
                        "with status 127",
                        o->command);
    if (status >= 0 && WIFEXITED(status))
        return err_fail(err, TRV_EIO,
                        "the helper '%.200s' ended with status %d instead of "
                        "answering%s",
                        o->command, WEXITSTATUS(status),
                        WEXITSTATUS(status) ? "" : PROTOCOL);
    if (status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        return err_fail(err, TRV_EIO,
                        "the helper '%.200s' was ended by signal %d instead of "
                        "answering",
                        o->command, WTERMSIG(status));
    return err_fail(err, TRV_EIO,
                    "the helper '%.200s' closed its output instead of "
                    "answering" PROTOCOL,
                    o->command);
}

/* Take what is there to read; *ended at the end of its output. */
static int
take_reply(struct outside *o, bool *ended, trv_err *err)
{
    char bytes[4096];

    *ended = false;
    for (;;) {
        const ssize_t n = read(o->out, bytes, sizeof(bytes));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 0;
        if (n < 0)
            return err_fail(err, TRV_EIO, "cannot read from '%.200s': %s",
                            o->command, strerror(errno));
        *ended = n == 0;
        if (n == 0)
            return 0;
        if (sb_add(&o->reply, bytes, (size_t)n))
            return err_fail(err, TRV_ENOMEM, "no memory for a reply");
        if (o->reply.len > LINE_MAX_BYTES)
            return err_fail(err, TRV_EFORMAT,
                            "the helper '%.200s' answered with more than %zu "
                            "bytes",
                            o->command, LINE_MAX_BYTES);
    }
}

/* Write the question and read until a line is there. */
static int
exchange(struct outside *o, const char *line, size_t n, trv_err *err)
{
    const double until = clock_now() + o->timeout_s;
    size_t sent = 0;
    bool ended = false;
    int rc = 0;

    while (!rc && (sent < n ||
                   !memchr(o->reply.s ? o->reply.s : "", '\n', o->reply.len))) {
        struct pollfd fds[2] = {{.fd = o->out, .events = POLLIN},
                                {.fd = o->in, .events = POLLOUT}};
        const double left = until - clock_now();
        ssize_t k;

        if (ended)
            return died(o, err);
        if (left <= 0)
            return err_fail(err, TRV_EIO,
                            "the helper '%.200s' gave no answer within %g "
                            "seconds and was ended",
                            o->command, o->timeout_s);
        k = poll(fds, sent < n ? 2 : 1,
                 left > 60 ? 60000 : (int)ceil(left * 1000));
        if (k < 0 && errno != EINTR)
            return err_fail(err, TRV_EIO, "cannot wait for '%.200s': %s",
                            o->command, strerror(errno));
        if (k <= 0)
            continue;
        if (sent < n && fds[1].revents) {
            k = send(o->in, line + sent, n - sent, MSG_NOSIGNAL);
            if (k < 0 && (errno == EPIPE || errno == ECONNRESET))
                return died(o, err);
            if (k < 0 && errno != EAGAIN && errno != EINTR)
                return err_fail(err, TRV_EIO, "cannot write to '%.200s': %s",
                                o->command, strerror(errno));
            sent += k > 0 ? (size_t)k : 0;
        }
        if (fds[0].revents)
            rc = take_reply(o, &ended, err);
    }
    return rc;
}

/* The number in a reply of one line. */
static int
read_score(double *score, const struct outside *o, trv_err *err)
{
    const char *s = o->reply.s;
    const size_t n = (size_t)((const char *)memchr(s, '\n', o->reply.len) - s);
    json_t *v =
        json_loadb(s, n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    const json_t *x = json_is_object(v) ? json_object_get(v, "score") : v;
    const bool good = json_is_number(x) && isfinite(json_number_value(x)) &&
                      n + 1 == o->reply.len;

    *score = json_number_value(x);
    json_decref(v);
    if (good)
        return 0;
    if (n + 1 < o->reply.len)
        return err_fail(err, TRV_EFORMAT,
                        "the helper '%.200s' answered one question with more "
                        "than one line",
                        o->command);
    return err_fail(err, TRV_EFORMAT,
                    "the helper '%.200s' answered '%.*s', which is no number "
                    "and no {\"score\": number}",
                    o->command, n > 100 ? 100 : (int)n, s);
}

/* A line that nobody asked for would make all later scores slip by one. It is
 * looked for before each question; and once, behind the first reply, it is
 * waited for, as a program that writes too much does so each time. */
static int
check_silence(struct outside *o, int wait_ms, trv_err *err)
{
    struct pollfd fd = {.fd = o->out, .events = POLLIN};
    bool ended;
    int rc = 0;

    if (poll(&fd, 1, wait_ms) > 0 && (fd.revents & POLLIN))
        rc = take_reply(o, &ended, err);
    if (!rc && o->reply.len > 0)
        rc = err_fail(err, TRV_EFORMAT,
                      "the helper '%.200s' answered one question with more "
                      "than one line",
                      o->command);
    return rc;
}

int
outside_ask(struct outside *o, double *score, const json_t *question,
            trv_err *err)
{
    char *text = json_dumps(question, JSON_COMPACT);
    struct strbuf line = {0};
    int rc = 0;

    if (!text || sb_puts(&line, text) || sb_putc(&line, '\n'))
        rc = err_fail(err, TRV_ENOMEM, "no memory to ask '%.200s'", o->command);
    free(text);
    if (!rc)
        rc = o->pid == 0 ? start(o, err) : check_silence(o, 0, err);
    if (!rc)
        rc = exchange(o, line.s, line.len, err);
    if (!rc)
        rc = read_score(score, o, err);
    sb_reset(&o->reply);
    if (!rc && !o->proven)
        rc = check_silence(o, SECOND_LINE_MS, err);
    o->proven = !rc;
    if (rc)
        (void)stop(o, 0.0);
    sb_release(&line);
    return rc;
}
