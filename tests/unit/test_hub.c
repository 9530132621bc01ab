/* test_hub.c -- names of the Hub when memory runs out: each allocation fails
 * once, all is freed, and it is said.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "model/files/hub.h"

static char cache[256];

static void
make(const char *below, const char *bytes)
{
    char path[400];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", cache, below);
    if (!bytes) {
        assert_int_equal(mkdir(path, 0700), 0);
        return;
    }
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(bytes, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
    (void)state;
    snprintf(cache, sizeof(cache), "%s", test_tmpdir("hub-sweep"));
    make("models--o--n", NULL);
    make("models--o--n/refs", NULL);
    make("models--o--n/refs/main", "c1\n");
    make("models--o--n/refs/part", "c3");
    make("models--o--n/refs/odd", "a/b");
    make("models--o--n/snapshots", NULL);
    make("models--o--n/snapshots/c1", NULL);
    make("models--o--n/snapshots/c1/config.json", "{}");
    make("models--o--n/snapshots/c1/model.safetensors", "x");
    make("models--o--n/snapshots/c2", NULL);
    make("models--o--n/snapshots/c2/m-Q4_K_M.gguf", "x");
    make("models--o--n/snapshots/c2/m-Q8_0.gguf", "x");
    make("models--o--n/snapshots/c2/below", NULL);
    make("models--o--n/snapshots/c2/below/other.txt", "x");
    make("models--o--n/snapshots/c3", NULL);
    make("models--o--n/snapshots/c3/config.json", "{}");
    return setenv("HF_HUB_CACHE", cache, 1);
}

static void
test_hub_survives_each_failed_allocation(void **state)
{
    static const struct {
        const char *given;
        int rc; // with memory enough
    } cases[] = {
        {"o/n", 0},
        {"o/n@main", 0},
        {"o/n@c2:q4_k_m", 0},
        {"o/n@c2:m-Q8_0.gguf", 0},
        {"./o/n", 0},                // no name: as it was given
        {"o/n@c2", TRV_EINVAL},      // which file
        {"o/n@c2:Q2_K", TRV_EIO},    // no such file
        {"o/n@none", TRV_EIO},       // no such revision
        {"o/n@part", TRV_EIO},       // no weights
        {"o/n@odd", TRV_EFORMAT},    // no commit
        {"o/n@../main", TRV_EINVAL}, // no revision
        {"o/other", TRV_EIO},        // not there
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int64_t n = 0;; n++) {
            const int64_t live = mem_stats_get().live_bytes;
            struct hub_place p;
            trv_err err = {0};
            int rc;

            mem_fail_after(n);
            rc = hub_find(&p, cases[i].given, HUB_WEIGHTS, &err);
            mem_fail_after(-1);
            hub_release(&p);
            assert_int_equal(mem_stats_get().live_bytes, live);
            assert_true(!rc || err.msg[0]);
            if (rc != TRV_ENOMEM) {
                if (rc != cases[i].rc)
                    fail_msg("%s: %d: %s", cases[i].given, rc, err.msg);
                break;
            }
            assert_true(n < 1000);
        }
}

static void
test_hub_split_survives_each_failed_allocation(void **state)
{
    char *name, *revision;

    (void)state;
    for (int64_t n = 0; n < 3; n++) {
        const int64_t live = mem_stats_get().live_bytes;
        int rc;

        mem_fail_after(n);
        rc = hub_split(&name, &revision, "o/n@main", NULL);
        mem_fail_after(-1);
        assert_int_equal(rc, n < 2 ? TRV_ENOMEM : 0);
        if (!rc)
            assert_string_equal(revision, "main");
        else
            assert_null(name);
        mem_free(name);
        mem_free(revision);
        assert_int_equal(mem_stats_get().live_bytes, live);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_survives_each_failed_allocation),
        cmocka_unit_test(test_hub_split_survives_each_failed_allocation),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
