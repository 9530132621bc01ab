/* hub.c -- names of the Hugging Face Hub in the cache of huggingface_hub. */
#include "model/files/hub.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"

#define NAME_MAX_LEN 96 // of an organisation, of a repository
#define REVISION_MAX_LEN 255
#define FILE_MAX_LEN 1024
#define COMMIT_FILE_MAX 4096 // bytes of a file in refs/
#define FILES_MAX 4096       // of a snapshot that are looked at
#define SHOWN_MAX 12         // of a list in a sentence
#define DEPTH_MAX 2          // folders in a snapshot that are looked into

struct span {
    const char *s; // NULL: not given
    size_t n;
};

struct ref {
    struct span repo, revision, file;
};

/* ---- names --------------------------------------------------------------- */

static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* huggingface_hub's validate_repo_id(), for one side of the slash. */
static bool
is_segment(const char *s, size_t n)
{
    if (n < 1 || n > NAME_MAX_LEN || !is_word(s[0]) || !is_word(s[n - 1]))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((!is_word(s[i]) && s[i] != '-' && s[i] != '.') ||
            (i > 0 && s[i] == s[i - 1] && (s[i] == '-' || s[i] == '.')))
            return false;
    return true;
}

static bool
is_repo(struct span r)
{
    const char *slash = memchr(r.s, '/', r.n);
    const size_t org = slash ? (size_t)(slash - r.s) : 0;
    const char *name = slash ? slash + 1 : r.s;
    const size_t n = slash ? r.n - org - 1 : r.n;

    return (!slash || is_segment(r.s, org)) && is_segment(name, n) &&
           !(n > 4 && memcmp(name + n - 4, ".git", 4) == 0);
}

/* A branch or a file: a way down that stays below where it begins. */
static bool
is_way_down(struct span w, size_t most)
{
    if (w.n < 1 || w.n > most)
        return false;
    for (size_t i = 0, from = 0; i <= w.n; i++) {
        if (i < w.n && (!isprint((unsigned char)w.s[i]) || w.s[i] == '\\'))
            return false;
        if (i < w.n && w.s[i] != '/')
            continue;
        if (i == from || (i == from + 1 && w.s[from] == '.') ||
            (i == from + 2 && w.s[from] == '.' && w.s[from + 1] == '.'))
            return false;
        from = i + 1;
    }
    return true;
}

static bool
read_ref(struct ref *r, const char *s)
{
    const size_t n = strcspn(s, ":"), at = strcspn(s, "@:");

    *r = (struct ref){.repo = {s, at}};
    if (s[at] == '@')
        r->revision = (struct span){s + at + 1, n - at - 1};
    if (s[n] == ':')
        r->file = (struct span){s + n + 1, strlen(s + n + 1)};
    /* A word is a name only where nothing is behind it: lora:DIR is none. */
    return is_repo(r->repo) && (!s[at] || memchr(s, '/', at));
}

bool
hub_is_name(const char *s)
{
    struct ref r;

    return read_ref(&r, s);
}

int
hub_split(char **name, char **revision, const char *s, trv_err *err)
{
    struct ref r;
    const bool parted = read_ref(&r, s) && r.revision.s && !r.file.s;

    *revision = NULL;
    *name = parted ? mem_strndup(s, r.repo.n) : mem_strdup(s);
    if (*name && parted)
        *revision = mem_strndup(r.revision.s, r.revision.n);
    if (*name && (!parted || *revision))
        return 0;
    mem_free(*name);
    *name = NULL;
    return err_nomem(err, "to name a base");
}

/* How it is fetched, as the end of a sentence. */
static int
add_download(struct strbuf *out, const struct ref *r)
{
    int bad = sb_printf(out, "'hf download %.*s", (int)r->repo.n, r->repo.s);

    if (r->revision.s)
        bad |= sb_printf(out, " --revision %.*s", (int)r->revision.n,
                         r->revision.s);
    return bad | sb_putc(out, '\'');
}

/* ---- the cache ----------------------------------------------------------- */

