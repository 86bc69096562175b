"""How a repair takes the place of something in moto: by name in every module that imported it, or on a class."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable
from typing import Any


def import_all(package: str) -> None:
    """Import every module of a package, so that none can import the original after it was replaced."""
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        importlib.import_module(module.name)


def replace_name(package: str, name: str, replacement: Any) -> None:
    """Bind `name` to `replacement` in every loaded module of `package` that has it.

    moto imports functions by name (`from x import f`), so changing the defining module alone changes nothing.
    """
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith(package) and module is not None and name in vars(module):
            setattr(module, name, replacement)


def put(owner: type, operations: Iterable[Callable[..., Any]]) -> None:
    """Make functions the methods of the same names, in place of those that are there."""
    for operation in operations:
        setattr(owner, operation.__name__, operation)


def wrap(owner: type, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Replace a method by one that gets the original as its first argument."""

    def decorate(replacement: Callable[..., Any]) -> Callable[..., Any]:
        original = getattr(owner, name)

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return replacement(original, self, *args, **kwargs)

        method.__name__ = name
        setattr(owner, name, method)
        return replacement

    return decorate
