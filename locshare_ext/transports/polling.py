"""Polling and long polling: a question for each answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from locshare_ext.errors import ServerUnreachable
from locshare_ext.model.cursor import Cursor
from locshare_ext.transports.base import Line, Settings, Transport
from locshare_ext.transports.bodies import before, last_cursor, merged, read_event, read_published
from locshare_ext.transports.http import Http
from locshare_ext.transports.items import Fixes, Gap, Hello, Item, Published, Wish

__all__ = ["LongPolling", "Polling", "Posting"]

_LIMIT = 1000  # fixes in one answer
_MARGIN = 15.0  # s that an answer may take beyond its wait


class _Page(msgspec.Struct):
    fixes: msgspec.Raw
    cursor: str
    gap: bool = False
    events: list[msgspec.Raw] = []


_pages = msgspec.json.Decoder(_Page)


class Posting(Transport):
    """A transport whose way back is POST."""

    async def _publish(self, body: bytes) -> Published:
        answer = await self._http.fetch(
            "POST", "fixes", data=body, headers={"Content-Type": "application/json"}
        )
        try:
            return read_published(msgspec.json.decode(answer.body))
        except msgspec.DecodeError:
            raise _mismatch() from None


class Polling(Posting):
    """Ask for what is new, again and again; what has not changed is answered 304, without a body."""

    name: ClassVar[str] = "polling"

    async def _watch(self, wish: Wish, after: str) -> Line:
        return _Polls(self._http, self.settings, wish, after, None)


class LongPolling(Posting):
    """Ask for what is new; the answer comes when there is something."""

    name: ClassVar[str] = "long polling"

    async def _watch(self, wish: Wish, after: str) -> Line:
        return _Polls(self._http, self.settings, wish, after, self.settings.wait)


class _Polls:
    """Polls from one place on; wait: s that each waits, None: a pause of `interval` between them.

    The first never waits: its answer is the hello.
    """

    def __init__(self, http: Http, settings: Settings, wish: Wish, after: str, wait: float | None) -> None:
        self.place = after
        self._http = http
        self._interval = settings.interval
        self._wish = wish
        self._wait = wait
        self._is_begun = False
        self._due = 0.0  # the loop's clock: not before
        self._known: tuple[str, str] | None = None  # a place, and the ETag of its last answer

    async def next(self) -> Sequence[Item]:
        """Ask once, when it is time to."""
        loop = asyncio.get_running_loop()
        if (pause := self._due - loop.time()) > 0:
            await asyncio.sleep(pause)
        began = loop.time()
        if self._wait is None:
            self._due = began + self._interval
        page = await self._ask()
        if page is None:
            return ()
        items = self._items(page)
        came = page.cursor != self.place
        if _is_cut(page, self.place):
            self._due = 0.0
        elif self._wait is not None and self._is_begun and not came and loop.time() < began + self._wait / 2:
            self._due = began + self._interval  # a server that does not wait must not be asked without end
        self.place, self._is_begun = page.cursor, True
        return items

    async def close(self) -> None:
        """Nothing is held between two answers."""

    async def _ask(self) -> _Page | None:
        params = self._wish.options(self.place)
        if self._wish.events:
            params["events"] = "1"
        silence = _MARGIN
        if self._wait is not None and self._is_begun:
            params["wait"] = f"{self._wait:g}"
            silence += self._wait
        headers = {}
        if self._known is not None and self._known[0] == self.place:
            headers["If-None-Match"] = self._known[1]
        answer = await self._http.fetch("GET", "fixes", params=params, headers=headers, silence=silence)
        if answer.etag is not None:
            self._known = self.place, answer.etag
        if answer.status == 304:
            return None
        try:
            return _pages.decode(answer.body)
        except msgspec.DecodeError:
            raise _mismatch() from None

    def _items(self, page: _Page) -> list[Item]:
        fixes = bytes(page.fixes)
        events = [event for raw in page.events if (event := read_event(bytes(raw))) is not None]
        items = list(merged(fixes, events, page.cursor))
        if self._is_begun:
            return [Gap(self._first(page, items)), *items] if page.gap else items
        if self._wish.last and (page.gap or self.place == "now"):
            # each member's newest fix, from below the place that the page stands for
            newest = [Fixes(fixes, page.cursor, is_snapshot=True)] if fixes != b"[]" else []
            return [Hello(page.cursor, page.gap), *newest, *events]
        is_known = "-" in self.place and not page.gap
        return [Hello(self.place if is_known else self._first(page, items), page.gap), *items]

    def _first(self, page: _Page, items: Sequence[Item]) -> str:
        """Return the place before the first entry of a page."""
        for raw in msgspec.json.decode(page.fixes, type=list[msgspec.Raw])[:1]:
            if (cursor := last_cursor(bytes(raw))) is not None:
                return before(cursor)
        return page.cursor


def _is_cut(page: _Page, place: str) -> bool:
    """Return whether there was more than one answer holds."""
    if bytes(page.fixes).count(b'"flags":[') >= _LIMIT:
        return True
    if "-" not in place:
        return False
    one, other = Cursor.parse(place), Cursor.parse(page.cursor)
    return one.epoch == other.epoch and other.offset - one.offset >= _LIMIT


def _mismatch() -> ServerUnreachable:
    return ServerUnreachable(
        "the answer cannot be read; the server's version of locshare_ext may be another one",
        code="protocol_mismatch",
    )
