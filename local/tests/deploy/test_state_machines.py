"""The state machine as cfn-lint sees it: what is checked is the committed one, and a mistake in it is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
MACHINE = ROOT / "statemachines" / "onboard-account.asl.json"


def lint(folder: Path, machine: dict[str, Any]) -> str:
    """What cfn-lint says of a machine; empty for nothing."""
    (folder / "onboard-account.asl.json").write_text(json.dumps(machine))
    template = folder / "template.json"
    script = ROOT / "deploy" / "state_machines.py"
    subprocess.run([sys.executable, str(script), str(folder), str(template)], check=True)
    command = [str(Path(sys.executable).parent / "cfn-lint"), str(template)]
    return subprocess.run(command, check=False, text=True, capture_output=True).stdout


def test_the_committed_machine_is_valid(tmp_path: Path) -> None:
    assert lint(tmp_path, json.loads(MACHINE.read_text())) == ""


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda state: state.update(TimeoutSecond=120), "TimeoutSecond"),
        (lambda state: state["Retry"][0].update(MaxAttempts="many"), "many"),
        (lambda state: state.pop("Resource"), "Resource"),
    ],
)
def test_a_mistake_in_a_state_is_found(tmp_path: Path, mistake: Callable[[dict[str, Any]], Any], said: str) -> None:
    machine = json.loads(MACHINE.read_text())
    mistake(machine["States"]["PlanOnboarding"])
    assert said in lint(tmp_path, machine)


def test_a_folder_without_a_machine_is_an_error(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "deploy" / "state_machines.py"), str(tmp_path), str(tmp_path / "t.json")]
    assert subprocess.run(script, check=False, capture_output=True).returncode == 1
