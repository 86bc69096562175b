#!/usr/bin/env bash
# Of two libraries for SCIM's PATCH the one with 600,000 downloads a month loses a family name, and leaves two primary addresses.
#
# Seen with scim-patch 0.8.3 for Node, beside scim2-models 0.12.3 for Python, which does as RFC 7644 says. SCIM is how an identity
# provider tells Identity Center, and whoever stands between, of users and groups. By the RFC, to replace a complex attribute is to
# set the parts that are given; a value that becomes primary makes the others not primary; names of attributes, and types of
# addresses, are compared without case. scim-patch sets the parts when there is a path, and replaces the whole when there is none; it
# leaves both primary, and to it USERNAME or the type WORK are new ones beside those that are there. None is an error.
# Compare the resource after a PATCH with what the provider has, not only the answer's code.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund scim-patch@0.8.3 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check scim2-models==0.12.3
cat >patch.js <<'JS'
const { scimPatch } = require("scim-patch"), [user, group, operations] = JSON.parse(process.argv[2])
const patched = operation => scimPatch(structuredClone(operation.path === "members" ? group : user), [operation])
console.log(JSON.stringify(operations.map(patched)))
JS
cat >compare.py <<'PY'
import json
import subprocess

from scim2_models import Group, PatchOp, User

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
WORK, HOME = {"value": "ann@example.com", "type": "work", "primary": True}, {"value": "ann@example.org", "type": "home"}
USER = {
    "schemas": [CORE + "User"], "userName": "ann", "name": {"familyName": "Bell", "givenName": "Ann"}, "emails": [WORK, HOME],
}
GROUP = {"schemas": [CORE + "Group"], "displayName": "payments", "members": [{"value": "1"}, {"value": "2"}]}
OTHER = {"value": "ann@example.net", "type": "other", "primary": True}
CASES = {  # the operation, and what is left by the RFC of the attribute that it names
    "replace a part of the name, by its path": (
        {"op": "replace", "path": "name", "value": {"givenName": "Anna"}}, {"name": {"familyName": "Bell", "givenName": "Anna"}},
    ),
    "replace a part of the name, without a path": (
        {"op": "replace", "value": {"name": {"givenName": "Anna"}}}, {"name": {"familyName": "Bell", "givenName": "Anna"}},
    ),
    "add a primary address": (
        {"op": "add", "path": "emails", "value": [OTHER]}, {"emails": [WORK | {"primary": False}, HOME, OTHER]},
    ),
    "replace the work address": (
        {"op": "replace", "path": 'emails[type eq "WORK"].value', "value": "anna@example.com"},
        {"emails": [WORK | {"value": "anna@example.com"}, HOME]},
    ),
    "replace USERNAME": ({"op": "replace", "path": "USERNAME", "value": "anna"}, {"userName": "anna"}),
    "add a member": (
        {"op": "add", "path": "members", "value": [{"value": "3"}]}, {"members": [{"value": "1"}, {"value": "2"}, {"value": "3"}]},
    ),
}


def python(operation):
    model, resource = (Group, GROUP) if operation.get("path") == "members" else (User, USER)
    made = model.model_validate(resource)
    asked = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    PatchOp[model].model_validate(asked).patch(made)
    return made.model_dump()


asked = json.dumps([USER, GROUP, [operation for operation, _ in CASES.values()]])
node = json.loads(subprocess.run(["node", "patch.js", asked], capture_output=True, text=True, check=True).stdout)
other = {}
for (name, (operation, by_the_rfc)), by_node in zip(CASES.items(), node):
    (attribute, left), = by_the_rfc.items()
    assert python(operation)[attribute] == left, f"scim2-models: {name}"
    print(f"{name}: scim2-models {json.dumps(left)}")
    if by_node[attribute] != left:
        other[name] = {key: value for key, value in by_node.items() if value != USER.get(key)} or "nothing changed"
        print(f"  scim-patch: {json.dumps(other[name])}")
assert other == {
    "replace a part of the name, without a path": {"name": {"givenName": "Anna"}},
    "add a primary address": {"emails": [WORK, HOME, OTHER]},
    "replace the work address": {"emails": [WORK, HOME, {"type": "WORK", "value": "anna@example.com"}]},
    "replace USERNAME": {"USERNAME": "anna"},
}, f"that has changed: {other}"
PY
venv/bin/python compare.py
