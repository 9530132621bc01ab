/* cmd_train.c -- `trivium train`: plain learning from given data. */
#include "cli/cmd.h"
#include "cli/learning.h"

struct train_args {
    const char *model, *base_name, *to;
    bool from_scratch, json;
    trv_train_options o;
};

static const struct train_args train_defaults = {
    .o = TRV_TRAIN_OPTIONS_INIT,
};

static const struct opt_spec train_opts[] = {
    OPT_TEXT(struct train_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = CMD_MODEL_HELP),
    OPT_TEXT(struct train_args, o.data, 'd', "data", .value = "FILE",
             .required = true,
             .help = "rows of text, prompt and completion, or messages; of "
                     "dpo, orpo and reward prompt, chosen and rejected; of kto "
                     "prompt, completion and label: .jsonl, .json, .csv, .txt, "
                     "or -"),
    OPT_CHOICE(struct train_args, o.method, 0, "method", .value = "NAME",
               .choices = "sft|dpo|orpo|kto|reward",
               .shown = "sft, or reward for a head",
               .help = "how to learn: from answers as they are, from pairs, "
                       "from answers labelled good or bad, or a reward model"),
    OPT_TEXT(
        struct train_args, to, 't', "to", .value = "FORM:OUT", .required = true,
        .help = "lora:OUT, adapter:OUT, soft:OUT or prefix:OUT, or "
                "full:OUT for all weights, or head:OUT for a reward model"),
    OPT_TEXT(struct train_args, o.eval, 0, "eval", .value = "FILE",
             .shown = "none",
             .help = "held-out rows: their loss is printed before and after; "
                     "of pairs, how many are ranked right"),
    OPT_FLAG(struct train_args, from_scratch, 0, "from-scratch",
             "begin with random weights; the folder needs only config.json "
             "and a tokenizer"),
    OPT_FLAG(struct train_args, o.replace, 0, "replace",
             "overwrite an artefact that is already there"),
    OPT_FLAG(struct train_args, o.resume, 0, "resume",
             "go on from where an earlier run was stopped; with --replace, "
             "over what it was to replace"),
    OPT_FLAG(struct train_args, json, 'j', "json", "print one JSON object"),
    OPT_INT(struct train_args, o.max_length, 0, "max-length", .lo = 0,
            .hi = INT32_MAX, .unit = "tokens", .shown = "1024, or the context",
            .help = "longer rows are cut at their end"),
    OPT_CHOICE(struct train_args, o.loss_on, 0, "loss-on", .value = "WHICH",
               .choices = "last|assistant|all",
               .help = "what carries loss of a conversation or of a prompt "
                       "with its completion: the last answer, every "
                       "assistant's turn, or all"),
    OPT_CHOICE(struct train_args, o.precision, 0, "save-as", .value = "TYPE",
               .choices = "bf16|f32",
               .help = "type in which all weights are saved"),
    OPT_NUM(struct train_args, o.epochs, 0, "epochs", .lo = 0, .hi = 1e6,
            .shown = "1, of preferences 3", .help = "passes over the data"),
    OPT_SEED(struct train_args, o.seed, 's', "seed",
             .help = "the same seed gives the same bytes"),
    OPT_TEXT(struct train_args, o.budget, 0, "budget", .value = "TIME",
             .shown = "10m, for models above 32 million parameters",
             .help = "time that the steps may take, as in 90s, 10m or 2h, "
                     "where neither they nor epochs are given; none takes all"),
    OPT_FLAG(struct train_args, o.dry_run, 0, "dry-run",
             "say what the work would take, and stop before it"),
    OPT_GROUP("Preferences (dpo, orpo, kto)"),
#define TRV_OPTION_GROUP(title) OPT_GROUP(title),
#define TRV_OPTION_FLAG(f, ...) OPT_FLAG(struct train_args, o.f, __VA_ARGS__),
#define TRV_OPTION_INT(f, ...) OPT_INT(struct train_args, o.f, __VA_ARGS__),
#define TRV_OPTION_NUM(f, ...) OPT_NUM(struct train_args, o.f, __VA_ARGS__),
#define TRV_OPTION_TEXT(f, ...) OPT_TEXT(struct train_args, o.f, __VA_ARGS__),
#define TRV_OPTION_CHOICE(f, ...)                                              \
    OPT_CHOICE(struct train_args, o.f, __VA_ARGS__),
#include <trivium/preference_options.def>
    OPT_GROUP("Reward models"),
    OPT_FLAG(struct train_args, o.full, 0, "full",
             "with head: all weights learn, in place of a LoRA"),
    OPT_NUM(struct train_args, o.centre, 0, "centre", .lo = 0, .hi = 1e6,
            .help = "pull of the sum of a pair's scores towards 0; 0.01 is "
                    "usual where there is one"),
#include <trivium/learn_options.def>
    OPT_GROUP("The artefact"),
    OPT_TEXT(struct train_args, base_name, 0, "base-name", .value = "NAME",
             .shown = "its name on the Hub, or its absolute path",
             .help = "what adapter_config.json calls the model, so that PEFT "
                     "finds it"),
    OPT_END,
};

