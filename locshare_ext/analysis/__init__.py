"""What to ask of a trail frame: summaries, gaps, quality, grids, encounters; and other libraries' frames.

>>> from locshare_ext import analysis, open_recording
>>> analysis.summary(open_recording("walk.gpkg").trails())

All are pure functions of a frame, several recordings in one included; any thread may call them.
Groups and recordings have them as methods. A track is one member in one recording.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from locshare_ext.analysis.cells import coverage
    from locshare_ext.analysis.centres import spread
    from locshare_ext.analysis.grids import resample
    from locshare_ext.analysis.meetings import encounters
    from locshare_ext.analysis.movement import not_in_movingpandas, renamed, to_movingpandas, to_traja
    from locshare_ext.analysis.pairs import distances
    from locshare_ext.analysis.running import GroupNumbers
    from locshare_ext.analysis.silences import gaps
    from locshare_ext.analysis.solitude import alone
    from locshare_ext.analysis.speeds import speeds
    from locshare_ext.analysis.stays import stops
    from locshare_ext.analysis.summaries import summary
    from locshare_ext.analysis.tables import to_arrow, to_geodataframe, to_movebank
    from locshare_ext.analysis.trust import quality

__all__ = [
    "GroupNumbers",
    "alone",
    "coverage",
    "distances",
    "encounters",
    "gaps",
    "not_in_movingpandas",
    "quality",
    "renamed",
    "resample",
    "speeds",
    "spread",
    "stops",
    "summary",
    "to_arrow",
    "to_geodataframe",
    "to_movebank",
    "to_movingpandas",
    "to_traja",
]

# Loaded when first asked for: pandas and pyproj take their time.
_PLACES = {
    "GroupNumbers": "running",
    "alone": "solitude",
    "coverage": "cells",
    "distances": "pairs",
    "encounters": "meetings",
    "gaps": "silences",
    "not_in_movingpandas": "movement",
    "quality": "trust",
    "renamed": "movement",
    "resample": "grids",
    "speeds": "speeds",
    "spread": "centres",
    "stops": "stays",
    "summary": "summaries",
    "to_arrow": "tables",
    "to_geodataframe": "tables",
    "to_movebank": "tables",
    "to_movingpandas": "movement",
    "to_traja": "movement",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
