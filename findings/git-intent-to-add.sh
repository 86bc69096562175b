#!/usr/bin/env bash
# After `git add -N`, dulwich and libgit2 commit the file: empty, although git would leave it out.
#
# Seen with dulwich 1.2.21 and pygit2 1.21.0 (libgit2), beside git 2.47 and isomorphic-git 1.44.19, which agree with each other.
# `git add -N` (--intent-to-add) makes a new file show in `git diff` before anybody decides to commit it. Its index entry has a
# flag, and the id of the empty blob. Both libraries write the entry into the tree all the same, so the commit of something else
# adds an empty file of that name: an empty kustomization, or the end of a check that wants a document in each file. `git status`
# then shows the file as deleted and added. Where a library commits in a clone that people work in, too, build the tree from
# HEAD's and not from the index.
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
const dir = "isomorphic-git", author = { name: "bot", email: "bot@example.com" }
git.add({ fs, dir, filepath: "wanted.yaml" }).then(() => git.commit({ fs, dir, author, message: "wanted" }))
JS
cat >others.py <<'PY'
import os

import pygit2
from dulwich import porcelain

repository, bot = pygit2.Repository("libgit2"), pygit2.Signature("bot", "bot@example.com")
repository.index.add("wanted.yaml")
repository.index.write()
repository.create_commit("HEAD", bot, bot, "wanted", repository.index.write_tree(), [repository.head.target])
os.chdir("dulwich")
porcelain.add(".", ["wanted.yaml"])
porcelain.commit(".", message=b"wanted", author=b"bot <bot@example.com>", committer=b"bot <bot@example.com>")
PY
for library in git dulwich libgit2 isomorphic-git; do
  git init -q -b main "$library"
  git -C "$library" commit -q --allow-empty -m "the first"
  echo "not yet for anybody" >"$library/draft.yaml"
  echo "for all" >"$library/wanted.yaml"
  git -C "$library" add -N draft.yaml
done
git -C git add wanted.yaml && git -C git commit -q -m wanted
node isomorphic-git.cjs
venv/bin/python others.py
for library in git dulwich libgit2 isomorphic-git; do
  echo "$library: $(git -C "$library" ls-tree -l HEAD | awk '{ print $5 " of " $4 " bytes" }' | paste -sd, | sed 's/,/, /g')"
done >seen
cat seen
cat >expected <<'SEEN'
git: wanted.yaml of 8 bytes
dulwich: draft.yaml of 0 bytes, wanted.yaml of 8 bytes
libgit2: draft.yaml of 0 bytes, wanted.yaml of 8 bytes
isomorphic-git: wanted.yaml of 8 bytes
SEEN
cmp -s seen expected || { echo "that has changed: this finding is out of date"; exit 1; }
