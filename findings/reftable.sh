#!/usr/bin/env bash
# In a repository with reftables dulwich cuts the names of branches and commits nothing, and isomorphic-git loses a tag.
#
# Seen with dulwich 1.2.21, isomorphic-git 1.44.19 and pygit2 1.21.0 (libgit2), with git 2.47's `--ref-format=reftable`, which git 3
# is to take by itself. dulwich reads and writes them since its pull request 1570: its `refs` are right, git sees a branch that it
# sets, and tags are right. But branch_list says "ain", and each commit ends with "HEAD changed during commit", as if two had
# raced, and leaves an object behind. isomorphic-git takes the placeholder ".invalid" for the branch, and `tag` returns without an
# error and writes a file where git does not look. libgit2 refuses the repository. The format is each clone's own affair: make the
# clone for a library with `git clone --ref-format=files`, and do not repeat a commit because of those words.
set -euo pipefail
for tool in git npm; do command -v "$tool" >/dev/null || { echo "needs $tool"; exit 2; }; done
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git init -q -b main --ref-format=reftable repository 2>/dev/null || { echo "needs git 2.45"; exit 2; }
npm install --silent --no-audit --no-fund isomorphic-git@1.44.19 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check pygit2==1.21.0 dulwich==1.2.21
echo one >repository/one.yaml
git -C repository add . && git -C repository commit -q -m "one tenant"
git -C repository branch payments && git -C repository tag released
cat >dulwich-and-libgit2.py <<'PY'
import pygit2
from dulwich import porcelain
from dulwich.repo import Repo

repository, bot = Repo("repository"), b"bot <bot@example.com>"
print("dulwich: refs", *sorted(name.decode() for name in repository.refs.allkeys() if name.startswith(b"refs/heads/")))
print("dulwich: branches", *sorted(name.decode() for name in porcelain.branch_list(repository)))
print("dulwich: tags", *(name.decode() for name in porcelain.tag_list(repository)))
repository.refs[b"refs/heads/by-dulwich"] = repository.head()
try:
    porcelain.commit(repository, message=b"again", author=bot, committer=bot)
    print("dulwich: commits")
except Exception as error:
    print(f"dulwich: {type(error).__name__}: {error}")
try:
    pygit2.Repository("repository")
    print("libgit2: opens it")
except pygit2.GitError as error:
    print(f"libgit2:{str(error).partition(':')[2]}")
PY
cat >isomorphic-git.cjs <<'JS'
const fs = require("fs"), git = require("isomorphic-git")
const dir = "repository", object = process.argv[2]
async function look() {
  console.log(`isomorphic-git: on ${await git.currentBranch({ fs, dir })}`)
  await git.tag({ fs, dir, ref: "by-isomorphic-git", object })
  console.log(`isomorphic-git: tags ${await git.listTags({ fs, dir })}`)
}
look()
JS
{
  venv/bin/python dulwich-and-libgit2.py
  node isomorphic-git.cjs "$(git -C repository rev-parse HEAD)"
  echo "git: $(git -C repository for-each-ref --format='%(refname:short)' | paste -sd' ')"
  left=$(git -C repository fsck 2>/dev/null | grep -c dangling)
  echo "git: $(git -C repository rev-list --all --count) commit, and $left that nothing names"
} >seen
cat seen
cat >expected <<'SEEN'
dulwich: refs refs/heads/main refs/heads/payments
dulwich: branches ain ayments
dulwich: tags released
dulwich: CommitError: b'HEAD' changed during commit
libgit2: unsupported extension name extensions.refstorage
isomorphic-git: on .invalid
isomorphic-git: tags by-isomorphic-git
git: by-dulwich main payments released
git: 1 commit, and 1 that nothing names
SEEN
cmp -s seen expected || { echo "that has changed: this finding is out of date"; exit 1; }
