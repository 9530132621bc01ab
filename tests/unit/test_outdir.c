/* test_outdir.c -- a folder is replaced whole, or not at all, and never costs
 * a file that is not its own. */
#include "support/test.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/outdir.h"

/* ---- a rule: "config" and "weights" are ours ---------------------------- */

static bool
writes(const char *name, const void *payload)
{
    (void)payload;
    return !strcmp(name, "config") || !strcmp(name, "weights");
}

static int
own(json_t *names, const char *dir, const void *payload, trv_err *err)
{
    (void)payload;
    if (!dir_has(dir, "config") && !dir_is_empty(dir))
        return err_fail(err, TRV_EEXIST, "'%s' is another folder", dir);
    return json_object_set_new(names, "config", json_true()) ||
           json_object_set_new(names, "weights", json_true());
}

static const struct outdir_rule rule = {own, writes, NULL};

/* ---- a place, and files in it ------------------------------------------- */

static char place[200], out[220]; // a fresh folder, and "z" in it

static const char *
at(const char *name)
{
    static char path[4][400];
    static int next;
    char *p = path[next = (next + 1) % 4];

    snprintf(p, sizeof(path[0]), "%s/%s", place, name);
    return p;
}

static void
put(const char *name, const char *text)
{
    trv_err err = {0};

    if (file_write_atomic(at(name), text, strlen(text), &err))
        fail_msg("%s", err.msg);
}

static void
folder(const char *name)
{
    assert_int_equal(mkdir(at(name), 0777), 0);
}

static void
assert_holds(const char *name, const char *text)
{
    struct strbuf b = {0};

    if (file_read(&b, at(name), 1 << 20, NULL))
        fail_msg("'%s' is not there", name);
    assert_string_equal(b.s, text);
    sb_release(&b);
}

/* Nothing lies beside the folder. */
static void
assert_no_litter(void)
{
    static const char *const litter[] = {"z.lock", "z.tmp", "z.old", "z.new"};

    for (size_t i = 0; i < sizeof(litter) / sizeof(litter[0]); i++)
        if (file_exists(at(litter[i])))
            fail_msg("'%s' was left", litter[i]);
}

static void
begin(const char *name)
{
    snprintf(place, sizeof(place), "%s", test_tmpdir(name));
    snprintf(out, sizeof(out), "%s/z", place);
}

/* An old artefact with what its owner laid beside it. */
static void
begin_with_old(const char *name)
{
    begin(name);
    folder("z");
    put("z/config", "old");
    put("z/weights", "old");
    put("z/README.md", "mine");
    folder("z/checkpoint-100");
    put("z/checkpoint-100/state", "mine");
}

static void
assert_owner_has_all(void)
{
    assert_holds("z/README.md", "mine");
    assert_holds("z/checkpoint-100/state", "mine");
}

static int
claim(struct outdir *d, bool replace, trv_err *err)
{
    const int rc = outdir_init(d, out, err);

    return rc ? rc : outdir_lock(d, &rule, replace, err);
}

static int
write_new(struct outdir *d, trv_err *err)
{
    int rc = outdir_write(d, "config", "new", 3, err);

    if (!rc)
        rc = outdir_write(d, "weights", "new", 3, err);
    return rc ? rc : outdir_commit(d, err);
}

static void
replace_it(void)
{
    struct outdir d;
    trv_err err = {0};

    if (claim(&d, true, &err) || write_new(&d, &err))
        fail_msg("%s", err.msg);
    outdir_release(&d);
    assert_holds("z/config", "new");
    assert_holds("z/weights", "new");
    assert_no_litter();
}

/* ---- what stays --------------------------------------------------------- */

static void
test_outdir_keeps_files_that_are_not_its_own(void **state)
{
    (void)state;
    begin_with_old("outdir_keeps");
    put("z/.hidden", "mine");
    assert_int_equal(symlink("nowhere", at("z/link")), 0);
    replace_it();
    assert_owner_has_all();
    assert_holds("z/.hidden", "mine");
    assert_int_equal(access(at("z/link"), F_OK), -1); // as it was: dangling
    assert_true(unlink(at("z/link")) == 0);
    put("z/weights", "edited between two runs"); // listed, so replaced
    replace_it();
    assert_owner_has_all();
}

static void
test_outdir_refuses_at_once_what_is_in_the_way(void **state)
{
    struct outdir d;
    trv_err err = {0};

    (void)state;
    begin("outdir_refuses");
    folder("z");
    put("z/letter", "mine");
    assert_int_equal(claim(&d, true, &err), TRV_EEXIST);
    outdir_release(&d);
    put("z/config", "old");
    folder("z/weights"); // no file of ours, whatever its name
    put("z/weights/w", "mine");
    assert_int_equal(claim(&d, true, &err), TRV_EEXIST);
    assert_non_null(strstr(err.msg, "'weights' is in the way"));
    outdir_release(&d);
    assert_holds("z/letter", "mine");
    assert_holds("z/config", "old");
    assert_holds("z/weights/w", "mine");
    assert_no_litter();
}

