"""Where everyone is, or was: pure functions of a trail frame and a moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.frame import category
from locshare_ext.model.clock import Clock, check_clock, ms_from_rfc3339

__all__ = ["LOST", "STALE", "STATES", "at_frame", "latest_frame", "ms_from_moment"]

STALE = 60_000  # ms of a position's age after which it is stale
LOST = 600_000  # and after which the member is lost
STATES = ("live", "stale", "lost")


def latest_frame(
    frame: pd.DataFrame,
    now: int | str | datetime,
    *,
    heard: Mapping[str, int] | None = None,
    stale: int = STALE,
    lost: int = LOST,
) -> pd.DataFrame:
    """Return one row per member, by name: the newest fix of each by effective time.

    Added columns: `age` of the position (now - effective time) and `heard_age` (now - the
    last that arrived), timedelta; `state` of `age`, category live, stale, lost. heard: ms
    of other signs of life by member. stale, lost: ages in ms. `now`: ms since 1970, a
    datetime with a zone or RFC 3339 text. What is newer than `now` has age 0.
    """
    moment = ms_from_moment(now, field="now")
    member = frame["member"].cat.codes.to_numpy()
    time, received = _ms(frame, "time"), _ms(frame, "received")
    effective = np.minimum(time, received)
    order = np.lexsort((frame["seq"].to_numpy(), effective, member))
    is_last = np.append(member[order][1:] != member[order][:-1], True) if len(order) else order
    rows = order[is_last.astype(bool)]
    newest = frame.take(rows)
    names = newest["member"].astype(str)
    last_heard = np.full(len(frame["member"].cat.categories), np.iinfo(np.int64).min)
    np.maximum.at(last_heard, member, received)
    heard_at = last_heard[member[rows]]
    if heard:
        heard_at = np.maximum(heard_at, [heard.get(name, np.iinfo(np.int64).min) for name in names])
    by_name = np.argsort(names.to_numpy(object), kind="stable")
    newest = newest.take(by_name).reset_index(drop=True)
    age = np.maximum(moment - effective[rows][by_name], 0)
    newest["age"] = _durations(age)
    newest["heard_age"] = _durations(np.maximum(moment - heard_at[by_name], 0))
    state = (age > stale).astype(np.int8) + (age > lost)
    newest["state"] = category(state, STATES)
    newest.attrs.update(frame.attrs)
    return newest


def at_frame(
    frame: pd.DataFrame,
    t: int | str | datetime,
    *,
    clock: Clock = "time",
    stale: int = STALE,
    lost: int = LOST,
) -> pd.DataFrame:
    """Return `latest_frame` as of the moment t.

    clock `time`: of the fixes measured until t, as it was; `received`: of those that had
    arrived by t, as it was known then.
    """
    moment = ms_from_moment(t, field="t")
    return latest_frame(frame[_ms(frame, check_clock(clock)) <= moment], moment, stale=stale, lost=lost)


def ms_from_moment(moment: int | str | datetime, *, field: str = "time") -> int:
    """Return ms since 1970 UTC of ms, a datetime or Timestamp with a zone, or RFC 3339 text.

    Raises InvalidInput for anything else, and for a naive time.
    """
    if isinstance(moment, str):
        return ms_from_rfc3339(moment, field=field)
    if isinstance(moment, datetime):
        if moment.tzinfo is None or moment.utcoffset() is None:
            raise InvalidInput(
                f"{field} {moment.isoformat()} has no zone; expected one, such as datetime.now(UTC)",
                field=field,
            )
        return int(pd.Timestamp(moment).as_unit("ms").value // 1_000_000)
    if isinstance(moment, int | np.integer) and not isinstance(moment, bool):
        return int(moment)
    raise InvalidInput(
        f"{field} {moment!r} is no moment; expected ms since 1970, a datetime with a zone or RFC 3339 text",
        field=field,
    )


def _ms(frame: pd.DataFrame, name: str) -> Any:
    return frame[name].to_numpy("datetime64[ns]").view("int64") // 1_000_000


def _durations(ms: Any) -> Any:
    return pd.Series((ms * 1_000_000).view("timedelta64[ns]"))
