#!/usr/bin/env bash
# Of four validators of state machines each refuses a valid JSONata machine or passes a broken one, and `States.ALL` beside another
# error is found by none.
#
# Seen with cfn-lint 1.58.0, asl-validator 4.0.0, statelint 3.1.0 and amazon-states-language-service 1.16.1 (what the AWS Toolkit's
# editor uses). cfn-lint and statelint take no JSONata expression as a time-out, asl-validator no number as an Output; AWS takes
# both. A Next to no state passes cfn-lint, an expression that does not parse passes all but asl-validator. The States Language
# asks that States.ALL stand alone, and AWS refuses the machine otherwise: none of them says so, and the deployment fails. Run
# asl-validator and cfn-lint, put numbers where each wants them in a copy, and test Retry and Catch yourself.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund asl-validator@4.0.0 amazon-states-language-service@1.16.1 \
  vscode-languageserver-textdocument@1.0.12 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cfn-lint==1.58.0 aws-sam-translator==1.115.0 statelint==3.1.0
cat >machines.py <<'PY'
import json

TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "step"}, "End": True}
STATES = {
    "valid: a time-out in JSONata": TASK | {"TimeoutSeconds": "{% $states.input.seconds %}"},
    "valid: an Output that is a number": {"Type": "Pass", "Output": 3, "End": True},
    "broken: a Next to no state": {"Type": "Pass", "Next": "Nowhere"},
    "broken: JSONata that does not parse": {"Type": "Pass", "Output": "{% 1 + %}", "End": True},
    "broken: States.ALL beside another": TASK | {"Retry": [{"ErrorEquals": ["Throttled", "States.ALL"]}]},
}
made = {name: {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": state}} for name, state in STATES.items()}
json.dump(made, open("machines.json", "w"))
resources = {}
for number, (name, machine) in enumerate(made.items()):
    json.dump(machine, open(f"machine-{number}.json", "w"))
    properties = {"RoleArn": "arn:aws:iam::111122223333:role/machine", "Definition": machine}
    resources[f"Machine{number}"] = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
json.dump({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}, open("template.json", "w"), indent=1)
PY
venv/bin/python machines.py
cat >validate.js <<'JS'
const validate = require("asl-validator"), { getLanguageService } = require("amazon-states-language-service")
const { TextDocument } = require("vscode-languageserver-textdocument")
const machines = Object.values(require("./machines.json")), service = getLanguageService({})
const editor = machine => {
  const document = TextDocument.create("file:///machine.asl.json", "json", 1, JSON.stringify(machine, null, 1))
  return service.doValidation(document, service.parseJSONDocument(document)).then(found => found.length > 0)
}
Promise.all(machines.map(editor)).then(found =>
  console.log(JSON.stringify({ "asl-validator": machines.map(machine => !validate(machine).isValid), "language service": found })))
JS
node validate.js >node.json
cat >compare.py <<'PY'
import json, subprocess

names = list(json.load(open("machines.json")))
command = ["venv/bin/cfn-lint", "--regions", "eu-west-1", "--format", "json", "template.json"]
paths = [found["Location"]["Path"] for found in json.loads(subprocess.run(command, capture_output=True, text=True).stdout)]
refused = json.load(open("node.json"))
refused["cfn-lint"] = [any(f"Machine{number}" in path for path in paths) for number in range(len(names))]
files = [f"machine-{number}.json" for number in range(len(names))]
said = [subprocess.run(["venv/bin/statelint", file], capture_output=True, text=True).stdout for file in files]
refused["statelint"] = ["error" in text for text in said]
for name, *row in zip(names, *refused.values()):
    print(f"{name:38}", *(f"{tool} {'refuses' if no else 'passes'}  " for tool, no in zip(refused, row)))
assert refused == {
    "asl-validator": [False, True, True, True, False], "language service": [False, False, True, False, False],
    "cfn-lint": [True, False, False, False, False], "statelint": [True, False, True, False, False],
}, "that has changed: this finding is out of date"
PY
venv/bin/python compare.py
