"""What can be set of a layer: how members look, what colours say, who is shown."""

from __future__ import annotations

import difflib
import math
import threading
from collections.abc import Mapping
from typing import Any

import ipyleaflet
from traitlets import Bool, Dict, Enum, Float, List, TraitError, Unicode, validate

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.pacer import MainLoop
from locshare_ext.widget.styling import SHAPES, checked_styles, merged_styles
from locshare_ext.widget.trail_log import NUMBERS

__all__ = ["COLORED", "LayerSettings"]

COLORED = ("member", "age", *(name for name in NUMBERS if name != "heading"))


class LayerSettings(ipyleaflet.Layer):  # type: ignore[misc]  # ipyleaflet is untyped
    """The settings of a `TrailLayer`: traits that both sides may change.

    Assigning to them is for the kernel's main thread, as with all widgets; `set` and the
    methods below may be called from any thread, and the page has what they say at once.
    """

    title = Unicode("", help="What people call what is shown.").tag(sync=True)
    mode = Enum(
        ["live", "recording", "replay"],
        "live",
        help="Whether more fixes may come; `replay`: a recording whose playhead others follow, too.",
    ).tag(sync=True)
    trail = Float(600.0, min=0.0, help="Seconds of trail drawn behind each member.").tag(sync=True)
    interpolate = Bool(True, help="Move heads smoothly between fixes (drawing only).").tag(sync=True)
    labels = Bool(True, help="Write names beside the heads, where there is room, of up to 200 in view.").tag(
        sync=True
    )
    arrows = Bool(True, help="Show by the heads where members are heading.").tag(sync=True)
    accuracy_circles = Bool(True, help="Draw how accurate positions are, round up to 100 heads.").tag(
        sync=True
    )
    shape = Enum(SHAPES, "disc", help="The shape of heads that have none of their own.").tag(sync=True)
    stale_after = Float(60.0, min=0.0, help="Seconds after which a position is shown as old.").tag(sync=True)
    lost_after = Float(600.0, min=0.0, help="Seconds after which a member is shown as lost.").tag(sync=True)
    gap_after = Float(
        120.0, min=0.0, help="Seconds without a fix, and 5 x the usual pause, after which no trail is drawn."
    ).tag(sync=True)
    color_by = Unicode(
        "member",
        help="What colours say: `member`, `age` (of a member's position), or any column of the fixes.",
    ).tag(sync=True)
    color_range = List(
        Float(),
        maxlen=2,
        help="Lowest and highest value with a colour of its own (m/s, m, s, 0-1); empty: as the fixes are.",
    ).tag(sync=True)
    units = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Units of your own columns, for legend and tooltip.",
    ).tag(sync=True)
    legend = Bool(True, help="Say what the colours mean, unless they tell members apart.").tag(sync=True)
    styles = Dict(
        help="How single members look: by name, a colour or {color, width, label, shape, icon}."
    ).tag(sync=True)
    hidden = List(Unicode(), help="Members that are not drawn.").tag(sync=True)
    followed = Unicode(None, allow_none=True, help="The member that the map moves with.").tag(sync=True)
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

    def __init__(self, **settings: Any) -> None:
        self._main = MainLoop()
        self._soon: dict[str, Any] = {}  # on their way into the traits
        self._soon_lock = threading.RLock()
        for name in settings:
            self._require_trait(name)
        super().__init__(**settings)

    def set(self, **settings: Any) -> None:
        """Change settings; any thread may call it, nothing waits.

        The page has them at once, also while a cell runs; the traits when the main thread is
        free to change them. Raises InvalidInput, and then changes none.
        """
        self._set({name: self._checked(name, value) for name, value in settings.items()})

    def style(self, *members: str, **style: Any) -> None:
        """Change how members look; any thread may call it.

        color: as in CSS. width: of the trail, 0.5-20 px. label: what is written beside the head
        instead of the name. shape: disc, arrow, square, diamond, triangle or star; a dot while more
        than 3,000 are in view. icon: up to 8 characters (an emoji) drawn in the head while up to 100
        are in view. visible: whether it is drawn at all. None takes back what was said; without
        any, members look as they did at first. Members need not be known yet. Raises InvalidInput.
        """
        visible = style.pop("visible", True)
        if visible not in (True, False, None):
            raise InvalidInput(f"visible is {visible!r}, expected True, False or None", field="visible")
        with self._soon_lock:
            hidden = [name for name in self._now("hidden") if name not in members]
            if visible is False:
                hidden += members
            self.set(styles=merged_styles(self._now("styles"), members, style), hidden=hidden)

    def hide(self, *members: str) -> None:
        """Draw members no more; any thread may call it."""
        with self._soon_lock:
            self.set(hidden=list(dict.fromkeys([*self._now("hidden"), *members])))

    def show(self, *members: str) -> None:
        """Draw members again, without names all; any thread may call it."""
        with self._soon_lock:
            kept = [name for name in self._now("hidden") if members and name not in members]
            self.set(hidden=kept)

    def follow(self, member: str | None) -> None:
        """Keep a member in view, None: nobody; any thread may call it. Dragging the map ends it too."""
        self.set(followed=member)

    def _now(self, name: str) -> Any:
        """Return a setting as it was last set, though the trait may not have it yet."""
        return self._soon.get(name, getattr(self, name))

    def _set(self, settings: Mapping[str, Any]) -> None:
        if threading.current_thread() is threading.main_thread():
            self._take_soon()
            self._set_traits(settings)
            return
        with self._soon_lock:
            self._soon |= settings
        self._announce(settings)
        self._main.call(self._take_soon)

    def _take_soon(self) -> None:
        with self._soon_lock:
            settings, self._soon = self._soon, {}
        self._set_traits(settings)

    def _set_traits(self, settings: Mapping[str, Any]) -> None:
        with self.hold_sync():
            for name, value in settings.items():
                setattr(self, name, value)

    def _announce(self, settings: Mapping[str, Any]) -> None:
        """Tell the pages of settings that the traits do not have yet."""

    def _columns(self) -> tuple[str, ...]:
        """The columns of the fixes there are; empty while there are none."""
        return ()

    def _checked(self, name: str, value: Any) -> Any:
        self._require_trait(name)
        try:
            return self.traits()[name]._validate(self, value)
        except TraitError as error:
            raise InvalidInput(str(error), field=name) from None

    def _require_trait(self, name: str) -> None:
        known = self.trait_names()
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise InvalidInput(
                f"{name!r} is no setting of a layer" + (f"; did you mean {near[0]}?" if near else ""),
                field=name,
            )

    @validate("trail", "stale_after", "lost_after", "gap_after")
    def _be_finite(self, proposal: Any) -> float:
        name, value = proposal["trait"].name, proposal["value"]
        if not math.isfinite(value):
            raise InvalidInput(f"{name} {value} is no number of seconds", field=name)
        return float(value)

    @validate("color_range")
    def _be_range(self, proposal: Any) -> list[float]:
        value: list[float] = proposal["value"]
        if value and not (len(value) == 2 and -math.inf < value[0] < value[1] < math.inf):
            raise InvalidInput(
                f"color_range {value} is not [lowest, highest], finite and ascending, or empty",
                field="color_range",
            )
        return value

    @validate("color_by")
    def _be_column(self, proposal: Any) -> str:
        value: str = proposal["value"]
        columns = self._columns()
        if value in COLORED or value in columns or (not columns and value):
            return value
        known = list(dict.fromkeys([*COLORED, *columns]))
        near = difflib.get_close_matches(value, known, 1)
        raise InvalidInput(
            f"color_by {value!r} is no column of these fixes; expected one of {', '.join(known)}"
            + (f" (did you mean {near[0]}?)" if near else ""),
            field="color_by",
        )

    @validate("styles")
    def _be_styles(self, proposal: Any) -> dict[str, dict[str, Any]]:
        return checked_styles(proposal["value"])
