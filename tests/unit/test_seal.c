/* test_seal.c -- documents and journals: what is read is what was written. */
#include "support/test.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/seal.h"

static char path[200];

static const char *const blocks[] = {"one\ntwo\n", "three\n", "four\nfive\n"};
static const char all[] = "one\ntwo\nthree\nfour\nfive\n";

static void
write_blocks(int n)
{
    trv_err err = {0};

    (void)unlink(path);
    for (int i = 0; i < n; i++)
        assert_int_equal(
            journal_append(path, blocks[i], strlen(blocks[i]), &err), 0);
}

/* rc; what was read begins all that was written, in whole blocks. */
static int
read_blocks(size_t *n, trv_err *err)
{
    struct strbuf b = {0};
    const int rc = journal_read(&b, path, 1 << 20, err);

    *n = b.len;
    if (!rc) {
        assert_true(b.len == 0 || b.len == 8 || b.len == 14 || b.len == 24);
        assert_memory_equal(b.s ? b.s : "", all, b.len);
    }
    sb_release(&b);
    return rc;
}

static struct strbuf
bytes_of_file(void)
{
    struct strbuf b = {0};
    trv_err err = {0};

    assert_int_equal(file_read(&b, path, 1 << 20, &err), 0);
    return b;
}

static void
put_bytes(const char *bytes, size_t n)
{
    trv_err err = {0};

    assert_int_equal(file_write_atomic(path, bytes, n, &err), 0);
}

static void
test_journal_with_any_bit_flipped_is_refused_or_loses_its_last_block(
    void **state)
{
    struct strbuf b;

    (void)state;
    write_blocks(3);
    b = bytes_of_file();
    for (size_t at = 0; at < b.len; at++)
        for (int bit = 0; bit < 8; bit++) {
            trv_err err = {0};
            size_t n;
            int rc;

            b.s[at] = (char)(b.s[at] ^ (1 << bit));
            put_bytes(b.s, b.len);
            rc = read_blocks(&n, &err);
            b.s[at] = (char)(b.s[at] ^ (1 << bit));
            if (!rc) // its sum is no sum any more: as if torn
                assert_true(n == 14 && at >= b.len - 80);
            else
                assert_true(rc == TRV_EFORMAT && strstr(err.msg, path) &&
                            strstr(err.msg, "start anew"));
        }
    sb_release(&b);
}

static void
test_journal_torn_anywhere_gives_its_whole_blocks_and_goes_on(void **state)
{
    struct strbuf b;

    (void)state;
    write_blocks(3);
    b = bytes_of_file();
    for (size_t n = 0; n <= b.len; n++) {
        trv_err err = {0};
        size_t got, again;

        put_bytes(b.s, n);
        assert_int_equal(read_blocks(&got, &err), 0);
        for (int i = got == 0    ? 0
                     : got == 8  ? 1
                     : got == 14 ? 2
                                 : 3;
             i < 3; i++)
            assert_int_equal(
                journal_append(path, blocks[i], strlen(blocks[i]), &err), 0);
        assert_int_equal(read_blocks(&again, &err), 0);
        assert_int_equal(again, sizeof(all) - 1);
    }
    sb_release(&b);
}

static void
test_document_with_any_bit_flipped_is_refused_or_says_the_same(void **state)
{
    json_t *was = json_pack("{s:f,s:[i,f],s:{s:s}}", "x", 0.1, "list", 7,
                            -2.5e-17, "in", "name", "an \xc3\xa4\n");
    trv_err err = {0};
    struct strbuf b;

    (void)state;
    assert_int_equal(seal_write(path, was, &err), 0);
    b = bytes_of_file();
    for (size_t at = 0; at < b.len; at++)
        for (int bit = 0; bit < 8; bit++) {
            json_t *is = NULL;
            int rc;

            b.s[at] = (char)(b.s[at] ^ (1 << bit));
            put_bytes(b.s, b.len);
            rc = seal_open(&is, path, &err);
            b.s[at] = (char)(b.s[at] ^ (1 << bit));
            assert_true(rc ? strstr(err.msg, path) != NULL
                           : json_equal(is, was));
            json_decref(is);
        }
    put_bytes(b.s, b.len);
    for (size_t n = 0; n < b.len - 1; n++) {
        json_t *is = NULL;

        put_bytes(b.s, n);
        assert_true(seal_open(&is, path, &err) != 0);
    }
    sb_release(&b);
    json_decref(was);
}

static void
test_document_without_a_sum_is_of_an_older_version(void **state)
{
    json_t *is = NULL;
    trv_err err = {0};

    (void)state;
    put_bytes("{\"x\": 1}\n", 9);
    assert_int_equal(seal_open(&is, path, &err), TRV_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "older version"));
}

static int
set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "%s/kept", test_tmpdir("seal"));
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_journal_with_any_bit_flipped_is_refused_or_loses_its_last_block),
        cmocka_unit_test(
            test_journal_torn_anywhere_gives_its_whole_blocks_and_goes_on),
        cmocka_unit_test(
            test_document_with_any_bit_flipped_is_refused_or_says_the_same),
        cmocka_unit_test(test_document_without_a_sum_is_of_an_older_version),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
