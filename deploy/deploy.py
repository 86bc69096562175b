"""Deploys the hub, and deploys or says what the other accounts need. `--check` only looks whether it could."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from agreement import check_agreement
from boundaries import check_boundaries
from installation import (
    INFRA,
    ROOT,
    Installation,
    Other,
    Refused,
    declared_parameters,
    describing,
    end,
    is_deployed,
    need_tools,
    read,
    run,
)
from staging import stage

TOOLS = {
    "sam": "install the SAM CLI: pip install aws-sam-cli",
    "aws": "install the AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
}
TAGS = "berth:managed-by=berth"


def check(installation: Installation, berth: str) -> None:
    """Everything that can be wrong before anything is built or changed.

    Raises:
        Refused: something is.
    """
    need_tools(TOOLS)
    if not installation.platform.is_file():
        raise Refused(f"{installation.platform} is missing", "write it: infra/platform.example.yaml shows every field")
    run([berth, "validate", str(installation.platform)])
    check_agreement(installation)
    check_boundaries(installation)


def check_accounts(installation: Installation, berth: str) -> None:
    """Says what the configuration would make of accounts that exist.

    Raises:
        Refused: an account would become another one. No account does by the deployment alone: each would be refused at its
            next run, and the sweep stops when they are many.
    """
    if not is_deployed(installation):
        print(f"{installation.stack} is not in {installation.region} yet: no accounts to compare with")
        return
    known = outputs(installation)
    where = {"AWS_REGION": installation.region, "BERTH_LEDGER_TABLE": known["LedgerTableName"]}
    again = "correct platform.yaml; or, when they are to be transferred one by one, deploy it with ACCOUNTS=change"
    run([berth, "--target", "aws", "validate", str(installation.platform), "--accounts"], environment=where, hint=again)


def deploy_hub(installation: Installation, template: Path) -> dict[str, str]:
    """Deploys the hub's stack; its outputs."""
    upload = ["--s3-bucket", installation.artifacts] if installation.artifacts else ["--resolve-s3"]
    run([
        "sam", "deploy", "--template-file", str(template), "--stack-name", installation.stack,
        "--region", installation.region, "--capabilities", "CAPABILITY_NAMED_IAM", "--tags", TAGS,
        "--no-fail-on-empty-changeset", "--no-confirm-changeset", *upload,
        "--parameter-overrides", *_overrides(installation.hub),
    ])  # fmt: skip
    return outputs(installation)


def outputs(installation: Installation) -> dict[str, str]:
    """The outputs of the hub's stack."""
    text = run(describing(installation), capture=True)
    (stack,) = json.loads(text)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def command(installation: Installation, other: Other, known: dict[str, str]) -> list[str]:
    """The command that deploys the template of another account."""
    bus = known["AccountsBusArn"]
    filled_in = {
        "OrganizationId": installation.hub["OrganizationId"],
        "ManagementAccountId": installation.hub["ManagementAccountId"],
        "NetworkAccountId": installation.hub["NetworkAccountId"],
        "PlatformExternalId": installation.hub["PlatformExternalId"],
        "HubAccountId": bus.split(":")[4],
        "AccountsBusArn": bus,
    }
    declared = declared_parameters(INFRA / f"{other.name}.yaml")
    values = {name: value for name, value in filled_in.items() if name in declared} | other.parameters
    profile = ["--profile", other.profile] if other.profile else []
    # SAM too: it uploads tenant.yaml for the StackSet, into a bucket of that account.
    return [
        "sam", "deploy", "--template-file", str(INFRA / f"{other.name}.yaml"),
        "--stack-name", f"berth-{other.name}", "--region", other.region, "--capabilities", "CAPABILITY_NAMED_IAM",
        "--no-fail-on-empty-changeset", "--no-confirm-changeset", "--tags", TAGS, "--resolve-s3", *profile,
        "--parameter-overrides", *_overrides(values),
    ]  # fmt: skip


def _overrides(values: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(values.items())]


def deploy(installation: Installation, known: dict[str, str]) -> None:
    """Deploys the templates of accounts that there is a profile for, and says the commands of the others."""
    to_do = []
    for other in installation.others:
        line = command(installation, other, known)
        if other.profile:
            run(line)
        else:
            to_do.append((other, line))
    for other, line in to_do:
        print(f"\n{other.name}: no profile is named. Whoever may deploy there runs:\n  {shlex.join(line)}")
    print("\nLast: docs/installing.md, from `Look whether it works` on.")


def main() -> int:
    """Checks, stages, deploys."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("parameters", type=Path)
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--accounts-may-change", action="store_true")
    arguments.add_argument("--berth", default=str(ROOT / "target/debug/berth"))
    arguments.add_argument("--zips", type=Path, default=ROOT / "target/lambda")
    arguments.add_argument("--staging", type=Path, default=ROOT / "target/deploy")
    given = arguments.parse_args()
    try:
        installation = read(given.parameters)
        check(installation, given.berth)
        if not given.accounts_may_change:
            check_accounts(installation, given.berth)
        if not given.check:
            template = stage(installation.platform, given.zips, given.staging)
            deploy(installation, deploy_hub(installation, template))
    except Refused as refused:
        return end(refused)
    return 0


if __name__ == "__main__":
    sys.exit(main())
