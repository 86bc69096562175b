"""Replays a recorded onboarding against one version of the local AWS: calls, and the CPU time that they cost.

Everything passes through that version as it did when it was recorded: the event, the queues, the state machine, every
invocation and every call of every function. Only the functions are this program: it takes their events at the Runtime API
and makes their calls, so that the work of Berth's own code is not in what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp
from substitute import Ids
from yarl import URL

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "onboarding.json.gz"
# What takes AWS its time takes none: the work is measured, not the waiting.
NO_WAITS = {
    "BERTH_LOCAL_ATTACHMENT_SECONDS": "0.05",
    "BERTH_LOCAL_ASSOCIATION_SECONDS": "0.05",
    "BERTH_LOCAL_ASSIGNMENT_SECONDS": "0.05",
    "BERTH_LOCAL_TIME_SCALE": "0.02",
    # What the scale was called in versions before it.
    "BERTH_LOCAL_RETRY_PAUSE_SCALE": "0.02",
}
SECONDS_MAX = 40.0
_ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
_HOP = frozenset(("host", "content-length", "connection", "expect", "accept-encoding"))


class Recording:
    """One onboarding: its seed, and each invocation with its calls."""

    def __init__(self, path: Path) -> None:
        whole = json.loads(gzip.decompress(path.read_bytes()))
        self.platform: str = whole["platform"]
        self.secret: str = whole["secret"]
        self.account: str = whole["account"]
        self.name: str = whole["name"]
        self.event: dict[str, Any] = whole["event"]
        self.calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.invocations: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for entry in whole["entries"]:
            if entry["kind"] == "call":
                self.calls[entry["request_id"]].append(entry)
            else:
                self.invocations[entry["function"], region_of(entry["payload"])].append(entry)


def region_of(payload: str) -> str:
    """The region that an event is about: functions work on several at once."""
    found = re.search(r'"region": ?"([a-z0-9-]+)"', payload)
    return found.group(1) if found else ""


class Functions:
    """All functions of a local AWS, played from a recording."""

    def __init__(self, recording: Recording, endpoint: str) -> None:
        self._recording, self._endpoint = recording, endpoint
        self.ids = Ids()
        self.made = 0
        self.differ: list[str] = []
        self._left: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    def begin(self, ids: Ids) -> None:
        """A new account: every invocation is still to come."""
        self.ids = ids
        self._left = {key: list(entries) for key, entries in self._recording.invocations.items()}

    async def close(self) -> None:
        """Ends every connection."""
        await self._session.close()

    async def serve(self, function: str, runtime: str, key: str) -> None:
        """One copy of a function, for as long as the local AWS has work for it."""
        base = f"http://{runtime.removeprefix('http://')}/2018-06-01/runtime/invocation"
        while True:
            async with self._session.get(f"{base}/next") as answer:
                if answer.status != 200:
                    return
                request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
                payload = await answer.text()
            error, body = await self._work(function, payload, key)
            kind = "error" if error else "response"
            async with self._session.post(f"{base}/{request_id}/{kind}", data=body.encode()) as answer:
                await answer.read()

    async def _work(self, function: str, payload: str, key: str) -> tuple[str, str]:
        left = self._left.get((function, region_of(payload)), [])
        if not left:
            self.differ.append(f"{function}: an invocation more than recorded")
            return "", "{}"
        recorded = left.pop(0)
        self.ids.learn(recorded["payload"], payload)
        for call in self._recording.calls[recorded["request_id"]]:
            await self._call(call, key)
        return recorded["error"], self.ids.apply(recorded["answer"])

    async def _call(self, call: dict[str, Any], key: str) -> None:
        headers = {name: self.ids.apply(value) for name, value in call["headers"] if name.lower() not in _HOP}
        if call["own_key"]:
            headers = {name: value.replace(call["key"], key) for name, value in headers.items()}
        url = URL(self._endpoint + self.ids.apply(call["path"]), encoded=True)
        body = self.ids.apply(call["body"]).encode("utf-8", "surrogateescape")
        async with self._session.request(
            call["method"], url, data=body, headers=headers, allow_redirects=False,
            skip_auto_headers=("Content-Type", "Accept-Encoding", "User-Agent", "Accept"),
        ) as answer:  # fmt: skip
            text = (await answer.read()).decode("utf-8", "surrogateescape")
        self.made += 1
        if answer.status != call["status"]:
            self.differ.append(f"{call['service']}:{call['operation']} {call['status']} → {answer.status} {text[:300]}")
        if call["operation"] == "CreateVpc":
            self.ids.learn_network(call["answer"], text)
        self.ids.learn(call["answer"], text)


def programs(folder: Path) -> Path:
    """Programs that say who they are and then sleep: this process plays them. The name of the pipe."""
    pipe = folder / "started"
    os.mkfifo(pipe)
    binaries = folder / "bin"
    binaries.mkdir()
    for function in ("berth", *(each.name for each in (HERE.parents[1] / "functions").iterdir())):
        script = binaries / function
        script.write_text(
            "#!/bin/sh\n"
            f'echo "$AWS_LAMBDA_FUNCTION_NAME $AWS_LAMBDA_RUNTIME_API $AWS_ACCESS_KEY_ID" > {pipe}\n'
            "exec sleep 1000000\n"
        )
        script.chmod(0o755)
    return pipe


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all that it started, ended ones included, but for what runs as a function
    (proc_pid_stat(5))."""
    parents: dict[int, list[int]] = defaultdict(list)
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if stands_for_a_function(entry):
                continue
            parents[int(fields[1])].append(int(entry.name))
            ticks[int(entry.name)] = sum(int(each) for each in fields[11:15])
    todo, total = [pid], 0
    while todo:
        one = todo.pop()
        total += ticks.get(one, 0)
        todo.extend(parents[one])
    return total / os.sysconf("SC_CLK_TCK")


