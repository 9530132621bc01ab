/* fuzz_hub.c -- the first line is what a user calls a model, the rest is what
 * the cache's refs/main holds: what is found lies in the cache, and the parts
 * of a name are the name.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/files/hub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/fuzz-hub-XXXXXX";
static const char *const folders[] = {
    "models--o--n", "models--o--n/refs", "models--o--n/snapshots",
    "models--o--n/snapshots/c1", "models--o--n/snapshots/c2"};
static const char *const files[] = {
    "models--o--n/refs/main",
    "models--o--n/snapshots/c1/config.json",
    "models--o--n/snapshots/c1/model-00001-of-00001.safetensors",
    "models--o--n/snapshots/c2/m-Q4_K_M.gguf",
    "models--o--n/snapshots/c2/m-Q8_0-00001-of-00002.gguf",
    "models--o--n/snapshots/c2/mmproj-f16.gguf"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
put(const char *below, const void *bytes, size_t n)
{
    char *path = path_join(dir, below);
    FILE *f = path ? fopen(path, "w") : NULL;

    TRV_ASSERT(f && fwrite(bytes, 1, n, f) == n && !fclose(f));
    mem_free(path);
}

static void
remove_cache(void)
{
    for (size_t i = COUNT(files); i-- > 0;) {
        char *path = path_join(dir, files[i]);

        (void)unlink(path);
        mem_free(path);
    }
    for (size_t i = COUNT(folders); i-- > 0;) {
        char *path = path_join(dir, folders[i]);

        (void)rmdir(path);
        mem_free(path);
    }
    (void)rmdir(dir);
}

static void
make_cache(void)
{
    TRV_ASSERT(mkdtemp(dir) && !setenv("HF_HUB_CACHE", dir, 1));
    for (size_t i = 0; i < COUNT(folders); i++) {
        char *path = path_join(dir, folders[i]);

        TRV_ASSERT(path && !mkdir(path, 0700));
        mem_free(path);
    }
    for (size_t i = 0; i < COUNT(files); i++)
        put(files[i], "x", 1);
    (void)atexit(remove_cache);
}

static void
check_parts(const char *given)
{
    char *name, *revision;

    TRV_ASSERT(!hub_split(&name, &revision, given, NULL));
    TRV_ASSERT(!strncmp(given, name, strlen(name)));
    if (revision)
        TRV_ASSERT(given[strlen(name)] == '@' &&
                   !strcmp(given + strlen(name) + 1, revision));
    else
        TRV_ASSERT(!strcmp(given, name));
    mem_free(name);
    mem_free(revision);
}

static void
check_place(const char *given, enum hub_need need)
{
    struct hub_place p;
    trv_err err = {0};

    if (hub_find(&p, given, need, &err)) {
        TRV_ASSERT(!p.path && !p.name && err.msg[0]);
        return;
    }
    TRV_ASSERT(p.name ? !strncmp(p.path, dir, strlen(dir)) &&
                            !strstr(p.path, "/../") && file_exists(p.path) &&
                            hub_is_name(p.name)
                      : !strcmp(p.path, given));
    hub_release(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    const size_t n = end ? (size_t)(end - data) : size;
    char *given = mem_strndup((const char *)data, n);

    TRV_ASSERT(given);
    if (!made)
        make_cache();
    made = true;
    put(files[0], end ? (const void *)(end + 1) : "", end ? size - n - 1 : 0);
    check_parts(given);
    check_place(given, HUB_WEIGHTS);
    check_place(given, HUB_CONFIG);
    mem_free(given);
    return 0;
}
