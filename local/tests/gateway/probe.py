"""A function for these tests: a small client of the Lambda Runtime API that does what its event says."""

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse

RUNTIME = urllib.parse.urlsplit(os.environ["AWS_LAMBDA_RUNTIME_API"])
CONNECTION = http.client.HTTPConnection(RUNTIME.netloc)
STATE = {"served": 0}


class Failure(Exception):
    """An error of the handler, with its type."""


def runtime(method, path, body=None):
    CONNECTION.request(method, f"{RUNTIME.path}/2018-06-01/runtime/{path}", body)
    answer = CONNECTION.getresponse()
    return answer.headers, answer.read()


def aws(service, region, body, key=None):
    """One Query call through the gateway."""
    endpoint = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPConnection(endpoint.netloc)
    key = key or os.environ["AWS_ACCESS_KEY_ID"]
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection.request("POST", "/", urllib.parse.urlencode(body), headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def assume(role_arn):
    text = aws(
        "sts",
        "us-east-1",
        {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role_arn, "RoleSessionName": "s-1"},
    )[1]
    return text.split("<AccessKeyId>")[1].split("<")[0]


def handle(event, headers):
    what = event.get("do", "echo")
    if "Records" in event:
        return batch(event)
    if what == "env":
        return dict(os.environ)
    if what == "headers":
        return dict(headers.items())
    if what == "sleep":
        time.sleep(event["seconds"])
        return {"pid": os.getpid()}
    if what == "pid":
        return {"pid": os.getpid(), "served": STATE["served"]}
    if what == "fail":
        raise Failure("NotReady", "the account is still opening\nNext: wait")
    if what == "exit":
        os._exit(event["code"])
    if what == "child":
        return {"pid": subprocess.Popen(["sleep", "60"]).pid}
    if what == "print":
        print(event["text"], flush=True)
        return None
    if what == "vpc":
        key = assume(event["role"]) if "role" in event else None
        form = {"Action": "CreateVpc", "Version": "2016-11-15", "CidrBlock": event["cidr"]}
        return {"status": aws("ec2", "eu-west-1", form, key)[0]}
    return {"echo": event}


def batch(event):
    """Notes every record, then fails as their bodies say."""
    failed = []
    with open(os.environ["NOTES"], "a", encoding="utf-8") as notes:
        for record in event["Records"]:
            notes.write(json.dumps({"time": time.time(), "size": len(event["Records"]), "record": record}) + "\n")
            if record["body"].startswith("fail"):
                failed.append({"itemIdentifier": record["messageId"]})
            if record["body"].startswith("explode"):
                raise Failure("Bug", "exploded")
            if record["body"].startswith("malformed"):
                failed.append({"itemIdentifier": "nobody"})
    return {"batchItemFailures": failed}


def main():
    if os.environ.get("START") == "exit":
        sys.exit(3)
    if os.environ.get("START") == "error":
        runtime("POST", "init/error", json.dumps({"errorType": "InvalidInput", "errorMessage": "no table"}))
        sys.exit(1)
    while True:
        headers, body = runtime("GET", "invocation/next")
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            answer = handle(json.loads(body), headers)
            runtime("POST", f"invocation/{request_id}/response", json.dumps(answer))
        except Failure as failure:
            error = {"errorType": failure.args[0], "errorMessage": failure.args[1]}
            runtime("POST", f"invocation/{request_id}/error", json.dumps(error))
        STATE["served"] += 1


main()
