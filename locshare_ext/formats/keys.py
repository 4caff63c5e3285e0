"""Keys of `extra` as columns: what an app sent beyond a fix's own fields."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from locshare_ext.errors import InvalidInput

__all__ = ["columns_of_keys"]


def columns_of_keys(
    extra: pa.ChunkedArray, keys: Sequence[str], *, taken: Collection[str]
) -> Iterator[tuple[str, Any]]:
    """Yield (column name, values) of each key of `extra`, a column of JSON objects.

    float64 where all values are numbers, bool where all are and none is missing, else text.
    A name in `taken` is avoided by the prefix `extra.`. Raises InvalidInput when a cell is
    no JSON object.
    """
    if isinstance(keys, str):
        raise InvalidInput(f"extra {keys!r} is text, expected a list of keys", field="extra")
    if not keys:
        return
    encoded = extra.combine_chunks().dictionary_encode()  # apps repeat themselves: parse each text once
    objects = [_object(text) for text in encoded.dictionary.to_pylist()]
    codes = encoded.indices.fill_null(len(objects)).to_numpy(zero_copy_only=False)
    objects.append({})
    for key in dict.fromkeys(keys):
        values = [found.get(key) for found in objects]
        name = f"extra.{key}" if key in taken else key
        yield name, _column(values, codes)


def _object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        raise InvalidInput(f"extra {text[:40]!r} is no JSON object", field="extra") from None


def _column(values: list[Any], codes: Any) -> Any:
    used = np.unique(codes)
    known = [values[code] for code in used if values[code] is not None]
    if known and all(isinstance(value, bool) for value in known):
        if len(known) == len(used):
            return np.array([value is True for value in values])[codes]
    elif known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        numbers = [float(value) if isinstance(value, int | float) else np.nan for value in values]
        return np.array(numbers)[codes]
    dtype = pd.StringDtype(storage="pyarrow", na_value=np.nan)
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pd.array(texts, dtype=dtype).take(codes)
