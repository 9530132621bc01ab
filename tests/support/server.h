/* server.h -- an HTTP server of one thread that answers as it is told: well,
 * late, with errors, with garbage.
 */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include <pthread.h>

/* What the server says to request i; the last goes on for ever. */
struct server_says {
    int status; // 0: nothing is said, and the line stays open
    const char *header, *body;
};

struct server {
    int listener;
    int port;
    const struct server_says *script;
    int n, served;
    char seen[16384]; // the last request
    pthread_t thread;
};

/** Listen on 127.0.0.1, at a port that is free. */
void server_start(struct server *s, const struct server_says *script, int n);
void server_stop(struct server *s);

#endif
