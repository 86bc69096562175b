"""Decides calls of roles where `BERTH_LOCAL_IAM` is `enforce`, and writes down what each decision rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .identify import ApiCall
from .identities import Caller
from .recording import Recording

if TYPE_CHECKING:
    from berth_local.authorization.enforcement import Refusal

# Berth makes and loads itself with it.
_UNBOUND = ("OrganizationAccountAccessRole",)


class Guard:
    """Between a caller and AWS."""

    def __init__(self, enforces: bool, recording: Recording) -> None:
        self._enforces = enforces
        self._recording = recording

    def decides(self, caller: Caller) -> bool:
        """Whether calls of this caller are decided: those of roles, but for the one that makes the local organization."""
        return self._enforces and bool(caller.chain) and not caller.plumbing and caller.role not in _UNBOUND

    def refusal(self, call: ApiCall, raw_path: str, body: bytes, caller: Caller) -> Refusal | None:
        """The answer to a call that is not allowed. One that nobody described is refused as such: a gap is no leave."""
        from berth_local.authorization.enforcement import NotDescribed, Refusal, verdict_on

        try:
            verdict = verdict_on(call, raw_path, body, caller)
        except NotDescribed as gap:
            return Refusal(501, "NotImplemented", f"local/berth_local/authorization does not describe {gap}")
        function = caller.copy.settings.name if caller.copy is not None else ""
        for request, decision in verdict.requests:
            if function:
                self._recording.note_decision(function, caller.role, request, decision)
        return verdict.refusal
