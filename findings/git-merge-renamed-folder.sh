#!/usr/bin/env bash
# libgit2 and isomorphic-git merge a new file into the folder that the other side has renamed, and call it a clean merge.
#
# Seen with pygit2 1.21.0 (libgit2), isomorphic-git 1.44.19 and dulwich 1.2.21, beside git 2.47. One branch adds tenants/four.yaml,
# the other moves tenants to clusters/a/tenants, and changes where Flux or Argo CD looks. git notices that the whole folder went:
# since 2.18 it takes the file along or, by itself, stops with "file location" and names the new place. The two libraries find no
# renamed folders, at most files (isomorphic-git not even those): the merge has no conflict, and leaves the new tenant alone in a
# folder that nothing reads, so it is not made and nothing fails. dulwich stops. Let a check refuse files outside the folders that
# are read, whoever has merged.
set -euo pipefail
for tool in git npm; do command -v "$tool" >/dev/null || { echo "needs $tool"; exit 2; }; done
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
npm install --silent --no-audit --no-fund isomorphic-git@1.44.19 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check pygit2==1.21.0 dulwich==1.2.21
cat >isomorphic-git.cjs <<'JS'
const fs = require("fs"), git = require("isomorphic-git")
const author = { name: "bot", email: "bot@example.com" }
git.merge({ fs, dir: "isomorphic-git", ours: "main", theirs: "four", author }).then(() => console.log("merged"), error => console.log(error.code))
JS
cat >others.py <<'PY'
import sys

import pygit2
from dulwich import porcelain

if sys.argv[1] == "dulwich":
    _, conflicts = porcelain.merge("dulwich", "four", author=b"bot <bot@example.com>", committer=b"bot <bot@example.com>")
    print("conflict" if conflicts else "merged")
else:
    repository, bot = pygit2.Repository("libgit2"), pygit2.Signature("bot", "bot@example.com")
    ours, theirs = (repository.branches[name].target for name in ("main", "four"))
    index = repository.merge_commits(ours, theirs)
    if not index.conflicts:
        repository.create_commit("refs/heads/main", bot, bot, "merge", index.write_tree(repository), [ours, theirs])
    print("conflict" if index.conflicts else "merged")
PY
for library in git libgit2 isomorphic-git dulwich; do
  git init -q -b main "$library"
  (
    cd "$library"
    mkdir tenants
    for tenant in one two three; do echo "a tenant of the name $tenant" >"tenants/$tenant.yaml"; done
    git add . && git commit -q -m "three tenants"
    git checkout -q -b four
    echo "a tenant of the name four" >tenants/four.yaml
    git add . && git commit -q -m "a fourth"
    git checkout -q main
    mkdir -p clusters/a && git mv tenants clusters/a/tenants && git commit -q -m "a folder for each cluster"
  )
done
{
  echo "git: $(git -C git merge four 2>&1 | grep -o 'CONFLICT (file location)')"
  echo "libgit2: $(venv/bin/python others.py libgit2): $(git -C libgit2 ls-tree -r --name-only main -- tenants)"
  echo "isomorphic-git: $(node isomorphic-git.cjs): $(git -C isomorphic-git ls-tree -r --name-only main -- tenants)"
  echo "dulwich: $(venv/bin/python others.py dulwich)"
} >seen
cat seen
cat >expected <<'SEEN'
git: CONFLICT (file location)
libgit2: merged: tenants/four.yaml
isomorphic-git: merged: tenants/four.yaml
dulwich: conflict
SEEN
cmp -s seen expected || { echo "that has changed: this finding is out of date"; exit 1; }
