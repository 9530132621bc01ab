# Each fault of tests/mutation/mutants.txt can still be made: what it replaces
# stands once in its file, so a list that the code has left behind is noticed.
# Its tests are there, too. `make mutants` makes the faults.
cd "$TRIVIUM_SOURCE" || exit 1
awk '
function complain(why) {
    printf "tests/mutation/mutants.txt:%d: %s\n", FNR, why
    bad = 1
}
function count(text, part,    n, at) {
    while ((at = index(text, part)) > 0) {
        n++
        text = substr(text, at + length(part))
    }
    return n + 0
}
/^@ / {
    file = substr($0, 3)
    text = ""
    while ((got = (getline line < file)) > 0)
        text = text line "\n"
    if (got < 0)
        complain("no file " file)
    close(file)
    old = ""
    next
}
/^- / {
    if (old != "")
        complain("the mutant before has no new text")
    old = substr($0, 3)
    n = count(text, old)
    if (text != "" && n != 1)
        complain("its old text is " n " times in " file)
    mutants++
    next
}
/^\+( |$)/ {
    if (old == "")
        complain("a new text without an old one")
    if (substr($0, 3) == old)
        complain("it changes nothing")
    old = ""
    next
}
/^(= |#|$)/ { next }
{ complain("not a line of a mutant") }
END {
    if (old != "")
        complain("the last mutant has no new text")
    if (mutants < 150)
        complain("there are only " mutants " mutants")
    exit bad
}' tests/mutation/mutants.txt || exit 1
bad=0
while read -r module tests; do
    case "$module" in
    "" | "#"*) continue ;;
    esac
    [ -e "$module" ] || {
        echo "tests/mutation/tests.txt: there is no $module"
        bad=1
    }
    for test in $tests; do
        [ -f "tests/unit/$test.c" ] || {
            echo "tests/mutation/tests.txt: there is no $test"
            bad=1
        }
    done
done <tests/mutation/tests.txt
exit $bad
