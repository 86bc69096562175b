#!/usr/bin/env bash
# A boto3 client whose calls all succeed, each at its third attempt, makes no second attempt any more from the 35th call on.
#
# Seen with boto3 1.44.5, whose default retry mode is `standard` (1.43.0's was `legacy`). That mode has 500 tokens for a client,
# takes 14 for each retry (5 for one of a throttle) and gives back, when the call succeeds, only those of the last retry. So a
# service that fails twice and then answers costs a client 14 tokens a call, although nothing was ever lost, until the error of
# a first or second attempt reaches the caller, without the words "reached max retries". One client for a whole organization gets
# there soon; `legacy` never does. Take a client for each account, or look for RetryQuotaReached in the error's ResponseMetadata
# and wait; a plain successful call gives back one token.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.5 botocore==1.44.5
AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true \
  AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null "$folder/venv/bin/python" - <<'PY'
import http.server, threading, unittest.mock
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

asked = 0


class FailsTwice(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global asked
        asked += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(503 if asked % 3 else 200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FailsTwice)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"boto3 {boto3.__version__}; of three requests the server fails two and answers one")
failed = {}
with unittest.mock.patch("time.sleep"):
    for mode in ("default", "legacy"):
        asked, failed[mode] = 0, None
        config = None if mode == "default" else Config(retries={"mode": mode})
        client = boto3.client("organizations", endpoint_url=f"http://127.0.0.1:{server.server_port}", config=config)
        for number in range(1, 101):
            try:
                client.describe_organization()
            except ClientError as error:
                about = error.response["ResponseMetadata"]
                failed[mode] = (number, about["RetryAttempts"], about.get("RetryQuotaReached"))
                print(f"  {mode}: call {number} fails after {about['RetryAttempts']} retry: {error}")
                break
        else:
            print(f"  {mode}: 100 calls succeed")
assert failed == {"default": (35, 1, True), "legacy": None}, f"{failed}: this finding is out of date"
PY
