"""What was refused, as a frame, as numbers, and as a file's table."""

from __future__ import annotations

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
    bounds = {name: at for name, at in (("since", since), ("until", until)) if at is not None}
    return _read(api, path_of("groups", group, "set-aside"), bounds)


def read_recording_asides(api: Api, info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what was refused while a recording ran, or of the file that it was imported from."""
    return _read(api, path_of("recordings", str(info["id"]), "set-aside"), {})


def _read(api: Api, path: str, bounds: Mapping[str, int]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    while True:
        query = {**bounds, "limit": PAGE, "after": found[-1]["id"] if found else 0}
        page = api.get(path, query)["set_aside"]
        found += page
        if len(page) < PAGE:
            return found


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
