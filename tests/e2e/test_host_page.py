"""The host's page: on a notebook server by Jupyter's cookie, on `serve` by the host's token."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from locshare_ext.model.setups import setups, way_json
from tests.e2e.test_page_file import AXE
from tests.support.lab import Lab
from tests.support.page import ARTIFACTS
from tests.support.phone import Host, Phone
from tests.support.served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser
Open = Callable[..., Phone]
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    running = Served(tmp_path_factory.mktemp("served"), "--base-url", "/out/").start()
    yield running
    running.stop()


@pytest.fixture
def host(served: Served) -> Host:
    return Host(f"{served.url}out/", served.token)


@pytest.fixture
def opened(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open pages at an address; closed at the end, with a picture after a failure."""
    made: list[Phone] = []

    def open_(address: str, **options: Any) -> Phone:
        made.append(Phone(browser, **options))
        made[-1].page.goto(address)
        made[-1].page.wait_for_selector("html[data-ready=yes]")
        return made[-1]

    yield open_
    for number, one in enumerate(made):
        if getattr(request.node, "failed", False):
            one.screenshot(f"failed-{request.node.name}-{number}")
        one.close()


def at(host: Host, group: str) -> str:
    return f"{host.url}#t={host.headers['X-Locshare-Token']}&g={group}"


def people(page: Page) -> dict[str, str]:
    rows = "rows => rows.map(row => [...row.children].slice(0, 2).map(part => part.textContent))"
    return dict(page.eval_on_selector_all("#roster li", rows))


