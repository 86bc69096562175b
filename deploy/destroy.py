"""Removes the hub's stack: never while accounts are being onboarded, and never the ledger unless told."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from installation import ROOT, Installation, Refused, end, need_tools, read, run

from deploy import TOOLS, outputs

BUSY = ("requested", "running")


def refuse_while_busy(installation: Installation, known: dict[str, str], berth: str) -> None:
    """Whether an onboarding is under way: by the ledger, and by Step Functions, which also knows executions of people.

    Raises:
        Refused: one is, or nobody can tell.
    """
    accounts = _accounts(installation, known, berth)
    busy = [each["accountId"] for each in accounts if each["status"] in BUSY]
    if busy:
        shown = ", ".join(busy[:5]) + (" …" if len(busy) > 5 else "")
        raise Refused(
            f"{len(busy)} accounts are being onboarded: {shown}", "wait for their end: `berth status --watch`"
        )
    text = run([
        "aws", "stepfunctions", "list-executions", "--state-machine-arn", known["StateMachineArn"],
        "--status-filter", "RUNNING", "--region", installation.region, "--output", "json",
    ], capture=True)  # fmt: skip
    running = json.loads(text)["executions"]
    if running:
        raise Refused(f"{len(running)} executions run, {running[0]['name']} for one", "wait for them, or stop them")


def _accounts(installation: Installation, known: dict[str, str], berth: str) -> list[dict[str, str]]:
    environment = os.environ | {"AWS_REGION": installation.region, "BERTH_LEDGER_TABLE": known["LedgerTableName"]}
    command = [berth, "--target", "aws", "status", "--json"]
    print("$", " ".join(command), flush=True)
    done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, env=environment)
    # 1 says that an account has failed; then the list is there all the same.
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise Refused(
            "nobody can tell whether accounts are being onboarded", "read the message of `berth status` above"
        )
    return json.loads(done.stdout)


def destroy(installation: Installation, known: dict[str, str], *, with_ledger: bool) -> None:
    """Deletes the stack, and then the ledger when told."""
    run(["sam", "delete", "--stack-name", installation.stack, "--region", installation.region, "--no-prompts"])
    table = known["LedgerTableName"]
    if not with_ledger:
        print(f"\nThe table {table} stays: it knows which addresses are in use. docs/removing.md says what else stays.")
        return
    of_table = ["--table-name", table, "--region", installation.region]
    run(["aws", "dynamodb", "update-table", *of_table, "--no-deletion-protection-enabled"], capture=True)
    run(["aws", "dynamodb", "delete-table", *of_table], capture=True)


def main() -> int:
    """Looks, then deletes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("parameters", type=Path)
    arguments.add_argument("--delete-ledger", action="store_true", help="delete the ledger's table too")
    arguments.add_argument("--berth", default=str(ROOT / "target/debug/berth"))
    given = arguments.parse_args()
    try:
        installation = read(given.parameters)
        need_tools(TOOLS)
        known = outputs(installation)
        refuse_while_busy(installation, known, given.berth)
        destroy(installation, known, with_ledger=given.delete_ledger)
    except Refused as refused:
        return end(refused)
    return 0


if __name__ == "__main__":
    sys.exit(main())
