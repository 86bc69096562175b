"""A gateway as a process, and how the tests speak with it and with the emulator behind it."""

from __future__ import annotations

import inspect
import io
import itertools
import json
import os
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

HERE = Path(__file__).parent
PACKAGE_ROOT = HERE.parents[1]
HUB = "210987654321"
TENANT = "111122223333"
NAMES = itertools.count(1)
SECONDS_MAX = 300.0
"""Longest that anything may take: minutes, because a machine may be slow. What happens is seen as soon as it does."""
SESSION = boto3.session.Session()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], Any], seconds: float = 300.0) -> Any:
    """The first true value of `condition`, or a failed test: longer than a loaded machine takes for anything here."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"waited {seconds} s for {inspect.getsource(condition).strip()}")


class Gateway:
    """A running gateway and how to speak with it."""

    def __init__(self, folder: Path, aws_port: int, port: int) -> None:
        self.folder, self.aws_port, self.port = folder, aws_port, port
        self.url = f"http://127.0.0.1:{port}"
        self.aws_url = f"http://127.0.0.1:{aws_port}"
        self.binaries = folder / "bin"
        self.layers = folder / "layers"
        self.logs = folder / "logs"
        self.binaries.mkdir(parents=True, exist_ok=True)
        write_probe(self.binaries / "probe")
        self.clients: dict[tuple[str, str, str, int], Any] = {}
        self.process = self.spawn()

    def spawn(self) -> subprocess.Popen[bytes]:
        """Starts the process and waits until it serves."""
        command = [sys.executable, "-m", "berth_local.gateway", "--port", str(self.port), "--aws-url", self.aws_url,
                   "--binaries", str(self.binaries), "--log-dir", str(self.logs), "--layers", str(self.layers)]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), "SECRET_OF_THE_PARENT": "x"}
        process = subprocess.Popen(command, env=environment)
        while not reachable(f"{self.url}/_berth/health"):
            assert process.poll() is None, f"the gateway ended with {process.returncode}"
            time.sleep(0.02)
        return process

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the gateway's own pages; a refusal is answered as (status, body)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_berth/{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def calls(self, **wanted: Any) -> list[dict[str, Any]]:
        """The journal's entries that have these fields."""
        found = self.ask("GET", "calls")["calls"]
        return [call for call in found if all(call[key] == value for key, value in wanted.items())]

    def rule(self, match: dict[str, Any], action: dict[str, Any], **more: Any) -> int:
        """Sets a rule."""
        return self.ask("POST", "rules", {"match": match, "action": action, **more})["id"]

    def fired(self, rule: int) -> int:
        """How often a rule fired."""
        return next(shown["fired"] for shown in self.ask("GET", "rules")["rules"] if shown["id"] == rule)

    def client(self, service: str, region: str = "us-east-1", key: str = "hub", attempts: int = 1) -> Any:
        """A boto3 client that speaks through the gateway. Kept, because making one takes longer than most tests."""
        wanted = (service, region, key, attempts)
        if wanted not in self.clients:
            retries = {"total_max_attempts": attempts, "mode": "standard"}
            config = Config(
                retries=retries, read_timeout=SECONDS_MAX, s3={"addressing_style": "path"}, max_pool_connections=64
            )
            self.clients[wanted] = SESSION.client(
                service, region_name=region, endpoint_url=self.url, aws_access_key_id=key, aws_secret_access_key="x",
                config=config,
            )  # fmt: skip
        return self.clients[wanted]

    def function(self, **settings: Any) -> str:
        """Makes a function that runs the probe; its name is new."""
        name = f"berth-case{next(NAMES)}"
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("bootstrap", "")
        reserved = settings.pop("reserved", None)
        variables = {key: str(value) for key, value in settings.pop("variables", {}).items()}
        client = self.client("lambda")
        client.create_function(
            FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Code={"ZipFile": code.getvalue()},
            Role=f"arn:aws:iam::{HUB}:role/probe", Environment={"Variables": {"PROBE": "1", **variables}},
            **{"Timeout": 5, "MemorySize": 256, "Tags": {"berth:binary": "probe"}, **settings},
        )  # fmt: skip
        if reserved is not None:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
        return name

    def invoke(self, name: str, event: Any, **more: Any) -> tuple[Any, str | None]:
        """Invokes a function: its answer and the function error, if any."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode(), **more)
        return json.loads(answer["Payload"].read() or b"null"), answer.get("FunctionError")


def write_probe(path: Path) -> None:
    """An executable that runs the probe with a Python that starts fast."""
    path.write_text(f"#!{sys.executable} -S\n" + (HERE / "probe.py").read_text())
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def reachable(url: str) -> bool:
    """Whether somebody answers HTTP there."""
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
