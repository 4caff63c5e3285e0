"""Invites from a notebook to another: made, used, shown without their secret, ended."""

from __future__ import annotations

import pickle
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from locshare_ext import Group
from locshare_ext.client import joining, registry
from locshare_ext.client.source import SourceStatus
from locshare_ext.errors import AccessDenied, Conflict, Gone, InvalidInput, InvalidName, NotFound
from tests.client.conftest import LIMIT, Collected
from tests.support.served import Served

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of one's own for what is remembered of open invites."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def closed(group: Group) -> SourceStatus:
    """Wait until the group's feed has given up; returns what it says."""
    told: list[SourceStatus] = []
    is_closed = threading.Event()

    def tell(status: SourceStatus) -> None:
        told.append(status)
        if status.state == "closed":
            is_closed.set()

    stop = group.listen(lambda batch: None, tell)
    assert group.status.state == "closed" or is_closed.wait(LIMIT), told
    stop()
    return group.status


def test_an_invited_member_joins_with_the_link(group: Group, collected: Collected) -> None:
    group.on_fix(collected.add)
    invite = group.invite("ann", roles="publish watch", expires="3h")
    assert (invite.member, invite.roles, invite.group) == ("ann", ("publish", "watch"), group.name)
    assert timedelta(hours=2.9) < invite.expires - datetime.now(UTC) <= timedelta(hours=3)
    ann = Group(invite.link)
    assert (ann.name, ann.me) == (group.name, "ann")
    assert ann.publish(lat=1, lon=2).stored == 1
    fixes = pd.DataFrame({"time": [datetime.now(UTC)], "lat": [1.5], "lon": [2.5]})
    assert ann.publish(fixes).stored == 1
    assert [fix.member for fix in collected.wait_count(2)] == ["ann", "ann"]
    assert ann.ready().state == "live"
    seen = Collected()
    ann.on_fix(seen.add)
    group.publish(lat=3, lon=4, member="bo")
    assert seen.wait_count(1)[0].member == "bo"
    assert set(ann.trails()["member"]) == {"ann", "bo"}
    nameless = Group(invite.link.partition("&g=")[0])
    assert (nameless.name, nameless.me) == (group.name, "ann")


def test_inviting_again_gives_the_living_invite(group: Group) -> None:
    first = group.invite("ann", expires="3h")
    assert group.invite("ann", expires="3h") == first
    assert group.invite("ann").token == first.token
    assert group.invite("ann", roles=["watch"]).id != first.id
    both = group.invite(["bo", "cy"], expires=timedelta(hours=1))
    assert [one.member for one in both] == ["bo", "cy"]
    until = datetime.now(UTC) + timedelta(minutes=90)
    assert abs(group.invite("dee", expires=until).expires - until) < timedelta(seconds=5)
    assert group.invite("dee", expires=until.isoformat()).id == group.invite("dee", expires="1440s").id
    table = group.invites()
    assert sorted(table["member"]) == ["ann", "ann", "bo", "cy", "dee"]
    assert set(table["state"]) == {"living"}
    assert table["expires"].dt.tz is not None


def test_a_group_in_any_script_begins_with_its_first_invite(served: Served) -> None:
    class_ = Group("3학년 2반", server=served.url, token=served.token)
    invite = class_.invite("하나")
    assert class_.settings()["title"] == "3학년 2반"
    assert invite.link.isascii()  # chats and mails end a link where they find other letters
    hana = Group(invite.link)
    assert (hana.name, hana.me, hana.title) == ("3학년-2반", "하나", "3학년 2반")


def test_no_output_shows_the_secret(group: Group) -> None:
    one, several = group.invite("ann"), group.invite(["bo", "<b>"])
    shown = [repr(one), str(one), f"{several}", one._repr_html_(), several[1]._repr_html_()]
    joined = Group(one.link)
    shown += [repr(joined), str(joined.ready()), group.invites().to_csv(), group.invites()._repr_html_()]
    for text in shown:
        assert "lsi_" not in text
        assert one.token.rpartition("_")[2] not in text
    assert "&lt;b&gt;" in several[1]._repr_html_()
    assert "ann" in repr(one)
    assert one.id in repr(one)
    assert one.token in one.link
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(AttributeError):
        one.token = "x"  # type: ignore[misc]


