"""A Leaflet layer of members that move, with their trails."""

from __future__ import annotations

import struct
import threading
import time as clock
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipyleaflet
import numpy as np
import numpy.typing as npt
from traitlets import Bytes, Unicode, observe

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.beside import chosen_route, new_painter, stock_names
from locshare_ext.widget.frames import encode_columns
from locshare_ext.widget.imaging import NOBODY, Imaging, MapImage, NoPicture, question_for, with_density
from locshare_ext.widget.inputs import check_own_name, column_of, columns_of_frame, ms_column, value_column
from locshare_ext.widget.pacer import pacer
from locshare_ext.widget.pacing import EXPECTED, Pacing
from locshare_ext.widget.settings import COLORED, LayerSettings
from locshare_ext.widget.snapshot import snapshot_for_page, snapshot_of
from locshare_ext.widget.trail_log import TrailLog

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODULE", "MODULE_VERSION", "TrailLayer"]

MODULE = "locshare-ext"
MODULE_VERSION = "^0.1.0"


class TrailLayer(LayerSettings):
    """Members and their trails on any `ipyleaflet.Map`.

    `push` takes new fixes from any thread; each travels to the page once, in binary, and
    is drawn there, also while a cell runs. `on_click` takes a function that is called with
    `member`, `coordinates` and `time` when a head is clicked. Settings are synced traits
    (`LayerSettings`); positions never are, so that a saved notebook holds none, but for the
    snapshot of a recording that `keep_snapshot` makes.

    route: how the page gets the code that draws, see `beside.chosen_route`: `extension` (JupyterLab,
    Notebook, Voila), `anywidget` (elsewhere), or `auto`.
    """

    _view_name = Unicode("TrailLayerView").tag(sync=True)
    _model_name = Unicode("TrailLayerModel").tag(sync=True)
    _view_module = Unicode(MODULE).tag(sync=True)
    _model_module = Unicode(MODULE).tag(sync=True)
    _view_module_version = Unicode(MODULE_VERSION).tag(sync=True)
    _model_module_version = Unicode(MODULE_VERSION).tag(sync=True)

    _snapshot = Bytes(b"").tag(sync=True, to_json=snapshot_for_page)

    def __init__(self, log: TrailLog | None = None, *, route: str = "auto", **settings: Any) -> None:
        self._log = TrailLog() if log is None else log
        self._pacing = Pacing()
        self._pacing_lock = threading.Lock()
        self._named = 0
        self._told: dict[str, int] = {}  # by column: how many of its texts the pages know
        self._epoch = self._log.epoch
        self._status: dict[str, Any] | None = None
        self._given = frozenset(settings)
        self._said: dict[str, dict[str, Any]] = {}  # what every page is to know, by its kind
        self._imaging = Imaging(self)
        self._unseen: Callable[[], None] | None = None
        self._is_state_due = False
        self.route = chosen_route(route)
        self._painter = new_painter() if self.route == "anywidget" else None
        stock = {} if self._painter is None else stock_names(ipyleaflet.LayerGroup)
        subitems = {} if self._painter is None else {"subitems": (self._painter,)}
        super().__init__(**stock, **subitems, **settings)
        if self._painter is not None:
            self._painter.layer = f"IPY_MODEL_{self.model_id}"
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
        **columns: Any,
    ) -> None:
        """Show new fixes, one per element; any thread may call it, nothing waits.

        members: names. time, received: integer ms since 1970 UTC, datetimes with a zone or
        datetime64 (UTC); received None means unknown. lat, lon: degrees. columns: speed (m/s),
        heading (degrees from true north), battery (0-1), accuracy (m), altitude (m), and numbers
        or texts of any other name that is no slip of these, for `color_by` and the tooltip; NaN or
        None is unknown. Single values stand for every row. Raises InvalidInput, and then shows none.
        """
        names = [members] if isinstance(members, str) else members
        count = len(names)
        for name in columns:
            check_own_name(name)
        checked = {
            name: value_column(name, values, count) for name, values in columns.items() if values is not None
        }
        placed = {
            "lat": column_of("lat", lat, count, np.float64, 90.0),
            "lon": column_of("lon", lon, count, np.float64, 180.0),
        }
        times = ms_column("time", time, count)
        heard = np.zeros(count, np.int64) if received is None else ms_column("received", received, count)
        numbers = self._log.numbers_of(checked)
        self._log.append(self._log.ids_of(names), times, heard, placed["lat"], placed["lon"], numbers)
        self.refresh()

    def set_trails(self, frame: pd.DataFrame, columns: Sequence[str] = ()) -> None:
        """Show the fixes of a trail frame (`Group.trails`), instead of all that was shown.

        columns: of the frame, numbers or texts, that colours may stand for and the tooltip tells,
        beside speed, heading, battery, accuracy, altitude and that of `color_by`. Any thread may
        call it. Raises InvalidInput, and then what was shown stays.
        """
        color_by = self._now("color_by")
        more = [*columns] if color_by in COLORED else [*columns, color_by]
        names, times, heard, lat, lon, checked = columns_of_frame(frame, more)
        self._log.replace(names, times, heard, lat, lon, checked)
        self._drop_snapshot()
        self.refresh()

    def clear(self) -> None:
        """Show nothing, until the next `push`."""
        self._log.clear()
        self._drop_snapshot()
        self.refresh()

    def keep_snapshot(self) -> None:
        """Have a recording's fixes, up to 100,000, saved with the notebook for who opens it without a kernel.

        They are those of now; any thread may call it. JupyterLab saves them when its setting "Save Widget
        State Automatically" is on. Raises InvalidInput for a live layer: where people are is never saved.
        """
        if self._now("mode") != "recording":
            raise InvalidInput("only of a recording can a snapshot be saved with a notebook", field="mode")
        saved = snapshot_of(self._log)
        self._main.call(lambda: self.set_trait("_snapshot", saved))

    def _drop_snapshot(self) -> None:
        if self._snapshot:
            self._main.call(lambda: self.set_trait("_snapshot", b""))

    @observe("mode")
    def _be_live(self, change: Any) -> None:
        if change["new"] == "live":
            self._drop_snapshot()

    def refresh(self) -> None:
        """Have what was added to the log sent; any thread may call it, nothing waits."""
        if self._pacing.pages:
            pacer.hurry(self)

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
        self,
        state: str,
        since: int,
        text: str,
        near: Sequence[str] = (),
        note: str = "",
        unrecorded_since: int | None = None,
        transport: str | None = None,
        code: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell people on the page how the source is; any thread may call it.

        Arguments as the fields of `SourceStatus`, with `no_server` as one more state. A page that
        has words for `code` uses these instead of text and note.
        """
        self._status = {
            "state": state,
            "since": since,
            "text": text,
            "near": list(near),
            "note": note,
            "unrecorded": unrecorded_since,
            "transport": transport,
            "code": code,
            "values": dict(values or {}),
        }
        if self._pacing.pages:
            self._say("status", status=self._status)

    def reach(self, by: str = "time") -> tuple[int, int] | None:
        """Return the first and last moment (ms) of the fixes, by `time` or `received`; None without any."""
        return self._log.reach(by)

    @property
    def is_seen(self) -> bool:
        """Whether a page shows the layer, or is expected to."""
        return self._pacing.pages > 0

    def tell_pages(self, op: str, *, is_news: bool = True, **said: Any) -> None:
        """Tell the pages that show the layer, and each that comes later, the newest of its kind.

        is_news: False is for those that come later alone. Any thread may call it.
        """
        self._said[op] = {"op": op, **said}
        if is_news and self._pacing.pages:
            self._say("told", said=self._said[op])

    def show_card(self, page: str, card: Mapping[str, Any]) -> None:
        """Show an invite's card to one page; a secret, kept nowhere. Any thread may call it."""
        self._say("card", page=page, card=dict(card))

    def suggest_ages(self, ages: Mapping[str, float]) -> None:
        """Take `stale_after`, `lost_after`, `gap_after` unless the maker gave them; any thread may call it.

        The page has them at once, the traits when the main thread is free to change them.
        """
        wanted = {name: value for name, value in ages.items() if name not in self._given}
        self._set({name: self._checked(name, value) for name, value in wanted.items()})

    def fit_to(self, *members: str) -> None:
        """Move the maps that are shown to members and their trails, without names to all; any thread.

        A layer that no page shows yet moves its map to the first fixes when it is shown.
        """
        if self._pacing.pages:
            self._say("fit", members=list(members))
        else:
            self.set(fit=True, is_fitted=False)

    def to_image(
        self,
        path: str | Path | None = None,
        *,
        width: int | None = None,
        height: int | None = None,
        scale: float | None = None,
        dpi: float | None = None,
        background: bool = True,
        legend: bool = True,
        scale_bar: bool = True,
        timeout: float = 30.0,
    ) -> MapImage:
        """Return a PNG of the map as a page shows it now: an image of IPython, whose `bytes` are the file.

        path: where to write it too. width, height: css px, None as on the page; a larger picture
        shows more around the same middle. scale: pixels for each of these, 2 unless given; or dpi,
        where 96 is scale 1. background: tiles and grid, else it is transparent. legend: that of
        `color_by`. scale_bar: how long a distance is. Of other layers only tiles are in it. Works while the
        cell runs, from any thread; waits up to `timeout` seconds. Raises InvalidInput, and NoPicture
        when no page shows the map.
        """
        shown = {"background": background, "legend": legend, "scale_bar": scale_bar}
        question = question_for(width, height, scale, dpi, **shown)
        if not self._pacing.pages:
            raise NoPicture(NOBODY)

        def send(number: int) -> None:
            self._say("image", ask=number, head=self._log.head, oldest=self._log.oldest, **question)

        png = with_density(self._imaging.ask(send, timeout), question["scale"])
        if path is not None:
            Path(path).write_bytes(png)
        shown = struct.unpack(">I", png[16:20])[0] / question["scale"]
        return MapImage(png, round(shown))

    def _announce(self, settings: Mapping[str, Any]) -> None:
        if self._pacing.pages:
            self._say("settings", settings=dict(settings))

    def _columns(self) -> tuple[str, ...]:
        return self._log.columns if len(self._log) else ()

    def close(self) -> None:
        """End the layer here and on the pages."""
        pacer.forget(self)
        if self._painter is not None:
            self._painter.close()
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
        """Send what the pages should get now; the pacer calls it, in one thread at a time."""
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
            self._epoch, self._named, self._told = self._log.epoch, 0, {}
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
        if not is_history and (texts := self._new_texts()):
            content["categories"] = texts
        self._say("fixes", [data], sequence=sequence, **content)

    def _new_texts(self) -> dict[str, list[Any]]:
        """Return the texts that the pages do not know: by column, [number of the first, texts]."""
        new: dict[str, list[Any]] = {}
        for name, texts in list(self._log.categories.items()):
            told, count = self._told.get(name, 0), len(texts)
            if count > told or name not in self._told:
                new[name] = [told, texts[told:count]]
                self._told[name] = count
        return new

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
        elif op == "image":
            self._imaging.take(page, content, buffers, self._pacing.pages)
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
        self._named, self._told = len(names), {}
        self._is_state_due = False
        self._say(
            "state",
            page=page,
            head=self._log.head,
            oldest=self._log.oldest,
            sequence=self._pacing.sequence,
            names=[0, names],
            categories=self._new_texts(),
            status=self._status,
            settings=dict(self._soon),
            told=list(self._said.values()),
        )
