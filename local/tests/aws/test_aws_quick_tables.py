"""Tables of DynamoDB: what takes less work than in stock moto ends the same, whatever is asked for."""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.core.serialize import BaseJSONSerializer, XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from moto.dynamodb import models
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend, utilities
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser
from moto.dynamodb.parsing.executors import UpdateExpressionExecutor
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

from berth_local.aws import quick_tables

REPLACED = (
    (DynamoType, "__deepcopy__"),
    (DynamoType, "size"),
    (DynamoType, "to_regular_json"),
    (BaseJSONSerializer, "_serialize_type_structure"),
    (Item, "__init__"),
    (Item, "size"),
    (Item, "update_with_attribute_updates"),
    (UpdateExpressionExecutor, "__init__"),
    (LimitedSizeDict, "__setitem__"),
    (models, "copy"),
    (DynamoDBBackend, "transact_write_items"),
    (UpdateExpressionParser, "make"),
    (validators, "deepcopy"),
    (DepthFirstTraverser, "traverse_node_recursively"),
)
KEY = ("pk", "sk")


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Installs what is tested, until the test ends."""
    for owner, name in REPLACED:
        monkeypatch.setattr(owner, name, owner.__dict__[name])
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.dynamodb") and "dynamo_to_dict" in vars(module):
            monkeypatch.setattr(module, "dynamo_to_dict", utilities.dynamo_to_dict)
    yield quick_tables.install


def value(dice: random.Random, depth: int = 3) -> dict[str, Any]:
    """Any attribute."""
    kinds: list[Callable[[], dict[str, Any]]] = [
        lambda: {"S": dice.choice(["", "text", "Zürich", "x" * 500])},
        lambda: {"N": str(dice.choice([0, -1.5, 10**20]))},
        lambda: {"BOOL": dice.random() < 0.5},
        lambda: {"NULL": True},
        lambda: {"B": "aGVsbG8="},
        lambda: {"SS": dice.sample(["a", "b", "ç"], 2)},
        lambda: {"NS": ["1", "22"]},
        lambda: {"BS": ["aGVsbG8=", "aA=="]},
        lambda: {"L": [value(dice, depth - 1) for _ in range(dice.randrange(4))]},
        lambda: {"M": {name: value(dice, depth - 1) for name in dice.sample(["k", "l", "müll"], dice.randrange(3))}},
    ]
    return dice.choice(kinds if depth else kinds[:8])()


@pytest.mark.parametrize("seed", range(50))
def test_a_value_is_copied_measured_and_told_as_in_moto(seed: int) -> None:
    given = value(random.Random(seed))
    stock = DynamoType(given)
    ours = quick_tables.copied(stock)
    assert repr(ours) == repr(copy.deepcopy(stock)) == repr(stock)
    assert quick_tables.size(stock) == stock.size()
    assert quick_tables.plain(stock) == stock.to_regular_json()
    answer = {"Item": {"a": stock, "b": [stock, "text", None, 1]}, "Count": 1}
    assert quick_tables.flat(answer) == utilities.dynamo_to_dict(answer)


def test_what_changes_in_a_copy_does_not_change_in_the_first() -> None:
    first = DynamoType({"M": {"l": {"L": [{"M": {"s": {"SS": ["a"]}}}]}}})
    before = repr(first)
    second = quick_tables.copied(first)
    inner = second["l"][0]
    inner["n"] = DynamoType({"N": "1"})
    inner["s"].value.append("b")
    second["l"][1] = DynamoType({"S": "more"})
    assert repr(first) == before != repr(second)


@pytest.mark.parametrize("seed", range(50))
def test_an_attribute_is_written_as_in_moto(seed: int, quickly: Callable[[], None]) -> None:
    dice = random.Random(seed)
    answer = {"Items": [{"a": value(dice), "b": value(dice)} for _ in range(3)], "Count": 3}
    answer = utilities.dynamo_to_dict(
        {"Items": [{k: DynamoType(v) for k, v in item.items()} for item in answer["Items"]]}
    )

    def text() -> Any:
        model = get_service_model("dynamodb")
        serializer = get_serializer_class("dynamodb", model.metadata["protocol"])
        made = serializer(model.operation_model("Scan"), value_picker=XFormedAttributePicker())
        return json.loads(made.serialize(answer)["body"])

    stock = text()
    quickly()
    assert text() == stock


def table() -> DynamoDBBackend:
    """A table like the ledger's."""
    backend = DynamoDBBackend("us-east-1", "210987654321")
    backend.create_table(
        "ledger", schema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        attr=[{"AttributeName": name, "AttributeType": "S"} for name in KEY], throughput=None, indexes=[],
        global_indexes=[], streams=None, billing_mode="PAY_PER_REQUEST", sse_specification=None, tags=[],
        deletion_protection_enabled=False, warm_throughput=None,
    )  # fmt: skip
    return backend


def key(dice: random.Random) -> dict[str, Any]:
    """One of few, so that they meet."""
    return {"pk": {"S": dice.choice("abc")}, "sk": {"S": dice.choice("xy")}}