static enum cli_exit
train_run(struct cli *cli, const void *args)
{
    const struct train_args *a = args;
    trv_train_options o = a->o;
    trv_model *m = NULL;
    trv_cost cost = {0};
    trv_err err = {0};
    enum cli_exit status = learning_check_to(cli, a->to);

    if (status)
        return status;
    o.on_message = cli_message;
    o.message_payload = cli;
    if ((a->from_scratch &&
         trv_scratch_open(&o.scratch, a->to, a->model, &o, &err)) ||
        cli_model_open_as(cli, &m,
                          o.scratch ? trv_scratch_path(o.scratch) : a->model,
                          a->base_name, &err)) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_catch_interrupt();
    if (trv_train(m, &cost, a->to, &o, term_progress, &cli->term, &err)) {
        term_done(&cli->term);
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_done(&cli->term);
    if (o.dry_run && a->json)
        learning_plan_json(cli->out, a->model, NULL, a->to, &cost);
    else if (o.dry_run)
        learning_plan(cli->out, &cost);
    else if (a->json)
        learning_json(cli->out, a->model, NULL, a->to, &cost);
    else
        learning_report(cli->out, a->to, cost.judged ? "answers" : "rows",
                        &cost);
    status = cli_finish(cli);
done:
    trv_model_free(m);
    trv_scratch_free(o.scratch);
    return status;
}

const struct cmd_entry cmd_train = {
    .name = "train",
    .summary =
        "learn from given data, into an adapter, a prompt, all weights or a "
        "reward",
    .description =
        "Learn from rows of data: plain text, prompts with completions, or "
        "conversations, of which the last answer is learned (--loss-on takes "
        "more). Only answers carry loss, and their end is learned. A LoRA and "
        "virtual tokens are "
        "written as PEFT has them, all weights as a Hugging Face folder.\n\n"
        "Preferences are learned by --method dpo or orpo from pairs (prompt, "
        "chosen, rejected), and by --method kto from answers that are each "
        "labelled good or bad (prompt, completion, label). It is the same as "
        "convert --from base --pairs; 'trivium help dpo' says more.\n\n"
        "A reward model, head:OUT, is learned from pairs: prompt, chosen and "
        "rejected, or chosen and rejected that begin alike. It gives one "
        "number for an answer, read off its last token, and the chosen answer "
        "shall get the higher one (Bradley-Terry). It is written as a PEFT "
        "adapter with a score, with --full as a folder of sequence "
        "classification; the metrics hold the share of pairs ranked right and "
        "the margin.\n\n"
        "Ctrl-C saves what was done; the same command with --resume goes on "
        "and ends with the same bytes as if it had not been stopped.",
    .examples =
        "trivium train --model MODEL --data rows.jsonl --to lora:out/a\n"
        "trivium train --model DIR --from-scratch --data text.jsonl \\\n"
        "    --to full:out/m --lr 1e-3\n"
        "trivium train --model MODEL --method dpo --data pairs.jsonl \\\n"
        "    --to lora:out/dpo\n"
        "trivium train --model MODEL --method kto --data rated.jsonl \\\n"
        "    --to lora:out/kto\n"
        "trivium train --model MODEL --data pairs.jsonl --to head:out/r",
    .more = "'trivium help training' explains what can be trained and the "
            "optimiser, 'trivium help data' the rows; 'trivium man' has all.",
    .fold_at = "A LoRA",
    .opts = train_opts,
    .args_size = sizeof(struct train_args),
    .defaults = &train_defaults,
    .run = train_run,
};
