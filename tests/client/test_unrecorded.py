"""What a notebook says while the server can record nothing, and when it can again."""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from locshare_ext import Group
from locshare_ext.client.source import SourceStatus
from locshare_ext.errors import Unavailable
from tests.support.faults import full_disk
from tests.support.served import Served

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's"),
]
LIMIT = 20  # s


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path).running() as served:
        yield served


def publish_until_it_fails(group: Group) -> None:
    with suppress(Unavailable):
        while True:
            group.simulate(minutes=20)


def test_it_says_since_when_nothing_is_recorded(served: Served) -> None:
    assert served.process is not None
    group = Group(f"{served.link}&g=hikers", me="ann")
    try:
        group.publish(lat=37.5, lon=127.0)
        told: queue.Queue[SourceStatus] = queue.Queue()
        group.listen(lambda batch: None, told.put)
        assert group.ready().state == "live"

        def until(is_it: Callable[[SourceStatus], bool]) -> SourceStatus:
            while not is_it(status := told.get(timeout=LIMIT)):
                pass
            return status

        with full_disk(served.process.pid, served.folder / "log.sqlite3"):
            publish_until_it_fails(group)
            lost = until(lambda status: status.unrecorded_since is not None)
            assert lost.state == "live"
            assert "Nothing is recorded since" in lost.note
            assert "full" in lost.note
            assert lost.note in lost.text
            health = group._api.get("api/health")["store"]
            assert health["failing_since"] == lost.unrecorded_since
        back = until(lambda status: status.unrecorded_since is None)
        assert (back.state, back.note) == ("live", "")
        assert group.status == back
    finally:
        group.close()
