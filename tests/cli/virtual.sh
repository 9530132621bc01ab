# Virtual tokens and bottlenecks: made, looked at, measured, used, refused.
. "$SUPPORT/cli.sh"
need_tiny
printf '{"prompt": "One"}\n{"prompt": "Two"}\n{"prompt": "Three"}\n' >in.jsonl
make() { # FROM TO OPTIONS...
    local size="--virtual-tokens 3"
    case $2 in lora:*) size="--rank 2" ;; adapter:*) size="--bottleneck 4" ;; esac
    "$TRIVIUM" convert --model tiny --from "$1" --to "$2" --inputs in.jsonl \
        --samples 4 --max-tokens 4 --steps 2 --batch 2 $size "${@:3}" 2>notes >report || cat notes
    sed -n 's/^made *\([^,]*\),.*/made \1/p' report
    grep -o 'start from [a-z ]*' notes
}
make "prompt:Say it." lora:out/lora
make "prompt:Say it." adapter:out/adapter --places mlp
make lora:out/lora prefix:out/prefix --start "text:Say it."
make out/adapter soft:out/soft --start sampled
make "prompt:Say it." prefix:out/gist --method prefix --start "text:Say"
make out/soft lora:out/back
for made in adapter prefix soft; do
    "$TRIVIUM" inspect out/$made --json | tr -d ' \n' |
        grep -o '"form":"[a-z]*"\|"kind":"[a-z]*"\|"edge":"[a-z>-]*"\|"places":"[a-z]*"\|"virtual_tokens":[0-9]*' |
        sort -u | tr '\n' ' '
    echo
    rm out/$made/trivium.json # as another program would write it
    "$TRIVIUM" inspect out/$made --json | tr -d ' \n' |
        grep -o '"form":"[a-z]*"\|"kind":"[a-z]*"\|"peft_type":"[A-Z_]*"' |
        tr '\n' ' '
    echo
    "$TRIVIUM" generate --model tiny --adaptation $made:out/$made \
        --max-tokens 4 "One" >/dev/null && echo "generated"
    "$TRIVIUM" measure -q --model tiny --source lora:out/lora \
        --target out/$made --inputs in.jsonl --max-tokens 4 >/dev/null &&
        echo "measured"
done
printf '{"text": "one two"}\n{"text": "three"}\n' >rows.jsonl
"$TRIVIUM" train -q --model tiny --data rows.jsonl --to prefix:out/p --steps 2 \
    --virtual-tokens 3 >/dev/null && echo "trained"
t convert --model tiny --from "prompt:Say it." --to mix:out/no
t convert --model tiny --from out/lora --to retrieve:out/no
t convert --model tiny --from base --to ratio:out/no
t convert --model tiny --from out/lora --to soft:out/no --method prefix
t convert --model tiny --from out/lora --to soft:out/no --start nowhere
t convert --model tiny --from out/lora --to soft:out/no --virtual-tokens 128
t generate --model tiny --adaptation lora:out/prefix "One"
t train --model tiny --data rows.jsonl --to prefix:out/no --virtual-tokens 127
echo '{"peft_type": "MULTITASK_PROMPT_TUNING"}' >out/soft/adapter_config.json
t generate --model tiny --adaptation out/soft "One"
