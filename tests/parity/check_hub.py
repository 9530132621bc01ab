#!/usr/bin/env python3
"""Names of the Hub, found by Trivium where huggingface_hub finds them: a cache
is made by huggingface_hub's own functions, and for each way to name it by the
environment, each revision and each hostile name both are asked.

    check_hub.py TRIVIUM MODEL

MODEL is a small Hugging Face folder. Prints what differs; exits 1 then.
Not part of `make test`: needs huggingface_hub.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ONE, TWO = "0123456789abcdef0123456789abcdef01234567", "89" * 20
NAMES = ["Org/a", "Org/a@main", "Org/a@" + ONE, "Org/a@v1.0", "Org/a@" + TWO,
         "Org/a@refs/pr/1", "Org/a@v9", "Org/a@" + "0" * 40, "single", "Org/b",
         "Org/a--b", "Org/a..b", "Org/a.git", "Org/-a", "Org/a-", "-", "a/b/c",
         "Org/" + "a" * 96, "Org/" + "a" * 97, "Org/.a", "Org/a.", "Org/é",
         "Org/a b", "Org/a_b.c-d"]

# What huggingface_hub says: asked in a process of its own, since it reads the
# environment once.
ASK = """
import json, sys
from huggingface_hub import snapshot_download
for name in json.loads(sys.argv[1]):
    repo, _, revision = name.partition("@")
    try:
        print(snapshot_download(repo, revision=revision or None,
                                local_files_only=True))
    except Exception:
        print("-")
"""


def make_cache(cache, model):
    """By the functions with which huggingface_hub itself lays files down."""
    from huggingface_hub import file_download as fd

    def lay(repo, commit, revisions):
        folder = cache / fd.repo_folder_name(repo_id=repo, repo_type="model")
        for f in Path(model).iterdir():
            if not f.is_file():
                continue
            blob = folder / "blobs" / f"{commit[:8]}-{f.name}"
            at = folder / "snapshots" / commit / f.name
            blob.parent.mkdir(parents=True, exist_ok=True)
            at.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(f, blob)
            fd._create_symlink(str(blob), str(at), new_blob=False)
        for revision in revisions:
            fd._cache_commit_hash_for_specific_revision(
                str(folder), revision, commit)

    lay("Org/a", ONE, ["main"])
    lay("Org/a", TWO, ["v1.0", "refs/pr/1"])
    lay("single", TWO, ["main"])
    for name in ("a" * 96, "a_b.c-d"):
        lay("Org/" + name, ONE, ["main"])


def main(trivium, model):
    trivium = os.path.abspath(trivium)
    work = Path(tempfile.mkdtemp())
    make_cache(work / "hub", model)
    (work / ".cache" / "huggingface").mkdir(parents=True)
    (work / ".cache/huggingface/hub").symlink_to(work / "hub")
    (work / "huggingface").symlink_to(work)
    no = str(work / "no")
    places = [dict(HF_HUB_CACHE=str(work / "hub"), HF_HOME=no),
              dict(HUGGINGFACE_HUB_CACHE=str(work / "hub"), HF_HOME=no),
              dict(HF_HUB_CACHE="~/hub"),
              dict(HF_HOME=str(work)), dict(HF_HOME="~", XDG_CACHE_HOME=no),
              dict(XDG_CACHE_HOME=str(work)), {},
              dict(HF_HUB_CACHE=no, HUGGINGFACE_HUB_CACHE=str(work / "hub"))]
    bad = 0
    for place in places:
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("HF_", "HUGGINGFACE_", "XDG_"))}
        env |= dict(HOME=str(work), HF_HUB_OFFLINE="1", **place)
        theirs = subprocess.run([sys.executable, "-c", ASK, json.dumps(NAMES)],
                                env=env, check=True, text=True, cwd=work,
                                stdout=subprocess.PIPE).stdout.splitlines()
        found = 0
        for name, want in zip(NAMES, theirs):
            p = subprocess.run([trivium, "inspect", name, "--json"], env=env,
                               text=True, cwd=work, capture_output=True)
            got = json.loads(p.stdout)["path"] if p.returncode == 0 else "-"
            found += want != "-"
            if os.path.realpath(got) != os.path.realpath(want):
                print(f"{name}: {got}, not {want} ({place})")
                bad += 1
        print(f"{len(NAMES)} names, {found} found: {place or 'HOME'}")
    return 1 if bad else 0


sys.exit(main(*sys.argv[1:]))
