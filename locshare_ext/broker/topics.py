"""Free topics: told to whoever listens now, kept nowhere."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Protocol

from locshare_ext.errors import InvalidInput

__all__ = ["Listener", "Told", "Topics", "check_name", "is_pattern", "matches"]

MAX_NAME = 255  # bytes, as AMQP's routing keys


_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Told:
    """One message to a free topic; `frames` is where equal listeners share its encoding."""

    destination: str
    body: bytes
    content_type: str | None
    headers: tuple[tuple[str, str], ...]
    message_id: str
    frames: dict[object, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return 200 + len(self.body) + sum(len(name) + len(value) for name, value in self.headers)


class Listener(Protocol):
    """A subscription to a free topic."""

    def tell(self, told: Told) -> None:
        """Pass a message on, or keep or drop it when the connection does not keep up."""


class Topics:
    """Who listens to which free topic; the names are what follows `/topic/`."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[Listener, None]] = {}
        self._patterns: dict[str, dict[Listener, None]] = {}

    def attach(self, name: str, listener: Listener) -> None:
        """Let a listener hear a topic or a pattern (`*` one word, `#` zero or more)."""
        self._table(name).setdefault(name, {})[listener] = None

    def detach(self, name: str, listener: Listener) -> None:
        """Let it hear no more; no error if it did not."""
        table = self._table(name)
        listeners = table.get(name)
        if listeners is not None:
            listeners.pop(listener, None)
            if not listeners:
                del table[name]

    def publish(
        self, name: str, body: bytes, content_type: str | None, headers: tuple[tuple[str, str], ...]
    ) -> int:
        """Tell everyone who listens to `name`; returns how many."""
        heard = list(self._exact.get(name, ()))
        if self._patterns:
            words = name.split(".")
            for pattern, listeners in self._patterns.items():
                if matches(pattern.split("."), words):
                    heard += listeners
        told = Told(f"/topic/{name}", body, content_type, headers, f"t-{next(_numbers)}")
        for listener in heard:
            listener.tell(told)
        return len(heard)

    def _table(self, name: str) -> dict[str, dict[Listener, None]]:
        return self._patterns if is_pattern(name) else self._exact


def is_pattern(name: str) -> bool:
    """Return whether a name has a wildcard among its words."""
    return any(word in ("*", "#") for word in name.split("."))


def check_name(name: str, what: str = "topic") -> str:
    """Return the name of a free topic, or of what else has such names; raises InvalidInput."""
    if not 1 <= len(name.encode()) <= MAX_NAME:
        raise InvalidInput(
            f"{what} name has {len(name.encode())} bytes, expected 1-{MAX_NAME}",
            code="destination_invalid",
            field="destination",
        )
    return name


def matches(pattern: list[str], words: list[str]) -> bool:
    """Return whether a pattern's words match a name's words; linear in their product."""
    row = [True] + [False] * len(words)  # row[i]: the pattern so far matches the first i words
    for part in pattern:
        if part == "#":
            for i in range(1, len(row)):
                row[i] = row[i] or row[i - 1]
        else:
            row = [False, *(row[i] and part in ("*", words[i]) for i in range(len(words)))]
    return row[-1]
