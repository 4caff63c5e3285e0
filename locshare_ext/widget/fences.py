"""Geofences on a map: shown, and drawn by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ipyleaflet

from locshare_ext.alerts import Geofence, Rule
from locshare_ext.errors import InvalidInput

__all__ = ["ShowsFences"]

_STYLE = {"color": "#b3261e", "weight": 2, "fill_opacity": 0.06, "dash_array": "6 4"}
_SHAPE = {"shapeOptions": {"color": "#b3261e", "weight": 2, "fillOpacity": 0.06}}


class ShowsFences:
    """What a map of a group or recording does with the areas of its rules."""

    _fences: ipyleaflet.LayerGroup | None = None

    def show_fences(self, fences: Iterable[Rule] | None = None) -> None:
        """Show the areas of geofences, instead of those shown before: by default those that are held.

        Of a group these are the rules here and on its server.
        """
        source: Any = self.group  # type: ignore[attr-defined]  # the map's
        if fences is None:
            fences = _held_of(source)
        layers = tuple(_layer_of(one) for one in fences if isinstance(one, Geofence))
        if self._fences is None:
            self._fences = ipyleaflet.LayerGroup(layers=layers, name="Fences")
            self.add(self._fences)  # type: ignore[attr-defined]
        else:
            before, self._fences.layers = self._fences.layers, layers
            for layer in before:
                layer.close()

    def draw_fence(
        self, name: str, call: Callable[[Any], Any] | None = None, *, where: str | None = None, **options: Any
    ) -> None:
        """Have a polygon, rectangle or circle drawn on the page, which becomes the geofence of this name.

        It is held with `alert(fence, call)` of what the map shows, where="server" or here, and shown.
        options: of the `Geofence`, such as margin=20. Raises InvalidInput where no rule can be held.
        """
        source: Any = self.group  # type: ignore[attr-defined]
        if not hasattr(source, "alert"):
            raise InvalidInput("draw_fence is for maps of a Group, a Recording or a Replay")
        Geofence.circle(name, 0, 0, 1, **options)  # what is wrong with them is told now
        control = ipyleaflet.DrawControl(
            position="bottomright",  # on the left a small map has no room
            polygon=_SHAPE,
            rectangle=_SHAPE,
            circle=_SHAPE,
            polyline={},
            circlemarker={},
            edit=False,
            remove=False,
        )

        def drawn(_: Any, action: str, geo_json: dict[str, Any]) -> None:
            if action != "created":
                return
            fence = Geofence(name=name, area=geo_json, **options)
            if where is None:
                source.alert(fence, call)
            else:
                source.alert(fence, call, where=where)
            self.remove(control)  # type: ignore[attr-defined]
            control.close()
            self.show_fences()

        control.on_draw(drawn)
        self.add(control)  # type: ignore[attr-defined]


def _held_of(source: Any) -> list[Rule]:
    rules: list[Rule] = list(source.rules()) if hasattr(source, "rules") else []
    if hasattr(source, "configure"):  # a group
        rules += source.rules(where="server")
    return rules


def _layer_of(fence: Geofence) -> Any:
    area = fence.area.to_json()
    if "radius" in area:
        place = (area["lat"], area["lon"])
        return ipyleaflet.Circle(location=place, radius=round(area["radius"]), name=fence.name, **_STYLE)
    style = {"color": _STYLE["color"], "weight": 2, "fillOpacity": 0.06, "dashArray": "6 4"}
    feature = {"type": "Feature", "properties": {"name": fence.name}, "geometry": area}
    return ipyleaflet.GeoJSON(
        data={"type": "FeatureCollection", "features": [feature]}, style=style, name=fence.name
    )
