/* textio.c -- text in and out of the program. */
#include "cli/textio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

void
textio_hint_file(struct cli *cli, const char *word, const char *what,
                 const char *spelling)
{
    char line[1024];
    struct stat st;

    if (stat(word, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    snprintf(line, sizeof(line),
             "warning: the %s is the text '%.200s', and there is a file of "
             "that name: write %s@%.200s to read it",
             what, word, spelling, word);
    cli_message(line, cli);
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
write_synced(const char *path, int flags, const char *bytes, size_t n)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);

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

/* A sibling takes its place once it is whole. */
static int
replace_file(const char *path, const char *bytes, size_t n)
{
    const size_t size = strlen(path) + 32;
    char *tmp = malloc(size);
    int e;

    if (!tmp)
        return ENOMEM;
    snprintf(tmp, size, "%s.tmp-%ld", path, (long)getpid());
    e = write_synced(tmp, O_EXCL, bytes, n);
    if (!e && rename(tmp, path) != 0)
        e = errno;
    if (e && e != EEXIST) // which is another's
        unlink(tmp);
    free(tmp);
    return e;
}

enum cli_exit
textio_write(const struct cli *cli, const char *path, const char *bytes,
             size_t n)
{
    struct stat st;
    char *real = NULL;
    const bool is_there = lstat(path, &st) == 0;
    int e;

    if (is_there && S_ISLNK(st.st_mode))
        real = realpath(path, NULL);
    /* A pipe, a device or what a link without an end names: as it is. */
    if (is_there && !real && !S_ISREG(st.st_mode))
        e = write_synced(path, O_TRUNC, bytes, n);
    else if (real && (stat(real, &st) != 0 || !S_ISREG(st.st_mode)))
        e = write_synced(real, O_TRUNC, bytes, n);
    else
        e = replace_file(real ? real : path, bytes, n);
    free(real);
    return e ? cli_fail(cli, CLI_BAD_FILE, "cannot write '%s': %s", path,
                        strerror(e))
             : CLI_OK;
}

enum cli_exit
textio_can_write(const struct cli *cli, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct stat st;
    char *dir;
    bool is_there;

    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode)
                   ? cli_fail(cli, CLI_BAD_FILE,
                              "cannot write '%s': it is a folder", path)
                   : CLI_OK;
    dir = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
    is_there = !dir || (stat(dir, &st) == 0 && S_ISDIR(st.st_mode));
    free(dir);
    return is_there
               ? CLI_OK
               : cli_fail(cli, CLI_BAD_FILE,
                          "cannot write '%s': its folder is not there", path);
}

json_t *
textio_json(const char *s, size_t n)
{
    json_t *v = json_stringn(s, n);
    char *safe;
    size_t at = 0;

    if (v)
        return v;
    safe = malloc(3 * n + 1);
    if (!safe)
        return NULL;
    for (size_t i = 0; i < n;) {
        size_t len = 0;
        json_t *c = NULL;

        for (len = 1; len <= 4 && i + len <= n && !c; len++)
            c = json_stringn(s + i, len);
        if (c) {
            len--; // the loop has gone one on
            memcpy(safe + at, s + i, len);
            at += len;
            i += len;
            json_decref(c);
        } else {
            memcpy(safe + at, "\357\277\275", 3);
            at += 3;
            i++;
        }
    }
    v = json_stringn(safe, at);
    free(safe);
    return v;
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

/* Bytes of the well-formed character at s that a line can show; 0: none. */
static size_t
shown_bytes(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    const size_t len = u[0] < 0x80   ? 1
                       : u[0] < 0xC2 ? 0
                       : u[0] < 0xE0 ? 2
                       : u[0] < 0xF0 ? 3
                       : u[0] < 0xF5 ? 4
                                     : 0;

    if (u[0] < 0x20 || u[0] == 0x7F || len > n)
        return 0;
    if (u[0] == 0xC2 && n > 1 && u[1] < 0xA0)
        return 0; // C1 controls
    for (size_t i = 1; i < len; i++)
        if ((u[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

void
textio_print_excerpt(FILE *f, const char *s, size_t n, int columns)
{
    size_t i = 0;

    for (int at = 0; i < n && at < columns; at++) {
        const size_t k = shown_bytes(s + i, n - i);

        if (at + 3 == columns && n - i > 3) { // it will not fit
            fputs("...", f);
            return;
        }
        if (k > 0)
            fwrite(s + i, 1, k, f);
        else
            fputc(' ', f);
        i += k > 0 ? k : 1;
    }
}
