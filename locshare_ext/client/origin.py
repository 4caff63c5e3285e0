"""Where trails come from, a server or a table, and the frames made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Protocol

from locshare_ext.client.http import Api, path_of
from locshare_ext.client.times import ms_from, now_ms, span_ms
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock, check_clock
from locshare_ext.model.names import join_names
from locshare_ext.model.trail import arrow_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "Choice",
    "Origin",
    "ServerOrigin",
    "TableOrigin",
    "ages_of",
    "choose",
    "end_of",
    "frame_at",
    "frame_of",
    "members_frame",
]

_MEMBER_COLUMNS = (
    *("member", "fixes", "time", "received", "age", "heard_age", "state"),
    *("lat", "lon", "accuracy", "speed", "battery", "source"),
)


# How far back `at` looks first, ms: most members have a fix in the first, and an hour of
# fixes is quickly here. None: all of it.
_WINDOWS: tuple[int | None, ...] = (3_600_000, 86_400_000, None)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which fixes: [since, until] in ms on `clock`, of `members` (None: all)."""

    since: int | None = None
    until: int | None = None
    clock: Clock = "time"
    members: tuple[str, ...] | None = None


class Origin(Protocol):
    """Gives fixes as an Arrow table with the fields of trails, ascending by seq.

    group, recording: what these columns of a frame say. epoch: of the log, once a table
    was given; None if it is not known, as of a file.
    """

    group: str
    recording: str
    epoch: str | None

    def table(self, choice: Choice) -> pa.Table:
        """Return the fixes of a choice."""


class ServerOrigin:
    """A group's trails, or a recording's (by its id), on a server."""

    def __init__(self, api: Api, group: str, *, recording: str = "", recording_id: str | None = None) -> None:
        self.api = api
        self.group = group
        self.recording = recording
        self.epoch: str | None = None
        self._path = (
            path_of("groups", group, "trails")
            if recording_id is None
            else path_of("recordings", recording_id, "trails")
        )

    def table(self, choice: Choice) -> pa.Table:
        """Ask the server; raises NotFound when it does not have this group or recording."""
        if choice.members == ():
            return arrow_schema().empty_table()
        params: dict[str, Any] = {"clock": choice.clock}
        if choice.since is not None:
            params["since"] = choice.since
        if choice.until is not None:
            params["until"] = choice.until
        if choice.members is not None:
            params["members"] = join_names(choice.members)
        table, said = self.api.table(self._path, params)
        self.epoch = said.get("epoch")
        return table


class TableOrigin:
    """Trails that are here already, as of a file."""

    def __init__(self, table: pa.Table, *, group: str, recording: str) -> None:
        self._table = table
        self.group = group
        self.recording = recording
        self.epoch: str | None = None

    def table(self, choice: Choice) -> pa.Table:
        """Return the rows of the table that are chosen."""
        import pyarrow.compute as pc

        table = self._table
        if choice.since is not None:
            table = table.filter(pc.greater_equal(table.column(choice.clock), choice.since))
        if choice.until is not None:
            table = table.filter(pc.less_equal(table.column(choice.clock), choice.until))
        return table if choice.members is None else _only(table, choice.members)


def choose(
    *,
    last: Any = None,
    since: Any = None,
    until: Any = None,
    clock: str = "time",
    members: str | Sequence[str] | None = None,
    tz: tzinfo | None = None,
    end: int | None = None,
) -> Choice:
    """Return the choice that a user's arguments mean; raises InvalidInput for bad ones.

    end: ms, where `last` ends; None is now.
    """
    begin = None if since is None else ms_from(since, tz=tz, field="since")
    stop = None if until is None else ms_from(until, tz=tz, field="until")
    if last is not None:
        if begin is not None or stop is not None:
            raise InvalidInput("last= goes alone: it means since=now - last", field="last")
        begin = (now_ms() if end is None else end) - span_ms(last)
    if begin is not None and stop is not None and begin > stop:
        raise InvalidInput(f"since {since} is after until {until}", field="since")
    if isinstance(members, str):
        members = [members]
    if members is not None:
        members = tuple(members)
        for name in members:
            if not isinstance(name, str):
                raise InvalidInput(f"member {name!r} is no name", field="members")
    return Choice(begin, stop, check_clock(clock), members)


def frame_of(
    origin: Origin,
    choice: Choice,
    *,
    trip_gap: int | timedelta | str | None = None,
    extra: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the trail frame of a choice."""
    from locshare_ext.formats.frame import frame_from_arrow
    from locshare_ext.model.trail import TRIP_GAP

    return frame_from_arrow(
        origin.table(choice),
        group=origin.group,
        recording=origin.recording,
        trip_gap=TRIP_GAP if trip_gap is None else trip_gap,
        extra=extra,
    )


def frame_at(
    origin: Origin, moment: int, clock: Clock, members: Sequence[str] | None, ages: dict[str, int]
) -> pd.DataFrame:
    """Return one row per member, as of `moment` (ms): as it was, or as it was known.

    members: all there may be, None if that is not known; with them only as much of the past is
    asked for as has a fix of each. ages: `stale` and `lost` in ms.
    """
    import pyarrow as pa

    from locshare_ext.formats.frame import frame_from_arrow
    from locshare_ext.formats.latest import at_frame

    tables: list[pa.Table] = []
    missing = None if members is None else tuple(members)
    for window in _WINDOWS if missing else (None,):
        since = None if window is None else moment - window
        table = origin.table(Choice(since, moment, clock, missing))
        if since is None or missing is None:
            tables.append(table)
            break
        found = _settled(table, since)
        tables.append(_only(table, found))
        missing = tuple(name for name in missing if name not in found)
        if not missing:
            break
    table = pa.concat_tables([one.unify_dictionaries() for one in tables]).unify_dictionaries()
    frame = frame_from_arrow(table, group=origin.group, recording=origin.recording)
    return at_frame(frame, moment, clock=clock, **ages)


def members_frame(latest: pd.DataFrame, counts: Mapping[str, int]) -> pd.DataFrame:
    """Return one row per member: how many fixes, by `counts`, the newest one, how old it is."""
    fixes = [int(counts.get(name, 0)) for name in latest["member"].astype(str)]
    latest["fixes"] = fixes
    latest["fixes"] = latest["fixes"].astype("int64")
    return latest[[*_MEMBER_COLUMNS]]


def ages_of(settings: Mapping[str, Any]) -> dict[str, int]:
    """Return a group's ages for stale and lost in ms; settings are in seconds."""
    return {name: int(settings[name] * 1000) for name in ("stale", "lost") if settings.get(name)}


def _settled(table: pa.Table, since: int) -> set[str]:
    """Return the members whose newest fix is surely in this table of what is after `since`.

    What came before `since` is older than `since` by effective time on either clock, so a
    member with an effective time from there on has its newest fix here.
    """
    import pyarrow.compute as pc

    effective = pc.min_element_wise(table.column("time"), table.column("received"))
    return set(table.filter(pc.greater_equal(effective, since)).column("member").unique().to_pylist())


def _only(table: pa.Table, members: Iterable[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    names = table.column("member").cast(pa.utf8())
    return table.filter(pc.is_in(names, value_set=pa.array(sorted(members), pa.utf8())))


def end_of(table: pa.Table) -> int:
    """Return the newest moment of either clock in ms; now for an empty table."""
    import pyarrow.compute as pc

    if not table.num_rows:
        return now_ms()
    return int(max(pc.max(table.column("time")).as_py(), pc.max(table.column("received")).as_py()))
