"""What users have called for each fix: one at a time, and never at the cost of the feed."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, overload

from locshare_ext.client.steering import Discontinuity
from locshare_ext.client.watching import Watching
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock
from locshare_ext.model.fix import Fix

if TYPE_CHECKING:
    from locshare_ext.alerts import Alert

__all__ = ["BeginCallback", "Callbacks", "CallsFixes", "FixCallback", "FixesCallback"]

FixCallback = Callable[[Fix], Any]
FixesCallback = Callable[[list[Fix]], Any]
BeginCallback = Callable[[Discontinuity], Any]
Kind = Literal["fix", "fixes", "discontinuity", "alert"]
_PACKAGE = __name__.split(".", 1)[0]


@dataclass(eq=False, slots=True)
class _Entry:
    """One callback. loop: the event loop to call it on, None for the feed's thread.

    rule: the only one whose alerts it is called with.
    """

    call: Callable[[Any], Any]
    name: str
    loop: asyncio.AbstractEventLoop | None
    kind: Kind
    rule: str | None = None
    failures: int = 0
    shown: set[tuple[type, str | None, int | None]] = field(default_factory=set)


class Callbacks:
    """Functions by their qualified names: the same name again replaces the function.

    An exception in one is shown once for each line that raises it, and counted; the
    others, and the next fixes, go on. `add` may be called by any thread.
    """

    def __init__(self, show: Callable[[str], None] | None = None) -> None:
        self._entries: dict[tuple[str, ...], _Entry] = {}
        self._lock = threading.Lock()
        self._show = show or _show_on_stderr
        self.watching = Watching()

    def __len__(self) -> int:
        return len(self._entries)

    def __bool__(self) -> bool:
        return bool(self._entries) or bool(self.watching)

    def add(
        self,
        call: Callable[[Any], Any],
        *,
        thread: Literal["feed", "main"] = "feed",
        kind: Kind = "fix",
        rule: str | None = None,
    ) -> None:
        """Have `call` called with each fix; replaces the callback of the same name.

        thread: "feed" calls on the thread that receives; "main" on the event loop that runs
        now, as in a notebook's cell. kind: what it is called with, see `CallsFixes`. rule: with
        the alerts of this one only, whatever it is called with besides. Raises InvalidInput for
        what cannot be called.
        """
        if not callable(call):
            raise InvalidInput(f"on_{kind} wants a function of one argument, got {type(call).__name__}")
        if thread not in ("feed", "main"):
            raise InvalidInput(f"thread {thread!r} is unknown; expected 'feed' or 'main'", field="thread")
        loop = _running_loop() if thread == "main" else None
        with self._lock:
            self._entries[_key(call, kind, rule)] = _Entry(call, _name(call), loop, kind, rule)

    def remove(self, call: Callable[[Any], Any], kind: Kind = "fix") -> bool:
        """Stop calling it, or whatever has its name; returns whether there was one.

        What is called with alerts, by kind="alert", is another than what is called with all else.
        """
        with self._lock:
            return self._entries.pop(_key(call, kind), None) is not None

    def remove_rule(self, name: str) -> bool:
        """Hold a rule no longer, and call nobody with its alerts; returns whether there was one."""
        with self._lock:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.rule != name}
        return self.watching.remove(name)

    def clear(self) -> None:
        """Stop calling all of them."""
        with self._lock:
            self._entries.clear()
        self.watching.clear()

    def failures(self) -> dict[str, int]:
        """Return how often each callback has raised, by its name."""
        with self._lock:
            return {entry.name: entry.failures for entry in self._entries.values()}

    def run(self, fixes: Iterable[Fix], *, is_strict: bool = False) -> None:
        """Call every callback with every fix, fix by fix, then those that take them together.

        Nothing that they raise comes out; is_strict: but what those of this thread raise,
        at once, and nothing more is called.
        """
        with self._lock:
            entries = [entry for entry in self._entries.values() if entry.kind in ("fix", "fixes")]
        one_by_one = [entry for entry in entries if entry.kind == "fix" and entry.loop is None]
        together = [entry for entry in entries if entry not in one_by_one]
        watching = self.watching
        batch: list[Fix] = []
        for fix in fixes:  # lazily: whoever hands them in keeps a clock by it
            if watching:  # first, as a clock that is live may have told it already
                self._tell(watching.approach(fix), is_strict)
            for entry in one_by_one:
                try:
                    entry.call(fix)
                except Exception as error:
                    self._failed(entry, error)
                    if is_strict:
                        raise
            if watching:
                self._tell(watching.see(fix), is_strict)
            if together:
                batch.append(fix)
        if not batch:
            return
        for entry in together:
            self._hand(entry, [list(batch)] if entry.kind == "fixes" else batch, is_strict)

    def advance(self, moment: int, *, is_strict: bool = False) -> None:
        """Have the clock come to a moment (ms), and tell what that alone sets off."""
        self._tell(self.watching.advance(moment), is_strict)

    def begin(self, where: Discontinuity, *, clock: Clock = "received", is_strict: bool = False) -> None:
        """Tell those who want to know that what comes next begins anew, by which clock; as `run`."""
        self.watching.begin(where.known, where.clock_ms, clock)
        with self._lock:
            entries = [entry for entry in self._entries.values() if entry.kind == "discontinuity"]
        for entry in entries:
            self._hand(entry, [where], is_strict)

    def _tell(self, alerts: list[Alert], is_strict: bool) -> None:
        """Call those who want to know of alerts with each."""
        if not alerts:
            return
        with self._lock:
            entries = [entry for entry in self._entries.values() if entry.kind == "alert"]
        for alert in alerts:
            for entry in entries:
                if entry.rule in (None, alert.rule):
                    self._hand(entry, [alert], is_strict)

    def _hand(self, entry: _Entry, items: list[Any], is_strict: bool) -> None:
        """Call it with each item, here or on its loop."""
        if entry.loop is None:
            self._call_all(entry, items, is_strict)
        elif not entry.loop.is_closed():
            entry.loop.call_soon_threadsafe(self._call_all, entry, items, False)

    def _call_all(self, entry: _Entry, items: list[Any], is_strict: bool) -> None:
        for item in items:
            try:
                entry.call(item)
            except Exception as error:
                self._failed(entry, error)
                if is_strict:
                    raise

    def _failed(self, entry: _Entry, error: Exception) -> None:
        entry.failures += 1
        kind = (type(error), *_place(error.__traceback__))
        if kind not in entry.shown and len(entry.shown) < 20:
            entry.shown.add(kind)
            self._show(_describe(entry, error))


class CallsFixes(ABC):
    """What groups and recordings have alike: functions that are called with each fix."""

    @abstractmethod
    def _callbacks(self, *, from_now: bool = False) -> Callbacks:
        """Return what is called; from_now: and have what comes from now on reach it, which may wait."""

    @overload
    def on_fix(self, call: FixCallback, *, thread: Literal["feed", "main"] = ...) -> FixCallback: ...

    @overload
    def on_fix(
        self, call: None = ..., *, thread: Literal["feed", "main"] = ...
    ) -> Callable[[FixCallback], FixCallback]: ...

    def on_fix(
        self, call: FixCallback | None = None, *, thread: Literal["feed", "main"] = "feed"
    ) -> FixCallback | Callable[[FixCallback], FixCallback]:
        """Call a function with every `Fix` that comes from now on, live or played; also as a decorator.

        Callbacks run one at a time on the thread that brings the fixes (thread="main": on the
        notebook's event loop, between cells). One of the same module and name is replaced. An
        exception is shown once and counted in `failures`, and the next fix comes as usual.
        """
        if call is None:
            return lambda function: self.on_fix(function, thread=thread)
        self._callbacks(from_now=True).add(call, thread=thread)
        return call

    def on_fixes(
        self, call: FixesCallback | None = None, *, thread: Literal["feed", "main"] = "feed"
    ) -> FixesCallback | Callable[[FixesCallback], FixesCallback]:
        """Call a function with lists of the fixes that come together; as `on_fix` otherwise.

        In the same order, each once; for those who take many at a time more cheaply.
        """
        if call is None:
            return lambda function: self.on_fixes(function, thread=thread)
        self._callbacks(from_now=True).add(call, thread=thread, kind="fixes")
        return call

    def on_discontinuity(
        self, call: BeginCallback | None = None, *, thread: Literal["feed", "main"] = "feed"
    ) -> BeginCallback | Callable[[BeginCallback], BeginCallback]:
        """Call a function when what was seen before is no past of what comes: to begin anew.

        A replay's start, a seek, a loop, with a `Discontinuity`: its reason, clock, and each
        member's last fix before. Live it comes when the group itself has begun anew.
        """
        if call is None:
            return lambda function: self.on_discontinuity(function, thread=thread)
        self._callbacks(from_now=True).add(call, thread=thread, kind="discontinuity")
        return call

    def off_fix(self, call: Callable[[Any], Any]) -> None:
        """Stop calling this function, or the one of its name, whatever it is called with."""
        self._callbacks().remove(call)

    @property
    def failures(self) -> dict[str, int]:
        """How often each callback of `on_fix` has raised, by its name."""
        return self._callbacks().failures()


def _describe(entry: _Entry, error: Exception) -> str:
    """Return what to show: the traceback of the user's own code, and what happens next."""
    lines = traceback.format_exception(type(error), error, _own_part(error.__traceback__))
    return (
        f"on_{entry.kind} callback {entry.name} raised; it is called again with the next {entry.kind}, and "
        f"this error is only counted from now on:\n{''.join(lines)}"
    )


def _own_part(tb: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the first frame that is not this package's."""
    while tb is not None and tb.tb_frame.f_globals.get("__name__", "").split(".", 1)[0] == _PACKAGE:
        if tb.tb_next is None:
            break
        tb = tb.tb_next
    return tb


def _place(tb: TracebackType | None) -> tuple[str | None, int | None]:
    """Return file and line where it was raised."""
    if tb is None:
        return None, None
    while tb.tb_next is not None:
        tb = tb.tb_next
    return tb.tb_frame.f_code.co_filename, tb.tb_lineno


def _key(call: Callable[[Any], Any], kind: Kind, rule: str | None = None) -> tuple[str, ...]:
    """Return what makes two callbacks the same: module and qualified name, if it has any, and the rule."""
    if rule is not None:
        return (rule,)  # a rule has one
    if kind == "alert":
        return (kind, *_key(call, "fix"))
    name = getattr(call, "__qualname__", None)
    if name is None:
        return ("", str(id(call)))
    owner = getattr(call, "__self__", None)
    parts = [getattr(call, "__module__", None) or "", name]
    if owner is not None:  # the same method of two objects is two callbacks
        parts.append(str(id(owner)))
    code = getattr(call, "__code__", None)
    if "<lambda>" in name and code is not None:
        parts += [code.co_filename, str(code.co_firstlineno)]
    return tuple(parts)


def _name(call: FixCallback) -> str:
    return getattr(call, "__qualname__", None) or repr(call)


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise InvalidInput(
            'thread="main" needs a running event loop, as in a notebook\'s cell; '
            'use thread="feed" in a program without one',
            field="thread",
        ) from None


def _show_on_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - as an uncaught error of a thread is shown
