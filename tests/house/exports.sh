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
    grep -o 'TRV_API [^;(]*(' | grep -o 'trv_[a-z_]*($' | tr -d '(' | sort -u)
[ -n "$promised" ] || exit 1
for name in $promised; do
    echo "$shown" | grep -q "^$name\$" || { echo "not there: $name"; exit 1; }
done
# The shared library exports the same, under its version.
shared=$(nm -D --defined-only libtrivium.so |
    sed -n 's/.* T \(.*\)@@TRIVIUM_0\.1$/\1/p' | sort)
[ "$shared" = "$(echo "$shown" | grep '^trv_')" ] || {
    echo "libtrivium.so does not export what the archive shows:"
    nm -D --defined-only libtrivium.so
    exit 1
}
strangers=$(nm -D --defined-only libtrivium.so | grep -v -e ' T trv_' \
    -e ' A TRIVIUM_0.1$' -e __odr_asan -e __asan)
[ -z "$strangers" ] || { echo "libtrivium.so shows: $strangers"; exit 1; }
readelf -d libtrivium.so | grep -q 'SONAME.*\[libtrivium\.so\.0\.1\]' || exit 1
# Nothing but the C library and the parts that pkg-config names is missing.
own=$(nm --undefined-only libtrivium.a | awk '{ print $2 }' |
    grep -e '^trv_' -e '^mem_' -e '^err_' -e '_forward$' -e '_backward$')
[ -z "$own" ] || { echo "left out of the archive: $own"; exit 1; }
exit 0
