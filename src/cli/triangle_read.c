/* triangle_read.c -- from a folder to a report that is checked. */
#include "cli/triangle_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/textio.h"
#include "cli/triangle_check.h"

#define STORE "triangle.db"
#define REPORT "report.json"

/* Is DIR/name there? The path, with '@' before it, is left in *at. */
static bool
is_there(char **at, const char *dir, const char *name)
{
    size_t n = 0;
    FILE *f = open_memstream(at, &n);

    *at = NULL;
    if (f)
        fprintf(f, "@%s/%s", dir, name);
    return f && fclose(f) == 0 && *at && access(*at + 1, F_OK) == 0;
}

/* The text of DIR/report.json; *out is NULL where the store is to be asked. */
static enum cli_exit
read_file(struct cli *cli, char **out, const char *dir)
{
    char *store = NULL, *file = NULL;
    struct text text = {0};
    enum cli_exit status = CLI_OK;

    *out = NULL;
    if (!is_there(&store, dir, STORE) && is_there(&file, dir, REPORT))
        status = textio_read(cli, &text, file, true, "report");
    *out = text.s;
    free(store);
    free(file);
    return status;
}

static enum cli_exit
read_store(struct cli *cli, char **out, const char *dir)
{
    trv_err err = {0};
    char *text = NULL;

    *out = NULL;
    if (trv_triangle_report(&text, dir, &err))
        return cli_fail_err(cli, &err);
    *out = strdup(text);
    trv_free(text);
    return *out ? CLI_OK
                : cli_fail(cli, CLI_FAILURE, "no memory for the report");
}

static enum cli_exit
parse(struct cli *cli, json_t **report, const char *text, const char *dir)
{
    char why[TRIANGLE_WHY_MAX];
    json_error_t e;

    *report = json_loads(text, JSON_REJECT_DUPLICATES, &e);
    if (!*report)
        return cli_fail(cli, CLI_BAD_FILE, "'%s/" REPORT "' line %d: %s", dir,
                        e.line, e.text);
    if (triangle_check(why, *report))
        return CLI_OK;
    json_decref(*report);
    *report = NULL;
    return cli_fail(cli, CLI_BAD_FILE,
                    "'%s/" REPORT "' is no report of a triangle: %s", dir, why);
}

enum cli_exit
triangle_read(struct cli *cli, char **text, json_t **report, const char *dir)
{
    enum cli_exit status = read_file(cli, text, dir);

    *report = NULL;
    if (!status && !*text)
        status = read_store(cli, text, dir);
    if (!status)
        status = parse(cli, report, *text, dir);
    if (status) {
        free(*text);
        *text = NULL;
    }
    return status;
}