/* A folder from the environment, whose ~ is the user's home. */
static int
add_folder(struct strbuf *out, const char *value, const char *behind)
{
    const char *home = getenv("HOME");

    if (value[0] == '~' && (value[1] == '/' || !value[1]) && home)
        return sb_printf(out, "%s%s%s", home, value + 1, behind);
    return sb_printf(out, "%s%s", value, behind);
}

static int
find_cache(struct strbuf *out, trv_err *err)
{
    static const struct {
        const char *variable, *behind;
    } places[] = {
        {"HF_HUB_CACHE", ""},
        {"HUGGINGFACE_HUB_CACHE", ""},
        {"HF_HOME", "/hub"},
        {"XDG_CACHE_HOME", "/huggingface/hub"},
        {"HOME", "/.cache/huggingface/hub"},
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const char *value = getenv(places[i].variable);

        if (value && *value)
            return add_folder(out, value, places[i].behind)
                       ? err_nomem(err, "to look into the Hugging Face cache")
                       : 0;
    }
    return err_fail(err, TRV_EIO,
                    "no environment variable says where the Hugging Face cache "
                    "is: set HF_HUB_CACHE or HOME");
}

/* CACHE/models--ORG--NAME */
static int
add_repo(struct strbuf *out, const struct strbuf *cache, const struct ref *r)
{
    int bad = sb_printf(out, "%s/models--", cache->s);

    for (size_t i = 0; i < r->repo.n; i++)
        bad |= r->repo.s[i] == '/' ? sb_puts(out, "--")
                                   : sb_putc(out, r->repo.s[i]);
    return bad;
}

/* A branch or tag holds its commit; TRV_EFORMAT where that is none. */
static int
read_commit(char **commit, const char *file, trv_err *err)
{
    struct strbuf text = {0};
    struct span one;
    int rc = file_read(&text, file, COMMIT_FILE_MAX, err);

    if (rc)
        return rc;
    one = (struct span){text.s, text.len};
    while (one.n > 0 && isspace((unsigned char)one.s[one.n - 1]))
        one.n--;
    if (!is_way_down(one, 64) || memchr(one.s, '/', one.n))
        rc = err_fail(err, TRV_EFORMAT, "'%s' holds no commit", file);
    if (!rc) {
        *commit = mem_strndup(one.s, one.n);
        rc = *commit ? 0 : err_nomem(err, "to read '%s'", file);
    }
    sb_release(&text);
    return rc;
}

/* The snapshot's folder; NULL where the revision is not there. */
static int
find_snapshot(char **out, const char *repo, const struct ref *r, trv_err *err)
{
    static const struct span usual = {"main", 4};
    const struct span rev = r->revision.s ? r->revision : usual;
    struct strbuf path = {0};
    char *commit = NULL;
    int rc = 0;

    *out = NULL;
    if (sb_printf(&path, "%s/refs/%.*s", repo, (int)rev.n, rev.s))
        rc = err_nomem(err, "to read '%s'", repo);
    if (!rc && file_exists(path.s) && !file_is_dir(path.s))
        rc = read_commit(&commit, path.s, err);
    sb_reset(&path);
    if (!rc && sb_printf(&path, "%s/snapshots/%.*s", repo,
                         commit ? (int)strlen(commit) : (int)rev.n,
                         commit ? commit : rev.s))
        rc = err_nomem(err, "to read '%s'", repo);
    if (!rc && file_is_dir(path.s))
        *out = sb_take(&path);
    mem_free(commit);
    sb_release(&path);
    return rc;
}

/* ---- files of a snapshot ------------------------------------------------- */

struct files {
    char **v; // ways down from the snapshot, sorted
    size_t n;
};

static void
files_release(struct files *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->v[i]);
    mem_free(l->v);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
files_add(struct files *l, const char *way)
{
    char **more = mem_reallocarray(l->v, l->n + 1, sizeof(*l->v));

    if (!more)
        return TRV_ENOMEM;
    l->v = more;
    l->v[l->n] = mem_strdup(way);
    if (!l->v[l->n])
        return TRV_ENOMEM;
    l->n++;
    return 0;
}

