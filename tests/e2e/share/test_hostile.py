"""The share page with people, phones and browsers as they are at their worst."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from playwright.sync_api import Error

from tests.e2e.share.conftest import NewPhone
from tests.support.phone import PLACE, Host, seen

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror=document.title=1>"
NO_BOX = "Object.defineProperty(window, 'indexedDB', { get() { throw new Error('private'); } });"
FULL = """IDBObjectStore.prototype.add = IDBObjectStore.prototype.put = function () {
  throw new DOMException('full', 'QuotaExceededError');
};"""
IS_PENDING = """async () => {
  for (let left = 600; left; left -= 1) {
    if ((await navigator.locks.query()).pending.length) return true;
    await new Promise(resolve => { setTimeout(resolve, 50); });
  }
  return false;
}"""
HOURS = 3_600_000  # ms
# its clock is wrong, the position's time comes from the same clock
WRONG = """const Real = Date; const ahead = %d;
globalThis.Date = class extends Real {
  constructor(...given) { given.length ? super(...given) : super(Real.now() + ahead); }
  static now() { return Real.now() + ahead; }
};
const watch = Geolocation.prototype.watchPosition;
Geolocation.prototype.watchPosition = function (found, ...rest) {
  const late = ({ coords, timestamp }) => found({ coords, timestamp: timestamp + ahead });
  return watch.call(this, late, ...rest);
};"""


def test_a_clock_that_is_wrong(phone: NewPhone, host: Host, group: str):
    card = host.invite(group, expires_in=3600)
    ann = phone(init=WRONG % (20 * HOURS)).join(host, card)
    bob = {"member": "bob", "time": card["created"], "lat": 37.57, "lon": 126.98}
    host.ask("POST", f"groups/{group}/fixes", bob)
    ann.page.wait_for_selector("#members li:has-text('bob')")
    assert ann.page.is_visible("#bar")  # the invite goes by the server's clock
    assert "20 h" in ann.text("#facts")
    assert " h" not in ann.text("#members")
    [fix] = seen(host, group, 1)
    assert abs(fix["time"] - fix["received"] - 20 * HOURS) < HOURS


def test_names_are_never_markup(phone: NewPhone, host: Host, group: str):
    host.ask("POST", f"groups/{group}", {"consent": MARKUP})
    host.ask(
        "POST",
        f"groups/{group}/fixes",
        {"member": MARKUP, "time": 1_700_000_000_000, "lat": 37.57, "lon": 127},
    )
    ann = phone(locale="ko-KR").open(host, host.invite(group, f"{MARKUP}2"))
    ann.until("consent")
    assert ann.text("#consent-host") == MARKUP
    ann.page.click("#agree")
    ann.until("off")
    ann.page.wait_for_selector("#map .leaflet-tooltip")
    assert MARKUP in ann.text("#members")
    assert f"{MARKUP}2" in ann.text("#who")
    assert ann.page.locator("img").count() == 0
    assert ann.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_double_tap_is_one(phone: NewPhone, host: Host, group: str):
    ann = phone().open(host, host.invite(group, None))
    ann.until("naming")
    ann.page.fill("#name", "ann")
    with contextlib.suppress(Error):  # the page is another by then
        ann.page.dblclick("#join", no_wait_after=True)
    ann.until("consent")
    ann.page.dblclick("#agree")
    ann.until("off")
    ann.page.dblclick("#share")
    ann.until("sharing")
    assert ann.page.get_attribute("#share", "aria-checked") == "true"
    ann.page.dblclick("#sos")
    ann.page.dblclick("#ask-yes")
    ann.page.wait_for_selector("#messages >> text=Your SOS was sent")
    ann.page.dblclick("#share")
    ann.until("off")
    seen(host, group, 1)
    assert [one["kind"] for one in host.events(group)].count("sos") == 1


def test_two_invites_of_one_browser_do_not_mix(phone: NewPhone, host: Host, group: str):
    first, other = host.invite(group), host.invite(f"{group}-other", "bob")
    ann = phone(works_offline=True).join(host, first)
    ann.wait_for("() => navigator.serviceWorker.controller !== null")
    ann.context.set_offline(True)
    ann.move(1)
    ann.until_waiting(1)
    ann.page.goto(f"{host.url}share#t={other['token']}")  # by its fragment alone it is another page
    ann.until("first_offline")
    ann.context.set_offline(False)
    ann.until("consent")
    assert "bob" in ann.text("#who")
    ann.page.click("#agree")
    ann.until("off")
    assert len(host.fixes(group)) == 1
    assert host.fixes(f"{group}-other", "bob") == []
    ann.page.goto(f"{host.url}share#t={first['token']}")
    ann.until("sharing")
    ann.until_waiting(0)
    assert pytest.approx(PLACE[0] + 0.01) in [one["lat"] for one in seen(host, group, 2)]
    assert host.fixes(f"{group}-other", "bob") == []


@pytest.mark.parametrize("init", [NO_BOX, FULL], ids=["private", "full"])
def test_where_nothing_can_be_kept_it_says_so(phone: NewPhone, host: Host, group: str, init: str):
    ann = phone(init=init).join(host, host.invite(group))
    ann.context.set_offline(True)
    ann.move(1)
    ann.until("offline")
    ann.page.wait_for_selector("#detail >> text=do not close it")
    ann.context.set_offline(False)
    ann.until("sharing")
    ann.until_waiting(0)
    assert len(seen(host, group, 2)) == 2


def test_two_tabs_are_one_phone(phone: NewPhone, host: Host, group: str):
    card = host.invite(group)
    ann = phone().join(host, card)
    tab = ann.context.new_page()
    tab.goto(f"{host.url}share#t={card['token']}")
    tab.wait_for_selector("#status[data-key=sharing]")
    ann.context.set_offline(True)
    ann.page.fill("#note", "lost my hat")
    ann.page.press("#note", "Enter")
    ann.wait_for("() => document.getElementById('noted').textContent.includes('waits')")
    held: list[Any] = []
    ann.context.route("**/notes", lambda route: held.append(route))
    with ann.context.expect_event("request", lambda request: request.url.endswith("/notes")):
        ann.context.set_offline(False)
    # the other one has something to send, too, and waits for its turn
    assert tab.evaluate(IS_PENDING)
    for route in held:
        route.continue_()
    ann.until_waiting(0)
    assert [one["kind"] for one in host.events(group)].count("note") == 1
    tab.click("#share")
    ann.until("off")
    tab.check("input[value='100']")
    ann.page.wait_for_selector("input[value='100']:checked")
    tab.click("#delete")
    tab.click("#ask-yes")
    ann.until("deleted")
    assert host.fixes(group) == []


def test_data_is_not_deleted_without_a_network_and_then_it_is(phone: NewPhone, host: Host, group: str):
    ann = phone().join(host, host.invite(group))
    ann.context.set_offline(True)
    ann.move(1)
    ann.until_waiting(1)
    ann.page.click("#delete")
    ann.page.click("#ask-yes")
    ann.page.wait_for_selector("#ask-refused >> text=not deleted yet")
    ann.page.click("#ask-no")
    ann.until("off")
    ann.until_waiting(0)  # what nobody has seen is gone at once
    ann.context.set_offline(False)
    ann.page.click("#delete")
    ann.page.click("#ask-yes")
    ann.until("deleted")
    assert host.fixes(group) == []


def test_who_left_comes_again_by_the_open_invite(phone: NewPhone, host: Host, group: str):
    ann = phone().open(host, host.invite(group, None))
    ann.until("naming")
    ann.page.fill("#name", "ann")
    ann.page.press("#name", "Enter")
    ann.until("consent")
    ann.page.click("#agree")
    ann.until("off")
    ann.page.click("#delete")
    ann.page.click("#ask-yes")
    ann.until("deleted")
    ann.page.reload()
    ann.until("naming")


def test_an_app_is_set_up_or_its_address_copied(phone: NewPhone, host: Host, group: str):
    card = host.invite(group)
    ann = phone(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)").open(host, card)
    ann.until("consent")
    assert card["token"] not in ann.page.content()
    ann.page.click("#agree")
    ann.until("off")
    ann.page.click("#apps summary")
    assert "only while it is open and visible" in ann.text("#apps")
    links = ann.page.locator("#ways a").evaluate_all("all => all.map(one => one.href.split(':')[0])")
    assert links == ["owntracks", "org.traccar.client", "overland", "gpslogger"]
    ann.context.grant_permissions(["clipboard-read", "clipboard-write", "geolocation"])
    ann.page.click("[aria-label='OsmAnd: Copy address']")
    ann.page.wait_for_selector("#copied >> text=Copied")
    address = ann.page.evaluate("() => navigator.clipboard.readText()")
    assert address.startswith(f"{host.url}in/{card['token']}/osmand?lat={{0}}")
