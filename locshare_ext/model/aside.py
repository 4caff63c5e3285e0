"""What was refused and is kept beside the log, so that it can be looked at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from locshare_ext.model.names import fold

__all__ = ["KEPT", "MAX_RAW", "AsideInfo"]

KEPT = 1000  # of one group
MAX_RAW = 1024  # bytes of one payload


@dataclass(frozen=True, slots=True)
class AsideInfo:
    """One fix that was refused: why, and what was sent.

    received: ms, when it came. member: whose it is, None where that cannot be told.
    credential: whose sent it, an invite's id or a principal's. code, message, field: of the
    error that was answered. raw: the payload, its first MAX_RAW bytes. id: set by the store,
    ascending in order of arrival, never used again.
    """

    received: int
    member: str | None
    credential: str
    code: str
    message: str
    field: str | None
    raw: bytes
    id: int = 0

    def concerns(self, member: str) -> bool:
        """Whether it may have a trace of a member: its own, by name in it, or nobody knows whose."""
        folded = fold(member)
        if self.member is None or fold(self.member) == folded:
            return True
        name = json.dumps(folded, ensure_ascii=False)
        texts = (self.raw.decode(errors="replace"), self.message)
        # escaped letters (\\u00e9) are the same name
        return any(name in fold(text) for text in texts) or json.dumps(folded).encode() in self.raw.lower()

    def as_json(self) -> dict[str, Any]:
        """Return the form of the API."""
        error = {"code": self.code, "message": self.message}
        return {
            "id": self.id,
            "received": self.received,
            **({} if self.member is None else {"member": self.member}),
            "credential": self.credential,
            "error": error if self.field is None else {**error, "field": self.field},
            "raw": self.raw.decode(errors="replace"),
        }
