"""Berth's handlers and the same in Python and boto3, one after the other on the same local AWS: `make bench`.

Each round takes a fresh account for each of the two, in turns, with a process that starts for it. Then each serves
re-runs warm, in turns again. That both do the same is checked: each looks at what the other made, and changes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from pathlib import Path
from typing import Any

from attachment import overhead
from local_run import Local, cpu_seconds, local_aws, peak_kb, process_of, programs, wait
from report import write

REGION = "eu-west-1"
FUNCTIONS = ("provision-vpc", "attach-transit-gateway")
KINDS = ("ours", "python")
BLOCKS = 5
RUNS_IN_BLOCK = 30


def name_of(function: str, kind: str) -> str:
    """A function's name in the local AWS."""
    return f"berth-{function}" if kind == "ours" else f"berth-{function}-python"


class Bench:
    """The measurements, by function, kind and figure."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.figures: dict[tuple[str, str], dict[str, list[float]]] = {}
        self._seen = 0

    def note(self, function: str, kind: str, **figures: float) -> None:
        """Takes figures of one round."""
        known = self.figures.setdefault((function, kind), {})
        for name, value in figures.items():
            known.setdefault(name, []).append(value)

    def plan(self, name: str) -> dict[str, Any]:
        """A fresh account and the plan of its region, with the lease taken."""
        account = self.local.person.create_account(name, "dev", None, {})
        execution = f"{self.local.machine.replace(':stateMachine:', ':execution:')}:bench-{account}"
        request = {"request": {"accountId": account}, "execution": execution}
        answer, error, _ = self.local.invoke("berth-plan-onboarding", request)
        if error:
            raise SystemExit(f"plan-onboarding: {answer}")
        plan = answer["plan"]
        region = next(region for region in plan["regions"] if region["region"] == REGION)
        return {"run": plan["run"], **region}

    def observed(self, request: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What the gateway knows of an invocation: its record, and its AWS calls in order."""
        record = wait(request, lambda: self._record(request))
        self._seen = record["seq"]
        return record, self.local.admin(f"calls?request_id={request}")["calls"]

    def _record(self, request: str) -> dict[str, Any] | None:
        records = self.local.admin(f"invocations?since={self._seen}")["invocations"]
        return next((record for record in records if record["request_id"] == request), None)

    def round(self, number: int, kind: str) -> dict[str, dict[str, Any]]:
        """One fresh account: both functions, each in a process of its own. The payloads, for the warm runs."""
        plan = self.plan(f"bench-{kind}-{number}")
        first = {"run": plan["run"], "region": REGION, "network": plan["network"]}
        made = self.cold("provision-vpc", kind, number, first)
        keys = ("vpcId", "cidr", "attachmentSubnets", "privateRouteTable")
        second = {"run": plan["run"], "region": REGION, "transitGateway": plan["transitGateway"]}
        second |= {key: made[key] for key in keys}
        self.cold("attach-transit-gateway", kind, number, second)
        return {"provision-vpc": first, "attach-transit-gateway": second}

    def cold(self, function: str, kind: str, number: int, payload: dict[str, Any]) -> dict[str, Any]:
        """Serves a fresh account from the start of the process to the end of the step."""
        name = name_of(function, kind)
        self.local.make_cold(name, number)
        answer, error, request = self.local.invoke(name, payload)
        record, calls = self.observed(request)
        # The process began before its first question for an event, which came before the event was handed over.
        began = record["ended"] - (record["duration_ms"] + record["init_ms"]) / 1e3
        first = calls[0]["time"] + calls[0]["duration_ms"] / 1e3
        while error == "NotReady":
            answer, error, _ = self.local.invoke(name, payload)
        if error:
            raise SystemExit(f"{name}: {answer}")
        pid = process_of(name, self.local.endpoint)
        self.note(
            function, kind,
            first_ms=(first - began) * 1e3, own_first_ms=(first - began) * 1e3 - calls[0]["duration_ms"],
            peak_mb=peak_kb(pid) / 1e3, fresh_cpu_ms=cpu_seconds(pid) * 1e3,
        )  # fmt: skip
        return answer

    def warm(self, function: str, kind: str, payload: dict[str, Any]) -> None:
        """A block of re-runs in the process that is there."""
        name = name_of(function, kind)
        self.local.invoke(name, payload)  # finds its session and its connections ready afterwards
        pid = process_of(name, self.local.endpoint)
        since, before = self.local.admin("calls?account=none")["last"], cpu_seconds(pid)
        own, took = [], []
        for _ in range(RUNS_IN_BLOCK):
            answer, error, request = self.local.invoke(name, payload)
            if error or answer["changes"]:
                raise SystemExit(f"{name} changed what was finished: {answer}")
            record, calls = self.observed(request)
            took.append(record["duration_ms"])
            own.append(record["duration_ms"] - busy_ms(calls))
        calls = [c for c in self.local.admin(f"calls?since={since}")["calls"] if c["function"] == name]
        cpu_ms = (cpu_seconds(pid) - before) * 1e3
        if any(call["effect"] == "resource" for call in calls):
            raise SystemExit(f"{name} made a mutating call on a re-run")
        self.note(
            function, kind,
            warm_ms=statistics.median(took), own_warm_ms=statistics.median(own), per_second=1e3 / statistics.mean(took),
            call_cpu_ms=cpu_ms / len(calls), warm_calls=len(calls) / RUNS_IN_BLOCK,
        )  # fmt: skip


