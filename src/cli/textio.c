/* textio.c -- text in and out of the program. */
#include "cli/textio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)1 << 30) // far above any context; a wrong file ends

static enum cli_exit
read_stream(const struct cli *cli, struct text *out, FILE *f, const char *name)
{
    size_t cap = 0;

    for (;;) {
        size_t got;

        if (out->n + 1 >= cap) {
            char *grown;

            cap = cap ? 2 * cap : 4096;
            if (cap > TEXT_MAX)
                return cli_fail(cli, CLI_BAD_FILE,
                                "cannot read '%s': larger than 1 GiB", name);
            grown = realloc(out->s, cap);
            if (!grown)
                return cli_fail(cli, CLI_FAILURE, "no memory to read '%s'",
                                name);
            out->s = grown;
        }
        got = fread(out->s + out->n, 1, cap - out->n - 1, f);
        out->n += got;
        out->s[out->n] = '\0';
        if (got == 0)
            break;
    }
    if (ferror(f))
        return cli_fail(cli, CLI_BAD_FILE, "cannot read '%s': %s", name,
                        strerror(errno));
    return CLI_OK;
}

enum cli_exit
textio_read(const struct cli *cli, struct text *out, const char *word,
            bool at_names_file, const char *what)
{
    enum cli_exit status;
    FILE *f;

    *out = (struct text){NULL, 0};
    if (word && !(at_names_file && word[0] == '@')) {
        out->s = strdup(word);
        if (!out->s)
            return cli_fail(cli, CLI_FAILURE, "no memory for the %s", what);
        out->n = strlen(word);
        return CLI_OK;
    }
    if (!word) {
        if (isatty(STDIN_FILENO))
            return cli_usage(cli,
                             "no %s: give it as an argument or on standard "
                             "input",
                             what);
        return read_stream(cli, out, stdin, "standard input");
    }
    f = fopen(word + 1, "rb");
    if (!f)
        return cli_fail(cli, CLI_BAD_FILE, "cannot open %s file '%s': %s", what,
                        word + 1, strerror(errno));
    status = read_stream(cli, out, f, word + 1);
    fclose(f);
    return status;
}

void
textio_chomp(struct text *t)
{
    if (t->n && t->s[t->n - 1] == '\n')
        t->s[--t->n] = '\0';
    if (t->n && t->s[t->n - 1] == '\r')
        t->s[--t->n] = '\0';
}

static int
write_synced(const char *path, const char *bytes, size_t n)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0)
        return errno;
    while (n > 0) {
        const ssize_t k = write(fd, bytes, n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            const int e = k < 0 ? errno : ENOSPC;

            close(fd);
            return e;
        }
        bytes += k;
        n -= (size_t)k;
    }
    if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS) {
        const int e = errno;

        close(fd);
        return e;
    }
    return close(fd) == 0 ? 0 : errno;
}

enum cli_exit
textio_write(const struct cli *cli, const char *path, const char *bytes,
             size_t n)
{
    const size_t size = strlen(path) + 32;
    char *tmp = malloc(size);
    enum cli_exit status = CLI_OK;
    int e;

    if (!tmp)
        return cli_fail(cli, CLI_FAILURE, "no memory to write '%s'", path);
    snprintf(tmp, size, "%s.tmp-%ld", path, (long)getpid());
    e = write_synced(tmp, bytes, n);
    if (!e && rename(tmp, path) != 0)
        e = errno;
    if (e) {
        unlink(tmp);
        status = cli_fail(cli, CLI_BAD_FILE, "cannot write '%s': %s", path,
                          strerror(e));
    }
    free(tmp);
    return status;
}

void
textio_print_quoted(FILE *f, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_-./:=@%+,";

    if (*word && !word[strspn(word, plain)]) {
        fputs(word, f);
        return;
    }
    fputc('\'', f);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", f);
        else
            fputc(*word, f);
    fputc('\'', f);
}
