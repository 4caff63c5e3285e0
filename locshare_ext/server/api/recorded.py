"""What a recording has: fixes, events, what was refused, and all of it as a file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from locshare_ext.broker.access import MANAGE, WATCH
from locshare_ext.formats.registry import by_name, writable
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.event import Event
from locshare_ext.model.store import RecordingInfo, Selection
from locshare_ext.server.api.aside import MOST as MOST_ASIDE
from locshare_ext.server.api.exports import send_file
from locshare_ext.server.api.parameters import TRAIL_PARAMETERS, selection, whole_number
from locshare_ext.server.api.recordings import find_recording
from locshare_ext.server.api.trails import send
from locshare_ext.server.base import Handler

if TYPE_CHECKING:
    from locshare_ext.formats.trail import Trail

__all__ = [
    "RecordingAsidesHandler",
    "RecordingEventsHandler",
    "RecordingFileHandler",
    "RecordingTrailsHandler",
]

_MOST_EVENTS = 1000  # in one answer


class RecordingTrailsHandler(Handler):
    """`api/recordings/{id}/trails`."""

    async def get(self, recording_id: str) -> None:
        """Give its fixes that the query selects."""
        query = self.query(*(name for name in TRAIL_PARAMETERS if name != "recording"))
        info = await find_recording(self, recording_id, WATCH)

        def place(text: str, field: str) -> int:
            return Cursor.parse(text, field=field).offset

        chosen = selection(query, place)
        log = await self.site.store.log(info.log)
        assert log is not None  # noqa: S101 -- a recording's log is there as long as it is
        part = self.site.recordings.part(info, chosen)
        await send(self, query, part, info.log if info.kind == "group" else None, log)


class RecordingEventsHandler(Handler):
    """`api/recordings/{id}/events`."""

    async def get(self, recording_id: str) -> None:
        """Give what it has besides fixes, in order of arrival: {"events": [...], "cursor": ...}."""
        query = self.query("after", "limit", "since", "until", "clock", "members")
        limit = whole_number(query.get("limit", str(_MOST_EVENTS)), "limit", 1, _MOST_EVENTS)
        after = query.pop("after", "start")
        info = await find_recording(self, recording_id, WATCH)
        log = await self.site.store.log(info.log)
        assert log is not None  # noqa: S101 -- a recording's log is there as long as it is
        begin = {"start": 0, "now": log.head}.get(after)
        begin = Cursor.parse(after).offset if begin is None else begin
        chosen = replace(self.site.recordings.part(info, selection(query, None)), after=begin)
        entries = await self.site.store.events(info.log, chosen, limit=limit)
        end = entries[-1].offset if entries else begin
        cursor = str(Cursor(log.epoch, end))
        self.answer({"events": [entry.item for entry in entries], "cursor": cursor})


class RecordingAsidesHandler(Handler):
    """`api/recordings/{id}/set-aside`."""

    async def get(self, recording_id: str) -> None:
        """Give what was refused while it ran, or of its file, as `SetAsideHandler` does."""
        query = self.query("after", "limit")
        limit = whole_number(query.get("limit", str(MOST_ASIDE)), "limit", 1, MOST_ASIDE)
        after = whole_number(query.get("after", "0"), "after", 0, (1 << 63) - 1)
        info = await find_recording(self, recording_id, MANAGE)
        self.answer({"set_aside": await _asides(self, info, after=after, limit=limit)})


class RecordingFileHandler(Handler):
    """`api/recordings/{id}/file`."""

    async def get(self, recording_id: str) -> None:
        """Give all of it as a file: our GeoPackage, or another format that can be written."""
        query = self.query("format")
        found = by_name(query.get("format", "gpkg"), writable())
        info = await find_recording(self, recording_id, WATCH)
        part = self.site.recordings.part(info, Selection())
        table = await self.site.store.trails(info.log, part)
        events = [entry.item for entry in await self.site.store.events(info.log, part)]
        asides = await self._asides(info)

        def made() -> Trail:
            from locshare_ext.formats.asides import rows_of_asides
            from locshare_ext.formats.trail import trail_of_table

            return trail_of_table(
                table,
                group=info.log if info.kind == "group" else "",
                recording=info.name,
                description=info.description,
                received_known=info.received_known,
                events=tuple(one for one in events if isinstance(one, Event)),
                set_aside=rows_of_asides(asides),
            )

        await send_file(self, made, found, info.name)

    async def _asides(self, info: RecordingInfo) -> list[dict[str, Any]]:
        """Return what was refused, to who may know."""
        if not self.principal.may(info.log if info.kind == "group" else None, MANAGE):
            return []
        return await _asides(self, info)


async def _asides(
    handler: Handler, info: RecordingInfo, *, after: int = 0, limit: int | None = None
) -> list[dict[str, Any]]:
    site, span = handler.site, Selection(after=after)
    if info.kind == "group":
        group = await site.groups.find(info.log)
        span = replace(span, since=info.since, until=info.until)
        found = await site.groups.asides.select(group, span, limit=limit)
    else:
        found = await site.store.asides(info.log, span, limit=limit)
    return [one.as_json() for one in found]
