"""Fixes: polling and long polling by cursor, and POST."""

from __future__ import annotations

from locshare_ext.broker.access import PUBLISH, WATCH
from locshare_ext.broker.live import Log
from locshare_ext.server.api.parameters import whole_number
from locshare_ext.server.base import Handler
from locshare_ext.server.feed_options import FEED_OPTIONS, FeedOptions, flag
from locshare_ext.server.streams.page import Page, joined, newest_fixes, read_page
from locshare_ext.server.streams.poll import LongPoll, read_wait

__all__ = ["FixesHandler"]

MOST = 1000


class FixesHandler(Handler):
    """`api/groups/{g}/fixes`."""

    for_participants = True
    late_methods = ("POST",)  # a phone comes home with fixes from before its invite expired
    _poll: LongPoll | None = None

    async def get(self, name: str) -> None:
        """Give what is after a place: {"fixes": [...], "cursor": ..., "gap": false}.

        From the start, with `last` from now. With `events` these come too, as "events" beside
        "fixes". With `wait` an answer with nothing in it comes only when so many seconds have
        passed.
        """
        query = self.query(*FEED_OPTIONS, "limit", "wait", "events")
        options, with_events = FeedOptions.read(query), flag(query, "events")
        wait = read_wait(query.get("wait", "0"))
        limit = whole_number(query.get("limit", str(MOST)), "limit", 1, MOST)
        log = (await self.find_group(name, WATCH)).log
        place = log.place(options.after, "now" if options.last else "start")
        newest = b""
        if options.begins_with_newest(place.gap):
            newest = await newest_fixes(log, place.offset, options)
        if not wait or newest or place.gap or self.request.method == "HEAD":
            page = await read_page(log, place.offset, limit, options, with_events=with_events)
        else:
            page = await self._wait(log, place.offset, limit, options, wait, with_events=with_events)
        fixes = b",".join([some for some in (newest, page.fixes) if some])
        events = b'"events":[%b],' % page.events if with_events else b""
        cursor, gap = log.cursor(page.offset).encode(), b"true" if place.gap else b"false"
        self.finish(b'{"fixes":[%b],%b"cursor":"%b","gap":%b}' % (fixes, events, cursor, gap))

    async def _wait(
        self,
        log: Log,
        after: int,
        limit: int,
        options: FeedOptions,
        seconds: float,
        *,
        with_events: bool,
    ) -> Page:
        """Return a page with something in it, or what there is when the time is over.

        Who goes on from a cursor with `batch` is answered once in so many ms, and not as
        often as something comes; who begins is answered at once.
        """
        pause = options.batch if options.is_resumed else None
        page = Page(after)
        if pause is None:
            page = await read_page(log, after, limit, options, with_events=with_events)
            if not page.is_empty:
                return page
        poll = self._poll = LongPoll(self.site, log, self.principal, options, seconds)
        try:
            if pause is not None:
                await poll.pause(pause / 1000)
                page = await read_page(log, after, limit, options, with_events=with_events)
            while page.is_empty and await poll.wait(page.offset):
                page = await read_page(log, page.offset, limit, options, with_events=with_events)
        finally:
            poll.give_up()
            poll.leave()
        return Page(page.offset, joined(poll.volatile[:limit])) if page.is_empty else page

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
