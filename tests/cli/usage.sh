# Mistakes on the command line: one sentence each, exit 2, nothing on stdout.
. "$SUPPORT/cli.sh"
mkdir out
echo x >prompt.txt
t
t convrt
t nonsense
t help convrt
t help grop
t help zzzz
t --modle x generate
t generate
t generate --model
t generate --modle x "Once"
t generate --model x --temprature 1 "Once"
t generate --model x --top-p 1.5 "Once"
t generate --model x --top-p 0 "Once"
t generate --model x --temperature nan "Once"
t generate --model x --temperature=-1 "Once"
t generate --model x --max-tokens -5 "Once"
t generate --model x --max-tokens 1e3 "Once"
t generate --model x --samples 0 "Once"
t generate --model x --seed 1.5 "Once"
t generate --model x --json=yes "Once"
t generate --model x --precision f64 "Once"
t generate --model x --threads many "Once"
t generate --model x Once upon
t generate --model x --prompt Once upon
t chat
t chat --model x --max-tokens 0
t chat --model x "Hello"
t convert --model x --from prompt:hi
t convert --model x --from prompt:hi --to out/z
t convert --model x --from prompt:hi --to :out/z
t convert --model x --from prompt:hi --to lora:
t convert --model x --from prompt:hi --to lora:z --lr inf
t convert --model x --from prompt:hi --to lora:z --rank 0
t convert --model x --from prompt:hi --to lora:z --divergence revers
t measure --model x --source prompt:hi
t measure --model x --source prompt:hi --target out --candidates 1
t measure --model x --source prompt:hi --target out --examples -1
t inspect
t inspect one two
t tokenize "text"
t completion tcsh
