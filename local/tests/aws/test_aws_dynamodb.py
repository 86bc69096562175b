"""DynamoDB: a reader never sees an item that is half written."""

from __future__ import annotations

import threading

from twin_worlds import HUB, World


def partial_items_seen(world: World, rounds: int) -> int:
    """How often a reader found an item without the attribute that every write of it sets last."""
    client = world.client("dynamodb", HUB)
    client.create_table(
        TableName="atomic",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    names = {f"#a{number}": f"a{number}" for number in range(20)}
    values = {f":a{number}": {"S": "x" * 50} for number in range(20)}
    update = "SET " + ", ".join(f"#a{number} = :a{number}" for number in range(20))
    seen, done = [], threading.Event()

    def read() -> None:
        reader = world.client("dynamodb", HUB)
        while not done.is_set():
            for item in reader.scan(TableName="atomic")["Items"]:
                if len(item) < 21:
                    seen.append(len(item))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    for number in range(rounds):
        client.update_item(
            TableName="atomic",
            Key={"pk": {"S": str(number)}},
            UpdateExpression=update,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
    done.set()
    for thread in readers:
        thread.join()
    return len(seen)


def test_an_update_is_seen_whole_or_not_at_all(ours: World) -> None:
    """Stock shows items with their keys alone now and then; a race cannot be demanded of it, so it has no twin here."""
    assert partial_items_seen(ours, 20) == 0
