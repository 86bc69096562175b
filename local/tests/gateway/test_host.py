"""Functions run as Lambda runs them: environment, reuse, copies, time-outs, crashes, and the words of every error."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.gateway.rig import HUB, PACKAGE_ROOT, Gateway, free_port, wait_for


def stats(gateway: Gateway, name: str) -> dict:
    return gateway.ask("GET", "stats")["functions"].get(name, {"busy": 0})


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_an_answer_comes_back_and_the_second_invocation_is_warm(gateway):
    name = gateway.function()
    first, error = gateway.invoke(name, {"do": "pid"})
    second, _ = gateway.invoke(name, {"do": "pid"})
    assert error is None
    assert first["pid"] == second["pid"]
    assert (first["served"], second["served"]) == (0, 1)
    assert (stats(gateway, name)["cold_starts"], stats(gateway, name)["invocations"]) == (1, 2)


def test_the_handlers_error_is_handed_on_with_its_type_and_message(gateway):
    answer = gateway.client("lambda").invoke(FunctionName=gateway.function(), Payload=b'{"do": "fail"}')
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    body = json.load(answer["Payload"])
    assert body == {"errorType": "NotReady", "errorMessage": "the account is still opening\nNext: wait"}


def test_a_function_that_runs_past_its_timeout_is_killed(gateway):
    name = gateway.function(Timeout=1)
    before, _ = gateway.invoke(name, {"do": "pid"})
    started = time.monotonic()
    body, error = gateway.invoke(name, {"do": "sleep", "seconds": 30})
    assert 0.9 < time.monotonic() - started < 20  # the function would sleep for 30
    assert error == "Unhandled"
    assert body["errorType"] == "Sandbox.Timedout"
    assert body["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    wait_for(lambda: gone(before["pid"]))
    after, _ = gateway.invoke(name, {"do": "pid"})
    assert after["pid"] != before["pid"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [(7, "Runtime exited with error: exit status 7"), (0, "Runtime exited without providing a reason")],
)
def test_a_crash_is_an_exit_error(gateway, code, reason):
    body, error = gateway.invoke(gateway.function(), {"do": "exit", "code": code})
    assert error == "Unhandled"
    assert body["errorType"] == "Runtime.ExitError"
    assert body["errorMessage"].endswith(f"Error: {reason}")


def test_a_function_that_ends_before_its_first_event_is_an_exit_error(gateway):
    body, error = gateway.invoke(gateway.function(variables={"START": "exit"}), {})
    assert (error, body["errorType"]) == ("Unhandled", "Runtime.ExitError")


def test_an_error_of_the_start_reaches_the_caller(gateway):
    body, error = gateway.invoke(gateway.function(variables={"START": "error"}), {})
    assert (error, body) == ("Unhandled", {"errorType": "InvalidInput", "errorMessage": "no table"})


def test_a_missing_binary_names_its_path_and_what_to_do(gateway):
    body, error = gateway.invoke(gateway.function(Tags={"berth:binary": "nothing-here"}), {})
    assert (error, body["errorType"]) == ("Unhandled", "Runtime.InvalidEntrypoint")
    assert "bin/nothing-here" in body["errorMessage"]
    assert "Next:" in body["errorMessage"]


def test_a_binary_that_may_not_be_run_is_named_with_the_reason(gateway):
    (gateway.binaries / "plain").write_text("#!/bin/sh\n")
    body, _ = gateway.invoke(gateway.function(Tags={"berth:binary": "plain"}), {})
    assert body["errorType"] == "Runtime.InvalidEntrypoint"
    assert "bin/plain (Permission denied)" in body["errorMessage"]


def test_without_a_tag_the_binary_is_the_name_without_its_prefix(gateway):
    name = gateway.function(Tags={})
    os.link(gateway.binaries / "probe", gateway.binaries / name.removeprefix("berth-"))
    assert gateway.invoke(name, {"a": 1}) == ({"echo": {"a": 1}}, None)


def test_events_at_once_run_in_copies_of_their_own(gateway):
    name = gateway.function()
    with ThreadPoolExecutor(6) as pool:
        events = [{"do": "sleep", "seconds": 0.4}] * 6
        pids = {answer["pid"] for answer, _ in pool.map(lambda event: gateway.invoke(name, event), events)}
    assert len(pids) == 6
    assert stats(gateway, name)["copies"] == 6


def test_more_than_the_reserved_concurrency_is_throttled(gateway):
    name = gateway.function(reserved=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(gateway.invoke, name, {"do": "sleep", "seconds": 1})
        wait_for(lambda: stats(gateway, name)["busy"] == 1)
        with pytest.raises(ClientError) as refused:
            gateway.invoke(name, {})
        slow.result()
    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert gateway.invoke(name, {})[1] is None


def test_an_unknown_function_is_not_found(gateway):
    with pytest.raises(ClientError) as refused:
        gateway.invoke("berth-nobody", {})
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert f"arn:aws:lambda:us-east-1:{HUB}:function:berth-nobody" in refused.value.response["Error"]["Message"]


def test_a_function_is_found_by_every_form_of_its_name(gateway):
    name = gateway.function()
    gateway.client("lambda").publish_version(FunctionName=name)
    arn = f"arn:aws:lambda:us-east-1:{HUB}:function:{name}"
    for form in (arn, f"{arn}:$LATEST", f"{arn}:1", f"{HUB}:function:{name}", f"{name}:$LATEST"):
        assert gateway.invoke(form, {"a": 1}) == ({"echo": {"a": 1}}, None), form
    headers, _ = gateway.invoke(name, {"do": "headers"}, Qualifier="1")
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == f"{arn}:1"


def test_the_environment_is_lambdas_and_nothing_of_the_parents(gateway):
    name = gateway.function(variables={"BERTH_PLATFORM": "/opt/platform.yaml", "PLAIN": "a=b"}, MemorySize=512)
    environment, _ = gateway.invoke(name, {"do": "env"})
    assert environment["BERTH_PLATFORM"] == str(gateway.layers / "platform.yaml")
    assert environment["PLAIN"] == "a=b"
    assert environment["AWS_ENDPOINT_URL"] == gateway.url
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert environment["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    allowed = {"PATH", "LANG", "LC_CTYPE", "TZ", "_HANDLER", "BERTH_PLATFORM", "PLAIN", "PROBE"}
    # Lambda's image has one file of certificates; a machine may have a folder of hundreds besides.
    allowed.add("SSL_CERT_FILE")
    assert not [key for key in environment if key not in allowed and not key.startswith(("AWS_", "LAMBDA_"))]


def test_a_runtime_is_told_request_deadline_function_trace_and_context(gateway):
    name = gateway.function(Timeout=4)
    context = base64.b64encode(b'{"custom": 1}').decode()
    answer = gateway.client("lambda").invoke(FunctionName=name, Payload=b'{"do": "headers"}', ClientContext=context)
    headers = json.load(answer["Payload"])
    assert headers["Lambda-Runtime-Aws-Request-Id"] == answer["ResponseMetadata"]["RequestId"]
    assert 2_000 < int(headers["Lambda-Runtime-Deadline-Ms"]) - time.time() * 1000 < 4_500
    assert headers["Lambda-Runtime-Invoked-Function-Arn"].endswith(f":function:{name}")
    assert headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
    assert headers["Lambda-Runtime-Client-Context"] == '{"custom": 1}'


def test_new_settings_reach_the_next_invocation(gateway):
    name = gateway.function(variables={"COLOUR": "red"})
    before, _ = gateway.invoke(name, {"do": "env"})
    gateway.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": {"COLOUR": "blue"}}
    )
    after, _ = gateway.invoke(name, {"do": "env"})
    assert (before["COLOUR"], after["COLOUR"]) == ("red", "blue")
    wait_for(lambda: stats(gateway, name)["copies"] == 1)


def test_an_event_is_accepted_at_once_and_tried_three_times(gateway):
    name = gateway.function()
    answer = gateway.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"do": "fail"}')
    assert answer["StatusCode"] == 202
    wait_for(lambda: stats(gateway, name)["invocations"] == 3)
    time.sleep(0.2)
    assert stats(gateway, name)["errors"] == stats(gateway, name)["invocations"] == 3


def test_a_dry_run_starts_nothing(gateway):
    name = gateway.function()
    answer = gateway.client("lambda").invoke(FunctionName=name, InvocationType="DryRun", Payload=b"{}")
    assert answer["StatusCode"] == 204
    assert name not in gateway.ask("GET", "stats")["functions"]


def test_a_payload_that_is_not_json_is_refused(gateway):
    with pytest.raises(ClientError) as refused:
        gateway.client("lambda").invoke(FunctionName=gateway.function(), Payload=b"{not json")
    assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"


def test_the_log_has_lambdas_lines_around_what_the_function_prints(gateway):
    name = gateway.function()
    gateway.invoke(name, {"do": "print", "text": '{"level":"INFO"}'})
    gateway.invoke(name, {"do": "print", "text": "second"})
    lines = wait_for(lambda: (gateway.logs / f"{name}.log").read_text().splitlines()[7:]
                     and (gateway.logs / f"{name}.log").read_text().splitlines())  # fmt: skip
    assert [line.split()[0] for line in lines] == ["START", '{"level":"INFO"}', "END", "REPORT",
                                                   "START", "second", "END", "REPORT"]  # fmt: skip
    assert "Init Duration:" in lines[3]
    assert "Memory Size: 256 MB" in lines[3]
    assert "Init Duration:" not in lines[7]


def test_invocations_are_listed_with_their_times_and_memory(gateway):
    name = gateway.function()
    gateway.invoke(name, {"do": "pid"})
    gateway.invoke(name, {"do": "fail"})
    first, second = gateway.ask("GET", f"invocations?function={name}")["invocations"]
    assert first["init_ms"] > 0 and second["init_ms"] is None
    assert first["peak_memory_kb"] > 1_000
    assert (first["error_type"], second["error_type"]) == ("", "NotReady")


def second_gateway(gateway: Gateway, tmp_path) -> Gateway:
    return Gateway(tmp_path, gateway.aws_port, free_port())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_quick_and_leaves_no_process(gateway, tmp_path, number):
    other = second_gateway(gateway, tmp_path)
    name = other.function()
    pids = [other.invoke(name, {"do": "pid"})[0]["pid"], other.invoke(name, {"do": "child"})[0]["pid"]]
    other.process.send_signal(number)
    assert other.process.wait(300) == 0
    wait_for(lambda: all(gone(pid) for pid in pids))


@pytest.mark.parametrize("has_setpriv", [True, False])
def test_a_killed_gateway_leaves_no_function_behind(gateway, tmp_path, monkeypatch, has_setpriv):
    if not has_setpriv:
        monkeypatch.setenv("PATH", str(tmp_path))
    other = second_gateway(gateway, tmp_path)
    pid = other.invoke(other.function(), {"do": "pid"})[0]["pid"]
    other.process.kill()
    other.process.wait()
    wait_for(lambda: gone(pid))


def test_a_taken_port_is_one_clear_line(gateway):
    command = [*gateway.process.args]
    ended = subprocess.run(  # noqa: PLW1510
        command, env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 1
    assert "Next: free port" in ended.stderr
    assert "Traceback" not in ended.stderr
