"""What a STOMP destination names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from locshare_ext.broker.access import PUBLISH, Principal, require
from locshare_ext.broker.queues import check_queue
from locshare_ext.broker.topics import check_name, is_pattern
from locshare_ext.errors import AccessDenied, InvalidInput
from locshare_ext.model.names import events_topic, group_slug, group_topic

__all__ = ["Destination", "parse_destination", "send_target"]

_RESERVED = ("group", "replay")


@dataclass(frozen=True, slots=True)
class Destination:
    """kind: fixes or events of the group `name`; the free topic, queue or replay `name`.

    text: the destination as MESSAGEs carry it.
    """

    kind: Literal["fixes", "events", "free", "queue", "replay"]
    name: str
    text: str


def parse_destination(text: str) -> Destination:
    """Read a destination; any spelling of a group's name is the same group.

    Raises InvalidInput for what cannot be one.
    """
    if text.startswith("/queue/"):
        return Destination("queue", check_queue(text.removeprefix("/queue/")), text)
    if not text.startswith("/topic/"):
        raise InvalidInput(
            f"destination {text[:80]!r} is unknown; expected /topic/group.NAME, "
            "/topic/group.NAME.events, /topic/... or /queue/...",
            code="destination_unknown",
            field="destination",
        )
    name = text.removeprefix("/topic/")
    first, dot, rest = name.partition(".")
    if first.casefold() not in _RESERVED:
        return Destination("free", check_name(name), f"/topic/{name}")
    if first.casefold() == "replay":
        return Destination("replay", rest, f"/topic/replay.{rest}")
    if not dot or is_pattern(rest):
        raise InvalidInput(
            f"destination {text[:80]!r} names no single group; wildcards never match groups",
            code="destination_invalid",
            field="destination",
        )
    if rest.endswith(".events"):
        slug = group_slug(rest.removesuffix(".events"))
        return Destination("events", slug, events_topic(slug))
    slug = group_slug(rest)
    return Destination("fixes", slug, group_topic(slug))


def send_target(principal: Principal, text: str) -> Destination:
    """Return where a SEND goes; raises AccessDenied when `principal` may not send there."""
    target = parse_destination(text)
    if target.kind == "events":
        raise AccessDenied(
            f"{target.text} is written by the server; send fixes to /topic/group.{target.name}",
            code="read_only",
            field="destination",
        )
    if target.kind == "replay":
        raise AccessDenied(
            "a replay takes no fixes; send them to /topic/group.NAME", code="read_only", field="destination"
        )
    require(principal, target.name if target.kind == "fixes" else None, PUBLISH)
    return target
