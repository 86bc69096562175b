"""However the local AWS ends, it leaves no process and no half-told state; and a start that cannot succeed says why."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from processes import children_of, idle_binaries, run, soon, start

INFRA = Path(__file__).resolve().parents[3] / "infra"
TEMPLATE_WITH_A_CLUSTER = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Cluster: {Type: AWS::ECS::Cluster, Properties: {}}
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    return idle_binaries(tmp_path / "bin")


def starting(state: Path, binaries: Path) -> subprocess.Popen[str]:
    """An `up` whose child processes run, but which is not ready yet."""
    process = start("up", "--state-dir", str(state), "--port", "0", "--binaries", str(binaries))
    assert soon(lambda: len(children_of(state)) >= 2)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_start_that_is_interrupted_leaves_nothing(state: Path, binaries: Path, number: signal.Signals) -> None:
    process = starting(state, binaries)
    process.send_signal(number)
    assert process.wait(300) == 0
    assert children_of(state) == []
    assert not (state / "state.json").exists()
    _, errors = process.communicate()
    assert "Traceback" not in errors


def test_children_end_with_a_killed_supervisor_and_stale_state_goes(state: Path, binaries: Path) -> None:
    process = starting(state, binaries)
    process.kill()
    process.wait()
    assert soon(lambda: not children_of(state))
    assert (state / "state.json").exists()
    stale = run("status", "--state-dir", str(state), "--json")
    assert (stale.returncode, json.loads(stale.stdout)["status"]) == (1, "stopped")
    cleaned = run("down", "--state-dir", str(state))
    assert (cleaned.returncode, "stale" in cleaned.stdout) == (0, True)
    assert not (state / "state.json").exists()


def test_a_stale_state_with_a_reused_process_id_is_not_taken_for_alive(state: Path) -> None:
    state.mkdir()
    (state / "state.json").write_text(json.dumps({"status": "ready", "pid": os.getpid(), "processStarted": 1}))
    assert run("down", "--state-dir", str(state)).returncode == 0  # and this test is still running


def test_down_stops_it_and_waits(state: Path, binaries: Path) -> None:
    process = starting(state, binaries)
    stopped = run("down", "--state-dir", str(state))
    assert stopped.returncode == 0
    assert str(process.pid) in stopped.stdout
    assert process.poll() is not None or process.wait(1) == 0
    assert children_of(state) == []


def test_down_without_anything_running_is_no_error(state: Path) -> None:
    answer = run("down", "--state-dir", str(state))
    assert (answer.returncode, answer.stdout.strip()) == (0, "nothing was running")


def test_a_child_that_dies_takes_everything_down_with_its_last_words(state: Path, binaries: Path) -> None:
    process = starting(state, binaries)
    git = next(
        pid for pid in children_of(state) if b"berth_local.gitserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(git, signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "git ended" in errors
    assert children_of(state) == []


def refused(state: Path, *arguments: str, **environment: str) -> str:
    """The one line of an `up` that cannot start; nothing is left of it."""
    answer = run("up", "--state-dir", str(state), *arguments, **environment)
    assert answer.returncode == 1
    assert answer.stdout == ""
    (line,) = (line for line in answer.stderr.splitlines() if not line.startswith("  "))
    assert children_of(state) == []
    assert not (state / "state.json").exists()
    return line


def test_a_port_that_is_taken_is_one_line(state: Path, binaries: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = refused(state, "--port", port, "--binaries", str(binaries))
    assert f"port {port}" in line
    assert "--port" in line


def test_a_machine_without_git_is_one_line(state: Path, binaries: Path) -> None:
    assert "git is not installed" in refused(state, "--port", "0", "--binaries", str(binaries), PATH="/nonexistent")


def test_functions_that_are_not_built_are_one_line(state: Path, binaries: Path, tmp_path: Path) -> None:
    assert "not built" in refused(state, "--port", "0", "--binaries", str(tmp_path / "gone"))
    (binaries / "commit-tenant").unlink()
    assert "commit-tenant" in refused(state, "--port", "0", "--binaries", str(binaries))


def test_a_template_with_an_unknown_resource_type_is_one_line(state: Path, binaries: Path, tmp_path: Path) -> None:
    infra = shutil.copytree(INFRA, tmp_path / "infra")
    shutil.copytree(INFRA.parent / "statemachines", tmp_path / "statemachines")
    (infra / "network.yaml").write_text(TEMPLATE_WITH_A_CLUSTER)
    line = refused(state, "--port", "0", "--binaries", str(binaries), "--templates", str(infra))
    assert "network.yaml" in line
    assert "Cluster" in line
    assert "AWS::ECS::Cluster" in line


def test_commands_for_a_running_one_say_how_to_start_it(state: Path) -> None:
    answer = run("account", "create", "--state-dir", str(state), "--name", "x", "--environment", "dev")
    assert answer.returncode == 1
    assert "berth local up" in answer.stderr


def test_a_fresh_start_forgets_the_earlier_run(state: Path, binaries: Path) -> None:
    leftover = state / "git" / "leftover"
    leftover.mkdir(parents=True)
    process = starting(state, binaries)
    assert not leftover.exists()
    process.terminate()
    assert process.wait(300) == 0
    process.communicate()
    shutil.rmtree(state)
