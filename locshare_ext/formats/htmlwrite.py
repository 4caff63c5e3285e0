"""Writes a trail as a web page that replays it: one file, with no server, no network and no Jupyter."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from locshare_ext.formats.packed import packed_parts
from locshare_ext.formats.pagecode import script_of, style
from locshare_ext.formats.trail import Trail
from locshare_ext.formats.trips import dictionary_of

__all__ = ["UNITS", "write"]

DEGREE = 10_000_000  # units of a degree: 1e-7 degree is 11 mm
UNITS = {"speed": 0.01, "heading": 0.1, "battery": 0.01, "accuracy": 0.1, "altitude": 0.1}
_MOST = 2**40  # of these units; more is no measurement
_NO_TICKS = frozenset({"alive", "forget"})  # kinds of events that a timeline does not show
_AGES = {"stale": "stale_after", "lost": "lost_after", "gap": "gap_after"}

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body class="locshare-page">
<noscript>This recording is replayed by JavaScript, which this browser does not run.</noscript>
<script type="application/json" id="about">{about}</script>
<script type="text/plain" id="worker.js">{worker}</script>
"""
_PART = '<script type="text/plain" class="fixes">{data}</script>\n'
_END = "<script>{script}</script>\n</body>\n</html>\n"


def write(trail: Trail, out: IO[bytes]) -> None:
    """Write a trail as HTML: the renderer of our maps, and the fixes as packed columns.

    Kept exactly are members, both clocks to the millisecond and places to 1e-7 degree; speed to
    1 cm/s, heading, accuracy and altitude to 0.1, battery to 1 %; notes and other events. Its
    policy lets the page load nothing, and run no script but its own. `info` may say `clock`, by
    which it begins, `ages`: a group's `stale`, `lost` and `gap` in seconds, and `fences`: pairs of
    a name and an area as JSON, which are drawn.
    """
    columns, known, members = _columns(trail)
    count = trail.table.num_rows
    parts = [*packed_parts(columns, known)] if count else []
    time = columns["time"]
    about = {
        "title": trail.name or trail.group or "Recording",
        "description": trail.description,
        "members": members,
        "fixes": count,
        "oldest": int(time.min()) if count else None,
        "newest": int(time.max()) if count else None,
        "has_received": "lag" in columns,
        "pseudonymised": bool(trail.info.get("pseudonymised")),
        "precision": trail.info.get("precision_m"),
        "settings": _settings(trail.info),
        "fences": trail.info.get("fences", []),
        "units": UNITS,
        "events": [
            [event.time, event.received or event.time, event.kind, event.member, event.text, None]
            for event in trail.events
            if event.kind not in _NO_TICKS
        ],
        "parts": [said for said, _ in parts],
    }
    script = script_of("page/main.js")
    head = _HEAD.format(
        policy=_policy(script, style()),
        title=html.escape(str(about["title"])),
        style=style(),
        about=_inert(about),
        worker=script_of("worker.js"),
    )
    out.write(head.encode("utf-8", "replace"))  # a title may be any text
    for _, data in parts:
        out.write(_PART.format(data=base64.b64encode(data).decode()).encode())
    out.write(_END.format(script=script).encode())


def _policy(script: str, sheet: str) -> str:
    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; script-src {hashed(script)}; style-src {hashed(sheet)}; "
        "worker-src blob:; base-uri 'none'; form-action 'none'"
    )


def _inert(value: Any) -> str:
    """Return JSON in which nothing is markup, whatever names and notes say."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _settings(info: Mapping[str, Any]) -> dict[str, Any]:
    ages = info.get("ages") or {}
    settings = {trait: ages[name] for name, trait in _AGES.items() if ages.get(name)}
    return {**settings, "clock": info["clock"]} if info.get("clock") else settings


def _columns(trail: Trail) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Return whole numbers by column, which rows are known, and the members; rows of one are together."""
    members, codes = dictionary_of(trail.table.column("member"))
    order = np.argsort(codes, kind="stable")  # within a member by time, as they are
    table = trail.table.take(order)

    def moments(name: str) -> NDArray[np.int64]:
        nanoseconds: NDArray[np.int64] = table.column(name).cast("int64").to_numpy()
        return nanoseconds // 1_000_000

    columns: dict[str, Any] = {"time": moments("time"), "member": codes[order].astype(np.int64)}
    lag = moments("received") - columns["time"]
    if trail.received_known or lag.any():
        columns["lag"] = lag
    for name in ("lat", "lon"):
        columns[name] = np.rint(table.column(name).to_numpy() * DEGREE).astype(np.int64)
    known: dict[str, Any] = {}
    for name, unit in UNITS.items():
        scaled = np.rint(pc.fill_null(table.column(name), np.nan).to_numpy() / unit)
        known[name] = np.abs(scaled) < _MOST  # not for what is no number
        columns[name] = np.where(known[name], scaled, 0).astype(np.int64)
    return columns, known, members
