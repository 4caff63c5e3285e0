"""What the contract's cases are written with."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from locshare_ext.errors import LocShareError
from locshare_ext.model.event import Event
from locshare_ext.transports import (
    Backoff,
    Fixes,
    Following,
    Hello,
    Item,
    Transport,
    open_transport,
)

__all__ = ["QUICK", "TIME", "Bench", "Watch", "fix", "numbers", "refused"]

TIME = 1_763_806_275_123
QUICK = Backoff(first=0.02, longest=0.2)
LIMIT = 20  # s; what takes longer is lost


def fix(number: int = 0, member: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": member, **fields}


def numbers(fixes: list[Any], member: str | None = None) -> list[int]:
    """Return which ones of `fix` these are."""
    return [(one.time - TIME) // 1000 for one in fixes if member in (None, one.member)]


class Watch:
    """Takes what a Following yields, and keeps it."""

    def __init__(self, following: Following) -> None:
        self.following = following
        self.items: list[Item] = []
        self.fixes: list[Any] = []

    @property
    def events(self) -> list[Event]:
        return [item for item in self.items if isinstance(item, Event)]

    @property
    def hellos(self) -> list[Hello]:
        return [item for item in self.items if isinstance(item, Hello)]

    async def next(self) -> Item:
        async with asyncio.timeout(LIMIT):
            item = await anext(self.following)
        self.items.append(item)
        if isinstance(item, Fixes):
            self.fixes += item.decode()
        return item

    async def hello(self) -> Hello:
        item = await self.next()
        assert isinstance(item, Hello), item
        return item

    async def until(self, is_enough: Callable[[Watch], bool]) -> Watch:
        while not is_enough(self):
            await self.next()
        return self

    async def take(self, count: int) -> list[int]:
        """Take items until there are so many fixes in all; returns the numbers of all of them."""
        await self.until(lambda watch: len(watch.fixes) >= count)
        return numbers(self.fixes)


class Bench:
    """A group on a server (with url, port and token), and whoever watches it or publishes to it."""

    def __init__(self, server: Any, group: str) -> None:
        self.server = server
        self.group = group
        self._open: list[Transport] = []

    def path(self, *words: str) -> str:
        return "/".join(["groups", quote(self.group, safe=""), *words])

    def open(
        self,
        name: str,
        *,
        token: str | None = None,
        port: int | None = None,
        group: str | None = None,
        **options: Any,
    ) -> Transport:
        """Open a transport; as the host, if no token is given."""
        link = f"http://127.0.0.1:{port or self.server.port}/locshare/"
        given = {"interval": 0.02, "wait": 20.0, "backoff": QUICK, **options}
        token = self.server.token if token is None else token
        transport = open_transport(name, link, group=group or self.group, token=token, **given)
        self._open.append(transport)
        return transport

    async def watch(self, name: str, after: str | None = None, **options: Any) -> Watch:
        """Watch over a transport of its own, from its hello on."""
        watch = Watch(self.open(name).follow(after, **options))
        await watch.hello()
        return watch

    async def publish(self, *fixes: Mapping[str, Any]) -> str:
        """Publish at once, over what is not under test; returns the cursor."""
        return str((await self.ask("POST", self.path("fixes"), list(fixes)))["cursor"])

    async def note(self, text: str, **fields: Any) -> str:
        return str((await self.ask("POST", self.path("notes"), {"text": text, **fields}))["cursor"])

    async def invite(self, member: str | None = "ann", **wishes: Any) -> dict[str, Any]:
        """Make an invite; with its token and id."""
        made = await self.ask("POST", self.path("invites"), {"member": member, **wishes})
        assert isinstance(made, dict)
        return made

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server's API as its host; a body of bytes is a CSV file."""
        return await asyncio.to_thread(self._ask, method, path, body)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        kind = "text/csv" if isinstance(body, bytes) else "application/json"
        request = urllib.request.Request(
            f"{self.server.url}locshare/api/{path}",
            method=method,
            data=body if body is None or isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"X-Locshare-Token": self.server.token, "Content-Type": kind},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from None

    async def close(self) -> None:
        for transport in self._open:
            await transport.aclose()


async def refused(following: Following) -> LocShareError:
    """Take items until following ends with an error, which is returned."""
    async with asyncio.timeout(LIMIT):
        with pytest.raises(LocShareError) as caught:
            async for _ in following:
                pass
        with pytest.raises(StopAsyncIteration):
            await anext(following)
    return caught.value
