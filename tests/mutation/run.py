#!/usr/bin/env python3
"""run.py [--build DIR] [--jobs N] [--limit S] [--near] [TEXT]... -- do the unit
tests notice a fault? `make mutants` asks them.

mutants.txt beside this file lists one-line faults. Each is compiled from a copy
of its file and linked before the library, into a folder of its own, so neither
the tree nor the build is touched. The tests of its module run first (tests.txt),
then all unit tests whose program holds the file's functions; the first that
fails has killed it.

Prints a line a mutant and the survivors at the end. Ends with 1 where a survivor
has no reason beside it, and with 2 where a mutant is stale: its old text is not
there once, or does not compile. With TEXT only mutants whose file or text holds
it run; with --near only the tests of its module do, which is a quick look.

DIR/mutants/state.json keeps what was found, so a stopped run goes on. A verdict
holds while the mutated file is the same; a survivor is tried again when any test
has changed. All of them take 8 minutes on two cores: about 3 seconds for a
mutant that dies in its module's tests, 90 for one that survives.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Mutant:
    def __init__(self, file, line):
        self.file, self.line = file, line
        self.old = self.new = self.why = None

    def name(self):
        return f"{self.file}: {self.old.strip()} -> {self.new.strip()}"


def read_mutants(path):
    """'@ file', then '- old', '+ new' and perhaps '= why it may survive'."""
    found, file = [], None
    for number, line in enumerate(open(path), 1):
        mark, text = line[:2], line[2:].rstrip("\n")
        if mark == "@ ":
            file = text
        elif mark == "- ":
            found.append(Mutant(file, number))
            found[-1].old = text
        elif mark in ("+ ", "+\n"):
            found[-1].new = text
        elif mark == "= ":
            found[-1].why = (found[-1].why or "") + text + " "
        elif line.strip() and not line.startswith("#"):
            sys.exit(f"{path}:{number}: not a line of a mutant")
    return found


def read_modules(path):
    """'src/measure/ tests...': the longest beginning of a file's path wins."""
    lines = [l.split() for l in open(path) if l.strip() and l[0] != "#"]
    return sorted(((l[0], l[1:]) for l in lines), key=lambda m: -len(m[0]))


