#!/usr/bin/env bash
# SAM gives the role of a ScheduleV2 event no permissions boundary, although the function and Globals have one.
#
# Seen with aws-sam-translator 1.115.0: `PermissionsBoundary` of an AWS::Serverless::Function goes to the function's own
# role only. The second role, which EventBridge Scheduler invokes the function with, has none, and a service control policy
# that demands a boundary on every new role refuses the whole stack. The event has a `PermissionsBoundary` of its own.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aws-sam-translator==1.115.0
AWS_DEFAULT_REGION=us-east-1 "$folder/venv/bin/python" - <<'PY'
import logging
from samtranslator.parser.parser import Parser
from samtranslator.translator.transform import transform

logging.disable(logging.CRITICAL)
BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"


class NoManagedPolicies:
    def load(self):
        return {}


def boundaries(event):
    function = {
        "Runtime": "provided.al2023", "Handler": "bootstrap", "InlineCode": "-", "PermissionsBoundary": BOUNDARY,
        "Events": {"Hourly": {"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "rate(1 hour)", **event}}},
    }
    template = {"Resources": {"Sweep": {"Type": "AWS::Serverless::Function", "Properties": function}}}
    made = transform(template, {}, NoManagedPolicies())["Resources"]
    return {name: made[name]["Properties"].get("PermissionsBoundary") for name in made if made[name]["Type"] == "AWS::IAM::Role"}


plain, named = boundaries({}), boundaries({"PermissionsBoundary": BOUNDARY})
print("boundary on the function:           ", plain)
print("boundary on the event, too:         ", named)
assert plain == {"SweepRole": BOUNDARY, "SweepHourlyRole": None}, "it inherits now: this finding is out of date"
assert named == {"SweepRole": BOUNDARY, "SweepHourlyRole": BOUNDARY}
PY
