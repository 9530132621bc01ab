/* llm_client.c -- a client of chat completions. */
#include "transform/evolve/llm_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/seal.h"
#include "base/strbuf.h"

#define REPLY_MAX ((size_t)4 << 20)        // bytes of a body
#define TRANSCRIPT_MAX ((size_t)256 << 20) // that is read back
#define WAIT_MOST_S 60.0                   // between two attempts
#define EXCERPT 200                        // of an endpoint's words

struct proposer {
    struct proposer_options o;
    char *url;
    CURL *curl;
    struct curl_slist *headers;
    int64_t calls, tokens; // spent
    int64_t asked;         // calls of proposer_ask()
    json_t *kept;          // of a resumed run: {"NUMBER HASH": {"reply", ...}}
    char why[300];
};

/* One attempt. */
struct attempt {
    const struct proposer *p;
    struct strbuf body;
    bool too_long, no_memory, stopped;
    long status;
    double retry_after; // seconds; 0: not given
};

static void
init_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- the transcript ----------------------------------------------------- */

static void
name_call(char *out, size_t size, int64_t number, const char *hash)
{
    snprintf(out, size, "%lld %s", (long long)number, hash);
}

/* Read the cost and the reply from a line. A line of another proposer is
 * ignored: the call is made again. */
static int
take_line(struct proposer *p, const char *line, size_t n)
{
    json_t *obj = json_loadb(line, n, 0, NULL);
    const json_t *number = json_object_get(obj, "call");
    const char *hash =
        json_string_value(json_object_get(obj, "request_sha256"));
    const json_t *tokens = json_object_get(obj, "tokens");
    char name[128];
    int rc = 0;

    if (json_is_integer(number) && hash && strlen(hash) == HASH_HEX - 1 &&
        json_is_integer(tokens) && json_integer_value(tokens) >= 0 &&
        json_integer_value(tokens) <= p->o.max_tokens) {
        name_call(name, sizeof(name), (int64_t)json_integer_value(number),
                  hash);
        p->calls++;
        p->tokens += (int64_t)json_integer_value(tokens);
        if (json_is_string(json_object_get(obj, "reply")) &&
            json_object_set(p->kept, name, json_object_get(obj, "reply")))
            rc = TRV_ENOMEM;
    }
    json_decref(obj);
    return rc;
}

static int
read_transcript(struct proposer *p, trv_err *err)
{
    struct strbuf text = {0};
    size_t whole = 0;
    int rc;

    if (!p->o.file || !file_exists(p->o.file))
        return 0;
    if (!p->o.resume)
        return unlink(p->o.file) == 0
                   ? 0
                   : err_fail(err, TRV_EIO, "cannot replace '%s': %s",
                              p->o.file, strerror(errno));
    rc = journal_read(&text, p->o.file, TRANSCRIPT_MAX, err);
    for (size_t i = 0; i < text.len && !rc; i++)
        if (text.s[i] == '\n') {
            rc = take_line(p, text.s + whole, i - whole)
                     ? err_nomem(err, "to ask the proposer")
                     : 0;
            whole = i + 1;
        }
    sb_release(&text);
    return rc;
}

static int
write_line(const struct proposer *p, const char *hash, const json_t *request,
           const struct attempt *a, const char *reply, int64_t tokens,
           const char *failed, trv_err *err)
{
    struct strbuf b = {0};
    json_t *obj;
    char *line;
    int rc;

    if (!p->o.file)
        return 0;
    obj = json_pack("{s:I,s:s,s:O,s:I,s:I,s:s*,s:s*}", "call",
                    (json_int_t)p->asked, "request_sha256", hash, "request",
                    request, "status", (json_int_t)a->status, "tokens",
                    (json_int_t)tokens, "reply", reply, "failed", failed);
    line = obj ? json_dumps(obj, JSON_COMPACT) : NULL;
    json_decref(obj);
    rc = !line || sb_puts(&b, line) || sb_putc(&b, '\n')
             ? err_nomem(err, "to ask the proposer")
             : journal_append(p->o.file, b.s, b.len, err);
    free(line);
    sb_release(&b);
    return rc;
}

