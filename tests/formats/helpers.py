"""Tables of fixes made by hand or by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from locshare_ext.model.trail import arrow_schema

BASE = 1_763_806_275_000
BUSES = "member=vehicle_id,time=timestamp,lat=latitude,lon=longitude,heading=bearing"


def table_of(*rows: dict[str, Any]) -> pa.Table:
    """Return an Arrow table; what a row does not say is ann, at BASE, at 1, 2."""
    plain = {"late": False, "future": False, "repaired": False, "lat": 1.0, "lon": 2.0, "member": "ann"}
    full = []
    for number, row in enumerate(rows, 1):
        one = {"seq": number, "time": BASE, **plain, **row}
        full.append({"received": one["time"], **one})
    schema = arrow_schema()
    columns = {name: [row.get(name) for row in full] for name in schema.names}
    return pa.table(
        {name: pa.array(columns[name], _plain(schema.field(name))) for name in schema.names}
    ).cast(schema)


def _plain(field: pa.Field) -> pa.DataType:
    return pa.utf8() if pa.types.is_dictionary(field.type) else field.type


def random_table(rows: int, *, members: int = 20, seed: int = 1, extra: bool = True) -> pa.Table:
    """Return a table of many fixes, some late, some unknown values."""
    rng = np.random.default_rng(seed)
    time = BASE + np.arange(rows) * 250 + rng.integers(-4000, 4000, rows)

    def some(values: Any) -> Any:
        return pa.array(values, mask=rng.random(rows) < 0.2)

    names = pa.array([f"member {number}" for number in range(members)])
    columns = {
        "seq": np.arange(1, rows + 1),
        "member": pa.DictionaryArray.from_arrays(
            pa.array(rng.integers(0, members, rows).astype(np.int32)), names
        ),
        "source": pa.DictionaryArray.from_arrays(some(np.zeros(rows, dtype=np.int32)), pa.array(["browser"])),
        "time": time,
        "received": time + rng.integers(0, 900, rows),
        "lat": rng.uniform(-90, 90, rows),
        "lon": rng.uniform(-180, 180, rows),
        "altitude": some(rng.normal(50, 20, rows)),
        "accuracy": some(rng.uniform(0, 30, rows)),
        "speed": some(rng.uniform(0, 30, rows)),
        "heading": some(rng.uniform(0, 359.9, rows)),
        "battery": some(rng.random(rows)),
        "late": rng.random(rows) < 0.1,
        "future": np.zeros(rows, dtype=bool),
        "repaired": np.zeros(rows, dtype=bool),
        "extra": some([f'{{"n":{number}}}' for number in range(rows)])
        if extra
        else pa.nulls(rows, pa.utf8()),
    }
    return pa.table(columns).cast(arrow_schema())


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """Fail unless two frames are the same, dtypes and categories included."""
    pd.testing.assert_frame_equal(left, right)
