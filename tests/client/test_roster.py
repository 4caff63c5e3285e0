"""The roster: who of those invited is here, and what keeps the others away; their cards on a sheet."""

from __future__ import annotations

import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from locshare_ext import Group
from locshare_ext.client.roster import roster_frame, roster_of
from locshare_ext.errors import Conflict, InvalidInput, NotFound
from tests.client.conftest import Collected
from tests.support.served import Served

pytestmark = pytest.mark.process

SETTINGS = {"stale": 30, "lost": 300}


def invited(member: str | None, state: str = "living", heard_age: int | None = None) -> dict[str, Any]:
    return {
        "id": f"i-{member}",
        "member": member,
        "state": state,
        "heard_age": heard_age,
        "expires": 1_800_000_000_000,
    }


def fixed(member: str, age: int, heard_age: int, **fields: Any) -> dict[str, Any]:
    fix = {"member": member, "lat": 1, "lon": 2, "time": 1, "received": 1, "flags": [], **fields}
    return {"member": member, "fix": fix, "age": age, "heard_age": heard_age}


@pytest.mark.parametrize(
    ("members", "invites", "state"),
    [
        ([], [invited("ann")], "not joined"),
        ([], [invited("ann", "expired")], "expired"),
        ([], [invited("ann", "revoked"), invited("Ann")], "not joined"),
        ([], [invited("ann", heard_age=2_000)], "no position"),
        ([fixed("ann", 1_000, 900)], [invited("ann")], "here"),
        ([fixed("ann", 1_000, 900)], [], "here"),
        ([fixed("ann", 31_000, 30_000)], [invited("ann")], "no position"),
        ([fixed("ann", 31_000, 31_000)], [invited("ann", heard_age=10)], "no position"),
        ([fixed("ann", 31_000, 30_001)], [invited("ann", "expired")], "silent"),
        ([fixed("ann", 400_000, 300_000)], [invited("ann")], "silent"),
        ([fixed("ann", 400_000, 300_001)], [invited("ann")], "lost"),
    ],
)
def test_the_state_of_one(members: list[Any], invites: list[Any], state: str) -> None:
    (person,) = roster_of({"settings": SETTINGS, "members": members}, invites)
    assert person.state == state


def test_who_wants_the_hosts_eye_comes_first() -> None:
    members = [
        fixed("zoe", 1, 1, battery=0.9),
        fixed("bo", 1, 1, battery=0.2),
        fixed("cy", 500_000, 400_000),
        fixed("dan", 40_000, 40_000),
    ]
    people = roster_of({"settings": SETTINGS, "members": members}, [invited("ann"), invited(None)])
    assert [one.member for one in people] == ["cy", "dan", "ann", "bo", "zoe"]
    assert [one.is_low for one in people] == [False, False, False, True, False]


def test_nobody_is_an_empty_frame_of_the_same_columns() -> None:
    whole = roster_frame(roster_of({"settings": SETTINGS, "members": [fixed("bo", 1, 1)]}, [invited("ann")]))
    empty = roster_frame(roster_of({"settings": {}, "members": []}, []))
    assert empty.dtypes.to_dict() == whole.dtypes.to_dict()


def test_a_real_group_s_roster(group: Group) -> None:
    assert len(group.roster()) == 0
    ann, bo, cy = group.invite(["ann", "bo", "cy"])
    Group(ann.link).publish(lat=1, lon=2, battery=0.1)
    Group(bo.link).publish(lat=1, lon=2, time=datetime.now(UTC) - timedelta(minutes=5))
    sign = f"{group.server}locshare/in/{cy.token}/traccar?id=cy&batt=50"  # alive, without a position
    with urllib.request.urlopen(urllib.request.Request(sign, data=b"", method="POST"), timeout=30):
        pass
    roster = group.roster().set_index("member")
    assert roster["state"].to_dict() == {"ann": "here", "bo": "no position", "cy": "no position"}
    assert roster.loc["ann", "battery"] == 0.1
    assert roster.loc["cy", "heard_age"] < timedelta(minutes=2)
    assert roster["time"].isna().to_dict() == {"ann": False, "bo": False, "cy": True}
    assert roster["invite"].to_dict() == {one.member: one.id for one in (ann, bo, cy)}


def test_a_sheet_invites_only_where_phones_can_come(group: Group, tmp_path: Path, served: Served) -> None:
    target = tmp_path / "cards.html"
    with pytest.raises(InvalidInput, match="no code that a phone could use") as told:
        group.sheet(target, ["ann"])
    assert told.value.field == "address"
    with pytest.raises(InvalidInput, match="language 'fr'"):
        group.sheet(target, ["ann"], address="https://share.example.org", language="fr")
    assert not target.exists()
    assert len(group.roster()) == 0
    assert group.sheet(target, ["ann", "bo"], address="https://share.example.org", expires="2h") == target
    assert target.read_text().count("<section>") == 2
    assert list(group.roster()["member"]) == ["ann", "bo"]


def test_who_comes_back_under_another_name_is_the_same_again(group: Group) -> None:
    first, second = group.invite(["ann", "ann 2"])
    early = datetime.now(UTC) - timedelta(minutes=1)
    Group(first.link).publish(lat=1, lon=2, time=early)
    Group(second.link).publish(lat=1.5, lon=2, battery=0.5)
    group.note("here again", member="ann 2")
    batches = Collected()
    group.listen(batches.add, lambda status: None)
    batches.wait_for(lambda items: sum(len(batch) for batch in items) >= 2)
    with pytest.raises(Conflict, match="merge"):
        group.rename("ann 2", "ann")
    assert group.rename("ann 2", "Ann", merge=True) == "ann"
    assert group.trails()["member"].tolist() == ["ann", "ann"]
    assert group.history().names == ["ann"]
    (person,) = group.roster().to_dict("records")
    assert (person["member"], person["state"], person["battery"]) == ("ann", "here", 0.5)
    assert set(group.invites()["member"]) == {"ann"}
    assert group.rename("ann", "Zoë") == "Zoë"
    assert group.latest()["member"].tolist() == ["Zoë"]
    with pytest.raises(NotFound, match="nobody"):
        group.rename("nobody", "x")
