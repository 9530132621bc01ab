# Only src/backend looks behind the backend's pointers, but for lines that are
# counted with a reason; and the check can tell.
check=$TRIVIUM_SOURCE/tools/check_memory.sh
sh "$check" "$TRIVIUM_SOURCE/tests/house/support/memory.txt" || exit 1
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
mkdir -p "$room/src/model" "$room/src/backend"

# said LINE LIST WANT: the check of a tree with this line in model/x.c says WANT
# (nothing: passes).
said() {
    echo "$1" >"$room/src/model/x.c"
    echo "$1" >"$room/src/backend/x.c"
    echo "$2" >"$room/list"
    is=$(sh "$check" "$room/list" "$room")
    [ "$is" = "$3" ] || { echo "said '$is', not '$3'"; exit 1; }
}
one='src/model/x.c: 1 lines look behind pointers of the backend, not 0'
said 'float *row = (float *)x.data + r * x.ld;' '# none' "$one"
said 'sum += (double)((const bf16 *)m->data)[i];' '# none' "$one"
said 'memset(dh.data, 0, n);' '# none' "$one"
said 'memcpy(out, flat.w, n);' '# none' "$one"
said 't->g[i] += 1;' '# none' "$one"
said 'be->ops->zero(be, dh);' '# none' ''
said 'const float *row = (const float *)host.data + k;' '# none' ''
said 't->g[i] += 1;' '1 src/model/x.c  a reason' ''
said 't->g[i] += 1;' '1 src/model/x.c' \
    'src/model/x.c is listed without a reason'
said 't->g[i] += 1;' '2 src/model/x.c  a reason' \
    'src/model/x.c: 1 lines look behind pointers of the backend, not 2'
said 'int x;' '1 src/model/x.c  a reason' \
    'src/model/x.c is listed and has no such line'
exit 0
