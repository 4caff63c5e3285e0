"""What a server refused, as the table `set_aside` of a recording's file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from locshare_ext.formats.tally import SetAside

__all__ = ["rows_of_asides"]


def rows_of_asides(asides: Iterable[Mapping[str, Any]]) -> list[SetAside]:
    """Return rows with all that is known, as the API gives it, but who sent it."""
    return [
        SetAside(
            int(one["id"]),
            one["error"]["message"],
            json.dumps({name: value for name, value in one.items() if name != "credential"}),
        )
        for one in asides
    ]
