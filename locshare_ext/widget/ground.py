"""What lies under the members: map tiles when they can be had, else a grid of degrees."""

from __future__ import annotations

from typing import Any

import ipyleaflet
from traitlets import Bool, Unicode

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.layer import MODULE, MODULE_VERSION

__all__ = ["Ground", "check_basemap", "ground_of"]

KEPT = ("url", "min_zoom", "max_zoom", "attribution", "name", "tms", "no_wrap", "tile_size", "zoom_offset")


class Ground(ipyleaflet.TileLayer):  # type: ignore[misc]  # ipyleaflet is untyped
    """A tile layer that shows a grid of degrees while its tiles cannot be loaded, or are off.

    Tiles are asked for only when a first one could be had: without internet nothing fails.
    """

    _view_name = Unicode("GroundView").tag(sync=True)
    _model_name = Unicode("GroundModel").tag(sync=True)
    _view_module = Unicode(MODULE).tag(sync=True)
    _model_module = Unicode(MODULE).tag(sync=True)
    _view_module_version = Unicode(MODULE_VERSION).tag(sync=True)
    _model_module_version = Unicode(MODULE_VERSION).tag(sync=True)

    is_on = Bool(True, help="Whether tiles are wanted.").tag(sync=True)
    darken = Bool(False, help="Invert the tiles' light in a dark theme.").tag(sync=True)


def ground_of(basemap: Any, route: str = "extension") -> ipyleaflet.Layer:
    """Return the ground for `basemap`: an xyzservices provider, a layer, or None for the grid alone.

    Layers that are more than plain tiles are returned as they are, and so are all where our lab
    extension is not loaded (`route`): there, None is an empty ground.
    """
    if route != "extension":
        if basemap is None:
            return ipyleaflet.TileLayer(url="", base=True, name="Empty")
        return basemap if isinstance(basemap, ipyleaflet.Layer) else ipyleaflet.basemap_to_tiles(basemap)
    if basemap is None:
        return Ground(url="", is_on=False, base=True, name="Grid")
    if not isinstance(basemap, ipyleaflet.Layer):
        basemap = ipyleaflet.basemap_to_tiles(basemap)
    if type(basemap) is not ipyleaflet.TileLayer:
        return basemap
    kept = (
        "url",
        "min_zoom",
        "max_zoom",
        "attribution",
        "name",
        "tms",
        "no_wrap",
        "tile_size",
        "zoom_offset",
    )
    traits = {name: getattr(basemap, name) for name in kept}
    url = str(basemap.url)
    basemap.close()
    return Ground(**traits, base=True, darken="openstreetmap.org" in url)


def check_basemap(basemap: Any) -> None:
    """Raise InvalidInput for what no ground can be made of."""
    is_provider = isinstance(basemap, dict) and isinstance(basemap.get("url"), str)
    if basemap is not None and not is_provider and not isinstance(basemap, ipyleaflet.Layer):
        raise InvalidInput(
            f"basemap is {type(basemap).__name__} {str(basemap)[:64]!r}, expected an xyzservices provider, "
            "such as basemaps.CartoDB.Positron, an ipyleaflet layer, or None for a grid without tiles",
            field="basemap",
        )