static void
test_outdir_never_takes_files_of_its_own_names_beside_it(void **state)
{
    static const char *const names[] = {"z.lock", "z.tmp"};
    struct outdir d;
    trv_err err = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        begin("outdir_beside");
        if (i) {
            folder("z.tmp");
            put("z.tmp/config", "mine");
        } else {
            put("z.lock", "mine");
        }
        assert_int_equal(claim(&d, false, &err), TRV_EEXIST);
        assert_non_null(strstr(err.msg, names[i]));
        assert_non_null(strstr(err.msg, "move it away"));
        outdir_release(&d);
        assert_holds(i ? "z.tmp/config" : "z.lock", "mine");
        assert_false(file_exists(out));
    }
}

/* ---- links -------------------------------------------------------------- */

static void
test_outdir_follows_links_once(void **state)
{
    struct outdir d;
    trv_err err = {0};

    (void)state;
    begin_with_old("outdir_links");
    folder("elsewhere");
    assert_int_equal(rename(out, at("elsewhere/real")), 0);
    assert_int_equal(symlink("elsewhere/real", out), 0);
    assert_int_equal(claim(&d, true, &err), 0);
    /* The link now leads to another folder, whose files stay. */
    folder("other");
    put("other/config", "mine");
    assert_int_equal(unlink(out), 0);
    assert_int_equal(symlink("other", out), 0);
    assert_int_equal(write_new(&d, &err), 0);
    outdir_release(&d);
    assert_holds("elsewhere/real/config", "new");
    assert_holds("elsewhere/real/README.md", "mine");
    assert_holds("elsewhere/real/checkpoint-100/state", "mine");
    assert_holds("other/config", "mine");
    assert_false(file_exists(at("elsewhere/real.lock")));
    assert_false(file_exists(at("elsewhere/real.tmp")));
}

static void
test_outdir_makes_what_a_dangling_link_names(void **state)
{
    struct outdir d;
    trv_err err = {0};

    (void)state;
    begin("outdir_dangling");
    assert_int_equal(symlink("deep/real", out), 0);
    assert_int_equal(claim(&d, false, &err), 0);
    assert_int_equal(write_new(&d, &err), 0);
    outdir_release(&d);
    assert_holds("deep/real/config", "new");
    assert_holds("z/config", "new");
    assert_int_equal(unlink(out), 0);
    assert_int_equal(symlink("z", out), 0);
    assert_int_equal(claim(&d, false, &err), TRV_EIO);
    assert_non_null(strstr(err.msg, "no end"));
    outdir_release(&d);
}

static void
test_outdir_refuses_folders_that_cannot_be_swapped(void **state)
{
    struct outdir d;
    trv_err err = {0};
    char here[4096];

    (void)state;
    begin_with_old("outdir_dot");
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(out), 0);
    assert_int_equal(outdir_init(&d, ".", &err), 0);
    assert_int_equal(outdir_lock(&d, &rule, true, &err), TRV_EINVAL);
    assert_non_null(strstr(err.msg, "current folder"));
    outdir_release(&d);
    assert_int_equal(chdir(here), 0);
    assert_holds("z/config", "old");
    assert_no_litter();
    assert_int_equal(outdir_init(&d, "/", &err), TRV_EINVAL);
    assert_int_equal(outdir_init(&d, "", &err), TRV_EINVAL);
    assert_int_equal(outdir_init(&d, "/proc/", &err), 0);
    assert_int_equal(outdir_lock(&d, NULL, true, &err), TRV_EINVAL);
    assert_non_null(strstr(err.msg, "mounted"));
    outdir_release(&d);
    /* Slashes at the end are none of the name. */
    snprintf(out, sizeof(out), "%s/z//", place);
    replace_it();
    assert_owner_has_all();
}

/* ---- what comes while a run is at work ---------------------------------- */

static void
test_outdir_is_written_by_one_at_a_time(void **state)
{
    struct outdir a, b;
    char who[40];
    trv_err err = {0};

    (void)state;
    begin("outdir_lock");
    snprintf(who, sizeof(who), "(process %ld)", (long)getpid());
    assert_int_equal(claim(&a, false, &err), 0);
    assert_int_equal(claim(&b, true, &err), TRV_EEXIST);
    assert_non_null(strstr(err.msg, "is being written by another run"));
    assert_non_null(strstr(err.msg, who));
    outdir_release(&b);
    assert_true(file_exists(at("z.lock"))); // the other's is left alone
    assert_int_equal(write_new(&a, &err), 0);
    assert_int_equal(claim(&b, true, &err), TRV_EEXIST);
    outdir_release(&b);
    outdir_release(&a);
    replace_it();
}

