"""One server for all checks; each opens connections and topics of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.raw import BINARY, TEXT, RawSocket, RawStomp
from tests.support.served import Served

VERSIONS = ("1.0", "1.1", "1.2")
ESCAPING = ("1.1", "1.2")
_numbers = itertools.count(1)

Open = Callable[..., RawStomp]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these need the server, which is a process."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.process)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("conformance")).running() as server:
        yield server


@pytest.fixture
def open_socket(served: Served) -> Iterator[Callable[..., RawSocket]]:
    """Open WebSockets; closed at the end."""
    sockets: list[RawSocket] = []

    def open_one(**options: object) -> RawSocket:
        sockets.append(RawSocket(served.port, **options))  # type: ignore[arg-type]
        return sockets[-1]

    yield open_one
    for one in sockets:
        one.close()


@pytest.fixture
def fresh(open_socket: Callable[..., RawSocket]) -> Open:
    """Open WebSockets on which nothing was said yet."""
    return lambda opcode=BINARY, **options: RawStomp(open_socket(**options), opcode)


@pytest.fixture
def connect(fresh: Open, served: Served) -> Open:
    """Open connections that are CONNECTED; `_` in the names of headers stands for `-`."""

    def open_one(version: str = "1.2", opcode: int = BINARY, **headers: str) -> RawStomp:
        client = fresh(opcode)
        answer = client.connect(version, **{"passcode": served.token, **headers})
        assert answer.command == "CONNECTED", answer
        return client

    return open_one


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[TEXT, BINARY], ids=["text", "binary"])
def opcode(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def client(connect: Open, version: str) -> RawStomp:
    """A connection of each version."""
    return connect(version)


@pytest.fixture
def topic() -> str:
    """A free topic that no other test knows."""
    return f"/topic/conformance-{next(_numbers)}"


@pytest.fixture
def queue() -> str:
    """A queue that no other test knows."""
    return f"/queue/conformance-{next(_numbers)}"
