/* topics.c -- the texts of `trivium help rewards` and so on. Lists that the
 * library has, of specs, checks and options, are printed from it.
 */
#include "cli/topics.h"

#include <stdio.h>
#include <string.h>

extern const struct cmd_entry cmd_train;

/* ---- lines from the library's tables ------------------------------------ */

/* "help; default 3"; a line end of the default is written \n. A flag is told by
 * the value that is not its default. */
static void
option_text(char *out, size_t size, const trv_spec_option *o)
{
    const bool flag = !strcmp(o->value, "0") || !strcmp(o->value, "1");
    size_t at = (size_t)snprintf(out, size, "%s%s", o->help,
                                 o->takes_rest ? "; stands last" : "");

    if (!o->fallback || flag)
        return;
    at += (size_t)snprintf(out + at, size - at, "; default ");
    for (const char *c = o->fallback; *c && at + 3 < size; c++) {
        if (*c == '\n')
            out[at++] = '\\';
        out[at++] = *c == '\n' ? 'n' : *c;
    }
    out[at] = '\0';
}

static void
option_lines(FILE *f, const char *of, topic_line_fn *line)
{
    const trv_spec_option *o;

    for (int32_t i = 0; (o = trv_spec_option_at(of, i)); i++) {
        char term[80], text[400];

        snprintf(term, sizeof(term), "%s=%s", o->name, o->value);
        option_text(text, sizeof(text), o);
        line(f, TOPIC_OPTION, term, text);
    }
}

static void
spec_lines(FILE *f, const char *form, topic_line_fn *line)
{
    const char *usage, *example;

    for (int32_t i = 0; (usage = trv_spec_usage(form, i)); i++) {
        char prefix[32];

        snprintf(prefix, sizeof(prefix), "%.*s", (int)strcspn(usage, ":"),
                 usage);
        line(f, TOPIC_TERM, usage, trv_spec_summary(form, i));
        option_lines(f, prefix, line);
        example = trv_spec_example(form, i);
        if (example)
            line(f, TOPIC_EXAMPLE, example, NULL);
    }
}

void
topic_lines(FILE *f, const struct topic_part *part, topic_line_fn *line)
{
    const trv_check *check;

    if (part->form)
        spec_lines(f, part->form, line);
    for (int32_t i = 0; part->checks && (check = trv_check_at(i)); i++) {
        char of[64];

        snprintf(of, sizeof(of), "verifier:%s", check->name);
        line(f, TOPIC_TERM, check->name, check->summary);
        option_lines(f, of, line);
        line(f, TOPIC_EXAMPLE, check->example, NULL);
    }
    for (const struct topic_item *i = part->items; i && i->term; i++)
        line(f, TOPIC_TERM, i->term, i->text);
}

/* ---- rewards ------------------------------------------------------------- */

static const struct topic_item placeholders[] = {
    {"{answer}", "the answer that is judged; a template must show it"},
    {"{question}", "the input: its text, or the last words of the user"},
    {"{principle}", "what stands behind judge:, or in its @FILE"},
    {NULL, NULL},
};

static const struct topic_item ways[] = {
    {"--act bon", "the best of --best-of answers of the base model (8)"},
    {"--act sir", "one of them, drawn with weights exp(reward / beta)"},
    {"--act guided", "each token drawn with p0 exp(its reward / beta): ratio, "
                     "contrast, endo, and sums of them"},
    {NULL, NULL},
};

static const struct topic_item protocol[] = {
    {"start", "once, by /bin/sh -c, with the first answer; in the folder and "
              "with the environment of trivium; it stays for all answers"},
    {"it reads", "one line of JSON (UTF-8) for each answer: \"prompt\", the "
                 "row's text or, of a chat, its list of {\"role\":, "
                 "\"content\":}; \"completion\", the text of the answer; and "
                 "all other columns of the row under their names"},
    {"it writes", "one line for each line it read, before the next one comes: "
                  "a finite number, or {\"score\": number}; nothing else"},
    {"flushing", "each line, at once: what stays in a buffer is a reply that "
                 "does not come"},
    {"standard error", "is that of trivium: print there what a person shall "
                       "see"},
    {"timeout", "seconds for each reply, the start of the program among them "
                "for the first: timeout=60 where it loads a model"},
    {"end", "its input is closed; half a second later it is killed with all "
            "that it started"},
    {"errors", "a reply that is late, is no number or has a second line, and "
               "a program that ends: the command stops and says which; it is "
               "never a score"},
    {"artefacts", "keep no command: a folder cannot run one"},
    {NULL, NULL},
};