static void
test_outdir_never_replaces_what_appeared_meanwhile(void **state)
{
    struct outdir d;
    trv_err err = {0};

    (void)state;
    for (int replace = 0; replace < 2; replace++)
        for (int plain = 0; plain < 2; plain++) {
            begin("outdir_appeared");
            assert_int_equal(claim(&d, replace, &err), 0);
            d.no_swap = plain;
            folder("z");
            put("z/config", "mine");
            assert_int_equal(write_new(&d, &err), TRV_EEXIST);
            assert_non_null(strstr(err.msg, "z.new"));
            outdir_release(&d);
            assert_holds("z/config", "mine");
            assert_holds("z.new/config", "new"); // nothing computed is lost
            assert_false(file_exists(at("z.tmp")));
            assert_false(file_exists(at("z.lock")));
        }
}

static void
test_outdir_keeps_files_that_came_while_it_was_written(void **state)
{
    struct outdir d;
    trv_err err = {0};

    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        begin_with_old("outdir_came");
        assert_int_equal(claim(&d, true, &err), 0);
        d.no_swap = plain;
        put("z/notes", "mine");
        assert_int_equal(write_new(&d, &err), 0);
        outdir_release(&d);
        assert_holds("z/notes", "mine");
        assert_holds("z/weights", "new");
        assert_owner_has_all();
        assert_no_litter();

        /* One of our names, written anew by somebody else. */
        assert_int_equal(claim(&d, true, &err), 0);
        d.no_swap = plain;
        put("z/weights", "theirs");
        assert_int_equal(write_new(&d, &err), TRV_EEXIST);
        assert_non_null(strstr(err.msg, "'weights' changed"));
        outdir_release(&d);
        assert_holds("z/weights", "theirs");
        assert_holds("z.new/weights", "new");
        assert_owner_has_all();
    }
}

/* Another program at the worst moments of a commit. */
static void
meddle(const char *step, void *payload)
{
    static const char *seen;

    if (strcmp(step, payload) != 0 || seen == payload)
        return;
    seen = payload; // once
    if (!strcmp(step, "checked"))
        put("z/notes", "mine");
    else
        put("z.tmp/notes", "mine"); // through a handle on the old folder
}

static void
test_outdir_keeps_files_that_come_within_the_commit(void **state)
{
    char steps[6][8] = {"checked", "checked", "swapped",
                        "swapped", "moved",   "moved"};
    struct outdir d;
    trv_err err = {0};

    (void)state;
    for (int i = 0; i < 6; i++) {
        begin_with_old("outdir_within");
        assert_int_equal(claim(&d, true, &err), 0);
        d.no_swap = i % 2;
        d.on_step = meddle;
        d.payload = steps[i];
        assert_int_equal(write_new(&d, &err), 0);
        outdir_release(&d);
        assert_holds("z/config", "new");
        assert_owner_has_all();
        assert_holds("z/notes", "mine");
        assert_no_litter();
    }
}

static void
replace_late(const char *step, void *payload)
{
    (void)payload;
    if (!strcmp(step, "checked"))
        put("z/weights", "theirs");
}

static void
test_outdir_gives_back_what_was_written_in_the_last_moment(void **state)
{
    struct outdir d;
    trv_err err = {0};

    (void)state;
    begin_with_old("outdir_last");
    assert_int_equal(claim(&d, true, &err), 0);
    d.on_step = replace_late;
    assert_int_equal(write_new(&d, &err), TRV_EEXIST);
    assert_non_null(strstr(err.msg, "z.old"));
    outdir_release(&d);
    assert_holds("z/weights", "new");
    assert_holds("z.old/weights", "theirs");
    assert_owner_has_all();
}

/* ---- kills -------------------------------------------------------------- */

static void
die_at(const char *step, void *payload)
{
    if (!strcmp(step, payload))
        kill(getpid(), SIGKILL);
}

/* Replace OUT in another process that is killed at a step; "written": with all
 * files in OUT.tmp, "claimed": before the first. */
