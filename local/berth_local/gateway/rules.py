"""Fault rules: which call to break, and how. They are set, shown and removed at `/_berth/rules`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from .journal import Entry
from .stale import StaleAnswers

# Other names by which people know a service; rules and journal use the signing name.
SERVICE_ALIASES = {
    "stepfunctions": "states", "sfn": "states", "eventbridge": "events", "sso-admin": "sso", "cloudwatch": "monitoring",
}  # fmt: skip

_TEXT_KEYS = ("account", "region", "service", "operation", "function", "role", "session", "effect")
_KILL_WHEN = ("before", "after")


class RuleError(ValueError):
    """A rule that says something that cannot be done; its text goes to whoever sent the rule."""


@dataclass(frozen=True)
class ErrorAction:
    """The error that is answered instead of forwarding the call."""

    code: str
    status: int = 400
    message: str = "a fault rule of the local AWS"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Allowance:
    """A token bucket, as AWS throttles: so many calls at once, and so many a second after that."""

    burst: float
    per_second: float


@dataclass(frozen=True)
class Action:
    """What happens to a matching call: a delay or a hold first, then at most one of the others.

    A hold lasts until the rule is mended or removed: a call that comes late, however slow the machine is. With an allowance it happens only to calls beyond it.
    """

    delay_ms: float = 0
    hold: bool = False
    allowance: Allowance | None = None
    error: ErrorAction | None = None
    drop: bool = False
    cut: bool = False
    kill: str = ""
    stale: StaleAnswers | None = None

    @property
    def name(self) -> str:
        """A short name for the journal."""
        if self.error:
            return f"error {self.error.code}"
        if self.kill:
            return f"kill {self.kill}"
        if self.stale:
            return "stale"
        if self.hold:
            return "hold"
        return "drop" if self.drop else "cut" if self.cut else "delay"


@dataclass
class Rule:
    """A rule and how often it was met. It fires from the `nth` matching call on, `times` times at most."""

    id: int
    match: dict[str, Any]
    action: Action
    nth: int
    times: int | None
    matched: int = 0
    fired: int = 0
    fired_seqs: list[int] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    buckets: dict[tuple[str, str, str, str], tuple[float, float]] = field(default_factory=dict, repr=False)

    def meets(self, entry: Entry) -> bool:
        """Whether the call is one that the rule speaks of, before counting."""
        plumbing = self.match.get("plumbing", False)
        if plumbing != "any" and plumbing != entry.plumbing:
            return False
        if "mutating" in self.match and self.match["mutating"] != entry.mutating:
            return False
        if self.action.kill and not entry.function:
            return False
        for key in _TEXT_KEYS:
            if key in self.match and getattr(entry, key) not in self.match[key]:
                return False
        return True

    def due(self, entry: Entry, now: float) -> bool:
        """Whether the call that was just counted, at `now` (seconds), is one to break."""
        if self.matched < self.nth or (self.times is not None and self.fired >= self.times):
            return False
        return self.action.allowance is None or not self._take(self.action.allowance, entry, now)

    def _take(self, allowance: Allowance, entry: Entry, now: float) -> bool:
        """Takes a token, if one is left. Every operation has its own bucket in each account and region.

        https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
        """
        key = (entry.account, entry.region, entry.service, entry.operation)
        left, at = self.buckets.get(key, (allowance.burst, now))
        left = min(allowance.burst, left + (now - at) * allowance.per_second)
        taken = left >= 1
        self.buckets[key] = (left - 1 if taken else left, now)
        return taken

    def as_json(self) -> dict[str, Any]:
        """The rule as shown by `GET /_berth/rules`."""
        return {"id": self.id, "match": self.match, "action": self.action.name, "nth": self.nth, "times": self.times,
                "matched": self.matched, "fired": self.fired, "fired_seqs": self.fired_seqs}  # fmt: skip


class Rules:
    """The rules in force, oldest first: the first that is due decides, and every one that matches counts."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}
        self._last_id = 0

    def add(self, spec: Any) -> Rule:
        """Makes a rule from its JSON. Raises RuleError with what is wrong."""
        rule = parse_rule(self._last_id + 1, spec)
        self._last_id = rule.id
        self._rules[rule.id] = rule
        return rule

    def remove(self, rule_id: int) -> bool:
        """Removes one rule; False when there is none of that id."""
        rule = self._rules.pop(rule_id, None)
        if rule is not None:
            rule.released.set()
        return rule is not None

    def mend(self, rule_id: int) -> Rule | None:
        """Has a rule break nothing from now on; None when there is none of that id."""
        rule = self._rules.get(rule_id)
        if rule is not None:
            rule.times = rule.fired
            rule.released.set()
        return rule

    def clear(self) -> int:
        """Removes every rule and says how many there were."""
        count = len(self._rules)
        for rule in self._rules.values():
            rule.released.set()
        self._rules.clear()
        return count

    def all(self) -> list[Rule]:
        """Every rule in force."""
        return list(self._rules.values())

    def decide(self, entry: Entry) -> Rule | None:
        """Counts the call in every rule that it meets, and gives the rule that now fires, if any."""
        chosen: Rule | None = None
        now = time.monotonic()
        for rule in self._rules.values():
            if not rule.meets(entry):
                continue
            rule.matched += 1
            if chosen is None and rule.due(entry, now):
                chosen = rule
        if chosen is not None:
            chosen.fired += 1
            chosen.fired_seqs.append(entry.seq)
        return chosen


