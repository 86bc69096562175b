#!/usr/bin/env python3
"""Runs the tests: what `make test` runs, and with --all what `make test-all` runs. Needs nothing but Python.

It builds every binary and test once, runs test binaries and folders of pytest side by side, shows what has ended, and
closes with the slowest tests and one line of counts. Tests marked `#[ignore]` are those of `make test-all`; docs/testing.md
lists them. A failure stops nothing: everything else still runs, and the end says what failed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "target"
LOGS = TARGET / "tests"
RECORDED = TARGET / "recorded"
"""Where each local AWS writes down what functions used; the comparison with the policies reads all of it."""
DECIDED = TARGET / "decided"
"""Where it writes down what it decided of their calls, and by which statements."""
PYTHON = ROOT / "local" / ".venv" / "bin" / "python"
CARGO = ["cargo", "--locked"]
BUILDS = (
    [*CARGO, "build", "--workspace", "--exclude", "berth-operator", "--bins", "--tests"],
    [*CARGO, "build", "-p", "berth-operator", "--features", "client", "--bins", "--tests", "--examples"],
)
"""The operator is built alone: operator/Cargo.toml says why."""

DOCTESTS = "doctests"
END_TO_END = "berth-tests"
"""The package whose test binaries start a local AWS each."""
PYTEST = ("authorization", "deploy", "docs", "policies", "runner", "stack")
"""Folders of local/tests that are about Berth's own templates, policies, deployment and pages, and about this runner."""
PYTEST_ALL = ("aws", "gateway", "github", "gitserver", "organization", "supervisor")
"""Folders that are about the local AWS itself."""

SKIPPED = "SKIPPED: "
"""Begins a line by which a test that passed says, past libtest's capture, that it could not look."""

LONGEST = (
    "offboarding",
    "faults",
    "berth-operator/operator",
    "network",
    "access",
    "en_masse",
    "replays",
    "journeys",
    "days_after",
    "counts",
    "repairs",
)
"""Test binaries that take minutes, longest first: what starts first where no run has measured anything yet."""
MEASURED = LOGS / "seconds.json"
"""How long each process took in the last run that it was in."""

SLOWEST = 10
AT_ONCE_MAX = 9
"""A local AWS with its functions takes a gigabyte of memory."""
PR_SET_CHILD_SUBREAPER = 36
SECONDS_MAX = 45 * 60
"""Longest that one test binary may take, on whatever machine: a test that hangs is named instead of waited for."""


@dataclass
class Job:
    """One process that runs tests."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    report: Path | None = None
    """The JUnit file that pytest writes; of a Rust binary, results are on standard output."""
    heavy: bool = False
    """Whether it starts a local AWS."""


@dataclass
class Result:
    """How a job ended."""

    job: Job
    seconds: float = 0.0
    passed: int = 0
    ignored: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """What its tests say that they did not test here, and why."""
    text: str = ""
    times: list[tuple[float, str]] = field(default_factory=list)


def build() -> list[Job]:
    """Builds everything; a job for each test binary that has a test harness.

    Raises:
        subprocess.CalledProcessError: the compiler has said why.
    """
    said = []
    for build in BUILDS:
        command = [*build, "--message-format=json-render-diagnostics"]
        said += subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    jobs = []
    for line in said:
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            jobs.append(rust_job(message))
    return jobs


def rust_job(artifact: dict[str, Any]) -> Job:
    """The job of a test binary, run as `cargo test` would."""
    folder = Path(artifact["manifest_path"]).parent
    package, target = package_name(folder), artifact["target"]
    integration = "test" in target["kind"]
    name = f"{package}/{target['name']}" if integration else package
    if "bin" in target["kind"]:
        name += f" (bin {target['name']})"
    # The time of each test is in no stable output of libtest; this variable has it print JSON. The compiler, which
    # would read it too, has ended by now.
    environment = {"RUSTC_BOOTSTRAP": "1", "CARGO_MANIFEST_DIR": str(folder)}
    command = [artifact["executable"], "-Zunstable-options", "--format=json", "--report-time"]
    return Job(name, command, folder, environment, heavy=package == END_TO_END and integration)


def doctests_job() -> Job:
    """The examples in the documentation of crates, as cargo runs them: those of a crate are one program.

    Functions have none. With the command line in it, the selection has the features that the build had.
    """
    functions = sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))
    without = [part for name in ("berth-operator", *functions) for part in ("--exclude", name)]
    return Job(DOCTESTS, [*CARGO, "test", "--doc", "--no-fail-fast", "--workspace", *without], ROOT)


def package_name(folder: Path) -> str:
    """The name in a member's manifest."""
    for line in (folder / "Cargo.toml").read_text().splitlines():
        if line.startswith("name = "):
            return line.split('"')[1]
    raise ValueError(f"{folder}/Cargo.toml has no name")


