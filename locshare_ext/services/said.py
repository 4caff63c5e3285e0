"""What may be said on a timeline, as a request's JSON object has it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from locshare_ext.errors import InvalidInput
from locshare_ext.model.coarse import grid_place
from locshare_ext.model.fix import Scalar

__all__ = ["MAX_TEXT", "SAID", "Said", "SaidKind", "placed", "read_said"]

SaidKind = Literal["note", "message", "sos", "gap"]
SAID: tuple[SaidKind, ...] = get_args(SaidKind)
MAX_TEXT = 2000  # characters
_MAX_REASON = 64  # characters
_MAX_MS = 1 << 53
# what data may hold: name -> the bounds of a number, None for a short text
_DATA: dict[str, tuple[float, float] | None] = {
    "lat": (-90, 90),
    "lon": (-180, 180),
    "accuracy": (0, 1e8),
    "until": (0, _MAX_MS),
    "reason": None,
}


@dataclass(frozen=True, slots=True)
class Said:
    """kind: of event. text: 1 to MAX_TEXT characters. data: for programs."""

    kind: SaidKind
    text: str
    data: dict[str, Scalar] | None = None


def read_said(sent: Mapping[str, Any]) -> Said:
    """Read `kind` (note if there is none), `text` and `data` of a request's JSON object.

    data: where its sender is: lat, lon (degrees) and accuracy (m); of a gap, which begins at its
    event's time, `until` (ms) and `reason`. Raises InvalidInput that names the field.
    """
    kind = "note" if sent.get("kind") is None else sent["kind"]
    if kind not in SAID:
        raise InvalidInput(f"kind {str(kind)[:40]!r} is unknown; expected {', '.join(SAID)}", field="kind")
    return Said(kind, _text(sent.get("text")), _data(sent.get("data")))


def placed(data: dict[str, Scalar] | None, precision: float | None) -> dict[str, Scalar] | None:
    """Return data with its place on the grid of a precision (metres)."""
    if not data or "lat" not in data or precision is None:
        return data
    lat, lon, accuracy = (float(data.get(name) or 0.0) for name in ("lat", "lon", "accuracy"))
    lat, lon = grid_place(lat, lon, precision)
    return {**data, "lat": lat, "lon": lon, "accuracy": max(accuracy, precision)}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput("text is missing" if value is None else "text is not text", field="text")
    text = value.strip()
    if not 1 <= len(text) <= MAX_TEXT:
        raise InvalidInput(f"text has {len(text)} characters, expected 1-{MAX_TEXT}", field="text")
    _check_letters(text, "text", "\n\t")
    return text


def _check_letters(text: str, field: str, allowed: str) -> None:
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cs") and char not in allowed:
            raise InvalidInput(f"{field} contains the control character {char!r}", field=field)


def _data(sent: object) -> dict[str, Scalar] | None:
    if sent is None:
        return None
    if not isinstance(sent, dict):
        raise InvalidInput("data is not a JSON object", field="data")
    for name, value in sent.items():
        field = f"data.{str(name)[:40]}"
        if name not in _DATA:
            raise InvalidInput(f"{field} is unknown; expected {', '.join(_DATA)}", field=field)
        bounds = _DATA[name]
        if bounds is not None:
            _check_number(value, field, *bounds)
        elif not isinstance(value, str) or len(value) > _MAX_REASON:
            raise InvalidInput(f"{field} is not text of at most {_MAX_REASON} characters", field=field)
        else:
            _check_letters(value, field, "")
    if ("lat" in sent) != ("lon" in sent):
        raise InvalidInput("data has one of lat and lon, expected both or none", field="data")
    return dict(sent) or None


def _check_number(value: object, field: str, least: float, most: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not least <= value <= most:  # type: ignore[operator]
        raise InvalidInput(f"{field} {str(value)[:40]} is not a number in [{least:g}, {most:g}]", field=field)
