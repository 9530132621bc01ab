/* banned.h -- calls that have a safer neighbour; included before every file. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H
#ifndef __cplusplus
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h> // declares a member named rand
#pragma GCC poison strcpy strcat sprintf vsprintf atoi atol atof rand srand gets
#endif
#endif
