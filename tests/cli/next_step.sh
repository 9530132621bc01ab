# The commands that convert prints as the next step run as they stand, also where
# a path has blanks and quotes, and take the same model, template and inputs.
. "$SUPPORT/cli.sh"
need_tiny
dir="it's a folder"
mkdir "$dir"
cp -r "$TRIVIUM_SOURCE/tests/golden/tiny/one" "$dir/my model"
cp -r "$TRIVIUM_SOURCE/tests/golden/tiny/other" "$dir/another model"
printf 'Once\nAgain\n' >"$dir/more inputs.txt"
echo -n 'Say "it" again. ' >"$dir/a prompt.txt"
export TRIVIUM
small=(--samples 8 --max-tokens 4 --steps 2 --batch 2 --rank 2)
next() { # convert WORDS..., then run what it says
    "$TRIVIUM" convert --model "$dir/my model" "$@" >out 2>err || cat err
    sed -n '/^Next/,$p' out | sed 's/^Next, \(.*\):/\1/'
    sed -n 's/^  trivium //p' out >command
    printf '#!/bin/sh\n"$TRIVIUM" %s -q\n' "$(cat command)" >run.sh
    [ -s command ] || return
    sh run.sh >out 2>err && echo "it runs" || { echo "exit $?"; cat err; }
}
next --from "prompt:@$dir/a prompt.txt" --to "lora:$dir/a lora" "${small[@]}"
next --from "prompt:Say it. " --to "lora:$dir/given" "${small[@]}" \
    --inputs "$dir/more inputs.txt"
next --from "prompt:@$dir/a prompt.txt" --to "contrast:$dir/a contrast"
next --from "lora:$dir/a lora" --to "ratio:$dir/a ratio"
next --from "$dir/a lora" --to "prefix:$dir/a prefix" --samples 8 \
    --max-tokens 4 --steps 2 --batch 2 --virtual-tokens 2
next --from "verifier:length,by=chars,lo=3,hi=3,slack=30" --to "lora:$dir/a policy" \
    --method bon --group 4 --layout raw "${small[@]}" --lr 1e-3
next --base "$dir/another model" --from "prompt:Say it. " \
    --to "lora:$dir/carried" "${small[@]}"
