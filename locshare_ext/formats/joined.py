"""Several trail frames as one: shared categories, trips that stay unique."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.frame import STR, attrs_of, category, empty_frame, utc_times
from locshare_ext.model.trail import FRAME_COLUMNS, TRIP_GAP

__all__ = ["concat_frames"]

_TEXTS = ("recording", "group", "member", "source")  # categories, besides trip


def concat_frames(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all trail frames as one, sorted by (time, member, seq).

    Plain `pd.concat` turns member into text; here categories are shared. Trips of
    different frames stay different: where two frames have a trip of the same name, all
    trips are numbered anew, each member's by their beginnings. A column that only some
    frames have is missing in the rows of the others. No frame at all: an empty one.
    Raises InvalidInput when one is no trail frame.
    """
    parts = list(frames)
    for number, part in enumerate(parts):
        if missing := [name for name in FRAME_COLUMNS if name not in part.columns]:
            raise InvalidInput(f"frame {number} is no trail frame: it has no column {missing[0]!r}")
    if not parts:
        return empty_frame()
    columns: dict[str, Any] = {name: _category(parts, name) for name in _TEXTS}
    columns["trip"] = _trips(parts)
    for name in FRAME_COLUMNS:
        if name not in columns:
            columns[name] = _values(parts, name)
    for name in dict.fromkeys(name for part in parts for name in part.columns):
        if name not in columns:
            columns[name] = _own_values(parts, name)
    order = [*FRAME_COLUMNS, *(name for name in columns if name not in FRAME_COLUMNS)]
    joined = pd.DataFrame(columns, columns=order)
    rows = np.lexsort((joined["seq"], joined["member"].cat.codes, joined["time"]))
    joined = joined.take(rows).reset_index(drop=True)
    joined.attrs.clear()
    joined.attrs.update(
        attrs_of(
            joined,
            recordings=_named(parts, "recordings"),
            groups=_named(parts, "groups"),
            gap=int(max(part.attrs.get("trip_gap_s", TRIP_GAP / 1000) for part in parts) * 1000),
        )
    )
    return joined


def _category(parts: Sequence[pd.DataFrame], name: str) -> pd.Categorical[Any]:
    """Return a column of categories over all frames, its texts in use sorted."""
    used = [part[name].cat.categories[np.unique(_codes(part, name, known=True))] for part in parts]
    names = sorted({str(text) for texts in used for text in texts})
    place = {text: number for number, text in enumerate(names)}
    codes = []
    for part in parts:
        turned = [place.get(str(text), -1) for text in part[name].cat.categories]
        codes.append(np.array([*turned, -1], dtype=np.int32)[_codes(part, name)])
    return category(np.concatenate(codes), names)


def _codes(part: pd.DataFrame, name: str, *, known: bool = False) -> Any:
    codes = part[name].cat.codes.to_numpy()
    return codes[codes >= 0] if known else codes


def _trips(parts: Sequence[pd.DataFrame]) -> pd.Categorical[Any]:
    """Return the trip column over all frames; every (frame, trip) keeps a name of its own."""
    trips: list[tuple[str, int, int, int, str]] = []  # member, begin, frame, code, name
    for number, part in enumerate(parts):
        codes, first = np.unique(_codes(part, "trip"), return_index=True)
        members = part["member"].astype(str).to_numpy(object)
        begins = part["time"].to_numpy("datetime64[ns]").view("int64")
        for code, row in zip(codes.tolist(), first.tolist(), strict=True):
            if code >= 0:
                name = str(part["trip"].cat.categories[code])
                trips.append((members[row], int(begins[row]), number, code, name))
    trips.sort()
    names = [trip[4] for trip in trips]
    if len(set(names)) < len(names):
        count: dict[str, int] = {}
        for place, (member, *_) in enumerate(trips):
            count[member] = count.get(member, 0) + 1
            names[place] = f"{member}-{count[member]}"
    turned = [np.full(len(part["trip"].cat.categories) + 1, -1, dtype=np.int32) for part in parts]
    for place, (_, _, number, code, _) in enumerate(trips):
        turned[number][code] = place
    return category(
        np.concatenate([turned[number][_codes(part, "trip")] for number, part in enumerate(parts)]), names
    )


def _values(parts: Sequence[pd.DataFrame], name: str) -> Any:
    if name in ("time", "received"):
        ns = np.concatenate([part[name].to_numpy("datetime64[ns]").view("int64") for part in parts])
        return utc_times(ns // 1_000_000)
    return pd.concat([part[name] for part in parts], ignore_index=True)


def _own_values(parts: Sequence[pd.DataFrame], name: str) -> Any:
    """Return a column that is no trail frame's own; text where the frames do not agree."""
    dtypes = {part[name].dtype for part in parts if name in part}
    if len(dtypes) == 1 and all(name in part for part in parts):
        return _values(parts, name)
    if all(pd.api.types.is_float_dtype(dtype) for dtype in dtypes):
        fill: Any = np.nan
        return np.concatenate([part[name] if name in part else np.full(len(part), fill) for part in parts])
    texts = [
        part[name].astype(STR) if name in part else pd.Series(pd.array([None] * len(part), dtype=STR))
        for part in parts
    ]
    return pd.concat(texts, ignore_index=True)


def _named(parts: Sequence[pd.DataFrame], key: str) -> list[str]:
    return list(dict.fromkeys(name for part in parts for name in part.attrs.get(key, [])))