def busy_ms(calls: list[dict[str, Any]]) -> float:
    """Time in which at least one call was under way."""
    spans = sorted((call["time"] * 1e3, call["time"] * 1e3 + call["duration_ms"]) for call in calls)
    total, until = 0.0, 0.0
    for begun, ended in spans:
        total += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return total


def measure(local: Local, rounds: int) -> Bench:
    """All rounds. The first of each kind is not counted: it fills the caches of files."""
    bench = Bench(local)
    for function in FUNCTIONS:
        local.copy_function(f"berth-{function}", f"berth-{function}-python", f"{function}-python")
    finished = {kind: bench.round(0, kind) for kind in KINDS}
    # Each looks at what the other has made. The lease is the account's, so the payload is the other's.
    for function in FUNCTIONS:
        for kind, other in (KINDS, KINDS[::-1]):
            answer, error, _ = local.invoke(name_of(function, kind), finished[other][function])
            if error or answer["changes"]:
                raise SystemExit(f"{function}: what {other} made is not finished for {kind}: {answer}")
    bench.figures.clear()
    for number in range(1, rounds + 1):
        for kind in KINDS if number % 2 else KINDS[::-1]:
            finished[kind] = bench.round(number, kind)
        print(f"round {number} of {rounds}", flush=True)
    for block in range(BLOCKS):
        for function in FUNCTIONS:
            for kind in KINDS if block % 2 else KINDS[::-1]:
                bench.warm(function, kind, finished[kind][function])
    return bench


def main() -> None:
    """Runs everything and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--debug", type=Path, required=True, help="folder of the functions that are not measured")
    parser.add_argument("--release", type=Path, required=True, help="folder of the functions that are measured")
    parser.add_argument("--folder", type=Path, required=True, help="folder for state, logs and results")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="leaves out the attachment that takes two minutes")
    options = parser.parse_args()
    binaries = programs(options.folder / "programs", options.debug.resolve(), options.release.resolve())
    with local_aws(options.folder / "quick", binaries, BERTH_LOCAL_ATTACHMENT_SECONDS="0.3") as local:
        bench = measure(local, options.rounds)
    results: dict[str, Any] = {
        "rounds": options.rounds,
        "warmRuns": BLOCKS * RUNS_IN_BLOCK,
        "load": round(os.getloadavg()[1]),
        "figures": {f"{function} {kind}": figures for (function, kind), figures in bench.figures.items()},
        "bytes": {function: (options.release / function).stat().st_size for function in FUNCTIONS},
        "overhead": [],
    }
    kept = options.folder / "results.json"
    kept.write_text(json.dumps(results, indent=2))
    if not options.quick:
        results["overhead"] = overhead(options.folder / "slow", binaries)
        kept.write_text(json.dumps(results, indent=2))
    write(results, into_readme=not options.quick)


if __name__ == "__main__":
    main()
