"""Who is behind an access key: which account, which role, which hosted function, and how the role was reached."""

from __future__ import annotations

import secrets
import string
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from .error_bodies import Answer
from .identify import ApiCall

if TYPE_CHECKING:
    from .function_copy import FunctionCopy

# Keys of the emulator itself: moto's interpreter (moto/stepfunctions/parser/asl/utils/boto_client.py), and our
# extension's interpreter and event delivery (berth_local/aws). Their calls are plumbing, not calls of the pipeline.
PLUMBING_KEYS = ("ak", "AKIASTATES0000000000", "AKIAEVENTS0000000000")
CALLERS_MAX = 100_000
_STOCK_MOTO_ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Caller:
    """The identity of a key. `chain` lists the role ARNs that were assumed one after the other, oldest first."""

    account: str
    role: str = ""
    session: str = ""
    chain: tuple[str, ...] = ()
    copy: FunctionCopy | None = None
    plumbing: bool = False
    session_policy: str = ""
    """What the session is narrowed to, as it was given to AssumeRole."""


class Identities:
    """All keys that passed by. A key that nobody made here belongs to the hub account."""

    def __init__(self, hub_account: str, who_is: Callable[[str], Awaitable[str]]) -> None:
        """`who_is` asks the emulator for the ARN behind a key that was made behind the proxy's back."""
        self._hub = hub_account
        self._who_is = who_is
        self._callers: dict[str, Caller] = {key: Caller(hub_account, plumbing=True) for key in PLUMBING_KEYS}

    async def caller_of(self, access_key: str) -> Caller:
        """The caller behind `access_key`."""
        known = self._callers.get(access_key)
        if known is not None:
            return known
        caller = Caller(self._hub)
        if access_key.startswith(("ASIA", "AKIA")) and len(access_key) == 20:
            caller = _caller_from_arn(await self._who_is(access_key), self._hub)
        self._remember(access_key, caller)
        return caller

    def add_copy(self, copy: FunctionCopy, account: str, role_arn: str) -> str:
        """Makes the access key of one function copy. Its session is the function's name, as in AWS."""
        key = "ASIA" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(16))
        role = role_arn.rsplit("/", 1)[-1]
        self._remember(key, Caller(account, role, copy.settings.name, (role_arn,) if role_arn else (), copy))
        return key

    def learn(self, call: ApiCall, caller: Caller, answer: Answer) -> None:
        """Remembers the key in the answer to AssumeRole* (STS) or CreateAccessKey (IAM)."""
        if call.service == "sts" and call.operation.startswith("AssumeRole"):
            made = _text_of(answer.body, "AccessKeyId")
            role_arn = call.form.get("RoleArn", "")
            if made and role_arn.count(":") >= 5:
                account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
                session = call.form.get("RoleSessionName", "")
                new = replace(
                    caller, account=account, role=role, session=session, chain=(*caller.chain, role_arn),
                    session_policy=call.form.get("Policy", ""),
                )  # fmt: skip
                self._remember(made, new)
        elif call.service == "iam" and call.operation == "CreateAccessKey":
            made = _text_of(answer.body, "AccessKeyId")
            if made:
                self._remember(made, Caller(caller.account))

    def forget_copy(self, copy: FunctionCopy) -> None:
        """Drops every key of a copy that has ended. Its late writes are already on their way with their caller."""
        for key in [key for key, caller in self._callers.items() if caller.copy is copy]:
            del self._callers[key]

    def _remember(self, access_key: str, caller: Caller) -> None:
        while len(self._callers) >= CALLERS_MAX:
            oldest = next(key for key in self._callers if key not in PLUMBING_KEYS)
            del self._callers[oldest]
        self._callers[access_key] = caller


def _caller_from_arn(arn: str, hub_account: str) -> Caller:
    parts = arn.split(":")
    if len(parts) < 6 or parts[4] == _STOCK_MOTO_ACCOUNT:
        return Caller(hub_account)
    resource = parts[5].split("/")
    if resource[0] == "assumed-role" and len(resource) == 3:
        role_arn = f"arn:aws:iam::{parts[4]}:role/{resource[1]}"
        return Caller(parts[4], resource[1], resource[2], (role_arn,))
    return Caller(parts[4])


def _text_of(body: bytes, tag: str) -> str:
    """The text of the first element called `tag`, in any namespace; empty when there is none."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return ""
    for element in root.iter():
        if element.tag.rsplit("}", 1)[-1] == tag:
            return (element.text or "").strip()
    return ""
