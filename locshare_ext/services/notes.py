"""What people say on a group's timeline: checked, stored as events, listed, removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from locshare_ext.broker.access import MANAGE, PUBLISH, Principal, require
from locshare_ext.broker.log import Place
from locshare_ext.errors import AccessDenied, InvalidCursor, InvalidInput, NotFound
from locshare_ext.model.clock import REPAIR, admit_time
from locshare_ext.model.coarse import coarser
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.event import Event, EventKind
from locshare_ext.model.names import fold, group_slug
from locshare_ext.model.store import Selection
from locshare_ext.services.groups import Group, Groups
from locshare_ext.services.said import SAID, Said, placed

__all__ = ["EventPage", "Notes", "note_json"]


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events of a log in order, and the cursor after which there may be more."""

    events: list[Event]
    cursor: str
    gap: bool


class Notes:
    """Puts notes on logs and reads what is there besides fixes; clock: ms since 1970 UTC."""

    def __init__(self, groups: Groups, *, clock: Callable[[], int]) -> None:
        self._groups = groups
        self._clock = clock

    async def add(
        self, principal: Principal, name: str, said: Said, *, time: int | None, member: object = None
    ) -> Event:
        """Put what somebody says on a group's log and return it as it was stored.

        As with fixes, a group that nobody has published to begins with it, and nobody speaks
        for another: `member`, whom it concerns, is chosen only by who may manage, and so are
        messages to all. time: ms, None for now; what is said by an invite of a moment is known
        when it comes again, and stored once. Raises AccessDenied, InvalidInput, InvalidName,
        StoreError.
        """
        require(principal, group_slug(name), MANAGE if said.kind == "message" else PUBLISH)
        if principal.kind == "invite":
            self._groups.rates.check(principal.id)
            self._groups.rates.spend(principal.id, 1)
        group = await self._groups.open(name)
        received = self._clock()
        note = Event(
            kind=said.kind,
            time=received if time is None else _moment(time, received),
            received=received,
            member=self._member(principal, group, member),
            text=said.text,
            data=placed(said.data, coarser(group.settings["precision"], principal.precision)),
        )
        if time is not None and principal.kind == "invite":
            known = await self._known(group, note)
            if known is not None:
                return known
        appended = await self._groups.note(group, note)
        group.is_stored = True
        if principal.member is not None:
            group.heard[fold(principal.member)] = received  # a sign of life
        stored = appended.entries[0].item
        assert isinstance(stored, Event)  # noqa: S101 -- what was appended
        return stored

    async def page(
        self, group: Group, place: Place, limit: int, selection: Selection, *, kind: EventKind | None = None
    ) -> EventPage:
        """Return up to `limit` events after a place: all, or of one kind."""
        log = group.log
        head = log.head  # what is stored but not told yet comes with a later page
        chosen = replace(selection, after=place.offset, upto=head)
        entries = await self._groups.store.events(group.slug, chosen, kind=kind, limit=limit)
        events = [entry.item for entry in entries if isinstance(entry.item, Event)]
        end = entries[-1].offset if len(entries) >= limit else max(head, place.offset)
        return EventPage(events, log.cursor(end), place.gap)

    async def remove(self, principal: Principal, group: Group, note_id: str) -> None:
        """Remove a note, by the cursor that it has: one's own, or any with the role manage.

        Raises NotFound, AccessDenied.
        """
        try:
            cursor = Cursor.parse(note_id)
        except InvalidCursor:
            raise _missing(note_id) from None
        if cursor.epoch != group.log.epoch:
            raise _missing(note_id)
        here = Selection(after=cursor.offset - 1, upto=cursor.offset)
        found = [
            entry
            for entry in await self._groups.store.events(group.slug, here)
            if isinstance(entry.item, Event) and entry.item.kind in SAID
        ]
        is_own = (
            bool(found)
            and principal.member is not None
            and found[0].item.member is not None
            and fold(principal.member) == fold(found[0].item.member)
        )
        if not is_own and not principal.may(group.slug, MANAGE):
            raise AccessDenied("this credential may only remove its own notes", code="role_missing")
        if not found or not await group.log.remove_event(cursor.offset):
            raise _missing(note_id)

    async def _known(self, group: Group, said: Event) -> Event | None:
        """Return the event that is the same, if it has come before: its answer was lost on the way."""
        moment = Selection(since=said.time, until=said.time)
        for entry in await self._groups.store.events(group.slug, moment, kind=said.kind):
            item = entry.item
            if isinstance(item, Event) and (item.member, item.text) == (said.member, said.text):
                return item
        return None

    def _member(self, principal: Principal, group: Group, sent: object) -> str | None:
        if not principal.may(group.slug, MANAGE):
            return self._groups.member_of(group, principal.speaker)
        if sent is None:
            return None
        if not isinstance(sent, str):
            raise InvalidInput(f"member {str(sent)[:64]!r} is not text", field="member")
        return self._groups.member_of(group, sent)


def note_json(note: Event) -> dict[str, object]:
    """Return a note as the API gives it: the event, with its `id`."""
    return {"id": note.cursor, **msgspec.to_builtins(note)}


def _moment(time: int, received: int) -> int:
    if time - received > REPAIR:
        raise InvalidInput(f"time {time} is more than a day ahead", code="time_out_of_range", field="time")
    return admit_time(time, received)[0]


def _missing(note_id: str) -> NotFound:
    return NotFound(f"note {note_id[:64]!r} does not exist", code="note_not_found")
