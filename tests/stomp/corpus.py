"""Nasty bytes after CONNECTED, and what they must come to: kept as a table, to be added to.

Each has run whole, byte by byte and in random pieces, in the parser and against a server.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CORPUS", "Nasty"]

ALL = ("1.0", "1.1", "1.2")
LATER = ("1.1", "1.2")


@dataclass(frozen=True, slots=True)
class Nasty:
    """wire: what a connected client sends. versions: in which it comes to this.

    asks: how many events come of it. code: of the error after them, None for none.
    """

    wire: bytes
    asks: int = 0
    code: str | None = None
    versions: tuple[str, ...] = ALL


SEND = b"SEND\ndestination:/topic/void\n"

CORPUS: dict[str, Nasty] = {
    # between frames
    "nothing but EOLs": Nasty(b"\n" * 5000),
    "EOLs of both kinds": Nasty(b"\n\r\n\r\n\n" * 500 + SEND + b"\n\0\r\n", 1),
    "a CR without LF": Nasty(b"\r" + SEND + b"\n\0", 0, "command_unknown", ("1.2",)),
    "CR CR LF": Nasty(b"\r\r\n", 0, "command_unknown", ("1.2",)),
    "a blank before a frame": Nasty(b" " + SEND + b"\n\0", 0, "command_unknown"),
    "a NUL between frames": Nasty(SEND + b"\n\0\0", 1, "header_invalid"),
    "a byte order mark": Nasty(b"\xef\xbb\xbf" + SEND + b"\n\0", 0, "command_unknown"),
    "UTF-16": Nasty("SEND\n\n\0".encode("utf-16-le"), 0, "header_invalid"),
    # commands
    "no command": Nasty(b"\ndestination:/a\n\n\0", 0, "command_unknown"),
    "a command in lower case": Nasty(b"send\ndestination:/topic/void\n\n\0", 0, "command_unknown"),
    "a command of a server": Nasty(b"MESSAGE\ndestination:/topic/void\n\n\0", 0, "command_unknown"),
    "a command without an end": Nasty(b"A" * 5000, 0, "frame_too_large"),
    "a command and a header in one line": Nasty(b"SEND destination:/a\n\n\0", 0, "command_unknown"),
    "TLS": Nasty(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0, "header_invalid"),
    "HTTP": Nasty(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "command_unknown", ("1.2",)),
    # headers
    "a header without a colon": Nasty(SEND + b"x\n\n\0", 0, "header_invalid"),
    "a header without a name": Nasty(SEND + b":x\n\n\0", 0, "header_invalid"),
    "a header of colons": Nasty(SEND + b"x:::::\n\n\0", 1),
    "a header of blanks": Nasty(SEND + b" : \n\n\0", 1),
    "a header that is no UTF-8": Nasty(SEND + b"x:\xc3\x28\n\n\0", 0, "header_invalid"),
    "a surrogate in UTF-8": Nasty(SEND + b"x:\xed\xa0\x80\n\n\0", 0, "header_invalid"),
    "an overlong slash": Nasty(b"SEND\ndestination:\xc0\xaftopic\n\n\0", 0, "header_invalid"),
    "control characters": Nasty(SEND + b"x:\x01\x02\x1b[31m\x7f\n\n\0", 1),
    "a NUL in a header": Nasty(SEND + b"x:a\0b\n\n\0", 0, "header_invalid"),
    "as many headers as may be": Nasty(SEND + b"x:\n" * 63 + b"\n\0", 1),
    "one header too many": Nasty(SEND + b"x:\n" * 64 + b"\n\0", 0, "frame_too_large"),
    "headers without an end": Nasty(SEND + b"x:y\n" * 100_000, 0, "frame_too_large"),
    "the longest line": Nasty(SEND + b"x:" + b"y" * 4094 + b"\n\n\0", 1),
    "a line too long": Nasty(SEND + b"x:" + b"y" * 4095 + b"\n\n\0", 0, "frame_too_large"),
    "a destination again and again": Nasty(SEND + b"destination:/topic/other\n" * 60 + b"\n\0", 1),
    # escapes
    "escapes without an end": Nasty(SEND + b"x:" + b"\\\\" * 2000 + b"\n\n\0", 1),
    "an odd number of backslashes": Nasty(
        SEND + b"x:" + b"\\" * 1999 + b"\n\n\0", 0, "escape_undefined", LATER
    ),
    "backslashes in 1.0": Nasty(SEND + b"x:" + b"\\" * 1999 + b"\n\n\0", 1, None, ("1.0",)),
    "an escaped NUL": Nasty(SEND + b"x:\\0\n\n\0", 0, "escape_undefined", LATER),
    "an escaped line end forges no header": Nasty(SEND + b"x:a\\nreceipt\\cr\n\n\0", 1),
    "an escaped colon ends no name": Nasty(SEND + b"x\\cy:z\n\n\0", 1),
    # lengths and bodies
    "a content-length of 4000 digits": Nasty(
        SEND + b"content-length:" + b"9" * 4000 + b"\n\n", 0, "frame_too_large"
    ),
    "a content-length with leading zeros": Nasty(SEND + b"content-length:0000000000000000000002\n\nab\0", 1),
    "a content-length below zero": Nasty(SEND + b"content-length:-1\n\n\0", 0, "content_length_invalid"),
    "a content-length of 2 ** 64": Nasty(
        SEND + b"content-length:18446744073709551616\n\n", 0, "frame_too_large"
    ),
    "a content-length in other digits": Nasty(
        SEND + "content-length:２\n\nab\0".encode(), 0, "content_length_invalid"
    ),
    "a content-length that is too short": Nasty(
        SEND + b"content-length:1\n\nab\0", 0, "content_length_invalid"
    ),
    "a body that looks like frames": Nasty(
        SEND + b"content-length:25\n\nSEND\n\n\0DISCONNECT\n\n\0\n\n\n\n\n\0", 1
    ),
    "a body of NULs": Nasty(SEND + b"content-length:1000\n\n" + b"\0" * 1001, 1),
    "a body over the limit": Nasty(SEND + b"\n" + b"x" * (1 << 20), 0, "frame_too_large"),
    "a body where none may be": Nasty(b"BEGIN\ntransaction:t\n\nx\0", 0, "body_not_allowed", LATER),
    # sequences
    "frames behind a fault": Nasty(SEND + b"\n\0NONSENSE\n\n\0" + SEND + b"\n\0", 1, "command_unknown"),
    "frames behind a DISCONNECT": Nasty(b"DISCONNECT\n\n\0" + SEND + b"\n\0NONSENSE\n\n\0\xff", 1),
    "CONNECT again": Nasty(b"CONNECT\naccept-version:1.2\nhost:h\n\n\0", 0, "already_connected"),
    "subscriptions without an end": Nasty(
        b"".join(b"SUBSCRIBE\nid:%d\ndestination:/topic/void\n\n\0" % number for number in range(100)),
        64,
        "too_many_subscriptions",
    ),
    "transactions without an end": Nasty(
        b"".join(b"BEGIN\ntransaction:%d\n\n\0" % number for number in range(100)),
        64,
        "too_many_transactions",
    ),
    "half a frame": Nasty(SEND + b"content-length:10\n\nhalf"),
    "half a header": Nasty(b"SEND\ndestinat"),
}
