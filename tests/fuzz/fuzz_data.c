/* fuzz_data.c -- any bytes as a data file. The first byte picks the format. */
#include <stdint.h>

#include "text/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"f.jsonl", "f.json", "f.txt",
                                        "f.csv",   "f.tsv",  "-"};
    struct data d;

    if (size == 0)
        return 0;
    if (data_parse(&d, names[data[0] % 6], (const char *)data + 1, size - 1,
                   NULL) == 0)
        data_release(&d);
    return 0;
}
