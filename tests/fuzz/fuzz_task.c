/* fuzz_task.c -- any bytes as a row file of a loader, by the first byte, or as
 * task.json over two rows; what is read is written, and reads again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "task/loaders.h"
#include "task/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS                                                                   \
    "{\"prompt\":\"p\",\"answer\":\"yes\",\"wrong\":\"no\"}\n"                 \
    "{\"prompt\":\"q\",\"answer\":\"no\",\"wrong\":\"yes\"}\n"

static void
put(const char *dir, const char *name, const void *bytes, size_t n)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "wb");
    TRV_ASSERT(f);
    TRV_ASSERT(fwrite(bytes, 1, n, f) == n);
    TRV_ASSERT(fclose(f) == 0);
}

static void
read_task(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"task.json",
                                        "r.jsonl",
                                        "out/train.jsonl",
                                        "out/heldout.jsonl",
                                        "out/unseen.jsonl",
                                        "out/pairs.jsonl",
                                        "out/train_pairs.jsonl",
                                        "out/prompt.json",
                                        "out/prompt.txt",
                                        "out/prompt.jsonl"};
    char dir[] = "/tmp/fuzz-task-XXXXXX", path[200];
    struct task t;

    TRV_ASSERT(mkdtemp(dir));
    put(dir, "r.jsonl", ROWS, sizeof(ROWS) - 1);
    put(dir, "task.json", data, size);
    snprintf(path, sizeof(path), "%s/out", dir);
    if (task_open(&t, dir, NULL, NULL) == 0) {
        if (task_write(&t, path, NULL) == 0)
            TRV_ASSERT(t.file[SPLIT_TRAIN] && t.file[SPLIT_HELDOUT]);
        task_release(&t);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/out", dir);
    rmdir(path);
    rmdir(dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct loader *l;
    struct data d;

    if (size == 0)
        return 0;
    l = loader_at(data[0] % 8);
    if (!l)
        read_task(data + 1, size - 1);
    else if (data_parse_as(&d, "f.jsonl", (const char *)data + 1, size - 1,
                           &l->how, NULL) == 0)
        data_release(&d);
    return 0;
}
