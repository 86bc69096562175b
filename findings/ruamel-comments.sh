#!/usr/bin/env bash
# ruamel.yaml, which is taken because it keeps comments, drops those above `---`, and leaves the comment of an entry that goes to
# the next one.
#
# Seen with ruamel.yaml 0.19.1, beside yaml 2.9.1 for Node. A file that is read and written again without any change has lost the
# lines above its `---`, and the marker: the note who writes the file, a license, a `yaml-language-server` line. explicit_start
# brings back the marker alone. And of two entries with a comment each, taking out the first leaves its comment above the second,
# whose own is gone: the file now says of one account what was said of another. yaml keeps all of them. Put the head below the
# `---`, put the comment of an entry behind its first line, and read the diff before it is committed.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund yaml@2.9.1 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check ruamel.yaml==0.19.1
cat >tenant.yaml <<'YAML'
# Written by the platform; yours to edit.
---
accounts:
  # for tests only
  - id: "111122223333"
  # production
  - id: "444455556666"
YAML
cat >edit.py <<'PY'
import ruamel.yaml

yaml = ruamel.yaml.YAML()
yaml.preserve_quotes = True
yaml.explicit_start = True
yaml.indent(sequence=4, offset=2)
tenant = yaml.load(open("tenant.yaml"))
yaml.dump(tenant, open("ruamel-unchanged.yaml", "w"))
del tenant["accounts"][0]
yaml.dump(tenant, open("ruamel-less.yaml", "w"))
PY
cat >edit.mjs <<'JS'
import { readFileSync, writeFileSync } from "node:fs"
import { parseDocument } from "yaml"
const tenant = parseDocument(readFileSync("tenant.yaml", "utf8"))
writeFileSync("yaml-unchanged.yaml", tenant.toString())
tenant.deleteIn(["accounts", 0])
writeFileSync("yaml-less.yaml", tenant.toString())
JS
venv/bin/python edit.py
node edit.mjs
for name in ruamel-unchanged yaml-unchanged ruamel-less yaml-less; do echo "$name:"; sed 's/^/  /' "$name.yaml"; done
cmp -s tenant.yaml yaml-unchanged.yaml || { echo "yaml has changed"; exit 1; }
sed 1d tenant.yaml | cmp -s - ruamel-unchanged.yaml || { echo "ruamel.yaml has changed: the head"; exit 1; }
printf -- '---\naccounts:\n  # for tests only\n  - id: "444455556666"\n' | cmp -s - ruamel-less.yaml ||
  { echo "ruamel.yaml has changed: the comments of entries"; exit 1; }
