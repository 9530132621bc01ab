/* human.h -- numbers as people read them. Every function fills the caller's
 * buffer of HUMAN_MAX bytes and returns it. */
#ifndef CLI_HUMAN_H
#define CLI_HUMAN_H

#include <stdint.h>

#include <trivium/trivium.h>

#define HUMAN_MAX 64

const char *human_count(char out[HUMAN_MAX], double n); // 1,234,567
/** "1,234 steps"; the last letter of `unit` goes where n is 1. */
const char *human_counted(char out[HUMAN_MAX], double n, const char *unit);
const char *human_bytes(char out[HUMAN_MAX], double n);   // 1.4 MB
const char *human_flop(char out[HUMAN_MAX], double n);    // 3.2 TFLOP
const char *human_seconds(char out[HUMAN_MAX], double s); // 2 min 31 s
const char *human_estimate(char out[HUMAN_MAX], double s); // 3 min
/** Mean and standard error to two digits of the error: "0.912 +- 0.011", with
 * the sign for plus or minus; "not measured" where n is 0. */
const char *human_figure(char out[HUMAN_MAX], const trv_figure *f);
/** The mean alone, with the same digits. */
const char *human_mean(char out[HUMAN_MAX], const trv_figure *f);
/** The 95 % interval with the same digits: "0.890 to 0.934"; "" where none. */
const char *human_interval(char out[HUMAN_MAX], const trv_figure *f);

#endif
