"""The local AWS of today's checkout beside that of an earlier commit: one recorded onboarding, replayed against both.

`python benches/local_aws/side_by_side.py --base 9b088a2` prints a table in Markdown, with `--json` the figures. Both run in
turn, `--rounds` times, so that both meet the same machine; each figure is the median of its rounds. CPU time is user and
system time of the whole process tree of the local AWS, without the functions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ROWS = {
    "calls_per_cpu_second": ("calls per CPU-second, a fresh onboarding's own mix", "higher is better"),
    "first_cpu_seconds": ("CPU-seconds of the first onboarding after a start", "lower is better"),
    "start_cpu_seconds": ("CPU-seconds from nothing to ready", "lower is better"),
    "start_seconds": ("seconds from nothing to ready", "lower is better"),
}


def replayed(checkout: Path, templates: Path, accounts: int) -> dict[str, Any]:
    """The figures of one version, once."""
    command = [sys.executable, str(HERE / "replay.py"), "--checkout", str(checkout), "--templates", str(templates)]
    done = subprocess.run([*command, "--accounts", str(accounts)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{checkout}: {done.stderr}")
    return json.loads(done.stdout)


def side_by_side(base: str, rounds: int, accounts: int) -> dict[str, dict[str, float]]:
    """For each figure the medians of both, and how the checkout's relates to the base's."""
    seen: dict[str, list[dict[str, Any]]] = {"base": [], "checkout": []}
    with tempfile.TemporaryDirectory(prefix="berth-base-") as folder:
        earlier = Path(folder) / "berth"
        subprocess.run(
            ["git", "-C", str(ROOT), "worktree", "add", "--detach", "--quiet", str(earlier), base], check=True
        )
        try:
            for _ in range(rounds):
                # The templates of the version that was recorded: its state machine is what is replayed.
                seen["base"].append(replayed(earlier, earlier / "infra", accounts))
                seen["checkout"].append(replayed(ROOT, earlier / "infra", accounts))
        finally:
            subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(earlier)], check=False)
    found = {}
    for name in ROWS:
        before, now = (statistics.median(each[name] for each in seen[version]) for version in ("base", "checkout"))
        found[name] = {"base": before, "checkout": now, "ratio": round(now / before, 2)}
    return found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="9b088a2", help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accounts", type=int, default=5, help="onboardings, one after the other, in each round")
    parser.add_argument("--json", action="store_true", help="print figures instead of a table")
    given = parser.parse_args()
    found = side_by_side(given.base, given.rounds, given.accounts)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    print(f"| what | {given.base} | checkout | ratio | |\n|---|---|---|---|---|")
    for name, figures in found.items():
        what, better = ROWS[name]
        print(f"| {what} | {figures['base']:.1f} | {figures['checkout']:.1f} | {figures['ratio']:.2f} | {better} |")


if __name__ == "__main__":
    main()
