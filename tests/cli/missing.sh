# Files that are not there, or are not what they should be.
. "$SUPPORT/cli.sh"
need_tiny
mkdir empty
echo "not a model" >text.txt
: >empty.txt
printf 'a\0b' >zero.txt
t inspect nowhere
t inspect empty
t inspect text.txt
t generate --model nowhere "Once"
t generate --model empty "Once"
t generate --model text.txt "Once"
t tokenize --model nowhere "Once"
t generate --model tiny --prompt @nowhere.txt
t generate --model tiny --prompt @zero.txt
t generate --model tiny --prompt @empty
t generate --model tiny --adaptation nowhere "Once"
t generate --model tiny --adaptation empty "Once"
t generate --model tiny --adaptation prompt:@nowhere.txt "Once"
t generate --model tiny --adaptation prompt:@empty.txt "Once"
t generate --model tiny --adaptation pompt:hi "Once"
t convert --model tiny --from prompt:@nowhere.txt --to lora:z
t convert --model tiny --from prompt:@empty.txt --to lora:z
t measure --model tiny --source prompt:hi --target nowhere
ls
