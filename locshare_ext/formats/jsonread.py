"""Large JSON piece by piece: the elements of chosen arrays, with bounds on each."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from locshare_ext.errors import InvalidFile
from locshare_ext.formats.loaded import Progress

__all__ = ["TOP", "elements"]

TOP = ""  # the key that stands for the file itself, where that is an array
DEEPEST = 64  # values within values
_PIECE = 1 << 18  # bytes parsed at once


def elements(
    path: Path, arrays: Collection[str], kept: Collection[str], *, most: int, progress: Progress | None
) -> Iterator[tuple[str, Any]]:
    """Yield (key, element) of the arrays under some keys of the file's object, in order.

    kept: keys whose values are yielded whole; all others are passed over. TOP in `arrays`: the
    file may be an array. most: values that one element may have. Raises InvalidFile for what
    is no JSON, nested deeper than DEEPEST, or larger than that.
    """
    import ijson

    with path.open("rb") as file:
        start = file.read(3)
        if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise InvalidFile(f"{path.name} is UTF-16, expected JSON in UTF-8")
        file.seek(3 if start == codecs.BOM_UTF8 else 0)
        told = _Told(file, path.stat().st_size, progress)
        reading = _Reading(path, ijson.basic_parse(told, use_float=True, buf_size=_PIECE), most)
        try:
            yield from reading.run(arrays, kept)
        except ijson.JSONError as error:
            what = str(error.args[0] if error.args else error).splitlines()[0]
            raise InvalidFile(f"{path.name} is no valid JSON ({what}){reading.place}") from None
        except (ValueError, OverflowError) as error:
            raise InvalidFile(f"{path.name}: {error}{reading.place}") from None
        told.end()


class _Told:
    """A file that tells how far it is read."""

    def __init__(self, file: Any, size: int, progress: Progress | None) -> None:
        self._file, self._size, self._progress = file, size, progress

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        if self._progress is not None:
            self._progress(min(self._file.tell(), self._size), self._size)
        return data

    def end(self) -> None:
        if self._progress is not None:
            self._progress(self._size, self._size)


class _Reading:
    """Follows the parser's events."""

    def __init__(self, path: Path, events: Iterator[tuple[str, Any]], most: int) -> None:
        self._path, self._events, self._most = path, events, most
        self._key, self._number = TOP, 0

    @property
    def place(self) -> str:
        """Where reading is, in words."""
        return f", after item {self._number:,} of {self._key or 'the array'}" if self._number else ""

    def run(self, arrays: Collection[str], kept: Collection[str]) -> Iterator[tuple[str, Any]]:
        event, _ = next(self._events, ("", None))
        if event == "start_array" and TOP in arrays:
            yield from self._array(TOP)
        elif event == "start_map":
            for event, key in self._events:
                if event == "end_map":
                    break
                event, value = next(self._events)
                if key in arrays and event == "start_array":
                    yield from self._array(key)
                elif key in kept:
                    yield key, self._value(event, value)
                else:
                    self._pass_over(event)
        else:
            raise InvalidFile(f"{self._path.name} is JSON, but neither an object nor a list of fixes")
        for event, _ in self._events:  # what comes after the end is an error
            raise InvalidFile(f"{self._path.name}: {event} after the end")

    def _array(self, key: str) -> Iterator[tuple[str, Any]]:
        self._key, self._number = key, 0
        for event, value in self._events:
            if event == "end_array":
                return
            yield key, self._value(event, value)
            self._number += 1

    def _value(self, event: str, value: Any) -> Any:
        """Return the value that begins with an event, built without recursion."""
        if not event.startswith("start"):
            return value
        root: Any = {} if event == "start_map" else []
        stack = [root]
        keys: list[Any] = [None]
        for count, (event, value) in enumerate(self._events):
            if count > self._most:
                raise InvalidFile(f"{self._path.name}: an item of over {self._most:,} values{self.place}")
            if event == "map_key":
                keys[-1] = value
            elif event.startswith("end"):
                stack.pop()
                keys.pop()
                if not stack:
                    return root
            else:
                made = {} if event == "start_map" else [] if event == "start_array" else value
                if isinstance(stack[-1], dict):
                    stack[-1][keys[-1]] = made
                else:
                    stack[-1].append(made)
                if event.startswith("start"):
                    stack.append(made)
                    keys.append(None)
                    self._check_depth(len(stack))
        raise InvalidFile(f"{self._path.name} ends within an item{self.place}")

    def _pass_over(self, event: str) -> None:
        depth = int(event.startswith("start"))
        while depth:
            event, _ = next(self._events)
            depth += event.startswith("start") - event.startswith("end")
            self._check_depth(depth)

    def _check_depth(self, depth: int) -> None:
        if depth > DEEPEST:
            raise InvalidFile(f"{self._path.name}: values within more than {DEEPEST} others{self.place}")
