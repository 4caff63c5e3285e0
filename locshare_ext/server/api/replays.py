"""Replays: begin, list, steer, end."""

from __future__ import annotations

from typing import Any

from locshare_ext.broker.access import MANAGE, WATCH
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import check_clock
from locshare_ext.model.names import near_names
from locshare_ext.model.replay import check_max_gap, check_shared_speed
from locshare_ext.server.api.parameters import moment
from locshare_ext.server.api.recordings import find_recording
from locshare_ext.server.base import Handler
from locshare_ext.server.replaying import find_replay
from locshare_ext.services.groups import Group
from locshare_ext.services.replay import Steering, Wish

__all__ = ["MAX_STEP", "ReplayHandler", "ReplaysHandler"]

MAX_STEP = 10_000  # fixes
_WISHES = ("recording", "clock", "speed", "at", "loop", "paused", "members", "into", "record", "max_gap")
_STEERING = ("at", "speed", "loop", "paused", "step", "member")


class ReplaysHandler(Handler):
    """`api/replays`."""

    async def get(self) -> None:
        """List replays: {"replays": [...]}, of all recordings or of a group's."""
        query = self.query("group")
        group = self.require(query["group"], WATCH) if "group" in query else self.require(None, WATCH)
        found = [one for one in self.site.replays.all() if not group or one.group == group]
        self.answer({"replays": [one.as_json() for one in found]})

    async def post(self) -> None:
        """Begin one."""
        self.query()
        sent = _known(self.json_body(), _WISHES)
        recording = sent.get("recording")
        if not isinstance(recording, str):
            raise InvalidInput("recording is missing", code="recording_missing", field="recording")
        info = await find_recording(self, recording, MANAGE)
        wish = Wish(
            clock=_clock(sent.get("clock", "time")),
            speed=check_shared_speed(sent.get("speed", 1.0)),
            at=None if sent.get("at") is None else moment(sent["at"], "at"),
            is_looping=_flag(sent, "loop"),
            is_paused=_flag(sent, "paused"),
            members=_members(sent.get("members")),
            max_gap=check_max_gap(sent.get("max_gap")),
        )
        is_recorded = _flag(sent, "record")
        into = await self._into(sent.get("into"))
        if is_recorded and into is None:
            raise InvalidInput("record is for a replay into a group; `into` is missing", field="record")
        replay = await self.site.replays.create(info, wish, into=into, is_recorded=is_recorded)
        self.audit("replay_started", group=replay.group, target=replay.id)
        self.answer(replay.as_json(), 201)

    async def _into(self, name: object) -> Group | None:
        if name is None:
            return None
        if not isinstance(name, str):
            raise InvalidInput(f"into {name!r} is no group's name", field="into")
        slug = self.require(name, MANAGE)
        return await self.site.groups.find(slug)


class ReplayHandler(Handler):
    """`api/replays/{id}`."""

    async def get(self, replay_id: str) -> None:
        """Give one, with its playhead now."""
        self.query()
        self.answer(find_replay(self.site, self.principal, replay_id, WATCH).as_json())

    async def patch(self, replay_id: str) -> None:
        """Seek, change the speed, pause, go on, loop, step: all of it or nothing."""
        self.query()
        replay = find_replay(self.site, self.principal, replay_id, MANAGE)
        sent = _known(self.json_body(), _STEERING)
        step = sent.get("step")
        if step is not None and (type(step) is not int or not 1 <= step <= MAX_STEP):
            raise InvalidInput(f"step {step!r} is not 1-{MAX_STEP} fixes", field="step")
        member = sent.get("member")
        if member is not None and (step != 1 or not isinstance(member, str)):
            raise InvalidInput("member is a name, and goes with step 1: to their next fix", field="member")
        if step is not None and sent.get("paused") is False:
            raise InvalidInput("step holds the replay; it goes without paused=false", field="paused")
        replay.steer(
            Steering(
                at=None if sent.get("at") is None else moment(sent["at"], "at"),
                speed=None if sent.get("speed") is None else check_shared_speed(sent["speed"]),
                is_paused=None if sent.get("paused") is None else _flag(sent, "paused"),
                is_looping=None if sent.get("loop") is None else _flag(sent, "loop"),
                step=step,
                member=member,
            )
        )
        self.answer(replay.as_json())

    async def delete(self, replay_id: str) -> None:
        """End it; who follows it is told so."""
        self.query()
        replay = find_replay(self.site, self.principal, replay_id, MANAGE)
        await self.site.replays.end(replay)
        self.audit("replay_ended", group=replay.group, target=replay.id)
        self.answer({"deleted": replay.id})


def _known(sent: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    for name in sent:
        if name not in names:
            near = near_names(name[:64], names, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"expected {', '.join(names)}"
            raise InvalidInput(
                f"field {name[:64]!r} is unknown; {hint}", code="unknown_field", field=name[:64]
            )
    return sent


def _flag(sent: dict[str, Any], name: str) -> bool:
    value = sent.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f"{name} {value!r} is not true or false", field=name)
    return bool(value)


def _clock(value: object) -> Any:
    if not isinstance(value, str):
        raise InvalidInput(f"clock {value!r} is unknown; expected 'time' or 'received'", field="clock")
    return check_clock(value)


def _members(value: object) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise InvalidInput("members is not a list of names", field="members")
    return frozenset(value)
