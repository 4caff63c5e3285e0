"""What the headers of SUBSCRIBE ask for that only STOMP has."""

from __future__ import annotations

from collections.abc import Mapping

from locshare_ext.errors import InvalidInput

__all__ = ["read_durable_name", "read_prefetch", "refuse_group_headers"]

MAX_DURABLE_NAME = 64  # characters

_OF_GROUPS = ("after", "last", "batch", "conflate", "members", "durable-name")


def read_prefetch(headers: Mapping[str, str], default: int, most: int) -> int:
    """Return how many MESSAGEs may wait for an ACK; raises InvalidInput."""
    value = headers.get("prefetch-count")
    if value is None:
        return min(default, most)
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value[:9]) <= most:
        raise InvalidInput(f"prefetch-count {value[:40]!r} is not 1-{most} messages", field="prefetch-count")
    return int(value)


def refuse_group_headers(headers: Mapping[str, str], destination: str) -> None:
    """Raise InvalidInput for a header that means something to a group's topic only."""
    for name in _OF_GROUPS:
        if name in headers:
            raise InvalidInput(
                f"{name} is for /topic/group.NAME; {destination[:80]} keeps nothing to choose from",
                code="header_not_allowed",
                field=name,
            )


def read_durable_name(headers: Mapping[str, str]) -> str | None:
    """Return under which name the place is remembered, None for not; raises InvalidInput."""
    name = headers.get("durable-name")
    if name is None:
        return None
    if not 1 <= len(name) <= MAX_DURABLE_NAME or not name.isprintable() or "/" in name:
        raise InvalidInput(
            f"durable-name {name[:80]!r} is not 1-{MAX_DURABLE_NAME} printable characters without `/`",
            field="durable-name",
        )
    if headers.get("ack", "auto") == "auto":
        raise InvalidInput(
            "durable-name needs ack:client or ack:client-individual: with ack:auto nothing is "
            "acknowledged, so there is no place to remember",
            code="durable_needs_ack",
            field="durable-name",
        )
    return name
