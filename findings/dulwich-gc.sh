#!/usr/bin/env bash
# dulwich's gc deletes the commit that a linked worktree has checked out, all stashes but the newest, and what is only staged.
#
# Seen with dulwich 1.2.21 and git 2.47, each with its own settings. `git gc` keeps what an index, a reflog or the HEAD of another
# worktree names. dulwich keeps what refs and the HEAD of the folder that it is called in lead to, and deletes all else that is
# older than two weeks, without a word: in the linked worktree each command then ends with "bad object HEAD", and entries that
# `git stash list` shows are gone. Nobody needs to call `porcelain.gc` for that: its commit and fetch do when there are 6,700 loose
# objects (gc.auto, here 1). `include_reflogs` is an argument, of which the code does not make use. Set gc.auto to 0 where dulwich
# works in a clone that is not its own, and let git collect.
set -euo pipefail
command -v git >/dev/null || { echo "needs git"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check dulwich==1.2.21
ids() { # what is looked for afterwards: a name and an id a line
  echo "the commit of a linked worktree: $(git -C "$1-linked" rev-parse HEAD)"
  echo "a file added in the linked worktree: $(git -C "$1-linked" rev-parse :added)"
  echo "a file added in the main worktree: $(git -C "$1" rev-parse :added)"
  echo "the newest stash: $(git -C "$1" rev-parse 'stash@{0}')"
  echo "the stash before it: $(git -C "$1" rev-parse 'stash@{1}')"
  echo "a commit that was reset away: $(git -C "$1" rev-parse 'main@{1}')"
}
for how in git gc commit; do
  git init -q -b main "$how"
  echo one >"$how/file"
  git -C "$how" add . && git -C "$how" commit -q -m "the first"
  git -C "$how" commit -q --allow-empty -m "to be reset away" && git -C "$how" reset -q --hard HEAD~1
  for change in two three; do echo "$change" >"$how/file" && git -C "$how" stash -q; done
  git -C "$how" worktree add -q --detach "../$how-linked"
  git -C "$how-linked" commit -q --allow-empty -m "on no branch"
  echo "here" >"$how/added" && git -C "$how" add added
  echo "there" >"$how-linked/added" && git -C "$how-linked" add added
  ids "$how" >"$how.ids"
  find "$how/.git/objects" -type f -exec touch -d "20 days ago" {} + # either keeps what is younger than two weeks
done
git -C git gc -q
git -C commit config gc.auto 1
cat >collect.py <<'PY'
from dulwich import porcelain

bot = b"bot <bot@example.com>"
porcelain.gc("gc")
porcelain.commit("commit", message=b"what is staged", author=bot, committer=bot)
PY
venv/bin/python collect.py
for how in git gc; do
  while IFS= read -r line; do
    git -C "$how" cat-file -e "${line##*: }" 2>/dev/null && did=keeps || did=deletes
    echo "${how/#gc/dulwich} $did ${line%%:*}"
  done <"$how.ids"
done >seen
for how in git gc commit; do
  newest=$(git -C "$how-linked" log --format=%s -1 2>&1 | head -1) || true
  echo "the linked worktree after ${how/#gc/dulwich.gc}: $newest" | sed 's/after commit/after dulwich.commit/'
done >>seen
cat seen
cat >expected <<'SEEN'
git keeps the commit of a linked worktree
git keeps a file added in the linked worktree
git keeps a file added in the main worktree
git keeps the newest stash
git keeps the stash before it
git keeps a commit that was reset away
dulwich deletes the commit of a linked worktree
dulwich deletes a file added in the linked worktree
dulwich deletes a file added in the main worktree
dulwich keeps the newest stash
dulwich deletes the stash before it
dulwich deletes a commit that was reset away
the linked worktree after git: on no branch
the linked worktree after dulwich.gc: fatal: bad object HEAD
the linked worktree after dulwich.commit: fatal: bad object HEAD
SEEN
cmp -s seen expected || { echo "that has changed: this finding is out of date"; exit 1; }
