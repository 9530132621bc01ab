/* pty.c -- run a program at a terminal of its own, for tests.
 *
 * pty LOG PROGRAM WORDS...: what comes on standard input is typed, what the
 * terminal shows goes to LOG at once. Ends when the program has, with its
 * status and after its last word, where script(1) of util-linux may hang up
 * before. When all is typed, a program that is silent for too long is hung up
 * on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 30000 // ms

static void
die(const char *what)
{
    perror(what);
    exit(125);
}

static bool
write_all(int fd, const char *bytes, ssize_t n)
{
    while (n > 0) {
        const ssize_t done = write(fd, bytes, (size_t)n);

        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            bytes += done;
            n -= done;
        }
    }
    return true;
}

/* Hand on what is there to read; false at the end, which a terminal reports as
 * EIO when the last program on it is gone. */
static bool
hand_on(int from, int to)
{
    char bytes[4096];
    const ssize_t n = read(from, bytes, sizeof(bytes));

    if (n < 0 && errno == EINTR)
        return true;
    return n > 0 && write_all(to, bytes, n);
}

int
main(int argc, char **argv)
{
    enum { TYPED, SHOWN };
    struct pollfd fds[] = {
        [TYPED] = {.fd = STDIN_FILENO, .events = POLLIN},
        [SHOWN] = {.events = POLLIN},
    };
    int log, status;
    pid_t child;

    if (argc < 3) {
        fputs("usage: pty LOG PROGRAM WORDS...\n", stderr);
        return 125;
    }
    log = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log < 0)
        die(argv[1]);
    child = forkpty(&fds[SHOWN].fd, NULL, NULL, NULL);
    if (child < 0)
        die("forkpty");
    if (child == 0) {
        execvp(argv[2], argv + 2);
        die(argv[2]);
    }
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        const int n = poll(fds, 2, fds[TYPED].fd < 0 ? PATIENCE : -1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            die("poll");
        if (n == 0)
            break;
        if (fds[SHOWN].revents && !hand_on(fds[SHOWN].fd, log))
            break;
        if (fds[TYPED].revents && !hand_on(STDIN_FILENO, fds[SHOWN].fd))
            fds[TYPED].fd = -1; // nobody types any more; the program goes on
    }
    close(fds[SHOWN].fd);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
