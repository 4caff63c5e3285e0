"""What was refused, as a frame, as numbers, and as a file's table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from locshare_ext.client.http import Api, path_of
from locshare_ext.errors import AccessDenied

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.formats.rows import SetAside

__all__ = [
    "asides_for_file",
    "asides_frame",
    "asides_of_file",
    "counts_of",
    "read_asides",
    "read_recording_asides",
]

PAGE = 1000  # of one answer
Asides = Sequence[Mapping[str, Any]]


def read_asides(
    api: Api, group: str, *, since: int | None = None, until: int | None = None
) -> list[Mapping[str, Any]]:
    """Return what was refused of a group from `since` to `until` (ms, when it came).

    Raises NotFound for an unknown group, AccessDenied without the role manage.
    """
    found: list[Mapping[str, Any]] = []
    bounds = {name: at for name, at in (("since", since), ("until", until)) if at is not None}
    while True:
        query = {**bounds, "limit": PAGE, "after": found[-1]["id"] if found else 0}
        page = api.get(path_of("groups", group, "set-aside"), query)["set_aside"]
        found += page
        if len(page) < PAGE:
            return found


def read_recording_asides(api: Api, info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what was refused while a recording ran; an import has none."""
    if info["kind"] != "group":
        return []
    return read_asides(api, str(info["log"]), since=info["since"], until=info["until"])


def asides_frame(asides: Asides) -> pd.DataFrame:
    """Return one row per fix that was refused; see `Analysed.set_aside`."""
    import numpy as np
    import pandas as pd

    from locshare_ext.formats.frame import STR

    def text(values: list[str | None]) -> Any:
        return pd.array(values, dtype=STR)

    moments = [one.get("received") for one in asides]
    received = pd.to_datetime(pd.array(moments, dtype="Int64"), unit="ms", utc=True)
    return pd.DataFrame(
        {
            "id": np.array([one["id"] for one in asides], dtype=np.int64),
            "received": received.as_unit("ns"),
            "member": text([one.get("member") for one in asides]),
            "credential": text([one.get("credential") for one in asides]),
            **{
                name: text([one["error"].get(name) for one in asides])
                for name in ("code", "message", "field")
            },
            "raw": text([one["raw"] for one in asides]),
        }
    )


def counts_of(read: Callable[[], Asides]) -> Mapping[str, int] | None:
    """Return how many each member has; None where this credential may not know, or nobody said whose."""
    try:
        asides = read()
    except AccessDenied:
        return None
    counts = Counter(one["member"] for one in asides if "member" in one)
    return counts if counts or not asides else None


def asides_for_file(read: Callable[[], Asides]) -> list[SetAside]:
    """Return a file's table of them: with all that is known but who sent it; none where one may not know."""
    from locshare_ext.formats.asides import rows_of_asides

    try:
        return rows_of_asides(read())
    except AccessDenied:
        return []


def asides_of_file(rows: Sequence[SetAside]) -> list[Mapping[str, Any]]:
    """Return what `asides_for_file` put into a file; of another's line, reason and text."""
    return [
        _told(row.raw) or {"id": row.line, "error": {"message": row.reason}, "raw": row.raw} for row in rows
    ]


def _told(text: str) -> Mapping[str, Any] | None:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not _KINDS.items() <= {n: type(v) for n, v in told.items()}.items():
        return None
    known = {name: value for name, value in told.items() if name in _KINDS}
    error = {name: value for name, value in told["error"].items() if isinstance(value, str)}
    if isinstance(told.get("member"), str):
        known["member"] = told["member"]
    return {**known, "error": error}


_KINDS: dict[str, type] = {"id": int, "received": int, "error": dict, "raw": str}
