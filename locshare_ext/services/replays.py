"""The replays of a server: made, found, steered, ended."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from locshare_ext.errors import Conflict, LocShareError, NotFound
from locshare_ext.model.fix import Fix
from locshare_ext.model.replay import check_shared_speed
from locshare_ext.model.sequence import ORIGINAL_TIME
from locshare_ext.model.store import LogStore, RecordingInfo, Selection
from locshare_ext.model.wire import MAX_EXTRA
from locshare_ext.services.groups import Group, Groups
from locshare_ext.services.replay import Emit, Replay, Wish
from locshare_ext.services.windows import span_of

__all__ = ["ReplayOptions", "Replays"]

REPLAY = "replay"  # the source of fixes that a replay puts into a live group
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """most: replays at once. idle: s after which one that nobody watches or steers ends."""

    most: int = 16
    idle: float = 600.0


class Replays:
    """All replays of one server; a companion of groups. clock: ms since 1970 UTC."""

    def __init__(
        self,
        store: LogStore,
        groups: Groups,
        *,
        clock: Callable[[], int],
        log: logging.Logger | logging.LoggerAdapter[Any],
        options: ReplayOptions | None = None,
    ) -> None:
        self.options = options or ReplayOptions()
        self._store, self._groups, self._clock, self._log = store, groups, clock, log
        self._open: dict[str, Replay] = {}
        self._making = 0
        self._tidying: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        groups.companions.append(self)

    def all(self) -> list[Replay]:
        """Return those that are there, in the order that they were made in."""
        return list(self._open.values())

    def get(self, replay_id: str, *, field: str | None = None) -> Replay:
        """Return one; raises NotFound, with the field that names it."""
        replay = self._open.get(replay_id)
        if replay is None:
            raise NotFound(
                f"replay {replay_id[:64]!r} does not exist; it may have ended",
                code="replay_not_found",
                field=field,
            )
        return replay

    async def create(
        self, info: RecordingInfo, wish: Wish, *, into: Group | None = None, is_recorded: bool = False
    ) -> Replay:
        """Begin to replay what a recording has now.

        into: a live group that it goes into as well, with its times moved to now; is_recorded:
        whether that group's log keeps it. Raises InvalidInput, Conflict when there are too many or
        nothing is to be replayed, NotFound.
        """
        check_shared_speed(wish.speed)
        if len(self._open) + self._making >= self.options.most:
            raise Conflict(f"there are {self.options.most} replays already", code="too_many_replays")
        self._making += 1
        try:
            source = await self._store.log(info.log)
            if source is None:
                raise NotFound(f"recording {info.id!r} does not exist", code="recording_not_found")
            part = Selection(
                clock=wish.clock,
                members=wish.members,
                after=info.after,
                upto=source.head,  # what comes later changes nothing that is under way
                recording=info.id,
            )
            span = await span_of(self._store, info.log, part)
            if span is None:
                raise Conflict(f"recording {info.id!r} has no fixes to replay", code="recording_empty")
            replay_id = "p" + "".join(secrets.choice(_LETTERS) for _ in range(9))
            replay = Replay(
                self._store,
                replay_id,
                info,
                source,
                part,
                span,
                wish,
                clock=self._clock,
                on_end=self._on_end,
                emit=None if into is None else self._emitter(into, is_recorded),
            )
        finally:
            self._making -= 1
        self._open[replay_id] = replay
        replay.start()
        self._tidy_later()
        return replay

    async def end(self, replay: Replay, reason: str = "the replay was ended") -> None:
        """End one; its readers are told why."""
        self._open.pop(replay.id, None)
        await replay.end(reason)

    def recording_deleted(self, recording_id: str) -> None:
        """End the replays of a recording that is gone."""
        self._end_those(lambda one: one.info.id == recording_id, "the recording was deleted")

    async def close(self) -> None:
        """End all."""
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None
        for replay in self.all():
            await self.end(replay, "the server is stopping")
        if self._ending:
            await asyncio.wait(self._ending)

    # -- as a companion of groups

    async def knows(self, group: Group, member: str) -> bool:
        """Whether it has something of a member: nothing that the log does not have."""
        return False

    async def forgetting(self, group: Group, member: str) -> None:
        """Give out nothing of a member any more."""
        for replay in self._open.values():
            if replay.info.log == group.slug:
                replay.forget(member)

    def renamed(self, group: Group, member: str, name: str) -> None:
        """A member has another name: what is read from now on has it."""

    def deleted(self, slug: str) -> None:
        """End the replays of a group that is gone."""
        self._end_those(lambda one: one.info.log == slug, "the group was deleted")

    # -- inside

    def _end_those(self, is_meant: Callable[[Replay], bool], reason: str) -> None:
        for replay in self.all():
            if is_meant(replay):
                self._open.pop(replay.id, None)
                task = asyncio.ensure_future(replay.end(reason))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    def _on_end(self, replay: Replay, error: Exception) -> None:
        if isinstance(error, NotFound):
            reason = "the recording was deleted"
        elif isinstance(error, LocShareError):
            reason = error.message
            self._log.warning("replay %s ended: %s", replay.id, error.message)
        else:
            reason = "something went wrong in the server; its log says what"
            self._log.error("replay %s failed", replay.id, exc_info=error)
        self._end_those(lambda one: one is replay, reason)

    def _tidy_later(self) -> None:
        if self._tidying is None and self._open:
            self._tidying = asyncio.get_running_loop().call_later(self.options.idle / 4, self._tidy)

    def _tidy(self) -> None:
        self._tidying = None
        now = asyncio.get_running_loop().time()
        for replay in self._open.values():
            if replay.log.readers or replay.is_emitting:
                replay.used = now
        self._end_those(lambda one: now - one.used >= self.options.idle, "nobody watched the replay")
        self._tidy_later()

    def _emitter(self, group: Group, is_recorded: bool) -> Emit:
        """Return what puts a replay's fixes into a live group."""
        storing: set[asyncio.Future[Any]] = set()

        def emit(fixes: Sequence[Fix], moment: int, speed: float) -> None:
            now = self._clock()
            moved = []
            for fix in fixes:
                try:
                    member = self._groups.member_of(group, fix.member)
                except LocShareError:  # there is no room for it
                    continue
                moved.append(moved_to(fix, member, now, moment, speed))
            if not moved:
                return
            if not is_recorded:
                group.log.offer(moved)
                return
            future = group.log.append_all([moved])
            group.is_stored = True
            storing.add(future)
            future.add_done_callback(stored)

        def stored(future: asyncio.Future[Any]) -> None:
            storing.discard(future)
            if not future.cancelled() and (error := future.exception()) is not None:
                self._log.debug("a replay's fixes were not stored: %s", error)

        return emit


def moved_to(fix: Fix, member: str, now: int, moment: int, speed: float) -> Fix:
    """Return a fix as if it came now: as late after its time as it was, at the replay's speed."""
    extra: dict[str, Any] = {**(fix.extra or {}), ORIGINAL_TIME: fix.time}
    if len(msgspec.json.encode(extra)) > MAX_EXTRA:
        extra = {ORIGINAL_TIME: fix.time}
    return msgspec.structs.replace(
        fix,
        member=member,
        time=now - round((moment - fix.time) / speed),
        received=now,
        source=REPLAY,
        extra=extra,
        cursor=None,
        flags=(),
    )
