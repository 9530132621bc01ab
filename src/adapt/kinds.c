/* kinds.c -- the registry: one row a kind.
 *
 * What a kind is made of lies in its own file; here are only its row and, where
 * that file knows nothing of adaptations, the few lines that join both.
 */
#include <string.h>

#include "adapt/cross_model.h"
#include "adapt/mix.h"
#include "adapt/params/bottleneck_file.h"
#include "adapt/params/lora_gguf.h"
#include "adapt/params/lora_mlx.h"
#include "adapt/params/peft.h"
#include "adapt/prompt/demos.h"
#include "adapt/prompt/peft_virtual.h"
#include "adapt/prompt/prompt_text.h"
#include "adapt/prompt/retrieve.h"
#include "adapt/reward/judge.h"
#include "adapt/reward/reward_open.h"
#include "adapt/reward/scorer.h"
#include "adapt/reward/verifier.h"
#include "base/mem.h"
#include "base/nearest.h"

/* ---- parameters and virtual tokens -------------------------------------- */

static int
open_lora(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    struct lora *l = &a->adapter_weights.lora;
    const struct model_config *cfg = &from->m->cfg;
    struct base_patch patch;
    int rc = gguf_lora_is(from->path)
                 ? gguf_lora_read(l, &patch, cfg, from->path, err)
             : mlx_is(from->path) ? mlx_read(l, &patch, cfg, from->path, err)
                                  : peft_read(l, &patch, &a->base_name, cfg,
                                              from->path, false, err);

    /* What it changes in the base is changed in a model of its own. */
    if (!rc && patch.n > 0)
        rc = session_open_beside(&a->full, from->m->path, from->m, NULL, err);
    if (!rc && patch.n > 0)
        rc = base_patch_apply(a->full->model, &patch, err);
    base_patch_release(&patch);
    return rc;
}

/* mlx names its config as PEFT does. */
static int
find_peft(enum kind *kind, const char *dir, trv_err *err)
{
    *kind = KIND_LORA;
    return mlx_is(dir) ? 0 : peft_virtual_kind(kind, dir, err);
}

static int
encode_lora(struct payload_files *out, const struct adapter_weights *t,
            const struct model_config *cfg, const char *base, trv_err *err)
{
    return peft_encode(out, &t->lora, cfg, base, err);
}

static int
open_adapter(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    return bottleneck_file_read(&a->adapter_weights.bottleneck, &a->base_name,
                                &from->m->cfg, from->path, false, err);
}

static int
encode_adapter(struct payload_files *out, const struct adapter_weights *t,
               const struct model_config *cfg, const char *base, trv_err *err)
{
    (void)cfg;
    return bottleneck_file_encode(out, &t->bottleneck, base, err);
}

static int
open_virtual(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    const enum kind kind = from->row->kind;
    const int rc = peft_virtual_read(&a->adapter_weights.virtual, &a->base_name,
                                     &from->m->cfg, from->path, false, err);

    if (rc || (a->adapter_weights.virtual.kind == VIRTUAL_SOFT) ==
                  (kind == KIND_SOFT))
        return rc;
    return err_fail(err, TRV_EFORMAT,
                    "'%s' says %s in '%s' and another kind in '%s'", from->path,
                    kind_name(kind), ARTEFACT_MANIFEST, PEFT_CONFIG);
}

static int
encode_virtual(struct payload_files *out, const struct adapter_weights *t,
               const struct model_config *cfg, const char *base, trv_err *err)
{
    return peft_virtual_encode(out, &t->virtual, cfg, base, err);
}

/* Another model of the same vocabulary. */
static int
open_full(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    char own[HASH_HEX], other[HASH_HEX];
    const struct model *m = from->m, *full;
    int rc;

    rc = session_open_beside(&a->full, from->path, from->m, from->notes, err);
    if (rc)
        return rc;
    full = a->full->model;
    if (!m->tokenizer || !full->tokenizer)
        return err_fail(err, TRV_EFORMAT, "'%s' has no tokenizer",
                        m->tokenizer ? from->path : m->path);
    tokenizer_hash(m->tokenizer, own);
    tokenizer_hash(full->tokenizer, other);
    if (strcmp(own, other) != 0)
        return err_fail(err, TRV_EMISMATCH,
                        "'%s' has another tokenizer than '%s': their tokens "
                        "mean different things",
                        from->path, m->path);
    return 0;
}

/* ---- rewards ------------------------------------------------------------ */

/* A scalar head on a model of its own, or on the base under a LoRA. */
static int
open_head(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    a->reward = mem_calloc(1, sizeof(*a->reward));
    if (a->reward)
        a->reward->conf = json_object();
    if (!a->reward || !a->reward->conf)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", from->path);
    return scorer_open(&a->reward->scorer, &a->base_name, from->notes, from->m,
                       from->path, err);
}

static int
find_head(enum kind *kind, const char *dir, trv_err *err)
{
    bool is;
    const int rc = scorer_find(&is, dir, err);

    *kind = is ? KIND_HEAD : KIND_FULL;
    return rc;
}

