"""SQS: under several threads, with redrive, and with functions as consumers."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from twin_worlds import TENANT, World, code_of, differs_from_stock, fresh


def test_no_message_is_lost_or_received_twice_by_concurrent_consumers(ours: World) -> None:
    url, _ = ours.queue(VisibilityTimeout="60")
    sqs = ours.client("sqs")
    total, seen, lock = 120, [], threading.Lock()

    def send(part: int) -> None:
        for number in range(part * 30, part * 30 + 30):
            sqs.send_message(QueueUrl=url, MessageBody=str(number))

    def receive() -> None:
        until = time.monotonic() + 15
        while len(seen) < total and time.monotonic() < until:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                with lock:
                    seen.append(int(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    threads = [threading.Thread(target=send, args=(part,)) for part in range(4)]
    threads += [threading.Thread(target=receive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(total))


@differs_from_stock("Policy")
def test_setting_one_attribute_keeps_the_policy(aws: World) -> None:
    url, _ = aws.queue()
    sqs = aws.client("sqs")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["VisibilityTimeout"] == "7"
    assert "Policy" in found


def test_a_message_goes_to_the_dead_letter_queue_after_its_receives(ours: World) -> None:
    dead, dead_arn = ours.queue()
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "2"})
    url, _ = ours.queue(VisibilityTimeout="0", RedrivePolicy=policy)
    sqs = ours.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    counts = []
    for _ in range(3):
        time.sleep(0.01)
        answer = sqs.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])
        counts += [each["Attributes"]["ApproximateReceiveCount"] for each in answer.get("Messages", [])]
    assert counts == ["1", "2"]
    assert [each["Body"] for each in ours.messages(dead)] == ["x"]


def test_a_hidden_message_comes_back_when_its_time_is_over_or_it_is_shown(ours: World) -> None:
    url, _ = ours.queue(VisibilityTimeout="1")
    sqs = ours.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    first = sqs.receive_message(QueueUrl=url)["Messages"][0]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    again = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)["Messages"][0]
    assert again["MessageId"] == first["MessageId"]
    began = time.monotonic()
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["MessageId"] == first["MessageId"]
    assert 0.5 < time.monotonic() - began < 5


@differs_from_stock("received before")
def test_a_queue_with_a_function_as_consumer_keeps_its_messages(aws: World) -> None:
    url, arn = aws.queue(policy=False)
    functions, name = aws.client("lambda"), fresh("function")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("bootstrap", "#!/bin/sh\n")
    aws.client("iam").create_role(RoleName=(role := fresh("machines")), AssumeRolePolicyDocument="{}")
    functions.create_function(
        FunctionName=name, Runtime="provided.al2023", Role=f"arn:aws:iam::{aws.home}:role/{role}",
        Handler="bootstrap", Code={"ZipFile": archive.getvalue()}, Environment={"Variables": {"A": "b"}}, Timeout=30,
    )  # fmt: skip
    mapping = functions.create_event_source_mapping(
        EventSourceArn=arn, FunctionName=name, BatchSize=7, FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumBatchingWindowInSeconds=1, ScalingConfig={"MaximumConcurrency": 5},
    )  # fmt: skip
    listed = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert [each["UUID"] for each in listed] == [mapping["UUID"]]
    assert listed[0]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert listed[0]["ScalingConfig"] == {"MaximumConcurrency": 5}
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="stays")
    found = aws.client("sqs").receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert [each["Body"] for each in found] == ["stays"]
    assert found[0]["Attributes"]["ApproximateReceiveCount"] == "1", "received before"


@differs_from_stock("none")
def test_a_sender_from_elsewhere_needs_the_policy_of_the_queue(aws: World) -> None:
    url, _ = aws.queue()
    unsigned = boto3.client(
        "sqs", endpoint_url=aws.endpoint, region_name="us-east-1", config=Config(signature_version=UNSIGNED)
    )
    assert code_of(unsigned.send_message, QueueUrl=url, MessageBody="{}") == "AccessDenied"
    message = {"Id": "1", "MessageBody": "{}"}
    assert code_of(unsigned.send_message_batch, QueueUrl=url, Entries=[message]) == "AccessDenied"
    assert code_of(aws.client("sqs", TENANT).send_message, QueueUrl=url, MessageBody="{}") == "AccessDenied"
    assert code_of(aws.client("sqs").send_message, QueueUrl=url, MessageBody="{}") == "none"


@differs_from_stock("501|500|NotImplemented|JSONDecode|Internal")
def test_dead_letters_go_back_to_the_queue_that_gave_them_up(aws: World) -> None:
    sqs = aws.client("sqs")
    dead, dead_arn = aws.queue()
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    url, arn = aws.queue(RedrivePolicy=policy, VisibilityTimeout="0")
    other, other_arn = aws.queue(RedrivePolicy=policy)
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    for _ in range(2):
        sqs.receive_message(QueueUrl=url)
    task = sqs.start_message_move_task(SourceArn=dead_arn)["TaskHandle"]
    assert [each["Body"] for each in aws.messages(url)] == ["kept"]
    shown = sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"]
    assert [(each["Status"], each["ApproximateNumberOfMessagesMoved"]) for each in shown] == [("COMPLETED", 1)]
    assert code_of(sqs.cancel_message_move_task, TaskHandle=task).endswith("UnsupportedOperation")
    assert code_of(sqs.start_message_move_task, SourceArn=arn) == "InvalidParameterValue"
    assert code_of(sqs.start_message_move_task, SourceArn=dead_arn + "x") == "ResourceNotFoundException"
    sqs.send_message(QueueUrl=dead, MessageBody="by hand")
    # Two queues give up messages to this one, and nobody says which of them this one is for.
    assert code_of(sqs.start_message_move_task, SourceArn=dead_arn) == "InvalidParameterValue"
    sqs.start_message_move_task(SourceArn=dead_arn, DestinationArn=other_arn)
    assert [each["Body"] for each in aws.messages(other)] == ["by hand"]
