# Both models of the assets: ids and greedy text in f32 equal those that
# transformers 5.24.0 gives for the same files (the next-best token is at least
# 0.04 nats behind at every step).
. "$SUPPORT/cli.sh"
for name in tinystories-instruct-3m-chat tinystories-656k; do
    need_model $name
    t tokenize --model model "Once upon a time"
    t generate --model model --precision f32 --temperature 0 --max-tokens 24 \
        "Once upon a time"
    rm model
done
