"""The proxy knows who calls, writes every call down, and breaks the calls that a rule names."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from tests.gateway.rig import HUB, TENANT, Gateway, free_port, wait_for

ROLE = f"arn:aws:iam::{TENANT}:role/BerthTenant"
LOST = (ConnectionClosedError, EndpointConnectionError)


def assumed(gateway: Gateway, service: str, region: str = "us-east-1"):
    """A client of the tenant account, by AssumeRole from the hub."""
    keys = gateway.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="session-1")["Credentials"]
    return gateway.client(service, region, key=keys["AccessKeyId"])


def vpcs(client, cidr: str) -> int:
    return len(client.describe_vpcs(Filters=[{"Name": "cidr", "Values": [cidr]}])["Vpcs"])


def test_a_caller_of_an_assumed_role_is_in_that_account(gateway):
    assumed(gateway, "ec2", "eu-west-1").create_vpc(CidrBlock="10.1.0.0/16")
    session, created = gateway.calls()
    assert (session["account"], session["operation"], session["mutating"]) == (HUB, "AssumeRole", False)
    assert (created["account"], created["role"], created["session"]) == (TENANT, "BerthTenant", "session-1")
    assert created["chain"] == [ROLE]
    assert (created["region"], created["service"], created["operation"]) == ("eu-west-1", "ec2", "CreateVpc")
    assert (created["mutating"], created["status"], created["error"]) == (True, 200, "")
    assert created["seq"] > session["seq"] and created["duration_ms"] > 0


def test_the_accounts_are_apart_in_the_emulator_too(gateway):
    cidr = "10.2.0.0/16"
    tenant = assumed(gateway, "ec2", "eu-west-1")
    tenant.create_vpc(CidrBlock=cidr)
    assert vpcs(tenant, cidr) == 1
    assert vpcs(gateway.client("ec2", "eu-west-1"), cidr) == 0


def test_the_key_of_a_new_user_is_in_the_account_that_made_it(gateway):
    iam = assumed(gateway, "iam")
    iam.create_user(UserName="someone")
    key = iam.create_access_key(UserName="someone")["AccessKey"]["AccessKeyId"]
    gateway.ask("DELETE", "calls")
    gateway.client("ec2", key=key).describe_vpcs()
    assert gateway.calls()[0]["account"] == TENANT


def test_a_key_that_was_made_past_the_proxy_is_looked_up(gateway, running):
    import boto3

    sts = boto3.client("sts", region_name="us-east-1", endpoint_url=gateway.aws_url, aws_access_key_id="hub",
                       aws_secret_access_key="x")  # fmt: skip
    key = sts.assume_role(RoleArn=ROLE, RoleSessionName="past")["Credentials"]["AccessKeyId"]
    gateway.client("ec2", key=key).describe_vpcs()
    call = gateway.calls(operation="DescribeVpcs")[0]
    assert (call["account"], call["role"], call["session"]) == (TENANT, "BerthTenant", "past")


def test_a_call_of_a_function_carries_its_name_and_its_request(gateway):
    name = gateway.function()
    gateway.ask("DELETE", "calls")
    answer = gateway.client("lambda").invoke(
        FunctionName=name, Payload=json.dumps({"do": "vpc", "cidr": "10.3.0.0/16", "role": ROLE}).encode()
    )
    request_id = answer["ResponseMetadata"]["RequestId"]
    invoke, session, created = gateway.calls()
    assert (invoke["operation"], invoke["function"]) == ("Invoke", "")
    for call in (session, created):
        assert (call["function"], call["request_id"]) == (name, request_id)
    assert (session["account"], session["role"]) == (HUB, "probe")
    assert created["account"] == TENANT
    assert created["chain"] == [f"arn:aws:iam::{HUB}:role/probe", ROLE]


def test_calls_of_the_emulators_interpreter_are_plumbing(gateway):
    gateway.client("sqs", key="ak").list_queues()
    gateway.client("sqs").list_queues()
    assert [call["plumbing"] for call in gateway.calls()] == [True, False]


def test_an_error_of_aws_is_in_the_journal_with_its_code(gateway):
    for service, call, code in (
        ("ec2", lambda c: c.delete_vpc(VpcId="vpc-00000000"), "InvalidVpcID.NotFound"),
        ("iam", lambda c: c.get_role(RoleName="nobody"), "NoSuchEntity"),
        ("secretsmanager", lambda c: c.get_secret_value(SecretId="x"), "ResourceNotFoundException"),
        ("eks", lambda c: c.describe_cluster(name="x"), "ResourceNotFoundException"),
        ("s3", lambda c: c.get_object(Bucket="nobucket", Key="x"), "NoSuchBucket"),
    ):
        with pytest.raises(ClientError):
            call(gateway.client(service))
        assert gateway.calls()[-1]["error"] == code, service


def test_the_journal_is_read_from_a_number_on_and_filtered(gateway):
    client = gateway.client("sqs")
    client.list_queues()
    last = gateway.ask("GET", "calls")["last"]
    client.list_queues()
    gateway.client("sns").list_topics()
    assert len(gateway.ask("GET", f"calls?since={last}")["calls"]) == 2
    assert [call["service"] for call in gateway.ask("GET", f"calls?since={last}&service=sns")["calls"]] == ["sns"]
    assert gateway.ask("GET", "calls?mutating=true")["calls"] == []
    assert gateway.ask("GET", "calls?colour=red")[0] == 400


ERRORS = [
    ("ec2", lambda c: c.describe_vpcs()),
    ("iam", lambda c: c.list_roles()),
    ("sts", lambda c: c.get_caller_identity()),
    ("dynamodb", lambda c: c.list_tables()),
    ("organizations", lambda c: c.list_accounts()),
    ("stepfunctions", lambda c: c.list_state_machines()),
    ("sqs", lambda c: c.list_queues()),
    ("events", lambda c: c.list_rules()),
    ("secretsmanager", lambda c: c.list_secrets()),
    ("sso-admin", lambda c: c.list_instances()),
    ("lambda", lambda c: c.list_functions()),
    ("eks", lambda c: c.list_clusters()),
    ("ram", lambda c: c.get_resource_shares(resourceOwner="SELF")),
    ("s3", lambda c: c.list_buckets()),
    ("route53", lambda c: c.list_hosted_zones()),
    ("cloudwatch", lambda c: c.list_metrics()),
]


@pytest.mark.parametrize(("service", "call"), ERRORS, ids=[service for service, _ in ERRORS])
def test_an_error_of_a_rule_is_read_by_the_sdk_and_does_not_reach_aws(gateway, service, call):
    error = {"status": 503, "code": "SlowDownPlease", "message": 'too <fast> & "loud"', "headers": {"x-extra": "1"}}
    rule = gateway.rule({"service": service}, {"error": error}, times=1)
    with pytest.raises(ClientError) as refused:
        call(gateway.client(service))
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["Error"]["Message"]) == (error["code"], error["message"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-extra"] == "1"
    assert gateway.fired(rule) == 1
    entry = gateway.calls()[0]
    assert (entry["error"], entry["rule"], entry["took_effect"]) == (error["code"], rule, False)
    call(gateway.client(service))


def test_a_throttling_error_is_retried_by_the_sdk(gateway):
    rule = gateway.rule({"operation": "DescribeVpcs"}, {"error": {"status": 503, "code": "RequestLimitExceeded"}},
                        times=2)  # fmt: skip
    gateway.client("ec2", attempts=3).describe_vpcs()
    assert gateway.fired(rule) == 2
    assert [call["status"] for call in gateway.calls()] == [503, 503, 200]


def test_a_delay_makes_a_call_slow(gateway):
    gateway.rule({"service": "sqs"}, {"delay_ms": 300})
    started = time.monotonic()
    gateway.client("sqs").list_queues()
    assert time.monotonic() - started >= 0.3
    assert gateway.calls()[0]["duration_ms"] >= 300
    assert gateway.calls()[0]["fault"] == "delay"


@pytest.mark.parametrize("release", [("POST", "rules/{}/mend"), ("DELETE", "rules/{}"), ("DELETE", "rules")])
def test_a_held_call_happens_when_its_rule_is_released_and_not_before(gateway, release):
    rule = gateway.rule({"service": "sqs"}, {"hold": True})
    client = gateway.client("sqs")
    answered = threading.Event()
    asking = threading.Thread(target=lambda: (client.list_queues(), answered.set()))
    asking.start()
    wait_for(lambda: gateway.fired(rule) == 1)
    (held,) = gateway.calls(operation="ListQueues")
    assert (held["status"], held["fault"], answered.is_set()) == (None, "hold", False)
    method, path = release
    gateway.ask(method, path.format(rule))
    asking.join(60)
    assert answered.is_set()
    assert gateway.calls(operation="ListQueues")[0]["status"] == 200


def test_a_dropped_call_never_happens(gateway):
    client = gateway.client("ec2", "eu-central-1")
    rule = gateway.rule({"operation": "CreateVpc"}, {"drop": True}, times=1)
    with pytest.raises(LOST):
        client.create_vpc(CidrBlock="10.4.0.0/16")
    assert vpcs(client, "10.4.0.0/16") == 0
    assert gateway.fired(rule) == 1
    entry = gateway.calls(operation="CreateVpc")[0]
    assert (entry["status"], entry["error"], entry["took_effect"]) == (0, "ConnectionReset", False)


def test_a_cut_call_happens_and_its_answer_is_lost(gateway):
    client = gateway.client("ec2", "eu-central-1")
    gateway.rule({"operation": "CreateVpc"}, {"cut": True}, times=1)
    with pytest.raises(LOST):
        client.create_vpc(CidrBlock="10.5.0.0/16")
    assert vpcs(client, "10.5.0.0/16") == 1
    assert gateway.calls(operation="CreateVpc")[0]["took_effect"] is True


def test_a_retry_of_the_sdk_after_a_cut_makes_a_second_vpc(gateway):
    """The danger that CreateVpc without retries avoids (facts.md section 3): the kit must be able to show it."""
    client = gateway.client("ec2", "eu-central-1", attempts=2)
    gateway.rule({"operation": "CreateVpc"}, {"cut": True}, times=1)
    client.create_vpc(CidrBlock="10.6.0.0/16")
    assert vpcs(client, "10.6.0.0/16") == 2


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_function_is_killed_before_or_after_its_call(gateway, when, made):
    name = gateway.function()
    tenant = assumed(gateway, "ec2", "eu-west-1")
    cidr = f"10.{20 + made}.0.0/16"
    rule = gateway.rule({"function": name, "operation": "CreateVpc"}, {"kill": when})
    body, error = gateway.invoke(name, {"do": "vpc", "cidr": cidr, "role": ROLE})
    assert (error, body["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert body["errorMessage"].endswith("signal: killed")
    assert gateway.fired(rule) == 1
    assert vpcs(tenant, cidr) == made
    gateway.ask("DELETE", f"rules/{rule}")
    assert gateway.invoke(name, {"do": "vpc", "cidr": cidr, "role": ROLE})[0] == {"status": 200}


def test_a_late_write_of_a_killed_function_still_happens(gateway):
    name = gateway.function(Timeout=1)
    tenant = assumed(gateway, "ec2", "eu-west-1")
    gateway.rule({"function": name, "operation": "CreateVpc"}, {"delay_ms": 1500})
    body, _ = gateway.invoke(name, {"do": "vpc", "cidr": "10.30.0.0/16", "role": ROLE})
    assert body["errorType"] == "Sandbox.Timedout"
    assert vpcs(tenant, "10.30.0.0/16") == 0
    wait_for(lambda: vpcs(tenant, "10.30.0.0/16") == 1)


def test_a_kill_rule_does_not_count_calls_that_no_function_made(gateway):
    rule = gateway.rule({"service": "sqs"}, {"kill": "before"})
    gateway.client("sqs").list_queues()
    assert gateway.fired(rule) == 0


def test_a_rule_that_is_mended_breaks_nothing_more_and_keeps_its_counts(gateway):
    rule = gateway.rule({"service": "ec2"}, {"error": {"code": "Broken"}})
    client = gateway.client("ec2", "eu-west-1")
    with pytest.raises(ClientError, match="Broken"):
        client.describe_vpcs()
    assert gateway.ask("POST", f"rules/{rule}/mend")["fired"] == 1
    client.describe_vpcs()
    assert gateway.fired(rule) == 1
    assert gateway.ask("POST", "rules/999/mend")[0] == 404


def test_calls_beyond_an_allowance_are_refused_for_each_operation_and_region(gateway):
    refused = {"code": "RequestLimitExceeded", "status": 503}
    rule = gateway.rule({"service": "ec2"}, {"allowance": {"burst": 2, "per_second": 0.001}, "error": refused})
    here, there = gateway.client("ec2", "eu-west-1"), gateway.client("ec2", "eu-central-1")
    here.describe_vpcs()
    here.describe_vpcs()
    with pytest.raises(ClientError, match="RequestLimitExceeded"):
        here.describe_vpcs()
    here.describe_subnets()
    there.describe_vpcs()
    (shown,) = gateway.ask("GET", "rules")["rules"]
    assert (shown["id"], shown["matched"], shown["fired"]) == (rule, 5, 1)


def test_only_the_nth_call_is_broken_and_only_in_its_account_and_region(gateway):
    rule = gateway.rule({"account": TENANT, "region": "eu-west-1", "role": "BerthTenant", "nth": 2},
                        {"error": {"code": "Broken"}})  # fmt: skip
    hub, tenant = gateway.client("ec2", "eu-west-1"), assumed(gateway, "ec2", "eu-west-1")
    for client in (hub, tenant, hub, hub):
        client.describe_vpcs()
    assumed(gateway, "ec2", "eu-central-1").describe_vpcs()
    with pytest.raises(ClientError, match="Broken"):
        tenant.describe_vpcs()
    tenant.describe_vpcs()
    shown = gateway.ask("GET", "rules")["rules"][0]
    assert (shown["id"], shown["matched"], shown["fired"]) == (rule, 3, 1)
    assert shown["fired_seqs"] == [call["seq"] for call in gateway.calls(error="Broken")]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"match": {}}, "action"),
        ({"match": {"colour": "red"}, "action": {"drop": True}}, "colour"),
        ({"match": {}, "action": {"drop": True, "cut": True}}, "only one"),
        ({"match": {}, "action": {"kill": "sometimes"}}, "before or after"),
        ({"match": {"nth": 0}, "action": {"drop": True}}, "nth"),
        ({"match": {}, "action": {"error": {"status": 500}}}, "code"),
        ([], "object"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_reason(gateway, rule, message):
    status, body = gateway.ask("POST", "rules", rule)
    assert status == 400
    assert message in body["error"]
    assert gateway.ask("GET", "rules")["rules"] == []


def test_an_object_of_s3_goes_through_byte_for_byte(gateway):
    client = gateway.client("s3")
    client.create_bucket(Bucket="bytes")
    body = bytes(range(256)) * 4096
    client.put_object(Bucket="bytes", Key="a/b c+d.bin", Body=body, Metadata={"Mixed-Case": "ä"[:0] + "x"})
    assert client.get_object(Bucket="bytes", Key="a/b c+d.bin")["Body"].read() == body
    assert [call["operation"] for call in gateway.calls()] == ["CreateBucket", "PutObject", "GetObject"]


def test_an_unreachable_emulator_is_an_error_of_the_service(gateway, tmp_path):
    other = Gateway(tmp_path, free_port(), free_port())
    try:
        with pytest.raises(ClientError) as refused:
            other.client("ec2").describe_vpcs()
    finally:
        other.process.terminate()
        other.process.wait(300)
    assert refused.value.response["Error"]["Code"] == "ServiceUnavailable"


ASSUMED = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAMADEBYRECORDER00</AccessKeyId>"
    b"<SecretAccessKey>x</SecretAccessKey><SessionToken>t</SessionToken></Credentials></AssumeRoleResult>"
    b"</AssumeRoleResponse>"
)


class Recorder(BaseHTTPRequestHandler):
    """An emulator that only notes what it is sent."""

    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append({**{key.lower(): value for key, value in self.headers.items()}, "body": body.decode()})
        answer = ASSUMED if b"Action=AssumeRole" in body else b"<r/>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_the_emulator_is_told_the_callers_account_and_role(tmp_path):
    emulator = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=emulator.serve_forever, daemon=True).start()
    other = Gateway(tmp_path, emulator.server_port, free_port())
    try:
        assumed(other, "ec2").describe_vpcs()
    finally:
        other.process.terminate()
        other.process.wait(300)
        emulator.shutdown()
        emulator.server_close()
    session, described = (seen for seen in Recorder.seen if "GetCallerIdentity" not in seen["body"])
    assert (session["x-moto-account-id"], session.get("x-berth-principal-arn")) == (HUB, None)
    assert (described["x-moto-account-id"], described["x-berth-principal-arn"]) == (TENANT, ROLE)
