/* waiting.h -- how threads of OpenMP wait for each other. */
#ifndef BACKEND_WAITING_H
#define BACKEND_WAITING_H

/**
 * Make waiting threads of this process sleep soon instead of spin, for teams of
 * so many threads. What the user chose (OMP_WAIT_POLICY, GOMP_SPINCOUNT or
 * KMP_BLOCKTIME in the environment) stands. Any thread, any number of times.
 */
void waiting_be_polite(int threads);

#endif