static const struct topic_part rewards[] = {
    {.title = "Specs", .form = "reward"},
    {.title = "Checks of verifier:",
     .text = "Options stand behind the check: "
             "verifier:CHECK,name=value,name=value.",
     .checks = true},
    {.title = "The question of judge:",
     .text = "The model is asked, through its chat template where it has one, "
             "and its reward is read off the probabilities of its answer. "
             "Options stand before the principle; @FILE reads it from a file. "
             "A template shows:",
     .items = placeholders,
     .code = "Principle: {principle}\n"
             "Question: {question}\n"
             "Answer: {answer}\n"
             "Does the answer obey the principle?"},
    {.title = "Sums and weights",
     .text = "sum:W*REWARD+W*REWARD-W*REWARD adds rewards, each times its "
             "weight. A part ends where a sign, a number and a star follow. "
             "Rewards have their own units: checks lie between 0 and 1, ratio, "
             "contrast and judge are in nats. A sum in a sum needs a folder of "
             "its own."},
    {.title = "How a reward acts in generate and chat", .items = ways},
    {.title = "A program of your own: verifier:command,cmd=COMMAND",
     .items = protocol},
    {.title = "Such a program: reward.py, for cmd=python3 reward.py",
     .code = "import json, sys\n"
             "\n"
             "for line in sys.stdin:\n"
             "    row = json.loads(line)\n"
             "    words = row[\"completion\"].split()\n"
             "    print(min(len(words) / 20, 1), flush=True)"},
    {.title = NULL},
};

/* ---- prompts ------------------------------------------------------------- */

static const struct topic_item files[] = {
    {"prompt:@FILE", "the bytes of a text file; the @ reads it, and without it "
                     "the file's name is the prompt"},
    {"messages:FILE", "a JSON array of {\"role\":, \"content\":}, alone or as "
                      "messages of an object; roles: system, developer, user, "
                      "assistant, tool"},
    {"demos:FILE", "rows with an answer: prompt and completion, input and "
                   "output, question and answer, or messages that end with "
                   "the assistant's; they stand in the file's order"},
    {"retrieve:FILE",
     "documents: rows of text, and title where there is one, both searched; "
     "or prompt and completion. Words are compared by their stems "
     "(\"running\" finds \"run\": English, by Porter), ranked by BM25. An "
     "input that no document shares a word with gets none, and the share of "
     "such inputs is said"},
    {"soft:DIR, prefix:DIR",
     "PEFT's folders of prompt tuning and prefix tuning, as convert and train "
     "write them: --to soft:OUT, --virtual-tokens N"},
    {NULL, NULL},
};

static const struct topic_part prompts[] = {
    {.title = "Specs", .form = "prompt"},
    {.title = "What the files hold", .items = files},
    {.title = "Several at once",
     .text = "--adaptation may be repeated, each as A or A=W; "
             "mix:W*A+W*B-W*C names a mix in one spec, for convert, measure "
             "and score as well. log p = log p0 + sum of W (log p_A - log p0): "
             "a weight above 1 exaggerates, one below 0 moves away. Prompts, "
             "LoRAs and whole models mix."},
    {.title = NULL},
};

/* ---- data, formats ------------------------------------------------------- */

static const struct topic_item columns[] = {
#define TRV_COLUMN(NAME, USE, WITH, HELP) {NAME, USE_##USE HELP},
#define USE_READ
#define USE_UNUSED "not used: "
#define USE_REFUSED "refused unless empty: "
#include <trivium/data_columns.def>
    {NULL, NULL},
};

