"""With which code a WebSocket is closed after an error (RFC 6455 7.4.1)."""

from __future__ import annotations

from locshare_ext.errors import (
    AccessDenied,
    Conflict,
    FrameError,
    FrameTooLarge,
    Gone,
    InvalidInput,
    LocShareError,
    NotAuthenticated,
    NotFound,
    TooFast,
    TooLarge,
    Unavailable,
)

__all__ = ["closing_code"]

GOING_AWAY, PROTOCOL_ERROR, POLICY, TOO_BIG, OUR_FAULT, TRY_AGAIN = 1001, 1002, 1008, 1009, 1011, 1013


def closing_code(error: LocShareError) -> int:
    """Return what programs may judge by whether to come again: 1001, 1011 and 1013 mean yes."""
    if isinstance(error, FrameTooLarge | TooLarge):
        return TOO_BIG
    if isinstance(error, AccessDenied | NotAuthenticated | NotFound | Conflict | Gone | TooFast):
        return POLICY
    if isinstance(error, Unavailable):
        return GOING_AWAY if error.code == "stream_closed" else TRY_AGAIN
    return PROTOCOL_ERROR if isinstance(error, FrameError | InvalidInput) else OUR_FAULT
