/* test_waiting.c -- threads that wait sleep, by the time of the processor that
 * waiting takes, which other programs do not change.
 */
#include "support/test.h"

#include <dirent.h>
#include <omp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

static int
threads_there(void)
{
    DIR *d = opendir("/proc/self/task");
    int n = -2; // . and ..

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* A user who set the policy keeps it: no thread is added. */
static void
test_waiting_leaves_a_policy_that_was_set(void **state)
{
    static const char *const variables[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT",
                                            "KMP_BLOCKTIME"};

    (void)state;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const int before = threads_there();

        assert_int_equal(setenv(variables[i], "1", 1), 0);
        waiting_be_polite(1);
        assert_int_equal(unsetenv(variables[i]), 0);
        assert_int_equal(threads_there(), before);
    }
}

/* What a process returns whose parent was told to be polite. */
static int
region_of_a_child(void)
{
    int n = 0;

    (void)alarm(20);
    waiting_be_polite(2);
#pragma omp parallel num_threads(2)
    {
#pragma omp atomic
        n++;
    }
    return n == 2 ? 0 : 1;
}

/* A child has none of its parent's threads, and to wait for one would hang.
 * All this is in a process of its own, which has run no region before it
 * forks: libgomp asks for that. */
static void
test_waiting_does_not_hang_a_child(void **state)
{
    const pid_t parent = fork();
    int status = -1;

    (void)state;
    assert_true(parent >= 0);
    if (parent == 0) {
        pid_t child;

        waiting_be_polite(2);
        child = fork();
        if (child == 0)
            _exit(region_of_a_child());
        _exit(child < 0 || waitpid(child, &status, 0) != child || status != 0);
    }
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(status, 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waiting_does_not_hang_a_child),
        cmocka_unit_test(test_waiting_leaves_a_policy_that_was_set),
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
