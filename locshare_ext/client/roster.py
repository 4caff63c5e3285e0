"""Who of those who were invited is here, and what keeps the others away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LOW_BATTERY", "STATES", "Person", "roster_frame", "roster_of"]

LOW_BATTERY = 0.2
# from what wants the host's eye most to what wants it least; nobody waits for who was not invited
STATES = ("lost", "silent", "no position", "not joined", "expired", "revoked", "here")


@dataclass(frozen=True, slots=True)
class Person:
    """One member on the roster. Times in ms since 1970 UTC, ages in ms.

    state: `here`; `no position`, who is heard of but not where (no GPS); `silent` and `lost`,
    of whom nothing has come for the group's `stale` and `lost` seconds (no network, or off);
    `not joined`; `expired` and `revoked`, whose invite ended before they came.
    """

    member: str
    state: str
    time: int | None
    age: int | None
    heard_age: int | None
    battery: float
    accuracy: float
    invite: str | None
    expires: int | None

    @property
    def is_low(self) -> bool:
        """Whether the battery needs a charge; of an unknown one it is not known."""
        return self.battery <= LOW_BATTERY


def roster_of(about: Mapping[str, Any], invites: Sequence[Mapping[str, Any]]) -> list[Person]:
    """Return everybody, those who want the host's eye first, then by name.

    about, invites: as the server tells a group and its invites.
    """
    stale, lost = (round(about["settings"].get(name, default) * 1000) for name, default in _AGES)
    best: dict[str, Mapping[str, Any]] = {}
    for one in invites:  # the last living one of a member, else the last
        if one["member"] is not None:
            before = best.get(fold(one["member"]))
            if before is None or one["state"] == "living" or before["state"] != "living":
                best[fold(one["member"])] = one
    fixed = {fold(one["member"]): one for one in about["members"]}
    people = [_person(fixed.get(key), best.get(key), stale, lost) for key in {**fixed, **best}]
    return sorted(people, key=lambda one: (STATES.index(one.state), not one.is_low, fold(one.member)))


_AGES = (("stale", 60), ("lost", 600))


def _person(
    known: Mapping[str, Any] | None, invite: Mapping[str, Any] | None, stale: int, lost: int
) -> Person:
    """Return one of whom there is a newest fix, an invite, or both."""
    told = [one for one in (known, invite) if one is not None]
    fix = None if known is None else msgspec.convert(known["fix"], Fix)
    age = None if known is None else int(known["age"])
    heard_age = min((one["heard_age"] for one in told if one["heard_age"] is not None), default=None)
    return Person(
        member=str(told[0]["member"]),
        state=_state(age, heard_age, None if invite is None else str(invite["state"]), stale, lost),
        time=None if fix is None else fix.effective_time,
        age=age,
        heard_age=heard_age,
        battery=math.nan if fix is None or fix.battery is None else fix.battery,
        accuracy=math.nan if fix is None or fix.accuracy is None else fix.accuracy,
        invite=None if invite is None else str(invite["id"]),
        expires=None if invite is None else int(invite["expires"]),
    )


def _state(age: int | None, heard_age: int | None, invite: str | None, stale: int, lost: int) -> str:
    if heard_age is None:  # then there is but the invite
        return "not joined" if invite in ("living", None) else invite
    if heard_age > lost:
        return "lost"
    if heard_age > stale:
        return "silent"
    return "here" if age is not None and age <= stale else "no position"


def roster_frame(people: Sequence[Person]) -> pd.DataFrame:
    """Return one row per person; ages as timedelta64, times with their zone, missing as NaT and NaN."""
    import numpy as np
    import pandas as pd

    from locshare_ext.formats.frame import STR

    def text(name: str) -> Any:
        return pd.array([getattr(one, name) for one in people], dtype=STR)

    def ms(name: str, dtype: str) -> Any:
        values = [getattr(one, name) for one in people]
        return np.array(["NaT" if value is None else value for value in values], dtype=dtype)

    def utc(name: str) -> Any:
        return pd.DatetimeIndex(ms(name, "datetime64[ms]"), tz="UTC").as_unit("ns")

    def age(name: str) -> Any:
        return pd.TimedeltaIndex(ms(name, "timedelta64[ms]")).as_unit("ns")

    return pd.DataFrame(
        {
            "member": text("member"),
            "state": text("state"),
            "time": utc("time"),
            "age": age("age"),
            "heard_age": age("heard_age"),
            "battery": np.array([one.battery for one in people], dtype=np.float64),
            "accuracy": np.array([one.accuracy for one in people], dtype=np.float64),
            "invite": text("invite"),
            "expires": utc("expires"),
        }
    )
