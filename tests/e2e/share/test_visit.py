"""The share page as a participant uses it: agree, share, choose, say, stop."""

from __future__ import annotations

import pytest

from tests.e2e.share.conftest import NewPhone
from tests.e2e.test_page_file import AXE
from tests.support.phone import PLACE, Host, seen

pytestmark = pytest.mark.browser


def test_a_first_visit(phone: NewPhone, host: Host, group: str):
    host.ask("POST", f"groups/{group}", {"title": group, "consent": "Only for today's walk."})
    host.ask(
        "POST",
        f"groups/{group}/fixes",
        {"member": "bob", "time": "2026-01-01T00:00:00Z", "lat": 37.57, "lon": 126.98},
    )
    card = host.invite(group)
    ann = phone().open(host, card)
    ann.until("consent")
    assert ann.text("#consent-host") == "Only for today's walk."
    assert "7 days" in ann.text("#consent-facts")
    assert host.fixes(group) == []
    ann.page.click("#agree")
    ann.until("off")
    [agreed] = [
        one for one in host.ask("GET", f"groups/{group}/invites")["invites"] if one["member"] == "ann"
    ]
    assert agreed["consent"] == host.events(group)[0]["data"]["consent"]
    ann.page.click("#share")
    [fix] = seen(host, group, 1)
    assert (fix["lat"], fix["lon"], fix["source"]) == (*PLACE, "browser")
    ann.wait_for("() => document.getElementById('facts').textContent.includes('STOMP')")
    ann.page.wait_for_selector("#map .leaflet-tooltip >> text=bob")
    assert "bob" in ann.text("#members")
    assert ann.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert not ann.errors
    for request in ann.requests:  # the invite is in headers and bodies, never in an address
        assert "lsi_" not in request.url
        assert "lsi_" not in request.headers.get("referer", "")
        assert request.url.startswith((host.url, "data:"))


def test_nothing_is_in_the_way_of_a_screen_reader(phone: NewPhone, host: Host, group: str):
    if not AXE.exists():
        pytest.skip("axe-core is missing: npm ci in tests/e2e")
    ann = phone(bypass_csp=True, reduced_motion="reduce").join(host, host.invite(group))
    host.ask("POST", f"groups/{group}/notes", {"kind": "message", "text": "back to the bus"})
    ann.page.wait_for_selector("#messages >> text=back to the bus")
    ann.page.click("#apps summary")
    ann.page.add_script_tag(content=AXE.read_text())
    for scheme in ("light", "dark"):
        ann.page.emulate_media(color_scheme=scheme)
        found = ann.page.evaluate("() => axe.run().then(result => result.violations)")
        assert found == [], [(scheme, one["id"], one["nodes"][0]["html"]) for one in found]


def test_places_leave_the_phone_as_coarse_as_was_chosen(phone: NewPhone, host: Host, group: str):
    ann = phone().join(host, host.invite(group))
    sent: list[str] = []
    ann.page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(str(data))))
    with ann.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        ann.page.check("input[value='1000']")
    ann.move(1)
    fix = seen(host, group, 2)[-1]
    assert fix["accuracy"] == 1000
    assert fix["lat"] != PLACE[0] + 0.01
    assert not [data for data in sent if str(PLACE[0] + 0.01) in data]
    [invite] = host.ask("GET", f"groups/{group}/invites")["invites"]
    assert invite["precision"] == 1000
    assert "1 km" in ann.text("#precision-note")


def test_a_groups_own_precision_is_the_least(phone: NewPhone, host: Host, group: str):
    host.ask("POST", f"groups/{group}", {"title": group, "precision": 500})
    ann = phone().join(host, host.invite(group))
    assert ann.page.is_disabled("input[value='100']")
    assert "500 m" in ann.text("#precision-note")
    assert host.fixes(group)[0]["accuracy"] == 500