/* Links whose file is gone do not count. */
static int
list_below(struct files *l, const char *dir, const char *way, int depth)
{
    struct strbuf path = {0}, next = {0};
    DIR *d;
    int rc = sb_printf(&path, "%s/%s", dir, way);

    d = rc ? NULL : opendir(path.s);
    for (const struct dirent *e; d && !rc && (e = readdir(d));) {
        if (e->d_name[0] == '.' || l->n >= FILES_MAX)
            continue;
        sb_reset(&next);
        sb_reset(&path);
        rc = sb_printf(&next, "%s%s%s", way, *way ? "/" : "", e->d_name);
        if (!rc)
            rc = sb_printf(&path, "%s/%s", dir, next.s);
        if (rc || !file_exists(path.s))
            continue;
        if (!file_is_dir(path.s))
            rc = files_add(l, next.s);
        else if (depth < DEPTH_MAX)
            rc = list_below(l, dir, next.s, depth + 1);
    }
    if (d)
        closedir(d);
    sb_release(&path);
    sb_release(&next);
    return rc;
}

static int
list_files(struct files *out, const char *dir, trv_err *err)
{
    *out = (struct files){0};
    if (list_below(out, dir, "", 0))
        return err_nomem(err, "to read '%s'", dir);
    if (out->n > 1)
        qsort(out->v, out->n, sizeof(*out->v), by_name);
    return 0;
}

static bool
ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);

    return n >= m && !strcasecmp(s + n - m, end);
}

/* "-00002-of-00003" before the ending: which of how many; else 1 of 1. */
static void
shard_of(int *which, int *all, const char *name)
{
    const char *dot = strrchr(name, '.');
    int a = 0, b = 0, used = 0;

    *which = *all = 1;
    if (!dot || dot - name < 15 ||
        sscanf(dot - 15, "-%5d-of-%5d%n", &a, &b, &used) != 2 || used != 15)
        return;
    *which = a;
    *all = b;
}

/* A model of GGUF that can be opened: no further shard, no vision part. */
static bool
is_gguf_model(const char *way)
{
    const char *slash = strrchr(way, '/');
    int which, all;

    shard_of(&which, &all, way);
    return ends_with(way, ".gguf") && which <= 1 &&
           strncasecmp(slash ? slash + 1 : way, "mmproj", 6) != 0;
}

/* llama.cpp's ORG/NAME:Q4_K_M: a word of the file's name, in any case. */
static bool
has_word(const char *way, struct span word)
{
    const char *slash = strrchr(way, '/');

    for (const char *s = slash ? slash + 1 : way; *s; s++)
        if (!strncasecmp(s, word.s, word.n) && s > way &&
            strchr("-._", s[-1]) && s[word.n] && strchr("-._", s[word.n]))
            return true;
    return false;
}

static bool
has(const struct files *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->v[i], name))
            return true;
    return false;
}

/* Are the weights there, all shards of them? */
static bool
has_weights(const struct files *l)
{
    int shards = 0, all = 1, which, of;
    bool some = has(l, "trivium.json"); // a prompt or reward has none

    for (size_t i = 0; i < l->n; i++) {
        const char *s = l->v[i];

        some = some || ends_with(s, ".bin") || ends_with(s, ".gguf") ||
               ends_with(s, ".safetensors") || ends_with(s, ".npz") ||
               ends_with(s, ".h5") || ends_with(s, ".msgpack");
        shard_of(&which, &of, s);
        if (ends_with(s, ".safetensors") && !strncmp(s, "model-", 6) &&
            of > 1) {
            all = of;
            shards++;
        }
    }
    return some && (all == 1 || has(l, "model.safetensors") || shards >= all);
}

/* ---- sentences ----------------------------------------------------------- */

static int
fail_with(int code, struct strbuf *s, int bad, trv_err *err)
{
    const int rc = bad ? err_nomem(err, "to look for a model")
                       : err_fail(err, code, "%s", s->s);

    sb_release(s);
    return rc;
}

/* Does a name begin with a folder that is here, as out/z does? Then a path was
 * meant. */