static const struct topic_item formats[] = {
    {"Hugging Face folder",
     "config.json; model.safetensors, sharded or not, F32, F16 or BF16; "
     "tokenizer.json, or vocab.json and merges.txt; the chat template"},
    {"GGUF file",
     "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K (so files "
     "called Q4_K_M and the like), IQ1 to IQ4, MXFP4; in one file or in "
     "shards, any of which opens all; with its tokenizer. A file of a "
     "vocabulary alone tokenizes"},
    {"architectures", "GPT-2, Llama, Mistral, Qwen2, Qwen2.5, Qwen3, OLMo 2, "
                      "OLMo 3, Gemma 2, Gemma 3, Granite 3, Granite 4 (dense), "
                      "SmolLM3, EXAONE 4, Phi-3, Phi-4-mini, Ministral 3, "
                      "GPT-NeoX, StarCoder2, GLM-4"},
    {NULL, NULL},
};

static const struct topic_item exits[] = {
#define EXIT_ITEM(name, value, word, text) {#value " " word, text},
    CLI_EXIT_LIST(EXIT_ITEM)
#undef EXIT_ITEM
        {NULL, NULL},
};

static const struct topic_part data[] = {
    {.title = "Columns", .items = columns},
    {.title = NULL},
};
static const struct topic_part models[] = {
    {.title = "Specs", .form = "params"},
    {.title = "Models", .items = formats},
    {.title = NULL},
};

static const struct topic_part statuses[] = {
    {.title = "Exit status", .items = exits},
    {.title = NULL},
};

/* ---- the topics ---------------------------------------------------------- */

