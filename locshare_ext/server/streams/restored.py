"""Where everyone was before a replay's playhead, as an object of the streams that have objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from locshare_ext.broker.tail import LogEntry
from locshare_ext.model.fix import Fix
from locshare_ext.model.mark import Mark

__all__ = ["ages", "batched", "restored"]

_AT_ONCE = 100  # fixes in one object: some clients refuse messages over 64 KiB
_ENCODER = msgspec.json.Encoder()


def ages(entries: Sequence[LogEntry], mark: Mark) -> list[int]:
    """Return how old (ms) each fix is at the playhead."""
    return [
        mark.age((entry.item.time, entry.item.received)) for entry in entries if isinstance(entry.item, Fix)
    ]


def restored(entries: Sequence[LogEntry], mark: Mark) -> bytes:
    """Return an object: `fixes` with their `ages` (ms) at `playhead`."""
    said = {
        "type": "state",
        "state": mark.state,
        "playhead": mark.playhead,
        "clock": mark.clock,
        "ages": ages(entries, mark),
        "fixes": [msgspec.Raw(entry.body) for entry in entries],
    }
    return _ENCODER.encode(said)


def batched(entries: Sequence[LogEntry]) -> Iterator[Sequence[LogEntry]]:
    """Return parts that are small enough for one message."""
    for start in range(0, len(entries), _AT_ONCE):
        yield entries[start : start + _AT_ONCE]
