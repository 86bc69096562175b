"""The same answers for less work: how stock moto turns what a service returned into JSON and XML.

Stock asks each object under each of six names for each member of its shape, every time by way of six objects of their
own, and has XML written by a SAX generator.
"""

from __future__ import annotations

import functools
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xmltodict
from moto.core import serialize, utils
from moto.core.model import Shape
from moto.core.serialize import (
    DEFAULT_ALIAS_PROVIDERS,
    MISSING,
    AttributePickerContext,
    ResponseSerializer,
    XFormedAttributePicker,
)

from berth_local.aws.replacing import wrap

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


def names_of(self: ResponseSerializer, value: Any, key: str, shape: Shape) -> tuple[str, ...]:
    """Under which names a member may be in the object that a service answered with.

    They depend on the member and on the class of the object, and are kept with the member in the service's model.
    """
    known = shape.__dict__.setdefault("berth_names", {})
    case = (key, value.__class__, hasattr(shape, "parent"))
    names: tuple[str, ...] | None = known.get(case)
    if names is None:
        context = AttributePickerContext(obj=value, key=key, shape=shape)
        names = known[case] = tuple(dict.fromkeys(self._value_picker.get_possible_keys(context)))
    return names


@functools.lru_cache(512)
def _last_words(paths: tuple[str, ...]) -> frozenset[str]:
    """The members that transformers of these paths may be about."""
    return frozenset(path.rpartition(".")[2] for path in paths)


def member_value(stock: Any, self: ResponseSerializer, value: Any, key: str, shape: Shape) -> Any:
    """What a member of an answer is, in the object that a service answered with."""
    picker = self._value_picker
    plain = picker.__class__ is XFormedAttributePicker and picker.alias_providers is DEFAULT_ALIAS_PROVIDERS
    if not plain or hasattr(value, "Meta"):
        return stock(self, value, key, shape)
    if picker.response_transformers and key in _last_words(tuple(picker.response_transformers)):
        return stock(self, value, key, shape)
    if value.__class__ is dict:
        for name in names_of(self, value, key, shape):
            found = value.get(name, MISSING)
            if found is not MISSING:
                return found
        return None
    for name in names_of(self, value, key, shape):
        found = utils.get_value(value, name, MISSING)
        if found is not MISSING:
            return found
    return None


def xml(body: dict[str, Any], *, full_document: bool = True, short_empty_elements: bool = False, **others: Any) -> str:
    """What xmltodict.unparse writes, for the plain texts, lists and dictionaries of answers."""
    if any(others.values()) or (full_document and len(body) != 1):
        return str(_unparse(body, full_document=full_document, short_empty_elements=short_empty_elements, **others))
    parts = [_DECLARATION] if full_document else []
    for key, value in body.items():
        _element(parts, key, value, short_empty_elements)
    return "".join(parts)


_unparse = xmltodict.unparse


def _element(parts: list[str], key: str, value: Any, short: bool) -> None:
    if isinstance(value, (list, tuple)):
        for each in value:
            _element(parts, key, each, short)
        return
    start, inner = len(parts), ""
    attributes = ""
    parts.append("")
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "#text":
                inner = "" if child is None else escape(_text(child))
            elif name[:1] == "@":
                attributes += f" {name[1:]}={quoteattr('' if child is None else _text(child))}"
            elif not (isinstance(child, list) and not child):
                _element(parts, name, child, short)
    elif value is not None:
        inner = escape(_text(value))
    if not inner and len(parts) == start + 1 and short:
        parts[start] = f"<{key}{attributes}/>"
    else:
        parts[start] = f"<{key}{attributes}>"
        parts.append(f"{inner}</{key}>")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)


class _Xml:
    """Stands for the module xmltodict where answers are written."""

    unparse = staticmethod(xml)
    parse = staticmethod(xmltodict.parse)


def install() -> None:
    """Names are kept, and XML is joined from texts."""
    wrap(ResponseSerializer, "get_value")(member_value)
    serialize.xmltodict = _Xml
