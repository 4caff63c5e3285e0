"""What a server's refusal means here: which error, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from locshare_ext import errors
from locshare_ext.errors import AccessDenied, Gone, LocShareError, ServerUnreachable, Unavailable

__all__ = ["FOREIGN", "error_of_frame", "error_of_http", "is_final"]

FOREIGN = "refused_by_another"  # code of a refusal by Jupyter itself or a proxy, not by locshare_ext

_BY_STATUS: dict[int, type[LocShareError]] = {
    400: errors.InvalidInput,
    401: errors.NotAuthenticated,
    403: errors.AccessDenied,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.Gone,
    413: errors.TooLarge,
    415: errors.UnsupportedMedia,
    429: errors.TooFast,
    503: errors.Unavailable,
}
_FIX_FIELDS = frozenset(
    {"time", "lat", "lon", "altitude", "accuracy", "speed", "heading", "battery", "source", "extra"}
)
# A STOMP ERROR has a code, but no status.
_ENDED = frozenset({"invite_expired", "invite_revoked", "invite_used_up"})
_DENIED = frozenset(
    {AccessDenied.default_code, "credential_invalid", "role_missing", "member_needed", "invites_off"}
)
_LATER = frozenset({"too_many_connections", "too_many_failures", "too_fast"})


def error_of_http(status: int, body: bytes) -> LocShareError | None:
    """Return the error of an answer of 400 and above, None if it is not in our shape."""
    try:
        shape = msgspec.json.decode(body)["error"]
        code, message, field = str(shape["code"]), str(shape["message"]), shape.get("field")
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return None
    details = {key: value for key, value in shape.items() if key not in ("code", "message", "field")}
    kind = _BY_STATUS.get(status, LocShareError)
    if kind is errors.InvalidInput:
        kind = _kind_of_input(code, field)
    return kind(message, code=code, field=field, details=details)


def error_of_frame(headers: Mapping[str, str], *, is_accepted: bool) -> LocShareError:
    """Return the error of an ERROR frame; is_accepted: whether CONNECTED had come before."""
    message = headers.get("message", "without saying why")
    code = headers.get("code")
    if code in _ENDED:
        return Gone(message, code=code)
    if code in _DENIED:
        return AccessDenied(message, code=code)
    said = f"the server ended the connection: {message}"
    if code in _LATER:
        return Unavailable(said, code=code)
    if code is not None:
        return LocShareError(said, code=code)
    kind: Any = ServerUnreachable if is_accepted else AccessDenied
    return kind(said, code=FOREIGN)  # type: ignore[no-any-return]


def is_final(error: LocShareError) -> bool:
    """Return whether the same credential will be refused again, whenever it is tried."""
    return isinstance(error, Gone | AccessDenied) and error.code != FOREIGN


def _kind_of_input(code: str, field: str | None) -> type[LocShareError]:
    for kind in (errors.InvalidName, errors.InvalidCursor, errors.InvalidFile):
        if code == kind.default_code:
            return kind
    is_fix = code == errors.InvalidFix.default_code or field in _FIX_FIELDS or code == "unknown_field"
    return errors.InvalidFix if is_fix else errors.InvalidInput
