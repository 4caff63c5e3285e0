"""Queues, acknowledgements and transactions with the JavaScript clients."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.interop.driver import HAS_CLIENTS, WHY_NOT, Driver

pytestmark = [pytest.mark.process, pytest.mark.skipif(not HAS_CLIENTS, reason=WHY_NOT)]

CLIENTS = {
    "stompjs": {"script": "stompjs"},
    "stompjs 1.1": {"script": "stompjs", "speaks": ["1.1"]},
    "rx-stomp": {"script": "rxstomp", "binary": True},
    "webstomp": {"script": "webstomp", "versions": ["v12.stomp"]},
    "webstomp 1.1": {"script": "webstomp", "versions": ["v11.stomp"], "binary": True},
}
Pair = tuple[Driver, Driver]


@pytest.fixture(params=CLIENTS)
def pair(start: Callable[..., Driver], request: pytest.FixtureRequest) -> Pair:
    settings = CLIENTS[request.param]
    return start(**settings), start(**settings)


def id_of(message: dict[str, dict[str, str]]) -> str:
    return message["headers"]["message-id"]


def test_acknowledging(pair: Pair, name: str) -> None:
    worker, other = pair
    queue = f"/queue/{name}"
    worker.subscribe(queue, ack="client")
    for body in ("1", "2", "3"):
        other.publish(queue, body)
    messages = [worker.next("message") for _ in range(3)]
    worker.do("ack", id=id_of(messages[1]))
    worker.publish("/topic/void", "")  # the ACK was read
    worker.do("disconnect")
    other.subscribe(queue, ack="client-individual")
    again = other.next("message")
    assert (again["body"], again["headers"]["redelivered"]) == ("3", "true")
    other.do("ack", id=id_of(again))


def test_a_nack_goes_to_another(pair: Pair, name: str) -> None:
    worker, other = pair
    queue = f"/queue/{name}"
    worker.subscribe(queue, ack="client-individual")
    other.publish(queue, "hot potato")
    first = worker.next("message")
    other.subscribe(queue, ack="client-individual")
    worker.do("nack", id=id_of(first))
    again = other.next("message")
    assert (again["body"], again["headers"]["redelivered"]) == ("hot potato", "true")
    assert id_of(again) == id_of(first)
    other.do("ack", id=id_of(again))


def test_prefetch(pair: Pair, name: str) -> None:
    worker, other = pair
    queue = f"/queue/{name}"
    worker.subscribe(queue, ack="client-individual", **{"prefetch-count": "1"})
    for body in ("1", "2"):
        other.publish(queue, body)
    first = worker.next("message")
    worker.publish("/topic/void", "")
    assert not worker.has_said("message")
    worker.do("ack", id=id_of(first))
    assert worker.next("message")["body"] == "2"


def test_transactions(pair: Pair, name: str) -> None:
    sender, watcher = pair
    topic = f"/topic/{name}"
    watcher.subscribe(topic)
    for transaction, end in (("t1", "abort"), ("t2", "commit")):
        sender.do("begin", transaction=transaction)
        for number in (1, 2):
            sender.publish(topic, f"{transaction} {number}", transaction=transaction)
        sender.do(end, transaction=transaction)
    sender.publish(topic, "after")
    assert [watcher.next("message")["body"] for _ in range(3)] == ["t2 1", "t2 2", "after"]


def test_acknowledging_in_a_transaction(pair: Pair, name: str) -> None:
    worker, other = pair
    queue = f"/queue/{name}"
    worker.subscribe(queue, ack="client-individual")
    for body in ("1", "2"):
        other.publish(queue, body)
    first, second = (worker.next("message") for _ in range(2))
    for message, end in ((first, "commit"), (second, "abort")):
        transaction = f"t-{end}"
        worker.do("begin", transaction=transaction)
        worker.do("ack", id=id_of(message), headers={"transaction": transaction})
        worker.do(end, transaction=transaction)
    worker.publish("/topic/void", "")
    worker.do("disconnect")
    other.subscribe(queue)
    assert other.next("message")["body"] == "2"
