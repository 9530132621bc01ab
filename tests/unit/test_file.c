/* test_file.c -- what is read of a path that is no plain file. */
#include "support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"

#define MANY 300000 // more than a pipe holds

static char fifo[200];

static void
test_file_read_waits_for_no_writer(void **state)
{
    struct strbuf text = {0};
    struct filemap map;
    trv_err err = {0};

    (void)state;
    assert_int_equal(file_read(&text, fifo, 100, &err), TRV_EIO);
    assert_non_null(strstr(err.msg, "not a regular file"));
    assert_int_equal(filemap_open(&map, fifo, &err), TRV_EIO);
    assert_int_equal(file_read(&text, "/dev/zero", 100, &err), TRV_EIO);
    assert_int_equal(file_read(&text, "/", 100, &err), TRV_EIO);
    assert_int_equal(text.len, 0);
    sb_release(&text);
}

static void *
write_many(void *payload)
{
    static char bytes[MANY];
    const int fd = open(fifo, O_WRONLY);
    size_t n = 0;

    (void)payload;
    memset(bytes, 'x', sizeof(bytes));
    while (fd >= 0 && n < sizeof(bytes)) {
        const ssize_t k = write(fd, bytes + n, sizeof(bytes) - n);

        if (k <= 0)
            break;
        n += (size_t)k;
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void
test_file_read_stream_takes_all_that_a_pipe_gives(void **state)
{
    struct strbuf text = {0};
    trv_err err = {0};
    pthread_t writer;

    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, write_many, NULL), 0);
    assert_int_equal(file_read_stream(&text, fifo, 1 << 20, &err), 0);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(text.len, MANY);
    assert_int_equal(text.s[MANY - 1], 'x');
    sb_release(&text);
    assert_int_equal(file_read_stream(&text, "/dev/zero", 1000, &err),
                     TRV_ERANGE);
    sb_release(&text);
}

static void
on_alarm(int sig)
{
    (void)sig;
}

/* As the program's handler, which lets other calls go on. */
static void
test_file_read_stream_ends_by_a_signal(void **state)
{
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART}, was;
    const struct itimerval often = {{0, 50000}, {0, 50000}}, none = {0};
    struct strbuf text = {0};
    trv_err err = {0};

    (void)state;
    assert_int_equal(sigaction(SIGALRM, &sa, &was), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    assert_int_equal(file_read_stream(&text, fifo, 100, &err), TRV_ECANCELED);
    assert_int_equal(setitimer(ITIMER_REAL, &none, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &was, NULL), 0);
    sb_release(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_read_waits_for_no_writer),
        cmocka_unit_test(test_file_read_stream_takes_all_that_a_pipe_gives),
        cmocka_unit_test(test_file_read_stream_ends_by_a_signal),
    };
    int rc;

    snprintf(fifo, sizeof(fifo), "/tmp/trivium_test_file.%d", (int)getpid());
    if (mkfifo(fifo, 0600) != 0)
        return 1;
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(fifo);
    return rc;
}
