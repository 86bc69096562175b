"""`up`, `down` and `status`: starts the local AWS, keeps it, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from berth_local.children import Child, stop_all
from berth_local.faults import LocalError
from berth_local.gitserver_login import Login
from berth_local.ports import checked_port, free_port, wait_for_answer
from berth_local.settings import Ports, Settings, check_prerequisites, child_commands, child_environment, fresh_folders
from berth_local.state import StateFile, process_started, write_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from berth_local.world import World

_HEALTH = {"aws": "/_berth/health", "git": "/"}
_WATCH_SECONDS = 0.2
_DOWN_SECONDS_MAX = 15.0


class Supervisor:
    """One local AWS, from its first process to its last."""

    def __init__(self, settings: Settings, port: int, progress: Callable[[str], None]) -> None:
        self._settings = settings
        self._port = port
        self._progress = progress
        self._state = StateFile(settings.state_folder)
        self._children: dict[str, Child] = {}
        self._stopped = threading.Event()

    def run(self, when_ready: Callable[[dict[str, Any]], None]) -> None:
        """Starts everything, calls `when_ready` with the state, and returns after SIGTERM or SIGINT.

        Raises:
            LocalError: something is missing, could not be made, or ended by itself. Nothing is left running.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stopped.set())
        running = self._state.live()
        if running:
            raise LocalError(f"a local AWS runs here already (pid {running['pid']}). Next: `berth local down`")
        check_prerequisites(self._settings)
        ports = Ports(gateway=checked_port(self._port), aws=free_port(), git=free_port())
        self._state.write({"status": "starting"})
        try:
            fresh_folders(self._settings)
            state = self._start(ports)
            if state is not None:
                self._state.write(state)
                when_ready(state)
                self._watch()
        finally:
            stop_all(list(self._children.values()))
            self._state.remove()

    def _start(self, ports: Ports) -> dict[str, Any] | None:
        """The state when everything is there, or nothing when it was stopped before."""
        login = Login.random()
        write_private(
            self._settings.git_credentials, json.dumps({"username": login.username, "password": login.password}) + "\n"
        )
        environment = child_environment(self._settings, ports)
        for name, command in child_commands(self._settings, ports).items():
            self._children[name] = Child(name, command, environment, self._settings.logs / f"{name}.log")
        building: Future[World] = Future()
        threading.Thread(target=self._build, args=(ports, login, building), daemon=True, name="build").start()
        while not self._stopped.wait(0.0 if building.done() else _WATCH_SECONDS / 4):
            if building.done():
                return self._described(ports, building.result())
            # A process that dies makes the building fail, too, but its last line says more.
            self._check_children()
        return None

    def _build(self, ports: Ports, login: Login, building: Future[World]) -> None:
        try:
            building.set_result(self._built(ports, login))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            building.set_exception(error)

    def _built(self, ports: Ports, login: Login) -> World:
        with ThreadPoolExecutor(1) as pool:
            repository = pool.submit(_make_repository, self._settings)
            from berth_local import world  # here, while the child processes start

            templates = world.read_templates(self._settings)
            repository.result()
            for name, port in (("aws", ports.gateway), ("git", ports.git)):
                wait_for_answer(self._children[name], port, _HEALTH[name], self._stopped.is_set)
            self._progress(f"processes: AWS at {ports.endpoint}, git at {ports.git_url}")
            return world.build_world(self._settings, ports, login, templates, self._progress)

    def _described(self, ports: Ports, world: World) -> dict[str, Any]:
        from berth_local.world import client_environment

        return {
            "status": "ready",
            "endpoint": ports.endpoint,
            "ports": {"gateway": ports.gateway, "aws": ports.aws, "git": ports.git},
            "pids": {name: child.pid for name, child in self._children.items()},
            "awsUrl": ports.aws_url,
            "gitUrl": ports.git_url,
            "gitCredentialsFile": str(self._settings.git_credentials),
            "platform": str(self._settings.platform),
            "logs": str(self._settings.logs),
            "environment": client_environment(self._settings, ports, world),
            "management": {
                "accessKeyId": world.management.access_key_id,
                "secretAccessKey": world.management.secret_access_key,
            },
            "outputs": world.stack.outputs,
            "stackSets": world.stack_sets,
        }

    def _watch(self) -> None:
        while not self._stopped.wait(_WATCH_SECONDS):
            self._check_children()

    def _check_children(self) -> None:
        for child in self._children.values():
            if child.has_ended() and not self._stopped.is_set():
                raise LocalError(f"{child.name} ended by itself: {child.last_line()} (log: {child.log})")


def _make_repository(settings: Settings) -> None:
    from berth_local.repository import make_repository

    try:
        make_repository(settings.git_root)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LocalError(f"the GitOps repository could not be made: {error}") from error


def down(state: StateFile) -> str:
    """Stops the local AWS of a state folder and waits for its end. Returns what happened, for people.

    Raises:
        LocalError: it did not end in time, although it was killed.
    """
    running = state.live()
    if running is None:
        stale = state.path.exists()
        state.remove()
        return "nothing was running; a stale state.json was removed" if stale else "nothing was running"
    pid, started = running["pid"], running["processStarted"]
    for number, seconds_max in ((signal.SIGTERM, _DOWN_SECONDS_MAX), (signal.SIGKILL, 2.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if _gone(pid, started, seconds_max):
            state.remove()  # a killed one could not; its children went with it
            return f"stopped (pid {pid})"
    raise LocalError(f"the local AWS (pid {pid}) does not end")


def _gone(pid: int, started: int, seconds_max: float) -> bool:
    deadline = time.monotonic() + seconds_max
    while process_started(pid) == started:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
