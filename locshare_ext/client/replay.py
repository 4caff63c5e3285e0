"""A replay that a server gives out to all who follow it: steered from here, followed like a group."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from locshare_ext.client import registry
from locshare_ext.client.among import Among
from locshare_ext.client.attach import where
from locshare_ext.client.discovery import is_link, parse_link
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.live import Live
from locshare_ext.client.playhead import Playhead
from locshare_ext.client.replayfeed import ReplayFeed, playhead_of
from locshare_ext.client.times import check_zone, ms_from
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.model.clock import Clock, check_clock, datetime_from_ms
from locshare_ext.model.names import replay_of
from locshare_ext.model.replay import check_shared_speed

if TYPE_CHECKING:
    from locshare_ext.client.recording import Recording

__all__ = ["Replay", "follow_replay"]


class Replay(Live):
    """A replay on a server, from `Recording.replay`, `Group.replays` or `follow_replay`.

    Whoever follows it sees the same fixes at the same playhead; whoever may manage its group
    steers it for all. `on_fix`, `on_discontinuity`, `clock` and `GroupMap(replay)` are as on a group;
    fixes come as they were recorded. Any thread may use it. It ends by `stop`, with its
    recording, or when nobody has followed it for a while.
    """

    _has_past = False  # what it gave out is numbered by its own log, and cursors are the recording's

    def __init__(self, api: Api, info: Mapping[str, Any], *, tz: tzinfo | None = None) -> None:
        self._api = api
        self._info = dict(info)
        self._recording: Recording | None = None
        self._tz = tz
        self._me, self._identity = None, None
        self._name = self._title = f"replay.{info['id']}"
        self._key = (self._name, api.server.url, api.server.token or "")
        registry.renew(self._key)
        registry.hold(self, self._key)

    def __repr__(self) -> str:
        return f"Replay({self.id!r}, server={self._api.server.url!r})"

    @property
    def id(self) -> str:
        """Its id; others follow it by `follow_replay(id)` or on `topic`."""
        return str(self._info["id"])

    @property
    def topic(self) -> str:
        """Its STOMP destination."""
        return str(self._info["topic"])

    @property
    def info(self) -> dict[str, Any]:
        """What the server says of it now: state, playhead and ends in ms, how many fixes, watchers.

        Raises NotFound when it has ended.
        """
        self._learn(self._api.get(self._path_of()))
        return dict(self._info)

    @property
    def recording(self) -> Recording:
        """The recording that is replayed. Raises NotFound when it was deleted."""
        if self._recording is None:
            from locshare_ext.client.recording import Recording

            info = self._api.get(path_of("recordings", str(self._info["recording"])))
            self._recording = Recording.of_server(self._api, info, tz=self._tz)
        return self._recording

    @property
    def members(self) -> list[str] | None:
        """Whose fixes it gives out; None for all."""
        names = self._info.get("members")
        return None if names is None else list(names)

    @property
    def drawn(self) -> Recording | Among:
        """What a map of it draws: its recording, as far as its members go. Raises NotFound."""
        return self.recording if self.members is None else Among(self.recording, self.members)

    @property
    def clock_name(self) -> Clock:
        """Whose order it goes by: `time` or `received`."""
        return check_clock(self._info["clock"])

    # where it is

    @property
    def clock(self) -> datetime:
        """The moment of what is seen: in a callback that of its fix, else the playhead."""
        feed = registry.existing(self._key)
        if isinstance(feed, ReplayFeed) and feed.playhead is not None:
            return datetime_from_ms(feed.clock)
        return datetime_from_ms(int(self.playhead().moment_at(time.monotonic())))

    def playhead(self) -> Playhead:
        """Return where it is and how it moves on, by what was heard last; asks if it is not followed."""
        feed = registry.existing(self._key)
        if isinstance(feed, ReplayFeed) and feed.playhead is not None:
            return feed.playhead
        info = self.info
        return playhead_of(info, time.monotonic() - info["now"] / 1000, (info["begin"], info["end"]))

    def watch(self, call: Callable[[Playhead], None]) -> Callable[[], None]:
        """Have a quick function told of each change and every second; returns what ends that."""
        feed = self._feed()
        assert isinstance(feed, ReplayFeed)  # noqa: S101 -- by its name
        feed.start()
        return feed.watch(call)

    def watch_play(self, call: Callable[[Playhead], None]) -> Callable[[], None]:
        """Do as `watch`; the name that maps know of recordings, too."""
        return self.watch(call)

    # how it is steered; whoever follows it follows

    def pause(self) -> None:
        """Hold the playhead where it is."""
        self.steer(paused=True)

    def resume(self) -> None:
        """Go on from where it was held."""
        self.steer(paused=False)

    def seek(self, moment: Any) -> None:
        """Go to a moment; held or not as before. Raises InvalidInput outside."""
        self.steer(at=ms_from(moment, tz=self._tz, field="moment"))

    def step(self, count: int = 1, *, member: str | None = None) -> None:
        """Give out the next `count` fixes, or all up to a member's next, and hold there."""
        if member is not None and count != 1:
            raise InvalidInput("step goes to one next fix of a member", field="count")
        self.steer(step=count, member=member)

    @property
    def speed(self) -> float:
        """Times as fast as it was, 0.1 to 1000; may be set."""
        return self.playhead().speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self.steer(speed=check_shared_speed(speed))

    @property
    def loop(self) -> bool:
        """Whether it begins again at the end; may be set."""
        return self.playhead().is_looping

    @loop.setter
    def loop(self, loop: bool) -> None:
        self.steer(loop=bool(loop))

    def stop(self) -> None:
        """End it for all; no error if it has ended."""
        try:
            self._api.send("DELETE", self._path_of())
        except NotFound as error:
            if error.code != "replay_not_found":
                raise

    def steer(self, **steering: Any) -> None:
        """Do several of these at once, or none: at (ms), paused, speed, loop, step.

        Raises InvalidInput, AccessDenied, NotFound when it has ended.
        """
        self._learn(self._api.send("PATCH", self._path_of(), steering))

    def _learn(self, said: Mapping[str, Any]) -> None:
        self._info.update(said)

    def _path_of(self) -> str:
        return path_of("replays", self.id)


def follow_replay(
    replay: str, *, server: str | None = None, token: str | None = None, tz: str | tzinfo | None = None
) -> Replay:
    """Return a replay that somebody began, by its id, its topic, or a link that ends with `g=replay.ID`.

    server, token, tz: as of a `Group`. Raises NotFound when there is none, ServerNotFound.
    """
    if not isinstance(replay, str):
        raise InvalidInput(f"follow_replay wants a replay's id, got {type(replay).__name__}", field="replay")
    if is_link(replay):
        name = parse_link(replay)[1] or ""
        locate, key, _ = where(replay, server, token)
    else:
        name = replay.strip().removeprefix("/topic/")
        locate, key, _ = where("replay", server, token)  # any name: which server is asked for
    api = registry.api(key, locate)
    info = api.get(path_of("replays", replay_of(name) or name))
    return Replay(api, info, tz=check_zone(tz))