def digest(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update(part.encode() + b"\0")
    return h.hexdigest()


def hash_tests():
    """Of all that is compiled into the unit tests."""
    h = hashlib.sha256()
    for folder in ("tests/unit", "tests/support"):
        for name in sorted(os.listdir(os.path.join(ROOT, folder))):
            if name.endswith((".c", ".h")):
                with open(os.path.join(ROOT, folder, name), "rb") as f:
                    h.update(f.read())
    return h.hexdigest()


class Build:
    """What CMake's makefiles say about compiling and linking."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.compile = {}
        with open(os.path.join(self.path, "compile_commands.json")) as f:
            for entry in json.load(f):
                if "trv_objects.dir" in entry["command"]:
                    self.compile[entry["file"]] = entry["command"]
        self.link, self.symbols = {}, {}
        for name in os.listdir(os.path.join(self.path, "CMakeFiles")):
            text = os.path.join(self.path, "CMakeFiles", name, "link.txt")
            if re.match(r"test_\w+\.dir$", name) and os.path.exists(text):
                with open(text) as f:
                    self.link[name[: -len(".dir")]] = f.read().strip()
        if not self.link:
            sys.exit(f"{path} has no unit tests made by CMake's makefiles")
        self.lock = threading.Lock()

    def functions(self, program):
        """Names of all functions that a test program holds."""
        with self.lock:
            if program not in self.symbols:
                out = subprocess.run(
                    ["nm", os.path.join(self.path, program)],
                    capture_output=True, text=True, check=True).stdout
                self.symbols[program] = set(
                    re.findall(r" [Tt] (\S+)$", out, re.M))
            return self.symbols[program]

    def object(self, source, text, room):
        """Compile a text in place of a file of the tree: the object's path, or
        None and the compiler's first complaint."""
        copy = os.path.join(room, os.path.basename(source))
        out = os.path.join(room, "mutant.o")
        with open(copy, "w") as f:
            f.write(text)
        words = shlex.split(self.compile[os.path.join(ROOT, source)])
        at = words.index("-o")
        words[at + 1] = out
        words[words.index("-c") + 1] = copy
        made = subprocess.run(words + ["-w"], cwd=self.path,
                              capture_output=True)
        said = re.search(rb"error: .*", made.stderr)
        return (out, None) if made.returncode == 0 else (
            None, said[0].decode(errors="replace") if said else "")

    def program(self, test, obj, room):
        """Link a test with a mutant; the archive's own file is not taken."""
        out = os.path.join(room, test)
        words = shlex.split(self.link[test])
        words[words.index("-o") + 1] = out
        words.insert(words.index("libtrv_inside.a"), obj)
        subprocess.run(words, cwd=self.path, check=True)
        return out


class Tests:
    def __init__(self, build, modules, limit):
        self.build, self.modules, self.limit = build, modules, limit
        self.seconds = {}  # of programs without a mutant, as far as known
        self.lock = threading.Lock()

    def environment(self):
        return dict(
            os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive",
            TRIVIUM_SOURCE=ROOT, TRIVIUM_BUILD=self.build.path,
            TRIVIUM=os.path.join(self.build.path, "trivium"),
            TRIVIUM_ASSETS=os.environ.get(
                "TRIVIUM_ASSETS", os.path.join(ROOT, "..", "shared", "assets")))

    def order(self, mutant, obj, near):
        out = subprocess.run(["nm", obj], capture_output=True, text=True,
                             check=True).stdout
        mine = set(re.findall(r" T (\S+)$", out, re.M))
        first = next((tests for beginning, tests in self.modules
                      if mutant.file.startswith(beginning)), [])
        first = [t for t in first if t in self.build.link]
        if near:
            return first
        rest = [t for t in self.build.link if t not in first and
                (mine & self.build.functions(t) or not mine)]
        rest.sort(key=lambda t: self.seconds.get(t, 1.0))
        return first + rest

    def passes(self, program, room):
        """Does a program end well, and in time?"""
        began = time.time()
        try:
            done = subprocess.run([program], cwd=room, env=self.environment(),
                                  stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT,
                                  timeout=self.limit)
        except subprocess.TimeoutExpired:
            return False, "ran past its time"
        took = time.time() - began
        if done.returncode == 0:
            self.seconds[os.path.basename(program)] = took
        failed = re.findall(rb"\[  FAILED  \] (test_\w+)", done.stdout)
        return done.returncode == 0, (failed[0].decode() if failed else
                                      f"exit {done.returncode}")

    def sound(self, test, room):
        """It must pass without a mutant, or its failure says nothing."""
        with self.lock:
            if test not in self.seconds:
                ok, how = self.passes(os.path.join(self.build.path, test), room)
                if not ok:
                    sys.stdout.flush()
                    os._exit(say(f"{test} fails without a mutant: {how}"))


def say(text):
    print(text, file=sys.stderr, flush=True)
    return 2


def judge(mutant, text, build, tests, near):
    """'killed by TEST', 'survived' or 'stale: WHY'."""
    room = tempfile.mkdtemp(prefix="mutant-")
    try:
        obj, said = build.object(mutant.file,
                                 text.replace(mutant.old, mutant.new), room)
        if not obj:
            return f"stale: it does not compile: {said}"
        for test in tests.order(mutant, obj, near):
            program = build.program(test, obj, room)
            ok, how = tests.passes(program, room)
            os.remove(program)
            if not ok:
                tests.sound(test, room)
                return f"killed by {test}: {how}"
        return "survived"
    finally:
        shutil.rmtree(room, ignore_errors=True)


class State:
    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        self.verdicts = {}
        if os.path.exists(path):
            with open(path) as f:
                self.verdicts = json.load(f)

    def put(self, key, verdict):
        with self.lock:
            self.verdicts[key] = verdict
            with open(self.path + ".new", "w") as f:
                json.dump(self.verdicts, f, indent=1)
            os.replace(self.path + ".new", self.path)


def summary(mutants, verdicts):
    killed = sum(v.startswith("killed") for v in verdicts)
    stale = [(m, v) for m, v in zip(mutants, verdicts) if v[:5] == "stale"]
    alive = [m for m, v in zip(mutants, verdicts) if v == "survived"]
    unexplained = [m for m in alive if not m.why]
    for m, v in stale:
        print(f"mutants.txt:{m.line}: {v}: {m.name()}")
    for m, v in zip(mutants, verdicts):
        if m.why and v.startswith("killed"):
            print(f"mutants.txt:{m.line}: has a reason to survive, and was "
                  f"{v}: {m.name()}")
    for m in alive:
        print(f"mutants.txt:{m.line}: survived: {m.name()}")
        if m.why:
            print(f"    {m.why}")
    print(f"{len(mutants)} mutants: {killed} killed, {len(alive)} survived, "
          f"{len(unexplained)} of them without a reason, {len(stale)} stale")
    return 2 if stale else 1 if unexplained else 0


def main():
    parse = argparse.ArgumentParser(usage=__doc__)
    parse.add_argument("--build", default=os.path.join(ROOT, "build"))
    parse.add_argument("--jobs", type=int, default=os.cpu_count())
    parse.add_argument("--limit", type=float, default=300.0)
    parse.add_argument("--near", action="store_true")
    parse.add_argument("only", nargs="*")
    args = parse.parse_args()
    mutants = [m for m in read_mutants(os.path.join(HERE, "mutants.txt"))
               if not args.only or any(t in m.name() for t in args.only)]
    build = Build(args.build)
    tests = Tests(build, read_modules(os.path.join(HERE, "tests.txt")),
                  args.limit)
    os.makedirs(os.path.join(build.path, "mutants"), exist_ok=True)
    state = State(os.path.join(build.path, "mutants", "state.json"))
    all_tests = hash_tests()

    def run(mutant):
        with open(os.path.join(ROOT, mutant.file)) as f:
            text = f.read()
        if text.count(mutant.old) != 1:
            return "stale: its old text is there %d times" % text.count(
                mutant.old)
        key = digest(mutant.file, mutant.old, mutant.new, text)
        verdict = state.verdicts.get(key) or state.verdicts.get(key + all_tests)
        if not verdict:
            verdict = judge(mutant, text, build, tests, args.near)
            if verdict.startswith("killed"):
                state.put(key, verdict)
            elif verdict == "survived" and not args.near:
                state.put(key + all_tests, verdict)
        print(f"{mutant.name()}\n    {verdict}", flush=True)
        return verdict

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        verdicts = list(pool.map(run, mutants))
    return summary(mutants, verdicts)


if __name__ == "__main__":
    sys.exit(main())
