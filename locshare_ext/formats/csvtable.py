"""The text of a CSV: its header, blocks of whole lines for quick reading, rows for careful reading."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from locshare_ext.errors import InvalidFile

__all__ = ["Block", "CsvTable", "open_table"]

_TOLD = re.compile(r'"?sep=([,;\t|])"?')  # the first line that a spreadsheet is told its delimiter in
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 64 * 1024  # bytes that tell encoding, delimiter and header
_BLOCK = 4 << 20  # bytes read at once
_LONGEST_ROW = 1 << 20  # bytes; what is longer is no row of fixes
_MOST_COLUMNS = 5_000


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of the file. line: the number of the first. offset: where it stands."""

    data: bytes
    line: int
    offset: int
    lines: int

    @property
    def is_plain(self) -> bool:
        """Whether each of its lines is a row for certain, but for quoted line ends."""
        data = self.data
        return (
            b"\0" not in data
            and b"\n\n" not in data
            and b"\n\r\n" not in data
            and not data.startswith((b"\n", b"\r\n"))
            and not self.has_bare_returns
        )

    @property
    def has_bare_returns(self) -> bool:
        """Whether it has line ends of old Macintoshes."""
        return self.data.count(b"\r") != self.data.count(b"\r\n")

    @property
    def has_quotes(self) -> bool:
        """Whether a row of it may go over several lines, or into the next block."""
        return b'"' in self.data


