#!/usr/bin/env bash
# An SDK makes a client token for some calls and not for others, and the call that it repeats by itself is then made twice.
#
# Seen with boto3 1.44.5. EC2's CreateNatGateway gets a token that nobody gave, the same one when botocore repeats the call
# after a lost answer. CreateFlowLogs, CreateVpcEndpoint and CreateEgressOnlyInternetGateway take a ClientToken as well, and RAM's
# CreateResourceShare a clientToken: their models do not mark it as one that SDKs fill in, so both attempts go out without, and
# to AWS they are two requests. The SDKs of other languages are made from the same models (aws-sdk-ec2 1.274.0 for Rust does
# the same). Give such calls a token of your own, computed from what is to be made, so that a later run has the same one.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.5 botocore==1.44.5
AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true \
  AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null "$folder/venv/bin/python" - <<'PY'
import http.server, json, threading, urllib.parse
import boto3

attempts = []


class LosesTheFirstAnswer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        attempts.append(json.loads(body) if body.startswith("{") else dict(urllib.parse.parse_qsl(body)))
        if len(attempts) == 1:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("content-length", "2" if body.startswith("{") else "4")
        self.end_headers()
        self.wfile.write(b"{}" if body.startswith("{") else b"<r/>")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), LosesTheFirstAnswer)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
ec2, ram = boto3.client("ec2", endpoint_url=url), boto3.client("ram", endpoint_url=url)
CALLS = {
    "CreateNatGateway": lambda: ec2.create_nat_gateway(SubnetId="subnet-1", ConnectivityType="private"),
    "CreateFlowLogs": lambda: ec2.create_flow_logs(
        ResourceIds=["vpc-1"], ResourceType="VPC", TrafficType="ALL", LogDestination="arn:aws:s3:::logs", LogDestinationType="s3"
    ),
    "CreateVpcEndpoint": lambda: ec2.create_vpc_endpoint(VpcId="vpc-1", ServiceName="com.amazonaws.eu-west-1.s3"),
    "CreateEgressOnlyInternetGateway": lambda: ec2.create_egress_only_internet_gateway(VpcId="vpc-1"),
    "CreateResourceShare": lambda: ram.create_resource_share(name="transit-gateway"),
}
print(f"boto3 {boto3.__version__}; each call's first answer is lost")
seen = {}
for name, call in CALLS.items():
    attempts.clear()
    call()
    tokens = [next((value for key, value in sent.items() if key.lower() == "clienttoken"), None) for sent in attempts]
    seen[name] = "none" if tokens == [None, None] else "one" if len(tokens) == 2 and tokens[0] == tokens[1] else f"{tokens}"
    print(f"  {name}: {len(tokens)} attempts, {'the same token' if seen[name] == 'one' else 'no token'}")
assert seen.pop("CreateNatGateway") == "one", "CreateNatGateway has changed: this finding is out of date"
assert set(seen.values()) == {"none"}, f"these get tokens now: {seen}: this finding is out of date"
PY
