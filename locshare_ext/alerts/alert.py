"""What a rule tells."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

from locshare_ext.model.clock import datetime_from_ms
from locshare_ext.model.fix import Scalar

__all__ = ["KINDS", "Alert", "Kind"]

Kind = Literal[
    "enter", "exit", "inside", "outside", "near", "far", "silent", "heard", "fast", "slow"
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something that a rule was to tell of one member, at one moment.

    rule: its name. kind: of `enter`, `exit`, `inside`, `outside` (geofence), `near`, `far`
    (proximity), `silent`, `heard` (silence), `fast`, `slow` (speed). time, received: integer ms
    since 1970 UTC of the fix that brought it, by either clock; of `silent`, when the span was
    over. lat, lon: where the member was last. other: whom the member came near, or left. value:
    metres of proximity, seconds of silence, m/s of speed, else None.
    """

    rule: str
    kind: Kind
    member: str
    time: int
    received: int
    lat: float
    lon: float
    other: str | None = None
    value: float | None = None

    @property
    def datetime(self) -> datetime:
        """`time` as an aware UTC datetime."""
        return datetime_from_ms(self.time)

    @property
    def text(self) -> str:
        """What happened, for people, such as `ann entered camp`."""
        who, rule, value = self.member, self.rule, self.value or 0.0
        return {
            "enter": f"{who} entered {rule}",
            "exit": f"{who} left {rule}",
            "inside": f"{who} is in {rule}",
            "outside": f"{who} is outside {rule}",
            "near": f"{who} and {self.other} are {value:.0f} m apart",
            "far": f"{who} and {self.other} are {value:.0f} m apart",
            "silent": f"{who} was not heard for {_span(value)}",
            "heard": f"{who} is heard again after {_span(value)}",
            "fast": f"{who} moves at {value * 3.6:.0f} km/h",
            "slow": f"{who} moves at {value * 3.6:.0f} km/h again",
        }[self.kind]

    def data(self) -> dict[str, Scalar]:
        """Return what an event of the log carries for programs."""
        found: dict[str, Scalar] = {"rule": self.rule, "alert": self.kind, "lat": self.lat, "lon": self.lon}
        if self.other is not None:
            found["other"] = self.other
        if self.value is not None:
            found["value"] = self.value
        return found


def _span(seconds: float) -> str:
    """Return seconds as people say them."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