/* ---- one attempt -------------------------------------------------------- */

static size_t
on_body(char *bytes, size_t size, size_t n, void *payload)
{
    struct attempt *a = payload;

    if (size * n > REPLY_MAX - a->body.len) {
        a->too_long = true;
        return 0;
    }
    if (sb_add(&a->body, bytes, size * n)) {
        a->no_memory = true;
        return 0;
    }
    return size * n;
}

static int
on_progress(void *payload, curl_off_t dt, curl_off_t dn, curl_off_t ut,
            curl_off_t un)
{
    struct attempt *a = payload;

    (void)dt;
    (void)dn;
    (void)ut;
    (void)un;
    a->stopped = a->p->o.watch && !a->p->o.watch(a->p->o.payload);
    return a->stopped;
}

/* NULL: a reply with status 200 lies in a->body; else what failed. */
static const char *
send_once(struct attempt *a, const char *request, char *why, size_t size)
{
    const struct proposer *p = a->p;
    char detail[CURL_ERROR_SIZE] = "";
    curl_off_t after = 0;
    CURLcode code;

    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, request);
    curl_easy_setopt(p->curl, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(p->curl, CURLOPT_XFERINFODATA, a);
    curl_easy_setopt(p->curl, CURLOPT_ERRORBUFFER, detail);
    code = curl_easy_perform(p->curl);
    curl_easy_setopt(p->curl, CURLOPT_ERRORBUFFER, NULL);
    (void)curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &a->status);
    if (code == CURLE_OK &&
        curl_easy_getinfo(p->curl, CURLINFO_RETRY_AFTER, &after) == CURLE_OK)
        a->retry_after = (double)after;
    if (a->too_long)
        snprintf(why, size, "a reply above %zu bytes", REPLY_MAX);
    else if (code != CURLE_OK)
        snprintf(why, size, "%s", *detail ? detail : curl_easy_strerror(code));
    else if (a->status != 200)
        snprintf(why, size, "status %ld", a->status);
    else
        return NULL;
    return why;
}

/* The reply's text, and what the call took. */
static const char *
read_reply(json_t **root, int64_t *tokens, const struct attempt *a)
{
    const json_t *used, *message;
    const char *text;

    *root = json_loadb(a->body.s ? a->body.s : "", a->body.len, 0, NULL);
    used = json_object_get(json_object_get(*root, "usage"), "total_tokens");
    if (json_is_integer(used) && json_integer_value(used) >= 0 &&
        json_integer_value(used) <= 100000000)
        *tokens = (int64_t)json_integer_value(used);
    message = json_object_get(
        json_array_get(json_object_get(*root, "choices"), 0), "message");
    text = json_string_value(json_object_get(message, "content"));
    return text && *text ? text : NULL;
}

/* ---- asking ------------------------------------------------------------- */

static bool
is_final(long status)
{
    return status >= 400 && status < 500 && status != 408 && status != 429;
}

/* Wait, but not through a stop. */
static bool
wait_for(const struct proposer *p, double seconds)
{
    const double until = clock_now() + seconds;
    double left;

    while ((left = until - clock_now()) > 0) {
        const double nap = left < 0.1 ? left : 0.1;
        const struct timespec t = {0, (long)(nap * 1e9)};

        if (p->o.watch && !p->o.watch(p->o.payload))
            return false;
        nanosleep(&t, NULL);
    }
    return true;
}

static int
stopped(trv_err *err)
{
    return err_fail(err, TRV_ECANCELED, "stopped while the proposer was asked");
}

