"""What an emulated phone measures, and what it sends for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Encode", "Handset", "Measured", "Reply", "Request", "Sending"]


@dataclass(frozen=True, slots=True)
class Measured:
    """A fix as the phone has it, in our units; what is None the phone does not know.

    time: ms by the phone's own clock. altitude, accuracy: m. speed: m/s. heading: degrees.
    battery: 0-1. is_offline: measured while there was no network.
    """

    time: int
    lat: float
    lon: float
    altitude: float | None = None
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None
    battery: float | None = None
    is_offline: bool = False

    @property
    def seconds(self) -> int:
        """The time in whole seconds, which is as exact as most apps send it."""
        return self.time // 1000


@dataclass(frozen=True, slots=True)
class Handset:
    """Whose phone it is to the app: ASCII, as people type it. tid: two letters, for OwnTracks."""

    device: str
    user: str = "user"
    tid: str = "aa"


@dataclass(frozen=True, slots=True)
class Sending:
    """What one request is made of: the oldest fixes of a queue.

    now: ms by the phone's clock. waiting: how many are queued, these included. newest: the last
    that was measured.
    """

    handset: Handset
    fixes: Sequence[Measured]
    now: int
    waiting: int
    newest: Measured


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, to a path below `locshare/in/{invite}`; query: as it stands in the URL."""

    method: str
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered."""

    status: int
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


Encode = Callable[[Sending], Request]
