"""A map of a group, live or recorded, with its members and timeline."""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Any

import ipyleaflet
from ipywidgets import Layout
from traitlets import Unicode

from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.widget.beside import stock_names
from locshare_ext.widget.cells import running_cell
from locshare_ext.widget.errands import errands_of
from locshare_ext.widget.fences import ShowsFences
from locshare_ext.widget.ground import check_basemap, ground_of
from locshare_ext.widget.happenings import happenings_of
from locshare_ext.widget.layer import MODULE, MODULE_VERSION, TrailLayer
from locshare_ext.widget.looks_back import LooksBack
from locshare_ext.widget.saying import said_of
from locshare_ext.widget.shared_timeline import SharedTimeline
from locshare_ext.widget.source_feed import SourceFeed, feed_of
from locshare_ext.widget.timeline import Timeline

if TYPE_CHECKING:
    from locshare_ext.client.replay import Replay
    from locshare_ext.client.source import TrailSource

__all__ = ["GroupMap"]

DEFAULT_BASEMAP = ipyleaflet.basemaps.OpenStreetMap.Mapnik
PANELS = ["timeline", "members", "tools", "status"]

_made: weakref.WeakSet[GroupMap] = weakref.WeakSet()


class GroupMap(LooksBack, ShowsFences, ipyleaflet.Map):  # type: ignore[misc]  # ipyleaflet is untyped
    """Show a group live, or a recording, on an `ipyleaflet.Map`.

    group: the name of a group, a link to one, a Group, a Recording, or any `TrailSource`. Of a Replay
    it shows the recording at the replay's playhead; what is done on the timeline moves that for all.
    trail: seconds of trail behind each member. height: of the map, as CSS. basemap: an
    xyzservices provider or ipyleaflet layer; None for a plain grid, which is also what is
    shown while tiles cannot be loaded. layer: traits of the `TrailLayer`, such as
    `stale_after`. snapshot: save a recording's fixes with the notebook (`TrailLayer.keep_snapshot`);
    InvalidInput for a group, of which no position is ever saved. Other arguments are those of
    `ipyleaflet.Map`; with `center` or `zoom` the map does not move to the first fixes.

    What goes wrong with the server is said on the map, not raised. Running a cell again
    ends the map that it made before, once no page shows that any more.
    """

    _model_name = Unicode("GroupMapModel").tag(sync=True)
    _model_module = Unicode(MODULE).tag(sync=True)
    _model_module_version = Unicode(MODULE_VERSION).tag(sync=True)
    _is_closed = True  # until it is whole

    def __init__(
        self,
        group: str | TrailSource,
        *,
        trail: float = 600.0,
        height: str = "520px",
        basemap: Any = DEFAULT_BASEMAP,
        layer: dict[str, Any] | None = None,
        snapshot: bool = False,
        **options: Any,
    ) -> None:
        check_basemap(basemap)
        source, error = _source_of(group)
        replay, source, error = _replay_of(source, error)
        is_live = replay is None and (source is None or source.is_live)
        if snapshot and (is_live or replay is not None):
            raise InvalidInput("a snapshot is saved of recordings, never of a live group", field="snapshot")
        self._feed: SourceFeed | None = None if source is None else feed_of(source)
        self._replay = replay
        self.trail_layer = TrailLayer(
            None if self._feed is None else self._feed.log,
            title=str(group) if source is None else source.title,
            mode=_mode_of(replay, source),
            trail=trail,
            panels=PANELS,
            fit=not options.keys() & {"center", "zoom"},
            **{**(layer or {}), **({} if replay is None else {"clock": replay.clock_name})},
        )
        self._timeline = (
            Timeline(self.trail_layer, source) if replay is None else SharedTimeline(self.trail_layer, replay)
        )
        self._happenings = happenings_of(self.trail_layer, source)
        self._errands = errands_of(self.trail_layer, source, self._look_for_events)
        defaults = {
            "center": (20.0, 0.0),
            "zoom": 2,
            "scroll_wheel_zoom": True,
            "world_copy_jump": True,
            "layout": Layout(height=height, min_width="0", width="100%"),
            "layers": (ground_of(basemap, self.trail_layer.route), self.trail_layer),
        }
        if self.trail_layer.route == "anywidget":  # nothing of ours but the layer is loaded there
            defaults |= stock_names(ipyleaflet.Map)
        super().__init__(**{**defaults, **options})
        # the page exchanges `style` for one of the others: all are to be closed
        self._styles = (self.style, self.default_style, self.dragging_style, self.layout)
        self._is_closed = False
        self._replace_earlier()
        if self._feed is not None:
            self._feed.attach(self.trail_layer)
            if snapshot:
                self._feed.when_whole(self.trail_layer.keep_snapshot)
        if error is not None:
            said = said_of(error)
            self.trail_layer.show_status(
                "no_server", int(time.time() * 1000), error.message, code=said["code"], values=said["values"]
            )

    @property
    def group(self) -> TrailSource | None:
        """The Group, Recording or Replay that is shown; None when there was no server to ask."""
        return self._replay or (None if self._feed is None else self._feed.source)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self.trail_layer.expect_page()
        return super()._repr_mimebundle_(**kwargs)

    def close(self) -> None:
        """End the map, here and on the pages; the group's data stays for other maps of it."""
        if self._is_closed:  # ipywidgets closes again what is collected
            return
        self._is_closed = True
        _made.discard(self)
        self._timeline.close()
        for part in (self._happenings, self._errands):
            if part is not None:
                part.close()
        if self._feed is not None:
            self._feed.detach(self.trail_layer)
        for part in (*self.layers, *self.controls, *self._styles):
            part.close()
        super().close()

    def _look_for_events(self) -> None:
        if self._happenings is not None:
            self._happenings.refresh()

    def _replace_earlier(self) -> None:
        """Have the maps of this cell's earlier runs end when the last page has left them."""
        self._cell = running_cell()
        if self._cell is None:
            return
        for other in list(_made):
            if other._cell is not None and other._cell[0] == self._cell[0] and other._cell != self._cell:
                other.trail_layer.when_unseen(other.close)
        _made.add(self)


def _source_of(group: str | TrailSource) -> tuple[TrailSource | None, LocShareError | None]:
    """Return what to show, or why there is nothing."""
    if isinstance(group, str):
        from locshare_ext.client.group import Group

        try:
            return Group(group), None
        except InvalidInput:
            raise
        except LocShareError as error:
            return None, error
    if not all(hasattr(group, name) for name in ("history", "listen", "title", "is_live", "status")):
        raise InvalidInput(
            f"GroupMap wants a group's name, a Group or a Recording, got {type(group).__name__}",
            field="group",
        )
    return group, None


def _replay_of(
    source: TrailSource | None, error: LocShareError | None
) -> tuple[Replay | None, TrailSource | None, LocShareError | None]:
    """Return the replay that is followed, if it is one, and what is drawn, or why nothing is."""
    from locshare_ext.client.replay import Replay

    if not isinstance(source, Replay):
        return None, source, error
    try:
        return source, source.drawn, None
    except LocShareError as gone:
        return None, None, gone


def _mode_of(replay: Replay | None, source: TrailSource | None) -> str:
    if replay is not None:
        return "replay"
    return "live" if source is None or source.is_live else "recording"
