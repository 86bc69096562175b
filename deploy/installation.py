"""What an installation is: its parameters file, checked against the templates, and the commands that it is made with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
INFRA = ROOT / "infra"
_FIELDS = frozenset({"stack", "region", "platform", "artifacts", "hub", "others"})
_REQUIRED = ("stack", "region", "platform", "hub")
_OTHERS = frozenset({"guardrails", "management", "management-home", "network", "sign-in", "tenant-stackset"})
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
    hub = _texts(document.get("hub"))
    problems += _against("hub", hub, frozenset())
    others = []
    for name, other in (document.get("others") or {}).items():
        if name not in _OTHERS:
            problems.append(f"others.{name} is none of the templates {', '.join(sorted(_OTHERS))}")
            continue
        parameters = _texts((other or {}).get("parameters"))
        problems += _against(name, parameters, _FROM_HUB)
        region = (other or {}).get("region", document.get("region", ""))
        others.append(Other(name, region, (other or {}).get("profile"), parameters))
    if problems:
        raise Refused("\n".join(f"{path}: {problem}" for problem in problems), "correct the file")
    platform = path.parent / document["platform"]
    return Installation(document["stack"], document["region"], platform, document.get("artifacts"), hub, others)


def _texts(values: Any) -> dict[str, str]:
    return {name: str(value) for name, value in (values or {}).items()}


def _against(template: str, given: dict[str, str], filled_in: frozenset[str]) -> list[str]:
    """What does not fit between parameters and a template."""
    declared = declared_parameters(INFRA / f"{template}.yaml")
    problems = [
        f"{template}.{name} is no parameter of infra/{template}.yaml" for name in sorted(given.keys() - declared)
    ]
    missing = {name for name, has_default in declared.items() if not has_default} - given.keys() - filled_in
    return problems + [f"{template}.{name} is missing" for name in sorted(missing)]


def declared_parameters(template: Path) -> dict[str, bool]:
    """The parameters of a template, and whether each has a default."""
    return {name: "Default" in parameter for name, parameter in _parameters(template).items()}


def default_of(template: str, parameter: str) -> str:
    """The default of a parameter of infra/<template>.yaml."""
    return str(_parameters(INFRA / f"{template}.yaml")[parameter]["Default"])


def _parameters(template: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(template.read_text(), Loader=_AnyTag)
    return document.get("Parameters", {})


class _AnyTag(yaml.SafeLoader):
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


def run(command: list[str], *, capture: bool = False) -> str:
    """Runs a command and shows it; its output when it is captured.

    Raises:
        Refused: it failed.
    """
    print("$", " ".join(command), flush=True)
    done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE if capture else None)
    if done.returncode != 0:
        raise Refused(f"{command[0]} ended with {done.returncode}", "read its message above")
    return done.stdout or ""


def end(refused: Refused) -> int:
    """Shows why, and gives the exit code."""
    print(f"error: {refused}", file=sys.stderr)
    return 1
