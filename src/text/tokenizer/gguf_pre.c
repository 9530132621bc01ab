/* gguf_pre.c -- pre-tokenizers by name. The names and expressions are facts of
 * published tokenizers. Where llama.cpp has a function in place of an
 * expression, or an approximation, the published expression is here.
 */
#include "text/tokenizer/gguf_pre.h"

#include <stdio.h>
#include <string.h>

#define WORDS                                                                  \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"       \
    "\\s+(?!\\S)"
#define SHORT_FORMS "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define LETTERS "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SIGNS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define SIGNS_SLASH "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
#define SPACES "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LLAMA3 SHORT_FORMS "|" LETTERS "|\\p{N}{1,3}" SIGNS SPACES
#define JAIS2                                                                  \
    SHORT_FORMS "|" LETTERS "|\\p{N}{1,3}" SIGNS "|\\s*[\\r\\n]+"              \
                "|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)"             \
                "|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)"                \
                "|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}"
#define QWEN2 SHORT_FORMS "|" LETTERS "|\\p{N}" SIGNS SPACES
#define QWEN35                                                                 \
    SHORT_FORMS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"                \
                "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" SPACES

/* GPT-4o's two kinds of words, with capitals before and small letters behind;
 * llama.cpp has ASCII's capitals and small letters apart, and all else in both
 * classes. */
#define UP "((?=[\\p{L}])([^a-z]))"
#define LOW "((?=[\\p{L}])([^A-Z]))"
#define UP_MARK "((?=[\\p{L}\\p{M}])([^a-z]))"
#define LOW_MARK "((?=[\\p{L}\\p{M}])([^A-Z]))"
#define UP_ALL "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOW_ALL "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define UP_NO_HAN "(?:(?!\\p{sc:Han})" UP_ALL ")"
#define LOW_NO_HAN "(?:(?!\\p{sc:Han})" LOW_ALL ")"
#define CASED(up, low, end)                                                    \
    "[^\\r\\n\\p{L}\\p{N}]?" up "*" low "+" end "|[^\\r\\n\\p{L}\\p{N}]?" up   \
    "+" low "*" end
#define TEKKEN CASED(UP, LOW, "") "|\\p{N}" SIGNS_SLASH SPACES
#define GPT4O CASED(UP, LOW, SHORT_FORMS "?") "|\\p{N}{1,3}" SIGNS_SLASH SPACES
#define GRANITE                                                                \
    CASED(UP_MARK, LOW_MARK, SHORT_FORMS "?")                                  \
    "|\\p{N}{1,3}" SIGNS_SLASH SPACES
#define TINY_AYA                                                               \
    CASED(UP_ALL, LOW_ALL, SHORT_FORMS "?")                                    \
    "|\\p{N}{1,3}" SIGNS_SLASH SPACES
#define YOUTU                                                                  \
    CASED(UP_ALL, LOW_ALL, SHORT_FORMS "?") "|\\p{N}" SIGNS_SLASH SPACES
#define KIMI                                                                   \
    "\\p{sc:Han}+|" CASED(UP_NO_HAN, LOW_NO_HAN,                               \
                          SHORT_FORMS "?") "|\\p{N}{1,3}" SIGNS SPACES

/* Digits in threes, counted from the right. */
#define THREES "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))"
#define HAN_KANA "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+"
#define DEEPSEEK_WORDS                                                         \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"                    \
    "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
