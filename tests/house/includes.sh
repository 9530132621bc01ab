# The tree's includes run downward only, and the check can tell.
check=$TRIVIUM_SOURCE/tools/check_includes.sh
sh "$check" || exit 1
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

# refused WHY FILE LINE: a tree with this line in this file fails, and says so.
refused() {
    rm -rf "$room/src"
    mkdir -p "$room/src/base" "$room/src/$(dirname "$2")"
    echo "$3" >"$room/src/$2"
    if said=$(sh "$check" "$room"); then
        echo "not noticed: $1"
        exit 1
    fi
    case "$said" in
    *"$1"*) ;;
    *)
        echo "said '$said', not '$1'"
        exit 1
        ;;
    esac
}
refused "runs upward, from base to model" base/x.c '#include "model/files/model.h"'
refused "runs upward, from measure to cli" measure/x.h '#  include "cli/cmd.h"'
refused "public headers only" cli/x.c '#include "base/mem.h"'
refused "inside headers are quoted" cli/x.c '#include <base/mem.h>'
refused "write the path from src/" base/x.c '#include "../model/model.h"'
refused "write the path from src/" base/x.c '#include "mem.h"'
refused "not in the order" kitchen/x.c '#include <stdio.h>'
refused "runs upward inside transform, from job to imitate" transform/job.c \
    '#include "transform/imitate/distill.h"'
refused "a family of methods includes another, policy" transform/imitate/x.c \
    '#include "transform/policy/dpo.h"'
refused "is in no order of transform" transform/new/x.c \
    '#include "transform/job.h"'
rm -rf "$room/src"
mkdir -p "$room/src/base" "$room/src/text"
touch "$room/src/base/same.c" "$room/src/base/same.h"
sh "$check" "$room" || exit 1
touch "$room/src/text/same.c"
sh "$check" "$room" >/dev/null && echo "two stems not noticed" && exit 1
exit 0