const struct topic topics[] = {
    {.name = "rewards",
     .summary = "what scores answers: the kinds of rewards",
     .text =
         "A reward gives each answer to an input a number, and more is better. "
         "It is named by a spec, or by the folder of one that convert or train "
         "made. score prints what it gives, convert learns from it, generate "
         "chooses by it (--act), and measure --task compares by it.\n\n"
         "A and B are specs of parameters or prompts. Options of ratio, "
         "contrast, endo and judge stand first, as in "
         "ratio:beta=0.5,lora:DIR. A contrast takes its other prompt behind "
         "minus=. ratio, contrast and endo have a value for each token.",
     .parts = rewards,
     .examples =
         "trivium score --model MODEL --data answers.jsonl \\\n"
         "    --adaptation \"sum:0.7*verifier:number+0.3*judge:Be brief.\"\n"
         "trivium score --model MODEL --data answers.jsonl \\\n"
         "    --adaptation ratio:beta=0.5,lora:out/z --tokens"},
    {.name = "prompts",
     .summary = "what stands before an input: the kinds of prompts",
     .text =
         "A model with a chat template takes an input as what a user says, and "
         "a prompt of text as the system message, or before the row's own; "
         "where its template has no place for one the prompt opens the user's "
         "words. With --raw, for rows of text, and for a model without a "
         "template it stands right before the input, byte for byte: end it "
         "with the blank or the empty line that should part the two. Messages "
         "are always a chat. convert makes prompts, "
         "too: text by a search (text, evolve), demonstrations (demos), and "
         "virtual tokens (soft, prefix), which are PEFT folders.",
     .parts = prompts,
     .examples =
         "trivium generate --model MODEL \"Once upon a time\" \\\n"
         "    --adaptation \"prompt:Be brief. \"\n"
         "trivium generate --model MODEL \"3\" \\\n"
         "    --adaptation \"demos:demos.jsonl,template={input}={output};\"\n"
         "trivium generate --model MODEL \"Once upon a time\" \\\n"
         "    --adaptation prompt:@z.txt=1.5 --adaptation \"-0.5*prompt:Be "
         "dull.\""},
    {.name = "data",
     .summary = "files of inputs, rows and pairs, and their columns",
     .text =
         "Files are JSON lines (.jsonl), a JSON array (.json), a table with a "
         "header (.csv, .tsv), or plain text (.txt), each line of it an "
         "input, or to train and score a row with the column text. A model "
         "with a chat template lays a plain prompt out as what a user says, "
         "and its answer as the assistant's; --raw, or --layout raw, as text. "
         "Rows of messages are always chats, rows of text always raw. "
         "Standard input, - or /dev/stdin, is lines or "
         "an array. --inputs takes "
         "inputs, and what answers the rows have is left aside; --data of "
         "train "
         "and score takes rows with answers; --pairs takes preference pairs, "
         "and for kto answers with a "
         "label. "
         "Columns are TRL's. Those of Alpaca, ShareGPT, Dolly, OpenAI and "
         "LLaMA-Factory, question with answer, and pairs of chosen and "
         "rejected alone are understood, too. A column that nothing reads is "
         "named in one warning; it stays in the row for a check that names it "
         "(column=) and for verifier:command.",
     .parts = data,
     .examples =
         "trivium convert --model MODEL --from base --to lora:out/liked \\\n"
         "    --pairs pairs.jsonl\n"
         "trivium score --model MODEL --adaptation base --data pairs.jsonl"},
    {.name = "specs",
     .summary = "how adaptations are written: the grammar of specs",
     .text =
         "A spec is KIND:SUBJECT, the folder or file of an adaptation, "
         "ORG/NAME "
         "of one in the Hugging Face cache, or base. Options are name=value "
         "and parted by commas: behind a check or a file, as in "
         "verifier:length,hi=80 and demos:FILE,form=chat; before an adaptation "
         "or a text, as in ratio:beta=0.5,lora:DIR and judge:scale=1-5,TEXT. "
         "No option is given twice, and none is guessed. An option whose value "
         "may hold commas stands last.\n\n"
         "A weight stands before a star: mix:1.5*A-0.5*B, sum:0.7*R+0.3*R. A "
         "part ends where a sign, a number and a star begin the next. "
         "--adaptation takes W*A and A=W, and several of it are a mix. A mix "
         "stands in no mix, a sum in no sum, and rewards in rewards at most 8 "
         "deep. A text behind prompt: or judge: is taken as it stands; @FILE "
         "reads it from a file. on:DIR,A is what A changes in the model in "
         "DIR.\n\n"
         "'trivium help rewards' and 'trivium help prompts' have the kinds and "
         "their options.",
     .examples = "trivium generate --model MODEL \"Once\" \\\n"
                 "    --adaptation \"mix:1.5*lora:out/z-0.5*prompt:@z.txt\"\n"
                 "trivium score --model MODEL --data rows.jsonl \\\n"
                 "    --adaptation \"contrast:beta=2,prompt:Be kind.,"
                 "minus=prompt:Be rude.\""},
    {.name = "formats",
     .summary = "models and adapters that are read and written",
     .text =
         "--model takes a Hugging Face folder, a GGUF file, or the name of a "
         "model on the Hub that the cache of huggingface_hub holds: ORG/NAME, "
         "ORG/NAME@REVISION, ORG/NAME:FILE.gguf or ORG/NAME:Q4_K_M. Nothing is "
         "fetched: 'hf download ORG/NAME' does that. lora:, full: and the like "
         "take such names, too. All weights are written as a Hugging Face "
         "folder. LoRA, prefix and soft prompt are PEFT's "
         "folders and open in other programs unchanged; their "
         "adapter_config.json names the base as AutoPeftModel finds it "
         "(--base-name). trivium.json beside "
         "them says which model an artefact was made for, how, and from what; "
         "'trivium inspect' prints it. An artefact that was made for another "
         "model is refused unless --any-base is given.",
     .parts = models,
     .examples = "trivium inspect MODEL\n"
                 "trivium inspect out/z"},
    {.name = "training",
     .summary = "options of what is trained, and of the optimiser",
     .text = "train and the methods of convert that train share these options. "
             "Names and defaults follow PEFT and TRL. The optimiser is AdamW. "
             "OUT/metrics.jsonl has a line for each step (it is "
             "OUT.run/metrics.jsonl "
             "until the run ends). Ctrl-C saves what "
             "was done, and --resume goes on to the same bytes.",
     .folded = &cmd_train,
     .examples =
         "trivium train --model MODEL --data rows.jsonl --to lora:out/mine \\\n"
         "    --rank 8 --targets q_proj,v_proj --lr 1e-3 --warmup 0.1"},
    {.name = "exit-codes",
     .summary = "what the exit status says, and failures under --json",
     .text =
         "The result goes to standard output, everything else to standard "
         "error, and the exit status says how a command ended. Under --json a "
         "failure is one more JSON object on standard output, with the word of "
         "the status, its number and the sentence: {\"error\": {\"code\": "
         "\"bad-file\", \"status\": 3, \"message\": \"cannot open ...\"}}.",
     .parts = statuses,
     .examples =
         "trivium convert --model MODEL --from prompt:@z.txt --to lora:out/z "
         "\\\n"
         "    --json | jq .error.code"},
    {.name = NULL},
};
