#!/bin/sh
# check_circles.sh BUILD FOLDER... -- in each folder of src/ no files need each
# other in a circle. The graph is what the linker sees: a file points at the
# file that defines a symbol which it leaves undefined.
set -eu
build=$1
shift
[ $# -gt 0 ] || { echo "usage: check_circles.sh BUILD FOLDER..." >&2; exit 2; }
cd "$build/CMakeFiles/trv_objects.dir/src"
# A build keeps the objects of files that have gone or moved.
list=../../../compile_commands.json
is_built() {
    while IFS= read -r object; do
        [ ! -f "$list" ] || grep -q "/src/$object " "$list" && echo "$object"
    done
    return 0
}
bad=0
for folder in "$@"; do
    [ -d "$folder" ] || { echo "no objects of src/$folder"; exit 2; }
    find "$folder" -name '*.c.o' | sort | is_built | xargs nm -A -g | awk -v top="$folder" '
    # FILE.c.o:VALUE TYPE NAME, where an undefined symbol has no value
    {
        file = $1
        sub(/\.o:.*/, "", file)
        name = $NF
        type = $(NF - 1)
        if (!(file in seen)) {
            seen[file] = ++n
            files[n] = file
        }
        if (name ~ /^__(odr_)?asan/)
            next
        if (type == "U")
            asks[++n_asks] = file SUBSEP name
        else if (type ~ /^[A-Z]$/)
            home[name] = file
    }
    END {
        for (i = 1; i <= n_asks; i++) {
            split(asks[i], q, SUBSEP)
            if ((q[2] in home) && home[q[2]] != q[1]) {
                reach[seen[q[1]], seen[home[q[2]]]] = 1
                by[seen[q[1]], seen[home[q[2]]]] = q[2]
            }
        }
        for (k = 1; k <= n; k++)
            for (i = 1; i <= n; i++)
                if ((i, k) in reach)
                    for (j = 1; j <= n; j++)
                        if ((k, j) in reach)
                            reach[i, j] = 1
        for (i = 1; i <= n; i++) {
            if (!((i, i) in reach) || done[i])
                continue
            print "a circle in src/" top ":"
            for (j = i; j <= n; j++) {
                if (!((i, j) in reach) || !((j, i) in reach))
                    continue
                done[j] = 1
                print "  src/" files[j]
                for (k = 1; k <= n; k++)
                    if (((j, k) in by) && ((i, k) in reach) && ((k, i) in reach))
                        print "      asks src/" files[k] " for " by[j, k]
            }
            bad = 1
        }
        exit bad
    }' || bad=1
done
exit $bad