static bool
begins_here(const struct ref *r)
{
    const char *slash = memchr(r->repo.s, '/', r->repo.n);
    char first[NAME_MAX + 1];
    size_t n;

    if (!slash)
        return false;
    n = (size_t)(slash - r->repo.s);
    if (n > NAME_MAX)
        return false;
    memcpy(first, r->repo.s, n);
    first[n] = '\0';
    return file_is_dir(first);
}

static int
not_cached(const char *given, const struct ref *r, const char *cache,
           trv_err *err)
{
    struct strbuf s = {0};
    int bad;

    if (begins_here(r))
        return err_fail(err, TRV_EIO, "there is no file or folder '%.300s'",
                        given);
    bad = sb_printf(&s,
                    "there is no file or folder '%.300s', and the Hugging "
                    "Face cache '%.300s' does not hold it; if it is on the "
                    "Hub, ",
                    given, cache);

    bad |= add_download(&s, r) | sb_puts(&s, " fetches it");
    return fail_with(TRV_EIO, &s, bad, err);
}

/* The names of a folder's entries, or of those of `l` that are GGUF models. */
static int
add_list(struct strbuf *out, const struct files *l, bool gguf)
{
    size_t n = 0;
    int bad = 0;

    for (size_t i = 0; i < l->n; i++) {
        if (gguf && !is_gguf_model(l->v[i]))
            continue;
        if (n++ < SHOWN_MAX)
            bad |= sb_printf(out, "%s%.100s", n > 1 ? ", " : "", l->v[i]);
    }
    if (n > SHOWN_MAX)
        bad |= sb_printf(out, " and %zu more", n - SHOWN_MAX);
    return bad;
}

static int
no_revision(const struct ref *r, const char *repo, trv_err *err)
{
    struct strbuf s = {0}, refs = {0};
    struct files there = {0};
    int bad = sb_printf(&refs, "%s/refs", repo);

    if (!bad)
        bad = list_files(&there, refs.s, NULL);
    bad |= sb_printf(&s,
                     "'%s' is in the Hugging Face cache, but not its "
                     "revision '%.*s'",
                     repo, r->revision.s ? (int)r->revision.n : 4,
                     r->revision.s ? r->revision.s : "main");
    if (there.n > 0)
        bad |= sb_puts(&s, " (there are ") | add_list(&s, &there, false) |
               sb_putc(&s, ')');
    bad |= sb_puts(&s, "; to fetch it: ") | add_download(&s, r);
    files_release(&there);
    sb_release(&refs);
    return fail_with(TRV_EIO, &s, bad, err);
}

static int
not_whole(const struct ref *r, const char *snapshot, trv_err *err)
{
    struct strbuf s = {0};
    int bad = sb_printf(&s,
                        "'%s' holds only a part of '%.*s', and not all its "
                        "weights; to fetch the rest: ",
                        snapshot, (int)r->repo.n, r->repo.s);

    bad |= add_download(&s, r);
    return fail_with(TRV_EIO, &s, bad, err);
}

static int
which_file(const struct ref *r, const struct files *l, trv_err *err)
{
    const int n = (int)r->repo.n;
    struct strbuf s = {0};
    bool some = false;
    int bad;

    for (size_t i = 0; i < l->n; i++)
        some = some || is_gguf_model(l->v[i]);
    bad =
        r->file.s
            ? sb_printf(&s,
                        "'%.*s' in the Hugging Face cache has not one file "
                        "that '%.100s' names",
                        n, r->repo.s, r->file.s)
            : sb_printf(&s, "'%.*s' holds several GGUF files: write %.*s:FILE",
                        n, r->repo.s, n, r->repo.s);
    if (some)
        bad |= sb_puts(&s, "; there are ") | add_list(&s, l, true);
    return fail_with(r->file.s ? TRV_EIO : TRV_EINVAL, &s, bad, err);
}

/* ---- finding ------------------------------------------------------------- */

