"""A group's past and present as DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from locshare_ext.client.analysed import Analysed
from locshare_ext.client.attached import Attached, warn_unknown
from locshare_ext.client.columns import table_from_fixes
from locshare_ext.client.events import read_events
from locshare_ext.client.incoming import seq_of
from locshare_ext.client.origin import ServerOrigin, ages_of, choose, frame_at, frame_of, members_frame
from locshare_ext.client.times import ms_from, now_ms
from locshare_ext.errors import NotFound
from locshare_ext.model.clock import check_clock
from locshare_ext.model.fix import Fix

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.model.event import Event

__all__ = ["Framed"]


class Framed(Attached, Analysed):
    """What the server has of a group, asked for each time."""

    def trails(
        self,
        *,
        last: str | timedelta | None = None,
        since: Any = None,
        until: Any = None,
        clock: str = "time",
        members: str | Sequence[str] | None = None,
        trip_gap: str | timedelta | None = None,
        extra: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return the trail frame: one row per fix, sorted by time, member and order of arrival.

        last: a span until now, such as "2h". since, until: moments, both included, on `clock`
        ("time": as it was; "received": as it was known). trip_gap: the silence that ends a
        trip, 30 min if not given. extra: keys of `extra` that become columns.
        """
        choice = choose(last=last, since=since, until=until, clock=clock, members=members, tz=self._tz)
        origin = ServerOrigin(self._api, self._name)
        try:
            return frame_of(origin, choice, trip_gap=trip_gap, extra=extra)
        except NotFound as error:
            warn_unknown(error)
            from locshare_ext.formats.frame import empty_frame

            return empty_frame(group=self._name, extra=extra)

    def latest(self) -> pd.DataFrame:
        """Return each member's newest fix with `age`, `heard_age` (timedelta) and `state`.

        state: live, stale or lost by the age of the position. Ages are by the server's clock.
        """
        from locshare_ext.formats.frame import frame_from_arrow
        from locshare_ext.formats.latest import latest_frame

        about = self._about()
        members = about["members"]
        fixes = sorted((msgspec.convert(one["fix"], Fix) for one in members), key=seq_of)
        frame = frame_from_arrow(table_from_fixes(fixes), group=self._name)
        now = _server_now(members)
        heard = {one["member"]: now - one["heard_age"] for one in members}
        return latest_frame(frame, now, heard=heard, **ages_of(about["settings"]))

    def at(self, t: Any, *, clock: str = "time", members: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Return where everyone was at `t`, as `latest()` would have.

        clock: "time" by what was measured until then; "received" by what had arrived then.
        """
        moment = ms_from(t, tz=self._tz, field="t")
        about = self._about()
        wanted = choose(members=members).members
        origin = ServerOrigin(self._api, self._name)
        try:
            return frame_at(origin, moment, check_clock(clock), wanted, ages_of(about["settings"]))
        except NotFound:
            return frame_at(origin, moment, check_clock(clock), (), {})  # nobody is in an unknown group

    def members(self) -> pd.DataFrame:
        """Return one row per member: how many fixes, the newest one, how old it is."""
        return members_frame(self.latest(), self._about(is_warning=False)["counts"])

    def events(self) -> pd.DataFrame:
        """Return what is on the group's log besides fixes: notes, alerts, joins, gaps."""
        from locshare_ext.client.events import events_frame

        try:
            return events_frame(read_events(self._api, self._name))
        except NotFound as error:
            warn_unknown(error)
            return events_frame([])

    def events_after(self, cursor: str | None) -> tuple[list[Event], str]:
        """Return the events after a cursor (None: all), and the cursor behind them."""
        from locshare_ext.client.events import read_events_after

        try:
            return read_events_after(self._api, self._name, cursor or "start")
        except NotFound:
            return [], "start"

    def _beside(self) -> Mapping[str, Any]:
        from locshare_ext.client.asides import asides_for_file

        events = read_events(self._api, self._name)
        return {"name": self.title, "events": tuple(events), "set_aside": asides_for_file(self._asides)}

    def _asides(self) -> Sequence[Mapping[str, Any]]:
        from locshare_ext.client.asides import read_asides

        try:
            return read_asides(self._api, self._name)
        except NotFound as error:
            warn_unknown(error)
            return ()


def _server_now(members: list[dict[str, Any]]) -> int:
    """Return the server's clock in ms, as its ages imply it."""
    moments = [msgspec.convert(one["fix"], Fix).effective_time + int(one["age"]) for one in members]
    return max(moments, default=now_ms())
