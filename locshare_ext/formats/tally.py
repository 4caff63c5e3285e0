"""What of a file became no fix, and which values were left out of those that did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from locshare_ext.errors import InvalidFile

__all__ = ["SetAside", "Tally"]

KEPT_ASIDE = 1_000  # rows set aside that are kept with their text; the others are counted


@dataclass(frozen=True, slots=True)
class SetAside:
    """A part of a file that became no fix: its line (1 is the first), why, and its text."""

    line: int
    reason: str
    raw: str


class Tally:
    """Counts both, and tells of them. unit: what a file's parts are called."""

    def __init__(self, unit: str) -> None:
        self.set_aside: list[SetAside] = []
        self.set_aside_count = 0
        self.unit = unit
        self._left_out: dict[str, tuple[int, int, str, str]] = {}

    def put_aside(self, line: int, reason: str, raw: str) -> None:
        """Count what became no fix, and keep the first of them."""
        self.set_aside_count += 1
        if len(self.set_aside) < KEPT_ASIDE:
            self.set_aside.append(SetAside(line, reason, raw[:1000]))

    def leave_out(self, line: int, name: str, shown: str, expected: str, count: int = 1) -> None:
        """Count values that are left out of fixes, the first of them in `line`."""
        before, first, text, why = self._left_out.get(name, (0, line, shown[:40], expected))
        if line < first:  # what is odd is looked at after what is plain
            first, text, why = line, shown[:40], expected
        self._left_out[name] = (before + count, first, text, why)

    def remarks(self) -> list[str]:
        """Return sentences on what was left out and set aside."""
        told = [
            f"{name}: {count:,} value{'s' * (count > 1)} left out as unknown "
            f"(the first in {self.unit} {first}: {text!r}, expected {why})"
            for name, (count, first, text, why) in self._left_out.items()
        ]
        if self.set_aside:
            first_aside = self.set_aside[0]
            told.append(
                f"{self.set_aside_count:,} set aside "
                f"(the first in {self.unit} {first_aside.line}: {first_aside.reason})"
            )
        return told

    def __len__(self) -> int:
        """Return how many fixes there are."""
        raise NotImplementedError

    def check(self, path: Path, what: str) -> None:
        """Raise InvalidFile when nothing but bad `what` (rows, points) was found."""
        if not len(self) and self.set_aside:
            first = self.set_aside[0]
            raise InvalidFile(
                f"{path.name}: none of {self.set_aside_count:,} {what} can be used; "
                f"{self.unit} {first.line}: {first.reason}"
            )
