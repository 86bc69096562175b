#!/usr/bin/env bash
# Where .gitignore lets one folder through, isomorphic-git adds nothing from it: `add` of a file is done, and the commit is empty.
#
# Seen with isomorphic-git 1.44.19, libgit2 (pygit2 1.21.0), dulwich 1.2.21 and pathspec 1.1.1, beside git 2.47. A repository of
# manifests often ignores all but what is meant: `/*` and then `!/tenants/`. isomorphic-git asks for the folder without its slash, so
# that the second line never holds; it also reads `[!_]` as a set with `!` in it. `add` says nothing when a file is ignored, the bot
# commits the tree that was there, and Flux has nothing to apply. The other way, pathspec and libgit2 see a file again whose folder is
# ignored, which git never does. dulwich answers as git in all of these. Compare the new commit's tree with its parent's, or give
# `add` its `force`.
set -euo pipefail
for tool in git npm; do command -v "$tool" >/dev/null || { echo "needs $tool"; exit 2; }; done
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
npm install --silent --no-audit --no-fund isomorphic-git@1.44.19 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pygit2==1.21.0 dulwich==1.2.21 pathspec==1.1.1
cat >isomorphic.cjs <<'JS'
const fs = require("fs"), git = require("isomorphic-git"), author = { name: "bot", email: "bot@example.com" }
async function commit([dir, filepath]) {
  await git.add({ fs, dir, filepath: ".gitignore" })
  await git.commit({ fs, dir, author, message: "what is ignored" })
  await git.add({ fs, dir, filepath })
  await git.commit({ fs, dir, author, message: "a tenant" })
  return git.isIgnored({ fs, dir, filepath })
}
Promise.all(JSON.parse(process.argv[2]).map(commit)).then(ignored => console.log(JSON.stringify(ignored)))
JS
cat >compare.py <<'PY'
import json
import pathlib
import subprocess

import pathspec
import pygit2
from dulwich.ignore import IgnoreFilterManager
from dulwich.repo import Repo

FILE = "tenants/payments.yaml"
CASES = {  # the lines of .gitignore, and the file that is asked about
    "only one folder": (["/*", "!/tenants/", "!/.gitignore"], FILE),
    "only YAML files": (["*", "!*/", "!*.yaml", "!/.gitignore"], FILE),
    "all but those that begin with _": (["[!_]*.yaml"], "payments.yaml"),
    "all but one file of a folder": (["/tenants/", "!/tenants/payments.yaml"], FILE),
    "all but YAML files, without their folders": (["**", "!*.yaml", "!/.gitignore"], FILE),
    "all YAML files": (["*.yaml"], FILE),
}


def git(repository, *command):
    return subprocess.run(["git", "-C", str(repository), *command], capture_output=True, text=True)


asked = []
for number, (lines, name) in enumerate(CASES.values()):
    repository = pathlib.Path(f"repository-{number}")
    (repository / name).parent.mkdir(parents=True)
    git(".", "init", "-q", "-b", "main", str(repository))
    (repository / ".gitignore").write_text("\n".join(lines) + "\n")
    (repository / name).write_text("kind: Tenant\n")
    asked.append((str(repository), name))
ran = subprocess.run(["node", "isomorphic.cjs", json.dumps(asked)], capture_output=True, text=True, check=True)
other = {}
for (case, (lines, _)), (repository, name), isomorphic in zip(CASES.items(), asked, json.loads(ran.stdout)):
    by_git = git(repository, "check-ignore", "-q", "--no-index", name).returncode == 0
    said = {
        "isomorphic-git": isomorphic,
        "libgit2": pygit2.Repository(repository).path_is_ignored(name),
        "dulwich": bool(IgnoreFilterManager.from_repo(Repo(repository)).is_ignored(name)),
        "pathspec": pathspec.GitIgnoreSpec.from_lines(lines).match_file(name),
    }
    other[case] = [library for library, ignored in said.items() if ignored != by_git]
    is_empty = git(repository, "diff", "--quiet", "HEAD~", "HEAD").returncode == 0
    print(f"{case} ({'  '.join(lines)}): {name} is {'' if by_git else 'not '}ignored by git")
    print(f"  otherwise: {', '.join(other[case]) or 'none'}; isomorphic-git's commit {'is empty' if is_empty else 'has it'}")
    assert is_empty == isomorphic, "isomorphic-git's add has changed"
assert other == {
    "only one folder": ["isomorphic-git"],
    "only YAML files": ["isomorphic-git"],
    "all but those that begin with _": ["isomorphic-git"],
    "all but one file of a folder": ["pathspec"],
    "all but YAML files, without their folders": ["libgit2", "pathspec"],
    "all YAML files": [],
}, f"that has changed: {other}"
PY
venv/bin/python compare.py