def test_messages_notes_and_calls_for_help(phone: NewPhone, host: Host, group: str):
    ann = phone().join(host, host.invite(group))
    bob = phone().join(host, host.invite(group, "bob"))
    host.ask("POST", f"groups/{group}/notes", {"kind": "message", "text": "<b>back</b> to the bus"})
    ann.page.wait_for_selector("#messages >> text=<b>back</b> to the bus")
    ann.page.fill("#note", "lost my hat")
    ann.page.press("#note", "Enter")
    ann.wait_for("() => document.getElementById('noted').textContent === 'Sent.'")
    ann.page.click("#sos")
    assert "exact position" in ann.text("#ask-text")
    ann.page.click("#ask-yes")
    ann.page.wait_for_selector("#messages >> text=Your SOS was sent")
    bob.page.wait_for_selector("#messages >> text=ann: needs help")
    bob.page.wait_for_selector("#members .calls >> text=ann")
    events = {one["kind"]: one for one in host.events(group)}
    assert events["note"]["text"] == "lost my hat"
    assert (events["sos"]["member"], events["sos"]["data"]["lat"]) == ("ann", PLACE[0])


def test_pause_goes_on_and_stop_ends(phone: NewPhone, host: Host, group: str):
    ann = phone().join(host, host.invite(group))
    ann.page.click("#pause")
    ann.until("paused")
    ann.move(1)
    ann.page.click("#pause")
    ann.until("sharing")
    assert len(seen(host, group, 2)) == 2
    ann.page.click("#share")
    ann.until("off")
    assert ann.page.get_attribute("#share", "aria-checked") == "false"
    ann.page.reload()
    ann.until("off")


def test_all_is_deleted(phone: NewPhone, host: Host, group: str):
    card = host.invite(group)
    ann = phone().join(host, card)
    ann.page.click("#delete")
    ann.page.click("#ask-no")
    assert host.fixes(group)
    ann.page.click("#delete")
    ann.page.click("#ask-yes")
    ann.until("deleted")
    assert host.fixes(group) == []
    assert not [
        one for one in host.ask("GET", f"groups/{group}/invites")["invites"] if one["member"] == "ann"
    ]
    ann.page.reload()
    ann.until("revoked")


def test_an_open_invite_is_joined_by_name_once(phone: NewPhone, host: Host, group: str):
    host.ask(
        "POST", f"groups/{group}/fixes", {"member": "bob", "time": "2026-01-01T00:00:00Z", "lat": 1, "lon": 2}
    )
    card = host.invite(group, None)
    ann = phone().open(host, card)
    ann.until("naming")
    ann.page.fill("#name", "Bob")
    ann.page.press("#name", "Enter")
    ann.page.wait_for_selector("#name-refused >> text=Choose another")
    ann.page.fill("#name", "민지")
    ann.page.press("#name", "Enter")
    ann.until("consent")
    assert "민지" in ann.text("#who")
    ann.page.reload()
    ann.until("consent")
    ann.page.click("#agree")
    ann.until("off")
    ann.page.click("#share")
    assert seen(host, group, 1, "민지")


def test_who_may_only_watch_shares_nothing(phone: NewPhone, host: Host, group: str):
    host.ask(
        "POST", f"groups/{group}/fixes", {"member": "bob", "time": "2026-01-01T00:00:00Z", "lat": 1, "lon": 2}
    )
    ann = phone().open(host, host.invite(group, roles="watch"))
    ann.until("watching")
    ann.page.wait_for_selector("#members >> text=bob")
    assert ann.page.is_hidden("#bar")


def test_it_speaks_korean(phone: NewPhone, host: Host, group: str):
    ann = phone(locale="ko-KR").open(host, host.invite(group))
    ann.until("consent")
    assert ann.text("#agree") == "동의합니다"
    assert ann.page.get_attribute("html", "lang") == "ko"
    ann.page.click("#language")
    assert ann.text("#agree") == "I agree"
    ann.page.reload()
    ann.until("consent")
    assert ann.text("#agree") == "I agree"
