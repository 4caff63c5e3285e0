"""Who was near whom, when, and how near they came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.outcome import moments, spans
from locshare_ext.analysis.pieces import DEPTH, Boxes, Pieces, ranges
from locshare_ext.analysis.tracks import Span, Tracks, span_ns
from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FARTHEST", "check_within", "encounters", "may_pair", "near_stretches"]

FARTHEST = 100_000.0  # m: beyond it the earth's curve counts
_AT_ONCE = 65_536  # rows that are worked on together
_MANY = 2_000_000  # stretches that are kept before they are joined
_SAME = 1e-4  # s between two stretches that are one


@dataclass(frozen=True)
class _Near:
    """Stretches of time in which two pieces are near each other, one a row.

    pair: first track x number of tracks + second. begin, end, when: seconds; when: of the
    least distance, whose square is `least`. a, b: the pieces that these are of.
    """

    pair: NDArray[np.int64]
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    when: NDArray[np.float64]
    least: NDArray[np.float64]
    a: NDArray[np.int64]
    b: NDArray[np.int64]

    def columns(self) -> list[NDArray[np.float64] | NDArray[np.int64]]:
        return [self.pair, self.begin, self.end, self.when, self.least, self.a, self.b]

    def only(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> _Near:
        return _Near(*(column[rows] for column in self.columns()))  # type: ignore[arg-type]


def encounters(
    frame: pd.DataFrame, *, within: float, lasting: Span = "0s", max_gap: Span | None = None
) -> pd.DataFrame:
    """Return one row for each time that two members were at most `within` metres apart.

    within: above 0, up to 100,000. lasting: the shortest to be told, such as `1min`. max_gap:
    the longest silence across which a member is taken to have gone straight; None: five times
    the member's median interval, 2 min at least. In longer ones a member is nowhere, and an
    encounter ends.

    Members move evenly from fix to fix: begin and end are when the distance passes `within`, to
    the ms, also between fixes and however seldom these are. duration; closest: the least
    distance in metres, closest_time when that was, lat and lon halfway between them then.
    Altitude does not count. member_a is before member_b in the alphabet; recording_a and so on
    are theirs. Sorted by begin.

    Members of different recordings meet, too, unless both are of one group: what was recorded
    twice is not told twice. A member does not meet himself.

    Raises InvalidInput for a frame, distance or span that is none.

    >>> from locshare_ext import open_recording
    >>> open_recording("buses.gpkg").encounters(within=50, lasting="1min")
    """
    limit = check_within(within)
    shortest = span_ns(lasting, "lasting", least=0)
    tracks = Tracks.of(frame)
    pieces = Pieces.of(tracks, max_gap)
    near = _joined(_near(tracks, pieces, limit))
    begin, end = pieces.to_ns(near.begin), pieces.to_ns(near.end)
    near, begin, end = _long_enough(near, begin, end, shortest)
    first, second = np.divmod(near.pair, max(tracks.count, 1))
    lat_a, lon_a = geodesic.from_cartesian(pieces.at(near.a, near.when))
    lat_b, lon_b = geodesic.from_cartesian(pieces.at(near.b, near.when))
    metres, heading = geodesic.inverse(lat_a, lon_a, lat_b, lon_b)
    lat, lon = geodesic.destination(lat_a, lon_a, heading, metres / 2)
    a, b = tracks.labelled(first, "_a"), tracks.labelled(second, "_b")
    return pd.DataFrame(
        {
            "member_a": a["member_a"],
            "member_b": b["member_b"],
            "begin": moments(begin),
            "end": moments(end),
            "duration": spans(end - begin),
            "closest": np.minimum(metres, limit),
            "closest_time": moments(pieces.to_ns(near.when)),
            "lat": lat,
            "lon": lon,
            "recording_a": a["recording_a"],
            "recording_b": b["recording_b"],
            "group_a": a["group_a"],
            "group_b": b["group_b"],
        }
    )


def near_stretches(
    tracks: Tracks, pieces: Pieces, within: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return which two tracks were within `within` metres, from when to when in seconds."""
    near = _joined(_near(tracks, pieces, within))
    first, second = np.divmod(near.pair, max(tracks.count, 1))
    return first, second, near.begin, near.end


