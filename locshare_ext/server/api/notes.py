"""Notes, and all events of a group, as pages."""

from __future__ import annotations

from typing import Any

from locshare_ext.broker.access import PUBLISH, WATCH
from locshare_ext.errors import InvalidInput
from locshare_ext.model.event import EventKind
from locshare_ext.server.api.parameters import moment, selection, whole_number
from locshare_ext.server.base import Handler
from locshare_ext.services.groups import Group
from locshare_ext.services.notes import EventPage, note_json
from locshare_ext.services.said import read_said

__all__ = ["PAGE", "NoteHandler", "NotesHandler", "events_page"]

MOST = 1000
PAGE = ("after", "limit", "since", "until", "clock", "members")
_FIELDS = ("kind", "text", "time", "member", "data")


class NotesHandler(Handler):
    """`api/groups/{g}/notes`."""

    for_participants = True

    async def get(self, name: str) -> None:
        """Give notes after a cursor: {"notes": [...], "cursor": ..., "gap": false}; from the start."""
        query = self.query(*PAGE)
        group = await self.find_group(name, WATCH)
        page = await _page(self, group, query, "note")
        notes = [note_json(note) for note in page.events]
        self.answer({"notes": notes, "cursor": page.cursor, "gap": page.gap})

    async def post(self, name: str) -> None:
        """Put something on the timeline: {"text": ..., "kind": ..., "time": ..., "member": ..., "data": ...}.

        kind: note if not said; message, by who may manage; sos; gap. data: see `read_said`.
        """
        self.query()
        slug = self.require(name, PUBLISH)
        sent = self.json_body()
        for field in sent:
            if field not in _FIELDS:
                raise InvalidInput(
                    f"field {field[:64]!r} is unknown; expected {', '.join(_FIELDS)}",
                    code="unknown_field",
                    field=field[:64],
                )
        time = None if sent.get("time") is None else moment(sent["time"], "time")
        note = await self.site.notes.add(
            self.principal, slug, read_said(sent), time=time, member=sent.get("member")
        )
        self.answer(note_json(note), 201)


class NoteHandler(Handler):
    """`api/groups/{g}/notes/{id}`: one note, by its id (its cursor)."""

    for_participants = True

    async def delete(self, name: str, note_id: str) -> None:
        """Remove it: one's own, or any with the role manage."""
        self.query()
        group = await self.find_group(name, PUBLISH)
        await self.site.notes.remove(self.principal, group, note_id)
        self.answer({"deleted": note_id})


async def events_page(handler: Handler, group: Group, query: dict[str, str]) -> dict[str, Any]:
    """Return events of every kind after a cursor: {"events": [...], "cursor": ..., "gap": false}."""
    page = await _page(handler, group, query, None)
    return {"events": page.events, "cursor": page.cursor, "gap": page.gap}


async def _page(handler: Handler, group: Group, query: dict[str, str], kind: EventKind | None) -> EventPage:
    limit = whole_number(query.get("limit", str(MOST)), "limit", 1, MOST)
    place = group.log.place(query.pop("after", None), "start")
    return await handler.site.notes.page(group, place, limit, selection(query, None), kind=kind)
