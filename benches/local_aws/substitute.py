"""Ids of a recorded run, and what stands for them in another run: learned from texts that are alike but for their ids."""

from __future__ import annotations

import ipaddress
import re

# A token begins after a percent-encoded character, never inside of one.
_TOKEN = re.compile(r"(?:(?<=%[0-9A-Fa-f]{2})|(?<![A-Za-z0-9_%-])(?<!%[0-9A-Fa-f]))[A-Za-z0-9_-]{8,}")
_KEY = re.compile(r"<AccessKeyId>(\w+)</AccessKeyId>")
_NETWORK = re.compile(r"\b(\d{1,3}(?:\.\d{1,3}){3})/(\d{1,2})\b")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# Regions and zones are the same in each run, and come in any order.
_PLACE = re.compile(r"[a-z]{2}-[a-z]+-\d[a-z]?|[a-z]{3,4}\d-az\d")
# Words are long without being ids; receipt handles and task tokens may have no digit.
_LONG = 40


class Ids:
    """From the recorded run to this one."""

    def __init__(self) -> None:
        self._names: list[tuple[str, str]] = []
        self._known: dict[str, str] = {}
        self._networks: list[tuple[ipaddress.IPv4Network, ipaddress.IPv4Network]] = []

    def rename(self, recorded: str, other: str) -> None:
        """A name that is part of others: of the account, of a secret."""
        self._names.append((recorded, other))

    def learn(self, recorded: str, seen: str) -> None:
        """Two texts of the same shape: where they differ, one's id is the other's. What is known already stays."""
        # Session tokens have any number of parts.
        self._known.update(zip(_KEY.findall(recorded), _KEY.findall(seen), strict=False))
        left, right = _TOKEN.findall(recorded), _TOKEN.findall(seen)
        if len(left) != len(right):
            return
        for one, other in zip(left, right, strict=True):
            if one != other and _is_id(one):
                self._known.setdefault(one, other)

    def learn_network(self, recorded: str, seen: str) -> None:
        """The block of an answer: its addresses move with it."""
        left, right = _NETWORK.search(recorded), _NETWORK.search(seen)
        if left and right:
            self._networks.append((ipaddress.IPv4Network(left.group()), ipaddress.IPv4Network(right.group())))

    def apply(self, text: str) -> str:
        """A text of the recorded run, as it would be in this one."""
        for recorded, other in self._names:
            text = text.replace(recorded, other)
        text = _TOKEN.sub(lambda found: self._known.get(found.group(), found.group()), text)
        return _ADDRESS.sub(lambda found: self._moved(found.group()), text) if self._networks else text

    def _moved(self, text: str) -> str:
        try:
            address = ipaddress.IPv4Address(text)
        except ValueError:
            return text
        for old, new in self._networks:
            if address in old:
                return str(new.network_address + (int(address) - int(old.network_address)))
        return text


def _is_id(token: str) -> bool:
    if _DATE.match(token) or _PLACE.fullmatch(token):
        return False
    return len(token) >= _LONG or any(letter.isdigit() for letter in token)
