#!/usr/bin/env bash
# isomorphic-git drops every other file from its commit where git keeps a split index, and writes a broken tree for a sparse one.
#
# Seen with isomorphic-git 1.44.19 and git 2.47, beside pygit2 1.21.0 (libgit2) and dulwich 1.2.21. With `core.splitIndex`, and
# after `git sparse-checkout --sparse-index` (one cluster's folder of a large GitOps repository), git marks its index with an
# extension in small letters, which a reader must understand or refuse. libgit2 refuses (its issues 6132 and 7260); dulwich, which
# has code for the sparse one, stops at a checksum that is right. isomorphic-git skips it, and no call fails: with a split index
# its commit has the added file only, a server takes the push, and what prunes removes all tenants; with a sparse one git says
# "empty filename in tree entry" from then on. Give such a library a clone of its own.
set -euo pipefail
for tool in git npm; do command -v "$tool" >/dev/null || { echo "needs $tool"; exit 2; }; done
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
npm install --silent --no-audit --no-fund isomorphic-git@1.44.19 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check pygit2==1.21.0 dulwich==1.2.21
cat >commit.cjs <<'JS'
const fs = require("fs"), git = require("isomorphic-git")
const author = { name: "bot", email: "bot@example.com" }
async function commit(dir) {
  fs.writeFileSync(`${dir}/b/new.yaml`, "new\n")
  await git.add({ fs, dir, filepath: "b/new.yaml" })
  await git.commit({ fs, dir, author, message: "one tenant more" })
}
commit(process.argv[2]).then(() => console.log("isomorphic-git: committed"), error => console.log(`isomorphic-git: ${error.code}`))
JS
cat >read.py <<'PY'
import sys

import pygit2
from dulwich.repo import Repo

for name, read in (("libgit2", lambda: pygit2.Repository(sys.argv[1]).index), ("dulwich", lambda: Repo(sys.argv[1]).open_index())):
    try:
        read()
        print(f"{name}: reads it")
    except Exception as error:
        print(f"{name}: {str(error).split(':')[0]}")
PY
for kind in split sparse; do
  git init -q -b main "$kind"
  mkdir "$kind/a" "$kind/b"
  for tenant in a/one a/two b/three; do
    echo "$tenant" >"$kind/$tenant.yaml"
    touch -d "1 hour ago" "$kind/$tenant.yaml" # else git may write an entry once more, as it was changed in the second of the index
  done
  [ "$kind" = sparse ] || git -C "$kind" config core.splitIndex true
  git -C "$kind" add . && git -C "$kind" commit -q -m "three tenants"
done
git -C sparse sparse-checkout set --cone --sparse-index b
for kind in split sparse; do
  echo "a $kind index"
  venv/bin/python read.py "$kind"
  node commit.cjs "$kind"
  git -C "$kind" ls-tree -r --name-only HEAD >tree 2>&1 || true
  echo "git: the commit has $(grep -v '^a$' tree | paste -sd, | sed 's/,/, /g')"
  git init -q --bare -b main "$kind.git"
  git -C "$kind" push -q "../$kind.git" main 2>/dev/null && echo "server: takes the push" || echo "server: has no main"
done >seen
cat seen
cat >expected <<'SEEN'
a split index
libgit2: unsupported mandatory extension
dulwich: Checksum mismatch
isomorphic-git: committed
git: the commit has b/new.yaml
server: takes the push
a sparse index
libgit2: unsupported mandatory extension
dulwich: Checksum mismatch
isomorphic-git: committed
git: the commit has fatal: empty filename in tree entry
server: has no main
SEEN
cmp -s seen expected || { echo "that has changed: this finding is out of date"; exit 1; }
