"""What is on a group's log besides fixes, as a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from locshare_ext.client.http import Api, path_of
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.event import KINDS, Event

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["events_frame", "read_events", "read_events_after", "read_recording_events"]

PAGE = 1000  # events of one answer


def read_events(api: Api, group: str) -> list[Event]:
    """Return a group's events, in order of arrival; raises NotFound for an unknown group."""
    return read_events_after(api, group, "start")[0]


def read_events_after(api: Api, group: str, after: str) -> tuple[list[Event], str]:
    """Return a group's events after a cursor, and the cursor behind them; raises NotFound."""
    return _read_after(api, path_of("groups", group, "events"), {"format": "json"}, after)


def read_recording_events(api: Api, info: Mapping[str, Any]) -> list[Event]:
    """Return the events of a recording that the server describes by `info`."""
    return _read_after(api, path_of("recordings", str(info["id"]), "events"), {}, "start")[0]


def _read_after(api: Api, path: str, query: Mapping[str, Any], after: str) -> tuple[list[Event], str]:
    events: list[Event] = []
    while True:
        answer = api.get(path, {**query, "after": after, "limit": PAGE})
        page = msgspec.convert(answer["events"], list[Event])
        events += page
        after = answer["cursor"]
        if len(page) < PAGE:
            return events, after


def events_frame(events: Sequence[Event]) -> pd.DataFrame:
    """Return one row per event: seq, kind, time, received, member, text, data (JSON)."""
    import numpy as np
    import pandas as pd

    from locshare_ext.formats.frame import STR, category, utc_times

    def text(values: list[str | None]) -> Any:
        return pd.array(values, dtype=STR)

    seqs = [_offset(event) for event in events]
    kinds = np.array([KINDS.index(event.kind) for event in events], dtype=np.int8)
    data = [msgspec.json.encode(event.data).decode() if event.data else None for event in events]
    return pd.DataFrame(
        {
            "seq": np.array(seqs, dtype=np.int64),
            "kind": category(kinds, KINDS),
            "time": utc_times(np.array([event.time for event in events], dtype=np.int64)),
            "received": utc_times(np.array([event.received for event in events], dtype=np.int64)),
            "member": text([event.member for event in events]),
            "text": text([event.text for event in events]),
            "data": text(data),
        }
    )


def _offset(event: Event) -> int:
    """Return an event's place in its log; 0 for one of a file, which keeps none."""
    return 0 if event.cursor is None else Cursor.parse(event.cursor).offset
