"""Requests as the real SDK makes them are named rightly, in every protocol."""

from __future__ import annotations

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from berth_local.gateway.effects import Effect
from berth_local.gateway.identify import ApiCall, identify

SEEN = [
    # client, method, parameters, service, operation, protocol, effect
    ("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, "ec2", "CreateVpc", "ec2", Effect.RESOURCE),
    ("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16", "DryRun": True}, "ec2", "CreateVpc", "ec2", Effect.READ),
    ("ec2", "search_transit_gateway_routes", {"TransitGatewayRouteTableId": "t", "Filters": []}, "ec2",
     "SearchTransitGatewayRoutes", "ec2", Effect.READ),
    ("iam", "create_role", {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}, "iam", "CreateRole", "query",
     Effect.RESOURCE),
    ("iam", "get_role", {"RoleName": "r"}, "iam", "GetRole", "query", Effect.READ),
    ("sts", "assume_role", {"RoleArn": "arn:aws:iam::111122223333:role/x", "RoleSessionName": "s1"}, "sts",
     "AssumeRole", "query", Effect.SESSION),
    ("dynamodb", "update_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}, "dynamodb", "UpdateItem", "json-1.0",
     Effect.DATA),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}, "dynamodb", "GetItem", "json-1.0",
     Effect.READ),
    ("dynamodb", "create_table", {"TableName": "tab", "KeySchema": [], "AttributeDefinitions": []}, "dynamodb",
     "CreateTable", "json-1.0", Effect.RESOURCE),
    ("organizations", "list_parents", {"ChildId": "111122223333"}, "organizations", "ListParents", "json-1.1",
     Effect.READ),
    ("stepfunctions", "start_execution", {"stateMachineArn": "arn"}, "states", "StartExecution", "json-1.0",
     Effect.EXECUTION),
    ("stepfunctions", "send_task_success", {"taskToken": "t", "output": "{}"}, "states", "SendTaskSuccess", "json-1.0",
     Effect.EXECUTION),
    ("sqs", "send_message", {"QueueUrl": "http://127.0.0.1/1/q", "MessageBody": "b"}, "sqs", "SendMessage", "json-1.0",
     Effect.DATA),
    ("sqs", "create_queue", {"QueueName": "q"}, "sqs", "CreateQueue", "json-1.0", Effect.RESOURCE),
    ("events", "put_events", {"Entries": [{"Source": "a"}]}, "events", "PutEvents", "json-1.1", Effect.DATA),
    ("events", "put_rule", {"Name": "r"}, "events", "PutRule", "json-1.1", Effect.RESOURCE),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}, "secretsmanager", "GetSecretValue", "json-1.1",
     Effect.READ),
    ("lambda", "invoke", {"FunctionName": "arn:aws:lambda:us-east-1:210987654321:function:f:live"}, "lambda", "Invoke",
     "rest-json", Effect.EXECUTION),
    ("lambda", "get_function", {"FunctionName": "f"}, "lambda", "GetFunction", "rest-json", Effect.READ),
    ("lambda", "create_event_source_mapping", {"FunctionName": "f"}, "lambda", "CreateEventSourceMapping", "rest-json",
     Effect.RESOURCE),
    ("lambda", "list_event_source_mappings", {}, "lambda", "ListEventSourceMappings", "rest-json", Effect.READ),
    ("eks", "describe_cluster", {"name": "c"}, "eks", "DescribeCluster", "rest-json", Effect.READ),
    ("eks", "create_access_entry", {"clusterName": "c", "principalArn": "arn:aws:iam::1:role/a/b"}, "eks",
     "CreateAccessEntry", "rest-json", Effect.RESOURCE),
    ("eks", "describe_access_entry", {"clusterName": "c", "principalArn": "arn:aws:iam::1:role/a/b"}, "eks",
     "DescribeAccessEntry", "rest-json", Effect.READ),
    ("eks", "list_pod_identity_associations", {"clusterName": "c", "namespace": "n"}, "eks",
     "ListPodIdentityAssociations", "rest-json", Effect.READ),
    ("eks", "update_pod_identity_association", {"clusterName": "c", "associationId": "a-1"}, "eks",
     "UpdatePodIdentityAssociation", "rest-json", Effect.RESOURCE),
    ("ram", "accept_resource_share_invitation", {"resourceShareInvitationArn": "a"}, "ram",
     "AcceptResourceShareInvitation", "rest-json", Effect.RESOURCE),
    ("ram", "get_resource_shares", {"resourceOwner": "SELF"}, "ram", "GetResourceShares", "rest-json", Effect.READ),
    ("backup", "create_backup_vault", {"BackupVaultName": "v"}, "backup", "CreateBackupVault", "rest-json",
     Effect.RESOURCE),
    ("s3", "list_buckets", {}, "s3", "ListBuckets", "rest-xml-unwrapped", Effect.READ),
    ("s3", "create_bucket", {"Bucket": "bucket"}, "s3", "CreateBucket", "rest-xml-unwrapped", Effect.RESOURCE),
    ("s3", "put_object", {"Bucket": "bucket", "Key": "a/b c?.txt", "Body": b"x"}, "s3", "PutObject", "rest-xml-unwrapped",
     Effect.DATA),
    ("s3", "copy_object", {"Bucket": "bucket", "Key": "b", "CopySource": "bucket/a"}, "s3", "CopyObject", "rest-xml-unwrapped",
     Effect.DATA),
    ("s3", "get_object", {"Bucket": "bucket", "Key": "a/b"}, "s3", "GetObject", "rest-xml-unwrapped", Effect.READ),
    ("s3", "list_objects_v2", {"Bucket": "bucket"}, "s3", "ListObjectsV2", "rest-xml-unwrapped", Effect.READ),
    ("s3", "put_bucket_tagging", {"Bucket": "bucket", "Tagging": {"TagSet": []}}, "s3", "PutBucketTagging", "rest-xml-unwrapped",
     Effect.RESOURCE),
    ("s3control", "put_public_access_block", {"AccountId": "111122223333", "PublicAccessBlockConfiguration": {}}, "s3",
     "PutPublicAccessBlock", "rest-xml", Effect.RESOURCE),
    ("sso-admin", "create_account_assignment", {"InstanceArn": "arn:aws:sso:::instance/i", "TargetId": "111122223333",
      "TargetType": "AWS_ACCOUNT", "PermissionSetArn": "arn:aws:sso:::permissionSet/a/b", "PrincipalType": "GROUP",
      "PrincipalId": "p"}, "sso", "CreateAccountAssignment", "json-1.1", Effect.RESOURCE),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": []}, "monitoring", "PutMetricData", "json-1.0",
     Effect.DATA),
]  # fmt: skip


