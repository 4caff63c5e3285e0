"""Heart-beats: what both sides agree on, and when the next thing is due by the caller's clock."""

from __future__ import annotations

import enum

from locshare_ext.errors import FrameError

__all__ = ["SHORTEST", "Due", "HeartBeat", "negotiate", "parse_heart_beat"]

SHORTEST = 1000  # ms; nobody is promised more beats than this
_LONGEST = 1 << 31  # ms; over it a timer of some client overflows
_AHEAD = 0.8  # of the interval: a beat is due before the peer can miss it
_TOLERANCE = 3.0  # intervals of silence; browsers let hidden tabs beat late


class Due(enum.Enum):
    """What `on_time` asks the caller to do."""

    BEAT = "beat"  # send a heart-beat
    TIMEOUT = "timeout"  # the peer is silent: close the connection


class HeartBeat:
    """The two intervals of one connection, in seconds; None: no beats in that direction.

    All times are seconds of one monotonic clock, the caller's.
    """

    __slots__ = ("_heard", "_receive_interval", "_send_interval", "_sent", "_tolerance")

    def __init__(
        self,
        send_interval: float | None,
        receive_interval: float | None,
        now: float,
        *,
        tolerance: float = _TOLERANCE,
    ) -> None:
        self._send_interval = send_interval
        self._receive_interval = receive_interval
        self._tolerance = tolerance
        self._sent = self._heard = now

    @property
    def send_interval(self) -> float | None:
        """Return the seconds within which we promised data or a beat."""
        return self._send_interval

    @property
    def receive_interval(self) -> float | None:
        """Return the seconds within which the peer promised data or a beat."""
        return self._receive_interval

    def heard(self, now: float) -> None:
        """Note a sign of life: data, a beat, a pong."""
        self._heard = now

    def sent(self, now: float) -> None:
        """Note that something was sent; optional: without it beats go out while data flows too."""
        self._sent = now

    def next_deadline(self) -> float | None:
        """Return when `on_time` has something to say at the earliest, None for never."""
        deadlines = []
        if self._send_interval is not None:
            deadlines.append(self._sent + self._send_interval * _AHEAD)
        if self._receive_interval is not None:
            deadlines.append(self._heard + self._receive_interval * self._tolerance)
        return min(deadlines, default=None)

    def on_time(self, now: float) -> Due | None:
        """Return what is due at `now`; a beat that is due counts as sent."""
        if (
            self._receive_interval is not None
            and now >= self._heard + self._receive_interval * self._tolerance
        ):
            return Due.TIMEOUT
        if self._send_interval is not None and now >= self._sent + self._send_interval * _AHEAD:
            self._sent = now
            return Due.BEAT
        return None


def parse_heart_beat(text: str) -> tuple[int, int]:
    """Read the header's `cx,cy` in ms; raises FrameError for anything else."""
    parts = text.split(",")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in parts):
        raise FrameError(
            f"heart-beat {text[:40]!r} is not two numbers of milliseconds such as 10000,10000",
            code="heart_beat_invalid",
            field="heart-beat",
        )
    return min(int(parts[0]), _LONGEST), min(int(parts[1]), _LONGEST)


def negotiate(client: tuple[int, int], ours: tuple[int, int]) -> tuple[int, int]:
    """Return the `sx,sy` of CONNECTED for a client's `cx,cy`, in ms.

    ours: what we offer when the client asks for nothing shorter; 0 switches a direction off.
    Each interval is then max(ours, theirs) (1.2 "Heart-beating"), so to grant a client a
    shorter one we answer with its own value, down to SHORTEST.
    """
    (client_sends, client_wants), (we_send, we_want) = client, ours
    return _answer(we_send, client_wants), _answer(we_want, client_sends)


def _answer(ours: int, theirs: int) -> int:
    if not ours or not theirs:
        return ours
    return min(ours, max(theirs, SHORTEST))