/* ---- the rows ----------------------------------------------------------- */

static const struct kind_row rows[] = {
    [KIND_BASE] = {.kind = KIND_BASE,
                   .score = logratio_of_base,
                   .tokens = TOKENS_SHARE},
    [KIND_LORA] = {.kind = KIND_LORA,
                   .prefix = "lora",
                   .usage = "lora:DIR",
                   .summary = "a LoRA: a folder of PEFT or mlx, a GGUF file",
                   .subject = SUBJECT_FOLDER,
                   .payload = PEFT_WEIGHTS,
                   .config = PEFT_CONFIG,
                   .mark = PEFT_CONFIG,
                   .find = find_peft,
                   .is_file = gguf_lora_is,
                   .open = open_lora,
                   .encode_weights = encode_lora,
                   .score = logratio_of_adaptation,
                   .tokens = TOKENS_RATIO},
    [KIND_FULL] = {.kind = KIND_FULL,
                   .prefix = "full",
                   .usage = "full:DIR",
                   .summary = "all weights: a model with the same tokenizer",
                   .subject = SUBJECT_FOLDER,
                   .open = open_full,
                   .score = logratio_of_adaptation,
                   .tokens = TOKENS_RATIO},
    [KIND_ADAPTER] = {.kind = KIND_ADAPTER,
                      .prefix = "adapter",
                      .usage = "adapter:DIR",
                      .summary = "bottleneck adapters: a folder",
                      .subject = SUBJECT_FOLDER,
                      .payload = BOTTLENECK_WEIGHTS,
                      .config = BOTTLENECK_CONFIG,
                      .mark = BOTTLENECK_CONFIG,
                      .open = open_adapter,
                      .encode_weights = encode_adapter,
                      .score = logratio_of_adaptation,
                      .tokens = TOKENS_RATIO},
    [KIND_MIX] = {.kind = KIND_MIX,
                  .prefix = "mix",
                  .usage = "mix:W*A+W*B",
                  .summary = "several at once, each by its weight",
                  .subject = SUBJECT_SUM,
                  .open = mix_open,
                  .score = logratio_of_adaptation,
                  .tokens = TOKENS_RATIO},
    [KIND_TEXT] = {.kind = KIND_TEXT,
                   .prefix = "prompt",
                   .usage = "prompt:TEXT, prompt:@FILE",
                   .summary = "a text right before the input",
                   .subject = SUBJECT_WORDS,
                   .payload = PROMPT_TEXT_FILE,
                   .mark = PROMPT_TEXT_FILE,
                   .open = prompt_open_text,
                   .encode_prompt = prompt_encode_text,
                   .score = logratio_of_adaptation,
                   .tokens = TOKENS_RATIO},
    [KIND_MESSAGES] = {.kind = KIND_MESSAGES,
                       .prefix = "messages",
                       .usage = "messages:FILE",
                       .summary = "JSON messages before a chat's own",
                       .subject = SUBJECT_FILE,
                       .payload = PROMPT_MESSAGES_FILE,
                       .mark = PROMPT_MESSAGES_FILE,
                       .open = prompt_open_messages,
                       .encode_prompt = prompt_encode_messages,
                       .score = logratio_of_adaptation,
                       .tokens = TOKENS_RATIO},
    [KIND_DEMOS] = {.kind = KIND_DEMOS,
                    .prefix = "demos",
                    .usage = "demos:FILE",
                    .summary = "demonstrations, before the input",
                    .subject = SUBJECT_LISTED,
                    .example = "demos:demos.jsonl,form=chat",
                    .options = demos_options,
                    .payload = DEMOS_FILE,
                    .mark = DEMOS_FILE,
                    .open = prompt_open_demos,
                    .encode_prompt = prompt_encode_demos,
                    .score = logratio_of_adaptation,
                    .tokens = TOKENS_RATIO},
    [KIND_RETRIEVE] = {.kind = KIND_RETRIEVE,
                       .prefix = "retrieve",
                       .usage = "retrieve:FILE",
                       .summary = "a corpus: what is nearest to the input",
                       .subject = SUBJECT_LISTED,
                       .example = "retrieve:corpus.jsonl,k=2",
                       .options = retrieve_options,
                       .payload = RETRIEVE_FILE,
                       .mark = RETRIEVE_FILE,
                       .open = prompt_open_retrieve,
                       .encode_prompt = prompt_encode_retrieve,
                       .score = logratio_of_adaptation,
                       .tokens = TOKENS_RATIO},
    [KIND_SOFT] = {.kind = KIND_SOFT,
                   .prefix = "soft",
                   .usage = "soft:DIR",
                   .summary = "virtual tokens: PEFT's prompt tuning",
                   .subject = SUBJECT_FOLDER,
                   .payload = PEFT_WEIGHTS,
                   .config = PEFT_CONFIG,
                   .open = open_virtual,
                   .encode_weights = encode_virtual,
                   .score = logratio_of_adaptation,
                   .tokens = TOKENS_RATIO},
    [KIND_PREFIX] = {.kind = KIND_PREFIX,
                     .prefix = "prefix",
                     .usage = "prefix:DIR",
                     .summary = "virtual tokens: PEFT's prefix tuning",
                     .subject = SUBJECT_FOLDER,
                     .payload = PEFT_WEIGHTS,
                     .config = PEFT_CONFIG,
                     .open = open_virtual,
                     .encode_weights = encode_virtual,
                     .score = logratio_of_adaptation,
                     .tokens = TOKENS_RATIO},
    [KIND_HEAD] = {.kind = KIND_HEAD,
                   .prefix = "head",
                   .usage = "head:DIR",
                   .summary = "a reward model: one number an answer",
                   .subject = SUBJECT_FOLDER,
                   .mark = "config.json",
                   .find = find_head,
                   .open = open_head,
                   .score = scorer_score},
    [KIND_RATIO] = {.kind = KIND_RATIO,
                    .prefix = "ratio",
                    .usage = "ratio:A",
                    .summary = "beta (log p_A - log p_base)",
                    .example = "ratio:beta=0.5,lora:out/z",
                    .subject = SUBJECT_SIDES,
                    .options = beta_options,
                    .open = reward_open_sides,
                    .score = logratio_of_sides,
                    .tokens = TOKENS_RATIO,
                    .sides = {"of"},
                    .factor = "beta"},
    [KIND_CONTRAST] = {.kind = KIND_CONTRAST,
                       .prefix = "contrast",
                       .usage = "contrast:A",
                       .summary = "beta (log p_A - log p_B)",
                       .example = "contrast:prompt:@good.txt,"
                                  "minus=prompt:@bad.txt",
                       .subject = SUBJECT_SIDES,
                       .options = beta_options,
                       .open = reward_open_sides,
                       .score = logratio_of_sides,
                       .tokens = TOKENS_RATIO,
                       .sides = {"plus", "minus"},
                       .factor = "beta"},
    [KIND_JUDGE] = {.kind = KIND_JUDGE,
                    .prefix = "judge",
                    .usage = "judge:TEXT",
                    .summary = "the model's own yes or no to an answer",
                    .example = "judge:scale=1-5,The answer is polite.",
                    .subject = SUBJECT_RULE,
                    .options = judge_options,
                    .parse = judge_parse,
                    .open = reward_open_judge,
                    .score = judge_score},
    [KIND_VERIFIER] = {.kind = KIND_VERIFIER,
                       .prefix = "verifier",
                       .usage = "verifier:CHECK",
                       .summary = "a rule that checks the answer's text",
                       .subject = SUBJECT_RULE,
                       .parse = verifier_parse,
                       .open = reward_open_verifier,
                       .score = verifier_scores},
    [KIND_ENDO] = {.kind = KIND_ENDO,
                   .prefix = "endo",
                   .usage = "endo:[A]",
                   .summary = "the reward that a model's logits hold",
                   .example = "endo:alpha=0.5,lora:out/z",
                   .subject = SUBJECT_SIDES,
                   .options = alpha_options,
                   .open = reward_open_sides,
                   .score = endo_score,
                   .tokens = TOKENS_SHARE,
                   .sides = {"of"},
                   .alone = true,
                   .factor = "alpha"},
    [KIND_SUM] = {.kind = KIND_SUM,
                  .prefix = "sum",
                  .usage = "sum:W*REWARD+W*REWARD",
                  .summary = "several rewards, each by its weight",
                  .subject = SUBJECT_SUM,
                  .example = "sum:0.7*verifier:number+0.3*judge:@polite.txt",
                  .options = no_options,
                  .open = reward_open_sum},
    /* A mix, or a ratio where the tokenizers differ. */
    [KIND_COUNT] = {.kind = KIND_MIX,
                    .prefix = "on",
                    .usage = "on:DIR,A",
                    .summary = "what A changes in the model in DIR",
                    .subject = SUBJECT_BESIDE,
                    .open = cross_model_open},
};
#define N_ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

const struct kind_row *
kind_row(enum kind k)
{
    TRV_ASSERT(k < KIND_COUNT && rows[k].kind == k);
    return &rows[k];
}

const struct kind_row *
kind_row_at(int i)
{
    return i < N_ROWS ? &rows[i] : NULL;
}

static void
take_nearer(const char **best, size_t *least, const char *word, size_t n,
            const char *name)
{
    const size_t d = name ? nearest_distance(word, n, name) : SIZE_MAX;

    if (d < *least && nearest_is_near(d, n, name)) {
        *best = name;
        *least = d;
    }
}

const char *
kind_nearest(const char *word, size_t n)
{
    const char *best = NULL;
    size_t least = SIZE_MAX;

    for (int i = 0; i < N_ROWS; i++)
        take_nearer(&best, &least, word, n, rows[i].prefix);
    for (int k = KIND_BASE + 1; k < KIND_COUNT; k++)
        take_nearer(&best, &least, word, n, kind_name((enum kind)k));
    return best;
}

bool
kind_is_described(const struct kind_row *row)
{
    return kind_form(row->kind) == FORM_REWARD && !row->mark;
}
