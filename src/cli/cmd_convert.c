/* cmd_convert.c -- `trivium convert`: one edge of the triangle. */
#include <string.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/learning.h"
#include "cli/textio.h"

struct convert_args {
    const char *model, *base, *from, *to;
    bool any_base, json;
    trv_convert_options o;
};

static const struct convert_args convert_defaults = {
    .o = TRV_CONVERT_OPTIONS_INIT,
};

#define BY_METHOD "by the method"

static const struct opt_spec convert_opts[] = {
    OPT_TEXT(struct convert_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = "a model's folder or .gguf file"),
    OPT_TEXT(struct convert_args, from, 'f', "from", .value = "A",
             .required = true,
             .help = "what to convert: prompt:TEXT, prompt:@FILE (byte for "
                     "byte: end it with what parts it from the input), "
                     "messages:FILE, demos:FILE, retrieve:FILE, lora:DIR, "
                     "verifier:CHECK and other rewards, "
                     "or an artefact's folder"),
    OPT_TEXT(
        struct convert_args, to, 't', "to", .value = "FORM:OUT",
        .required = true,
        .help =
            "the form to make and the folder to write: of a prompt "
            "lora:OUT, adapter:OUT, full:OUT (all weights), prefix:OUT, "
            "soft:OUT, contrast:OUT, judge:OUT or head:OUT; of parameters "
            "lora:OUT, adapter:OUT, full:OUT, prefix:OUT, soft:OUT, text:OUT, "
            "demos:OUT, ratio:OUT or head:OUT; of a reward lora:OUT, "
            "adapter:OUT, full:OUT, prefix:OUT, soft:OUT, prompt:OUT, "
            "text:OUT, messages:OUT or demos:OUT"),
    OPT_TEXT(
        struct convert_args, o.method, 0, "method", .value = "NAME",
        .shown = "the first that fits",
        .help =
            "how: distill (match the whole distribution), features (hidden "
            "states, too), sft (learn the samples) or, for lora, solve (a "
            "closed form, in seconds) of a prompt or parameters; dpo, grpo, "
            "bon, tilt or ppo for the lora of a reward, or distill where it "
            "has a value for each token; head (learn pairs) or regress (by how "
            "much they differ) for head; evolve (search for an instruction) "
            "or text (token by token) for the text of a reward; "
            "else the name of what is made"),
    OPT_TEXT(struct convert_args, base, 0, "base", .value = "PATH",
             .shown = "the model itself",
             .help = "the model that --from belongs to: what it changes there "
                     "is carried to this model, by the log-ratio of tokens, or "
                     "of whole texts where the tokenizers differ (then go on "
                     "as from a reward)"),
    OPT_TEXT(struct convert_args, o.via, 0, "via", .value = "FORMS",
             .shown = "none",
             .help = "forms or kinds to go through, as in reward or "
                     "lora,ratio; each is an artefact in OUT.via. --method is "
                     "then the last conversion's, or one for each, parted by "
                     "commas"),
    OPT_TEXT(struct convert_args, o.inputs, 'i', "inputs", .value = "FILE",
             .shown = "sampled from the model",
             .help = "inputs to learn on: .jsonl, .json or .txt"),
    OPT_FLAG(struct convert_args, o.replace, 0, "replace",
             "overwrite an artefact that is already there"),
    OPT_FLAG(struct convert_args, o.resume, 0, "resume",
             "go on from where an earlier run was stopped; with --replace, "
             "over what it was to replace"),
    OPT_FLAG(struct convert_args, any_base, 0, "any-base",
             "take an artefact that was made for another model"),
    OPT_FLAG(struct convert_args, json, 'j', "json", "print one JSON object"),
    OPT_GROUP("Rewards"),
    OPT_NUM(struct convert_args, o.beta, 0, "beta", .lo = 0, .hi = 1e6,
            .shown = BY_METHOD,
            .help = "factor of a ratio or a contrast, 1; from a reward to "
                    "lora or to words, the reward that a nat of KL from the "
                    "base costs: dpo and tilt 0.1, rloo and ppo 0.05, text "
                    "0.01, grpo, evolve and demos 0"),
    OPT_TEXT(struct convert_args, o.against, 0, "against", .value = "A",
             .shown = "base",
             .help = "what a contrast takes off, and whose answers a head "
                     "rejects"),
    OPT_GROUP("From a reward to lora"),
    OPT_INT(struct convert_args, o.group, 0, "group", .lo = 0, .hi = 4096,
            .unit = "answers", .shown = "0, 8",
            .help = "drawn for each input and compared"),
    OPT_TEXT(struct convert_args, o.pairs, 0, "pairs", .value = "FILE",
             .shown = "made by the reward",
             .help = "pairs for dpo, with prompt, chosen and rejected; "
                     "--from base needs no reward"),
    OPT_TEXT(struct convert_args, o.loss, 0, "loss", .value = "NAME",
             .shown = "sigmoid, dapo",
             .help = "dpo: sigmoid, ipo, hinge or kto; grpo: dapo, grpo, bnpo "
                     "or dr_grpo"),
    OPT_CHOICE(struct convert_args, o.pairing, 0, "pairing", .value = "NAME",
               .choices = "best|all", .shown = "all where labels are soft",
               .help = "dpo: the best answer with the worst, or all pairs"),
    OPT_NUM(struct convert_args, o.margin, 0, "margin", .lo = 0, .hi = 1e9,
            .help = "dpo: rewards of a pair differ by more"),
    OPT_CHOICE(struct convert_args, o.labels, 0, "labels", .value = "NAME",
               .choices = "soft|hard", .shown = "soft where it can be",
               .help = "dpo: soft counts a pair by the difference of its "
                       "rewards, so that the optimum is p0 exp(r / beta); "
                       "hard as won or lost"),
    OPT_NUM(struct convert_args, o.label_smoothing, 0, "label-smoothing",
            .lo = 0, .hi = 0.499,
            .help = "dpo: share of pairs taken to be marked wrong"),
    OPT_NUM(struct convert_args, o.sft_weight, 0, "sft-weight", .lo = 0,
            .hi = 1000,
            .help = "dpo: weight of the chosen answers' own likelihood, which "
                    "keeps it from falling with the rejected ones' (TRL's "
                    "rpo_alpha)"),
    OPT_CHOICE(struct convert_args, o.advantage, 0, "advantage",
               .value = "NAME", .choices = "group|batch|none|rloo",
               .help = "grpo: what an advantage is divided by, or leave one "
                       "out"),
    OPT_NUM(struct convert_args, o.clip_ratio, 0, "clip-ratio", .lo = 0,
            .hi = 100,
            .help = "grpo, ppo: how far a probability ratio counts from 1"),
    OPT_INT(struct convert_args, o.updates, 0, "updates", .lo = 1, .hi = 1000,
            .help = "grpo, ppo: steps on each batch of answers"),
    OPT_NUM(struct convert_args, o.gae_lambda, 0, "gae-lambda", .lo = 0,
            .hi = 1, .help = "ppo: 0 trusts the values, 1 what came"),
    OPT_TEXT(struct convert_args, o.eval, 0, "eval", .value = "FILE",
             .help = "held-out inputs: how the reward does there is said"),
    OPT_NUM(struct convert_args, o.max_kl, 0, "max-kl", .lo = 0, .hi = 1e6,
            .unit = "nats per token",
            .help = "distance from the base that is warned of; 0: none"),
    LEARNING_LORA(struct convert_args),
    LEARNING_VIRTUAL(struct convert_args),
    LEARNING_BOTTLENECK(struct convert_args),
    OPT_GROUP("Prompts of words, whichever way they are found"),
    OPT_INT(struct convert_args, o.prompt_tokens, 0, "prompt-tokens", .lo = 1,
            .hi = 4096, .unit = "tokens", .help = "of the prompt at most"),
    OPT_NUM(struct convert_args, o.length_cost, 0, "length-cost", .lo = 0,
            .hi = 1e6,
            .help = "reward, or loss, that each of its tokens costs"),
    OPT_GROUP("A search token by token: text"),
    OPT_INT(struct convert_args, o.search.width, 0, "width", .lo = 0,
            .hi = 65536, .unit = "prompts", .shown = "by their cost, 32 to 512",
            .help = "candidates of a step"),
    OPT_INT(struct convert_args, o.search.top_k, 0, "top-k", .lo = 1,
            .hi = INT32_MAX, .unit = "tokens",
            .help = "that the gradient puts up for each place"),
    OPT_INT(struct convert_args, o.search.restarts, 0, "restarts", .lo = 1,
            .hi = 10000,
            .help = "searches from different texts; where they disagree the "
                    "result is poor, and that is said"),
    OPT_INT(struct convert_args, o.search.patience, 0, "patience", .lo = 1,
            .hi = INT32_MAX, .unit = "steps",
            .help = "without gain before the search goes on from the best so "
                    "far with its end written anew"),
    OPT_NUM(struct convert_args, o.search.fluency, 0, "fluency", .lo = 0,
            .hi = 1e6,
            .help = "weight of the prompt's own -log probability, nats per "
                    "token, in the loss"),
    OPT_TEXT(struct convert_args, o.search.start, 0, "search-from",
             .value = "TEXT", .shown = "the best of the model's own texts",
             .help = "text that the first search starts from"),
    OPT_GROUP("The teacher's samples"),
    OPT_INT(struct convert_args, o.samples, 'n', "samples", .lo = 0,
            .hi = INT32_MAX, .shown = BY_METHOD,
            .help = "how many in all; 0 leaves it to the method"),
    OPT_INT(struct convert_args, o.max_tokens, 0, "max-tokens", .lo = 0,
            .hi = INT32_MAX, .unit = "tokens", .shown = BY_METHOD,
            .help = "length of each answer; 0 leaves it to the method"),
    OPT_NUM(struct convert_args, o.temperature, 0, "temperature", .lo = 0,
            .hi = 100, .help = "of the teacher's answers"),
    OPT_CHOICE(struct convert_args, o.divergence, 0, "divergence",
               .value = "NAME", .choices = "forward|reverse|jsd",
               .help = "what distill makes small"),
    OPT_NUM(struct convert_args, o.on_policy, 0, "on-policy", .lo = 0, .hi = 1,
            .help = "share of batches on the student's own samples"),
    OPT_NUM(struct convert_args, o.features_weight, 0, "features-weight",
            .lo = 0, .hi = 1e6,
            .help = "features: what the distance of hidden states, as a share "
                    "of the teacher's, counts beside a nat"),
    OPT_TEXT(struct convert_args, o.features_layers, 0, "features-layers",
             .value = "LAYERS",
             .help = "features: layers after which they are matched: all, "
                     "upper (half), last, or numbers as in 4,8"),
    OPT_GROUP("Optimisation"),
    OPT_CHOICE(struct convert_args, o.save_as, 0, "save-as", .value = "TYPE",
               .choices = "bf16|f32",
               .help = "full: numbers that all weights are written as"),
    OPT_CHOICE(struct convert_args, o.init, 0, "init", .value = "NAME",
               .choices = "zero|solve",
               .help = "where training starts: from no update, or from what "
                       "the method solve gives"),
    OPT_INT(struct convert_args, o.learn.steps, 0, "steps", .lo = 0,
            .hi = INT32_MAX, .shown = BY_METHOD,
            .help = "optimiser steps; 0 leaves it to the method"),
    OPT_INT(struct convert_args, o.learn.batch, 'b', "batch", .lo = 0,
            .hi = 65536, .unit = "rows", .shown = BY_METHOD,
            .help = "rows of a step; 0 leaves it to the method"),
    LEARNING_OPTIMISER(struct convert_args),
    OPT_SEED(struct convert_args, o.seed, 's', "seed",
             .help = "the same seed gives the same bytes"),
    OPT_GROUP("Instructions that evolve, and demonstrations"),
    OPT_INT(struct convert_args, o.evolve.rounds, 0, "rounds", .lo = 0,
            .hi = 1000000, .help = "rounds of proposals"),
    OPT_INT(struct convert_args, o.evolve.population, 0, "population", .lo = 1,
            .hi = 4096, .help = "proposals of a round"),
    OPT_INT(struct convert_args, o.evolve.inputs, 0, "search-inputs", .lo = 1,
            .hi = 100000, .unit = "inputs",
            .help = "inputs that candidates are compared on"),
    OPT_INT(struct convert_args, o.evolve.held_out, 0, "held-out", .lo = 0,
            .hi = 100000, .unit = "inputs",
            .help = "further inputs, looked at only for the report at the end"),
    OPT_INT(struct convert_args, o.evolve.minibatch, 0, "minibatch", .lo = 1,
            .hi = 100000, .unit = "inputs",
            .help = "inputs of a candidate's first trial"),
    OPT_INT(struct convert_args, o.evolve.answers, 0, "answers", .lo = 1,
            .hi = 1000, .help = "answers to each input under each candidate"),
    OPT_TEXT(struct convert_args, o.evolve.phrases, 0, "phrases",
             .value = "FILE",
             .help = "phrases to begin with and to put in, one a line; with "
                     "--propose edits, instructions are made of these alone"),
    OPT_CHOICE(struct convert_args, o.evolve.propose, 0, "propose",
               .value = "WHAT", .choices = "all|edits|model",
               .help = "who proposes: edits of what is there, the model "
                       "itself, or both"),
    OPT_TEXT(struct convert_args, o.evolve.proposer, 0, "proposer",
             .value = "URL",
             .help = "an OpenAI-compatible endpoint that proposes, too, as in "
                     "http://localhost:8080/v1; its key is read from "
                     "TRIVIUM_PROPOSER_KEY"),
    OPT_TEXT(struct convert_args, o.evolve.proposer_model, 0, "proposer-model",
             .value = "NAME", .help = "the model to ask there"),
    OPT_INT(struct convert_args, o.evolve.proposer_calls, 0, "proposer-calls",
            .lo = 0, .hi = 1000000000, .unit = "calls",
            .help = "calls at most, those that fail included"),
    OPT_INT(struct convert_args, o.evolve.proposer_tokens, 0, "proposer-tokens",
            .lo = 0, .hi = 1000000000, .unit = "tokens",
            .help = "tokens at most, of all requests and replies"),
    OPT_NUM(struct convert_args, o.evolve.proposer_timeout, 0,
            "proposer-timeout", .lo = 0.001, .hi = 1e6, .unit = "seconds",
            .help = "time limit of a call"),
    OPT_INT(struct convert_args, o.evolve.demos, 'k', "demos", .lo = 1,
            .hi = 64, .help = "demonstrations, at most"),
    OPT_TEXT(struct convert_args, o.evolve.demos_template, 0, "demos-template",
             .value = "TEXT", .shown = "{input}{output} and two newlines",
             .help = "how a demonstration stands before a text"),
    OPT_END,
};

