#!/usr/bin/env bash
# AWS CLI 1 takes AWS_ENDPOINT_URL for every service but SQS, whose calls go to AWS all the same.
#
# Seen with awscli 1.46.3, which carries a botocore of its own; boto3 1.43.62 takes the variable for SQS, too. Whoever points
# the variable at a local AWS reads and writes real queues with version 1, if there are real credentials. What helps:
# --endpoint-url, or version 2.
set -euo pipefail
folder=$(mktemp -d); trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv cli && cli/bin/pip install --quiet --disable-pip-version-check awscli==1.46.3
python3 -m venv sdk && sdk/bin/pip install --quiet --disable-pip-version-check boto3==1.43.62
cat >server.py <<'PY'
"""Writes down whom it is asked for, answers with an error, and prints its port."""
import http.server


class Page(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        open("asked", "a").write(self.headers["authorization"].split("/")[3] + "\n")
        self.send_response(400)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Page)
open("port.new", "w").write(str(server.server_port))
import os
os.rename("port.new", "port")
server.serve_forever()
PY
python3 server.py & server=$!
until [ -f port ]; do read -rt 0.1 <> <(:) || true; done
export AWS_ENDPOINT_URL=http://127.0.0.1:$(cat port) AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_REGION=us-east-1
export AWS_DEFAULT_REGION=us-east-1 AWS_MAX_ATTEMPTS=1 AWS_CONFIG_FILE=$folder/none AWS_SHARED_CREDENTIALS_FILE=$folder/none
# A proxy that is not there: nothing of this leaves the machine.
export HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=127.0.0.1
asked() { # runs a client, and says which service the server was asked for
  : >asked
  "$@" >/dev/null 2>&1 || true
  sort -u asked | tr '\n' ' '
}
sns=$(asked cli/bin/aws sns list-topics)
sqs=$(asked cli/bin/aws sqs list-queues)
flag=$(asked cli/bin/aws sqs list-queues --endpoint-url "$AWS_ENDPOINT_URL")
sdk=$(asked sdk/bin/python -c 'import boto3; boto3.client("sqs").list_queues()')
echo "$(cli/bin/aws --version | cut -d' ' -f1): sns asked '$sns', sqs asked '$sqs', sqs with --endpoint-url asked '$flag'; boto3 asked '$sdk'"
[ "$sns|$sqs|$flag|$sdk" = "sns ||sqs |sqs " ] || { echo "that has changed: this finding is out of date"; exit 1; }
