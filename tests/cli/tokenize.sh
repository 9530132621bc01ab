# Text to ids and back, byte for byte.
. "$SUPPORT/cli.sh"
need_tiny
t tokenize --model tiny "Once"
t tokenize --model tiny --no-special "Once"
t tokenize --model tiny ""
t tokenize --model tiny --decode "[256, 46, 77, 66, 68]"
t tokenize --model tiny --no-special --decode "256 46 77 66 68"
printf 'line\nwith \xc3\xa9\n' >text
"$TRIVIUM" tokenize --model tiny --no-special <text >ids
wc -l <ids
"$TRIVIUM" tokenize --model tiny --decode <ids >back
cmp text back && echo "the same bytes"
