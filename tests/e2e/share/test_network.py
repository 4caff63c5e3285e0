"""The share page where the network is bad: nothing is lost, nothing comes twice, and it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.share.conftest import NewPhone
from tests.support.phone import PLACE, Host, Phone, seen
from tests.support.served import Served

pytestmark = pytest.mark.browser

NO_WEBSOCKET = "window.WebSocket = class { constructor() { throw new Error('blocked'); } };"
WAITING = "Number(/(\\d+) not sent/.exec(document.getElementById('facts').textContent)?.[1] ?? 0)"
LONG_AGO = 1_700_000_000_000  # ms
PASSED = 25 * 3_600_000  # ms; over a day, the page trusts its own clock and not the position's


def norths(fixes: list[dict]) -> list[int]:
    """How far north of the first place each is, in steps of `Phone.move`."""
    return [round((one["lat"] - PLACE[0]) * 100) for one in fixes]


def moved_offline(ann: Phone, steps: range, waiting: int) -> None:
    for number, step in enumerate(steps, start=1):
        ann.move(step)
        ann.until_waiting(waiting + number)


def test_what_is_measured_without_a_network_survives_a_reload(phone: NewPhone, host: Host, group: str):
    ann = phone(works_offline=True).join(host, host.invite(group))
    ann.wait_for("() => navigator.serviceWorker.controller !== null")
    ann.context.set_offline(True)
    moved_offline(ann, range(1, 4), 0)
    ann.until("offline")
    ann.page.reload()  # opens by the service worker
    ann.until("offline")
    for step in (4, 5):  # beside what the browser may tell once more of where it was
        before = ann.page.evaluate(WAITING)
        ann.move(step)
        ann.wait_for(f"before => {WAITING} > before", before)
    assert len(host.fixes(group)) == 1
    ann.context.set_offline(False)
    ann.until("sharing")
    ann.until_waiting(0)
    assert sorted(set(norths(seen(host, group, 6)))) == list(range(6))
    times = [one["time"] for one in host.fixes(group)]
    assert len(times) == len(set(times))


def test_it_is_closed_offline_and_opened_again_elsewhere_in_time(phone: NewPhone, host: Host, group: str):
    ann = phone(works_offline=True)
    card = host.invite(group)
    ann.join(host, card)
    ann.wait_for("() => navigator.serviceWorker.controller !== null")
    ann.context.set_offline(True)
    moved_offline(ann, range(1, 3), 0)
    ann.page.close()
    ann.page = ann.context.new_page()
    ann.page.goto(f"{host.url}share")  # without the invite: the page knows the last one
    ann.until("offline")
    ann.until_waiting(3)
    ann.context.set_offline(False)
    ann.until("sharing")
    ann.until_waiting(0)
    assert norths(seen(host, group, 4)) == [0, 1, 2, 2]


def test_a_call_for_help_goes_before_the_backlog(phone: NewPhone, host: Host, group: str):
    ann = phone().join(host, host.invite(group))
    ann.context.set_offline(True)
    moved_offline(ann, range(1, 3), 0)
    ann.page.click("#sos")
    ann.page.click("#ask-yes")
    ann.page.wait_for_selector("#messages >> text=waits for the network")
    ann.context.set_offline(False)
    ann.page.wait_for_selector("#messages >> text=Your SOS was sent")
    seen(host, group, 3)
    call = next(one for one in host.events(group) if one["kind"] == "sos")
    assert call["data"]["lat"] == pytest.approx(PLACE[0] + 0.02)


def test_a_killed_server_is_waited_for(phone: NewPhone, tmp_path: Path):
    with Served(tmp_path / "served").running() as served:
        host = Host(served.url, served.token)
        ann = phone().join(host, host.invite("hikers"))
        served.kill()
        ann.move(1)
        ann.until("gone")
        ann.until_waiting(1)
        served.start()
        ann.until("sharing")
        ann.until_waiting(0)
        assert norths(seen(host, "hikers", 2)) == [0, 1]


@pytest.mark.parametrize(("blocked", "way"), [((), "event stream"), (("**/events?*",), "long polling")])
def test_without_websockets_it_goes_another_way(
    phone: NewPhone, host: Host, group: str, blocked: tuple[str, ...], way: str
):
    ann = phone(init=NO_WEBSOCKET)
    for pattern in blocked:
        ann.context.route(pattern, lambda route: route.abort())
    ann.join(host, host.invite(group))
    ann.wait_for("way => document.getElementById('facts').textContent.includes(way)", way)
    ann.move(1)
    seen(host, group, 2)
    host.ask("POST", f"groups/{group}/fixes", {"member": "bob", "time": LONG_AGO, "lat": 1, "lon": 2})
    bob = {"member": "bob", "time": host.fixes(group)[-1]["time"], "lat": PLACE[0], "lon": PLACE[1]}
    host.ask("POST", f"groups/{group}/fixes", bob)
    ann.page.wait_for_selector("#members >> text=bob")
    host.ask("POST", f"groups/{group}/notes", {"kind": "message", "text": "back to the bus"})
    ann.page.wait_for_selector("#messages >> text=back to the bus")


def test_a_publisher_without_websockets_posts(phone: NewPhone, host: Host, group: str):
    ann = phone(init=NO_WEBSOCKET).join(host, host.invite(group, roles="publish"))
    ann.wait_for("() => document.getElementById('facts').textContent.includes('POST')")
    assert ann.page.is_hidden("#group")
    ann.move(1)
    seen(host, group, 2)


def test_a_gap_is_told_by_what_caused_it(phone: NewPhone, host: Host, group: str):
    ann = phone()
    ann.page.clock.install()
    ann.join(host, host.invite(group, expires_in=3 * 86_400))
    ann.look_away()
    ann.page.clock.fast_forward(PASSED)
    ann.look_back()
    ann.page.wait_for_selector("#gaps >> text=the page was hidden")
    ann.until_waiting(0)
    [gap] = [one for one in host.events(group) if one["kind"] == "gap"]
    assert gap["data"]["reason"] == "hidden"
    assert gap["data"]["until"] - gap["time"] >= PASSED
