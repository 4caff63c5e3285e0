"""A trail with coarser places, as `model.coarse` makes those of live fixes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.trail import Trail
from locshare_ext.model.coarse import grid_place
from locshare_ext.model.trail import FRAME_COLUMNS

__all__ = ["coarsened"]


def coarsened(trail: Trail, metres: float) -> Trail:
    """Return a trail on a grid of about `metres`, which claims no more.

    The accuracy becomes `metres` where it was better or unknown. Altitude, `extra`, columns of
    one's own and rows set aside go, as they may tell the place. Raises InvalidInput for a grid
    that is none.
    """
    if not (isinstance(metres, int | float) and math.isfinite(metres) and 0 < metres <= 1_000_000):
        raise InvalidInput(
            f"precision {metres!r} is not above 0 m and at most 1,000,000 m", field="precision"
        )
    table = trail.table.select(FRAME_COLUMNS).replace_schema_metadata(None)
    places = np.stack([table.column("lat").to_numpy(), table.column("lon").to_numpy()], axis=1)
    different, where = np.unique(places, axis=0, return_inverse=True)
    on_grid = np.array([grid_place(lat, lon, metres) for lat, lon in different.tolist()]).reshape(-1, 2)
    on_grid = on_grid[where.reshape(-1)]
    accuracy = pc.fill_null(table.column("accuracy"), 0.0)
    changed: dict[str, Any] = {
        "lat": pa.array(on_grid[:, 0]),
        "lon": pa.array(on_grid[:, 1]),
        "altitude": pa.nulls(len(table), pa.float64()),
        "accuracy": pc.max_element_wise(accuracy, float(metres)),
        "extra": pa.nulls(len(table), pa.large_utf8()),
    }
    for name, values in changed.items():
        table = table.set_column(table.column_names.index(name), name, values)
    # what an event knows beside its text may be a place, too
    events = tuple(msgspec.structs.replace(event, data=None) for event in trail.events)
    return replace(
        trail, table=table, events=events, set_aside=(), info={**trail.info, "precision_m": float(metres)}
    )
