/* clock.h -- seconds on a clock that only goes forward. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/** Seconds since some moment in the past; only differences mean anything. */
double clock_now(void);

#endif
