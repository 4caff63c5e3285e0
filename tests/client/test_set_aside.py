"""What was refused, as a group, its recording and the recording's file tell it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from locshare_ext import Group, open_recording
from locshare_ext.client.asides import asides_frame
from locshare_ext.client.http import path_of
from locshare_ext.formats.asides import asides_of_rows
from locshare_ext.formats.rows import SetAside
from tests.client.conftest import attach
from tests.support.served import Served

pytestmark = pytest.mark.process

NOW = pd.Timestamp.now(tz="UTC").floor("s")
DTYPES = {
    "id": "int64",
    "received": "datetime64[ns, UTC]",
    **dict.fromkeys(("member", "credential", "code", "message", "field", "raw"), "str"),
}


def share(group: Group) -> None:
    """Two good ones of ann, one of bo; two of ann and one of bo that are refused."""
    members = ["ann", "ann", "bo", "ann", "ann", "bo"]
    lats = [50.0, 50.1, 50.2, 91.0, 92.0, 93.0]
    now = int(NOW.timestamp() * 1000)
    body = [
        {"member": member, "time": now - 10_000 + at, "lat": lat, "lon": 14.0}
        for at, (member, lat) in enumerate(zip(members, lats, strict=True))
    ]
    # as an app would: our own publish looks before it sends
    answer = group._api.send("POST", path_of("groups", group.name, "fixes"), body)
    assert (answer["stored"], len(answer["set_aside"])) == (3, 3)


def told(frame: pd.DataFrame) -> list[tuple[str, str, float]]:
    return [(row.member, row.field, json.loads(row.raw)["lat"]) for row in frame.itertuples()]


EXPECTED = [("ann", "lat", 91.0), ("ann", "lat", 92.0), ("bo", "lat", 93.0)]


def test_group_recording_and_file_say_the_same(served: Served, tmp_path: Path) -> None:
    group = attach(served, "refused")
    recording = group.record("walk")
    share(group)
    recording.stop()
    file = open_recording(recording.to_file(tmp_path / "walk.gpkg"))
    for source in (group, recording, file):
        frame = source.set_aside()
        assert dict(frame.dtypes.astype(str)) == DTYPES
        assert told(frame) == EXPECTED
        assert frame["message"][0] == "lat 91.0 is outside [-90, 90] degrees"
        assert (frame["received"] >= NOW - pd.Timedelta("1h")).all()
        assert dict(source.quality().set_index("member")["set_aside"]) == {"ann": 2, "bo": 1}
    assert group.set_aside()["credential"].notna().all()
    assert file.set_aside()["credential"].isna().all()  # who sent it is not for a file that is passed on


def test_what_is_shared_under_other_names_has_none(served: Served, tmp_path: Path) -> None:
    group = attach(served, "hidden")
    recording = group.record("walk")
    share(group)
    hidden = recording.to_file(tmp_path / "hidden.gpkg", pseudonyms=tmp_path / "key.csv")
    coarse = recording.to_file(tmp_path / "coarse.gpkg", precision=500)
    assert [len(open_recording(path).set_aside()) for path in (hidden, coarse)] == [0, 0]


def test_a_recording_has_what_came_while_it_ran(served: Served) -> None:
    group = attach(served, "spans")
    share(group)
    assert len(group.set_aside()) == 3
    assert (
        len(
            group.record("later", since=group.set_aside()["received"].max() + pd.Timedelta("1ms")).set_aside()
        )
        == 0
    )


def test_who_may_not_see_it_has_quality_without(served: Served) -> None:
    group = attach(served, "watched")
    share(group)
    watcher = Group(group.invite("cy", roles="watch").link)
    assert watcher.quality()["set_aside"].isna().all()


def test_a_group_that_nobody_shared_in_has_none(served: Served) -> None:
    frame = attach(served, "empty").set_aside()
    assert (len(frame), dict(frame.dtypes.astype(str))) == (0, DTYPES)


@pytest.mark.parametrize(
    "raw", ["a,b", "{}", "3", '{"id": 1, "received": "x", "error": {}, "raw": ""}', "[" * 9999]
)
def test_files_of_others_have_line_reason_and_text(raw: str) -> None:
    (row,) = asides_frame(asides_of_rows([SetAside(7, "lat is missing", raw)])).itertuples()
    assert (row.id, row.message, row.raw) == (7, "lat is missing", raw)
    assert pd.isna(row.received)
    assert pd.isna(row.member)
