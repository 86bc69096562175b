"""What building and testing cost, now and at a commit before, side by side: `make bench-build`. Needs nothing but Python.

Both are measured in work trees of their own below target/bench-build, in turn, so that a busy machine is busy for both. CPU
time is user and system time of every process that came out of a command, the local AWS's and the functions' too: this
process adopts those whose parents end first (PR_SET_CHILD_SUBREAPER, prctl(2)).
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "target" / "bench-build"
PAGE = ROOT / "docs" / "testing.md"
MARKERS = ("<!-- bench-build -->\n", "<!-- /bench-build -->")
BASE = "9b088a2"
"""The commit before the tests were made faster."""
PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.5
EDITED = Path("functions/provision-vpc/decide.rs")
"""The file that gets one line more, and whose package's tests run then."""


@dataclass(frozen=True)
class Cost:
    """What one command cost."""

    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float


def run(tree: Path, *command: str) -> Cost:
    """Runs a command in a work tree to its end and to that of everything that it left behind.

    Raises:
        SystemExit: it failed.
    """
    before = os.times()
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=tree, stdout=subprocess.DEVNULL, start_new_session=True)
    peak, done = [0.0], threading.Event()
    sampling = threading.Thread(target=_sample, args=(process.pid, peak, done))
    sampling.start()
    code = process.wait()
    wall = time.monotonic() - began
    done.set()
    sampling.join()
    _reap_adopted()
    after = os.times()
    if code != 0:
        raise SystemExit(f"{' '.join(command)} ended with {code} in {tree}")
    cpu = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return Cost(wall, cpu, peak[0])


def _reap_adopted() -> None:
    """Waits for processes whose parents ended before them: only then is their time counted."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _sample(session: int, peak: list[float], done: threading.Event) -> None:
    """Keeps the most memory that the processes of a session had together."""
    while not done.wait(SAMPLE_SECONDS):
        peak[0] = max(
            peak[0], sum(_resident(entry, session) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        )


def _resident(process: Path, session: int) -> float:
    """Megabytes of one process, if it is of the session."""
    try:
        fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        pages = int((process / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6 if int(fields[3]) == session else 0.0


def cold(tree: Path) -> dict[str, float]:
    """Builds what `make demo` builds, with nothing built."""
    shutil.rmtree(tree / "target", ignore_errors=True)
    cost = run(tree, "make", "binaries")
    return {"cold make demo: build, CPU s": cost.cpu_seconds, "cold build: peak memory, MB": cost.peak_megabytes}


def demo(tree: Path) -> dict[str, float]:
    """Runs the demo twice, with everything built: onboards an account, then finds nothing to change."""
    run(tree, "make", "binaries", "local")
    walls = []
    for _ in range(2):
        began = time.monotonic()
        # It leaves the local AWS running, so its end is not waited for here.
        subprocess.run(["make", "demo", "PORT=0"], cwd=tree, stdout=subprocess.DEVNULL, check=True)
        walls.append(time.monotonic() - began)
    run(tree, str(tree / "target/debug/berth"), "local", "down")
    return {"make demo, first, wall s": walls[0], "make demo, second, wall s": walls[1]}


def test(tree: Path) -> dict[str, float]:
    """Runs `make test` with everything built."""
    run(tree, "make", "binaries", "local-dev")
    run(tree, "cargo", "--locked", "build", "--workspace", "--bins", "--tests")
    cost = run(tree, "make", "test")
    return {"make test, CPU s": cost.cpu_seconds, "make test, wall s": cost.wall_seconds}


def edit(tree: Path) -> dict[str, float]:
    """Adds a line to a step and runs that step's tests."""
    command = ("cargo", "--locked", "test", "-p", EDITED.parts[1])
    run(tree, *command)
    text = (tree / EDITED).read_text()
    (tree / EDITED).write_text(f"{text}\nconst _: &str = {str(time.time_ns())!r};\n".replace("'", '"'))
    try:
        cost = run(tree, *command)
    finally:
        (tree / EDITED).write_text(text)
    return {"edit one line of a step → its tests, wall s": cost.wall_seconds}


def calls(tree: Path) -> dict[str, float]:
    """Replays a recorded onboarding five times against the local AWS of a tree, with the templates that were recorded."""
    run(tree, "make", "local")
    replay = [str(tree / "local/.venv/bin/python"), str(ROOT / "benches/local_aws/replay.py"), "--checkout", str(tree)]
    done = subprocess.run(
        [*replay, "--templates", str(FOLDER / "base/infra")], capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout)
    return {
        "local AWS: calls per CPU second": figures["calls_per_cpu_second"],
        "local AWS: start, CPU s": figures["start_cpu_seconds"],
        "local AWS: start, wall s": figures["start_seconds"],
    }


ROWS: dict[str, Callable[[Path], dict[str, float]]] = {
    "cold": cold,
    "demo": demo,
    "test": test,
    "edit": edit,
    "calls": calls,
}


def work_tree(name: str, commit: str) -> Path:
    """A work tree of a commit, without changes."""
    tree = FOLDER / name
    if tree.is_dir():
        subprocess.run(["git", "-C", str(tree), "checkout", "--quiet", "--force", "--detach", commit], check=True)
    else:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "prune"], check=True)
        subprocess.run(
            ["git", "-C", str(ROOT), "worktree", "add", "--quiet", "--detach", str(tree), commit], check=True
        )
    return tree


def table(results: dict[str, dict[str, list[float]]]) -> str:
    """Medians of both, and their ratio."""
    lines = [
        f"Made by `make bench-build` on {os.cpu_count()} cores; medians. Ratios are of one machine in one run.\n",
        f"| what | {BASE} | now | ratio |",
        "|---|--:|--:|--:|",
    ]
    for row, sides in results.items():
        before, now = (statistics.median(sides[side]) if sides.get(side) else None for side in ("base", "now"))
        shown = ["" if value is None else f"{value:,.1f}" for value in (before, now)]
        ratio = f"{now / before:.2f}" if before and now else ""
        lines.append(f"| {row} | {shown[0]} | {shown[1]} | {ratio} |")
    return "\n".join(lines) + "\n"


def write(text: str) -> None:
    """Puts the table into the page on testing."""
    page = PAGE.read_text()
    before, rest = page.split(MARKERS[0], 1)
    after = rest.split(MARKERS[1], 1)[1]
    PAGE.write_text(before + MARKERS[0] + text + MARKERS[1] + after)


def main() -> int:
    """Measures, keeps what was measured, writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", nargs="+", choices=ROWS, default=list(ROWS), help="what to measure; all of it by default"
    )
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="how often, on each side")
    parser.add_argument("--base", default=BASE, metavar="COMMIT")
    asked = parser.parse_args()
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise SystemExit("this kernel lets no process adopt others: CPU time would be missed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    trees = {"base": work_tree("base", asked.base), "now": work_tree("now", "HEAD")}
    kept = FOLDER / "results.json"
    results: dict[str, dict[str, list[float]]] = json.loads(kept.read_text()) if kept.is_file() else {}
    for number in range(asked.runs):
        for row in asked.rows:
            for side, tree in trees.items():
                print(f"run {number + 1} of {asked.runs}: {row}, {side}", file=sys.stderr, flush=True)
                for name, value in ROWS[row](tree).items():
                    results.setdefault(name, {}).setdefault(side, []).append(value)
                kept.write_text(json.dumps(results, indent=1))
    text = table(results)
    print(text)
    write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
