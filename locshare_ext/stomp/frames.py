"""STOMP frames as values and as bytes, for 1.0, 1.1 and 1.2."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from locshare_ext.errors import FrameError

__all__ = [
    "BEAT",
    "CLIENT_COMMANDS",
    "HOP_HEADERS",
    "VERSIONS",
    "Beat",
    "Frame",
    "Headers",
    "encode_message",
    "is_escaped",
    "unescape",
    "user_headers",
]

VERSIONS = ("1.0", "1.1", "1.2")  # ascending

Headers = tuple[tuple[str, str], ...]

_CLIENT_1_0 = ("SEND", "SUBSCRIBE", "UNSUBSCRIBE", "BEGIN", "COMMIT", "ABORT", "ACK", "DISCONNECT")
_CLIENT_1_1 = (*_CLIENT_1_0, "NACK")
# version -> what a client may send once it is connected
CLIENT_COMMANDS = {
    "1.0": frozenset(_CLIENT_1_0),
    "1.1": frozenset(_CLIENT_1_1),
    "1.2": frozenset(_CLIENT_1_1),
}

# STOMP is an other name of CONNECT (1.1 "Connecting"), so it is read as CONNECT is
_NEVER_ESCAPED = frozenset({"CONNECT", "CONNECTED", "STOMP"})

# Between one client and the server, written by the server, or a credential: never copied to MESSAGE
HOP_HEADERS = frozenset(
    {
        "ack",
        "content-length",
        "content-type",
        "delivery-count",
        "destination",
        "dropped",
        "login",
        "message-id",
        "passcode",
        "receipt",
        "receipt-id",
        "redelivered",
        "subscription",
        "transaction",
    }
)

_ESCAPE_1_1 = str.maketrans({"\\": "\\\\", "\n": "\\n", ":": "\\c", "\0": " "})
_ESCAPE_1_2 = str.maketrans({"\\": "\\\\", "\n": "\\n", ":": "\\c", "\r": "\\r", "\0": " "})
_PLAIN_NAME = str.maketrans({"\n": " ", "\r": " ", ":": " ", "\0": " "})
_PLAIN_VALUE = str.maketrans({"\n": " ", "\r": " ", "\0": " "})

_UNESCAPE = {
    "1.1": {"n": "\n", "c": ":", "\\": "\\"},
    "1.2": {"n": "\n", "c": ":", "\\": "\\", "r": "\r"},
}
_SEQUENCE = re.compile(r"\\(.?)", re.DOTALL)


class Beat:
    """One or more EOLs between frames: a heart-beat, or the optional EOLs after a frame."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "BEAT"


BEAT = Beat()


class Frame(NamedTuple):
    """One STOMP frame.

    headers: names and values without escapes, in order, repeated ones too.
    A tuple and not a dataclass: it is made for every frame, and costs a third.
    """

    command: str
    headers: Headers = ()
    body: bytes = b""

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a header: of repeated ones the first counts (1.2 "Repeated...")."""
        for key, value in self.headers:
            if key == name:
                return value
        return default

    def encode(self, version: str | None) -> bytes:
        """Return the frame's bytes; None: before a version is agreed, so without escapes.

        `content-length` is added to a body that has none. What the version cannot say in a
        header (a line end in 1.0 and CONNECTED; NUL in all) becomes a space, so that no
        value can forge a header. Raises ValueError for a `content-length` that is wrong.
        """
        length = self.get("content-length")
        headers = self.headers
        if length is None:
            if self.body:
                headers = (*headers, ("content-length", str(len(self.body))))
        elif length != str(len(self.body)):
            raise ValueError(f"content-length {length!r} is given for a body of {len(self.body)} bytes")
        head = [self.command, "\n"]
        if is_escaped(self.command, version):
            table = _ESCAPE_1_1 if version == "1.1" else _ESCAPE_1_2
            head += [f"{name.translate(table)}:{value.translate(table)}\n" for name, value in headers]
        else:
            head += [
                f"{name.translate(_PLAIN_NAME)}:{value.translate(_PLAIN_VALUE)}\n" for name, value in headers
            ]
        return b"%b\n%b\0" % ("".join(head).encode(), self.body)


def encode_message(
    *,
    version: str,
    destination: str,
    subscription: str | None,
    message_id: str,
    content_type: str | None,
    body: bytes,
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Return a MESSAGE's bytes; equal arguments give equal bytes, so sessions may share them.

    subscription: None for one that a 1.0 client made without an id. headers: more of them,
    `ack` too; names that stand among the arguments must not be in it.
    """
    given: list[tuple[str, str]] = [("destination", destination), ("message-id", message_id)]
    text = f"MESSAGE\ndestination:{destination}\nmessage-id:{message_id}\n"
    if subscription is not None:
        given.append(("subscription", subscription))
        text += f"subscription:{subscription}\n"
    if content_type is not None:
        given.append(("content-type", content_type))
        text += f"content-type:{content_type}\n"
    if headers:
        for header in headers:
            given.append(header)
            text += f"{header[0]}:{header[1]}\n"
    # As many line ends and colons as we wrote: no value has one, and nothing needs an escape
    count = len(given)
    if (
        text.count("\n") == count + 1
        and text.count(":") == count
        and "\\" not in text
        and "\r" not in text
        and "\0" not in text
    ):
        return b"%bcontent-length:%d\n\n%b\0" % (text.encode(), len(body), body)
    given.append(("content-length", str(len(body))))
    return Frame("MESSAGE", tuple(given), body).encode(version)


def user_headers(headers: Headers) -> Headers:
    """Return the headers of a SEND that its MESSAGEs carry too: without HOP_HEADERS, first of each name."""
    kept: dict[str, str] = {}
    for name, value in headers:
        if name not in HOP_HEADERS:
            kept.setdefault(name, value)
    return tuple(kept.items())


def is_escaped(command: str, version: str | None) -> bool:
    """Return whether the headers of this frame are escaped (1.1 and 1.2 "Value Encoding")."""
    return version in _UNESCAPE and command not in _NEVER_ESCAPED


def unescape(text: str, version: str) -> str:
    r"""Return `text` (a name or a value of 1.1 or 1.2) without escapes.

    Raises FrameError for an escape that the version does not define, such as \t.
    """
    if "\\" not in text:
        return text
    defined = _UNESCAPE[version]

    def letter(match: re.Match[str]) -> str:
        if (plain := defined.get(match[1])) is None:
            known = ", ".join(f"\\{name}" for name in defined)
            raise FrameError(
                f"escape {match[0]} in a header is undefined in STOMP {version}, expected one of {known}",
                code="escape_undefined",
            )
        return plain

    return _SEQUENCE.sub(letter, text)
