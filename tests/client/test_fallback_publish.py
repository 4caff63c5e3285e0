"""Publishing through a proxy that blocks: what is stored, and what is said of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from locshare_ext.client.discovery import Server
from locshare_ext.client.ladder import AUTO, Rules
from locshare_ext.client.publisher import Publisher
from locshare_ext.client.senders import PostSender
from locshare_ext.errors import AccessDenied, LocShareError, TooFast
from locshare_ext.transports import Published
from tests.client.conftest import LIMIT, attach
from tests.client.test_live import rows
from tests.support.blocking import BlockingProxy
from tests.support.served import Served

pytestmark = pytest.mark.process

RULES = Rules(patience=3.0, first_look=0.1, longest_look=0.2)
STAYS = Rules(patience=3.0, first_look=3600.0)


@pytest.fixture
def proxy(served: Served) -> Iterator[BlockingProxy]:
    with BlockingProxy(served.port) as one:
        yield one


def publisher(
    served: Served, proxy: BlockingProxy, group: str, rules: Rules = STAYS, transport: str = AUTO
) -> Publisher:
    return Publisher(lambda: Server(proxy.url, served.token), group, rules=rules, transport=transport)


def counts(said: Published) -> tuple[int, int, int]:
    return said.stored, said.duplicates, said.set_aside


@pytest.mark.parametrize("upgrade", ["pass", 403, 502, "strip", "swallow"])
def test_it_is_stored_and_told_alike(served: Served, proxy: BlockingProxy, upgrade: int | str) -> None:
    proxy.rules.upgrade = upgrade  # type: ignore[assignment]
    group = f"alike {upgrade}"
    one = publisher(served, proxy, group)
    good = rows(1500)
    assert counts(one.publish(good)) == (1500, 0, 0)
    assert one.transport == ("stomp" if upgrade == "pass" else "post")
    bad = {"member": "ann", "time": 1, "lat": 1.0, "lon": 2.0}
    said = one.publish([*good[:10], bad, *rows(5, first=1500)])
    assert counts(said) == (5, 10, 1)
    with pytest.raises(LocShareError) as caught:
        one.publish([bad])
    assert caught.value.code == "time_out_of_range"
    assert counts(one.publish(rows(1, first=1600))) == (1, 0, 0)
    assert len(attach(served, group).trails(last="1d")) == 1506
    one.close()


def test_it_goes_back_to_stomp_without_a_loss(served: Served, proxy: BlockingProxy) -> None:
    proxy.rules.upgrade = 403
    one = publisher(served, proxy, "and back", RULES)
    sent = 0

    def until(transport: str) -> None:
        nonlocal sent
        for _ in range(2000):
            assert counts(one.publish(rows(3, first=sent))) == (3, 0, 0)
            sent += 3
            if one.transport == transport:
                return
        raise AssertionError(one.transport)

    until("post")
    proxy.rules.upgrade = "pass"
    until("stomp")
    assert proxy.count("POST") > 0
    trails = attach(served, "and back").trails(last="1d")
    assert trails["seq"].tolist() == list(range(1, sent + 1))
    one.close()


def test_websockets_that_are_cut_again_and_again_end_at_post(served: Served, proxy: BlockingProxy) -> None:
    proxy.rules.cut_upgraded = 0.2
    one = publisher(served, proxy, "cut", STAYS)
    sent = 0
    while one.transport == "stomp":
        said = one.publish(rows(1, first=sent))
        assert said.stored + said.duplicates == 1  # what a cut left unanswered is sent again
        sent += 1
    assert attach(served, "cut").trails(last="1d")["seq"].tolist() == list(range(1, sent + 1))
    one.close()


@pytest.mark.parametrize("upgrade", ["pass", 403])
def test_a_server_that_is_down_is_waited_for(tmp_path: Path, upgrade: int | str) -> None:
    with Served(tmp_path).running() as server, BlockingProxy(server.port) as proxy:
        proxy.rules.upgrade = upgrade  # type: ignore[assignment]
        one = publisher(server, proxy, "hikers")
        assert one.publish(rows(10)).stored == 10
        way = one.transport
        server.kill()
        answers: list[Published] = []
        thread = threading.Thread(target=lambda: answers.append(one.publish(rows(10, first=10))))
        thread.start()
        tries = len(proxy.rules.seen) + 4
        pause = threading.Event()
        while len(proxy.rules.seen) < tries:
            assert not pause.wait(0.02)
        server.start()
        thread.join(LIMIT)
        assert counts(answers[0]) == (10, 0, 0)
        assert one.transport == way
        one.close()


@pytest.mark.parametrize("upgrade", ["pass", 403])
def test_a_refused_credential_is_raised_alike(
    served: Served, proxy: BlockingProxy, upgrade: int | str
) -> None:
    proxy.rules.upgrade = upgrade  # type: ignore[assignment]
    one = Publisher(lambda: Server(proxy.url, "lsh_wrong"), "hikers", rules=STAYS)
    with pytest.raises(AccessDenied, match="not valid"):
        one.publish(rows(1))
    one.close()


def test_an_invite_that_may_not_watch_goes_back_too(served: Served, proxy: BlockingProxy) -> None:
    proxy.rules.upgrade = 403
    token = attach(served, "blind").invite("ann", roles="publish").link.partition("#t=")[2].partition("&")[0]
    one = Publisher(lambda: Server(proxy.url, token), "blind", rules=RULES)
    assert one.publish(rows(10)).stored == 10
    proxy.rules.upgrade = "pass"
    sent = 10
    while one.transport == "post":
        one.publish(rows(1, first=sent))
        sent += 1
    one.close()


def test_over_the_rate_of_an_invite_a_post_is_sent_again() -> None:
    class Limited:
        asked = 0

        def send(self, method: str, path: str, body: bytes) -> dict[str, object]:
            self.asked += 1
            if self.asked < 3:
                raise TooFast("over the rate", details={"retry_after": 0.01})
            return {"stored": 1, "duplicates": 0, "set_aside": [], "cursor": "abcdefgh-1"}

    api = Limited()
    sender = PostSender(lambda: api, "hikers")  # type: ignore[arg-type, return-value]
    assert sender.send(b"[]") == Published(1, 0, 0, "abcdefgh-1")
    assert api.asked == 3


@pytest.mark.parametrize(
    ("transport", "way"), [("stomp", "stomp"), ("sse", "post"), ("long polling", "post")]
)
def test_who_keeps_to_a_transport_publishes_by_it(
    served: Served, proxy: BlockingProxy, transport: str, way: str
) -> None:
    one = publisher(served, proxy, f"kept to {transport}", RULES, transport)
    for n in range(20):
        one.publish(rows(1, first=n))
    assert one.transport == way
    assert bool(proxy.count("POST")) == (way == "post")
    one.close()


def test_closing_ends_a_wait_for_a_server(served: Served, proxy: BlockingProxy) -> None:
    proxy.rules.is_down = True
    one = publisher(served, proxy, "closing")
    answers: list[Published] = []
    thread = threading.Thread(target=lambda: answers.append(one.publish(rows(1))))
    thread.start()
    pause = threading.Event()
    while len(proxy.rules.seen) < 2:
        assert not pause.wait(0.02)
    one.close()
    thread.join(LIMIT)
    assert counts(answers[0]) == (0, 0, 0)


def publishing() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "locshare-publish"]


def test_an_interrupted_attempt_leaves_nothing_behind(served: Served, proxy: BlockingProxy) -> None:
    proxy.rules.upgrade = "hang"
    one = publisher(served, proxy, "interrupted", Rules(patience=LIMIT, first_look=3600.0))
    main = threading.get_ident()

    def interrupt() -> None:
        pause = threading.Event()
        while not proxy.count("/stomp"):
            pause.wait(0.02)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        one.publish(rows(1))
    thread.join(LIMIT)
    first = publishing()
    proxy.rules.upgrade = "pass"
    assert one.publish(rows(3)).stored == 3
    for attempt in first:
        attempt.join(LIMIT / 2)  # ended by the interrupt, and not by its patience
        assert not attempt.is_alive()
    assert one.publish(rows(3, first=3)).stored == 3
    assert proxy.count("/stomp") == 2  # the connection that works was not taken for the one that ended
    one.close()


def test_closing_ends_an_attempt_to_connect(served: Served, proxy: BlockingProxy) -> None:
    proxy.rules.upgrade = "hang"
    one = publisher(served, proxy, "closed early", Rules(patience=3600.0))
    answers: list[Published] = []
    thread = threading.Thread(target=lambda: answers.append(one.publish(rows(1))))
    thread.start()
    pause = threading.Event()
    while not proxy.count("/stomp"):
        assert not pause.wait(0.02)
    one.close()
    thread.join(LIMIT)
    assert counts(answers[0]) == (0, 0, 0)
    for attempt in publishing():
        attempt.join(LIMIT)
        assert not attempt.is_alive()
