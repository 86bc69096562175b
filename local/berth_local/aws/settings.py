"""What the local AWS is told from outside: environment variables, and the version of moto that it was written for."""

from __future__ import annotations

import os

MOTO_VERSION = "5.2.5"
HUB_ACCOUNT = "210987654321"


class WrongMoto(Exception):
    """The installed moto is not the one that the repairs were written for."""


def refuse_another_moto() -> None:
    """Stop unless moto is exactly the pinned version: the repairs replace internals, which any release may change."""
    from moto import __version__

    if __version__ != MOTO_VERSION:
        raise WrongMoto(
            f"the local AWS needs moto {MOTO_VERSION}, but moto {__version__} is installed. "
            f"Next: remove local/.venv and run `make demo` again, or `pip install moto=={MOTO_VERSION}`"
        )


def prepare_environment(port: int) -> None:
    """Set what moto reads from the environment. Must run before moto is imported.

    MOTO_ACCOUNT_ID must not be set: moto would put every caller into that one account, whatever its credentials.
    MOTO_PORT is where the state machine interpreter sends its own calls; set it to the proxy's port to let the proxy
    hand Lambda invocations to the host.
    """
    os.environ.pop("MOTO_ACCOUNT_ID", None)
    os.environ.setdefault("MOTO_PORT", str(port))
    # The repairs of access.py decide who may assume what; moto's own IAM engine stays off.
    os.environ.setdefault("INITIAL_NO_AUTH_ACTION_COUNT", "inf")


def attachment_seconds() -> float:
    """Seconds of AWS's time that a Transit Gateway attachment (or association) stays in a passing state."""
    return float(os.environ.get("BERTH_LOCAL_ATTACHMENT_SECONDS", "2"))


def assignment_seconds() -> float:
    """Seconds of AWS's time that Identity Center works on an assignment."""
    return float(os.environ.get("BERTH_LOCAL_ASSIGNMENT_SECONDS", "1"))


def identity_center_ids() -> dict[str, str]:
    """Ids of the instance of Identity Center and of its identity store."""
    return {
        "instance": os.environ.get("BERTH_LOCAL_SSO_INSTANCE", "ssoins-1ca1be4700000001"),
        "store": os.environ.get("BERTH_LOCAL_IDENTITY_STORE", "d-1ca1be4700"),
    }


def account_ids() -> list[str]:
    """Ids that Organizations CreateAccount hands out first, in order."""
    return [part.strip() for part in os.environ.get("BERTH_LOCAL_ACCOUNT_IDS", "").split(",") if part.strip()]


def fixed_ids() -> dict[str, str]:
    """Ids by name for what Organizations makes: `organization`, `root`, or the name of an OU.

    From BERTH_LOCAL_OU_IDS, for example `organization=o-berthlocal,root=r-ab12,dev=ou-ab12-dev00001`.
    """
    pairs = (part.split("=", 1) for part in os.environ.get("BERTH_LOCAL_OU_IDS", "").split(",") if "=" in part)
    return {name.strip(): value.strip() for name, value in pairs}
