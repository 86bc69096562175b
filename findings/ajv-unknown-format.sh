#!/usr/bin/env bash
# ajv refuses to compile the `format: uint32` that Rust's schemars writes; Python's jsonschema passes over it.
#
# Seen with ajv 8.17.1 and ajv-formats 3.0.1 (which defines int32, int64, float and double, and no unsigned one), and with
# jsonschema 4.25.1. ajv's default is `strict: true`, where an unknown format is an error for the whole schema, not a
# warning: whoever validates events with ajv cannot load a schema with one field of type u32. `minimum`/`maximum` say the
# same to everybody.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund ajv@8.17.1 ajv-formats@3.0.1 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check jsonschema==4.25.1
cat >schema.json <<'JSON'
{"type": "object", "properties": {"generation": {"type": "integer", "format": "uint32", "minimum": 0}}}
JSON
node - <<'JS'
const Ajv = require("ajv").default, formats = require("ajv-formats").default
const schema = require("./schema.json")
const compile = (make) => { try { return make().compile(schema)({ generation: 1 }) } catch (error) { return error.message } }
const plain = compile(() => new Ajv()), added = compile(() => formats(new Ajv())), lax = compile(() => new Ajv({ strict: false, logger: false }))
console.log("ajv:                ", plain); console.log("ajv and ajv-formats:", added); console.log("ajv, strict: false: ", lax)
const refused = /unknown format "uint32" ignored in schema/
if (!refused.test(plain) || !refused.test(added)) { console.log("it compiles now: this finding is out of date"); process.exit(1) }
JS
venv/bin/python - <<'PY'
import json
import jsonschema
jsonschema.Draft202012Validator(json.load(open("schema.json")), format_checker=jsonschema.FormatChecker()).validate({"generation": 1})
print("jsonschema:          valid, also with a format checker")
PY
