"""The live map in the notebook: a layer for any ipyleaflet map, and the map made of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locshare_ext.widget.group_map import GroupMap
    from locshare_ext.widget.group_panel import GroupPanel
    from locshare_ext.widget.invite_card import InviteCard
    from locshare_ext.widget.layer import TrailLayer
    from locshare_ext.widget.roster import Roster

__all__ = ["GroupMap", "GroupPanel", "InviteCard", "Roster", "TrailLayer"]


# ipyleaflet takes half a second to import; the server never needs it
_PLACES = {
    "GroupMap": "locshare_ext.widget.group_map",
    "GroupPanel": "locshare_ext.widget.group_panel",
    "InviteCard": "locshare_ext.widget.invite_card",
    "Roster": "locshare_ext.widget.roster",
    "TrailLayer": "locshare_ext.widget.layer",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