/* One attempt with all that belongs to it. *again: it may be made again. */
static int
attempt_once(struct proposer *p, char **text, bool *again, double *after,
             const json_t *request, const char *bytes, const char *hash,
             trv_err *err)
{
    struct attempt a = {.p = p};
    json_t *root = NULL;
    int64_t tokens = 0;
    const char *reply = NULL;
    const char *failed = send_once(&a, bytes, p->why, sizeof(p->why));
    int rc = 0;

    *again = true;
    *after = a.retry_after;
    if (a.stopped || a.no_memory) {
        rc = a.stopped ? stopped(err) : err_nomem(err, "to ask the proposer");
        goto done;
    }
    if (!failed) {
        tokens = (int64_t)((strlen(bytes) + a.body.len) / 4);
        reply = read_reply(&root, &tokens, &a);
        if (!reply) {
            snprintf(p->why, sizeof(p->why),
                     "a reply without choices[0].message.content");
            failed = p->why;
        }
    }
    p->calls++;
    p->tokens += tokens;
    rc = write_line(p, hash, request, &a, reply, tokens, failed, err);
    if (!rc && reply) {
        p->why[0] = '\0';
        *again = false;
        *text = mem_strdup(reply);
        rc = *text ? 0 : err_nomem(err, "to ask the proposer");
    } else if (!rc && is_final(a.status)) {
        rc = err_fail(err, TRV_EIO, "'%s' refuses with status %ld: %.*s",
                      p->url, a.status,
                      (int)(a.body.len < EXCERPT ? a.body.len : EXCERPT),
                      a.body.s ? a.body.s : "");
    }
done:
    json_decref(root);
    sb_release(&a.body);
    return rc;
}

static json_t *
make_request(const struct proposer *p, const char *system, const char *user)
{
    return json_pack("{s:s,s:[{s:s,s:s},{s:s,s:s}],s:f,s:I}", "model",
                     p->o.model, "messages", "role", "system", "content",
                     system, "role", "user", "content", user, "temperature",
                     p->o.temperature, "max_tokens",
                     (json_int_t)p->o.reply_tokens);
}

static int
ask_endpoint(struct proposer *p, char **text, const json_t *request,
             const char *bytes, const char *hash, trv_err *err)
{
    double wait = p->o.wait_s;
    bool again = true;
    int rc = 0;

    for (int64_t k = 0; k <= p->o.retries && again && !rc; k++) {
        double after = 0.0;

        if (proposer_is_spent(p)) {
            snprintf(p->why, sizeof(p->why),
                     "the budget of %lld calls and %lld tokens is spent",
                     (long long)p->o.max_calls, (long long)p->o.max_tokens);
            return 0;
        }
        rc = attempt_once(p, text, &again, &after, request, bytes, hash, err);
        if (rc || !again || k == p->o.retries)
            continue;
        after = after > wait ? after : wait;
        if (!wait_for(p, after < WAIT_MOST_S ? after : WAIT_MOST_S))
            rc = stopped(err);
        wait *= 2;
    }
    return rc;
}

int
proposer_ask(struct proposer *p, char **text, const char *system,
             const char *user, trv_err *err)
{
    json_t *request = make_request(p, system, user);
    char *bytes = request ? json_dumps(request, JSON_COMPACT) : NULL;
    char hash[HASH_HEX], name[128];
    const char *kept;
    int rc = 0;

    *text = NULL;
    p->asked++;
    if (!request) // words that are no UTF-8
        rc = err_fail(err, TRV_EINVAL,
                      "cannot ask the proposer: a text is "
                      "not UTF-8");
    else if (!bytes)
        rc = err_nomem(err, "to ask the proposer");
    if (!rc)
        rc = hash_bytes(hash, bytes, strlen(bytes), err);
    if (!rc) {
        name_call(name, sizeof(name), p->asked, hash);
        kept = json_string_value(json_object_get(p->kept, name));
        if (kept) {
            *text = mem_strdup(kept);
            rc = *text ? 0 : err_nomem(err, "to ask the proposer");
        } else {
            rc = ask_endpoint(p, text, request, bytes, hash, err);
        }
    }
    free(bytes);
    json_decref(request);
    return rc;
}

