#!/bin/sh
# check_docs.sh PROGRAM [FILE...] -- every --option that the documents name in a
# command of trivium is one that the program knows.
set -eu
program=$1
shift
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- README.md CONTRIBUTING.md docs/*.md docs/guide/*.md
known=$("$program" man | sed 's/\\-/-/g' | grep -o -- '--[a-z][a-z-]*' | sort -u)
bad=0
for file in "$@"; do
    [ -r "$file" ] || continue
    # Commands run over several lines with a backslash at the end.
    for option in $(sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' "$file" |
        grep -E '(^|[ /`])trivium [a-z]+ ' | grep -o -- ' --[a-z][a-z-]*' |
        sort -u); do
        case "
$known
" in
        *"
$option
"*) ;;
        *)
            echo "$file names $option, which the program does not know"
            bad=1
            ;;
        esac
    done
done
exit $bad
