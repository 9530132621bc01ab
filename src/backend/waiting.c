/* waiting.c -- how threads of OpenMP wait for each other.
 *
 * Threads that spin while they wait take the time slices of those that they
 * wait for, wherever other programs run, too: a hundred short regions of two
 * threads took 40 times as long on a busy machine. libgomp reads its policy
 * from the environment before any code of ours, or of our caller, can run, and
 * has no call to change it. So the program sets GOMP_SPINCOUNT and starts
 * itself anew (src/cli/main.c), which a library cannot.
 *
 * But libgomp spins a hundred times only, and not for milliseconds, while it
 * manages more threads than there are processors. So a library adds idle ones:
 * a team that parks behind one region for as long as the process lives. It
 * sleeps in the kernel and costs its stacks. Of libomp (clang's) there is a
 * call.
 */
#include "backend/waiting.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

extern void kmp_set_blocktime(int ms) __attribute__((weak)); // libomp's

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int parked; // threads that libgomp manages for us

struct team {
    int threads;
    pthread_barrier_t made;
};

/* A team belongs to the thread that made it, so this one stays. */
static void *
park(void *payload)
{
    struct team *t = payload;
    int made = 0;

    omp_set_dynamic(0);
#pragma omp parallel num_threads(t->threads)
    {
#pragma omp atomic
        made++;
    }
    (void)pthread_barrier_wait(&t->made); // *t is the caller's again
    for (;;)
        (void)pause(); // all signals are blocked
    return NULL;
}

/* Where there is no thread to be had, all goes on as it was. */
static bool
add_parked(int n)
{
    struct team team = {.threads = n + 1}; // park()'s own does not count
    sigset_t all, before;
    pthread_t thread;
    bool started;

    if (pthread_barrier_init(&team.made, NULL, 2))
        return false;
    (void)sigfillset(&all); // signals are for the caller's threads
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&thread, NULL, park, &team) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        (void)pthread_detach(thread);
        (void)pthread_barrier_wait(&team.made);
    }
    (void)pthread_barrier_destroy(&team.made);
    return started;
}

void
waiting_be_polite(int threads)
{
    const int want = omp_get_num_procs() - threads + 1;

    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") ||
        getenv("KMP_BLOCKTIME"))
        return;
    if (kmp_set_blocktime) {
        kmp_set_blocktime(0);
        return;
    }
    (void)pthread_mutex_lock(&lock);
    if (parked < (want > 1 ? want : 1)) {
        const int more = (want > 1 ? want : 1) - parked;

        parked += add_parked(more) ? more : 0;
    }
    (void)pthread_mutex_unlock(&lock);
}
