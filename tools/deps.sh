#!/bin/sh
# deps.sh [fuzz] -- install the system packages that the build needs and lacks;
# `fuzz` adds clang and its OpenMP, for the fuzz targets.
# Says what it installs; on systems without apt it prints the list instead.
set -eu
packages="build-essential cmake pkg-config libdnnl-dev liblapacke-dev
 libopenblas-dev libjansson-dev libpcre2-dev libutf8proc-dev libssl-dev
 libsqlite3-dev libcurl4-openssl-dev libcmocka-dev"
[ "${1:-}" != fuzz ] || packages="$packages clang libomp-dev"
missing=""
has() {
    command -v "$1" >/dev/null 2>&1
}

if has dpkg-query; then
    for package in $packages; do
        # A tool from elsewhere serves as well as the system's own.
        case "$package" in
        cmake) has cmake && continue ;;
        pkg-config) has pkg-config && continue ;;
        clang) has clang && continue ;;
        build-essential) has cc && has make && continue ;;
        esac
        state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
        case "$state" in
        *"ok installed"*) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || exit 0
    sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        if ! has sudo; then
            echo "trivium: packages are missing, and this user may not" \
                "install them; as root: apt-get install$missing" >&2
            exit 1
        fi
        sudo="sudo"
    fi
    echo "trivium: installing system packages:$missing"
    # Old lists are no failure yet: what we want may be in them.
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
        echo "trivium: the package lists could not be renewed" >&2
    # shellcheck disable=SC2086
    if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends $missing >/dev/null; then
        echo "trivium: could not install:$missing" >&2
        exit 1
    fi
    exit 0
fi

for tool in cmake cc make pkg-config; do
    has $tool || missing="$missing $tool"
done
for lib in jansson libpcre2-8 libutf8proc libcrypto sqlite3 libcurl; do
    pkg-config --exists $lib 2>/dev/null || missing="$missing $lib"
done
[ -n "$missing" ] || exit 0
cat >&2 <<TXT
trivium: this system has no apt; please install what is missing:$missing
The whole list: a C17 compiler, make, CMake 3.22, pkg-config, oneDNN, LAPACKE,
OpenBLAS, jansson, PCRE2 (8 bit), utf8proc, OpenSSL (libcrypto), SQLite with
FTS5, libcurl, and cmocka for the tests.
TXT
exit 1