/* The one GGUF model of the snapshot that is meant; NULL: none or several. */
static const char *
find_gguf(const struct files *l, struct span word)
{
    const char *found = NULL;

    for (size_t i = 0; i < l->n; i++) {
        if (!is_gguf_model(l->v[i]) || (word.s && !has_word(l->v[i], word)))
            continue;
        if (found)
            return NULL;
        found = l->v[i];
    }
    return found;
}

static bool
is_folder_of_model(const struct files *l)
{
    return has(l, "config.json") || has(l, "adapter_config.json") ||
           has(l, "bottleneck_config.json") || has(l, "trivium.json");
}

/* The folder of a snapshot, or a file in it. */
static int
find_in(char **out, const char *snapshot, const struct ref *r,
        enum hub_need need, trv_err *err)
{
    struct files l = {0};
    const char *way = NULL;
    char *file = NULL;
    bool whole = false;
    int rc = list_files(&l, snapshot, err);

    if (!rc && r->file.s) {
        file = mem_strndup(r->file.s, r->file.n);
        rc = file ? 0 : err_nomem(err, "to read '%s'", snapshot);
        way = !rc && has(&l, file) ? file : find_gguf(&l, r->file);
        if (!rc && !way)
            rc = which_file(r, &l, err);
    } else if (!rc) {
        whole = is_folder_of_model(&l);
        way = whole ? NULL : find_gguf(&l, (struct span){NULL, 0});
        if (!whole && !way)
            for (size_t i = 0; i < l.n && !rc; i++)
                if (is_gguf_model(l.v[i]))
                    rc = which_file(r, &l, err);
        if (!rc && !way && need == HUB_WEIGHTS && !has_weights(&l))
            rc = not_whole(r, snapshot, err);
    }
    if (!rc) {
        *out = way ? path_join(snapshot, way) : mem_strdup(snapshot);
        rc = *out ? 0 : err_nomem(err, "to read '%s'", snapshot);
    }
    mem_free(file);
    files_release(&l);
    return rc;
}

static int
check_ref(const struct ref *r, const char *given, trv_err *err)
{
    if (r->revision.s && !is_way_down(r->revision, REVISION_MAX_LEN))
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' names no revision behind '@': it is a "
                        "branch, a tag or a commit, as in ORG/NAME@main",
                        given);
    if (r->file.s && !is_way_down(r->file, FILE_MAX_LEN))
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' names no file behind ':': it is one of the "
                        "model's, as in ORG/NAME:model-Q4_K_M.gguf",
                        given);
    return 0;
}

static int
find_cached(struct hub_place *out, const char *given, const struct ref *r,
            enum hub_need need, trv_err *err)
{
    struct strbuf cache = {0}, repo = {0};
    char *snapshot = NULL;
    int rc = find_cache(&cache, err);

    if (!rc && add_repo(&repo, &cache, r))
        rc = err_nomem(err, "to look for '%.200s'", given);
    if (!rc && !file_is_dir(repo.s))
        rc = not_cached(given, r, cache.s, err);
    if (!rc)
        rc = find_snapshot(&snapshot, repo.s, r, err);
    if (!rc && !snapshot)
        rc = no_revision(r, repo.s, err);
    if (!rc)
        rc = find_in(&out->path, snapshot, r, need, err);
    if (!rc) {
        out->name = mem_strndup(given, strcspn(given, ":"));
        rc = out->name ? 0 : err_nomem(err, "to open '%.200s'", given);
    }
    mem_free(snapshot);
    sb_release(&cache);
    sb_release(&repo);
    return rc;
}

int
hub_find(struct hub_place *out, const char *given, enum hub_need need,
         trv_err *err)
{
    struct ref r;
    int rc;

    *out = (struct hub_place){0};
    if (file_exists(given) || !read_ref(&r, given)) {
        out->path = mem_strdup(given);
        return out->path ? 0 : err_nomem(err, "to open '%.200s'", given);
    }
    rc = check_ref(&r, given, err);
    if (!rc)
        rc = find_cached(out, given, &r, need, err);
    if (rc)
        hub_release(out);
    return rc;
}

void
hub_release(struct hub_place *p)
{
    mem_free(p->path);
    mem_free(p->name);
    *p = (struct hub_place){0};
}
