"""A group as a notebook has it: live fixes, trails as frames, publishing, recordings."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Literal, overload

import msgspec

from locshare_ext.client import registry, simulating
from locshare_ext.client.attach import only_group, os_user, where
from locshare_ext.client.callbacks import FixCallback
from locshare_ext.client.columns import table_from_fixes
from locshare_ext.client.http import path_of
from locshare_ext.client.incoming import seq_of
from locshare_ext.client.origin import ServerOrigin, choose, frame_at, frame_of
from locshare_ext.client.publish import (
    Published,
    publish_one,
    publish_rows,
    rows_of_fixes,
    rows_of_frame,
)
from locshare_ext.client.recording import Recording
from locshare_ext.client.source import FixBatch, SourceStatus
from locshare_ext.client.times import check_zone, ms_from, now_ms
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.model.clock import check_clock, datetime_from_ms
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import group_slug, member_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Group"]

SETTLE_LIMIT = 5.0  # s that `on_fix` waits for the feed to be where "from now on" begins


class Group:
    """A group of members who share their locations, on the notebook's server or another.

    name_or_link: the group's name; or a link `http(s)://.../locshare/#t=TOKEN&g=GROUP` to
    another server. me: the member as whom `publish` speaks (default: the OS user).
    server, token: another server's address and credential. tz: the zone of times that have
    none, such as "Europe/Paris"; without it they are refused.

    Making it again is cheap: groups of one name share one connection, which is opened when
    something live is asked for. Any thread may use it. Raises ServerNotFound, InvalidName.
    """

    def __init__(
        self,
        name_or_link: str,
        *,
        me: str | None = None,
        server: str | None = None,
        token: str | None = None,
        tz: str | tzinfo | None = None,
    ) -> None:
        if not isinstance(name_or_link, str):
            raise InvalidInput(f"Group wants a name or a link, got {type(name_or_link).__name__}")
        self._tz = check_zone(tz)
        locate, key, name = where(name_or_link, server, token)
        self._api = registry.api(key, locate)
        title = only_group(self._api) if name is None else name
        self._title = unicodedata.normalize("NFKC", title).strip()
        self._name = group_slug(title)
        self._me = os_user() if me is None else member_name(me)
        self._key = (self._name, *key)
        self._is_closed = False
        registry.hold(self, self._key)

    # what it is

    @property
    def name(self) -> str:
        """Its name in destinations and URLs."""
        return self._name

    @property
    def title(self) -> str:
        """What people call it."""
        return self._title

    @property
    def me(self) -> str:
        """The member as whom `publish` speaks."""
        return self._me

    @property
    def server(self) -> str:
        """The server's address, without the credential."""
        return self._api.server.url

    @property
    def tz(self) -> tzinfo | None:
        """The zone of times that have none; None refuses them."""
        return self._tz

    @tz.setter
    def tz(self, tz: str | tzinfo | None) -> None:
        self._tz = check_zone(tz)

    @property
    def is_live(self) -> bool:
        """Always true: fixes may come."""
        return True

    @property
    def clock(self) -> datetime:
        """The moment of what is seen: in a callback when its fix was received, else now."""
        feed = registry.existing(self._key)
        return datetime_from_ms(now_ms() if feed is None else feed.clock)

    def __repr__(self) -> str:
        return f"Group({self._title!r}, server={self._api.server.url!r})"

    def settings(self) -> dict[str, Any]:
        """Return the group's settings as the server has them, such as `stale`, `lost` and `gap` (s).

        Empty for a group that does not exist yet.
        """
        return dict(self._about(is_warning=False)["settings"])

    # live

    @property
    def status(self) -> SourceStatus:
        """How the live feed is; asking starts it, `ready` waits for it."""
        if self._is_closed:
            return SourceStatus("closed", now_ms(), "Closed; Group(...) opens it again.")
        feed = self._feed()
        feed.start()
        return feed.status

    def ready(self, timeout: float = SETTLE_LIMIT) -> SourceStatus:
        """Wait up to `timeout` seconds until the feed is live or cannot be; return its status."""
        feed = self._feed()
        feed.start()
        feed.wait(timeout)
        return feed.status

    def history(self) -> FixBatch:
        """Return the fixes that the feed keeps: the newest 100,000 to 200,000, in order of arrival."""
        return self._feed().columns.history()

    def listen(
        self, on_fixes: Callable[[FixBatch], None], on_status: Callable[[SourceStatus], None]
    ) -> Callable[[], None]:
        """Have batches of new fixes called back on the feed's thread, see `TrailSource.listen`."""
        return self._feed().listen(on_fixes, on_status)

    @overload
    def on_fix(self, call: FixCallback, *, thread: Literal["feed", "main"] = ...) -> FixCallback: ...

    @overload
    def on_fix(
        self, call: None = ..., *, thread: Literal["feed", "main"] = ...
    ) -> Callable[[FixCallback], FixCallback]: ...

    def on_fix(
        self, call: FixCallback | None = None, *, thread: Literal["feed", "main"] = "feed"
    ) -> FixCallback | Callable[[FixCallback], FixCallback]:
        """Call a function with every `Fix` that comes from now on; also as a decorator.

        Callbacks run one at a time on the feed's thread (thread="main": on the notebook's
        event loop, between cells). One of the same module and name is replaced. An
        exception is shown once and counted in `failures`, and the next fix comes as usual.
        """
        if call is None:
            return lambda function: self.on_fix(function, thread=thread)
        feed = self._feed()
        feed.start()
        feed.wait(SETTLE_LIMIT)  # what is published after this line is called back
        feed.callbacks.add(call, thread=thread)
        return call

    def off_fix(self, call: FixCallback) -> None:
        """Stop calling this function, or the one of its name."""
        self._feed().callbacks.remove(call)

    @property
    def failures(self) -> dict[str, int]:
        """How often each callback of `on_fix` has raised, by its name."""
        return self._feed().callbacks.failures()

    def close(self) -> None:
        """End the live feed, its thread and its callbacks, for all `Group`s of this name."""
        self._is_closed = True
        simulating.stop(self._key)
        registry.close(self._key)

    # frames

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
            _warn_unknown(error)
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
        return latest_frame(frame, now, heard=heard, **_ages(about["settings"]))

    def at(self, t: Any, *, clock: str = "time", members: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Return where everyone was at `t`, as `latest()` would have.

        clock: "time" by what was measured until then; "received" by what had arrived then.
        """
        moment = ms_from(t, tz=self._tz, field="t")
        about = self._about()
        wanted = choose(members=members).members or tuple(about["counts"])
        origin = ServerOrigin(self._api, self._name)
        try:
            return frame_at(origin, moment, check_clock(clock), wanted, _ages(about["settings"]))
        except NotFound:
            return self.latest()  # an unknown group: empty, with the same columns

    def members(self) -> pd.DataFrame:
        """Return one row per member: how many fixes, the newest one, how old it is."""
        frame = self.latest()
        counts = self._about(is_warning=False)["counts"]
        frame.insert(3, "fixes", [int(counts.get(name, 0)) for name in frame["member"].astype(str)])
        frame["fixes"] = frame["fixes"].astype("int64")
        return frame[[*_MEMBER_COLUMNS]]

    def events(self) -> pd.DataFrame:
        """Return what is on the group's log besides fixes: notes, alerts, joins, gaps."""
        from locshare_ext.client.events import events_frame, read_events

        try:
            return events_frame(read_events(self._api, self._name))
        except NotFound as error:
            _warn_unknown(error)
            return events_frame([])

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
            _warn_unknown(error)
            return []
        return [Recording.of_server(self._api, info, tz=self._tz) for info in answer["recordings"]]

    # behind it

    def _feed(self) -> registry.Feed:
        if self._is_closed:
            raise InvalidInput(f"this Group({self._title!r}) is closed; make a new one", code="group_closed")
        return registry.feed(self._key, self._name, self._api)

    def _about(self, *, is_warning: bool = True) -> dict[str, Any]:
        """Return what the server says of the group; of an unknown one, that nobody is in it."""
        try:
            about: dict[str, Any] = self._api.get(path_of("groups", self._name))
        except NotFound as error:
            if is_warning:
                _warn_unknown(error)
            return {"members": [], "counts": {}, "settings": {}}
        return about


_MEMBER_COLUMNS = (
    *("member", "fixes", "time", "received", "age", "heard_age", "state"),
    *("lat", "lon", "accuracy", "speed", "battery", "source"),
)


def _server_now(members: list[dict[str, Any]]) -> int:
    """Return the server's clock in ms, as its ages imply it."""
    moments = [msgspec.convert(one["fix"], Fix).effective_time + int(one["age"]) for one in members]
    return max(moments, default=now_ms())


def _ages(settings: Mapping[str, Any]) -> dict[str, int]:
    """Return the group's ages for stale and lost in ms (settings are in seconds)."""
    return {name: int(settings[name] * 1000) for name in ("stale", "lost") if settings.get(name)}


def _warn_unknown(error: NotFound) -> None:
    """Say that a group has nobody in it, when its name looks like a slip of another's."""
    if error.code != "group_not_found":
        raise error
    if error.details.get("near"):
        warnings.warn(error.message, stacklevel=4)
