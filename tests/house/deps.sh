# tools/deps.sh: what it does where all is there, where something lacks, with
# and without the right to install. Commands are played by small scripts that
# stand alone on PATH; nothing is installed.
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
mkdir "$room/bin"
sh=$(command -v sh)
for tool in sh env cat; do
    ln -s "$(command -v $tool)" "$room/bin/$tool"
done
play() { # play NAME SCRIPT
    printf '#!%s\n%s\n' "$sh" "$2" >"$room/bin/$1"
    chmod +x "$room/bin/$1"
}
run() {
    PATH="$room/bin" "$sh" "$TRIVIUM_SOURCE/tools/deps.sh" "$@" >"$room/out" 2>&1
}
want() { # want STATUS TEXT: of the last run; empty TEXT wants silence
    status=$?
    if [ "$status" -ne "$1" ] ||
        { [ -n "$2" ] && ! grep -q -e "$2" "$room/out"; } ||
        { [ -z "$2" ] && [ -s "$room/out" ]; }; then
        echo "wanted exit $1 and '$2'; exit $status:"
        cat "$room/out"
        exit 1
    fi
}
for tool in cmake cc make pkg-config; do
    play $tool "exit 0"
done
play id "echo 0"
play apt-get 'echo "apt-get $*" >>"'"$room"'/apt"'

# All is there: silence, nothing called.
play dpkg-query 'echo "install ok installed"'
run
want 0 ""
[ ! -e "$room/apt" ] || exit 1

# One lacks, and we are root: named, installed, alone.
play dpkg-query 'case "$*" in *libjansson-dev*) exit 1 ;; esac
echo "install ok installed"'
run
want 0 "installing system packages: libjansson-dev"
grep -q "install .*libjansson-dev" "$room/apt" || exit 1
grep -q libpcre2 "$room/apt" && exit 1

# With clang: what its runtimes lack shows only when a target is linked.
play dpkg-query 'echo "install ok installed"'
for tool in mktemp rm chmod; do
    ln -s "$(command -v $tool)" "$room/bin/$tool"
done
clang='#!'$sh'
case "$1" in -dumpversion) echo 14.0.6; exit ;; esac
[ -e "'$room'/runtime" ] || { echo "cannot find libclang_rt"; exit 1; }'
echo "$clang" >"$room/clang"
play apt-get 'case "$*" in
*" clang") cat "'"$room"'/clang" >"'"$room"'/bin/clang"
    chmod +x "'"$room"'/bin/clang" ;;
*libclang-rt-14-dev*) echo >"'"$room"'/runtime" ;;
esac'
run clang
want 0 "installing system packages: clang$"
want 0 "installing system packages: libclang-rt-14-dev libomp-14-dev$"
run clang
want 0 ""
rm "$room/runtime"
play apt-get 'exit 0'
run clang
want 1 "clang links no fuzz target .* cannot find libclang_rt"
rm "$room/bin/clang"
play dpkg-query 'case "$*" in *libjansson-dev*) exit 1 ;; esac
echo "install ok installed"'

# apt fails: so do we, with the packages' names.
play apt-get 'echo "E: no network" >&2; exit 100'
run
want 1 "could not install"

# Not root, no sudo: one clear sentence, nothing tried.
play id "echo 1000"
play apt-get 'echo called >>"'"$room"'/called"'
run
want 1 "as root: apt-get install libjansson-dev"
[ ! -e "$room/called" ] || exit 1

# Not root, with sudo: sudo carries apt-get.
play sudo 'echo "sudo $*" >>"'"$room"'/sudo"'
run
want 0 "installing"
grep -q "apt-get install .*libjansson-dev" "$room/sudo" || exit 1

# No dpkg: the list of what lacks, by pkg-config.
rm "$room/bin/dpkg-query"
play pkg-config 'case "$*" in *jansson*) exit 1 ;; esac'
run
want 1 "no apt; please install what is missing: jansson"
play pkg-config "exit 0"
run
want 0 ""
run clang
want 1 "please install what is missing: clang"
exit 0
