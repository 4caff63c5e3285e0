"""A Leaflet layer of members that move, with their trails."""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipyleaflet
import numpy as np
import numpy.typing as npt
from traitlets import Bool, Enum, Float, List, Unicode

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.frames import encode_columns
from locshare_ext.widget.inputs import column_of, columns_of_frame, ms_column
from locshare_ext.widget.pacer import MainLoop, pacer
from locshare_ext.widget.pacing import EXPECTED, Pacing
from locshare_ext.widget.trail_log import NUMBERS, TrailLog

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODULE", "MODULE_VERSION", "TrailLayer"]

MODULE = "locshare-ext"
MODULE_VERSION = "^0.1.0"


class TrailLayer(ipyleaflet.Layer):  # type: ignore[misc]  # ipyleaflet is untyped
    """Members and their trails on any `ipyleaflet.Map`.

    `push` takes new fixes from any thread; each travels to the page once, in binary, and
    is drawn there, also while a cell runs. `on_click` takes a function that is called with
    `member`, `coordinates` and `time` when a head is clicked. The settings below are synced traits; positions
    never are, so that a saved notebook holds none.
    """

    _view_name = Unicode("TrailLayerView").tag(sync=True)
    _model_name = Unicode("TrailLayerModel").tag(sync=True)
    _view_module = Unicode(MODULE).tag(sync=True)
    _model_module = Unicode(MODULE).tag(sync=True)
    _view_module_version = Unicode(MODULE_VERSION).tag(sync=True)
    _model_module_version = Unicode(MODULE_VERSION).tag(sync=True)

    title = Unicode("", help="What people call what is shown.").tag(sync=True)
    mode = Enum(["live", "recording"], "live", help="Whether more fixes may come.").tag(sync=True)
    trail = Float(600.0, min=0.0, help="Seconds of trail drawn behind each member.").tag(sync=True)
    interpolate = Bool(True, help="Move heads smoothly between fixes (drawing only).").tag(sync=True)
    labels = Bool(True, help="Write names beside the heads, where there is room.").tag(sync=True)
    stale_after = Float(60.0, min=0.0, help="Seconds after which a position is shown as old.").tag(sync=True)
    lost_after = Float(600.0, min=0.0, help="Seconds after which a member is shown as lost.").tag(sync=True)
    gap_after = Float(
        120.0, min=0.0, help="Seconds without a fix, and 5 x the usual pause, after which no trail is drawn."
    ).tag(sync=True)
    color_by = Enum(
        ["member", "speed", "accuracy", "age", "altitude", "battery"],
        "member",
        help="What colours say: who it is, or a number of each fix; `age` is that of a member's position.",
    ).tag(sync=True)
    color_range = List(
        Float(),
        maxlen=2,
        help="Lowest and highest value with a colour of its own (m/s, m, s, 0-1); empty: as the fixes are.",
    ).tag(sync=True)
    clock = Enum(
        ["time", "received"],
        "time",
        help="How the past is shown: as it was (`time`), or as it was known (`received`).",
    ).tag(sync=True)
    panels = List(
        Enum(["timeline", "members", "tools", "status"]), help="What is shown on the map beside members."
    ).tag(sync=True)
    fit = Bool(False, help="Move the map to the first fixes, once.").tag(sync=True)
    is_fitted = Bool(False, help="Whether that has happened.").tag(sync=True)

    def __init__(self, log: TrailLog | None = None, **settings: Any) -> None:
        self._log = TrailLog() if log is None else log
        self._pacing = Pacing()
        self._pacing_lock = threading.Lock()
        self._main = MainLoop()
        self._named = 0
        self._epoch = self._log.epoch
        self._status: dict[str, Any] | None = None
        self._given = frozenset(settings)
        self._ages: dict[str, float] = {}  # on their way into the traits
        self._unseen: Callable[[], None] | None = None
        self._is_state_due = False
        super().__init__(**settings)
        self.on_msg(self._receive)
        self.expect_page()

    def push(
        self,
        members: Sequence[str] | npt.NDArray[Any] | str,
        time: Any,
        lat: npt.ArrayLike,
        lon: npt.ArrayLike,
        *,
        received: Any = None,
        **numbers: npt.ArrayLike | None,
    ) -> None:
        """Show new fixes, one per element; any thread may call it, nothing waits.

        members: names. time, received: integer ms since 1970 UTC, datetimes with a zone or
        datetime64 (UTC); received None means unknown. lat, lon: degrees. numbers: speed (m/s),
        heading (degrees from true north), battery (0-1), accuracy (m), altitude (m), with NaN
        for unknown. Single values stand for every row. Raises InvalidInput, and then shows none.
        """
        names = [members] if isinstance(members, str) else members
        count = len(names)
        columns: dict[str, npt.NDArray[Any] | None] = {}
        for name, values in numbers.items():
            if name not in NUMBERS:
                raise InvalidInput(
                    f"column {name!r} is unknown; expected one of {', '.join(NUMBERS)}", field=name
                )
            columns[name] = None if values is None else column_of(name, values, count, np.float32)
        placed = {
            "lat": column_of("lat", lat, count, np.float64, 90.0),
            "lon": column_of("lon", lon, count, np.float64, 180.0),
        }
        times = ms_column("time", time, count)
        heard = np.zeros(count, np.int64) if received is None else ms_column("received", received, count)
        self._log.append(self._log.ids_of(names), times, heard, placed["lat"], placed["lon"], columns)
        self.refresh()

    def set_trails(self, frame: pd.DataFrame) -> None:
        """Show the fixes of a trail frame (`Group.trails`), instead of all that was shown."""
        names, times, heard, lat, lon, numbers = columns_of_frame(frame)
        self._log.clear()
        self._log.append(self._log.ids_of(names), times, heard, lat, lon, numbers)
        self.refresh()

    def clear(self) -> None:
        """Show nothing, until the next `push`."""
        self._log.clear()
        self.refresh()

    def refresh(self) -> None:
        """Have what was added to the log sent; any thread may call it, nothing waits."""
        if self._pacing.pages:
            pacer.wake(self)

    def expect_page(self) -> None:
        """Send to the page that will show the layer, though it cannot be heard before the cell ends.

        A map that is followed by a long cell would stay empty otherwise.
        """
        if not self._main.has_loop:
            return
        with self._pacing_lock:
            self._pacing.expect(self._log.oldest, self._log.head, clock.monotonic())
            self._is_state_due = True
        pacer.wake(self)

    def show_status(
        self, state: str, since: int, text: str, near: Sequence[str] = (), note: str = ""
    ) -> None:
        """Tell people on the page how the source is; any thread may call it.

        state: one of `SourceStatus`, or `no_server`. since: ms since 1970 UTC. note: what is
        worth knowing while all is well.
        """
        self._status = {"state": state, "since": since, "text": text, "near": list(near), "note": note}
        if self._pacing.pages:
            self._say("status", status=self._status)

    def suggest_ages(self, ages: Mapping[str, float]) -> None:
        """Take `stale_after`, `lost_after`, `gap_after` unless the maker gave them; any thread may call it.

        The page has them at once, the traits when the main thread is free to change them.
        """
        self._ages = {name: value for name, value in ages.items() if name not in self._given}
        if self._ages and self._pacing.pages:
            self._say("ages", ages=self._ages)
        self._main.call(self._set_ages)

    def _set_ages(self) -> None:
        ages, self._ages = self._ages, {}
        with self.hold_sync():
            for name, value in ages.items():
                setattr(self, name, value)

    def close(self) -> None:
        """End the layer here and on the pages."""
        pacer.forget(self)
        super().close()

    def when_unseen(self, call: Callable[[], None]) -> None:
        """Call once, on the kernel's main thread, when no page shows the layer any more."""
        self._unseen = call
        self._look_who_sees()

    def _look_who_sees(self) -> None:
        if self._unseen is not None and not self._pacing.pages:
            call, self._unseen = self._unseen, None
            self._main.call(call)

    def send_due(self, now: float) -> float | None:
        """Send what the pages should get now; called by the pacer's thread alone."""
        if self.comm is None:
            return None
        is_busy = self._main.is_busy(now)
        with self._pacing_lock:
            self._follow_epoch()
            if self._is_state_due and self._pacing.pages:
                self._say_state(EXPECTED)
            head = self._log.head
            due = self._pacing.next_range(head, now, is_busy=is_busy)
            is_beat_due = self._pacing.is_beat_due(now)
        if due is not None:
            self._send_fixes(*due, now, is_busy=is_busy)
        if is_beat_due:
            self._say("beat", head=head, oldest=self._log.oldest, sequence=self._pacing.sequence)
        with self._pacing_lock:
            wait = self._pacing.wait(self._log.head, clock.monotonic())
        if wait is None:
            self._look_who_sees()
        return wait

    def _follow_epoch(self) -> None:
        if self._epoch != self._log.epoch:
            self._epoch, self._named = self._log.epoch, 0
            self._pacing.restart()
            self._say("reset")

    def _send_fixes(self, span: tuple[int, int], is_history: bool, now: float, *, is_busy: bool) -> None:
        rows = self._log.rows(*span)
        columns, data = encode_columns(rows)
        names = self._log.names
        with self._pacing_lock:
            sequence = self._pacing.note_sent(span, len(data), is_history, now, is_busy=is_busy)
        count = len(rows["member"])
        content: dict[str, Any] = {"first": span[1] - count, "count": count, "columns": columns}
        if len(names) > self._named and not is_history:
            content["names"] = [self._named, names[self._named :]]
            self._named = len(names)
        self._say("fixes", [data], sequence=sequence, **content)

    def _say(self, op: str, buffers: list[bytes] | None = None, **content: Any) -> None:
        self.send({"op": op, "epoch": self._epoch, "now": int(clock.time() * 1000), **content}, buffers)

    def _receive(self, _: Any, content: Mapping[str, Any], buffers: Any) -> None:
        """Take what a page says; the kernel's main thread calls it."""
        op, page, now = content.get("op"), str(content.get("page")), clock.monotonic()
        if op == "hello":
            self._answer_hello(page, content, now)
        elif op == "ack":
            with self._pacing_lock:
                self._pacing.acknowledge(page, int(content["sequence"]), now)
            pacer.wake(self)
        elif op == "bye":
            with self._pacing_lock:
                self._pacing.bye(page)
            self._look_who_sees()

    def _answer_hello(self, page: str, content: Mapping[str, Any], now: float) -> None:
        with self._pacing_lock:
            self._follow_epoch()
            same = content.get("epoch") == self._epoch
            have = [(int(a), int(b)) for a, b in content.get("have", ())] if same else []
            self._pacing.hello(page, have, self._log.oldest, self._log.head, now)
            self._say_state(page)
        pacer.wake(self)

    def _say_state(self, page: str) -> None:
        """Tell all that goes before fixes; the pacing's lock is held."""
        names = list(self._log.names)
        self._named = len(names)
        self._is_state_due = False
        self._say(
            "state",
            page=page,
            head=self._log.head,
            oldest=self._log.oldest,
            sequence=self._pacing.sequence,
            names=[0, names],
            status=self._status,
            ages=self._ages,
        )
