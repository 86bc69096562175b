#!/usr/bin/env bash
# regopy, Rego without OPA, prints an account id as a negative number, unites objects one level deep, and sorts otherwise than OPA.
#
# Seen with regopy 1.5.2 (rego-cpp), beside opa-eval 0.1.1 (regorus) and the built-in functions as OPA's reference has them. A policy
# that OPA decides in CI is decided in a program by such a library. regopy cuts a number that sprintf prints with %d to 32 bits, so
# a message or a role's name names no account; of two objects under one key its object.union keeps the second alone, where OPA's
# goes on inwards; a release candidate is newer than its release; values of several types have another order, and a set in concat
# has, too. All that without an error. regorus agrees with OPA in these. Run a policy's own tests with the library that decides, not
# with `opa test` alone, and print numbers with %v.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check regopy==1.5.2 opa-eval==0.1.1
cat >compare.py <<'PY'
import json
import pathlib

import opa_eval
from regopy import Interpreter

# Each expression, and what it is by OPA's reference of built-in functions.
BY_OPA = {
    'sprintf("%d", [42])': "42",
    'sprintf("%d", [111122223333])': "111122223333",
    'sprintf("%v", [111122223333])': "111122223333",
    'object.union({"tags": {"team": "a"}}, {"tags": {"stage": "dev"}})': {"tags": {"stage": "dev", "team": "a"}},
    'semver.compare("1.0.0-rc.1", "1.0.0")': -1,
    'sort(["a", 3, null, true])': [None, True, 3, "a"],
    'max([1, "a"])': "a",
    'concat(",", {"b", "a"})': "a,b",
    'count({1, 2, 2})': 2,
}


def regorus(expression):
    pathlib.Path("policy.rego").write_text(f"package policy\nimport rego.v1\nanswer := {expression}\n")
    return opa_eval.OpaEval("policy.rego", query="data.policy.answer").evaluate_parsed("{}")


def regopy(expression):
    return json.loads(str(Interpreter().query(f"answer := {expression}")))["bindings"]["answer"]


other = []
for expression, by_opa in BY_OPA.items():
    assert regorus(expression) == by_opa, f"regorus: {expression}"
    said = regopy(expression)
    print(f"{expression}: OPA and regorus {json.dumps(by_opa)}, regopy {'the same' if said == by_opa else json.dumps(said)}")
    other += [said] if said != by_opa else []
seen = ["-546926363", {"tags": {"stage": "dev"}}, 1, ["a", 3, None, True], 1, "b,a"]
assert other == seen, "that has changed: this finding is out of date"
PY
venv/bin/python compare.py
