# Each public header compiles alone, in every language that may include it.
# The compiler that builds the library checks; C++ where there is one.
cxx=${CXX:-c++}
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
flags="-Wall -Wextra -Wpedantic -Werror -fsyntax-only"
cd "$TRIVIUM_SOURCE" || exit 1
for header in include/trivium/*.h; do
    name=trivium/$(basename "$header")
    printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' \
        "$name" "$name" >"$room/alone.c"
    for std in c11 c17; do
        # shellcheck disable=SC2086
        "${CC:-cc}" -std=$std $flags -Iinclude "$room/alone.c" || exit 1
    done
    command -v "$cxx" >/dev/null || continue
    cp "$room/alone.c" "$room/alone.cc"
    # shellcheck disable=SC2086
    "$cxx" -std=c++17 $flags -Iinclude "$room/alone.cc" || exit 1
done
# The option macros are for both languages, too.
cat >"$room/macros.c" <<'C'
#include <trivium/trivium.h>
int
main(void)
{
    trv_model_options m = TRV_MODEL_OPTIONS_INIT;
    trv_generate_options g = TRV_GENERATE_OPTIONS_INIT;
    trv_convert_options c = TRV_CONVERT_OPTIONS_INIT;
    trv_measure_options e = TRV_MEASURE_OPTIONS_INIT;

    return m.version + g.version + c.version + e.version == 4 ? 0 : 1;
}
C
cp "$room/macros.c" "$room/macros.cc"
# In C++ the options of a conversion are a call, where a value may stand: of a
# static object, of a member, of an argument.
cat >>"$room/macros.cc" <<'C'
static const trv_convert_options fixed = TRV_CONVERT_OPTIONS_INIT;
struct job {
    trv_convert_options opts = TRV_CONVERT_OPTIONS_INIT;
};
static double
temperature(const trv_convert_options &o = TRV_CONVERT_OPTIONS_INIT)
{
    return o.temperature;
}
double sum();
double
sum()
{
    job j;

    j.opts.learn.steps = 3;
    return temperature() + temperature(fixed) + temperature(j.opts);
}
C
# shellcheck disable=SC2086
"${CC:-cc}" -std=c11 $flags -Iinclude "$room/macros.c" || exit 1
if command -v "$cxx" >/dev/null; then
    # shellcheck disable=SC2086
    "$cxx" -std=c++17 $flags -Iinclude "$room/macros.cc" || exit 1
fi
exit 0
