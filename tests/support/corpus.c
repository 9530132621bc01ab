/* corpus.c -- see tests/golden/tokenizer/corpus.py, whose twin this is. */
#include "support/corpus.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "support/test.h"
#include "text/utf8.h"

#define CUT 20011 // bytes of a document

static const struct {
    const char *path;
    size_t take;
} files[] = {
    {"data/gsm8k/test.jsonl", 700000},
    {"data/preferences/dpo_en_demo.json", 1600000},
    {"data/awesome-chatgpt-prompts/prompts.csv", 90000},
    {"data/tinystories/heldout.txt", 400000},
    {"data/realtoxicityprompts/prompts.jsonl", 400000},
    {"data/rasbt-instruct/instruction-data.json", 210000},
    {"data/soda-tinystoriesinstruct-chat/chat_val.txt", 250000},
    {"data/sst2/stsa.binary.dev", 95000},
    {"data/alpaca-seed/seed_tasks.jsonl", 111000},
    {"data/personas/extraversion.jsonl", 150000},
    {"models/tokenizer-gpt2/vocab.bpe", 300000},
    {"models/tokenizer-smollm2/tokenizer_config.json", 4000},
    {"models/tokenizer-llama2/tokenizer.model", 300000},
};

struct range {
    uint32_t first, last;
};

static const struct range scripts[] = {
    {0x61, 0x7A},       {0x41, 0x5A},       {0xC0, 0x24F},
    {0x370, 0x3FF},     {0x400, 0x4FF},     {0x530, 0x58F},
    {0x5D0, 0x5EA},     {0x620, 0x6D3},     {0x900, 0x97F},
    {0x980, 0x9FF},     {0xB80, 0xBFF},     {0xE00, 0xE5B},
    {0x10A0, 0x10FF},   {0x1200, 0x137F},   {0x1780, 0x17FF},
    {0x1E00, 0x1FFF},   {0x3041, 0x30FF},   {0x3105, 0x312F},
    {0x4E00, 0x9FFF},   {0xAC00, 0xD7A3},   {0x20000, 0x2A6DF},
    {0x10400, 0x1044F}, {0x1D400, 0x1D7FF}, {0xFB00, 0xFDFF},
    {0xFF00, 0xFFEF},   {0x2100, 0x218F},   {0x2460, 0x24FF},
    {0x31350, 0x323AF}, {0x11F00, 0x11F59}, {0x1130, 0x11FF},
};
static const struct range emoji[] = {{0x1F300, 0x1F5FF},
                                     {0x1F600, 0x1F64F},
                                     {0x1F900, 0x1F9FF},
                                     {0x2600, 0x26FF},
                                     {0x1F1E6, 0x1F1FF}};
static const uint32_t spaces[] = {0x20, 0x20,   0x20,   0x20,   0x0A, 0x0A,
                                  0x09, 0x0D,   0xA0,   0x3000, 0x2003, 0x180E,
                                  0x85, 0x2028, 0x0B,   0x200B};
#define S(text) {text, sizeof(text) - 1}
static const struct {
    const char *s;
    size_t n;
} snippets[] = {
    S("<|endoftext|>"),
    S("<s>"),
    S("</s>"),
    S("<unk>"),
    S("<|im_start|>"),
    S("<|im_end|>"),
    S(" <|start_story|> "),
    S("<0x0A>"),
    S("\xE2\x96\x81"),
    S("\xE2\x96\x81\xE2\x96\x81"),
    S("[X]"),
    S(" [X] "),
    S("[Y]"),
    S("word[Y]word"),
    S(" [Z]\n"),
    S("I'm you're WE'LL it's 'S don't 'Tis"),
    S("for (int i = 0; i < n; i++) {\n\tif (a[i] >= 10) return;\n}\n"),
    S("def f(x):\n    return {'a': x ** 2, \"b\": [1, 2.5e-3]}\n"),
    S("http://a.b/?c=d&e"),
    S("#include <stdio.h>\n"),
    S("\n\n\n"),
    S("    "),
    S("        x"),
    S("..."),
    S("!!!?"
      "??"), // apart, or a trigraph
    S("--->"),
    S("\0"),
    S("1234567890"),
    S("3.14159"),
    S("\xC2\xBD\xC2\xB2"),
    S("caf\xC3\xA9 cafe\xCC\x81"),
    S("\xC4\xB0stanbul \xC5\xBF\xE2\x84\xAA"),
    S("\xEF\xAC\x81\xE1\xBA\x9E"),
    S("\xE2\x80\x8D"),
    S("\xEF\xB8\x8F"),
    S("a\xCC\x96\xCC\x81"
      "b"),
    S("\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8"),
    S("\xE0\xA5\x98"),
    S("\xE2\x84\xA6"),
    S("Hello"),
    S(" world"),
};
#undef S
#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