#define DEEPSEEK_SIGNS "| ?[\\p{P}\\p{S}]+[\\r\\n]*"
#define HAN_HANGUL "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"
/* Letters with a case, as an old version of Unicode has them. */
#define CASED_LETTERS                                                          \
    "[A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}"             \
    "\\x{1BC}-\\x{1BF}\\x{1C4}-\\x{293}\\x{295}-\\x{2AF}\\x{370}-\\x{373}"     \
    "\\x{376}\\x{377}\\x{37B}-\\x{37D}\\x{37F}\\x{386}\\x{388}-\\x{38A}"       \
    "\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}\\x{3F7}-\\x{481}"              \
    "\\x{48A}-\\x{52F}\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}"                    \
    "\\x{13A0}-\\x{13F5}\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}"                \
    "\\x{1CBD}-\\x{1CBF}\\x{1D00}-\\x{1D2B}\\x{1D6B}-\\x{1D77}"                \
    "\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}\\x{1F18}-\\x{1F1D}"                \
    "\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}"       \
    "\\x{1F5B}\\x{1F5D}\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}"                 \
    "\\x{1FB6}-\\x{1FBC}\\x{1FBE}\\x{1FC2}-\\x{1FC4}\\x{1FC6}-\\x{1FCC}"       \
    "\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}\\x{1FE0}-\\x{1FEC}"                \
    "\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}"                 \
    "\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-\\x{211D}\\x{2124}\\x{2126}"        \
    "\\x{2128}\\x{212A}-\\x{212D}\\x{212F}-\\x{2134}\\x{2139}"                 \
    "\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}\\x{214E}\\x{2183}\\x{2184}"        \
    "\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}\\x{2CF2}"       \
    "\\x{2CF3}\\x{A640}-\\x{A66D}\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}"       \
    "\\x{A771}-\\x{A787}\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}"                \
    "\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}\\x{FF21}-\\x{FF3A}"                \
    "\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}"            \
    "\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}"          \
    "\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}]+"
#define ASIAN                                                                  \
    "[\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{F900}-\\x{FAFF}"               \
    "\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}\\x{FF65}-\\x{FF9F}"                \
    "\\x{2F00}-\\x{2FDF}\\x{E40}-\\x{E7F}\\x{E80}-\\x{EFF}"                    \
    "\\x{1780}-\\x{17FF}\\x{1000}-\\x{109F}\\x{AA60}-\\x{AA7F}"                \
    "\\x{A9E0}-\\x{A9FF}\\x{AC00}-\\x{D7AF}\\x{1100}-\\x{11FF}]+"
#define BLOOM                                                                  \
    " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}"        \
    "\\x{60C})]+"
#define LINES "[^\\n]+|[\\n]+"