def check_within(within: float, field: str = "within") -> float:
    """Return the distance if it is one; raises InvalidInput."""
    if isinstance(within, bool) or not isinstance(within, int | float) or not 0 < within <= FARTHEST:
        raise InvalidInput(f"{field} {within!r} is outside (0, {FARTHEST:,.0f}] metres", field=field)
    return float(within)


def may_pair(tracks: Tracks, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether two tracks are of different members who may be set beside each other.

    Not of two recordings of one group: these tell the same time twice, or different times.
    """
    recording, group, member = (
        tracks.keys[name].cat.codes.to_numpy() for name in ("recording", "group", "member")
    )
    nameless = (tracks.keys["group"].astype(str) == "").to_numpy() | (group < 0)
    same_group = group[a] == group[b]
    is_one = same_group & (member[a] == member[b])
    may: NDArray[np.bool_] = ~is_one & ((recording[a] == recording[b]) | ~same_group | nameless[a])
    return may


def _near(tracks: Tracks, pieces: Pieces, within: float) -> _Near:
    """Return where pieces of tracks that may pair are near each other, joined now and then."""
    window = pieces.window()
    boxes = pieces.boxes(window)
    found: list[_Near] = []
    for a, b in _candidates(tracks, boxes, within + 2 * DEPTH):
        for box_a, box_b, p, q in _overlaps(pieces, boxes, a, b):
            low = boxes.window[box_a] * window
            begin = np.maximum(np.maximum(pieces.begin[p], pieces.begin[q]), low)
            end = np.minimum(np.minimum(pieces.end[p], pieces.end[q]), low + window)
            meets = begin <= end
            pair = boxes.track[box_a[meets]] * tracks.count + boxes.track[box_b[meets]]
            found.append(_solve(pieces, pair, p[meets], q[meets], begin[meets], end[meets], within))
        if sum(len(one.pair) for one in found) > _MANY:
            found = [_joined(_together(found))]
    return _together(found)


def _candidates(
    tracks: Tracks, boxes: Boxes, reach: float
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pairs of boxes of one window that are within `reach` metres; the lower track first.

    A sweep along the axis on which they are spread most: of each box only those are looked at
    that begin before it ends.
    """
    if not len(boxes.track):
        return
    axis = int(np.argmax(np.ptp(boxes.low, axis=0)))
    _, rank = np.unique(boxes.window, return_inverse=True)
    low = boxes.low[:, axis] - boxes.low[:, axis].min()
    high = boxes.high[:, axis] - boxes.low[:, axis].min() + reach
    apart = high.max() + reach + 1.0
    order = np.argsort(rank * apart + low, kind="stable")
    key = (rank * apart + low)[order]
    until = np.searchsorted(key, (rank * apart + high)[order], side="right")
    counts = until - np.arange(len(order)) - 1
    for part in _parts(counts):
        first = np.repeat(np.arange(part.start, part.stop), counts[part])
        i, j = order[first], order[first + 1 + ranges(counts[part])]
        near = may_pair(tracks, boxes.track[i], boxes.track[j])
        for other in range(3):
            near &= boxes.low[j, other] <= boxes.high[i, other] + reach
            near &= boxes.low[i, other] <= boxes.high[j, other] + reach
        i, j = i[near], j[near]
        is_turned = boxes.track[i] > boxes.track[j]
        yield np.where(is_turned, j, i), np.where(is_turned, i, j)


def _overlaps(
    pieces: Pieces, boxes: Boxes, a: NDArray[np.int64], b: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Yield (box a, box b, piece of a, piece of b) of pieces at the same time, of pairs of boxes."""
    latest = float(pieces.end.max()) + 1.0
    slack = 1e-9 + 8 * np.finfo(float).eps * latest * (int(pieces.track.max()) + 1)
    begins = pieces.track * latest + pieces.begin
    ends = pieces.track * latest + pieces.end
    sizes = boxes.behind[a] - boxes.first[a]
    for part in _parts(sizes):
        at = np.repeat(np.arange(part.start, part.stop), sizes[part])
        p = boxes.first[a[at]] + ranges(sizes[part])
        other = b[at]
        offset = boxes.track[other] * latest
        low = np.searchsorted(ends, offset + pieces.begin[p] - slack, side="left")
        high = np.searchsorted(begins, offset + pieces.end[p] + slack, side="right")
        low = np.maximum(low, boxes.first[other])
        counts = np.maximum(np.minimum(high, boxes.behind[other]) - low, 0)
        for piece in _parts(counts):
            row = np.repeat(np.arange(piece.start, piece.stop), counts[piece])
            q = low[row] + ranges(counts[piece])
            yield a[at[row]], b[at[row]], p[row], q


def _parts(counts: NDArray[np.int64]) -> Iterator[slice]:
    """Cut rows into runs whose counts are about `_AT_ONCE` together."""
    total = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        so_far = int(total[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(total, so_far + _AT_ONCE, side="right")), begin + 1)
        yield slice(begin, end)
        begin = end


def _solve(
    pieces: Pieces,
    pair: NDArray[np.int64],
    p: NDArray[np.int64],
    q: NDArray[np.int64],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    within: float,
) -> _Near:
    """Return the stretches of [begin, end] in which both are within `within` metres.

    Both move evenly, so the square of the distance is quadratic in time. Chords lie below the
    surface, deeper in the middle; only what is across the vertical counts.
    """
    a, b = pieces.at(p, begin), pieces.at(q, begin)
    up = a + b
    up /= np.linalg.norm(up, axis=1)[:, None]
    at_first = _level(a - b, up)
    change = _level(pieces.at(p, end) - pieces.at(q, end), up) - at_first
    square = np.einsum("ij,ij->i", change, change)
    half = np.einsum("ij,ij->i", at_first, change)
    rest = np.einsum("ij,ij->i", at_first, at_first)
    moves = square > 0
    nearest = np.clip(np.divide(-half, square, out=np.zeros(len(p)), where=moves), 0.0, 1.0)
    least = np.maximum(rest + nearest * (2 * half + nearest * square), 0.0)
    is_near = least <= within * within
    root = np.sqrt(np.maximum(half * half - square * (rest - within * within), 0.0))
    first = np.divide(-half - root, square, out=np.zeros(len(p)), where=moves)
    last = np.divide(-half + root, square, out=np.ones(len(p)), where=moves)
    took = end - begin
    stretch = _Near(
        pair,
        begin + took * np.clip(first, 0.0, nearest),
        begin + took * np.clip(last, nearest, 1.0),
        begin + took * nearest,
        least,
        p,
        q,
    )
    return stretch.only(is_near)


def _level(vector: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors without what of them goes up or down."""
    level: NDArray[np.float64] = vector - up * np.einsum("ij,ij->i", vector, up)[:, None]
    return level


def _together(parts: list[_Near]) -> _Near:
    if not parts:
        none, whole = np.zeros(0), np.zeros(0, np.int64)
        return _Near(whole, none, none, none, none, whole, whole)
    columns = zip(*(part.columns() for part in parts), strict=True)
    return _Near(*(np.concatenate(column) for column in columns))


def _joined(near: _Near) -> _Near:
    """Return the stretches with those of a pair that touch made one."""
    if not len(near.pair):
        return near
    near = near.only(np.lexsort((near.end, near.begin, near.pair)))
    is_new = np.ones(len(near.pair), dtype=bool)
    is_new[1:] = (near.pair[1:] != near.pair[:-1]) | (near.begin[1:] > near.end[:-1] + _SAME)
    first = np.flatnonzero(is_new)
    best = np.lexsort((near.when, near.least, np.cumsum(is_new)))[first]  # of each, its rows lie together
    return _Near(
        near.pair[first],
        near.begin[first],
        np.maximum.reduceat(near.end, first),
        near.when[best],
        near.least[best],
        near.a[best],
        near.b[best],
    )


def _long_enough(
    near: _Near, begin: NDArray[np.int64], end: NDArray[np.int64], shortest: int
) -> tuple[_Near, NDArray[np.int64], NDArray[np.int64]]:
    """Return what lasted `shortest` ns, sorted by begin."""
    rows = np.flatnonzero(end - begin >= shortest)
    rows = rows[np.lexsort((near.pair[rows], begin[rows]))]
    return near.only(rows), begin[rows], end[rows]