class CsvTable:
    """A CSV file's header and rows; `encoding`, `delimiter` and `number` are found out."""

    def __init__(self, path: Path, raw: IO[bytes], encoding: str | None) -> None:
        self._path = path
        self._raw = raw
        head = raw.read(_HEAD)
        if not head.strip():
            raise InvalidFile(f"{path.name} is empty; expected a header and rows")
        if b"\0" in head and not head.startswith(_UTF16):
            raise InvalidFile(f"{path.name} is no text file; expected CSV")
        self.encoding = encoding or ("utf-16" if head.startswith(_UTF16) else "utf-8-sig")
        self.delimiter = self._delimiter()
        # a comma can only be a decimal one where it parts no columns
        self.number: Callable[[str], float] = _decimal_comma if self.delimiter == ";" else _number
        _, header = next(islice(self._rows_from(0, 1), self._before, None), (0, []))
        self.header = [cell.strip() for cell in header]
        if len(self.header) > _MOST_COLUMNS:
            raise InvalidFile(
                f"{path.name}: {len(self.header):,} columns, expected at most {_MOST_COLUMNS:,}"
            )
        self._body = self._after_header(head)

    @property
    def done(self) -> int:
        """How many bytes are read."""
        return self._raw.tell()

    def peek(self, count: int) -> list[list[str]]:
        """Return the first rows."""
        return [
            cells for _, cells in islice(self._rows_from(0, 1), self._before + 1, self._before + 1 + count)
        ]

    def blocks(self) -> Iterator[Block] | None:
        """Return the lines after the header in blocks, None where that cannot be (UTF-16)."""
        return None if self._body is None else self._blocks(self._body)

    def rows(self, block: Block | None = None) -> Iterator[tuple[int, list[str]]]:
        """Yield (line, cells) of every row that is not blank: all, or from a block on to the end."""
        numbered: Iterator[tuple[int, list[str]]] = islice(self._rows_from(0, 1), self._before + 1, None)
        if block is not None:
            numbered = self._rows_from(block.offset, block.line)
        return ((line, cells) for line, cells in numbered if any(cells))

    def rows_of(self, block: Block) -> Iterator[tuple[int, list[str]]]:
        """Yield (line, cells) of the rows of one block that has no quotes."""
        with io.BytesIO(block.data) as data:
            numbered = self._rows_of(data, block.line)
            yield from ((line, cells) for line, cells in numbered if any(cells))

    def row(self, text: bytes, line: int) -> list[str]:
        """Return the cells of one line, which is called so in errors."""
        try:
            return next(csv.reader([text.decode()], delimiter=self.delimiter), [])
        except csv.Error as error:
            raise InvalidFile(f"{self._path.name}: line {line}: {error}") from None

    def _blocks(self, offset: int) -> Iterator[Block]:
        line, tail = self._before + 2, b""
        while True:
            self._raw.seek(offset + len(tail))
            read = self._raw.read(_BLOCK)
            data = tail + read
            if not data:
                return
            end = data.rfind(b"\n") + 1 if read else len(data)
            if not end and len(data) > _LONGEST_ROW:
                raise InvalidFile(f"{self._path.name}: line {line} has over {_LONGEST_ROW:,} bytes")
            if end:
                lines = data.count(b"\n", 0, end) + (data[end - 1 : end] != b"\n")
                yield Block(data[:end], line, offset, lines)
                line, offset = line + lines, offset + end
            tail = data[end:]

    def _rows_from(self, offset: int, line: int) -> Iterator[tuple[int, list[str]]]:
        self._raw.seek(offset)
        return self._rows_of(self._raw, line)

    def _rows_of(self, raw: IO[bytes], first: int) -> Iterator[tuple[int, list[str]]]:
        encoding = "utf-8" if first > 1 and self.encoding == "utf-8-sig" else self.encoding
        text = io.TextIOWrapper(raw, encoding, newline="")
        try:
            reader = csv.reader(_short_lines(text, self._path), delimiter=self.delimiter)
            while True:
                line = reader.line_num + first
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise InvalidFile(f"{self._path.name}: line {line}: {error}") from None
                except UnicodeError as error:
                    raise self._not_text(error) from None
                yield line, cells
        finally:
            with contextlib.suppress(ValueError):  # left where it was, and the file is closed
                text.detach()

    def _delimiter(self) -> str:
        """Return what parts the columns, as the first line says or shows; notes whether it only says so."""
        self._raw.seek(0)
        text = io.TextIOWrapper(self._raw, self.encoding, newline="")
        try:
            first = text.readline(_HEAD)
        except UnicodeError as error:
            raise self._not_text(error) from None
        finally:
            text.detach()
        told = _TOLD.fullmatch(first.strip("\ufeff\r\n"))
        self._before = 0 if told is None else 1  # lines before the header
        if told is not None:
            return told[1]
        outside = "".join(first.split('"')[::2])
        return max(",;\t|", key=outside.count)

    def _after_header(self, head: bytes) -> int | None:
        """Return where the second line begins, None when the rows are not to be had in blocks."""
        start = head.find(b"\n") + 1 if self._before else 0
        first, found, _ = head[start:].partition(b"\n")
        if self.encoding not in ("utf-8", "utf-8-sig") or not found or first.count(b'"') % 2:
            return None
        return None if b"\r" in first.removesuffix(b"\r") else start + len(first) + 1

    def _not_text(self, error: UnicodeError) -> InvalidFile:
        return InvalidFile(
            f"{self._path.name} is not {self.encoding} text ({error}); say which with encoding=, "
            "such as cp1252 or euc-kr"
        )


def open_table(path: Path, raw: IO[bytes], encoding: str | None = None) -> CsvTable:
    """Return the table of an open file; raises InvalidFile when it is none."""
    try:
        "".encode(encoding or "utf-8")
    except LookupError:
        raise InvalidFile(f"encoding {str(encoding)[:40]!r} is unknown", field="encoding") from None
    return CsvTable(path, raw, encoding)


def _short_lines(text: io.TextIOWrapper, path: Path) -> Iterator[str]:
    """Yield lines, none of which is endless."""
    number = 0
    while line := text.readline(_LONGEST_ROW):
        number += 1
        if len(line) == _LONGEST_ROW and not line.endswith(("\n", "\r")):
            raise InvalidFile(f"{path.name}: a line of over {_LONGEST_ROW:,} characters")
        yield line


def _number(text: str) -> float:
    if "_" in text:  # which Python takes for 1_000
        raise ValueError(text)
    return float(text)


def _decimal_comma(text: str) -> float:
    return _number(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
