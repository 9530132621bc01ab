/* replay.c -- feed each file of the named corpus folders to a fuzz target, so
 * that every push runs what fuzzing once found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
    int n = 0;

    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        struct dirent *e;

        if (!d) {
            fprintf(stderr, "no corpus '%s'\n", argv[i]);
            return 1;
        }
        while ((e = readdir(d))) {
            char *path = path_join(argv[i], e->d_name);
            struct strbuf b = {0};

            if (path && !file_is_dir(path) &&
                !file_read(&b, path, (size_t)1 << 26, NULL)) {
                LLVMFuzzerTestOneInput((const uint8_t *)b.s, b.len);
                n++;
            }
            sb_release(&b);
            mem_free(path);
        }
        closedir(d);
    }
    printf("%d inputs replayed\n", n);
    return n > 0 ? 0 : 1;
}