EXPRESSIONS = (
    ("SET m.k = :v", {":v": {"S": "new"}}),
    ("SET #n = :v, other = #n", {":v": {"L": []}}),
    ("SET l = list_append(if_not_exists(l, :none), :more)", {":none": {"L": []}, ":more": {"L": [{"M": {}}]}}),
    ("SET l[0] = :v REMOVE l[1], m.l", {":v": {"N": "7"}}),
    ("ADD n :one, s :set", {":one": {"N": "1"}, ":set": {"SS": ["c"]}}),
    ("DELETE s :set", {":set": {"SS": ["c"]}}),
    ("SET n = n + :one", {":one": {"N": "1"}}),
)
CONDITIONS = (None, "attribute_exists(pk)", "attribute_not_exists(pk)", "attribute_exists(m.k)")


def update(dice: random.Random) -> dict[str, Any]:
    """Some change of some item."""
    expression, values = dice.choice(EXPRESSIONS)
    names = {"#n": "named"} if "#n" in expression else {}
    return {
        "Key": key(dice), "UpdateExpression": expression, "ConditionExpression": dice.choice(CONDITIONS),
        "ExpressionAttributeNames": names, "ExpressionAttributeValues": copy.deepcopy(values),
    }  # fmt: skip


def act(backend: DynamoDBBackend, dice: random.Random) -> Any:
    """Does anything to the table; what it says, an error too."""
    kind = dice.randrange(4)
    try:
        if kind == 0:
            made = {"m": {"M": {}}, "l": {"L": [value(dice), value(dice)]}, "n": {"N": "1"}, "s": {"SS": ["c", "d"]}}
            return backend.put_item("ledger", key(dice) | made).to_json()
        if kind == 1:
            asked = update(dice)
            return backend.update_item(
                "ledger", asked["Key"], asked["UpdateExpression"], asked["ExpressionAttributeNames"],
                asked["ExpressionAttributeValues"], condition_expression=asked["ConditionExpression"],
            ).to_json()  # fmt: skip
        if kind == 2:
            return repr(backend.delete_item("ledger", key(dice)))
        operations = [
            {"Update": {"TableName": "ledger", **update(dice)}},
            {"Put": {"TableName": "ledger", "Item": key(dice) | {"v": value(dice)},
                     "ConditionExpression": dice.choice(CONDITIONS)}},
            {"Delete": {"TableName": "ledger", "Key": key(dice)}},
        ]  # fmt: skip
        return backend.transact_write_items(dice.sample(operations, dice.randrange(1, 4)))
    except Exception as problem:  # noqa: BLE001 - to be compared with stock's
        return f"{type(problem).__name__}: {problem}"


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_done_to_a_table_it_ends_as_in_moto(seed: int, quickly: Callable[[], None]) -> None:
    def play() -> list[Any]:
        dice, backend, seen = random.Random(seed), table(), []
        for _ in range(40):
            said, items = act(backend, dice), backend.get_table("ledger").all_items()
            seen.append((said, [(each.to_json(), each.size()) for each in items]))
        scanned, count, _ = backend.get_table("ledger").scan({}, None, None)
        return [*seen, [each.to_json() for each in scanned], count]

    stock = play()
    assert {type(said) for said, _ in stock[:-2]} >= {dict, str}
    quickly()
    assert play() == stock


def test_a_transaction_that_fails_leaves_everything_and_copies_no_table(
    quickly: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly()
    backend = table()
    for name in "ab":
        backend.put_item("ledger", {"pk": {"S": name}, "sk": {"S": "x"}, "l": {"L": [{"S": "first"}]}})
    before = [each.to_json() for each in backend.get_table("ledger").all_items()]
    copies: list[str] = []
    stock = Item.__deepcopy__
    monkeypatch.setattr(
        Item, "__deepcopy__", lambda self, memo: copies.append(self.hash_key.value) or stock(self, memo)
    )
    append = {
        "UpdateExpression": "SET l = list_append(l, :m)",
        "ExpressionAttributeValues": {":m": {"L": [{"S": "m"}]}},
    }
    refused = {"Item": {"pk": {"S": "new"}, "sk": {"S": "x"}}, "ConditionExpression": "attribute_exists(pk)"}
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        backend.transact_write_items([
            {"Update": {"TableName": "ledger", "Key": {"pk": {"S": "a"}, "sk": {"S": "x"}}, **append}},
            {"Put": {"TableName": "ledger", **refused}},
        ])  # fmt: skip
    assert [each.to_json() for each in backend.get_table("ledger").all_items()] == before
    assert "b" not in copies


@pytest.mark.parametrize("length", [404_990, 405_010])
def test_an_item_is_as_large_as_in_moto(length: int, quickly: Callable[[], None]) -> None:
    def fits() -> bool:
        try:
            item = Item(DynamoType({"S": "a"}), None, {"pk": {"S": "a"}, "long": {"S": "x" * (length - 10)}})
            item.attrs["n"] = DynamoType({"N": "1"})
        except ItemSizeTooLarge:
            return False
        return True

    stock = fits()
    quickly()
    assert fits() == stock == (length < 405_000)