static bool
makes_head(const struct convert_args *a)
{
    return strncmp(a->to, "head:", 5) == 0;
}

/* Rewards that are made without samples and steps. */
static bool
makes_view(const struct convert_args *a)
{
    static const char *const forms[] = {"ratio:", "contrast:", "judge:"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (strncmp(a->to, forms[i], strlen(forms[i])) == 0)
            return true;
    return false;
}

static void
print_reward(FILE *f, const struct convert_args *a, const trv_cost *cost)
{
    char x[HUMAN_MAX];

    fprintf(f, "made    %s, %s; nothing had to be trained\n",
            learning_path(a->to), human_bytes(x, (double)cost->artefact_bytes));
}

/* Words: what was made of a reward or of parameters is best tried out. */
static bool
makes_words(const char *to)
{
    static const char *const forms[] = {
        "prompt:", "text:", "messages:", "demos:"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (strncmp(to, forms[i], strlen(forms[i])) == 0)
            return true;
    return false;
}

static void
print_next(FILE *f, const struct convert_args *a, const trv_cost *cost)
{
    if (cost->judged > 0 ||
        makes_words(a->to)) { // its source acts in no way to be measured by
        fputs("\nNext, see what it says:\n  trivium generate --model ", f);
        textio_print_quoted(f, a->model);
        fputs(" --adaptation ", f);
        textio_print_quoted(f, learning_path(a->to));
        fputs(" PROMPT\n", f);
        return;
    }
    if (makes_view(a) || makes_head(a)) {
        fputs("\nNext, score answers with it:\n  trivium score --model ", f);
        textio_print_quoted(f, a->model);
        fputs(" --adaptation ", f);
        textio_print_quoted(f, learning_path(a->to));
        fputs(" --data FILE\n", f);
        return;
    }
    fputs("\nNext, measure what was kept:\n  trivium measure --model ", f);
    textio_print_quoted(f, a->model);
    fputs(" --source ", f);
    textio_print_quoted(f, a->from);
    fputs(" --target ", f);
    textio_print_quoted(f, learning_path(a->to));
    if (a->any_base)
        fputs(" --any-base", f);
    fputc('\n', f);
}

/* What is converted, where it belongs to another model. */
static int
open_from(trv_adaptation **out, trv_model *m, const struct convert_args *a,
          trv_err *err)
{
    const size_t size = a->base ? strlen(a->base) + strlen(a->from) + 8 : 0;
    char *spec;
    int rc;

    if (!a->base)
        return trv_adaptation_open(out, m, a->from, a->any_base, err);
    spec = malloc(size);
    if (!spec)
        return TRV_ENOMEM;
    snprintf(spec, size, "on:%s,%s", a->base, a->from);
    rc = trv_adaptation_open(out, m, spec, a->any_base, err);
    free(spec);
    return rc;
}

static enum cli_exit
convert_run(struct cli *cli, const void *args)
{
    const struct convert_args *a = args;
    trv_convert_options o = a->o;
    trv_model *m = NULL;
    trv_adaptation *from = NULL;
    trv_cost cost = {0};
    trv_err err = {0};
    enum cli_exit status = learning_check_to(cli, a->to);

    if (status)
        return status;
    o.on_message = cli_message;
    o.message_payload = cli;
    if (cli_model_open(cli, &m, a->model, &err) ||
        open_from(&from, m, a, &err)) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_catch_interrupt();
    if (trv_convert(m, &cost, from, a->to, &o, term_progress, &cli->term,
                    &err)) {
        term_done(&cli->term);
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_done(&cli->term);
    if (a->json) {
        learning_json(cli->out, a->model, a->from, a->to, &cost);
    } else {
        if (makes_view(a))
            print_reward(cli->out, a, &cost);
        else
            learning_report(cli->out, a->to, "samples", &cost);
        if (!cli->globals->quiet)
            print_next(cli->out, a, &cost);
    }
    status = cli_finish(cli);
done:
    trv_adaptation_free(from);
    trv_model_free(m);
    return status;
}

const struct cmd_entry cmd_convert = {
    .name = "convert",
    .summary = "turn an adaptation into another form",
    .description =
        "Turn an adaptation into another form and write it as a folder that "
        "other programs read too: LoRA, prefix and soft prompt are PEFT's. "
        "A prompt can become a LoRA or an adapter; a LoRA or an adapter, and a "
        "prompt of text too, a prefix or a soft prompt. A prompt can become "
        "a reward: contrast compares the prompted model with "
        "the base (or --against another prompt), judge asks the model whether "
        "an answer obeys the prompt. A LoRA can become the reward that it is "
        "the optimum of: ratio. Those rewards need no training; they refer to "
        "the LoRA's folder and copy a prompt. Either can become a reward model "
        "of its own, head, which is learned from pairs of answers: a LoRA's "
        "and the base's, ranked by the ratio, or a prompt's and the "
        "base's (or those of --against). A reward, or pairs of answers, can "
        "become a LoRA: dpo, bon and tilt learn from answers of the base that "
        "the reward has scored, grpo and ppo from the student's own. A LoRA or "
        "a reward becomes a prompt of text (or messages) by a search, token by "
        "token, for words under which the base answers so.\n\n"
        "Ctrl-C saves what was done; the same command with --resume goes on "
        "and ends with the same bytes as if it had not been stopped.",
    .examples = "trivium convert --model MODEL --from prompt:@z.txt "
                "--to lora:out/z\n"
                "trivium convert --model MODEL --from prompt:@z.txt "
                "--to lora:out/z \\\n"
                "    --inputs train.jsonl --rank 32\n"
                "trivium convert --model MODEL --from lora:out/z "
                "--to prefix:out/p\n"
                "trivium convert --model MODEL --from lora:out/z "
                "--to text:out/words \\\n"
                "    --prompt-tokens 12 --restarts 4\n"
                "trivium convert --model MODEL --from lora:out/z --to "
                "ratio:out/r\n"
                "trivium convert --model MODEL --from verifier:number "
                "--to lora:out/sums \\\n"
                "    --method grpo --inputs sums.jsonl --eval held_out.jsonl\n"
                "trivium convert --model MODEL --from verifier:number "
                "--to prompt:out/z \\\n"
                "    --inputs sums.jsonl",
    .opts = convert_opts,
    .args_size = sizeof(struct convert_args),
    .defaults = &convert_defaults,
    .run = convert_run,
};
