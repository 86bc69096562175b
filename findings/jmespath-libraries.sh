#!/usr/bin/env bash
# Of four JMESPath libraries only Python's answers as the specification says: in two for Node 10 comes before 9.
#
# Seen with jmespath 0.16.0, @jmespath-community/jmespath 1.3.0 and @aws-lambda-powertools/jmespath 2.36.0 for Node, beside jmespath
# 1.1.0 for Python, with which the AWS CLI answers --query. An expression that was tried with --query goes into a Node program, or
# into the settings of Powertools. jmespath says that "012345678901" does not start with "0", as it looks for the last one: its issue
# 95, which recommends the community's as compliant. But both sort numbers by their digits, and find no greatest name. Powertools'
# not_null passes over 0 and false, so that no retries become the default number. Each answers, none fails. Try an expression with
# the library that runs it.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund jmespath@0.16.0 @jmespath-community/jmespath@1.3.0 @aws-lambda-powertools/jmespath@2.36.0 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check jmespath==1.1.0
cat >expressions.json <<'JSON'
{"document": {"id": "012345678901", "name": "payments-payments-dev", "masks": [16, 20, 8, 9, 10], "retries": 0, "on": false, "unset": null,
              "accounts": [{"name": "payments"}, {"name": "search"}, {"name": "billing"}]},
 "expressions": ["sort(masks)", "max(masks)", "starts_with(id, '0')", "starts_with(name, 'payments')",
                 "max_by(accounts, &name).name", "sort_by(accounts, &name)[0].name",
                 "not_null(unset, retries)", "not_null(unset, on)", "not_null(unset, id)"]}
JSON
cat >ask.mjs <<'JS'
import { readFileSync } from "node:fs"
import jmespath from "jmespath"
import { search as community } from "@jmespath-community/jmespath"
import { search as powertools } from "@aws-lambda-powertools/jmespath"

const { document, expressions } = JSON.parse(readFileSync("expressions.json", "utf8"))
const ask = search => expressions.map(expression => search(expression) ?? null)
console.log(JSON.stringify({
  "jmespath": ask(expression => jmespath.search(document, expression)),
  "community": ask(expression => community(document, expression)),
  "powertools": ask(expression => powertools(expression, document)),
}))
JS
cat >compare.py <<'PY'
import json
import subprocess

import jmespath

asked = json.load(open("expressions.json"))
answers = json.loads(subprocess.run(["node", "ask.mjs"], capture_output=True, text=True, check=True).stdout)
other = {}
for number, expression in enumerate(asked["expressions"]):
    python = jmespath.search(expression, asked["document"])
    said = {name: json.dumps(given[number]) for name, given in answers.items()}
    differ = [name for name, text in said.items() if text != json.dumps(python)]
    print(f"{expression}: Python {json.dumps(python)}" + "".join(f", {name} {said[name]}" for name in differ))
    for name in differ:
        other.setdefault(name, []).append(number)
assert other == {"jmespath": [0, 2, 3, 4], "community": [0, 4], "powertools": [6, 7]}, f"that has changed: {other}"
PY
venv/bin/python compare.py
