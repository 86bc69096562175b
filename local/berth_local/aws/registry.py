"""State that belongs to no single account, and is forgotten when moto is reset (POST /moto-api/reset)."""

from __future__ import annotations

from typing import Any

from moto.core.base_backend import BackendDict

_containers: list[Any] = []


def forgotten_on_reset(container: Any) -> Any:
    """Register a dict, list or set to be emptied when moto is reset; returns it."""
    _containers.append(container)
    return container


def present(regions: Any, region: str) -> list[Any]:
    """The backend of a region of an account, if there is one. Moto makes one for whoever looks, a tenth of a second each,
    and says of every region that it is in an account."""
    found = dict.get(regions, region)
    return [] if found is None else [found]


def install() -> None:
    """Empty the registered containers together with moto's backends."""
    stock = BackendDict.reset.__func__

    def reset(cls: type) -> None:
        stock(cls)
        for container in _containers:
            container.clear()

    BackendDict.reset = classmethod(reset)