static void
replace_and_die(char *step, bool plain)
{
    const pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        struct outdir d;

        if (claim(&d, true, NULL) == 0) {
            d.no_swap = plain;
            d.on_step = die_at;
            d.payload = step;
            die_at("claimed", step);
            if (!outdir_write(&d, "config", "new", 3, NULL) &&
                !outdir_write(&d, "weights", "new", 3, NULL)) {
                die_at("written", step);
                (void)!outdir_commit(&d, NULL);
            }
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
test_outdir_is_whole_after_a_kill_and_mended_by_the_next_lock(void **state)
{
    static const struct {
        char *step;
        bool plain;
        const char *whole; // what OUT holds, or the old folder beside it
    } kills[] = {
        {"claimed", false, "old"}, {"written", false, "old"},
        {"checked", false, "old"}, {"swapped", false, "new"},
        {"moved", false, "new"},   {"aside", true, NULL},
        {"between", true, "new"},  {"swapped", true, "new"},
        {"moved", true, "new"},
    };
    struct outdir d;
    trv_err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(kills) / sizeof(kills[0]); i++) {
        begin_with_old("outdir_kill");
        replace_and_die(kills[i].step, kills[i].plain);
        assert_holds(kills[i].whole ? "z/config" : "z.old/config",
                     kills[i].whole ? kills[i].whole : "old");
        assert_holds(kills[i].whole ? "z/weights" : "z.old/weights",
                     kills[i].whole ? kills[i].whole : "old");
        if (claim(&d, true, &err)) // a dead process holds no lock
            fail_msg("after '%s': %s", kills[i].step, err.msg);
        outdir_release(&d);
        assert_holds("z/config", kills[i].whole ? kills[i].whole : "old");
        assert_holds("z/weights", kills[i].whole ? kills[i].whole : "old");
        assert_owner_has_all();
        assert_no_litter();
        replace_it();
        assert_owner_has_all();
    }
}

static void
test_outdir_keeps_what_others_laid_into_its_unfinished_folder(void **state)
{
    struct outdir d;
    trv_err err = {0};

    (void)state;
    begin_with_old("outdir_unfinished");
    replace_and_die("written", false);
    put("z.tmp/notes", "mine");
    assert_int_equal(claim(&d, true, &err), TRV_EEXIST);
    assert_non_null(strstr(err.msg, "z.tmp' is in the way"));
    outdir_release(&d);
    assert_holds("z.tmp/notes", "mine");
    assert_int_equal(unlink(at("z.tmp/notes")), 0);
    replace_it();
}

/* ---- many at once ------------------------------------------------------- */

static int
race(bool replace)
{
    struct outdir d;
    int rc = claim(&d, replace, NULL);

    if (!rc)
        rc = write_new(&d, NULL);
    outdir_release(&d);
    return rc;
}

static void
test_outdir_is_made_by_one_of_many_processes(void **state)
{
    enum { N = 16 };
    pid_t child[N];
    int made = 0;

    (void)state;
    for (int round = 0; round < 4; round++) {
        made = 0;
        begin("outdir_many");
        for (int i = 0; i < N; i++) {
            child[i] = fork();
            assert_true(child[i] >= 0);
            if (child[i] == 0)
                _exit(race(false) ? 1 : 0);
        }
        for (int i = 0; i < N; i++) {
            int status;

            assert_int_equal(waitpid(child[i], &status, 0), child[i]);
            assert_true(WIFEXITED(status));
            made += WEXITSTATUS(status) == 0;
        }
        assert_int_equal(made, 1);
        assert_holds("z/config", "new");
        assert_no_litter();
    }
}

/* ---- no memory, no room ------------------------------------------------- */

static void
test_outdir_without_memory_leaves_all_as_it_was(void **state)
{
    struct outdir d;
    int rc = TRV_ENOMEM;

    (void)state;
    for (int n = 0; rc; n++) {
        trv_err err = {0};

        begin_with_old("outdir_memory");
        d = (struct outdir){0};
        mem_fail_after(n);
        rc = claim(&d, true, &err);
        if (!rc)
            rc = write_new(&d, &err);
        mem_fail_after(-1);
        outdir_release(&d);
        assert_owner_has_all();
        assert_holds("z/config", rc ? "old" : "new");
        assert_no_litter();
        assert_true(n < 200);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outdir_keeps_files_that_are_not_its_own),
        cmocka_unit_test(test_outdir_refuses_at_once_what_is_in_the_way),
        cmocka_unit_test(
            test_outdir_never_takes_files_of_its_own_names_beside_it),
        cmocka_unit_test(test_outdir_follows_links_once),
        cmocka_unit_test(test_outdir_makes_what_a_dangling_link_names),
        cmocka_unit_test(test_outdir_refuses_folders_that_cannot_be_swapped),
        cmocka_unit_test(test_outdir_is_written_by_one_at_a_time),
        cmocka_unit_test(test_outdir_never_replaces_what_appeared_meanwhile),
        cmocka_unit_test(
            test_outdir_keeps_files_that_came_while_it_was_written),
        cmocka_unit_test(test_outdir_keeps_files_that_come_within_the_commit),
        cmocka_unit_test(
            test_outdir_gives_back_what_was_written_in_the_last_moment),
        cmocka_unit_test(
            test_outdir_is_whole_after_a_kill_and_mended_by_the_next_lock),
        cmocka_unit_test(
            test_outdir_keeps_what_others_laid_into_its_unfinished_folder),
        cmocka_unit_test(test_outdir_is_made_by_one_of_many_processes),
        cmocka_unit_test(test_outdir_without_memory_leaves_all_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
