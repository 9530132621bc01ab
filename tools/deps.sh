#!/bin/sh
# deps.sh -- install the system packages that the build needs and lacks.
# Says what it installs; on systems without apt it prints the list instead.
set -eu
packages="build-essential cmake pkg-config libdnnl-dev libjansson-dev
 libpcre2-dev libutf8proc-dev libssl-dev libcmocka-dev"
missing=""
if command -v dpkg-query >/dev/null 2>&1; then
    for p in $packages; do
        state=$(dpkg-query -W -f='${Status}' "$p" 2>/dev/null || true)
        case "$state" in *"ok installed"*) ;; *) missing="$missing $p" ;; esac
    done
    # A newer cmake from elsewhere serves as well as the system's own.
    command -v cmake >/dev/null 2>&1 && missing=$(echo "$missing" | sed 's/ cmake//')
    command -v cc >/dev/null 2>&1 && command -v make >/dev/null 2>&1 &&
        missing=$(echo "$missing" | sed 's/ build-essential//')
    [ -z "$missing" ] && exit 0
    echo "trivium: installing system packages:$missing"
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    $sudo apt-get update -qq
    # shellcheck disable=SC2086
    $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi
for tool in cmake cc pkg-config; do
    command -v $tool >/dev/null 2>&1 || missing="$missing $tool"
done
for lib in jansson libpcre2-8 libutf8proc libcrypto; do
    pkg-config --exists $lib 2>/dev/null || missing="$missing $lib"
done
[ -z "$missing" ] && exit 0
cat >&2 <<TXT
trivium: this system has no apt; please install what is missing:$missing
The whole list: a C17 compiler, CMake 3.22, pkg-config, oneDNN, jansson,
PCRE2 (8 bit), utf8proc, OpenSSL (libcrypto), and cmocka for the tests.
TXT
exit 1