def request_of(client_name: str, method: str, parameters: dict) -> AWSPreparedRequest:
    """The request that boto3 would send."""
    client = boto3.client(
        client_name, region_name="eu-west-1", endpoint_url="http://127.0.0.1:9", aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="x", config=boto3.session.Config(parameter_validation=False),
    )  # fmt: skip
    sent: list[AWSPreparedRequest] = []

    def stop(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        raise StopIteration

    client.meta.events.register("before-send", stop)
    with pytest.raises(StopIteration):
        getattr(client, method)(**parameters)
    return sent[0]


def named(request: AWSPreparedRequest) -> ApiCall:
    """The request as the proxy would name it."""
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }
    path = "/" + request.url.split("/", 3)[3]  # some operations put the account into the host's name
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    return identify(request.method, path, headers, body.encode() if isinstance(body, str) else body)


@pytest.mark.parametrize(("client", "method", "parameters", "service", "operation", "protocol", "effect"), SEEN)
def test_a_request_of_the_sdk_is_named(client, method, parameters, service, operation, protocol, effect):
    call = named(request_of(client, method, parameters))
    assert (call.service, call.operation, call.protocol, call.effect) == (service, operation, protocol, effect)
    assert call.region == "eu-west-1"
    assert call.access_key == "AKIDEXAMPLE"


def test_a_cbor_call_is_named_by_its_path():
    headers = {
        "authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/states/aws4_request, Signature=0",
        "smithy-protocol": "rpc-v2-cbor",
        "content-type": "application/cbor",
    }
    call = identify("POST", "/service/AWSStepFunctions/operation/StartExecution", headers, b"\xa0")
    assert (call.service, call.operation, call.protocol) == ("states", "StartExecution", "cbor")


def test_a_presigned_url_is_named_by_its_query():
    path = "/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
    call = identify("GET", path, {}, b"")
    assert (call.access_key, call.service, call.operation) == ("A", "s3", "GetObject")


def test_a_request_without_credentials_is_nobody_and_no_operation():
    call = identify("GET", "/whatever", {}, b"")
    assert (call.service, call.operation, call.access_key, call.mutating) == ("", "", "", False)
