# A stranger's project builds against the installed tree, by pkg-config and by
# find_package, against the shared library and the archive, from a folder that
# was moved and has a blank in its name. Its
# source is the README's own example.
if [ "$SANITIZE" = 1 ]; then
    echo "a sanitised archive asks its user for the sanitiser" >&2
    exit 77
fi
set -eu
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
"$CMAKE" --install "$TRIVIUM_BUILD" --prefix "$room/first" >/dev/null
at="$room/moved away"
mv "$room/first" "$at"
ls "$at/bin/trivium" "$at/share/man/man1/trivium.1" \
    "$at/share/bash-completion/completions/trivium" \
    "$at/share/zsh/site-functions/_trivium" \
    "$at/share/fish/vendor_completions.d/trivium.fish" \
    "$at/include/trivium/trivium.h" "$at/include/trivium/error.h" >/dev/null
[ "$(ls "$at/include")" = trivium ]
"$at/bin/trivium" --version

mkdir "$room/project"
cd "$room/project"
sed -n '/^```c$/,/^```$/p' "$TRIVIUM_SOURCE/README.md" | grep -v '^```' >main.c
[ -s main.c ]

PKG_CONFIG_PATH=$(dirname "$(find "$at" -name trivium.pc)")
export PKG_CONFIG_PATH
# The blank in the path comes out escaped, for a shell to read.
for which in trivium trivium-static; do
    eval "${CC:-cc} -std=c11 -Wall -Wextra -Werror main.c -o by-$which \
        $(pkg-config --cflags $which) $(pkg-config --libs $which)"
done

cat >CMakeLists.txt <<'TXT'
cmake_minimum_required(VERSION 3.22)
project(stranger LANGUAGES C)
find_package(trivium 0.1 REQUIRED)
add_executable(by-package main.c)
target_link_libraries(by-package PRIVATE trivium::trivium)
add_executable(by-package-shared main.c)
target_link_libraries(by-package-shared PRIVATE trivium::shared)
TXT
"$CMAKE" -S . -B build -DCMAKE_PREFIX_PATH="$at" >/dev/null
"$CMAKE" --build build >/dev/null

# Each is linked to what it asked for.
LD_LIBRARY_PATH=$(dirname "$(find "$at" -name libtrivium.so)")
export LD_LIBRARY_PATH
for program in by-trivium build/by-package-shared; do
    readelf -d "$program" | grep -q 'NEEDED.*libtrivium\.so\.0\.1' ||
        { echo "$program is not linked to the shared library"; exit 1; }
done
for program in by-trivium-static build/by-package; do
    readelf -d "$program" | grep 'NEEDED.*libtrivium' && exit 1
done

model=$TRIVIUM_SOURCE/tests/golden/tiny/one
for program in ./by-trivium ./by-trivium-static build/by-package \
    build/by-package-shared; do
    "$program" "$model" prompt:Hello >out || { cat out; exit 1; }
    [ -s out ]
    "$program" nowhere prompt:Hello 2>err && exit 1
    grep -q nowhere err
done
