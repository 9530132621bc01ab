/* topics.c -- the texts of `trivium help rewards` and so on. Lists that the
 * library has, of specs and of options, are printed from it.
 */
#include "cli/topics.h"

extern const struct cmd_entry cmd_train;

static const struct topic_item checks[] = {
    {"number", "the answer's number equals the row's: the one in \\boxed{}, "
               "behind ####, or the last; column=C, strict=1"},
    {"math", "the answer is mathematically the row's: fractions, roots, sets, "
             "intervals, equations, units; column=C"},
    {"exact", "the answer equals the row's; column=C, case=0"},
    {"regex", "pattern=P matches; by=line|sentence|word|letter, share=1, "
              "case=0, not=1"},
    {"contains", "one of words=A|B|C is there; all=1, share=1, inside=1, "
                 "case=1, not=1"},
    {"length", "between lo=N and hi=N, falling linearly outside; slack=N, "
               "by=words|chars|tokens"},
    {"json", "the answer is one JSON value; keys=A|B, share=1"},
    {"command", "what a program of your own prints for each row; timeout=S, "
                "cmd=COMMAND"},
    {NULL, NULL},
};

static const struct topic_item lists[] = {
    {"demos:", "template=T with {input} and {output}; form=auto, chat or text"},
    {"retrieve:",
     "k=N documents; template=T with {text}, and {title} if wanted"},
    {NULL, NULL},
};

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

const struct topic topics[] = {
    {.name = "rewards",
     .summary = "what scores answers: the kinds of rewards",
     .text =
         "A reward gives each answer to an input a number, and more is better. "
         "It is named by a spec, or by the folder of one that convert or train "
         "made. score prints what it gives, convert learns from it, generate "
         "chooses by it (--act), and measure --task compares by it.\n\n"
         "A and B are specs of parameters or prompts; @FILE reads the text of "
         "a judge from a file. Factors stand first, as in "
         "ratio:beta=0.5,lora:DIR. A contrast takes its other prompt behind "
         "minus=: contrast:prompt:@good.txt,minus=prompt:@bad.txt. ratio, "
         "contrast and endo have a value for each token.",
     .form = "reward",
     .title = "Checks, as in verifier:contains,words=yes|no",
     .items = checks,
     .examples =
         "trivium score --model MODEL --data answers.jsonl \\\n"
         "    --adaptation \"sum:0.7*verifier:number+0.3*judge:Be brief.\"\n"
         "trivium score --model MODEL --data answers.jsonl \\\n"
         "    --adaptation ratio:beta=0.5,lora:out/z --tokens"},
    {.name = "prompts",
     .summary = "what stands before an input: the kinds of prompts",
     .text =
         "A prompt of text stands right before the input, byte for byte: end "
         "it "
         "with the blank or the empty line that should part the two. In a chat "
         "it becomes, or joins, the system message. convert makes prompts, "
         "too: text by a search (text, evolve), demonstrations (demos), and "
         "virtual tokens (soft, prefix), which are PEFT folders.",
     .form = "prompt",
     .title = "Further options of a spec, behind a comma",
     .items = lists,
     .examples =
         "trivium generate --model MODEL \"Once upon a time\" \\\n"
         "    --adaptation \"prompt:Be brief. \"\n"
         "trivium generate --model MODEL \"3\" \\\n"
         "    --adaptation \"demos:demos.jsonl,template={input}={output};\""},
    {.name = "data",
     .summary = "files of inputs, rows and pairs, and their columns",
     .text =
         "Files are JSON lines (.jsonl), a JSON array (.json), or plain text "
         "(.txt), each line of it a row with the column text. --inputs takes "
         "inputs, and what answers the rows have is left aside; --data of "
         "train "
         "and score takes rows with answers; --pairs takes preference pairs. "
         "Columns are TRL's. Those of Alpaca, ShareGPT, Dolly, OpenAI and "
         "LLaMA-Factory, question with answer, and pairs of chosen and "
         "rejected alone are understood, too. A column that nothing reads is "
         "named in one warning; it stays in the row for a check that names it "
         "(column=) and for verifier:command.",
     .title = "Columns",
     .items = columns,
     .examples =
         "trivium convert --model MODEL --from base --to lora:out/liked \\\n"
         "    --pairs pairs.jsonl\n"
         "trivium score --model MODEL --adaptation base --data pairs.jsonl"},
    {.name = "formats",
     .summary = "models and adapters that are read and written",
     .text =
         "--model takes a Hugging Face folder or a GGUF file; all weights are "
         "written as such a folder. LoRA, prefix and soft prompt are PEFT's "
         "folders and open in other programs unchanged. trivium.json beside "
         "them says which model an artefact was made for, how, and from what; "
         "'trivium inspect' prints it. An artefact that was made for another "
         "model is refused unless --any-base is given.",
     .form = "params",
     .title = "Models",
     .items = formats,
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
     .title = "Exit status",
     .items = exits,
     .examples =
         "trivium convert --model MODEL --from prompt:@z.txt --to lora:out/z "
         "\\\n"
         "    --json | jq .error.code"},
    {.name = NULL},
};