static uint32_t
below(uint64_t *x, uint32_t n)
{
    *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*x >> 33) % n);
}

static uint32_t
in_range(uint64_t *x, struct range r)
{
    return r.first + below(x, r.last - r.first + 1);
}

static void
put(struct strbuf *b, uint32_t cp)
{
    if (utf8_add(b, cp))
        fail_msg("no memory");
}

static void
put_bytes(struct strbuf *b, const char *s, size_t n)
{
    if (sb_add(b, s, n))
        fail_msg("no memory");
}

static void
generate_one(struct strbuf *b, uint64_t *x)
{
    const uint32_t k = below(x, 16);
    struct range r;
    uint32_t n, cp;

    if (k < 6) {
        r = scripts[below(x, COUNT(scripts))];
        n = 1 + below(x, 9);
        while (n--)
            put(b, in_range(x, r));
        if (below(x, 3))
            put(b, ' ');
    } else if (k == 6) {
        n = 1 + below(x, 4);
        while (n--) {
            r = emoji[below(x, COUNT(emoji))];
            put(b, in_range(x, r));
            if (below(x, 2))
                put(b, below(x, 2) ? 0x200D : 0xFE0F);
        }
    } else if (k == 7) {
        n = 1 + below(x, 6);
        while (n--)
            put(b, spaces[below(x, COUNT(spaces))]);
    } else if (k == 8) {
        cp = spaces[below(x, COUNT(spaces))];
        n = 1 + below(x, 40);
        while (n--)
            put(b, cp);
    } else if (k == 9) {
        n = 1 + below(x, 12);
        while (n--)
            put(b, 0x30 + below(x, 10));
    } else if (k == 10) {
        n = 1 + below(x, 12);
        while (n--)
            put(b, 0x20 + below(x, 95));
    } else if (k == 11 || k == 12) {
        cp = below(x, COUNT(snippets));
        put_bytes(b, snippets[cp].s, snippets[cp].n);
    } else if (k == 13) {
        n = 1 + below(x, 3);
        while (n--) {
            cp = below(x, 0x110000);
            put(b, cp >= 0xD800 && cp < 0xE000 ? 0xFFFD : cp);
        }
    } else if (k == 14) {
        n = below(x, 4) == 0 ? 1 + below(x, 4) : 0;
        while (n--) {
            const char c = (char)(0x80 + below(x, 128));

            put_bytes(b, &c, 1);
        }
    } else {
        put(b, 0x61 + below(x, 26));
        n = 1 + below(x, 4);
        while (n--)
            put(b, 0x300 + below(x, 0x70));
    }
}

static struct strbuf *
new_document(struct corpus *c)
{
    if (c->n == CORPUS_MAX)
        fail_msg("too many documents");
    return &c->documents[c->n++];
}

static void
repeat(struct corpus *c, const char *s, int times)
{
    struct strbuf *b = new_document(c);

    while (times--)
        put_bytes(b, s, strlen(s));
}

void
corpus_generate(struct corpus *c)
{
    for (uint64_t i = 0; i < 100; i++) {
        struct strbuf *b = new_document(c);
        uint64_t x = 1000 + i;

        while (b->len < 8000)
            generate_one(b, &x);
    }
    repeat(c, "", 0);
    repeat(c, " ", 1);
    repeat(c, "\n", 1);
    repeat(c, "a", 1);
    repeat(c, "x", 30000);
    repeat(c, " ", 20000);
    repeat(c, "ab", 10000);
    repeat(c, "\xE2\x96\x81", 5000);
}

bool
corpus_add_assets(struct corpus *c)
{
    for (size_t i = 0; i < COUNT(files); i++) {
        const char *path = test_asset(files[i].path);
        struct strbuf whole = {0};

        if (!path)
            return false;
        if (file_read(&whole, path, (size_t)1 << 30, NULL))
            fail_msg("cannot read '%s'", path);
        if (whole.len > files[i].take)
            whole.len = files[i].take;
        for (size_t at = 0; at < whole.len; at += CUT)
            put_bytes(new_document(c), whole.s + at,
                      whole.len - at < CUT ? whole.len - at : CUT);
        sb_release(&whole);
    }
    return true;
}

void
corpus_release(struct corpus *c)
{
    for (int64_t i = 0; i < c->n; i++)
        sb_release(&c->documents[i]);
    c->n = 0;
}
