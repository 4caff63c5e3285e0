"""A group as a notebook has it: live fixes, trails as frames, publishing, recordings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from locshare_ext.client import simulating
from locshare_ext.client.attached import warn_unknown
from locshare_ext.client.framed import Framed
from locshare_ext.client.http import path_of
from locshare_ext.client.publish import (
    Published,
    publish_one,
    publish_rows,
    rows_of_fixes,
    rows_of_frame,
)
from locshare_ext.client.reach import Reachable
from locshare_ext.client.recording import Recording
from locshare_ext.client.replay import Replay
from locshare_ext.client.ruled import Ruled
from locshare_ext.client.times import ms_from
from locshare_ext.errors import AccessDenied, InvalidInput, NotFound
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Group"]


class Group(Ruled, Reachable, Framed):
    """A group of members who share their locations, on the notebook's server or another.

    name_or_link: the group's name; or a link `http(s)://.../locshare/#t=TOKEN&g=GROUP` to
    another server. me: the member as whom `publish` speaks (default: the OS user).
    server, token: another server's address and credential. tz: the zone of times that have
    none, such as "Europe/Paris"; without it they are refused. transport: what to watch by,
    `stomp`, `sse` or `long polling`; `auto` goes from one to the next where one is blocked, and
    back. It is of the group in this kernel: not said, it stays as it was, `auto` at first
    (or as LOCSHARE_TRANSPORT says).

    A link with an invite allows what the invite does, and publishes as its member; with an
    open one `me` is the name to publish as, which must be free.

    Making it again is cheap: groups of one name share one connection, which is opened when
    something live is asked for. Any thread may use it. Raises ServerNotFound, InvalidName.
    """

    # writing

    @overload
    def publish(self, fixes: pd.DataFrame | Sequence[Mapping[str, Any] | Fix]) -> Published: ...

    @overload
    def publish(self, *, lat: float, lon: float, time: Any = ..., **values: Any) -> Published: ...

    def publish(self, fixes: Any = None, **values: Any) -> Published:
        """Publish one fix (`lat=`, `lon=`, and any of its other fields), or a frame of fixes.

        time is now if not given, member is `me`. A frame has the columns of a trail frame or
        of a fix; NaN is unknown; its good rows are stored, the others are told in
        `set_aside` with row, field and value. A list of `Fix` or of dicts does as well.
        What is published again is stored once. Raises InvalidFix when nothing was good.
        """
        if values and fixes is not None:
            raise InvalidInput(
                f"publish takes a frame or the fields of one fix, not both: {', '.join(values)}"
            )
        me, only = self._speaker()
        if fixes is None:
            if not values:
                raise InvalidInput("publish wants lat= and lon=, or a DataFrame")
            _check_all_of([values], only)
            return publish_one(self._api, self._name, values, member=me, tz=self._tz)
        if isinstance(fixes, Fix | Mapping):
            fixes = [fixes]
        if hasattr(fixes, "columns") and hasattr(fixes, "index"):
            rows = rows_of_frame(fixes, member=me, tz=self._tz)
        elif isinstance(fixes, Sequence) and not isinstance(fixes, str | bytes):
            rows = rows_of_fixes(fixes, member=me, tz=self._tz)
        else:
            raise InvalidInput(f"publish takes a DataFrame or a list of fixes, got {type(fixes).__name__}")
        _check_all_of(rows.fixes, only)
        return publish_rows(self._api, self._name, rows)

    def _speaker(self) -> tuple[str, str | None]:
        """Return as whom to publish, and the only one as whom we may, None if we may as anybody."""
        who = self._who()
        if who is not None and who.is_open:
            raise AccessDenied(
                'this invite is for several people: say who you are, Group(link, me="ann"), to publish',
                code="member_needed",
                field="me",
            )
        return self.me, None if who is None else who.speaks_for

    @overload
    def simulate(
        self, *, minutes: float, members: int = ..., seed: int = ..., center: tuple[float, float] | None = ...
    ) -> Published: ...

    @overload
    def simulate(
        self,
        *,
        minutes: None = ...,
        members: int = ...,
        seed: int = ...,
        center: tuple[float, float] | None = ...,
    ) -> simulating.Simulation: ...

    def simulate(
        self,
        *,
        minutes: float | None = None,
        members: int = 8,
        seed: int = 1,
        center: tuple[float, float] | None = None,
    ) -> Published | simulating.Simulation:
        """Publish a made-up group of walkers, cyclists and a bus: live, or its last `minutes` at once.

        Live it goes on until `stop()` of what is returned; running it again replaces it.
        seed: another number, another group. center: (lat, lon), Seoul if not given.
        """
        options: dict[str, Any] = {"members": members, "seed": seed, "centre": center}
        if minutes is not None:
            return simulating.publish_past(self.publish, minutes, **options)
        return simulating.start(self._key, self.publish, self._title, **options)

    # recordings

    def record(self, name: str, *, since: Any = None, until: Any = None, description: str = "") -> Recording:
        """Begin to keep the group's fixes under a name, until `stop()`.

        since: a moment in the past from which on they are kept, as far as the server has them.
        until: with since, where it ends already. A group that nobody has shared in yet begins
        with it. Raises InvalidInput for moments ahead or the wrong way round.
        """
        body: dict[str, Any] = {"group": self._title, "name": name}
        for field, moment in (("since", since), ("until", until)):
            if moment is not None:
                body[field] = ms_from(moment, tz=self._tz, field=field)
        if description:
            body["description"] = description
        return Recording.begin(self._api, body, tz=self._tz)

    def replays(self) -> list[Replay]:
        """Return the replays of the group's recordings that are under way on the server."""
        found = self._api.get(path_of("replays"), {"group": self._name})["replays"]
        return [Replay(self._api, info, tz=self._tz) for info in found]

    def recordings(self) -> list[Recording]:
        """Return the group's recordings, by time of creation."""
        try:
            answer = self._api.get(path_of("recordings"), {"group": self._name})
        except NotFound as error:
            warn_unknown(error)
            return []
        return [Recording.of_server(self._api, info, tz=self._tz) for info in answer["recordings"]]


def _check_all_of(fixes: Iterable[Mapping[str, Any]], member: str | None) -> None:
    """Raise AccessDenied if a fix is another member's: the server would take it for `member`'s."""
    if member is None:
        return
    for fix in fixes:
        other = fix.get("member")
        if isinstance(other, str) and fold(other) != fold(member):
            raise AccessDenied(
                f"there is a fix of {other[:64]!r}, and this invite publishes as {member!r} only",
                code="member_other",
                field="member",
            )