def parse_rule(rule_id: int, spec: Any) -> Rule:
    """Reads `{match, action, times}`. `nth` inside `match` counts matching calls from 1."""
    body = _object(spec, "the rule", {"match", "action", "times"})
    match = dict(_object(body.get("match", {}), "match", {*_TEXT_KEYS, "nth", "mutating", "plumbing"}))
    nth = match.pop("nth", None)
    if nth is not None and (not isinstance(nth, int) or nth < 1):
        raise RuleError("match.nth must be a whole number from 1")
    for key in _TEXT_KEYS:
        if key in match:
            match[key] = _texts(match[key], f"match.{key}")
    if "service" in match:
        match["service"] = [SERVICE_ALIASES.get(name, name) for name in match["service"]]
    times = body.get("times", 1 if nth is not None else None)
    if times is not None and (not isinstance(times, int) or times < 1):
        raise RuleError("times must be a whole number from 1")
    return Rule(rule_id, match, _action(body.get("action")), nth or 1, times)


def _action(spec: Any) -> Action:
    body = _object(spec, "action", {"delay_ms", "hold", "error", "drop", "cut", "kill", "allowance", "stale_ms"})
    if not body:
        raise RuleError("action must name at least one of delay_ms, hold, error, drop, cut, kill, stale_ms")
    if sum(bool(body.get(key)) for key in ("error", "drop", "cut", "kill", "stale_ms")) > 1:
        raise RuleError("action takes only one of error, drop, cut, kill, stale_ms (delay_ms and hold go with any)")
    delay = body.get("delay_ms", 0)
    if not isinstance(delay, (int, float)) or delay < 0:
        raise RuleError("action.delay_ms must be a number of milliseconds")
    kill = body.get("kill", "")
    if kill and kill not in _KILL_WHEN:
        raise RuleError("action.kill must be before or after")
    error = None
    if body.get("error"):
        fields = _object(body["error"], "action.error", {"code", "status", "message", "headers"})
        if not isinstance(fields.get("code"), str):
            raise RuleError("action.error needs a code")
        error = ErrorAction(**fields)
    lost = bool(body.get("drop")), bool(body.get("cut"))
    hold = body.get("hold", False)
    if not isinstance(hold, bool):
        raise RuleError("action.hold must be true or false")
    return Action(float(delay), hold, _allowance(body.get("allowance")), error, *lost, kill, _stale(body))


def _stale(body: dict[str, Any]) -> StaleAnswers | None:
    if "stale_ms" not in body:
        return None
    if not isinstance(body["stale_ms"], (int, float)) or body["stale_ms"] <= 0:
        raise RuleError("action.stale_ms must be a number of milliseconds above 0")
    return StaleAnswers(body["stale_ms"])


def _allowance(spec: Any) -> Allowance | None:
    if spec is None:
        return None
    fields = _object(spec, "action.allowance", {"burst", "per_second"})
    numbers = [fields.get("burst"), fields.get("per_second")]
    if not all(isinstance(number, (int, float)) and number > 0 for number in numbers):
        raise RuleError("action.allowance needs burst and per_second, both above 0")
    return Allowance(float(fields["burst"]), float(fields["per_second"]))


def _object(value: Any, name: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RuleError(f"{name} must be an object")
    unknown = sorted(set(value) - known)
    if unknown:
        raise RuleError(f"{name} has unknown fields: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return value


def _texts(value: Any, name: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise RuleError(f"{name} must be a text or a list of texts")
    return values
