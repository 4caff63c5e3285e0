"""A fix: one position of one member at one moment."""

from __future__ import annotations

from datetime import datetime

import msgspec

from locshare_ext.model.clock import datetime_from_ms

__all__ = ["NUMBERS", "Fix", "Scalar"]

Scalar = str | int | float | bool | None

NUMBERS = ("altitude", "accuracy", "speed", "heading", "battery")  # optional, float


# gc=False: nothing in it can lead back to it, and a busy server holds tens of thousands
class Fix(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One position of one member at one moment, WGS 84.

    time: integer ms since 1970 UTC by the device's clock; received: by the server's,
    0 before a server saw it. lat, lon: degrees, north and east positive.
    altitude, accuracy: m. speed: m/s. heading: degrees clockwise from true north,
    [0, 360). battery: 0-1. None means unknown. extra: what the app sent beyond that.
    cursor: the fix's place in its group's log, None if it has none (not stored).
    flags: of `late`, `future`, `repaired`, `volatile`.
    """

    member: str
    time: int
    lat: float
    lon: float
    altitude: float | None = None
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None
    battery: float | None = None
    source: str | None = None
    extra: dict[str, Scalar] | None = None
    received: int = 0
    cursor: str | None = None
    flags: tuple[str, ...]  # always on the wire, also when empty

    @property
    def effective_time(self) -> int:
        """The earlier of both clocks, ms: decides which fix of a member is newest."""
        time, received = self.time, self.received  # no call of min(): it is asked for every fix
        return received if 0 < received < time else time

    @property
    def datetime(self) -> datetime:
        """`time` as an aware UTC datetime."""
        return datetime_from_ms(self.time)
