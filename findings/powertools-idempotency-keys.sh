#!/usr/bin/env bash
# Powertools for Python and for TypeScript keep idempotency records in one kind of table, and never find each other's.
#
# Seen with aws-lambda-powertools 3.37.0 and @aws-lambda-powertools/idempotency 2.35.0. Both write the same attributes to DynamoDB, and
# name a record PREFIX#DIGEST. Python's prefix has the module and the name of the handler in it, too, so that renaming one of them
# forgets what was done; with one prefix given to both, the digest is MD5 in hexadecimal here and in Base64 there, and of an object
# not even of the same text, as Python writes a blank after each comma and colon. So a function that moves from one language to the
# other, or runs in both for a while, does once more whatever EventBridge or SQS delivers again, for as long as the records live.
# Let a key of your own decide, such as the event's id in a conditional write, or move when no event is left.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @aws-lambda-powertools/idempotency@2.35.0 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check aws-lambda-powertools==3.37.0 boto3==1.44.8
cat >events.json <<'JSON'
[{"chosen": "detail.account", "event": {"detail": {"account": "111122223333"}}},
 {"chosen": "[source, detail.account]", "event": {"source": "organizations", "detail": {"account": "111122223333"}}},
 {"chosen": "detail", "event": {"detail": {"name": "payments", "account": "111122223333"}}},
 {"chosen": "detail", "event": {"detail": {"account": "111122223333", "name": "payments"}}}]
JSON
cat >onboard.mjs <<'JS'
import { readFileSync } from "node:fs"
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency"
import { BasePersistenceLayer } from "@aws-lambda-powertools/idempotency/persistence"

class Shown extends BasePersistenceLayer {
  async _putRecord(record) { console.log(record.idempotencyKey) }
  async _getRecord() {}
  async _updateRecord() {}
  async _deleteRecord() {}
}
for (const { chosen, event } of JSON.parse(readFileSync("events.json", "utf8"))) {
  const config = new IdempotencyConfig({ eventKeyJmesPath: chosen })
  const onboard = makeIdempotent(async () => {}, { persistenceStore: new Shown(), config, keyPrefix: "onboard" })
  await onboard(event, { getRemainingTimeInMillis: () => 1000 })
}
JS
cat >onboard.py <<'PY'
import json

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer


class Shown(BasePersistenceLayer):
    def _put_record(self, data_record):
        print(data_record.idempotency_key)

    def _get_record(self, idempotency_key):
        pass

    def _update_record(self, data_record):
        pass

    def _delete_record(self, data_record):
        pass


class Context:
    def get_remaining_time_in_millis(self):
        return 1000


for asked in json.load(open("events.json")):

    def onboard(event, context):
        pass

    config = IdempotencyConfig(event_key_jmespath=asked["chosen"])
    idempotent(onboard, persistence_store=Shown(), config=config, key_prefix="onboard")(asked["event"], Context())
idempotent(onboard, persistence_store=Shown(), config=config)(asked["event"], Context())
PY
export AWS_LAMBDA_FUNCTION_NAME=onboard
node onboard.mjs >node.txt 2>warnings || { cat warnings; exit 1; }
venv/bin/python onboard.py >python.txt 2>warnings || { cat warnings; exit 1; }
cat >compare.py <<'PY'
import base64
import json

events, node = json.load(open("events.json")), open("node.txt").read().split()
*python, without_prefix = open("python.txt").read().split()
same = []
for asked, ours, theirs in zip(events, python, node, strict=True):
    print(f"{asked['chosen']} of {json.dumps(asked['event'])}\n  Python:     {ours}\n  TypeScript: {theirs}")
    digests = ours.split("#")[1], base64.b64decode(theirs.split("#")[1]).hex()
    same.append((ours == theirs, digests[0] == digests[1]))
assert python[2] == python[3] and node[2] == node[3], "the order of an object's fields counts now"
assert same == [(False, True), (False, False), (False, False), (False, False)], f"that has changed: {same}"
print(f"without a prefix of its own, Python: {without_prefix}")
assert without_prefix.startswith("onboard.__main__.onboard#"), "Python's prefix has changed"
PY
python3 compare.py
