#!/bin/sh
# deps.sh [clang] -- install the system packages that the build needs and lacks;
# `clang` adds clang with the runtimes of libFuzzer, the sanitizers and OpenMP.
# Says what it installs; on systems without apt it prints the list instead.
set -eu
packages="build-essential cmake pkg-config libdnnl-dev liblapacke-dev
 libopenblas-dev libjansson-dev libpcre2-dev libutf8proc-dev libssl-dev
 libsqlite3-dev libcurl4-openssl-dev libcmocka-dev"
missing=""
has() {
    command -v "$1" >/dev/null 2>&1
}

# A compiler is no proof of its runtimes, which are packages of their own: link
# a fuzz target that uses all of them. Prints what the compiler says.
clang_links() {
    has clang || {
        echo "there is no clang"
        return 1
    }
    probe=$(mktemp)
    linked=0
    said=$(echo '#include <omp.h>
        int LLVMFuzzerTestOneInput(const char *data, unsigned long size);
        int LLVMFuzzerTestOneInput(const char *data, unsigned long size) {
            return data && size > (unsigned long)omp_get_max_threads() ? 0 : -1;
        }' | clang -fopenmp -fsanitize=fuzzer,address,undefined -x c - \
        -o "$probe" 2>&1) || linked=1
    rm -f "$probe"
    echo "$said"
    return $linked
}

# install PACKAGE...: by apt-get, as root or through sudo
install() {
    sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        if ! has sudo; then
            echo "trivium: packages are missing, and this user may not" \
                "install them; as root: apt-get install $*" >&2
            exit 1
        fi
        sudo="sudo"
    fi
    echo "trivium: installing system packages: $*"
    # Old lists are no failure yet: what we want may be in them.
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
        echo "trivium: the package lists could not be renewed" >&2
    if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "$@" >/dev/null; then
        echo "trivium: could not install: $*" >&2
        exit 1
    fi
}

if has dpkg-query; then
    for package in $packages; do
        # A tool from elsewhere serves as well as the system's own.
        case "$package" in
        cmake) has cmake && continue ;;
        pkg-config) has pkg-config && continue ;;
        build-essential) has cc && has make && continue ;;
        esac
        state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
        case "$state" in
        *"ok installed"*) ;;
        *) missing="$missing $package" ;;
        esac
    done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || install $missing
    [ "${1:-}" = clang ] || exit 0
    clang_links >/dev/null && exit 0
    has clang || install clang
    clang_links >/dev/null && exit 0
    # Debian's runtimes carry clang's own version in their names.
    version=$(clang -dumpversion)
    install "libclang-rt-${version%%.*}-dev" "libomp-${version%%.*}-dev"
    said=$(clang_links) && exit 0
    echo "trivium: clang links no fuzz target with sanitizers and OpenMP:" \
        "$said" >&2
    exit 1
fi

for tool in cmake cc make pkg-config; do
    has $tool || missing="$missing $tool"
done
for lib in jansson libpcre2-8 libutf8proc libcrypto sqlite3 libcurl; do
    pkg-config --exists $lib 2>/dev/null || missing="$missing $lib"
done
[ "${1:-}" != clang ] || clang_links >/dev/null ||
    missing="$missing clang(libFuzzer,sanitizers,OpenMP)"
[ -n "$missing" ] || exit 0
cat >&2 <<TXT
trivium: this system has no apt; please install what is missing:$missing
The whole list: a C17 compiler, make, CMake 3.22, pkg-config, oneDNN, LAPACKE,
OpenBLAS, jansson, PCRE2 (8 bit), utf8proc, OpenSSL (libcrypto), SQLite with
FTS5, libcurl, and cmocka for the tests.
TXT
exit 1
