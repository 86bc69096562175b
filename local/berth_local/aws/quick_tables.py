"""The same for less work: how stock moto copies, measures, changes and writes items of DynamoDB.

Stock copies a whole item three times for each UpdateItem and the whole table for each transaction, builds each nested value
anew to measure it, measures the whole item again for each attribute that it is made of, parses each expression twice, and
takes each value of an answer through the model of the service. A ledger's records are large, and its transactions are many.
"""

from __future__ import annotations

import base64
import copy
import pickle
from collections import defaultdict
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any

from moto.core.model import Shape
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import models
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend, utilities
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node, UpdateExpression
from moto.dynamodb.parsing.executors import UpdateExpressionExecutor
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

from berth_local.aws.replacing import replace_name, wrap

_EXPRESSIONS_MAX = 1_000
_SIZE = "berth_size"
_ITEM_BYTES_MAX = 405_000
"""Stock's limit of an item."""


def copied(self: DynamoType, memo: dict[int, Any] | None = None) -> DynamoType:
    """A value that can be changed without the first one. Texts, numbers and the like are never changed, only replaced."""
    kind, value = self.type, self.value
    if kind == "M":
        value = {key: copied(each) for key, each in value.items()}
    elif kind in ("L", "SS", "NS", "BS"):
        value = [copied(each) for each in value] if kind == "L" else list(value)
    else:
        return self
    result = DynamoType.__new__(DynamoType)
    result.type, result.value = kind, value
    return result


def size(self: DynamoType) -> int:
    """Bytes of a value."""
    kind, value = self.type, self.value
    if kind == "M":
        return sum(_bytes(key) + size(each) for key, each in value.items())
    if kind == "L":
        return sum(map(size, value))
    if kind in ("SS", "BS"):
        return sum(map(_bytes, value))
    if kind == "NS":
        return sum(len(str(each)) for each in value)
    if kind == "N":
        return len(str(value))
    return 1 if isinstance(value, bool) else _bytes(value)


def _bytes(text: str | bytes) -> int:
    return len(text) if isinstance(text, bytes) or text.isascii() else len(text.encode())


def plain(self: DynamoType) -> dict[str, Any]:
    """A value without objects of moto's in it."""
    kind, value = self.type, self.value
    if kind == "M":
        return {"M": {key: plain(each) for key, each in value.items()}}
    if kind == "L":
        return {"L": [plain(each) for each in value]}
    if kind == "B" and isinstance(value, str):
        return {"B": base64.b64decode(value)}
    return {kind: list(value) if isinstance(value, list) else value}


def flat(thing: Any) -> Any:
    """What a service answered with, without objects of moto's in it; binary values as they are."""
    kind = thing.__class__
    if kind is dict:
        return {key: flat(each) for key, each in thing.items()}
    if kind is list:
        return [flat(each) for each in thing]
    if kind is str or thing is None:
        return thing
    if kind is not DynamoType or thing.type in ("B", "BS"):
        return _flat(thing)
    return {thing.type: flat(thing.value)}


_flat = utilities.dynamo_to_dict


def attribute_value(
    stock: Any, self: BaseJSONSerializer, serialized: dict[str, Any], value: Any, shape: Shape, key: str
) -> None:
    """Writes an attribute of an item, which has nothing in it but what is in the answer."""
    if shape.name == "AttributeValue" and key and value.__class__ is dict:
        self._default_serialize(serialized, wire(value), shape, key)
    else:
        stock(self, serialized, value, shape, key)


def wire(value: Any) -> dict[str, Any]:
    """An attribute as JSON has it."""
    ((kind, inner),) = (value if value.__class__ is dict else flat(value)).items()
    if kind == "M":
        return {"M": {key: wire(each) for key, each in inner.items()}}
    if kind == "L":
        return {"L": [wire(each) for each in inner]}
    if kind in ("B", "BS"):
        return {kind: [_base64(each) for each in inner] if kind == "BS" else _base64(inner)}
    return {kind: inner}


