# A stranger's project builds against the installed tree, by pkg-config and by
# find_package, from a folder that was moved and has a blank in its name. Its
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
eval "${CC:-cc} -std=c11 -Wall -Wextra -Werror main.c -o by-pkg-config \
    $(pkg-config --cflags trivium) $(pkg-config --static --libs trivium)"

cat >CMakeLists.txt <<'TXT'
cmake_minimum_required(VERSION 3.22)
project(stranger LANGUAGES C)
find_package(trivium 0.1 REQUIRED)
add_executable(by-package main.c)
target_link_libraries(by-package PRIVATE trivium::trivium)
TXT
"$CMAKE" -S . -B build -DCMAKE_PREFIX_PATH="$at" >/dev/null
"$CMAKE" --build build >/dev/null

model=$TRIVIUM_SOURCE/tests/golden/tiny/one
for program in ./by-pkg-config build/by-package; do
    "$program" "$model" prompt:Hello >out || { cat out; exit 1; }
    [ -s out ]
    "$program" nowhere prompt:Hello 2>err && exit 1
    grep -q nowhere err
done
