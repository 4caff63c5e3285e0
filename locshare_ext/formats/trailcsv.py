"""The trail frame as CSV and back, without loss (times to the millisecond)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from locshare_ext.errors import InvalidFile
from locshare_ext.formats.atomic import replacing
from locshare_ext.formats.csv import is_trail_csv, unquoted
from locshare_ext.formats.csvwrite import write
from locshare_ext.formats.frame import FLAG_COLUMNS
from locshare_ext.formats.keys import columns_of_keys
from locshare_ext.formats.stored import check_ranges, frame_of_columns, str_of_arrow
from locshare_ext.formats.trail import trail_of_frame
from locshare_ext.model.fix import NUMBERS
from locshare_ext.model.trail import FRAME_COLUMNS, TRIP_GAP

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_trail_csv", "write_csv"]

_TEXTS = ("recording", "group", "member", "trip", "source")


def write_csv(frame: pd.DataFrame, target: str | Path | IO[bytes]) -> None:
    """Write a trail frame as CSV; see `write`.

    target: a path, which is replaced when the whole is written, or a binary file. Raises
    InvalidInput when it is no trail frame.
    """
    trail = trail_of_frame(frame)
    if isinstance(target, str | os.PathLike):
        with replacing(Path(target)) as beside, beside.open("wb") as file:
            write(trail, file)
    else:
        write(trail, target)


def read_trail_csv(path: str | Path) -> pd.DataFrame:
    """Read what `write_csv` wrote, as the same frame.

    Raises InvalidFile when it is no such file or a value is not what it should be; to
    read what can be read of a damaged file, see `csv.read_csv`.
    """
    path = Path(path)
    table = _parsed(path)
    for name in (*_TEXTS, "extra"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, _plain(table.column(name)))
    check_ranges(table, path.name)
    frame = frame_of_columns(table.select(FRAME_COLUMNS), gap=TRIP_GAP)
    for name in table.column_names[len(FRAME_COLUMNS) :]:
        frame[unquoted(name)] = _own_column(unquoted(name), table.column(name), table.column("extra"))
    return frame


def _parsed(path: Path) -> pa.Table:
    types: dict[str, Any] = {name: pa.utf8() for name in (*_TEXTS, "extra")}
    types |= {name: pa.float64() for name in ("lat", "lon", *NUMBERS)}
    types |= {name: pa.bool_() for name in FLAG_COLUMNS}
    types |= {name: pa.timestamp("ms", "UTC") for name in ("time", "received")} | {"seq": pa.int64()}
    try:
        table = pacsv.read_csv(
            path,
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=types,
                null_values=[""],
                true_values=["true"],
                false_values=["false"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{path.name}: {error}") from None
    if not is_trail_csv(table.column_names):
        raise InvalidFile(f"{path.name} is no CSV of a trail frame; expected {','.join(FRAME_COLUMNS)}")
    return table


def _plain(texts: Any) -> Any:
    return pc.replace_substring_regex(texts, r"^'('*[=+\-@\t\r])", r"\1")


def _own_column(name: str, column: pa.ChunkedArray, extra: pa.ChunkedArray) -> Any:
    """Return a column that was made of a key of `extra` as it was made, any other as it looks."""
    key = name.removeprefix("extra.") if name.removeprefix("extra.") in FRAME_COLUMNS else name
    _, values = next(columns_of_keys(extra, [key], taken=()))
    import pandas as pd

    if not pd.isna(values).all():
        return values
    if pa.types.is_null(column.type):
        return str_of_arrow(column.cast(pa.utf8()))
    if pa.types.is_string(column.type):
        return str_of_arrow(_plain(column))
    return column.to_numpy(zero_copy_only=False)
