"""A path for each route of a tornado application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["routes_of", "sample"]


def routes_of(application: Any) -> Iterator[tuple[re.Pattern[str], str]]:
    """Give pattern and a path that it matches, for each rule of an application."""
    for rule in [*application.wildcard_router.rules, *application.default_router.rules]:
        yield from _of_rule(rule)


def _of_rule(rule: Any) -> Iterator[tuple[re.Pattern[str], str]]:
    pattern = getattr(rule.matcher, "regex", None)
    if pattern is not None:
        path = sample(pattern.pattern)
        assert pattern.match(path), (pattern.pattern, path)
        yield pattern, path
    for inner in getattr(rule.target, "rules", ()):
        yield from _of_rule(inner)


def sample(pattern: str) -> str:
    """Return a short text that a regular expression matches."""
    return "".join(_part(kind, value) for kind, value in parser.parse(pattern))


def _part(kind: Any, value: Any) -> str:
    if kind is kinds.LITERAL:
        return chr(value)
    if kind in (kinds.ANY, kinds.NOT_LITERAL):
        return "x"
    if kind is kinds.IN:
        return _letter(value)
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        least, most, inner = value
        return "".join(_part(*one) for one in inner) * max(least, min(1, most))
    if kind is kinds.SUBPATTERN:
        return "".join(_part(*one) for one in value[3])
    if kind is kinds.BRANCH:
        return "".join(_part(*one) for one in value[1][0])
    assert kind in (kinds.AT, kinds.ASSERT, kinds.ASSERT_NOT), kind
    return ""


def _letter(choices: Any) -> str:
    for letter in "x1-_a":
        if re.match(_pattern(choices), letter):
            return letter
    raise AssertionError(choices)


def _pattern(choices: Any) -> str:
    text = ""
    for kind, value in choices:
        if kind is kinds.NEGATE:
            text += "^"
        elif kind is kinds.LITERAL:
            text += re.escape(chr(value))
        elif kind is kinds.RANGE:
            text += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        else:
            text += {kinds.CATEGORY_WORD: r"\w", kinds.CATEGORY_DIGIT: r"\d", kinds.CATEGORY_SPACE: r"\s"}[
                value
            ]
    return f"[{text}]"
