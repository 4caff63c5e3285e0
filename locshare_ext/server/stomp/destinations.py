"""What a STOMP destination names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from locshare_ext.broker.topics import check_name, is_pattern
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.model.names import events_topic, group_slug, group_topic

__all__ = ["Destination", "parse_destination"]

_RESERVED = ("group", "replay")


@dataclass(frozen=True, slots=True)
class Destination:
    """kind: fixes or events of the group `name`, or the free topic `name`.

    text: the destination as MESSAGEs carry it.
    """

    kind: Literal["fixes", "events", "free"]
    name: str
    text: str


def parse_destination(text: str) -> Destination:
    """Read a destination; any spelling of a group's name is the same group.

    Raises InvalidInput for what cannot be one, NotFound for what is not there (yet).
    """
    if text.startswith("/queue/"):
        raise _not_yet("queues (/queue/...)")
    if not text.startswith("/topic/"):
        raise InvalidInput(
            f"destination {text[:80]!r} is unknown; expected /topic/group.NAME, "
            "/topic/group.NAME.events or /topic/...",
            code="destination_unknown",
            field="destination",
        )
    name = text.removeprefix("/topic/")
    first, dot, rest = name.partition(".")
    if first.casefold() not in _RESERVED:
        return Destination("free", check_name(name), f"/topic/{name}")
    if first.casefold() == "replay":
        raise NotFound(f"replay {rest[:64]!r} does not exist", code="replay_not_found", field="destination")
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


def _not_yet(what: str) -> InvalidInput:
    return InvalidInput(f"{what} are not supported yet", code="not_supported", field="destination")