def _base64(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def make_item(self: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """An item, which is measured once."""
    self.hash_key, self.range_key = hash_key, range_key
    self.attrs = LimitedSizeDict()
    total = 0
    for key, value in attrs.items():
        made = DynamoType(value)
        total += _bytes(key) + size(made)
        if total > _ITEM_BYTES_MAX:
            raise ItemSizeTooLarge
        dict.__setitem__(self.attrs, key, made)


def item_size(self: Item) -> int:
    """Bytes of an item, kept until it changes: each page of an answer asks for that of each item, twice."""
    known: int | None = self.__dict__.get(_SIZE)
    if known is None:
        known = self.__dict__[_SIZE] = sum(_bytes(key) + size(each) for key, each in self.attrs.items())
    return known


def begin_change(
    stock: Any, self: UpdateExpressionExecutor, update_ast: Any, item: Item, names: dict[str, str]
) -> None:
    """Is about to change an item by an expression."""
    item.__dict__.pop(_SIZE, None)
    stock(self, update_ast, item, names)


def change_by_attributes(stock: Any, self: Item, attribute_updates: dict[str, Any]) -> None:
    """Changes an item in the way of before there were expressions."""
    self.__dict__.pop(_SIZE, None)
    stock(self, attribute_updates)


def set_attribute(self: LimitedSizeDict, key: str, value: DynamoType) -> None:
    """Sets an attribute of an item that stays small enough; what is replaced counts as long as it is there, as in stock."""
    total = sum(_bytes(name) + size(each) for name, each in self.items()) + _bytes(key) + size(value)
    if total > _ITEM_BYTES_MAX:
        raise ItemSizeTooLarge
    dict.__setitem__(self, key, value)


def transact(stock: Any, self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """All of it or nothing. A table's copy, for the case that nothing is done, has copies of those items that may change."""
    touched: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in transact_items:
        for asked in each.values():
            touched[asked.get("TableName", "")].append(asked.get("Key") or asked.get("Item") or {})
    _keys.touched = touched
    try:
        stock(self, transact_items)
    finally:
        _keys.touched = None


_keys = SimpleNamespace(touched=None)
"""What the transaction under way may change; DynamoDB's calls are made one at a time (`dynamodb.py`)."""


def deepcopy(thing: Any) -> Any:
    """Takes the place of copy.deepcopy where moto keeps tables and items as they were."""
    if not isinstance(thing, Table) or _keys.touched is None or thing.stream_shard is not None:
        return copy.deepcopy(thing)
    kept: Table = Table.__new__(Table)
    kept.__dict__.update(thing.__dict__)
    kept.items = copy.copy(thing.items)
    for key in _keys.touched.get(thing.name, []):
        _keep(thing, kept, key)
    return kept


def _keep(table: Table, kept: Table, key: dict[str, Any]) -> None:
    """Copies one item, if it is there; the copy's own list of the items beside it lets the table's change."""
    if not all(name in key for name in table.table_key_attrs):
        return
    hash_key = DynamoType(key[table.hash_key_attr])
    if hash_key not in table.items:
        return
    if not table.has_range_key:
        kept.items[hash_key] = copy.deepcopy(table.items[hash_key])
        return
    if kept.items[hash_key] is table.items[hash_key]:
        kept.items[hash_key] = dict(table.items[hash_key])
    range_key = DynamoType(key[table.range_key_attr])
    if range_key in kept.items[hash_key]:
        kept.items[hash_key][range_key] = copy.deepcopy(table.items[hash_key][range_key])


@lru_cache(_EXPRESSIONS_MAX)
def _parsed(text: str) -> Any:
    return _make(text)


_make = UpdateExpressionParser.make


@lru_cache(_EXPRESSIONS_MAX)
def _pickled(expression: UpdateExpression) -> bytes:
    return pickle.dumps(expression)


def deepcopy_of_expression(thing: Any) -> Any:
    """A copy of an expression, which validating changes; and of anything else."""
    return pickle.loads(_pickled(thing)) if isinstance(thing, UpdateExpression) else copy.deepcopy(thing)


@cache
def _is_one_of(kind: type, wanted: type | tuple[type, ...]) -> bool:
    return issubclass(kind, wanted)


def traverse(self: DepthFirstTraverser, node: Any, child_id: int = -1) -> Any:
    """Goes through an expression as stock does, which asks for each node anew which ones are to be processed."""
    if not _is_one_of(node.__class__, Node):
        return node
    wanted = self.__dict__.get("berth_wanted")
    if wanted is None:
        wanted = self.berth_wanted = self.nodes_to_be_processed()
    parent = node.parent
    for number, child in enumerate(node.children or ()):
        self.pre_processing_of_child(node, number)
        self.traverse_node_recursively(child, number)
    if _is_one_of(node.__class__, wanted):
        node = self.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


def install() -> None:
    """Copy what may change, measure once, parse once."""
    DynamoType.__deepcopy__ = copied
    DynamoType.size = size
    DynamoType.to_regular_json = plain
    replace_name("moto.dynamodb", "dynamo_to_dict", flat)
    wrap(BaseJSONSerializer, "_serialize_type_structure")(attribute_value)
    Item.__init__ = make_item
    Item.size = item_size
    wrap(Item, "update_with_attribute_updates")(change_by_attributes)
    wrap(UpdateExpressionExecutor, "__init__")(begin_change)
    LimitedSizeDict.__setitem__ = set_attribute
    models.copy = SimpleNamespace(deepcopy=deepcopy)
    wrap(DynamoDBBackend, "transact_write_items")(transact)
    UpdateExpressionParser.make = staticmethod(_parsed)
    validators.deepcopy = deepcopy_of_expression
    DepthFirstTraverser.traverse_node_recursively = traverse
