"""Fixes: polling and long polling by cursor, and POST."""

from __future__ import annotations

from locshare_ext.broker.access import PUBLISH, WATCH
from locshare_ext.broker.log import GroupLog
from locshare_ext.model.names import fold, split_names
from locshare_ext.server.api.parameters import whole_number
from locshare_ext.server.base import Handler
from locshare_ext.server.streams.poll import LongPoll, read_wait
from locshare_ext.server.streams.reader import is_of

__all__ = ["FixesHandler"]

MOST = 1000
USUAL = 1000
READS = 8  # pages of the log looked at for one answer, when most entries are not wanted


class FixesHandler(Handler):
    """`api/groups/{g}/fixes`."""

    late_methods = ("POST",)  # a phone comes home with fixes from before its invite expired
    _poll: LongPoll | None = None

    async def get(self, name: str) -> None:
        """Give what is after a cursor: {"fixes": [...], "cursor": ..., "gap": false}.

        With `wait` an answer without fixes comes only when so many seconds have passed.
        """
        query = self.query("after", "limit", "members", "wait")
        wait = read_wait(query.get("wait", "0"))
        limit = whole_number(query.get("limit", str(USUAL)), "limit", 1, MOST)
        members = (
            frozenset(fold(name) for name in split_names(query["members"])) if "members" in query else None
        )
        log = (await self.find_group(name, WATCH)).log
        place = log.place(query.get("after"), "start")
        offset, bodies = await _page(log, place.offset, limit, members)
        if not bodies and not place.gap and wait and self.request.method == "GET":
            offset, bodies = await self._wait(log, offset, limit, members, wait)
        gap = b"true" if place.gap else b"false"
        self.finish(b'{"fixes":[%b],"cursor":"%b","gap":%b}' % (bodies, log.cursor(offset).encode(), gap))

    async def _wait(
        self, log: GroupLog, offset: int, limit: int, members: frozenset[str] | None, seconds: float
    ) -> tuple[int, bytes]:
        poll = self._poll = LongPoll(self.site, log, self.principal, members, seconds)
        bodies = b""
        try:
            while not bodies and await poll.wait(offset):
                offset, bodies = await _page(log, offset, limit, members)
        finally:
            poll.give_up()
            poll.leave()
        return offset, bodies or b",".join([entry.body for entry in poll.volatile[:limit]])

    def compute_etag(self) -> str | None:
        """Return what a repeated poll is compared with; nobody repeats one that waited."""
        return super().compute_etag() if self._poll is None else None

    def on_connection_close(self) -> None:
        """Wait no more: nobody is there to be answered."""
        super().on_connection_close()
        if self._poll is not None:
            self._poll.give_up()

    async def post(self, name: str) -> None:
        """Store one fix or an array of them; answers when they are committed."""
        self.query()
        slug = self.require(name, PUBLISH)
        stored = await self.site.groups.publish(self.principal, slug, bytes(self.body))
        self.answer(stored.as_json())


async def _page(log: GroupLog, after: int, limit: int, members: frozenset[str] | None) -> tuple[int, bytes]:
    """Return the place after some fixes, and these; made once for all who ask in the same turn."""
    made = log.made(("poll", limit, members))
    known = made.by_place.get(after)
    if known is not None:
        return known
    offset = after
    bodies: list[bytes] = []
    for _ in range(READS):
        entries = await log.read(offset, limit - len(bodies))
        for entry in entries:
            offset = entry.offset
            if entry.is_fix and (members is None or is_of(entry, members)):
                bodies.append(entry.body)
        if not entries or len(bodies) >= limit:
            break
    page = offset, b",".join(bodies)
    made.put(after, *page)
    return page
