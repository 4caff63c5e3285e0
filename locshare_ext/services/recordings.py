"""Recordings: named, kept parts of groups' logs, and what was imported."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from locshare_ext.broker.routing import check_recordable
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.model.aside import KEPT, AsideInfo
from locshare_ext.model.cursor import new_epoch
from locshare_ext.model.event import Event
from locshare_ext.model.names import near_names
from locshare_ext.model.store import LogStore, RecordingInfo, Selection
from locshare_ext.services.groups import Group, Groups
from locshare_ext.services.imported import Waiting, fixes_of_table
from locshare_ext.services.presence import Presence

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LATE", "Recordings", "recording_json"]

AWAY = "The server was away; what was sent meanwhile and not again is missing."
LATE = 24 * 3_600_000  # ms after its stop that a recording takes what comes late
MAX_NAME = 64
MAX_DESCRIPTION = 2000
IMPORT_CHUNK = 2_000  # fixes per batch
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


class Recordings:
    """Starts, stops, lists and removes recordings; clock: ms since 1970 UTC."""

    def __init__(self, store: LogStore, groups: Groups, *, clock: Callable[[], int]) -> None:
        self._store = store
        self._groups = groups
        self._clock = clock
        self._presence = Presence(store, clock=clock)
        self._under_way: set[str] = set()  # logs of imports that are being filled

    async def all(self, group: Group | None = None) -> list[RecordingInfo]:
        """Return recordings by time of creation: all, or those of a group."""
        return await self._store.recordings(None if group is None else group.slug)

    async def get(self, recording_id: str, group: Group | None = None) -> RecordingInfo:
        """Return one: of all, or of a group's; raises NotFound, with near ones of the same."""
        known = await self.all(group)
        for info in known:
            if info.id == recording_id:
                return info
        near = near_names(recording_id[:64], [info.id for info in known])
        raise NotFound(
            f"recording {recording_id[:64]!r} does not exist",
            code="recording_not_found",
            details={"near": near},
        )

    async def start(
        self,
        group: Group,
        name: str,
        *,
        since: int | None = None,
        until: int | None = None,
        description: str = "",
    ) -> RecordingInfo:
        """Begin to record a group from now, or from `since` (ms) as far as it is kept.

        until: ms; it is stopped there already, and takes what comes late from now on as others do.
        """
        now = self._clock()
        _check_span(since, until, now)
        check_recordable(group.slug, group.settings)
        after = group.log.head if since is None else await self._before(group, since)
        if not group.is_stored:
            await self._groups.create(str(group.settings["title"]), {})
        info = RecordingInfo(
            id=_new_id(),
            name=_checked_name(name),
            log=group.slug,
            kind="group",
            created=now,
            since=now if since is None else since,
            after=after,
            description=_checked_description(description),
        )
        if until is not None:
            upto = max(after, await self._last(group, until))
            info = replace(info, until=until, upto=upto, closed=now + LATE)
        await self._store.put_recording(info)
        if until is None:
            self._presence.begin(group.slug)
        return info

    async def stop(self, info: RecordingInfo) -> RecordingInfo:
        """End it now; what was measured in its time and comes late is still taken. Twice is no error."""
        if info.until is not None:
            return info
        now = self._clock()
        group = await self._groups.open(info.log)
        return await self._put(
            replace(info, until=max(now, info.since), upto=group.log.head, closed=now + LATE)
        )

    async def close(self, info: RecordingInfo) -> RecordingInfo:
        """Stop it, and take nothing more."""
        stopped = await self.stop(info)
        now = self._clock()
        if stopped.closed is not None and stopped.closed <= now:
            return stopped
        return await self._put(replace(stopped, closed=now))

    async def describe(
        self, info: RecordingInfo, *, name: str | None = None, description: str | None = None
    ) -> RecordingInfo:
        """Change its name or description."""
        return await self._put(
            replace(
                info,
                name=info.name if name is None else _checked_name(name),
                description=info.description if description is None else _checked_description(description),
            )
        )

    async def delete(self, info: RecordingInfo) -> None:
        """Remove it; what it alone kept goes with the next trimming, an import at once."""
        await self._store.delete_recording(info.id)

    def part(self, info: RecordingInfo, selection: Selection) -> Selection:
        """Return what is selected of it, as a selection of its log."""
        return replace(selection, recording=info.id)

    async def trails(self, info: RecordingInfo, selection: Selection) -> pa.Table:
        """Return its fixes; see `LogStore.trails`."""
        return await self._store.trails(info.log, self.part(info, selection))

    async def import_(
        self,
        name: str,
        tables: AsyncIterator[pa.Table],
        *,
        received_known: bool,
        description: str = "",
        events: Sequence[Event] = (),
        set_aside: Sequence[AsideInfo] = (),
    ) -> RecordingInfo:
        """Keep fixes as a closed log of their own, which is one recording; returns it.

        tables: with the columns of `trail.ARROW_FIELDS`, in the order that the log shall
        have: by `received` if that is known, else by `time`. events take their places among
        them. set_aside: what had been refused. Raises InvalidFile for a value that no fix can
        have; then nothing is kept.
        """
        now = self._clock()
        recording_id = _new_id()
        log = f"import.{recording_id}"  # a dot: no group's slug has one
        info = RecordingInfo(
            id=recording_id,
            name=_checked_name(name),
            log=log,
            kind="import",
            created=now,
            since=0,
            after=0,
            description=_checked_description(description),
            received_known=received_known,
        )
        epoch = new_epoch()
        self._under_way.add(log)
        try:
            await self._store.create_log(log, kind="import", epoch=epoch, settings={"title": info.name})
            times, head = await self._fill(log, epoch, tables, now, received_known, Waiting(events))
            if set_aside:
                await self._store.put_asides(log, set_aside, KEPT)
            since, until = times or (now, now)
            info = replace(info, since=since, until=until, upto=head, closed=now)
            await self._store.put_recording(info)
        except BaseException:  # cancelling included: who sent it is gone
            await self._store.delete_log(log)
            raise
        finally:
            self._under_way.discard(log)
        return info

    async def resume(self) -> list[str]:
        """Go on with what was running when a server ended, and note that on each log; returns these.

        A recording is a part of its log, so that nothing needs to be begun again; but what was
        sent since a server was last there may be missing, which an event of kind `gap` says.
        """
        running = {info.log: info for info in await self.all() if info.kind == "group" and info.until is None}
        for slug, info in running.items():
            group = await self._groups.open(slug)
            newest = await self._store.read(slug, group.log.head - 1, 1) if group.log.head else []
            now = self._clock()
            seen = await self._presence.seen(slug) or info.since
            since = min(max([info.since, seen, *(entry.item.received for entry in newest)]), now)
            away = Event(kind="gap", time=since, received=now, text=AWAY, data={"until": now})
            await self._groups.note(group, away)
            self._presence.begin(slug)
        return sorted(running)

    async def leave(self) -> None:
        """Note until when this server recorded, before the store is closed."""
        await self._presence.close()

    async def interruptions(self, infos: Sequence[RecordingInfo]) -> dict[str, list[dict[str, int]]]:
        """Return for each recording's id when the server was away while it ran: {"since", "until"} in ms."""
        logs = {info.log for info in infos}
        gaps = {log: await self._store.events(log, Selection(), kind="gap") for log in sorted(logs)}
        return {
            info.id: [
                {"since": entry.item.time, "until": entry.item.received}
                for entry in gaps.get(info.log, ())
                if info.after < entry.offset and (info.upto is None or entry.offset <= info.upto)
            ]
            for info in infos
        }

    async def remove_unfinished(self) -> int:
        """Remove imports that were under way when a server ended; returns how many."""
        whole = {info.log for info in await self.all()} | self._under_way
        imports = [log.name for log in await self._store.logs() if log.kind == "import"]
        cut_off = [name for name in imports if name not in whole]
        for name in cut_off:
            await self._store.delete_log(name)
        return len(cut_off)

    async def _fill(
        self,
        log: str,
        epoch: str,
        tables: AsyncIterator[pa.Table],
        now: int,
        received_known: bool,
        waiting: Waiting,
    ) -> tuple[tuple[int, int] | None, int]:
        """Append all fixes, and the events among them.

        Returns the span of the fixes' times, None if there are none, and the head.
        """
        head, row = 0, 0
        span: tuple[int, int] | None = None
        async for table in tables:
            for start in range(0, table.num_rows, IMPORT_CHUNK):
                piece = table.slice(start, IMPORT_CHUNK)
                # in a thread: checking every value of every row takes a while
                fixes = await asyncio.to_thread(fixes_of_table, piece, row, now, received_known)
                row += len(fixes)
                batch = waiting.among(fixes)
                head = (await self._store.append(log, batch, epoch=epoch, kind="import")).head
                times = [fix.time for fix in fixes]
                low, high = min(times), max(times)
                span = (low, high) if span is None else (min(low, span[0]), max(high, span[1]))
        while rest := waiting.take(IMPORT_CHUNK):
            head = (await self._store.append(log, rest, epoch=epoch, kind="import")).head
        return span, head

    async def _put(self, info: RecordingInfo) -> RecordingInfo:
        await self._store.put_recording(info)
        return info

    async def _before(self, group: Group, since: int) -> int:
        """Return the offset before the first that arrived at `since` or later.

        Where the server's clock was set back, that may lie before others that arrived earlier.
        """
        after = await self._offset_before(group, since)
        chosen = Selection(since=since, clock="received", upto=after)
        seq = (await self._store.trails(group.slug, chosen)).column("seq")
        return int(seq[0].as_py()) - 1 if len(seq) else after

    async def _last(self, group: Group, until: int) -> int:
        """Return the offset of the last that arrived at `until` or earlier; see `_before`."""
        upto = await self._offset_before(group, until + 1)
        chosen = Selection(until=until, clock="received", after=upto)
        seq = (await self._store.trails(group.slug, chosen)).column("seq")
        return int(seq[-1].as_py()) if len(seq) else upto

    async def _offset_before(self, group: Group, since: int) -> int:
        """Return the newest offset that arrived before `since`, if arrival ascends with offsets."""
        log = group.log
        low, high = log.oldest - 1, log.head  # the answer lies in [low, high]
        while low < high:
            middle = (low + high + 1) // 2
            entries = await self._store.read(group.slug, middle - 1, 1)
            if not entries or entries[0].item.received >= since:
                high = middle - 1
            else:
                low = min(entries[0].offset, high)
        return low


