"""Share locations of a group live in Jupyter notebooks.

>>> from locshare_ext import Group, GroupMap
>>> group = Group("hikers")
>>> GroupMap(group)
"""

from __future__ import annotations

from importlib import import_module

from locshare_ext.version import __version__

TYPE_CHECKING = False  # checkers take it for true; importing typing is most of what this package would take

if TYPE_CHECKING:
    from typing import Any

    from locshare_ext import errors
    from locshare_ext.alerts import Alert, Geofence, Proximity, Silence, Speed
    from locshare_ext.client.group import Group
    from locshare_ext.client.opening import open_recording, read_trails
    from locshare_ext.client.recording import Recording
    from locshare_ext.client.replay import Replay, follow_replay
    from locshare_ext.errors import LocShareError
    from locshare_ext.model.fix import Fix
    from locshare_ext.widget import GroupMap, GroupPanel, InviteCard, Roster, TrailLayer

__all__ = [
    "Alert",
    "Fix",
    "Geofence",
    "Group",
    "GroupMap",
    "GroupPanel",
    "InviteCard",
    "LocShareError",
    "Proximity",
    "Recording",
    "Replay",
    "Roster",
    "Silence",
    "Speed",
    "TrailLayer",
    "__version__",
    "errors",
    "follow_replay",
    "open_recording",
    "read_trails",
]

# Where each public name lives. Loaded when first asked for: a notebook server imports this
# package at its start, and has no use for pandas or the map.
_PLACES = {
    "Alert": "locshare_ext.alerts",
    "Geofence": "locshare_ext.alerts",
    "Fix": "locshare_ext.model.fix",
    "Group": "locshare_ext.client.group",
    "GroupMap": "locshare_ext.widget",
    "GroupPanel": "locshare_ext.widget",
    "InviteCard": "locshare_ext.widget",
    "LocShareError": "locshare_ext.errors",
    "Proximity": "locshare_ext.alerts",
    "Recording": "locshare_ext.client.recording",
    "Replay": "locshare_ext.client.replay",
    "Roster": "locshare_ext.widget",
    "Silence": "locshare_ext.alerts",
    "Speed": "locshare_ext.alerts",
    "TrailLayer": "locshare_ext.widget",
    "follow_replay": "locshare_ext.client.replay",
    "open_recording": "locshare_ext.client.opening",
    "read_trails": "locshare_ext.client.opening",
}


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from locshare_ext.server.app import LocShareApp  # only a notebook server needs it

    return [{"module": "locshare_ext", "app": LocShareApp}]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("locshare_ext.errors")
    if name in _PLACES:
        value = getattr(import_module(_PLACES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
