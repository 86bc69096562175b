#!/usr/bin/env bash
# CloudEvents' SDK for JavaScript reads data that is false as no data or as the text "false", and sends a text as no JSON.
#
# Seen with cloudevents 10.0.0 for Node and cloudevents 2.2.0 for Python. These data are all JSON values, and the SDK's own
# `structured` writes them; its `toEvent` then drops what JavaScript takes for false: a switch that was turned off arrives as no
# news, and in binary mode, of a body as HTTP has it, as a text, which counts as true. `binary` puts a text into the body without
# quotes, under application/json: Python reads an account id as a number, unless it begins with 0, and "" as null, while the
# structured one stays as it was. Its issues 33, 343 and 441 are about texts in one mode or the other. Let data be an object, and
# read an event of each mode in each language before it is relied on.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund cloudevents@10.0.0 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check cloudevents==2.2.0
cat >send.mjs <<'JS'
import { writeFileSync } from "node:fs"
import { CloudEvent, HTTP } from "cloudevents"

const sent = []
for (const data of [false, 0, "", "111122223333", "012345678901", { account: "111122223333" }]) {
  const event = new CloudEvent({ type: "com.example.told", source: "/hub", datacontenttype: "application/json", data })
  for (const mode of ["binary", "structured"]) {
    const { headers, body: made } = HTTP[mode](event), body = String(made)
    sent.push({ mode, data, headers, body, back: HTTP.toEvent({ headers, body }).data })
  }
}
writeFileSync("sent.json", JSON.stringify(sent))
JS
cat >receive.py <<'PY'
import json

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

for sent in json.load(open("sent.json")):
    read = from_http_event(HTTPMessage(headers=sent["headers"], body=sent["body"].encode())).get_data()
    node = json.dumps(sent["back"]) if "back" in sent else "nothing"
    print(f"{json.dumps(sent['data']):27} {sent['mode']:10}  Node reads {node:27}  Python reads {json.dumps(read)}")
PY
node send.mjs
venv/bin/python receive.py >seen
cat seen
cat >expected <<'SEEN'
false                       binary      Node reads "false"                      Python reads false
false                       structured  Node reads nothing                      Python reads false
0                           binary      Node reads "0"                          Python reads 0
0                           structured  Node reads nothing                      Python reads 0
""                          binary      Node reads ""                           Python reads null
""                          structured  Node reads nothing                      Python reads ""
"111122223333"              binary      Node reads "111122223333"               Python reads 111122223333
"111122223333"              structured  Node reads "111122223333"               Python reads "111122223333"
"012345678901"              binary      Node reads "012345678901"               Python reads "012345678901"
"012345678901"              structured  Node reads "012345678901"               Python reads "012345678901"
{"account": "111122223333"} binary      Node reads {"account": "111122223333"}  Python reads {"account": "111122223333"}
{"account": "111122223333"} structured  Node reads {"account": "111122223333"}  Python reads {"account": "111122223333"}
SEEN
cmp -s seen expected || { echo "that has changed: this finding is out of date"; exit 1; }