def _check_span(since: int | None, until: int | None, now: int) -> None:
    """Refuse moments of a new recording that lie ahead, or the wrong way round."""
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment > now:
            raise InvalidInput(f"{name} {moment} lies in the future", field=name)
    if until is not None and (since is None or until <= since):
        what = "goes with since" if since is None else f"is not after since {since}"
        raise InvalidInput(f"until {until} {what}", field="until")


def recording_json(
    info: RecordingInfo, now: int, interruptions: Sequence[dict[str, int]] = ()
) -> dict[str, Any]:
    """Return a recording as the API gives it; interruptions: see `Recordings.interruptions`."""
    return {
        **asdict(info),
        "group": info.log if info.kind == "group" else None,
        "state": info.state(now),
        "interruptions": list(interruptions),
    }


def _new_id() -> str:
    return "r" + "".join(secrets.choice(_LETTERS) for _ in range(9))


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= MAX_NAME or not name.isprintable():
        raise InvalidInput(f"name {name!r} is not 1-{MAX_NAME} printable characters", field="name")
    return name.strip()


def _checked_description(text: object) -> str:
    if not isinstance(text, str) or len(text) > MAX_DESCRIPTION:
        raise InvalidInput(
            f"description is not text of at most {MAX_DESCRIPTION} characters", field="description"
        )
    return text