int64_t
proposer_asked(const struct proposer *p)
{
    return p->asked;
}

void
proposer_seek(struct proposer *p, int64_t asked)
{
    p->asked = asked;
}

const char *
proposer_why(const struct proposer *p)
{
    return p->why;
}

bool
proposer_is_spent(const struct proposer *p)
{
    return p->calls >= p->o.max_calls || p->tokens >= p->o.max_tokens;
}

int64_t
proposer_calls(const struct proposer *p)
{
    return p->calls;
}

int64_t
proposer_tokens(const struct proposer *p)
{
    return p->tokens;
}

/* ---- opening ------------------------------------------------------------ */

static int
make_url(struct proposer *p, trv_err *err)
{
    static const char end[] = "/chat/completions";
    const char *url = p->o.url;
    size_t n = strlen(url);
    struct strbuf b = {0};
    int bad;

    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return err_fail(err, TRV_EINVAL,
                        "the proposer's address '%.200s' does not begin with "
                        "http:// or https://",
                        url);
    while (n > 8 && url[n - 1] == '/')
        n--;
    bad = sb_add(&b, url, n);
    if (n < sizeof(end) - 1 ||
        memcmp(url + n - (sizeof(end) - 1), end, sizeof(end) - 1) != 0)
        bad |= sb_puts(&b, end);
    p->url = bad ? NULL : sb_take(&b);
    sb_release(&b);
    return p->url ? 0 : err_nomem(err, "to ask the proposer");
}

static int
add_header(struct proposer *p, const char *line)
{
    struct curl_slist *more = curl_slist_append(p->headers, line);

    p->headers = more ? more : p->headers;
    return more ? 0 : TRV_ENOMEM;
}

static int
make_headers(struct proposer *p, trv_err *err)
{
    struct strbuf b = {0};
    int bad = add_header(p, "Content-Type: application/json");

    if (p->o.key && strpbrk(p->o.key, "\r\n")) {
        return err_fail(err, TRV_EINVAL, "the proposer's key holds a newline");
    } else if (p->o.key) {
        bad |= sb_printf(&b, "Authorization: Bearer %s", p->o.key);
        bad = bad || add_header(p, b.s);
    }
    sb_release(&b);
    return bad ? err_nomem(err, "to ask the proposer") : 0;
}

static int
make_curl(struct proposer *p, trv_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const long ms = (long)(p->o.timeout_s * 1000.0);
    CURL *c;

    pthread_once(&once, init_curl);
    c = p->curl = curl_easy_init();
    if (!c)
        return err_nomem(err, "to ask the proposer");
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(c, CURLOPT_PROTOCOLS,
                     (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    /* No redirect is followed: the key would go where nobody sent it. */
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, ms > 0 ? ms : 1L);
    curl_easy_setopt(c, CURLOPT_URL, p->url);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, p->headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    return 0;
}

int
proposer_open(struct proposer **out, const struct proposer_options *opts,
              trv_err *err)
{
    struct proposer *p = mem_calloc(1, sizeof(*p));
    int rc = p ? 0 : err_nomem(err, "to ask the proposer");

    *out = NULL;
    if (rc)
        return rc;
    p->o = *opts;
    p->kept = json_object();
    if (!p->kept)
        rc = err_nomem(err, "to ask the proposer");
    if (!rc)
        rc = make_url(p, err);
    if (!rc)
        rc = make_headers(p, err);
    if (!rc)
        rc = make_curl(p, err);
    if (!rc)
        rc = read_transcript(p, err);
    if (rc)
        proposer_free(p);
    else
        *out = p;
    return rc;
}

void
proposer_free(struct proposer *p)
{
    if (!p)
        return;
    curl_easy_cleanup(p->curl);
    curl_slist_free_all(p->headers);
    json_decref(p->kept);
    mem_free(p->url);
    mem_free(p);
}
