"""What a server's refusal means here: which error, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from locshare_ext import errors
from locshare_ext.errors import AccessDenied, Gone, LocShareError, ServerUnreachable, Unavailable

__all__ = ["FOREIGN", "error_of_frame", "error_of_http", "error_of_shape", "is_final", "is_passing"]

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
# For errors on a stream of a server that does not tell their status there.
_ENDED = frozenset({"invite_expired", "invite_revoked", "invite_used_up"})
_DENIED = frozenset(
    {AccessDenied.default_code, "credential_invalid", "role_missing", "member_needed", "invites_off"}
)
_LATER = frozenset({"too_many_connections", "too_many_failures", "too_fast", "stream_closed", "log_closed"})
# No other answer will come until somebody changes something.
_LASTING = frozenset({"tls_failed", "redirected", "protocol_mismatch"})


def error_of_http(status: int, body: bytes) -> LocShareError | None:
    """Return the error of an answer of 400 and above, None if it is not in our shape."""
    try:
        return error_of_shape(msgspec.json.decode(body)["error"], status)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return None


def error_of_shape(shape: Mapping[str, Any], status: int | None = None) -> LocShareError:
    """Return the error of the one shape, the value of `error`; status None: as its code says.

    Raises KeyError, TypeError or AttributeError for what is not in that shape.
    """
    code, message, field = str(shape["code"]), str(shape["message"]), shape.get("field")
    details = {key: value for key, value in shape.items() if key not in ("code", "message", "field")}
    return _kind_of(code, field, status)(message, code=code, field=field, details=details)


def error_of_frame(headers: Mapping[str, str], *, is_accepted: bool, body: bytes = b"") -> LocShareError:
    """Return the error of an ERROR frame; is_accepted: whether CONNECTED had come before.

    body: that of the frame, in the one shape if it is ours.
    """
    message = headers.get("message", "without saying why")
    code, field, status = headers.get("code"), headers.get("field"), headers.get("status", "")
    if code is None:
        kind: Any = ServerUnreachable if is_accepted else AccessDenied
        return kind(f"the server ended the connection: {message}", code=FOREIGN)  # type: ignore[no-any-return]
    found = _kind_of(code, field, int(status) if status.isdecimal() else None)
    if found is LocShareError or issubclass(found, Unavailable):
        message = f"the server ended the connection: {message}"
    said = error_of_http(found.status, body)
    return found(message, code=code, field=field, details={} if said is None else said.details)


def is_final(error: LocShareError) -> bool:
    """Return whether the same credential will be refused again, whenever it is tried."""
    return isinstance(error, Gone | AccessDenied) and error.code != FOREIGN


def is_passing(error: LocShareError) -> bool:
    """Return whether the same request may be answered otherwise at another time, by itself."""
    return isinstance(error, ServerUnreachable | Unavailable | errors.TooFast) and error.code not in _LASTING


def _kind_of(code: str, field: str | None, status: int | None) -> type[LocShareError]:
    if status is not None:
        kind = _BY_STATUS.get(status, LocShareError)
        return _kind_of_input(code, field) if kind is errors.InvalidInput else kind
    if code in _ENDED:
        return Gone
    if code in _DENIED:
        return AccessDenied
    return Unavailable if code in _LATER else LocShareError


def _kind_of_input(code: str, field: str | None) -> type[LocShareError]:
    for kind in (errors.InvalidName, errors.InvalidCursor, errors.InvalidFile):
        if code == kind.default_code:
            return kind
    is_fix = code == errors.InvalidFix.default_code or field in _FIX_FIELDS or code == "unknown_field"
    return errors.InvalidFix if is_fix else errors.InvalidInput
