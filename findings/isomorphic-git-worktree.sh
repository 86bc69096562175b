#!/usr/bin/env bash
# In a linked worktree isomorphic-git commits to nowhere: it returns an id, and the branch of git does not move.
#
# Seen with isomorphic-git 1.44.19 and git 2.47. `git worktree add` gives a bot a checkout of its own, whose `.git` is a file. The
# library follows that file (version 0.55 stopped there: its issue 735), but takes the private folder .git/worktrees/NAME for the
# whole repository: it names the branch, finds no commit on it, and so `commit` makes one without a parent, with objects and a
# refs/heads of its own in that folder. log shows it, git sees neither, and `git worktree remove` deletes both. dulwich 1.2.21 and
# libgit2 (pygit2 1.21.0) commit to the branch. Clone for the library, or check that `log` begins where git's does.
set -euo pipefail
for tool in git npm; do command -v "$tool" >/dev/null || { echo "needs $tool"; exit 2; }; done
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
npm install --silent --no-audit --no-fund isomorphic-git@1.44.19 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check pygit2==1.21.0 dulwich==1.2.21
git init -q -b main repository
echo one >repository/one.yaml
git -C repository add . && git -C repository commit -q -m "one tenant"
cat >isomorphic.cjs <<'JS'
const fs = require("fs"), git = require("isomorphic-git")
const dir = "isomorphic", author = { name: "bot", email: "bot@example.com" }
async function commit() {
  console.log(`isomorphic-git: on ${await git.currentBranch({ fs, dir })}`)
  fs.writeFileSync(`${dir}/two.yaml`, "two\n")
  await git.add({ fs, dir, filepath: "two.yaml" })
  const id = await git.commit({ fs, dir, author, message: "a second tenant" })
  fs.writeFileSync("id", id)
  const [newest, ...older] = await git.log({ fs, dir })
  console.log(`isomorphic-git: ${newest.oid === id ? "the new commit" : "another one"} is the newest, ${older.length} before it`)
}
commit()
JS
cat >others.py <<'PY'
import os
import pathlib

import pygit2
from dulwich import porcelain

pathlib.Path("libgit2/two.yaml").write_text("two\n")
repository, bot = pygit2.Repository("libgit2"), pygit2.Signature("bot", "bot@example.com")
repository.index.add("two.yaml")
repository.index.write()
repository.create_commit("HEAD", bot, bot, "a second tenant", repository.index.write_tree(), [repository.head.target])
os.chdir("dulwich")
pathlib.Path("two.yaml").write_text("two\n")
porcelain.add(".", ["two.yaml"])
porcelain.commit(".", message=b"a second tenant", author=b"bot <bot@example.com>", committer=b"bot <bot@example.com>")
PY
for library in isomorphic libgit2 dulwich; do git -C repository worktree add -q "../$library" -b "$library"; done
{
  node isomorphic.cjs
  venv/bin/python others.py
  for library in isomorphic libgit2 dulwich; do
    echo "git: $(git -C repository rev-list --count "$library") commits on $library," \
      "$(git -C "$library" status --short | wc -l) change not committed"
  done
  git -C repository cat-file -e "$(cat id)" 2>/dev/null && echo "git: has it" || echo "git: has no commit of that id"
  git -C repository worktree remove --force isomorphic
  [ -z "$(find repository -path "*$(cut -c3- id)")" ] && echo "git worktree remove: the commit is gone" || echo "the commit is left"
} >seen
cat seen
cat >expected <<'SEEN'
isomorphic-git: on isomorphic
isomorphic-git: the new commit is the newest, 0 before it
git: 1 commits on isomorphic, 1 change not committed
git: 2 commits on libgit2, 0 change not committed
git: 2 commits on dulwich, 0 change not committed
git: has no commit of that id
git worktree remove: the commit is gone
SEEN
cmp -s seen expected || { echo "that has changed: this finding is out of date"; exit 1; }