def pytest_jobs(folders: tuple[str, ...]) -> list[Job]:
    """A job for each of these folders of local/tests."""
    jobs = []
    for folder in folders:
        report = LOGS / f"pytest-{folder}.xml"
        command = [str(PYTHON), "-m", "pytest", "-q", f"local/tests/{folder}", f"--junitxml={report}"]
        jobs.append(Job(f"local/tests/{folder}", command, ROOT, report=report, heavy=True))
    return jobs


def run(job: Job) -> Result:
    """Runs a job to its end, and keeps what it printed in a file."""
    began = time.monotonic()
    environment = {**os.environ, **job.environment}
    process = subprocess.Popen(
        job.command, cwd=job.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    hangs = threading.Timer(SECONDS_MAX, process.kill)
    hangs.start()
    lines = list(process.stdout)
    code = process.wait()
    hangs.cancel()
    result = Result(job, time.monotonic() - began)
    if job.name == DOCTESTS:
        read_doctests(lines, result)
    elif job.report is None:
        read_events(lines, result)
    else:
        read_junit(job.report, result)
        result.text = "".join(lines)
    if code != 0 and not result.failed:
        if result.seconds >= SECONDS_MAX:
            result.text += f"killed after {result.seconds:.0f} s\n"
        result.failed.append(f"{job.name} ended with {code}")
    log = LOGS / f"{job.name.replace('/', '-').replace(' ', '-')}.log"
    log.write_text("".join(lines))
    return result


def read_events(lines: list[str], result: Result) -> None:
    """Reads what libtest said, one JSON object a line; other lines are what tests printed past it."""
    running: set[str] = set()
    other = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict) or event.get("type") not in ("suite", "test"):
            other.append(line)
            if line.startswith(SKIPPED) and (said := line.removeprefix(SKIPPED).strip()) not in result.skipped:
                result.skipped.append(said)
        elif event["type"] == "test":
            read_test(event, running, result)
    if running:
        names = ", ".join(sorted(running))
        result.failed.append(f"{result.job.name} ended while these ran: {names}")
    if result.failed:
        result.text += "".join(other)


def read_test(event: dict[str, Any], running: set[str], result: Result) -> None:
    """What libtest said about one test."""
    name, said = event["name"], event["event"]
    if said == "started":
        running.add(name)
        return
    running.discard(name)
    if said == "ignored":
        result.ignored += 1
        return
    if said == "timeout":  # libtest's word for "it has been running for over 60 seconds"; it goes on
        running.add(name)
        return
    result.times.append((event.get("exec_time", 0.0), f"{result.job.name} {name}"))
    if said == "ok":
        result.passed += 1
    else:
        result.failed.append(f"{result.job.name} {name}")
        result.text += f"---- {name}\n{event.get('stdout', '')}\n{event.get('message', '')}\n"


def read_doctests(lines: list[str], result: Result) -> None:
    """Reads what cargo printed about each example."""
    for line in lines:
        if not line.startswith("test ") or " ... " not in line:
            continue
        name, _, said = line.removeprefix("test ").strip().rpartition(" ... ")
        if said == "ok":
            result.passed += 1
        elif said == "ignored":
            result.ignored += 1
        else:
            result.failed.append(f"{result.job.name} {name}")
    if result.failed:
        result.text = "".join(lines)


def read_junit(report: Path, result: Result) -> None:
    """Reads what pytest wrote about each test."""
    if not report.is_file():
        return
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{result.job.name} {case.get('name')}"
        result.times.append((float(case.get("time", "0")), name))
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed.append(name)
        elif case.find("skipped") is not None:
            result.ignored += 1
        else:
            result.passed += 1


def longest_first(jobs: list[Job]) -> list[Job]:
    """What takes longest comes first, so that the end is not one process alone."""
    known = json.loads(MEASURED.read_text()) if MEASURED.is_file() else {}

    def seconds(job: Job) -> float:
        target = job.name.removeprefix(f"{END_TO_END}/")
        guessed = SECONDS_MAX - LONGEST.index(target) if target in LONGEST else 60.0 * job.heavy
        return float(known.get(job.name, guessed))

    return sorted(jobs, key=lambda job: (-seconds(job), job.name))


