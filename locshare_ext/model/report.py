"""What a phone's app tells in one request, in our units, before it is bound to a member."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from locshare_ext.errors import InvalidInput
from locshare_ext.model.event import EventKind
from locshare_ext.model.fix import Scalar
from locshare_ext.model.wire import Decoded, FixInput, Refused

__all__ = ["Happening", "Report"]


def _nothing() -> Sequence[bytes]:
    return ()


@dataclass(frozen=True, slots=True)
class Happening:
    """Something besides a fix; time: ms by the phone's clock, text: for people, data: for programs."""

    kind: EventKind
    time: int
    text: str
    data: dict[str, Scalar] | None = None


@dataclass(slots=True)
class Report:
    """What one request says; one that says nothing is still a sign of life.

    app: by whose rules it was read. fixes: with their places in the request. refused: what of
    it cannot be a fix. raws: what was sent, by place; made when something is set aside.
    device: by which the app tells its phone from others, empty if by nothing. name: what to
    call whoever has it, if nobody said so.
    """

    app: str
    fixes: list[tuple[int, FixInput]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    raws: Callable[[], Sequence[bytes]] = _nothing
    device: str = ""
    name: str = ""

    @property
    def says_anything(self) -> bool:
        """Whether it says more than that somebody is there."""
        return bool(self.fixes or self.refused or self.happenings or self.device)

    def refuse(self, place: int, error: InvalidInput, raw: bytes) -> None:
        """Set a part of the request aside."""
        self.refused.append(Refused(place, error, raw))

    def decoded(self) -> Decoded:
        """Return fixes and refusals as those of any other body."""
        return Decoded(self.fixes, list(self.refused))
