"""A table row: what an app sends, and the fix that is meant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from locshare_ext.formats.phones import Sent, decode
from locshare_ext.model.report import Report
from locshare_ext.model.wire import FixInput

__all__ = ["NOW", "Row", "check", "rows", "the_fix"]

NOW = 1_763_806_300_000
_UNKNOWN = {"altitude": None, "accuracy": None, "speed": None, "heading": None, "battery": None}


@dataclass(frozen=True)
class Row:
    """fix: the fields that are expected; what is not said is unknown. extra: as far as it is named."""

    app: str
    what: str
    fix: dict[str, Any]
    query: str = ""
    body: Any = b""
    extra: dict[str, Any] | None = None

    @property
    def sent(self) -> Sent:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return Sent(query=self.query, body=body, now=NOW)


def rows(*found: Row) -> Any:
    return pytest.mark.parametrize("row", found, ids=lambda row: row.what.replace(" ", "-"))


def the_fix(report: Report) -> FixInput:
    assert report.refused == []
    [(place, fix)] = report.fixes
    assert place == 0
    return fix


def check(row: Row) -> Report:
    """Hold one row to what the decoder says."""
    report = decode(row.app, row.sent)
    fix = the_fix(report)
    expected = {**_UNKNOWN, "source": row.app, **row.fix}
    found = {name: getattr(fix, name) for name in expected}
    numbers = {name for name, value in expected.items() if isinstance(value, float)}
    assert {name: found[name] for name in numbers} == pytest.approx(
        {name: expected[name] for name in numbers}, rel=1e-9
    )
    rest = set(expected) - numbers
    assert {name: found[name] for name in rest} == {name: expected[name] for name in rest}
    kept = fix.extra or {}
    for name, value in (row.extra or {}).items():
        assert kept.get(name) == value, (name, kept)
    return report
