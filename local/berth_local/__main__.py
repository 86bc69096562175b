"""The command line of the local AWS: up, down, status, env, deploy, account create, cluster, event."""

from __future__ import annotations

import argparse
import gc
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from berth_local import names, settings
from berth_local.faults import LocalError
from berth_local.state import StateFile


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns its exit status: 0, or 1 with one line on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options) or 0)
    except LocalError as error:
        print(f"berth-local: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m berth_local", description="An AWS organization on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = _command(commands, "up", _up, "start it and keep it until Ctrl-C")
    up.add_argument("--port", type=int, default=settings.DEFAULT_PORT, help="port of the endpoint; 0 takes a free one")
    up.add_argument("--binaries", type=Path, default=settings.DEFAULT_BINARIES, help="folder of the built functions")
    up.add_argument("--templates", type=Path, default=settings.DEFAULT_TEMPLATES, help="folder of what to load: infra/")
    _command(commands, "down", _down, "stop the one that runs")
    _command(commands, "status", _status, "say whether one runs; exit 1 when none is ready")

    env = _command(commands, "env", _env, "print the environment to use it with")
    env.add_argument("--account", help="act as the administrator of this account, in place of the hub's")
    deploy = _command(commands, "deploy", _deploy, "deploy a platform.yaml: every function starts anew with it")
    deploy.add_argument("file", nargs="?", type=Path, help="the file; when absent, the one that is deployed, as edited")

    account = commands.add_parser("account", help="accounts of the organization").add_subparsers(required=True)
    create = _command(account, "create", _create_account, "make an account in an environment's unit")
    create.add_argument("--name", required=True, help="its name in Organizations")
    create.add_argument("--environment", required=True, choices=list(names.ORGANIZATIONAL_UNITS))
    create.add_argument("--email", help="its e-mail address; made up when absent")
    create.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")

    cluster = commands.add_parser("cluster", help="API servers behind clusters").add_subparsers(required=True)
    attach = _command(
        cluster, "attach", _attach, "put the API server of standard input behind an environment's cluster"
    )
    detach = _command(cluster, "detach", _detach, "put the cluster back as it was")
    for command in (attach, detach):
        command.add_argument("--environment", required=True, choices=list(names.ORGANIZATIONAL_UNITS))

    event = _command(commands, "event", _event, "publish an event to the accounts bus")
    event.add_argument("file", help="JSON file, or - for standard input")
    return parser


def _command(commands: Any, name: str, command: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--state-dir", type=Path, default=settings.DEFAULT_STATE, help="folder of state.json and logs")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.set_defaults(command=command)
    return parser


def _up(options: argparse.Namespace) -> None:
    from berth_local.supervisor import Supervisor

    began = time.monotonic()

    def progress(text: str) -> None:
        print(f"  {time.monotonic() - began:4.1f} s  {text}", file=sys.stderr, flush=True)

    def ready(state: dict[str, Any]) -> None:
        progress("ready")
        _show(state["environment"], options.json)

    wanted = settings.Settings(options.state_dir.resolve(), options.binaries.resolve(), options.templates.resolve())
    Supervisor(wanted, options.port, progress).run(ready)


def _show(environment: dict[str, str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(environment), flush=True)
        return
    for name, value in environment.items():
        print(f"export {name}={shlex.quote(value)}", flush=True)


def _env(options: argparse.Namespace) -> None:
    state = StateFile(options.state_dir.resolve()).ready()
    if options.account is None:
        _show(state["environment"], options.json)
        return
    from berth_local.session import Session

    _show(state["environment"] | Session(state).administrator_of(options.account), options.json)


def _deploy(options: argparse.Namespace) -> None:
    from berth_local.session import deploy

    state = StateFile(options.state_dir.resolve()).ready()
    deployed = Path(state["platform"])
    copies = deploy(state["endpoint"], (options.file or deployed).resolve(), deployed)
    print(json.dumps({"platform": str(deployed), "copies": copies}) if options.json else deployed)


def _down(options: argparse.Namespace) -> None:
    from berth_local.supervisor import down

    happened = down(StateFile(options.state_dir.resolve()))
    print(json.dumps({"result": happened}) if options.json else happened)


def _status(options: argparse.Namespace) -> int:
    state = StateFile(options.state_dir.resolve()).live()
    status = state["status"] if state else "stopped"
    shown = {key: state[key] for key in ("endpoint", "gitUrl", "platform", "pid") if key in state} if state else {}
    if options.json:
        print(json.dumps({"status": status, **shown}))
    else:
        print("\n".join([status, *(f"  {key}: {value}" for key, value in shown.items())]))
    return 0 if status == "ready" else 1


def _create_account(options: argparse.Namespace) -> None:
    tags = dict(_tag(text) for text in options.tag)
    from berth_local.session import Session

    session = Session(StateFile(options.state_dir.resolve()).ready())
    account_id = session.create_account(options.name, options.environment, options.email, tags)
    print(json.dumps({"accountId": account_id}) if options.json else account_id)


def _attach(options: argparse.Namespace) -> None:
    from berth_local.api_servers import attach

    cluster = attach(StateFile(options.state_dir.resolve()).ready(), options.environment, sys.stdin.read())
    print(json.dumps({"cluster": cluster}) if options.json else cluster)


def _detach(options: argparse.Namespace) -> None:
    from berth_local.api_servers import detach

    cluster = detach(StateFile(options.state_dir.resolve()).ready(), options.environment)
    print(json.dumps({"cluster": cluster}) if options.json else cluster)


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise LocalError(f"--tag {text}: write KEY=VALUE")
    return key, value


def _event(options: argparse.Namespace) -> None:
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"cannot read {options.file}: {error}") from error
    from berth_local.session import Session

    session = Session(StateFile(options.state_dir.resolve()).ready())
    event_id = session.publish(text)
    unheard = session.unheard(text)
    if unheard:
        print(unheard, file=sys.stderr)
    print(json.dumps({"eventId": event_id}) if options.json else event_id)


if __name__ == "__main__":
    # Imports and templates make objects by the hundred thousand, and no garbage; then this process only watches.
    gc.disable()
    sys.exit(main())
