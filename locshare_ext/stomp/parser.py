"""From received bytes to STOMP frames; no I/O, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass

from locshare_ext.errors import FrameError, FrameTooLarge
from locshare_ext.stomp.frames import BEAT, CLIENT_COMMANDS, Beat, Frame, Headers, is_escaped, unescape

__all__ = ["FrameParser", "Limits"]

_LF, _CR = 10, 13
_HEAD_END = re.compile(rb"\n\r?\n|\0")
_RECEIPT_WINDOW = 64 << 10  # bytes of a broken frame in which its receipt is looked for
_EOLS = re.compile(rb"(?:\r?\n)+")
_COMMAND = re.compile(r"[A-Za-z]{1,32}\Z")
# a command that nobody knows is refused for that, where commands are read
_WITHOUT_BODY = (CLIENT_COMMANDS["1.2"] | {"CONNECT", "STOMP", "CONNECTED", "RECEIPT"}) - {"SEND"}
_OPENING = frozenset({"CONNECT", "STOMP"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer may send; over one of them its connection is finished.

    frame: bytes from the command to the NUL. frame_before_connect: the same until a
    version is agreed. header_line: bytes of a line without its LF.
    subscriptions, transactions: open ones, kept by the connection.
    """

    frame: int = 1 << 20
    frame_before_connect: int = 8 << 10
    headers: int = 64
    header_line: int = 4 << 10
    subscriptions: int = 64
    transactions: int = 64


# command, headers, where the body begins and its length, None if not given
_Head = tuple[str, Headers, int, int | None]


