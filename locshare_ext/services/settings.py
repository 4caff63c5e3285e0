"""What can be set for a group, and what each setting may be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from locshare_ext.alerts import rule_from_json, rule_to_json
from locshare_ext.errors import InvalidInput
from locshare_ext.model.names import group_slug, near_names

__all__ = [
    "COARSEST",
    "LEAST_BYTES",
    "LONGEST",
    "MAX_RULES",
    "MAX_TEXT",
    "MOST_BYTES",
    "SETTINGS",
    "check_settings",
    "complete_settings",
]

MAX_TEXT = 2000  # characters of a consent text
MAX_RULES = 50
MAX_RULES_BYTES = 64 << 10  # of all rules as JSON: whoever asks for the group gets them
COARSEST = 100_000  # m
LEAST_BYTES, MOST_BYTES = 100_000, 1 << 50  # less would be gone before anybody has read it
LONGEST = 366 * 86_400 * 10  # s; more is a mistake of units


def check_settings(sent: object, slug: str) -> dict[str, Any]:
    """Return the settings of a request's JSON object, each checked; null resets one.

    title: what people call the group. retention: seconds that its fixes are kept, None for the
    server's own (7 days). retention_bytes: that they may take, above it those received first
    go first, None for the server's own bound alone. ephemeral: whether they are only in memory,
    the newest of them, and never on a disk; such a group cannot be recorded. stale, lost:
    seconds of age after which a position is so (60, 600). gap: seconds, the shortest silence of
    a member that a map shows as a gap in the trail (120). tz: a zone such as Asia/Seoul.
    consent: what members are told before they share. precision: metres of the grid that
    positions are put on before they are kept or seen, None for as they were measured; from now
    on, what is kept stays as it is. interval: seconds between requests that phones are asked for
    whose app takes it (Overland), None for as they are set. alerts: rules that the server holds
    to each fix, as `alerts.rule_from_json` takes them; whoever may watch the group sees them, and
    what they tell.
    Raises InvalidInput that names the first setting that cannot be.
    """
    if not isinstance(sent, dict):
        raise InvalidInput("settings are a JSON object", code="invalid_settings")
    checked: dict[str, Any] = {}
    for name, value in sent.items():
        if name not in SETTINGS:
            near = near_names(str(name)[:64], SETTINGS, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"expected {', '.join(SETTINGS)}"
            raise InvalidInput(
                f"setting {str(name)[:64]!r} is unknown; {hint}", code="unknown_setting", field=str(name)[:64]
            )
        checked[name] = None if value is None else SETTINGS[name][1](name, value, slug)
    return checked


def complete_settings(settings: Mapping[str, Any], slug: str) -> dict[str, Any]:
    """Return all settings with their defaults; `title` is the slug when none was given."""
    complete = {name: default for name, (default, _) in SETTINGS.items()}
    complete.update({name: value for name, value in settings.items() if value is not None})
    complete["title"] = complete["title"] or slug
    return complete


def _title(name: str, value: object, slug: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"title {value!r} is not text", field=name)
    group_slug(value)  # the same letters as in a new group's title
    return value.strip()


def _seconds(name: str, value: object, slug: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= LONGEST:
        raise InvalidInput(f"{name} {value!r} is not a number of seconds in [1, {LONGEST}]", field=name)
    return round(value)


def _bytes(name: str, value: object, slug: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # in JSON Schema 1.0 is an integer
    if isinstance(value, bool) or not isinstance(value, int) or not LEAST_BYTES <= value <= MOST_BYTES:
        raise InvalidInput(
            f"{name} {value!r} is not a whole number of bytes in [{LEAST_BYTES}, {MOST_BYTES}]", field=name
        )
    return value


def _flag(name: str, value: object, slug: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} {value!r} is not true or false", field=name)
    return value


def _metres(name: str, value: object, slug: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= COARSEST:
        raise InvalidInput(f"{name} {value!r} is not a number of metres in [1, {COARSEST}]", field=name)
    return value


def _zone(name: str, value: object, slug: str) -> str:
    try:
        if isinstance(value, str):
            return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise InvalidInput(f"tz {value!r} is not a time zone such as Asia/Seoul", field=name)


def _text(name: str, value: object, slug: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise InvalidInput(f"{name} is not text of at most {MAX_TEXT} characters", field=name)
    return value


def _rules(name: str, value: object, slug: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > MAX_RULES:
        raise InvalidInput(f"{name} is not an array of at most {MAX_RULES} rules", field=name)
    checked: list[dict[str, Any]] = []
    for at, one in enumerate(value):
        try:
            checked.append(rule_to_json(rule_from_json(one)))
        except InvalidInput as error:
            place = f"{name}[{at}]"
            raise InvalidInput(
                f"{place}: {error.message}", code="rule_invalid", field=f"{place}.{error.field}"
            ) from None
    names = [rule["name"] for rule in checked]
    if twice := next((one for one in names if names.count(one) > 1), None):
        raise InvalidInput(f"{name}: {twice!r} is the name of two rules", code="rule_invalid", field=name)
    if len(json.dumps(checked)) > MAX_RULES_BYTES:
        raise InvalidInput(
            f"{name} has more than {MAX_RULES_BYTES} bytes of rules; areas of fewer vertices have room",
            field=name,
        )
    return checked


_Check = Callable[[str, object, str], Any]

# name -> (default, check); `check_settings` says what they mean
SETTINGS: dict[str, tuple[Any, _Check]] = {
    "title": (None, _title),
    "retention": (None, _seconds),
    "retention_bytes": (None, _bytes),
    "ephemeral": (False, _flag),
    "stale": (60, _seconds),
    "lost": (600, _seconds),
    "gap": (120, _seconds),
    "tz": (None, _zone),
    "consent": (None, _text),
    "precision": (None, _metres),
    "interval": (None, _seconds),
    "alerts": ([], _rules),
}
