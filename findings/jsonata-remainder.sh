#!/usr/bin/env bash
# jsonata-python's `%` gives whole numbers only, so that `x % 1 = 0` says of every number that it is whole, and `$count` of a
# null that a path or a filter selects is 0 there, not 1.
#
# Seen with jsonata-python 0.7.1, beside the reference in the version that Step Functions follows, jsonata 2.0.6, and beside
# jsonata-rs 0.1.4, which counts like the one and divides like the other. No error: `7.5 % 2` is 1 or 1.5, and of a list in which
# one region's VPC is null, `$count(regions.vpc[$=null])` is 0 or 1. State machines that run locally in Python are evaluated with
# such a port, so a Choice goes another way there than on AWS. Ask `$floor(x) = x`, and count objects by their field:
# `$count(regions[vpc=null])`.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund jsonata@2.0.6 >/dev/null
# Both Python packages are imported as `jsonata`.
for package in jsonata-python==0.7.1 jsonata-rs==0.1.4; do
  python3 -m venv "${package%%=*}"
  "${package%%=*}/bin/pip" install --quiet --disable-pip-version-check "$package"
done
cat >cases.json <<'JSON'
{"input": {"hosts": 7.5, "vpc": null, "regions": [{"vpc": "vpc-1"}, {"vpc": null}]},
 "expressions": ["hosts % 2", "hosts % 1 = 0", "$floor(hosts) = hosts",
   "$count(vpc)", "$count(regions.vpc[$=null])", "$count(regions[vpc=null])"]}
JSON
cat >evaluate.js <<'JS'
const jsonata = require("jsonata"), { input, expressions } = require("./cases.json")
Promise.all(expressions.map(text => jsonata(text).evaluate(input))).then(all => console.log(JSON.stringify(all)))
JS
cat >evaluate.py <<'PY'
import json, jsonata

cases = json.load(open("cases.json"))
found = [jsonata.Jsonata(text).evaluate(cases["input"]) for text in cases["expressions"]]
print(json.dumps(found, separators=(",", ":")))
PY
reference=$(node evaluate.js) python=$(jsonata-python/bin/python evaluate.py) rust=$(jsonata-rs/bin/python evaluate.py)
python3 -c 'import json; print("expressions:         ", *json.load(open("cases.json"))["expressions"], sep="  ")'
printf '%-22s %s\n' "jsonata 2.0.6" "$reference" "jsonata-python 0.7.1" "$python" "jsonata-rs 0.1.4" "$rust"
[ "$reference" = '[1.5,false,false,1,1,1]' ] || { echo "jsonata has changed"; exit 1; }
[ "$python" = '[1,true,false,0,0,1]' ] || { echo "jsonata-python has changed"; exit 1; }
[ "$rust" = '[1.5,false,false,0,0,1]' ] || { echo "jsonata-rs has changed"; exit 1; }