def stands_for_a_function(process: Path) -> bool:
    """Whether a process is one of ours that sleep."""
    try:
        return b"AWS_LAMBDA_FUNCTION_NAME=" in (process / "environ").read_bytes()
    except OSError:
        return False


class LocalAws:
    """One version of the local AWS, run from its checkout with the templates of another, if they are to be the same."""

    def __init__(self, checkout: Path, templates: Path, folder: Path) -> None:
        self._checkout, self._folder = checkout, folder
        self._environment = {**os.environ, **NO_WAITS, "PYTHONPATH": str(checkout / "local")}
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "berth_local", "up", "--port", "0", "--json", "--state-dir", str(folder / "state"),
             "--binaries", str(folder / "bin"), "--templates", str(templates)],
            env=self._environment, cwd=checkout, stdout=subprocess.PIPE, stderr=(folder / "up.log").open("w"),
        )  # fmt: skip
        assert self.process.stdout is not None
        if not self.process.stdout.readline():
            raise SystemExit(f"the local AWS of {checkout} did not start:\n{(folder / 'up.log').read_text()}")
        self.start_seconds = time.monotonic() - began
        self.start_cpu = cpu_seconds(self.process.pid)
        self.state = json.loads((folder / "state" / "state.json").read_text())

    def platform(self) -> str:
        """platform.yaml, with the ids that the seed made."""
        return Path(self.state["platform"]).read_text()

    def secret(self) -> str:
        """The ARN of the GitOps secret."""
        return str(self.state["environment"]["BERTH_GITOPS_SECRET"])

    def command(self, *arguments: str, given: str | None = None) -> str:
        """What a command of this version prints."""
        done = subprocess.run(
            [sys.executable, "-m", "berth_local", *arguments, "--state-dir", str(self._folder / "state")],
            env=self._environment, cwd=self._checkout, input=given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{arguments}: {done.stderr}")
        return done.stdout.strip()


async def replay(checkout: Path, templates: Path, accounts: int, folder: Path, profile: Path | None) -> dict[str, Any]:
    """Starts the version, replays as many onboardings one after the other, and says what they cost."""
    recording = Recording(RECORDED)
    pipe = programs(folder)
    aws = LocalAws(checkout, templates, folder)
    functions = Functions(recording, aws.state["endpoint"])
    copies: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    reader = os.fdopen(os.open(pipe, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)

    def started() -> None:
        for line in (reader.read() or b"").decode().splitlines():
            copies.add(loop.create_task(functions.serve(*line.split())))

    loop.add_reader(reader, started)
    spy = profiled(aws.state["pids"]["aws"], profile)
    try:
        cost, first = 0.0, 0.0
        for number in range(accounts):
            before = cpu_seconds(aws.process.pid)
            await onboard(aws, functions, recording, number)
            spent = cpu_seconds(aws.process.pid) - before
            first, cost = first or spent, cost + spent
        calls = functions.made + accounts * sum(1 for call in recording.calls[""])
        return {
            "calls": calls, "cpu_seconds": round(cost, 2), "calls_per_cpu_second": round(calls / cost, 1),
            "first_cpu_seconds": round(first, 2), "start_cpu_seconds": round(aws.start_cpu, 2),
            "start_seconds": round(aws.start_seconds, 2), "differ": functions.differ,
        }  # fmt: skip
    finally:
        if spy is not None:
            spy.send_signal(signal.SIGINT)
            spy.wait()
        loop.remove_reader(reader)
        aws.process.terminate()
        aws.process.wait()
        await functions.close()
        await asyncio.gather(*copies, return_exceptions=True)


def profiled(pid: int, file: Path | None) -> subprocess.Popen[bytes] | None:
    """Py-spy on a process until it is interrupted; it costs CPU time of its own, so its figures are not for the table."""
    if file is None:
        return None
    spy = str(Path(sys.executable).parent / "py-spy")
    command = [spy, "record", "--pid", str(pid), "--rate", "400", "--gil", "--nonblocking", "--format", "raw"]
    return subprocess.Popen([*command, "--output", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def onboard(aws: LocalAws, functions: Functions, recording: Recording, number: int) -> None:
    """One fresh account, from its creation to the end of its execution and of its announcement."""
    name = f"replayed-{number}"
    ids = Ids()
    ids.rename(recording.name, name)
    ids.rename(recording.secret, aws.secret())
    ids.learn(recording.platform, aws.platform())
    functions.begin(ids)
    ids.rename(
        recording.account,
        await asyncio.to_thread(aws.command, "account", "create", "--name", name, "--environment", "dev"),
    )
    event = json.loads(ids.apply(json.dumps(recording.event)))
    await asyncio.to_thread(aws.command, "event", "-", given=json.dumps(event))
    until = time.monotonic() + SECONDS_MAX
    while any(functions._left.values()):
        if time.monotonic() > until:
            left = {key: len(each) for key, each in functions._left.items() if each}
            raise SystemExit(f"waited {SECONDS_MAX:g} s for {left}; {functions.differ}")
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)


def main() -> None:
    """Prints the figures of one version as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, default=HERE.parents[1])
    parser.add_argument("--templates", type=Path, help="infra/ of the version that was recorded; its own by default")
    parser.add_argument("--accounts", type=int, default=5)
    parser.add_argument("--profile", type=Path, help="file for py-spy: stacks of the emulator, while it answers")
    given = parser.parse_args()
    checkout = given.checkout.resolve()
    with tempfile.TemporaryDirectory(prefix="berth-replay-") as folder:
        templates = (given.templates or checkout / "infra").resolve()
        print(json.dumps(asyncio.run(replay(checkout, templates, given.accounts, Path(folder), given.profile))))


if __name__ == "__main__":
    main()
