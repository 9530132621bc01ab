/* test_waiting.c -- threads that wait sleep, by the time of the processor that
 * waiting takes, which other programs do not change.
 */
#include "support/test.h"

#include <omp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "backend/waiting.h"

static double
cpu_seconds(void)
{
    struct rusage r;

    (void)getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* What it takes to wait for 5 ms, a hundred times, behind a region of two. */
static double
cost_of_waiting(void)
{
    const struct timespec nap = {0, 5000000};
    const double before = cpu_seconds();
    volatile int reached[2];

    for (int i = 0; i < 100; i++) {
#pragma omp parallel num_threads(2)
        reached[omp_get_thread_num()] = i;
        (void)nanosleep(&nap, NULL);
    }
    assert_int_equal(reached[0], 99);
    return cpu_seconds() - before;
}

static void
test_waiting_threads_sleep_once_they_are_told_to(void **state)
{
    double spinning, polite;

    (void)state;
    spinning = cost_of_waiting();
    waiting_be_polite(2);
    waiting_be_polite(2); // nothing more
    waiting_be_polite(1); // one more processor to outnumber
    polite = cost_of_waiting();
    print_message("%.4f s spinning, %.4f s polite\n", spinning, polite);
    assert_true(polite < spinning / 4);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waiting_threads_sleep_once_they_are_told_to),
    };

    (void)argc;
    /* libgomp has read the policy of the tests by now. */
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) {
        (void)unsetenv("OMP_WAIT_POLICY");
        (void)unsetenv("GOMP_SPINCOUNT");
        (void)execv("/proc/self/exe", argv);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
