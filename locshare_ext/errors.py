"""Every error that locshare_ext raises on purpose.

LocShareError
├── InvalidInput            the caller or the peer sent something wrong          400
│   ├── InvalidFix          a fix breaks the contract of its fields
│   ├── InvalidName         a group or member name that cannot be used
│   ├── InvalidCursor       text that is no cursor
│   └── InvalidFile         a file that cannot be imported or opened
├── NotAuthenticated        no credential, and one is needed                     401
├── AccessDenied            the credential does not allow this                   403
├── NotFound                no such group, member, recording                     404
├── Conflict                a name that is taken, a limit of things kept         409
├── Gone                    the credential was right, but has ended              410
├── TooLarge                a body, frame or batch over its limit                413
├── UnsupportedMedia        a content type or encoding that is not understood    415
├── TooFast                 over a rate                                          429
├── Unavailable             cannot be done now, worth trying again               503
│   └── StoreError          the store could not read or commit
│       └── SchemaTooNew    the file was written by a newer version
├── FrameError              a STOMP peer broke the grammar (`locshare_ext.stomp`)
│   └── FrameTooLarge
├── ServerNotFound          the kernel found no server to talk to
└── ServerUnreachable       a server is known, but does not answer
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "AccessDenied",
    "Conflict",
    "FrameError",
    "FrameTooLarge",
    "Gone",
    "InvalidCursor",
    "InvalidFile",
    "InvalidFix",
    "InvalidInput",
    "InvalidName",
    "LocShareError",
    "NotAuthenticated",
    "NotFound",
    "SchemaTooNew",
    "ServerNotFound",
    "ServerUnreachable",
    "StoreError",
    "TooFast",
    "TooLarge",
    "Unavailable",
    "UnsupportedMedia",
]


MAX_MESSAGE = 2000  # characters; a message may quote what was sent, and that may be of any length


class LocShareError(Exception):
    """Base of all; says what, the value, and what was expected.

    message: for people; cut in its middle when it is longer than 2,000 characters.
    code: short text for programs, such as `lat_out_of_range`.
    field: the field, header or argument at fault, None if none is.
    status: the HTTP status that this error has at an endpoint.
    details: more for programs, such as `near` names; plain JSON values.
    """

    status = 500
    default_code = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        if len(message) > MAX_MESSAGE:
            message = f"{message[: MAX_MESSAGE // 2]} ... {message[-MAX_MESSAGE // 2 :]}"
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field
        self.details = dict(details or {})


class InvalidInput(LocShareError):
    """What was sent or passed cannot be used; sending it again will not help."""

    status = 400
    default_code = "invalid_input"


class InvalidFix(InvalidInput):
    """A fix breaks the contract of its fields."""

    default_code = "invalid_fix"


class InvalidName(InvalidInput):
    """A name that a group or member cannot have."""

    default_code = "invalid_name"


class InvalidCursor(InvalidInput):
    """Text that is neither a cursor, `start` nor `now`."""

    default_code = "invalid_cursor"


class InvalidFile(InvalidInput):
    """A file that cannot be read as the format it should have."""

    default_code = "invalid_file"


class NotAuthenticated(LocShareError):
    """No credential was sent, and one is needed."""

    status = 401
    default_code = "not_authenticated"


class AccessDenied(LocShareError):
    """The credential is unknown, or does not allow this."""

    status = 403
    default_code = "access_denied"


class NotFound(LocShareError):
    """There is no such thing here."""

    status = 404
    default_code = "not_found"


class Conflict(LocShareError):
    """The name is taken, or as many are kept as may be."""

    status = 409
    default_code = "conflict"


class Gone(LocShareError):
    """The credential was right, but has expired or was revoked."""

    status = 410
    default_code = "gone"


class TooLarge(LocShareError):
    """A body, frame or batch is over its limit."""

    status = 413
    default_code = "too_large"


class UnsupportedMedia(LocShareError):
    """A content type or encoding that this endpoint does not take."""

    status = 415
    default_code = "unsupported_media"


class TooFast(LocShareError):
    """Over a rate; waiting helps."""

    status = 429
    default_code = "too_fast"


class Unavailable(LocShareError):
    """It cannot be done now; trying again later may help."""

    status = 503
    default_code = "unavailable"


class StoreError(Unavailable):
    """The store could not read or commit."""

    default_code = "store_failed"


class StoreDamaged(StoreError):
    """A part of what is stored cannot be read; everything else can, and more can be stored."""

    default_code = "store_damaged"


class SchemaTooNew(StoreError):
    """The store's file was written by a newer version of this program."""

    default_code = "schema_too_new"


class FrameError(LocShareError):
    """A STOMP peer broke the protocol; the connection is finished.

    receipt: the receipt that the frame asked for, when it could still be read.
    """

    status = 400
    default_code = "frame_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        receipt: str | None = None,
    ) -> None:
        super().__init__(message, code=code, field=field)
        self.receipt = receipt


class FrameTooLarge(FrameError):
    """A frame, header line or number of headers is over its limit."""

    default_code = "frame_too_large"


class ServerNotFound(LocShareError):
    """The kernel looked for a notebook server with this extension and found none."""

    default_code = "server_not_found"


class ServerUnreachable(LocShareError):
    """A server is known, but does not answer."""

    default_code = "server_unreachable"
