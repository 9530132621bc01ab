# All that acts becomes parameters: a prompt by its hidden states, a LoRA, a
# mix, another model and a reward of tokens; as a LoRA, bottlenecks, all weights.
. "$SUPPORT/cli.sh"
need_tiny
printf '{"prompt": "One"}\n{"prompt": "Two"}\n{"prompt": "Three"}\n' >in.jsonl
make() { # FROM TO OPTIONS...
    local rank='' samples="--samples 64"
    case $2 in lora:*) rank="--rank 4" ;; esac
    case " $* " in *" grpo "*) samples='' ;; esac # it draws its own answers
    "$TRIVIUM" --raw convert --model tiny --from "$1" --to "$2" --inputs in.jsonl \
        $samples --max-tokens 6 --steps 80 --batch 8 $rank --lr 1e-2 \
        --precision f32 \
        "${@:3}" 2>notes >report || cat notes
    sed -n 's/^made *\([^,]*\),.*/made \1/p' report
    grep -o 'all .* weights learn' notes
    "$TRIVIUM" --raw inspect "${2#*:}" --json | tr -d ' \n' |
        grep -o '"kind":"[a-z]*"\|"edge":"[a-z>-]*"\|"method":"[a-z]*"\|"features_[a-z]*":"*[a-z0-9.]*\|"saved_as":"[a-z0-9]*"' |
        tr '\n' ' '
    echo
}
near() { # SOURCE TARGET: is a good part of the way gone?
    "$TRIVIUM" --raw measure -q --json --model tiny --precision f32 --source "$1" --target "$2" \
        --inputs in.jsonl --max-tokens 6 | tr -d ' \n' |
        sed 's/.*"gap_closed":{"mean":\([-0-9.e]*\).*/\1/' |
        awk '{ print ($1 > 0.4 ? "near" : "far: " $1) }'
}
z="prompt:Say it."
make "$z" lora:out/a --method features
near "$z" out/a
make "$z" full:out/b --method features --features-layers last --lr 5e-3 --save-as f32
near "$z" out/b
make lora:out/a adapter:out/c --bottleneck 8 --lr 3e-2
near lora:out/a out/c
make "mix:0.5*out/a+0.5*out/c" full:out/d --lr 5e-3
near "mix:0.5*out/a+0.5*out/c" out/d
make full:out/d lora:out/e --method features
near full:out/d out/e
"$TRIVIUM" --raw convert -q --model other --from "$z" --to lora:out/o --steps 60 \
    --samples 64 --max-tokens 6 --batch 8 --rank 4 --lr 1e-2 --inputs in.jsonl >/dev/null
# Another model's change is more than so small a LoRA holds.
make on:other,lora:out/o full:out/f --steps 600 --samples 512 --lr 5e-3
near on:other,lora:out/o out/f
make ratio:out/a lora:out/g --method distill
near lora:out/a out/g
make "verifier:contains,inside=1,share=1,words=a|e|i" full:out/h --method grpo \
    --group 2 --steps 2 --lr 1e-3
# Stopped and resumed, all weights end as those of a run that was not.
again() { # OUT OPTIONS...
    "$TRIVIUM" --raw convert --model tiny --from "$z" --to "full:$1" --inputs in.jsonl \
        --samples 12 --max-tokens 6 --steps 500 --batch 2 "${@:2}" >log 2>&1
}
again out/i || cat log
set -m # so that a job in the background does not ignore the interrupt
again out/j &
job=$! done=0
while [ "$done" -lt 20 ] && kill -0 "$job" 2>/dev/null; do
    done=$(cat out/j.run/metrics.jsonl 2>/dev/null | wc -l)
    sleep 0.01
done
kill -INT -- "-$job"
wait "$job"
[ -e out/j ] && echo "it was not stopped"
again out/j --resume || cat log
cmp out/i/model.safetensors out/j/model.safetensors && echo "resumed to the same bytes"
t convert --model tiny --from "mix:0.5*$z+0.5*base" --to lora:out/no --method features \
    --inputs in.jsonl
t convert --model tiny --from "$z" --to lora:out/no --method features --features-layers 9
t convert --model tiny --from "$z" --to lora:out/no --method features --features-layers some
t convert --model tiny --from verifier:number --to lora:out/no --method distill
