# Several adaptations at once, by weight.
. "$SUPPORT/cli.sh"
need_tiny
run() {
    "$TRIVIUM" generate --model tiny --max-tokens 12 --seed 3 --ignore-eos \
        --precision f32 "$@" "Once upon"
}
run >base
run -a "prompt:Say it." >alone
run -a "1*prompt:Say it." | cmp alone - && echo "weight 1 is the adaptation itself"
run -a "0*prompt:Say it." | cmp base - && echo "weight 0 is the base"
run -a "0.5*prompt:Say it." -a "0.5*prompt:Say it." | cmp alone - &&
    echo "two halves are a whole"
run -a "mix:0.5*prompt:Say it.+0.5*prompt:Say it." | cmp alone - &&
    echo "so they are in one spec"
run -a "3*prompt:Say it." >strong
cmp -s alone strong || echo "weight 3 is something else"
printf 'Say it.' >z.txt
run -a "prompt:@z.txt=3" | cmp strong - && echo "A=W is W*A"
run -a "prompt:Say it.=3" >text
cmp -s strong text || echo "a text keeps its equals sign"
run -a full:tiny | cmp base - && echo "the model itself as another model"
run -a "2*full:tiny" -a "-2*base" | cmp base - && echo "expert against itself"
# Mistakes.
t generate --model tiny -a mix: Once
t generate --model tiny -a mix:prompt:hi Once
t generate --model tiny -a "mix:1*mix:2*base" Once
t generate --model tiny -a "1e999*prompt:hi" -a base Once
t generate --model tiny -a full:nowhere Once
t generate --model tiny -a "2*nowhere" Once
