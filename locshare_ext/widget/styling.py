"""How single members look: checked and put together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import ipywidgets
from traitlets import TraitError

from locshare_ext.errors import InvalidInput

__all__ = ["SHAPES", "checked_styles", "merged_styles"]

SHAPES = ["disc", "arrow", "square", "diamond", "triangle", "star"]
WIDTHS = (0.5, 20.0)  # px of a trail
LONGEST_LABEL = 64
LONGEST_ICON = 8  # an emoji may be several characters

_COLOR = ipywidgets.Color()


def checked_styles(styles: Mapping[Any, Any]) -> dict[str, dict[str, Any]]:
    """Return styles by member with only what can be drawn; a colour alone stands for `{"color": ...}`.

    Raises InvalidInput naming the member, the value and what was expected.
    """
    return {str(member): _checked_style(str(member), style) for member, style in styles.items()}


def merged_styles(
    styles: Mapping[str, Mapping[str, Any]], members: Iterable[str], style: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return styles after a change of some members': None takes a value back, no value at all takes all."""
    merged = {member: dict(held) for member, held in styles.items()}
    for member in members:
        held = {**merged.pop(member, {}), **style} if style else {}
        if not style:
            merged.pop(member, None)
        if held := {name: value for name, value in held.items() if value is not None}:
            merged[member] = held
    return merged


def _checked_style(member: str, style: Any) -> dict[str, Any]:
    if isinstance(style, str):
        style = {"color": style}
    if not isinstance(style, Mapping):
        raise InvalidInput(f"the style of {member} is {style!r}, expected a colour or a dict", field="styles")
    for name in style:
        if name not in CHECKS:
            near = difflib.get_close_matches(str(name), CHECKS, 1)
            raise InvalidInput(
                f"{name!r} is no part of a style; expected one of {', '.join(CHECKS)}"
                + (f" (did you mean {near[0]}?)" if near else ""),
                field=str(name),
            )
    return {name: CHECKS[name](member, value) for name, value in style.items() if value is not None}


def _color(member: str, value: Any) -> str:
    try:
        return str(_COLOR.validate(None, value))
    except TraitError:
        raise InvalidInput(
            f"color {value!r} of {member} is no colour; expected one such as #0072b2 or teal", field="color"
        ) from None


def _width(member: str, value: Any) -> float:
    low, high = WIDTHS
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidInput(f"width {value!r} of {member} is not within [{low:g}, {high:g}] px", field="width")
    return float(value)


def _shape(member: str, value: Any) -> str:
    if value not in SHAPES:
        raise InvalidInput(f"shape {value!r} of {member} is not one of {', '.join(SHAPES)}", field="shape")
    return str(value)


def _text(field: str, longest: int) -> Any:
    def check(member: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or not _is_clean(value):
            raise InvalidInput(
                f"{field} {value!r} of {member} is not up to {longest} printable characters", field=field
            )
        return value

    return check


def _is_clean(text: str) -> bool:
    """Whether it can be drawn; the joiners of emoji are not printable by themselves."""
    return all(character.isprintable() or character in "\u200d\ufe0f" for character in text)


CHECKS = {
    "color": _color,
    "width": _width,
    "label": _text("label", LONGEST_LABEL),
    "shape": _shape,
    "icon": _text("icon", LONGEST_ICON),
}
