# The archive shows the public calls and nothing else, and all of them.
cd "$TRIVIUM_BUILD" || exit 1
shown=$(nm --defined-only --extern-only libtrivium.a |
    awk 'NF == 3 { print $3 }' | sort)
# ASan adds marks of its own to every object.
strangers=$(echo "$shown" | grep -v -e '^trv_' -e '^__odr_asan' -e '^__asan')
if [ -n "$strangers" ]; then
    echo "not public, yet shown: $strangers"
    exit 1
fi
promised=$(cat "$TRIVIUM_SOURCE"/include/trivium/*.h | tr '\n' ' ' |
    grep -o 'TRV_API [^;(]*(' | sed 's/.*[ *]\(trv_[a-z_]*\)($/\1/' | sort -u)
[ -n "$promised" ] || exit 1
for name in $promised; do
    echo "$shown" | grep -q "^$name\$" || { echo "not there: $name"; exit 1; }
done
# Nothing but the C library and the parts that pkg-config names is missing.
own=$(nm --undefined-only libtrivium.a | awk '{ print $2 }' |
    grep -e '^trv_' -e '^mem_' -e '^err_' -e '_forward$' -e '_backward$')
[ -z "$own" ] || { echo "left out of the archive: $own"; exit 1; }
exit 0
