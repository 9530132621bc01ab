/* llm_client.h -- proposals from an OpenAI-compatible endpoint: POST
 * URL/chat/completions, within a budget of calls and tokens.
 *
 * A call that fails in passing (no connection, a time limit, 408, 429, 5xx, a
 * reply that is none) is tried again, each time after twice the wait or after
 * what Retry-After says; then there is no proposal, and the search goes on
 * without. One that can never succeed (401, 403, 404 and other 4xx) is an
 * error.
 *
 * All that was asked and answered lies in transcript.jsonl, a line an attempt,
 * each with its sum (base/seal.h); a resumed run takes its answers from there.
 * The key is never written.
 */
#ifndef TRANSFORM_LLM_CLIENT_H
#define TRANSFORM_LLM_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct proposer;

struct proposer_options {
    const char *url;    // "http://localhost:8080/v1"
    const char *model;  // as the endpoint names it
    const char *key;    // Authorization: Bearer; NULL: none
    int64_t max_calls;  // attempts count
    int64_t max_tokens; // of all requests and replies, by the endpoint's usage,
                        // or else a token for each 4 bytes
    int64_t reply_tokens; // of one reply
    double temperature;
    double timeout_s; // of an attempt
    int64_t retries;  // further attempts of a call
    double wait_s;    // before the second attempt
    const char *file; // transcript.jsonl; NULL: none
    bool resume;      // take what the file holds
    /* Called while it waits; false stops: TRV_ECANCELED. May be NULL. */
    bool (*watch)(void *payload);
    void *payload;
};

/** All of the options is borrowed. TRV_EINVAL (an address that is none: http
 * and https are spoken), TRV_EIO (the transcript), TRV_ENOMEM. */
int proposer_open(struct proposer **out, const struct proposer_options *opts,
                  trv_err *err);
void proposer_free(struct proposer *p); // NULL is allowed

/**
 * Ask once.
 *
 * @param text  takes the reply; mem_free. NULL: there is none, for the budget
 *              is spent or all attempts failed: proposer_why() says which.
 * @return 0; TRV_EIO (refused for good, with the endpoint's words),
 *         TRV_ECANCELED, TRV_ENOMEM.
 */
int proposer_ask(struct proposer *p, char **text, const char *system,
                 const char *user, trv_err *err);
/** How often it was asked, and go on as if it had been so often: a resumed run
 * numbers its calls as the first did. */
int64_t proposer_asked(const struct proposer *p);
void proposer_seek(struct proposer *p, int64_t asked);
const char *proposer_why(const struct proposer *p); // "" where nothing failed
bool proposer_is_spent(const struct proposer *p);
int64_t proposer_calls(const struct proposer *p);
int64_t proposer_tokens(const struct proposer *p);

#endif
