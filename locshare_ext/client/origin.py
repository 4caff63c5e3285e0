"""Where trails come from, a server or a table, and the frames made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Protocol

from locshare_ext.client.http import Api, path_of
from locshare_ext.client.times import ms_from, now_ms
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock, check_clock
from locshare_ext.model.names import fold, join_names
from locshare_ext.model.spans import span_ms
from locshare_ext.model.trail import HEARD, arrow_schema, with_heard

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

    def newest(self, moment: int, clock: Clock, members: Sequence[str] | None) -> pa.Table:
        """Return of these members at least each one's newest fix as of a moment (ms).

        With a column `heard` (`trail.HEARD`) where it is not all fixes until then.
        """


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
        return self._ask(params, choice.members)

    def newest(self, moment: int, clock: Clock, members: Sequence[str] | None) -> pa.Table:
        """Ask the server for one fix per member; raises NotFound as `table` does."""
        if members is not None and not members:
            return with_heard(arrow_schema().empty_table(), [])
        return self._ask({"at": moment, "clock": clock}, members)

    def _ask(self, params: dict[str, Any], members: Sequence[str] | None) -> pa.Table:
        if members is not None:
            params["members"] = join_names(members)
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

    def newest(self, moment: int, clock: Clock, members: Sequence[str] | None) -> pa.Table:
        """Return all rows until a moment."""
        return self.table(Choice(None, moment, clock, None if members is None else tuple(members)))


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
        if not isinstance(members, Iterable):
            raise InvalidInput(f"members {members!r} is no name, and no list of names", field="members")
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

    members: who is asked for; None: all there are. ages: `stale` and `lost` in ms.
    """
    from locshare_ext.formats.frame import frame_from_arrow
    from locshare_ext.formats.latest import latest_frame

    table = origin.newest(moment, clock, members)
    heard = None
    if HEARD in table.column_names:
        names = table.column("member").cast("string").to_pylist()
        heard = dict(zip(names, table.column(HEARD).to_pylist(), strict=True))
    frame = frame_from_arrow(table, group=origin.group, recording=origin.recording)
    return latest_frame(frame, moment, heard=heard, **ages)


def members_frame(latest: pd.DataFrame, counts: Mapping[str, int]) -> pd.DataFrame:
    """Return one row per member: how many fixes, by `counts`, the newest one, how old it is."""
    fixes = [int(counts.get(name, 0)) for name in latest["member"].astype(str)]
    latest["fixes"] = fixes
    latest["fixes"] = latest["fixes"].astype("int64")
    return latest[[*_MEMBER_COLUMNS]]


def ages_of(settings: Mapping[str, Any]) -> dict[str, int]:
    """Return a group's ages for stale and lost in ms; settings are in seconds."""
    return {name: int(settings[name] * 1000) for name in ("stale", "lost") if settings.get(name)}


def _only(table: pa.Table, members: Iterable[str]) -> pa.Table:
    """Return the rows of members, whose names are the same in any case, as on a server."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = {fold(name) for name in members}
    names = [name for name in table.column("member").unique().to_pylist() if fold(name) in wanted]
    return table.filter(
        pc.is_in(table.column("member").cast(pa.utf8()), value_set=pa.array(names, pa.utf8()))
    )


def end_of(table: pa.Table) -> int:
    """Return the newest moment of either clock in ms; now for an empty table."""
    import pyarrow.compute as pc

    if not table.num_rows:
        return now_ms()
    return int(max(pc.max(table.column("time")).as_py(), pc.max(table.column("received")).as_py()))