def remember(results: list[Result]) -> None:
    """Keeps how long each process took, for the next run's order."""
    known = json.loads(MEASURED.read_text()) if MEASURED.is_file() else {}
    known |= {result.job.name: round(result.seconds, 1) for result in results}
    MEASURED.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def side_by_side(jobs: list[Job], at_once: int) -> list[Result]:
    """Runs all jobs, so many at once, and says when each has ended."""
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    results: list[Result] = []
    printing = threading.Lock()
    began = time.monotonic()

    def work() -> None:
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            result = run(job)
            with printing:
                results.append(result)
                show(result, len(results), len(jobs), time.monotonic() - began)

    workers = [threading.Thread(target=work) for _ in range(at_once)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


def show(result: Result, ended: int, count: int, elapsed: float) -> None:
    """One line about a job that ended, and what went wrong in it."""
    total = result.passed + len(result.failed)
    said = "ok" if not result.failed else f"FAILED {len(result.failed)}"
    print(f"{elapsed:6.0f} s  {ended:>3}/{count}  {result.job.name}: {total} tests, {said} ({result.seconds:.1f} s)")
    if result.failed:
        print(result.text)
    sys.stdout.flush()


def compare_policies() -> Result:
    """The end: the policies of all functions against what the journeys used."""
    job = Job("policies against what journeys used", [str(TARGET / "debug" / "permissions")], ROOT)
    began = time.monotonic()
    ended = subprocess.run(
        job.command, check=False, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    result = Result(job, time.monotonic() - began, text=ended.stdout)
    print(ended.stdout, end="")
    if ended.returncode == 0:
        result.passed = 1
    else:
        result.failed.append(job.name)
    return result


def close(results: list[Result], elapsed: float) -> int:
    """The slowest tests, what failed, and one line of counts; the exit code."""
    times = sorted((time for result in results for time in result.times), reverse=True)
    print(f"\nThe slowest {SLOWEST}:")
    for seconds, name in times[:SLOWEST]:
        print(f"  {seconds:6.1f} s  {name}")
    failed = [name for result in results for name in result.failed]
    if failed:
        print("\nFailed:")
        for name in failed:
            print(f"  {name}")
        print(f"  their output: above, and in {LOGS}")
    skipped = show_skipped(results)
    passed, ignored = (sum(getattr(result, name) for result in results) for name in ("passed", "ignored"))
    left = f", {ignored} left to make test-all" if ignored else ""
    left += f", {skipped} NOT TESTED here (above)" if skipped else ""
    word = "FAILED" if failed else "ok"
    minutes = f"{elapsed / 60:.1f} min, {cpu_seconds() / 60:.1f} CPU min"
    print(f"\n{word}: {passed} passed, {len(failed)} failed{left}; {len(results)} processes, {minutes}")
    return 1 if failed else 0


def show_skipped(results: list[Result]) -> int:
    """What was not tested on this machine, each reason once, with what says so; how many reasons there are."""
    reasons: dict[str, list[str]] = {}
    for result in results:
        for reason in result.skipped:
            reasons.setdefault(reason, []).append(result.job.name)
    if reasons:
        print("\nNOT TESTED here:")
    for reason, names in sorted(reasons.items()):
        print(f"  {SKIPPED}{reason} ({', '.join(sorted(names))})")
    return len(reasons)


def adopt() -> None:
    """Has this process adopt those whose parents end first, so that their time is counted (PR_SET_CHILD_SUBREAPER, prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def cpu_seconds() -> float:
    """User and system time of all that ran, the local AWS and the functions included."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    spent = os.times()
    return spent.children_user + spent.children_system


def at_once_by_default() -> int:
    """A process with a local AWS keeps a third of a core busy, and waits the rest of the time."""
    return min(2 * (os.cpu_count() or 2) + 1, AT_ONCE_MAX)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--all", action="store_true", help="also what is marked #[ignore], and the local AWS's own tests"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only test binaries and folders whose name holds TEXT"
    )
    parser.add_argument("--at-once", type=int, default=at_once_by_default(), metavar="N", help="processes at once")
    return parser.parse_args()


def main() -> int:
    """Builds, runs, compares, closes."""
    asked = arguments()
    began = time.monotonic()
    adopt()
    LOGS.mkdir(parents=True, exist_ok=True)
    try:
        jobs = build()
    except subprocess.CalledProcessError:
        return 1
    built = time.monotonic() - began
    jobs.append(doctests_job())
    jobs += pytest_jobs(PYTEST + (PYTEST_ALL if asked.all else ()))
    jobs = [job for job in jobs if asked.only in job.name]
    if asked.all:
        for job in jobs:
            if job.report is None and job.name != DOCTESTS:
                job.command.append("--include-ignored")
    for folder in (RECORDED, DECIDED):
        shutil.rmtree(folder, ignore_errors=True)
    print(f"built in {built:.0f} s; {len(jobs)} processes with tests, {asked.at_once} at once", flush=True)
    results = side_by_side(longest_first(jobs), asked.at_once)
    remember(results)
    if not asked.only:
        results.append(compare_policies())
    return close(results, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
