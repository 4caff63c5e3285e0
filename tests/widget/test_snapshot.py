"""A recording's fixes as they are saved with a notebook."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.layer import TrailLayer
from locshare_ext.widget.snapshot import snapshot_of
from locshare_ext.widget.trail_log import TrailLog


def head_of(saved: bytes) -> tuple[dict[str, Any], bytes]:
    end = 4 + int.from_bytes(saved[:4], "little")
    assert end % 8 == 0
    return json.loads(saved[4:end]), saved[end:]


def test_it_holds_what_pages_need_and_thins_what_is_too_much() -> None:
    log = TrailLog()
    member = np.tile(log.ids_of(["ann", "ben"]), 500)
    member[-1] = 0  # ben's last is not the log's last
    times = np.arange(1000) * 1000
    log.append(member, times, np.zeros(1000, np.int64), np.full(1000, 53.4), np.full(1000, -2.9), {})
    assert head_of(snapshot_of(log))[0]["count"] == 1000
    head, data = head_of(snapshot_of(log, 100))
    assert head["names"] == ["ann", "ben"]
    assert head["count"] <= 100
    at = np.frombuffer(data, "<u4", head["count"])
    whose = np.frombuffer(data, "<u4", head["count"], 4 * head["count"])
    assert [column["name"] for column in head["columns"][:2]] == ["time", "member"]
    base = head["columns"][0]["base"]
    for number, last in ((0, 999_000), (1, 997_000)):
        own = at[whose == number].astype(int) + base
        assert own[0] == number * 1000
        assert own[-1] == last
        assert (np.diff(own) > 0).all()
    assert snapshot_of(TrailLog()) == b""


def test_only_a_recording_is_saved_and_only_as_it_is() -> None:
    live = TrailLayer()
    live.push("ann", 1, 53.4, -2.9)
    with pytest.raises(InvalidInput, match="only of a recording"):
        live.keep_snapshot()
    assert live.get_state()["_snapshot"] == b""
    live.close()
    layer = TrailLayer(mode="recording")
    layer.push("ann", 1, 53.4, -2.9)
    assert layer.get_state()["_snapshot"] == b""
    for change in (layer.clear, lambda: layer.set(mode="live")):
        layer.push("ann", 1, 53.4, -2.9)
        layer.keep_snapshot()
        assert len(layer.get_state()["_snapshot"]) > 20
        change()
        assert layer.get_state()["_snapshot"] == b""
    layer.close()
