"""The zone in a group's settings is that of times without one."""

from __future__ import annotations

import pandas as pd
import pytest

from locshare_ext import Group
from locshare_ext.errors import InvalidInput
from tests.client.conftest import attach
from tests.support.served import Served


def test_times_without_a_zone_have_the_groups(served: Served, group: Group) -> None:
    group.publish(lat=1.0, lon=2.0, time="2026-11-22T10:00+09:00")
    with pytest.raises(InvalidInput, match="no time zone"):
        group.at("2026-11-22T10:30")
    group.configure(tz="Asia/Seoul")
    assert len(group.at("2026-11-22T10:30")) == 1
    assert len(group.at("2026-11-22T09:30")) == 0
    group.publish(lat=1.0, lon=2.5, time="2026-11-22T10:10")
    frame = pd.DataFrame({"lat": [1.0], "lon": [2.6], "time": [pd.Timestamp("2026-11-22T10:20")]})
    group.publish(frame)
    told = group.trails(since="2026-11-22T10:05", until="2026-11-22T10:25")
    assert told["time"].dt.tz_convert("Asia/Seoul").dt.strftime("%H:%M").tolist() == ["10:10", "10:20"]
    assert group.tz is None  # nothing was said here
    other = attach(served, group.name, tz="UTC")  # what is said here beats it
    assert len(other.at("2026-11-22T00:30")) == 0
    assert len(other.at("2026-11-22T01:30")) == 1


def test_who_may_not_see_the_settings_has_none(served: Served, group: Group) -> None:
    group.configure(tz="Asia/Seoul")
    link = group.invite("ann", roles="publish").link
    ann = Group(link)
    with pytest.raises(InvalidInput, match="no time zone"):
        ann.publish(lat=1.0, lon=2.0, time="2026-11-22T10:10")
    ann.publish(lat=1.0, lon=2.0, time="2026-11-22T10:10Z")
