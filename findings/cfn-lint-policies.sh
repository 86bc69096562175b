#!/usr/bin/env bash
# cfn-lint reads the policy in an AWS::IAM::Role and passes over the ones in an SCP, an event bus, a backup vault, an endpoint,
# and over those of SAM's functions, whose roles it has just had made of them.
#
# Seen with cfn-lint 1.58.0: `Effect: Alow` is an error (E3510, E3512) in roles, permission sets, queues and keys. The same word
# is none in AWS::Organizations::Policy, AWS::Events::EventBusPolicy, AWS::Backup::BackupVault, AWS::EC2::VPCEndpoint,
# AWS::DynamoDB::Table or `Policies` of AWS::Serverless::Function, and nothing says that they were not read: the first to
# complain is AWS, in the middle of a deployment. Take such policies out of the template in a test, and hold them to the same
# schema as an AWS::IAM::ManagedPolicy (a resource policy: as an AWS::SQS::QueuePolicy).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cfn-lint==1.58.0 aws-sam-translator==1.115.0
cd "$folder"
cat >check.py <<'PY'
import json, subprocess

ALLOW = {"Effect": "Alow", "Action": "s3:GetObject", "Resource": "*"}
LET_IN = {"Effect": "Alow", "Principal": {"AWS": "111122223333"}, "Action": "*", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(statement):
    return {"Version": "2012-10-17", "Statement": [statement]}


READ = {
    "AWS::IAM::Role": {
        "AssumeRolePolicyDocument": policy(TRUST), "Policies": [{"PolicyName": "read", "PolicyDocument": policy(ALLOW)}]
    },
    "AWS::SSO::PermissionSet": {
        "Name": "read", "InstanceArn": "arn:aws:sso:::instance/ssoins-1234567890abcdef", "InlinePolicy": policy(ALLOW)
    },
    "AWS::SQS::QueuePolicy": {
        "Queues": ["https://sqs.eu-west-1.amazonaws.com/111122223333/accounts"], "PolicyDocument": policy(LET_IN)
    },
    "AWS::KMS::Key": {"KeyPolicy": policy(LET_IN)},
}
PASSED_OVER = {
    "AWS::Organizations::Policy": {"Name": "guardrail", "Type": "SERVICE_CONTROL_POLICY", "Content": policy(ALLOW)},
    "AWS::Events::EventBusPolicy": {"StatementId": "accounts", "Statement": LET_IN},
    "AWS::Backup::BackupVault": {"BackupVaultName": "accounts", "AccessPolicy": policy(LET_IN)},
    "AWS::EC2::VPCEndpoint": {
        "VpcId": "vpc-0123456789abcdef0", "ServiceName": "com.amazonaws.eu-west-1.s3", "PolicyDocument": policy(LET_IN)
    },
    "AWS::DynamoDB::Table": {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
        "ResourcePolicy": {"PolicyDocument": policy(LET_IN)},
    },
    "AWS::Serverless::Function": {
        "Runtime": "provided.al2023", "Handler": "bootstrap", "InlineCode": "-", "Policies": [policy(ALLOW)]
    },
}
resources = {kind.replace("::", ""): {"Type": kind, "Properties": made} for kind, made in (READ | PASSED_OVER).items()}
template = {"AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
json.dump(template, open("template.json", "w"), indent=1)
command = ["venv/bin/cfn-lint", "--regions", "eu-west-1", "--format", "json", "template.json"]
found = {}
for finding in json.loads(subprocess.run(command, capture_output=True, text=True).stdout):
    if "Alow" in finding["Message"]:
        found[resources[finding["Location"]["Path"][1]]["Type"]] = finding["Rule"]["Id"]
for kind in READ | PASSED_OVER:
    print(f"  {kind}: {found.get(kind, 'nothing')}")
assert set(READ) <= set(found), f"it finds {set(found)} only: this finding is out of date"
assert not set(PASSED_OVER) & set(found), f"it finds {set(found)} now: this finding is out of date"
PY
venv/bin/cfn-lint --version
venv/bin/python check.py
