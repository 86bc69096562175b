#!/usr/bin/env bash
# The pattern that AWS documents for tags (`\p{L}` and its kin) is a schema for ajv and an error for Python's jsonschema, and
# an escape that Python takes (`\_`) is one for ajv.
#
# Seen with ajv 8.17.1 and jsonschema 4.25.1. JSON Schema asks for ECMA-262's regular expressions. ajv compiles with the flag
# `u`, under which `\p{L}` is a class of letters and an escape without a meaning is an error; Python's `re` has no `\p`, and
# takes `\_`. A schema that both can read names its ranges, escapes nothing that needs none, and leaves the rest to code.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund ajv@8.17.1 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check jsonschema==4.25.1
cat >cases.json <<'JSON'
{"of AWS": ["^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*$", "Zürich"],
 "escaped": ["^[a-z\\_]*$", "cost_center"],
 "for both": ["^[^<>]*$", "Zürich"]}
JSON
cat >with-ajv.js <<'JS'
const Ajv = require("ajv").default, cases = require("./cases.json"), seen = {}
for (const [name, [pattern, text]] of Object.entries(cases)) {
  try { seen[name] = new Ajv().compile({ type: "string", pattern })(text) } catch (error) { seen[name] = "error" }
}
console.log(JSON.stringify(seen))
JS
cat >with-python.py <<'PY'
import json, jsonschema

seen = {}
for name, (pattern, text) in json.load(open("cases.json")).items():
    schema = {"type": "string", "pattern": pattern}
    try:
        jsonschema.validate(text, schema)
        seen[name] = True
    except jsonschema.SchemaError:
        seen[name] = "error"
print(json.dumps(seen, separators=(",", ":")))
PY
ajv=$(node with-ajv.js) python=$(venv/bin/python with-python.py)
echo "ajv:        $ajv"
echo "jsonschema: $python"
[ "$ajv" = '{"of AWS":true,"escaped":"error","for both":true}' ] || { echo "ajv has changed"; exit 1; }
[ "$python" = '{"of AWS":"error","escaped":true,"for both":true}' ] || { echo "jsonschema has changed"; exit 1; }
