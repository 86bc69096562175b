"""What an installation is: its parameters file, checked against the templates, and the commands that it is made with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
INFRA = ROOT / "infra"
_FIELDS = frozenset({"stack", "region", "platform", "artifacts", "hub", "others"})
_REQUIRED = ("stack", "region", "platform", "hub")
_OTHERS = frozenset({"cluster", "guardrails", "management", "management-home", "network", "sign-in", "tenant-stackset"})
# Parameters of other templates that the hub's stack knows.
_FROM_HUB = frozenset({
    "OrganizationId", "HubAccountId", "ManagementAccountId", "NetworkAccountId", "PlatformExternalId", "AccountsBusArn",
})  # fmt: skip


class Refused(Exception):
    """What is wrong, and after `Next:` what to do."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(f"{what}\nNext: {next_step}")


@dataclass(frozen=True)
class Other:
    """A template of another account."""

    name: str
    region: str
    profile: str | None
    parameters: dict[str, str]
    # Whether a unit that is not listed may be below one that is.
    covers_units_above: bool = False


@dataclass(frozen=True)
class Installation:
    """A parameters file that fits the templates."""

    stack: str
    region: str
    platform: Path
    artifacts: str | None
    hub: dict[str, str]
    others: list[Other] = field(default_factory=list)


def read(path: Path) -> Installation:
    """Reads a parameters file and holds it to the templates.

    Raises:
        Refused: every problem of the file at once.
    """
    if not path.is_file():
        raise Refused(f"{path} is missing", "copy deploy/parameters.example.yaml, and name your copy with PARAMETERS=")
    document = yaml.safe_load(path.read_text())
    if not isinstance(document, dict):
        raise Refused(f"{path} is no mapping", "compare it with deploy/parameters.example.yaml")
    problems = [f"the field {name} is not known" for name in sorted(document.keys() - _FIELDS)]
    problems += [f"the field {name} is missing" for name in _REQUIRED if name not in document]
    hub, wrong = _given("hub", document.get("hub"), frozenset())
    problems += wrong
    others = []
    for name, given in (document.get("others") or {}).items():
        if name not in _OTHERS:
            problems.append(f"others.{name} is none of the templates {', '.join(sorted(_OTHERS))}")
            continue
        # A list for a template of several accounts: those with clusters.
        for other in given if isinstance(given, list) else [given]:
            made, wrong = _other(name, other or {}, document.get("region", ""))
            problems += wrong
            others.append(made)
    if problems:
        raise Refused("\n".join(f"{path}: {problem}" for problem in problems), "correct the file")
    platform = path.parent / document["platform"]
    return Installation(document["stack"], document["region"], platform, document.get("artifacts"), hub, others)


def _other(name: str, given: dict[str, Any], region: str) -> tuple[Other, list[str]]:
    """One template of another account, and what is wrong with it."""
    fields = {"region", "profile", "parameters", "unitsAbove"}
    problems = [f"others.{name}.{field} is not known" for field in sorted(given.keys() - fields)]
    parameters, wrong = _given(name, given.get("parameters"), _FROM_HUB)
    above = given.get("unitsAbove", False) is True
    return Other(name, given.get("region", region), given.get("profile"), parameters, above), problems + wrong


def _given(template: str, values: Any, filled_in: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """Parameters as texts, and what does not fit between them and a template."""
    declared, values = _parameters(INFRA / f"{template}.yaml"), values or {}
    problems = [
        f"{template}.{name} is no parameter of infra/{template}.yaml"
        for name in sorted(values.keys() - declared.keys())
    ]
    needed = {name for name, parameter in declared.items() if "Default" not in parameter}
    problems += [f"{template}.{name} is missing" for name in sorted(needed - values.keys() - filled_in)]
    for name, value in values.items():
        if name in declared:
            problems += [f"{template}.{name} {wrong}" for wrong in _unfit(declared[name], value)]
    return {name: str(value) for name, value in values.items()}, problems


def _unfit(declared: dict[str, Any], value: Any) -> list[str]:
    """Why CloudFormation would refuse a value, or get another than the one that was written."""
    if declared["Type"] == "Number":
        least = declared.get("MinValue")
        if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
            return [f"is {value!r}, which is no number{'' if least is None else f' from {least} on'}"]
    elif not isinstance(value, str):
        # 010020030040 is a number of base eight in YAML, and 1077948448 here.
        return [f"is a {type(value).__name__} ({value}), not a text: write it in quotation marks"]
    elif not re.fullmatch(declared.get("AllowedPattern", ".*"), value):
        return [f"is {value!r}, which does not fit {declared['AllowedPattern']}"]
    allowed = declared.get("AllowedValues")
    if allowed and value not in allowed:
        return [f"is {value!r}, and may be {', '.join(map(str, allowed))}"]
    return []


def declared_parameters(template: Path) -> dict[str, bool]:
    """The parameters of a template, and whether each has a default."""
    return {name: "Default" in parameter for name, parameter in _parameters(template).items()}


def default_of(template: str, parameter: str) -> str:
    """The default of a parameter of infra/<template>.yaml."""
    return str(_parameters(INFRA / f"{template}.yaml")[parameter]["Default"])


@cache
def _parameters(template: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(template.read_text(), Loader=_AnyTag)
    return document.get("Parameters", {})


class _AnyTag(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads a template without knowing what its tags mean."""


_AnyTag.add_multi_constructor("!", lambda _loader, _tag, _node: None)


def need_tools(names: dict[str, str]) -> None:
    """Whether every command is there.

    Raises:
        Refused: all that are missing, each with how to get it.
    """
    missing = {name: how for name, how in names.items() if shutil.which(name) is None}
    if missing:
        raise Refused(
            f"not installed: {', '.join(sorted(missing))}", "; ".join(missing[name] for name in sorted(missing))
        )


def run(
    command: list[str], *, capture: bool = False, environment: dict[str, str] | None = None, hint: str | None = None
) -> str:
    """Runs a command and shows it; its output when it is captured. `environment` is set besides.

    Raises:
        Refused: it failed. The next step is the hint, else to read what the command said.
    """
    print("$", " ".join(command), flush=True)
    done = subprocess.run(
        command,
        check=False,
        text=True,
        stdout=subprocess.PIPE if capture else None,
        env=os.environ | (environment or {}),
    )
    if done.returncode != 0:
        raise Refused(f"{command[0]} ended with {done.returncode}", hint or "read its message above")
    return done.stdout or ""


def describing(installation: Installation) -> list[str]:
    """The command that describes the hub's stack. [CloudFormation DescribeStacks]"""
    return [
        "aws", "cloudformation", "describe-stacks", "--stack-name", installation.stack,
        "--region", installation.region, "--output", "json",
    ]  # fmt: skip


def is_deployed(installation: Installation) -> bool:
    """Whether the hub's stack is there.

    Raises:
        Refused: it cannot be said.
    """
    command = describing(installation)
    done = subprocess.run(command, check=False, text=True, capture_output=True)
    if done.returncode != 0 and "does not exist" not in done.stderr:
        raise Refused(f"{' '.join(command)}: {done.stderr.strip()}", "sign in to the hub account, and try again")
    return done.returncode == 0


def end(refused: Refused) -> int:
    """Shows why, and gives the exit code."""
    print(f"error: {refused}", file=sys.stderr)
    return 1