class FrameParser:
    """Turn received bytes into frames and beats, however the bytes are cut.

    version: the agreed one; None before, when frames are read as CONNECT and CONNECTED are:
    without escapes, lines ended by LF or CR LF.
    limits: may be changed between frames.
    The parser remembers how far it has looked, so feeding byte by byte stays linear.
    """

    __slots__ = (
        "_data",
        "_failed",
        "_head",
        "_in_frame",
        "_known",
        "_line",
        "_lines",
        "_scan",
        "_start",
        "limits",
        "version",
    )

    def __init__(self, limits: Limits | None = None, version: str | None = None) -> None:
        self.limits = limits or Limits()
        self.version = version
        self._failed: FrameError | None = None
        # bytes while whole frames come, a bytearray while one is cut into chunks
        self._data: bytes | bytearray = b""
        self._start = 0  # of the current frame in _data; the offsets below count from it
        self._in_frame = False
        self._head: _Head | None = None
        self._known: tuple[bytes, Limits, _Head] | None = None  # the last one, as bytes and as read
        self._scan = 0  # looked at so far
        self._line = 0  # where the current line begins
        self._lines = 0  # ended ones

    @property
    def buffered(self) -> int:
        """Return the number of bytes that are not part of a frame handed out."""
        return len(self._data) - self._start

    def receive_data(self, data: bytes) -> None:
        """Store received bytes; `next_frame` does the work."""
        if self._failed is not None or not data:
            return
        if self._start == len(self._data):
            self._data = bytes(data)
            self._start = 0
            return
        if isinstance(self._data, bytes):
            self._data = bytearray(self._data[self._start :])
            self._start = 0
        self._data += data

    def next_frame(self) -> Frame | Beat | None:
        """Return the next whole frame, BEAT for EOLs between frames, None when bytes are needed.

        Raises FrameError if the peer broke the grammar, FrameTooLarge as soon as a frame is
        over a limit, ended or not; then the parser is finished and raises the same again.
        """
        if self._failed is not None:
            raise self._failed
        try:
            return self._next()
        except FrameError as error:
            error.receipt = self._readable_receipt()
            self._failed = error
            self._data, self._start = b"", 0
            raise

    def _next(self) -> Frame | Beat | None:
        data, start = self._data, self._start
        if not self._in_frame:
            if start == len(data):
                return None
            if data[start] <= _CR and data[start] in (_LF, _CR):
                return self._skip_eols()
            self._in_frame = True
            # The usual case at once: the frame is here whole, its lines end in LF
            nul = data.find(b"\0", start)
            if nul > 0:
                end = data.find(b"\n\n", start, nul)
                if end > 0 and end - start <= self.limits.header_line:
                    head = bytes(data[start:end])
                    known = self._known
                    # who sends often sends the same headers
                    if known is not None and known[0] == head and known[1] is self.limits:
                        self._head = known[2]
                    elif b"\r" not in head:
                        self._head = self._parse_head(head, end + 2 - start)
                        if self._head[0] == "SEND" and self.version is not None:
                            self._known = (head, self.limits, self._head)
        if self._head is None and not self._seek_head():
            return None
        return self._take_frame()

    def _skip_eols(self) -> Beat | None:
        match = _EOLS.match(self._data, self._start)
        if match is None:
            if self.buffered == 1:
                return None  # a CR whose LF may come
            raise FrameError("CR without LF between frames, expected a command", code="command_unknown")
        end = match.end()
        del match  # it holds on to the buffer
        self._advance(end)
        return BEAT

    def _seek_head(self) -> bool:
        """Look through the lines that are here; True when the blank line that ends them is."""
        data, start, limits = self._data, self._start, self.limits
        is_crlf = self.version in (None, "1.2")
        while True:
            newline = data.find(b"\n", start + self._scan)
            end = len(data) if newline < 0 else newline
            if data.find(b"\0", start + self._scan, end) >= 0:
                raise FrameError(
                    "NUL inside the headers, expected a blank line after the last header",
                    code="header_invalid",
                )
            line = start + self._line
            if end - line > limits.header_line:
                raise FrameTooLarge(f"a header line is over the limit of {limits.header_line} bytes")
            if newline < 0:
                self._scan = end - start
                self._check_size(end - start)
                return False
            if end == line or (is_crlf and end == line + 1 and data[line] == _CR):
                self._head = self._parse_head(bytes(data[start : line - 1]), end + 1 - start)
                return True
            self._lines += 1
            if self._lines > limits.headers + 1:
                raise self._too_many_headers()
            self._line = self._scan = end + 1 - start

    def _parse_head(self, head: bytes, body: int) -> _Head:
        lines = self._lines_of(head)
        command = lines[0]
        if not _COMMAND.match(command):
            raise FrameError(f"command {command[:40]!r} is unknown", code="command_unknown")
        version = self.version
        escaped = version if b"\\" in head and is_escaped(command, version) else None
        headers = []
        length = None
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name:
                raise FrameError(f"header line {line[:80]!r} is not name:value", code="header_invalid")
            if escaped is not None:
                name, value = unescape(name, escaped), unescape(value, escaped)
            elif version == "1.0":
                value = value.strip(" \t")  # 1.0's own examples pad values; 1.2 is the first to forbid it
            if length is None and name == "content-length":
                length = self._content_length(value if version else value.strip(" \t"))
            headers.append((name, value))
        if length is not None:
            self._check_size(body + length + 1)
        return command, tuple(headers), body, length

    def _lines_of(self, head: bytes) -> list[str]:
        try:
            text = head.decode()
        except UnicodeDecodeError as error:
            raise FrameError(f"headers are not UTF-8: {error.reason}", code="header_invalid") from None
        lines = text.split("\n")
        if len(lines) > self.limits.headers + 1:
            raise self._too_many_headers()
        if "\r" in text and self.version in (None, "1.2"):
            lines = [line.removesuffix("\r") for line in lines]
            if self.version == "1.2" and any("\r" in line for line in lines):
                raise FrameError("CR inside a header, expected it escaped as \\r", code="header_invalid")
        return lines

    def _take_frame(self) -> Frame | None:
        """Return the frame when its body and NUL are here; its head is known."""
        assert self._head is not None  # noqa: S101 -- the caller looked
        command, headers, body, length = self._head
        data, start = self._data, self._start
        if length is None:
            end = data.find(b"\0", start + max(body, self._scan))
            if end < 0:
                self._scan = len(data) - start
                self._check_size(self._scan)
                return None
            self._check_size(end + 1 - start)
        else:
            end = start + body + length
            if end >= len(data):
                return None
            if data[end]:
                raise FrameError(
                    f"content-length {length} is not followed by NUL",
                    code="content_length_invalid",
                    field="content-length",
                )
        if end > start + body and command in _WITHOUT_BODY and self.version not in (None, "1.0"):
            raise FrameError(
                f"{command} has a body of {end - start - body} bytes, expected none", code="body_not_allowed"
            )
        frame = Frame(command, headers, bytes(data[start + body : end]))
        self._advance(end + 1)
        return frame

    def _advance(self, position: int) -> None:
        """Go on at `position` of the data, between frames."""
        data = self._data
        if position == len(data):
            self._data, self._start = b"", 0
        elif isinstance(data, bytearray):
            self._data, self._start = bytes(memoryview(data)[position:]), 0
        else:
            self._start = position
        if self._in_frame:
            self._reset()

    def _reset(self) -> None:
        self._in_frame = False
        self._head = None
        self._scan = self._line = self._lines = 0

    def _check_size(self, size: int) -> None:
        if self.version is None:
            if size > self.limits.frame_before_connect:
                raise FrameTooLarge(
                    f"frame is over the limit of {self.limits.frame_before_connect} bytes before CONNECTED"
                )
        elif size > self.limits.frame:
            raise FrameTooLarge(f"frame is over the limit of {self.limits.frame} bytes")

    def _content_length(self, text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise FrameError(
                f"content-length {text[:40]!r} is not a number of bytes",
                code="content_length_invalid",
                field="content-length",
            )
        return int(
            text.lstrip("0")[:20] or "0"
        )  # more digits are over every limit too; int() has one of its own

    def _too_many_headers(self) -> FrameTooLarge:
        return FrameTooLarge(f"frame has more than the limit of {self.limits.headers} headers")

    def _readable_receipt(self) -> str | None:
        """Return the receipt that the broken frame asks for, if that line can be read."""
        window = bytes(self._data[self._start : self._start + _RECEIPT_WINDOW])
        head, *rest = _HEAD_END.split(window, maxsplit=1)
        command, *lines = head.split(b"\n")
        if not rest:
            lines = lines[:-1]  # the last one has not ended
        if command.rstrip(b"\r").decode(errors="replace") in _OPENING:
            return None  # a receipt is for any frame but CONNECT
        for line in lines:
            if line.startswith(b"receipt:"):
                try:
                    value = line[8:].removesuffix(b"\r").decode()
                    return unescape(value, self.version) if self.version in ("1.1", "1.2") else value.strip()
                except (UnicodeDecodeError, FrameError):
                    return None
        return None
