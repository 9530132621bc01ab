#!/bin/sh
# check_memory.sh LIST [ROOT] -- the backend's memory is read and written by
# src/backend alone (backend.h says what lies there). Lines of other files that
# look as if they did so themselves are counted, and LIST says how many a file
# may have, and why: "COUNT FILE  reason". The list can only shrink: a file with
# fewer lines than it says fails, too.
set -eu
list=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "${2:-$(cd "$(dirname "$0")/.." && pwd)}"
# The data of a matrix as values; moves of them, and of flat vectors; single
# values of flat vectors, weights and gradients. Stored tensors (model/files) are
# on the host, and so is what backend_fetch() gave a variable `host`.
find src -name '*.[ch]' ! -path 'src/backend/*' ! -path 'src/cli/*' \
    ! -path 'src/text/*' ! -path 'src/base/*' ! -path 'src/model/files/*' \
    -exec grep -HE \
    -e '\((const )?(float|bf16) \*\)[a-z_>.()-]*data\b' \
    -e 'mem(cpy|set|move)\(.*(flat\.|->|\.)(data|w|g|w_full|g_full|embed)\b' \
    -e '(flat\.|->|\.)(w|g|a|b|w_full|g_full|embed|d_embed)\[' {} + |
    grep -v '[( )]host\.data' | cut -d: -f1 | sort | uniq -c | awk -v list="$list" '
BEGIN {
    while ((getline line < list) > 0)
        if (line ~ /^[^#]/) {
            split(line, word, " ")
            may[word[2]] = word[1]
            if (line !~ /^[0-9]+ +[^ ]+ +[^ ]/) {
                print word[2] " is listed without a reason"
                bad = 1
            }
        }
}
{
    is[$2] = $1
    if ($1 != may[$2] + 0) {
        print $2 ": " $1 " lines look behind pointers of the backend, not " \
            may[$2] + 0
        bad = 1
    }
}
END {
    for (file in may)
        if (!(file in is)) {
            print file " is listed and has no such line"
            bad = 1
        }
    exit bad
}'
