"""What `make test` closes with: what failed, and what could not be tested on this machine."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

RUN = Path(__file__).resolve().parents[3] / "tests" / "run.py"
NO_SERVER = "no server, so nothing was tested on one. Next: start one"


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The runner, with its logs elsewhere."""
    spec = importlib.util.spec_from_file_location("berth_run", RUN)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look their module up.
    monkeypatch.setitem(sys.modules, "berth_run", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LOGS", tmp_path)
    return module


def binary(runner: ModuleType, name: str, past_capture: str, test: str = "ok") -> object:
    """A job that writes what a test binary writes, and a text to standard error."""
    events = f'''{{"type": "test", "name": "a", "event": "started"}}
{{"type": "test", "name": "a", "event": "{test}", "exec_time": 0.1}}'''
    code = 0 if test == "ok" else 101
    return runner.Job(
        name, ["sh", "-c", 'echo "$1"; echo "$2" >&2; exit $3', "sh", events, past_capture, str(code)], RUN.parent
    )


def closing(runner: ModuleType, capsys: pytest.CaptureFixture[str], *jobs: object) -> tuple[int, list[str]]:
    """The exit code, and the lines that the runner closes with."""
    results = [runner.run(job) for job in jobs]
    capsys.readouterr()
    code = runner.close(results, 1.0)
    return code, capsys.readouterr().out.splitlines()


def test_what_passed_without_looking_is_shown_at_the_end_and_counted(
    runner: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two binaries lack the same; one of them says so twice, and lacks something else, too."""
    more = f"SKIPPED: {NO_SERVER}\n\nSKIPPED: {NO_SERVER}\nSKIPPED: no helm. Next: get it\nsomething else"
    one, two = binary(runner, "one", more), binary(runner, "two", f"\nSKIPPED: {NO_SERVER}")
    code, lines = closing(runner, capsys, two, one)
    assert code == 0
    at = lines.index("NOT TESTED here:")
    assert lines[at + 1 : at + 3] == ["  SKIPPED: no helm. Next: get it (one)", f"  SKIPPED: {NO_SERVER} (one, two)"]
    assert lines[-1].startswith("ok: 2 passed, 0 failed, 2 NOT TESTED here (above); 2 processes")


def test_where_everything_was_tested_nothing_is_said(runner: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """A line in which the word stands elsewhere is none."""
    code, lines = closing(runner, capsys, binary(runner, "one", "nothing was SKIPPED: really"))
    assert code == 0
    assert not any("NOT TESTED" in line for line in lines)
    assert lines[-1].startswith("ok: 1 passed, 0 failed; 1 processes")


def test_a_failure_hides_nothing_of_it(runner: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """What failed and what was not tested are both said."""
    code, lines = closing(runner, capsys, binary(runner, "one", f"SKIPPED: {NO_SERVER}", test="failed"))
    assert code == 1
    assert "  one a" in lines and f"  SKIPPED: {NO_SERVER} (one)" in lines
    assert lines[-1].startswith("FAILED: 0 passed, 1 failed, 1 NOT TESTED here (above); 1 processes")