def look(page: Page) -> None:
    """Have it ask now, as when it is seen again, and not in a few seconds."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def fix(member: str, age: float, **more: Any) -> dict[str, Any]:
    return {"member": member, "time": round((time.time() - age) * 1000), "lat": 37.5, "lon": 127, **more}


def test_a_day_as_a_host_on_a_phone(opened: Open, host: Host, tmp_path: Path):
    one = opened(host.url)
    page = one.page
    assert page.is_visible("#signin")
    assert page.is_hidden("#all")
    page.fill("#token", "lsh_wrong")
    page.press("#token", "Enter")
    page.wait_for_selector("#signin-why >> text=not valid")
    page.fill("#token", at(host, "x"))  # the whole link, as it is printed
    page.press("#token", "Enter")
    page.wait_for_selector("#all")
    one.errors.clear()  # the refusal above is told in the console

    page.fill("#new-title", "3학년 2반")
    page.press("#new-title", "Enter")
    page.wait_for_selector("#group-title >> text=3학년 2반")
    page.fill("#names", f"ann\nbob\nann\n{MARKUP}")
    page.select_option("#lasting", "10800")
    page.click("#inviting button[type=submit]")
    page.wait_for_selector("#invite-list li >> nth=2")
    assert people(page) == {"ann": "not joined", "bob": "not joined", MARKUP: "not joined"}
    told = {one["member"]: one for one in host.ask("GET", "groups/3학년-2반/invites")["invites"]}
    assert 10_000_000 < told["ann"]["expires"] - told["ann"]["created"] <= 10_800_000

    host.ask("POST", "groups/3학년-2반/fixes", [fix("ann", 1, battery=0.1), fix("bob", 3000)])
    look(page)
    page.wait_for_selector("#roster [data-state=here]")
    assert people(page) == {"bob": "no GPS", MARKUP: "not joined", "ann": "here"}
    assert "low battery 10%" in one.text("#roster")
    assert one.text("#group-counts") == "1 no GPS · 1 not joined · 1 here · 1 with a low battery"

    page.fill("#recording-name", "walk")
    page.press("#recording-name", "Enter")
    page.click("[aria-label='Stop walk']")
    page.wait_for_selector("#recording-list [data-state=closed]")
    with page.expect_download() as download:
        page.click("[aria-label='Download walk as GeoPackage']")
    assert download.value.suggested_filename == "walk.gpkg"
    download.value.save_as(tmp_path / "walk.gpkg")
    with contextlib.closing(sqlite3.connect(tmp_path / "walk.gpkg")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    page.fill("#set-stale", "5000")
    page.fill("#set-retention", "2")
    page.fill("#set-consent", "Only today.")
    page.click("#setting button[type=submit]")
    page.wait_for_selector("#setting-done >> text=Saved.")
    kept = host.ask("GET", "groups/3학년-2반")["settings"]
    assert (kept["stale"], kept["retention"], kept["consent"]) == (5000, 7200, "Only today.")

    page.click("[aria-label='Revoke bob']")
    page.click("#ask-yes")
    page.wait_for_selector("#ended-list li", state="attached")
    assert page.locator("#invite-list li").count() == 2
    assert page.is_hidden("#ask")

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert not one.errors
    for request in one.requests:
        assert "lsh_" not in request.url.partition("#")[0]
        assert "lsi_" not in request.url
        assert request.url.startswith((host.url, "data:", "blob:"))
    assert "lsh_" not in page.url
    page.reload()  # the tab is still the host's, and at the same group
    page.wait_for_selector("#group-title >> text=3학년 2반")
    page.click("#leave")
    page.wait_for_selector("#signin")


def test_no_code_that_no_phone_could_use(opened: Open, host: Host):
    host.invite("loop", "ann")
    one = opened(at(host, "loop"), width=1280, height=900)
    assert "leads every phone to itself" in one.text("#health-todo")
    one.page.click("[aria-label='Card of ann'] >> nth=0")
    one.page.wait_for_selector("#card-why >> text=leads every phone to itself")
    assert one.page.locator("#card svg").count() == 0
    assert one.page.is_hidden("#card-link")
    one.page.click("#card-close")
    one.page.click("#print")
    one.page.wait_for_selector("#inviting-why >> text=leads every phone to itself")


def test_a_card_is_scanned_ticks_and_leaves_nothing(opened: Open, host: Host, tmp_path: Path):
    """Where phones come is another's name here; what the server tells of it is made by its own code."""
    np, zxingcpp = pytest.importorskip("numpy"), pytest.importorskip("zxingcpp")
    image = pytest.importorskip("PIL.Image")
    card = host.invite("cards", "ann")
    ways = [way_json(way) for way in setups("https://share.example.org/locshare/", card["token"], "ann")]
    body = json.dumps({"ways": ways, "reason": "", "todo": ""})
    link = f"https://share.example.org/locshare/share#t={card['token']}"

    def answer(route: Route) -> None:
        route.fulfill(body=body, content_type="application/json")

    one = opened(at(host, "cards"), color_scheme="dark")
    one.page.route("**/ways", answer)
    one.page.evaluate(
        "() => { window.print = () => { window.printed = document.querySelector('#sheet svg') !== null; }; }"
    )
    one.page.click("[aria-label='Card of ann'] >> nth=0")
    one.page.wait_for_selector("#card-code svg")
    one.page.locator("#card").screenshot(path=tmp_path / "card.png")
    one.screenshot("host-card-dark")
    codes = zxingcpp.read_barcodes(np.asarray(image.open(tmp_path / "card.png").convert("L")))
    assert [code.text for code in codes] == [link]
    assert one.page.input_value("#link") == link
    assert one.page.locator("#apps li").count() == 5
    host.ask("POST", "groups/cards/fixes", fix("ann", 1))
    look(one.page)
    one.page.wait_for_selector("#card-joined >> text=ann has joined")
    one.page.click("#card-close")
    assert card["token"] not in one.page.content()
    one.page.click("#print")
    one.wait_for("() => window.printed")


@pytest.mark.parametrize(("width", "scheme", "locale"), [(360, "light", "ko-KR"), (1280, "dark", "en-GB")])
def test_nothing_is_in_the_way_of_a_screen_reader(
    opened: Open, host: Host, width: int, scheme: str, locale: str
):
    if not AXE.exists():
        pytest.skip("axe-core is missing: npm ci in tests/e2e")
    group = f"axe-{width}"
    for name in ("ann", "bob", "cy"):
        host.invite(group, name)
    host.ask("POST", f"groups/{group}/fixes", [fix("ann", 1, battery=0.1), fix("bob", 3000)])
    host.ask("POST", "recordings", {"group": group, "name": "walk"})
    one = opened(
        at(host, group), width=width, height=800, color_scheme=scheme, locale=locale, bypass_csp=True
    )
    one.page.wait_for_selector("#recording-list li")
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    assert one.page.get_attribute("html", "lang") == locale[:2]
    ARTIFACTS.mkdir(exist_ok=True)
    one.page.screenshot(path=ARTIFACTS / f"host-{width}-{scheme}.png", full_page=True)
    one.page.add_script_tag(content=AXE.read_text())
    for dialog in (False, True):
        if dialog:
            one.page.click("#invite-list .danger >> nth=0")
        found = one.page.evaluate("() => axe.run().then(result => result.violations)")
        assert found == [], [(one["id"], one["nodes"][0]["html"]) for one in found]