def test_a_link_for_others_has_the_address_that_they_know(group: Group) -> None:
    here = group.invite("ann")
    assert here.is_local
    assert "address=" in here._repr_html_()
    there = group.invite("ann", address="https://share.example.org/user/bo/lab")
    assert there.link == f"https://share.example.org/user/bo/locshare/#t={here.token}&g={group.name}"
    assert not there.is_local
    with pytest.raises(InvalidInput, match="address"):
        group.invite("ann", address="share.example.org")


def test_an_open_invite_is_exchanged_for_one_of_ones_own(group: Group, data_dir: Path) -> None:
    invite = group.invite(uses=2)
    assert invite.member is None
    bo = Group(invite.link, me="bo")
    assert bo.publish(lat=1, lon=2).stored == 1
    assert bo.me == "bo"
    again = Group(invite.link, me="Bo")  # the cell is run again, or the kernel was restarted
    assert again.publish(lat=1, lon=3).stored == 1
    assert group.invites().set_index("id").loc[invite.id, "used"] == 1
    assert set(group.trails()["member"]) == {"bo"}
    kept = data_dir / "locshare" / "joined.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert invite.token not in kept.read_text()
    kept.write_text("{broken")
    with pytest.raises(Conflict, match="'bo'"):
        Group(invite.link, me="bo")
    Group(invite.link, me="cy")
    with pytest.raises(Gone, match="2 times"):
        Group(invite.link, me="dee")


