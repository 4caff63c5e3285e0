"""A group as a notebook has it: live fixes, trails as frames, publishing, recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from locshare_ext.client import simulating
from locshare_ext.client.attached import warn_unknown
from locshare_ext.client.framed import Framed
from locshare_ext.client.http import path_of
from locshare_ext.client.live import Live
from locshare_ext.client.publish import (
    Published,
    publish_one,
    publish_rows,
    rows_of_fixes,
    rows_of_frame,
)
from locshare_ext.client.recording import Recording
from locshare_ext.client.times import ms_from
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.model.fix import Fix

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Group"]


class Group(Live, Framed):
    """A group of members who share their locations, on the notebook's server or another.

    name_or_link: the group's name; or a link `http(s)://.../locshare/#t=TOKEN&g=GROUP` to
    another server. me: the member as whom `publish` speaks (default: the OS user).
    server, token: another server's address and credential. tz: the zone of times that have
    none, such as "Europe/Paris"; without it they are refused.

    Making it again is cheap: groups of one name share one connection, which is opened when
    something live is asked for. Any thread may use it. Raises ServerNotFound, InvalidName.
    """

    def settings(self) -> dict[str, Any]:
        """Return the group's settings as the server has them, such as `stale`, `lost` and `gap` (s).

        Empty for a group that does not exist yet.
        """
        return dict(self._about(is_warning=False)["settings"])

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
        if fixes is None:
            if not values:
                raise InvalidInput("publish wants lat= and lon=, or a DataFrame")
            return publish_one(self._api, self._name, values, member=self._me, tz=self._tz)
        if values:
            raise InvalidInput(
                f"publish takes a frame or the fields of one fix, not both: {', '.join(values)}"
            )
        if isinstance(fixes, Fix | Mapping):
            fixes = [fixes]
        if hasattr(fixes, "columns") and hasattr(fixes, "index"):
            return publish_rows(self._api, self._name, rows_of_frame(fixes, member=self._me, tz=self._tz))
        if isinstance(fixes, Sequence) and not isinstance(fixes, str | bytes):
            return publish_rows(self._api, self._name, rows_of_fixes(fixes, member=self._me, tz=self._tz))
        raise InvalidInput(f"publish takes a DataFrame or a list of fixes, got {type(fixes).__name__}")

    def note(self, text: str, *, at: Any = None, member: str | None = None) -> None:
        """Put a note on the group's timeline, now or at a moment; `events()` has it.

        member: whom it concerns, None for the whole group.
        """
        body: dict[str, Any] = {"text": text}
        if at is not None:
            body["time"] = ms_from(at, tz=self._tz, field="at")
        if member is not None:
            body["member"] = member
        self._api.send("POST", path_of("groups", self._name, "notes"), body)

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

    def record(self, name: str, *, since: Any = None, description: str = "") -> Recording:
        """Begin to keep the group's fixes under a name, until `stop()`.

        since: a moment in the past from which on they are kept, as far as the server has them.
        A group that nobody has shared in yet begins with it.
        """
        body: dict[str, Any] = {"group": self._title, "name": name}
        if since is not None:
            body["since"] = ms_from(since, tz=self._tz, field="since")
        if description:
            body["description"] = description
        return Recording.begin(self._api, body, tz=self._tz)

    def recordings(self) -> list[Recording]:
        """Return the group's recordings, by time of creation."""
        try:
            answer = self._api.get(path_of("recordings"), {"group": self._name})
        except NotFound as error:
            warn_unknown(error)
            return []
        return [Recording.of_server(self._api, info, tz=self._tz) for info in answer["recordings"]]