def test_by_keys_alone(opened: Open, host: Host):
    host.invite("keys", "ann")
    one = opened(at(host, "keys"), width=1280, height=900)
    one.page.focus("[aria-label='Revoke ann']")
    one.page.keyboard.press("Enter")
    assert one.page.evaluate("document.activeElement.id") == "ask-no"  # what changes nothing is nearest
    one.page.keyboard.press("Escape")
    one.wait_for("() => document.activeElement.getAttribute('aria-label') === 'Revoke ann'")
    with one.page.expect_response(lambda answer: answer.url.endswith("/invites")):
        look(one.page)  # the lists are shown again, and nothing that has the focus loses it
    assert one.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Revoke ann"


def test_an_invites_link_leads_to_the_share_page(opened: Open, host: Host):
    for roles, key in (("publish watch", "consent"), ("watch", "watching")):
        card = host.invite("led", "ann", roles=roles)
        one = opened(f"{host.url}#t={card['token']}&g=led")
        one.page.wait_for_url("**/share*")
        one.until(key)
        host.ask("DELETE", f"groups/led/invites/{card['id']}")
        again = opened(f"{host.url}#t={card['token']}&g=led")
        again.until("revoked")


def test_who_manages_one_group_by_an_invite_sees_that_one(opened: Open, host: Host):
    host.invite("other", "zoe")
    card = host.invite("mine", "ann", roles="publish watch manage")
    one = opened(f"{host.url}#t={card['token']}&g=other")
    one.page.wait_for_selector("#group-title >> text=mine")
    assert one.page.locator("#groups-list li").count() == 1
    assert one.page.is_hidden("#making")
    assert not one.text("#health-phones")
    host.ask("DELETE", f"groups/mine/invites/{card['id']}")
    look(one.page)
    one.page.wait_for_selector("#signin-why >> text=revoked")


def test_on_a_notebook_server_by_its_log_in(opened: Open, lab: Lab):
    one = opened(f"{lab.url}locshare/")
    assert one.page.is_visible("#signin")
    one.page.click("#login")
    one.page.fill("#password_input", lab.token)
    one.page.click("#login_submit")
    one.page.wait_for_url("**/locshare/")  # led back
    one.page.wait_for_selector("#all")
    one.errors.clear()
    one.page.fill("#new-title", "by cookie")
    one.page.press("#new-title", "Enter")
    one.page.wait_for_selector("#group-title >> text=by cookie")
    one.page.click("#inviting button[type=submit]")  # for whoever has it
    one.page.wait_for_selector("#card-why >> text=open_to_phones")
    assert one.page.locator("#card svg").count() == 0
    one.page.click("#card-close")
    assert one.page.evaluate("Object.keys(sessionStorage).length") == 0
    assert not one.errors
    assert lab.token not in one.page.content()


def test_at_the_listener_for_phones(opened: Open, lab: Lab):
    """Who follows a link that names it finds what can be done there."""
    host = Host(lab.url, "")
    host.headers = {"Authorization": f"token {lab.token}"}
    boss = host.invite("listened", "boss", roles="publish watch manage")
    ann = host.invite("listened", "ann")
    url = host.ask("POST", "phones", {"host": "127.0.0.1", "port": 0})["reach"]["url"]
    try:
        assert opened(f"{url}locshare/").page.is_visible("#entering")
        one = opened(f"{url}locshare/#t={boss['token']}&g=listened")
        one.page.wait_for_selector("#group-title >> text=listened")
        assert people(one.page) == {"ann": "not joined", "boss": "not joined"}
        assert one.page.is_hidden("#recordings")
        one.page.click("[aria-label='Revoke ann']")
        one.page.click("#ask-yes")
        one.page.wait_for_selector("#ended-list li", state="attached")
        led = opened(f"{url}locshare/#t={ann['token']}&g=listened")
        led.page.wait_for_url("**/share*")
        led.until("revoked")
    finally:
        host.ask("DELETE", "phones")
