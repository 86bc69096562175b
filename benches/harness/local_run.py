"""A local AWS for one bench: started, asked, and ended with it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from berth_local.access import Access, Credentials
from berth_local.session import Session

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = ROOT / "benches" / "python"
HUB = "210987654321"


class Local:
    """A running local AWS, as its hub account and as the person with every key."""

    def __init__(self, state: dict[str, Any]) -> None:
        """`state` is the content of state.json."""
        environment = state["environment"]
        keys = (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        self._access = Access(state["endpoint"])
        self._hub = Credentials(HUB, *keys)
        self._key = keys[0]
        self.endpoint = state["endpoint"]
        self.machine = environment["BERTH_STATE_MACHINE_ARN"]
        self.person = Session(state)

    def client(self, service: str) -> Any:
        """A client in the hub account."""
        return self._access.client(service, self._hub)

    def admin(self, path: str) -> Any:
        """A page of the gateway."""
        with urllib.request.urlopen(f"{self.endpoint}/_berth/{path}") as answer:
            return json.loads(answer.read())

    def invoke(self, function: str, payload: dict[str, Any]) -> tuple[dict[str, Any], str, str]:
        """Invokes a function: its answer, the name of its error (empty for none), and the request's id."""
        request = urllib.request.Request(
            f"{self.endpoint}/2015-03-31/functions/{function}/invocations",
            json.dumps(payload).encode(),
            {"authorization": f"AWS4-HMAC-SHA256 Credential={self._key}/20260101/us-east-1/lambda/aws4_request"},
        )
        with urllib.request.urlopen(request) as answer:
            body, failed = json.loads(answer.read()), answer.headers.get("x-amz-function-error")
            return body, body["errorType"] if failed else "", answer.headers["x-amzn-requestid"]

    def copy_function(self, function: str, twin: str, binary: str) -> None:
        """Makes a function with the role, environment and limits of another one, and another program."""
        client = self.client("lambda")
        model = client.get_function_configuration(FunctionName=function)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            files.writestr("bootstrap", "")
        client.create_function(
            FunctionName=twin, Role=model["Role"], Runtime="provided.al2023", Handler="bootstrap",
            Code={"ZipFile": archive.getvalue()}, Environment={"Variables": model["Environment"]["Variables"]},
            Timeout=model["Timeout"], MemorySize=model["MemorySize"], Tags={"berth:binary": binary},
        )  # fmt: skip

    def make_cold(self, function: str, number: int) -> None:
        """Has the next invocation start a new process, as Lambda does after a change of the configuration."""
        client = self.client("lambda")
        variables = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        variables["BENCH_ROUND"] = str(number)
        client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})


@contextmanager
def local_aws(folder: Path, binaries: Path, **pace: str) -> Iterator[Local]:
    """Starts a local AWS in `folder` with the programs in `binaries`, and ends it, whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "local"), **pace}
    command = [sys.executable, "-m", "berth_local", "up", "--port", "0", "--json", "--state-dir", str(folder)]
    with open(folder / "bench.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*command, "--binaries", str(binaries)], env=environment, stdout=subprocess.PIPE, stderr=log
        )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SystemExit(f"the local AWS did not start: see {folder / 'bench.log'}")
        yield Local(json.loads((folder / "state.json").read_text()))
    finally:
        process.terminate()
        process.wait()


def programs(folder: Path, debug: Path, release: Path) -> Path:
    """A folder of programs: ours as built, those two that are measured from the release, and the Python ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for function in (ROOT / "functions").iterdir():
        built = release / function.name if (release / function.name).is_file() else debug / function.name
        (folder / function.name).symlink_to(built)
    for module in ("provision_vpc", "attach_transit_gateway"):
        script = folder / f"{module.replace('_', '-')}-python"
        script.write_text(
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(HANDLERS)!r})\n"
            f"from runtime import serve\nfrom {module} import handler\nserve(handler)\n"
        )
        script.chmod(0o755)
    return folder


def process_of(function: str, endpoint: str) -> int:
    """The process that serves a function: the newest whose environment says so."""
    wanted = [f"AWS_LAMBDA_FUNCTION_NAME={function}\0".encode(), f"AWS_LAMBDA_RUNTIME_API={endpoint}/".encode()]
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if all(each in environment for each in wanted):
                found.append(int(entry.name))
    return max(found)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, of all its threads, in user and system mode, to the nanosecond.

    The clock's id is what clock_getcpuclockid(3) gives, which Python does not have. `/proc` counts in ticks of 10 ms, and
    a start takes less than one.
    """
    return time.clock_gettime((~pid << 3) | 2)


def peak_kb(pid: int) -> int:
    """Most memory that a process has had resident (`VmHWM`)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def wait(what: str, ask: Any, seconds_max: float = 60.0) -> Any:
    """Asks until there is an answer."""
    until = time.monotonic() + seconds_max
    while time.monotonic() < until:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.05)
    raise SystemExit(f"waited {seconds_max:.0f} s for {what}")