def test_an_invite_may_come_in_the_environment(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCSHARE_URL", group.invite().link)
    bo, cy = Group(group.name, me="bo"), Group(group.name, me="cy")
    assert (bo.me, cy.me) == ("bo", "cy")
    assert bo.publish(lat=1, lon=2).stored == cy.publish(lat=1, lon=2).stored == 1
    assert sorted(group.trails()["member"]) == ["bo", "cy"]
    monkeypatch.setenv("LOCSHARE_URL", group.invite("ann").link)
    assert Group(group.name).me == "ann"


def test_a_name_is_asked_for_before_publishing_with_an_open_invite(group: Group) -> None:
    nobody = Group(group.invite().link)
    assert nobody.latest().empty  # watching needs no name
    with pytest.raises(AccessDenied, match='me="ann"') as caught:
        nobody.publish(lat=1, lon=2)
    assert caught.value.code == "member_needed"


def test_what_a_role_does_not_allow_is_said(group: Group) -> None:
    group.publish(lat=1, lon=2, member="bo")
    watcher = Group(group.invite("wil", roles="watch").link)
    assert len(watcher.trails()) == 1
    with pytest.raises(AccessDenied, match="may not publish"):
        watcher.publish(lat=1, lon=2)
    for refused in (watcher.invite, watcher.invites, lambda: watcher.configure(stale=5)):
        with pytest.raises(AccessDenied, match="may not manage"):
            refused()
    sender = Group(group.invite("sue", roles="publish").link)
    assert sender.publish(lat=1, lon=2).stored == 1
    with pytest.raises(AccessDenied, match="may not watch"):
        sender.trails()
    assert "may not watch" in closed(sender).text
    ann = Group(group.invite("ann").link)
    with pytest.raises(AccessDenied, match="'ann' only"):
        ann.publish(lat=1, lon=2, member="bo")
    rows = pd.DataFrame({"member": ["ann", "bo"], "time": datetime.now(UTC), "lat": [1, 2], "lon": [3, 4]})
    with pytest.raises(AccessDenied, match="'bo'"):
        ann.publish(rows)
    other = Group(f"{ann.server}locshare/#t={group.invite('ann').token}&g=elsewhere")
    with pytest.raises(AccessDenied, match="not for group 'elsewhere'"):
        other.trails()


def test_with_manage_one_speaks_for_others(group: Group) -> None:
    host = Group(group.invite("ann", roles="manage").link)
    assert host.publish(lat=1, lon=2, member="bo").stored == 1
    assert host.publish(lat=1, lon=3).stored == 1
    assert host.invite("cy").member == "cy"


def test_a_revoked_invite_closes_the_feed_for_good(group: Group) -> None:
    group.publish(lat=1, lon=2)
    invite = group.invite("ann")
    ann = Group(invite.link)
    assert ann.ready().state == "live"
    assert group.revoke("Ann") == 1
    assert "revoked" in closed(ann).text
    assert ann.status.state == "closed"  # asking does not try again
    with pytest.raises(Gone, match="revoked"):
        ann.latest()
    assert "revoked" in Group(invite.link).ready().text
    assert group.revoke(invite) == 1  # twice is fine
    assert group.invites()["state"].tolist() == ["revoked"]
    assert group.invite("ann").id != invite.id


def test_an_expired_invite_closes_the_feed_and_takes_what_was_before(group: Group) -> None:
    group.publish(lat=1, lon=2, member="bo")
    before = datetime.now(UTC)
    ann = Group(group.invite("ann", expires="3s").link)
    assert ann.ready().state == "live"
    assert "expired" in closed(ann).text
    with pytest.raises(Gone, match="expired"):
        ann.trails()
    assert ann.publish(lat=1, lon=2, time=before).stored == 1
    assert set(group.trails()["member"]) == {"ann", "bo"}


def test_revoking_by_id_token_and_link(group: Group) -> None:
    ids = [group.invite(name).id for name in ("a", "b", "c", "d")]
    assert group.revoke(ids[0]) == 1
    assert group.revoke(group.invite("b").token) == 1
    assert group.revoke(group.invite("c").link) == 1
    states = group.invites().set_index("id")["state"]
    assert [states[one] for one in ids] == ["revoked", "revoked", "revoked", "living"]
    with pytest.raises(NotFound, match="'zoe'"):
        group.revoke("zoe")
    with pytest.raises(InvalidInput, match="int"):
        group.revoke(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"member": "a/b"}, InvalidName, "'/'"),
        ({"member": ["ann", ""]}, InvalidName, "1-64"),
        ({"roles": "wach"}, InvalidInput, "wach"),
        ({"expires": "soon"}, InvalidInput, "span"),
        ({"expires": "2001-01-01T00:00Z"}, InvalidInput, "past"),
        ({"expires": "90d"}, InvalidInput, "30 days"),
        ({"uses": 0}, InvalidInput, "uses"),
    ],
)
def test_mistakes_are_named(group: Group, options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        group.invite(**options)
    assert group.invites().empty


def test_an_invite_of_another_is_not_mine(group: Group) -> None:
    invite = group.invite("ann")
    assert Group(invite.link, me="Ann").me == "ann"
    with pytest.raises(InvalidInput, match="for 'ann', not for 'bo'"):
        Group(invite.link, me="bo")


def test_a_broken_link_is_not_shown(group: Group) -> None:
    invite = group.invite("ann")
    assert Group(f" {invite.link}\n").me == "ann"
    for text in (invite.token, invite.link.removeprefix("http://"), f"<{invite.link}>"):
        with pytest.raises(InvalidInput, match="http://") as caught:
            Group(text)
        assert "lsi_" not in str(caught.value)


def test_a_wrong_invite_is_refused_once(served: Served) -> None:
    wrong = Group(f"{served.url}locshare/#t=lsi_000000000000_{'x' * 27}&g=hikers")
    assert "not valid" in closed(wrong).text
    with pytest.raises(AccessDenied, match="not valid"):
        wrong.publish(lat=1, lon=2)
    assert registry.existing(wrong._key) is not None


def test_the_host_configures_and_removes(group: Group) -> None:
    assert group.configure(title="The Hikers", stale=30)["stale"] == 30
    assert (group.title, group.settings()["title"]) == ("The Hikers", "The Hikers")
    assert group.configure(stale=None)["stale"] == 60
    assert group.configure(precision=500)["precision"] == 500
    with pytest.raises(InvalidInput, match="did you mean `stale`"):
        group.configure(stall=3)
    note = group.note("lost the trail here")
    group.note("kept")
    group.remove_note(note)
    assert "kept" in group.events()["text"].tolist()
    assert "lost the trail here" not in group.events()["text"].tolist()
    with pytest.raises(NotFound):
        group.remove_note(note)
    batches = Collected()
    group.listen(batches.add, lambda status: None)
    group.publish([{"member": name, "time": datetime.now(UTC), "lat": 1, "lon": 2} for name in ("ann", "bo")])
    batches.wait_for(lambda items: sum(len(batch) for batch in items) >= 2)
    assert group.forget("ann") == 1
    assert group.latest()["member"].tolist() == ["bo"]
    assert group.history().names == ["bo"]
    cleared, left = batches.items[-2:]
    assert (cleared.restarted, left.names, len(left)) == (True, ["bo"], 1)
    with pytest.raises(NotFound):
        group.forget("ann")


def test_what_cannot_be_remembered_is_no_error(
    group: Group, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir()
    (data_dir / "locshare").write_text("a file in the folder's place")
    assert Group(group.invite().link, me="bo").publish(lat=1, lon=2).stored == 1
    assert joining._path().parent == data_dir / "locshare"