static const struct gguf_pre rows[] = {
    {.names = " llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 "
              "lfm2 jina-v5-nano ",
     .regex = {LLAMA3},
     .ignore_merges = true,
     .add_bos = true},
    {.names = " dbrx smaug-bpe chatglm-bpe glm4 ", .regex = {LLAMA3}},
    {.names = " jais-2 ", .regex = {JAIS2}},
    {.names = " minicpm5 ",
     .regex = {"\\p{N}{1,3}", SHORT_FORMS "|" LETTERS "|\\p{N}+" SIGNS SPACES},
     .ignore_merges = true},
    {.names = " falcon ",
     .regex = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", WORDS, "[0-9][0-9][0-9]"}},
    {.names = " starcoder refact command-r smollm codeshell exaone minerva-7b "
              "mellum2 ",
     .regex = {"\\p{N}", WORDS}},
    {.names = " gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de "
              "a.x-4.0 mellum modern-bert mpt olmo jais trillion "
              "granite-docling exaone4 ",
     .regex = {WORDS}},
    {.names = " qwen2 deepseek-r1-qwen kormo f2llmv2 stablelm2 hunyuan megrez "
              "solar-open grok-2 ",
     .regex = {QWEN2}},
    {.names = " qwen35 ", .regex = {QWEN35}},
    {.names = " ufakzeka ", .regex = {LETTERS "|\\p{N}" SIGNS SPACES}},
    {.names = " laguna ", .regex = {LINES, QWEN2}},
    {.names = " seed-coder ",
     .regex = {SHORT_FORMS "|" LETTERS "|\\p{N}{1}"
                           "| ?[^\\s\\p{L}\\p{N}\\r\\n]+" SPACES}},
    {.names = " bailingmoe bailingmoe2 llada-moe ",
     .regex = {"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|" LETTERS
               "|\\p{N}" SIGNS "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    {.names = " exaone-moe ",
     .regex = {SHORT_FORMS "|[^\\r\\n\\p{L}\\p{N}]?"
                           "(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
                           "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]"
                           "|\\s+(?!\\S)|\\s+"}},
    {.names = " tekken ",
     .regex = {TEKKEN},
     .ignore_merges = true,
     .add_bos = true},
    {.names = " gpt-4o llama4 kanana2 minimax-m2 talkie ", .regex = {GPT4O}},
    {.names = " granite-embed-multi-97m ",
     .regex = {GRANITE},
     .ignore_merges = true},
    {.names = " tiny_aya cohere2moe ",
     .regex = {"\\d{1,3}(?=(?:\\d{3})*\\b)", TINY_AYA}},
    {.names = " kimi-k2 ", .regex = {KIMI}},
    {.names = " superbpe ", .regex = {"\\p{N}+", "(?=(\\d{3})+(?!\\d))"}},
    {.names = " youtu ",
     .regex = {"[\\x{AC00}-\\x{D7A3}\\x{3131}-\\x{318E}]+"
               "|[\\x{FF01}\\x{2026}\\x{201C}\\x{201D}\\x{2018}\\x{2019}"
               "\\x{2014}\\x{FF1A}\\x{FF1B}\\x{FF0C}\\x{3001}-\\x{303F}"
               "\\x{FE30}-\\x{FE4F}]+|[\\x{3105}-\\x{312F}]+|" HAN_KANA,
               YOUTU},
     .ignore_merges = true},
    {.names = " deepseek-llm ",
     .regex = {"[\\r\\n]", "\\s?" CASED_LETTERS,
               "\\s?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}"
               "\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+",
               "\\s+$", HAN_HANGUL, "\\p{N}+"}},
    {.names = " deepseek-coder ",
     .regex = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", HAN_HANGUL, "\\p{N}"}},
    {.names = " deepseek-v3 hunyuan-dense joyai-llm hy_v4 ",
     .regex = {"\\p{N}{1,3}", HAN_KANA, DEEPSEEK_WORDS DEEPSEEK_SIGNS SPACES}},
    {.names = " spark2_5 ",
     .regex = {"\\p{N}{1,3}", HAN_KANA,
               DEEPSEEK_WORDS "| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+",
               "\\p{N}"}},
    {.names = " afmoe ",
     .regex = {THREES, ASIAN, DEEPSEEK_WORDS DEEPSEEK_SIGNS SPACES}},
    {.names = " bloom poro-chat gpt3-finnish ", .regex = {BLOOM}},
    {.names = " viking ", .regex = {BLOOM, "\\p{N}"}},
    {.names = " chameleon ",
     .regex = {"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
               "([\\t\\n]|    |  )", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]", WORDS},
     .add_bos = true},
    {.names = " gemma4 granite-embed-multi-311m ",
     .regex = {LINES},
     .add_bos = true,
     .plain = true},
    {.names = " sarvam-moe ", .regex = {LINES}, .plain = true},
    {.names = " default ",
     .regex = {"[\\p{P}\\$\\+<=>\\^~\\|]+", WORDS, "\\p{N}+",
               "[0-9][0-9][0-9]"}},
};

const struct gguf_pre *
gguf_pre_at(int i)
{
    const int n = (int)(sizeof(rows) / sizeof(rows[0]));

    return i >= 0 && i < n ? &rows[i] : NULL;
}

const struct gguf_pre *
gguf_pre_find(const char *name)
{
    const struct gguf_pre *p;
    char key[64];
    const int n = snprintf(key, sizeof(key), " %s ", name);

    if (n >= (int)sizeof(key) || strchr(name, ' '))
        return NULL;
    for (int i = 0; (p = gguf_pre_at(i)); i++)
        if (strstr(p->names, key))
            return p;
    return NULL;
}
