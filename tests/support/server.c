/* server.c -- requests in, scripted answers out. */
#include "support/server.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/test.h"

static bool
read_request(struct server *s, int fd)
{
    size_t n = 0, want = 0;

    for (;;) {
        const ssize_t got = recv(fd, s->seen + n, sizeof(s->seen) - 1 - n, 0);
        const char *end, *length;

        if (got <= 0)
            return false;
        n += (size_t)got;
        s->seen[n] = '\0';
        end = strstr(s->seen, "\r\n\r\n");
        length = strcasestr(s->seen, "content-length:");
        if (end && length)
            want = (size_t)(end + 4 - s->seen) +
                   (size_t)strtoul(length + 15, NULL, 10);
        if (want && n >= want)
            return true;
    }
}

static void *
serve(void *payload)
{
    struct server *s = payload;

    for (;;) {
        const int fd = accept(s->listener, NULL, NULL);
        const struct server_says *say;
        char head[512];

        if (fd < 0)
            return NULL;
        if (read_request(s, fd)) {
            say = &s->script[s->served < s->n ? s->served : s->n - 1];
            s->served++;
            if (say->status == 0) {
                char byte;

                (void)!recv(fd, &byte, 1, 0); // until the client is gone
            } else {
                snprintf(head, sizeof(head),
                         "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n"
                         "Connection: close\r\n\r\n",
                         say->status, say->header ? say->header : "",
                         strlen(say->body));
                (void)!send(fd, head, strlen(head), MSG_NOSIGNAL);
                (void)!send(fd, say->body, strlen(say->body), MSG_NOSIGNAL);
            }
        }
        close(fd);
    }
}

void
server_start(struct server *s, const struct server_says *script, int n)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof(at);

    (void)setenv("no_proxy", "127.0.0.1", 1); // whatever the machine has set
    *s = (struct server){.script = script, .n = n};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &size),
                     0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

void
server_stop(struct server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}
