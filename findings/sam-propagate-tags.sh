#!/usr/bin/env bash
# SAM's `PropagateTags: true` leaves event source mappings, rules and schedules without the function's tags.
#
# Seen with aws-sam-translator 1.115.0: the tags of an AWS::Serverless::Function reach its roles, also the one that EventBridge
# Scheduler invokes it with, and the dead-letter queue of a rule. AWS::Lambda::EventSourceMapping and AWS::Events::Rule take
# tags in CloudFormation, and get none, so a service control policy that demands a tag on lambda:CreateEventSourceMapping or
# events:PutRule refuses a stack whose every function is tagged. What helps: tags of the whole stack (`sam deploy --tags`).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aws-sam-translator==1.115.0
AWS_DEFAULT_REGION=us-east-1 "$folder/venv/bin/python" - <<'PY'
import logging
from samtranslator.parser.parser import Parser
from samtranslator.translator.transform import transform

logging.disable(logging.CRITICAL)


class NoManagedPolicies:
    def load(self):
        return {}


EVENTS = {
    "Queued": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}},
    "Seen": {
        "Type": "EventBridgeRule",
        "Properties": {"Pattern": {"source": ["example"]}, "DeadLetterConfig": {"Type": "SQS"}},
    },
    "Hourly": {"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "rate(1 hour)"}},
}
function = {
    "Runtime": "provided.al2023", "Handler": "bootstrap", "InlineCode": "-", "Events": EVENTS,
    "Tags": {"cost-center": "4711"}, "PropagateTags": True,
}
queue = {"Type": "AWS::SQS::Queue"}
template = {"Resources": {"Queue": queue, "Accept": {"Type": "AWS::Serverless::Function", "Properties": function}}}
made = transform(template, {}, NoManagedPolicies())["Resources"]
tagged, bare = set(), set()
for name, resource in made.items():
    if name != "Queue":
        (tagged if resource["Properties"].get("Tags") else bare).add(f"{resource['Type']} {name}")
print("with the function's tags:", *sorted(tagged), sep="\n  ")
print("without:", *sorted(bare), sep="\n  ")
assert {"AWS::IAM::Role AcceptHourlyRole", "AWS::SQS::Queue AcceptSeenQueue"} <= tagged
forgotten = {"AWS::Lambda::EventSourceMapping AcceptQueued", "AWS::Events::Rule AcceptSeen", "AWS::Scheduler::Schedule AcceptHourly"}
assert forgotten <= bare, "they are tagged now: this finding is out of date"
PY
