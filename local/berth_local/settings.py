"""What `up` was asked for, and where things are: folders, ports, the commands of the child processes."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from berth_local import names
from berth_local.faults import LocalError

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
# Another folder is another local AWS beside the first.
DEFAULT_STATE = Path(os.environ.get("BERTH_LOCAL_STATE") or REPOSITORY_ROOT / "target" / "local")
DEFAULT_BINARIES = REPOSITORY_ROOT / "target" / "debug"
DEFAULT_TEMPLATES = REPOSITORY_ROOT / "infra"
DEFAULT_PORT = 4566
RECORD = "BERTH_LOCAL_RECORD"
"""Names a file that the gateway appends every use of an AWS operation to; the tests of Berth's policies set it."""
TRACE = "BERTH_LOCAL_TRACE"
"""Names a file that the gateway writes every call and every invocation to, with all their content."""
IAM = "BERTH_LOCAL_IAM"
"""`enforce`, the default, refuses what IAM would refuse; `off` lets everything pass."""
STATE_MARK = "BERTH_LOCAL_STATE_DIR"
"""In the environment of every child process, so that a person (or a test) finds out whose it is."""


@dataclass(frozen=True)
class Ports:
    """The gateway's port is the endpoint; nobody but the supervisor needs the others."""

    gateway: int
    aws: int
    git: int

    @property
    def endpoint(self) -> str:
        """AWS_ENDPOINT_URL of every client."""
        return f"http://127.0.0.1:{self.gateway}"

    @property
    def aws_url(self) -> str:
        """The emulator behind the gateway."""
        return f"http://127.0.0.1:{self.aws}"

    @property
    def git_url(self) -> str:
        """The GitOps repository."""
        return f"http://127.0.0.1:{self.git}/berth/tenants.git"


@dataclass(frozen=True)
class Settings:
    """One run of the local AWS."""

    state_folder: Path
    binaries: Path
    templates: Path
    """The folder of the templates: `infra/`."""

    @property
    def logs(self) -> Path:
        """Output of the child processes and of the functions."""
        return self.state_folder / "logs"

    @property
    def layers(self) -> Path:
        """What functions see as /opt."""
        return self.state_folder / "platform"

    @property
    def platform(self) -> Path:
        """The platform configuration that fits the seeded organization."""
        return self.layers / "platform.yaml"

    @property
    def git_root(self) -> Path:
        """Holds the bare repository."""
        return self.state_folder / "git"

    @property
    def git_credentials(self) -> Path:
        """Username and password of the repository, as JSON."""
        return self.state_folder / "git-credentials.json"


def fresh_folders(settings: Settings) -> None:
    """Makes the state folder, without anything of an earlier run: the local AWS keeps nothing either."""
    for folder in (settings.logs, settings.layers, settings.git_root):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    settings.git_credentials.unlink(missing_ok=True)


def check_prerequisites(settings: Settings) -> None:
    """Finds what is missing before anything is started.

    Raises:
        LocalError: git, the templates, or the folder of binaries is not there.
    """
    if shutil.which("git") is None:
        raise LocalError("git is not installed. Next: install it (Debian: apt-get install git)")
    if not (settings.templates / "hub.yaml").is_file():
        raise LocalError(f"there is no hub.yaml in {settings.templates}")
    if not settings.binaries.is_dir():
        raise LocalError(f"the functions are not built: no {settings.binaries}. Next: `make build-dev` or cargo build")


def child_commands(settings: Settings, ports: Ports) -> dict[str, list[str]]:
    """The command line of each child process, by name, in the order in which they are started."""
    python = [sys.executable, "-m"]
    return {
        "aws": [
            *python, "berth_local.gateway", "--port", str(ports.gateway), "--aws-port", str(ports.aws),
            "--binaries", str(settings.binaries), "--log-dir", str(settings.logs / "functions"),
            "--layers", str(settings.layers), *(["--record", os.environ[RECORD]] if RECORD in os.environ else []),
            *(["--trace", os.environ[TRACE]] if TRACE in os.environ else []),
            *(["--enforce"] if os.environ.get(IAM, "enforce") == "enforce" else []),
        ],
        "git": [
            *python, "berth_local.gitserver", "--root", str(settings.git_root), "--port", str(ports.git),
            "--credentials", str(settings.git_credentials),
        ],
    }  # fmt: skip


def child_environment(settings: Settings, ports: Ports) -> dict[str, str]:
    """The environment of the child processes: no AWS settings of the caller, so that nothing can reach a real account."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    units = {"organization": names.ORGANIZATION_ID, "root": names.ROOT_ID, **names.ORGANIZATIONAL_UNITS}
    core = (names.HUB_ACCOUNT, names.NETWORK_ACCOUNT, names.LOG_ARCHIVE_ACCOUNT)
    return kept | {
        "PYTHONPATH": str(REPOSITORY_ROOT / "local"),
        "PYTHONUNBUFFERED": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        STATE_MARK: str(settings.state_folder),
        "BERTH_LOCAL_ACCOUNT_IDS": ",".join(core),
        "BERTH_LOCAL_OU_IDS": ",".join(f"{name}={unit}" for name, unit in units.items()),
        "MOTO_PORT": str(ports.gateway),
        # Nobody starts an instance here, and reading the images of each account and region costs a second in all.
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }
