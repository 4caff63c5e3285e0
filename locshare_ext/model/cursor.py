"""A place in a group's log, as clients hold it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from locshare_ext.errors import InvalidCursor

__all__ = ["Cursor", "new_epoch"]

_TEXT = re.compile(r"([0-9a-z]{4,16})-(0|[1-9][0-9]{0,18})\Z", re.ASCII)
_EPOCH_LETTERS = "0123456789abcdefghijkmnpqrstuvwxyz"  # without l and o, which look like digits


@dataclass(frozen=True, slots=True)
class Cursor:
    """After the entry numbered `offset` in the log's life `epoch`; 0 is before the first."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.offset}"

    @classmethod
    def parse(cls, text: str, *, field: str = "after") -> Cursor:
        """Read `epoch-offset`; raises InvalidCursor for anything else."""
        match = _TEXT.match(text)
        if match is None or int(match[2]) >= 1 << 63:
            shown = repr(text if len(text) <= 40 else text[:40] + "…")
            raise InvalidCursor(f"{field} {shown} is no cursor; expected one, `start` or `now`", field=field)
        return cls(match[1], int(match[2]))


def new_epoch() -> str:
    """Return the name of a log's life: new whenever its offsets start again at 1."""
    return "".join(secrets.choice(_EPOCH_LETTERS) for _ in range(8))
