#!/usr/bin/env bash
# In ministack, one Assign sees what it has itself just assigned, a Succeed state has no Output, and nulls fall out of lists.
#
# Seen with ministack 1.5.33, an emulator of AWS that runs state machines in JSONata. AWS documents that all expressions of an
# Assign have the variables as they were when the state was entered, so {"old": "{% $new %}", "new": ...} keeps the old value; in
# ministack it is the new one, if that key comes first. `Output` of a Succeed state is passed over, and `$map` and filters lose
# the nulls of a list. Each execution is SUCCEEDED, with another output than on AWS. Give a variable its new value in a state of
# its own, put a Pass state before Succeed, and try on AWS (or against the reference, jsonata 2.0.6) what has to do with nulls.
set -euo pipefail
folder=$(mktemp -d); server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ministack==1.5.33 botocore==1.43.106 jsonata-python==0.7.1
cd "$folder"
port=$(python3 -c 'import socket; taken = socket.socket(); taken.bind(("127.0.0.1", 0)); print(taken.getsockname()[1])')
export AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
TMPDIR=$folder BIND_HOST=127.0.0.1 GATEWAY_PORT=$port venv/bin/python -c 'from ministack.app import main; main()' >ministack.log 2>&1 &
server=$!
PORT=$port SERVER=$server venv/bin/python - <<'PY'
import json, os, socket, time
import botocore.session


def listens():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(os.environ["PORT"]))) == 0


while not listens():
    os.kill(int(os.environ["SERVER"]), 0)
    time.sleep(0.1)
states = botocore.session.get_session().create_client("stepfunctions", endpoint_url=f"http://127.0.0.1:{os.environ['PORT']}")


def output(name, given, **made):
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(made)), "States": made}
    role = "arn:aws:iam::111122223333:role/none"
    machine = states.create_state_machine(name=name, roleArn=role, definition=json.dumps(definition))["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    while (seen := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.1)
    assert seen["status"] == "SUCCEEDED", seen
    return json.loads(seen["output"])


found = {
    "assign": output(
        "assign", {},
        First={"Type": "Pass", "Assign": {"commit": "first"}, "Next": "Second"},
        Second={"Type": "Pass", "Assign": {"commit": "second", "before": "{% $commit %}"}, "Next": "Both"},
        Both={"Type": "Pass", "Output": "{% [$before, $commit] %}", "End": True},
    ),
    "succeed": output("succeed", {"account": "111122223333"}, Done={"Type": "Succeed", "Output": "{% $states.input.account %}"}),
    "nulls": output(
        "nulls", {"vpcs": ["vpc-1", None, "vpc-2"]},
        Only={"Type": "Pass", "Output": "{% $map($states.input.vpcs, function($vpc) {$vpc}) %}", "End": True},
    ),
}
on_aws = {"assign": ["first", "second"], "succeed": "111122223333", "nulls": ["vpc-1", None, "vpc-2"]}
for name in found:
    print(f"  {name}: {json.dumps(found[name])}, on AWS {json.dumps(on_aws[name])}")
seen = {"assign": ["second", "second"], "succeed": {"account": "111122223333"}, "nulls": ["vpc-1", "vpc-2"]}
assert found == seen, "that has changed: this finding is out of date"
PY
