"""The live map in the notebook: a layer for any ipyleaflet map, and the map made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locshare_ext.widget.group_map import GroupMap
    from locshare_ext.widget.group_panel import GroupPanel
    from locshare_ext.widget.layer import TrailLayer

__all__ = ["GroupMap", "GroupPanel", "TrailLayer"]


def __getattr__(name: str) -> Any:
    # ipyleaflet takes half a second to import; the server never needs it
    if name == "GroupMap":
        from locshare_ext.widget.group_map import GroupMap

        return GroupMap
    if name == "GroupPanel":
        from locshare_ext.widget.group_panel import GroupPanel

        return GroupPanel
    if name == "TrailLayer":
        from locshare_ext.widget.layer import TrailLayer

        return TrailLayer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
