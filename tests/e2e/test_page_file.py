"""A recording as one file, in a browser that has nothing else: no Jupyter, no server, no network."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from locshare_ext import Recording, open_recording
from locshare_ext.formats import save
from locshare_ext.formats.trail import trail_of_table
from locshare_ext.model.event import Event
from tests.formats.helpers import BASE, BUSES, table_of
from tests.support.page import ARTIFACTS, PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

LAYER = "window.locshareLayers[0]"
IS_READ = (
    "count => (({fixes, frames}) => fixes === count && frames > 0)(window.locshareLayers?.[0]?.stats() ?? {})"
)
HOSTILE = "<img src=x onerror=\"document.title='harmed'\">"


AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


class Opened:
    """A file in a page of its own; `requests` and `errors` collect what it asks for and complains of."""

    def __init__(self, browser: Browser, address: str, width: int, height: int, **context: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type != "log" else None)
        self.page.goto(address)

    def wait_for(self, script: str, argument: Any = None) -> None:
        self.page.wait_for_function(script, arg=argument)

    def position_of(self, member: str) -> dict[str, float] | None:
        return self.page.evaluate(f"name => {LAYER}.positionOf(name)", member)  # type: ignore[no-any-return]

    def moment(self) -> float:
        return float(self.page.evaluate(f"() => {LAYER}.clock().moment"))

    def state(self) -> str:
        return str(self.page.evaluate(f"() => {LAYER}.clock().state"))

    def place_of(self, selector: str) -> dict[str, float]:
        box = self.page.locator(selector).bounding_box()
        assert box is not None
        return dict(box)  # type: ignore[call-overload, no-any-return]

    def click_strip(self, part: float) -> None:
        """Click on the timeline, this part of the way from its left."""
        box = self.place_of(".locshare-track")
        self.page.mouse.click(box["x"] + part * box["width"], box["y"] + box["height"] / 2)

    def centre_on(self, member: str) -> tuple[float, float]:
        """Centre the map on a member; returns where its middle is."""
        row = self.page.locator(".locshare-row").filter(has_text=member)
        row.locator(".locshare-centre").click()
        box = self.place_of(".locshare-page-map")
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def wait_for_tip(self, member: str, x: float, y: float) -> None:
        """Wait until a member is found under the pointer; each move asks once."""
        tip = self.page.locator(".locshare-tip")
        for nudge in range(PATIENCE // 50):
            self.page.mouse.move(x + nudge % 2, y)
            self.page.wait_for_timeout(50)
            if tip.is_visible():
                break
        assert member in tip.inner_text()


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open a file, or an address; all are closed at the end, with a picture after a failure."""
    opened: list[Opened] = []

    def open_(where: Path | str, *, width: int = 1300, height: int = 820, **context: Any) -> Opened:
        address = where.as_uri() if isinstance(where, Path) else where
        opened.append(Opened(browser, address, width, height, **{"locale": "en-GB", **context}))
        return opened[-1]

    yield open_
    for number, one in enumerate(opened):
        if getattr(request.node, "failed", False):
            ARTIFACTS.mkdir(exist_ok=True)
            one.page.screenshot(path=ARTIFACTS / f"failed-{request.node.name}-{number}.png")
        one.context.close()


@pytest.fixture(scope="module")
def buses(data: Path) -> Recording:
    """The eight buses."""
    return open_recording(data / "liverpool_bus_route14.csv", columns=BUSES, tz="UTC")


@pytest.fixture(scope="module")
def page_of_buses(buses: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their page."""
    return Path(buses.to_html(tmp_path_factory.mktemp("page") / "buses.html", title="Eight buses"))


def test_a_file_replays_with_no_network(open_page: Open, page_of_buses: Path, buses: Recording) -> None:
    opened = open_page(page_of_buses)
    opened.wait_for(IS_READ, 1533)
    assert opened.page.title() == "Eight buses"
    assert opened.page.locator("h1").inner_text() == "Eight buses"
    assert "8 members · 1,533 fixes" in opened.page.locator(".locshare-page-facts").inner_text()
    first = opened.moment()
    assert (opened.state(), first) == ("paused", buses.trails()["time"].min().timestamp() * 1000)
    opened.page.locator(".locshare-play").click()
    opened.wait_for(f"first => {LAYER}.clock().moment > first + 20000", first)
    opened.page.keyboard.press("Space")  # on the button: it is pressed again
    opened.wait_for(f"() => {LAYER}.clock().state === 'paused'")
    for part in (0.25, 0.8):
        opened.click_strip(part)
        opened.wait_for(f"part => Math.abs({LAYER}.clock().moment - part) < 120000", first + part * 8664000)
        opened.page.locator(".locshare-step").last.click()  # to a fix: nobody is between two then
        opened.wait_for(f"() => {LAYER}.clock().state === 'paused'")
    shown = [name for name in ("4716", "4803", "4836") if opened.position_of(name)]
    assert shown
    own = [address for address in opened.requests if not address.startswith("blob:")]
    assert own == [page_of_buses.as_uri()]
    assert opened.errors == []


def test_places_are_those_of_the_recording(open_page: Open, page_of_buses: Path, buses: Recording) -> None:
    opened = open_page(page_of_buses)
    opened.wait_for(IS_READ, 1533)
    fixes = buses.trails()
    (last,) = fixes[fixes["member"] == "4803"].tail(1).itertuples()
    opened.page.locator(".locshare-track").focus()
    opened.page.keyboard.press("End")
    opened.wait_for(f"time => {LAYER}.positionOf('4803')?.time === time", round(last.time.timestamp() * 1000))
    place = opened.position_of("4803")
    assert place is not None
    assert abs(place["lat"] - last.lat) < 1e-7
    assert abs(place["lon"] - last.lon) < 1e-7


def test_the_page_over_http_asks_for_nothing_more(open_page: Open, page_of_buses: Path) -> None:
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            asked.append(self.path)

    folder = str(page_of_buses.parent)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=folder)
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            opened = open_page(f"http://127.0.0.1:{server.server_port}/buses.html")
            opened.wait_for(IS_READ, 1533)
            opened.page.locator(".locshare-play").click()
            opened.wait_for(f"() => {LAYER}.clock().state === 'playing'")
        finally:
            server.shutdown()
    assert asked == ["/buses.html"]
    assert opened.errors == []


def test_pointer_wheel_and_keys_move_the_map(open_page: Open, page_of_buses: Path) -> None:
    opened = open_page(page_of_buses, reduced_motion="reduce")
    opened.wait_for(IS_READ, 1533)
    name = opened.page.locator(".locshare-row:not(.is-absent) .locshare-name").first.inner_text()
    x, y = opened.centre_on(name)
    opened.wait_for_tip(name, x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x + 150, y + 80, steps=5)
    assert not opened.page.locator(".locshare-tip").is_visible()
    opened.page.mouse.up()
    opened.wait_for_tip(name, x + 150, y + 80)  # it went along
    scale = opened.page.locator(".leaflet-control-scale-line")
    before = scale.inner_text()
    opened.page.mouse.wheel(0, -600)
    opened.wait_for(
        "before => document.querySelector('.leaflet-control-scale-line').textContent !== before", before
    )
    opened.wait_for_tip(name, x + 150, y + 80)  # what is under the pointer stays there
    near = scale.inner_text()
    opened.page.locator(".locshare-page-map").focus()
    for _ in range(3):
        opened.page.keyboard.press("-")
    assert scale.inner_text() != near
    opened.page.keyboard.press("ArrowLeft")
    opened.page.keyboard.press("Space")
    opened.wait_for(f"() => {LAYER}.clock().state === 'playing'")
    assert opened.errors == []


def test_what_names_and_notes_say_is_only_said(open_page: Open, tmp_path: Path) -> None:
    rows = [{"member": HOSTILE, "time": BASE + 1000 * n, "lat": 1 + n / 1e4} for n in range(60)]
    rows += [{"member": "bo", "time": BASE + 1000 * n, "lon": 2 + n / 1e4} for n in range(60)]
    note = Event(
        kind="note", time=BASE + 30000, received=BASE + 30000, member=HOSTILE, text=f"{HOSTILE}</script>"
    )
    fences = [[HOSTILE, {"lat": 1.0, "lon": 0.0, "radius": 5000.0}]]
    trail = trail_of_table(
        table_of(*rows), recording=HOSTILE, description=HOSTILE, events=(note,), info={"fences": fences}
    )
    save(tmp_path / "page.html", trail)
    opened = open_page(tmp_path / "page.html")
    opened.wait_for(IS_READ, 120)
    assert opened.page.locator("h1").inner_text() == HOSTILE
    opened.page.locator(".locshare-name", has_text=HOSTILE).wait_for(state="visible")
    opened.page.locator(".locshare-note-tool").click()
    assert f"{HOSTILE}</script>" in opened.page.locator(".locshare-notes").inner_text()
    assert not opened.page.locator(".locshare-note-form").is_visible()  # there is nobody to keep another
    opened.page.locator(".locshare-note-go").click()
    opened.wait_for(f"at => {LAYER}.clock().moment === at", BASE + 30000)
    opened.page.locator(".locshare-tick").hover()
    assert HOSTILE in opened.page.locator(".locshare-tick-tip").inner_text()
    assert opened.page.locator(".locshare-fences text").inner_html().startswith("&lt;img")
    ring, scale = opened.place_of(".locshare-fences circle"), opened.place_of(".leaflet-control-scale-line")
    label = opened.page.locator(".leaflet-control-scale-line").inner_text()
    metres = float(label.split()[0]) * (1000 if "km" in label else 1)
    assert abs(ring["width"] / scale["width"] * metres / 10_000 - 1) < 0.1  # a px each way, and borders
    assert opened.page.title() == HOSTILE
    assert opened.page.locator("img").count() == 0
    assert opened.errors == []


def test_as_it_was_and_as_it_was_known(open_page: Open, tmp_path: Path) -> None:
    late = [
        {"member": "ann", "time": BASE + 1000 * n, "received": BASE + 1000 * n + 60000} for n in range(20)
    ]
    rows = [*late, *({"member": "bo", "time": BASE + 1000 * n} for n in range(120))]
    save(tmp_path / "late.html", trail_of_table(table_of(*rows), recording="late"))
    opened = open_page(tmp_path / "late.html")
    opened.wait_for(IS_READ, 140)
    opened.click_strip(0.25)
    opened.wait_for(f"() => {LAYER}.positionOf('ann') && {LAYER}.positionOf('bo')")
    opened.page.locator(".locshare-clock").select_option("received")
    opened.wait_for(f"() => {LAYER}.positionOf('ann') === null && {LAYER}.positionOf('bo')")
    save(
        tmp_path / "unknown.html",
        trail_of_table(table_of(*rows[20:]), recording="plain", received_known=False),
    )
    other = open_page(tmp_path / "unknown.html")
    other.wait_for(IS_READ, 120)
    assert not other.page.locator(".locshare-clock").is_visible()  # there is one clock alone
    assert opened.errors == other.errors == []


def test_it_is_read_in_korean_in_the_dark_and_on_a_phone(open_page: Open, page_of_buses: Path) -> None:
    opened = open_page(
        page_of_buses, width=360, height=740, locale="ko-KR", color_scheme="dark", has_touch=True
    )
    opened.wait_for(IS_READ, 1533)
    page = opened.page
    assert "멤버 8명" in page.locator(".locshare-page-facts").inner_text()
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    box = opened.place_of(".locshare-page-map")
    assert (box["width"], box["y"] + box["height"]) == (360, 740)
    ground = "() => getComputedStyle(document.querySelector('.locshare-page-map')).backgroundColor"
    dark = page.evaluate(ground)
    opened.click_strip(0.5)
    moment = opened.moment()
    page.locator("header select").select_option("en")
    opened.wait_for("() => document.documentElement.lang === 'en'")
    assert "8 members" in page.locator(".locshare-page-facts").inner_text()
    assert opened.moment() == moment  # what is looked at stays
    opened.wait_for("() => document.querySelectorAll('canvas.locshare-canvas').length === 1")
    page.locator("header button").click()
    assert page.evaluate(ground) != dark
    page.touchscreen.tap(box["x"] + 27, 660)
    assert opened.errors == []


def test_two_fingers_zoom_and_nobody_is_shut_out(open_page: Open, page_of_buses: Path) -> None:
    opened = open_page(page_of_buses, width=360, height=740, has_touch=True)
    opened.wait_for(IS_READ, 1533)
    scale = opened.page.locator(".leaflet-control-scale-line")
    before = scale.inner_text()
    fingers = opened.context.new_cdp_session(opened.page)

    def touch(kind: str, *xs: int) -> None:
        points = [{"x": x, "y": 400, "id": number} for number, x in enumerate(xs)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 160, 200)
    for apart in range(20, 110, 10):
        touch("touchMove", 180 - apart, 180 + apart)
    touch("touchEnd")
    opened.wait_for(
        "before => document.querySelector('.leaflet-control-scale-line').textContent !== before", before
    )
    assert opened.state() == "paused"
    if not AXE.exists():
        pytest.skip("axe-core is missing: npm ci in tests/e2e")
    opened.page.evaluate(AXE.read_text("utf-8"))
    found = opened.page.evaluate(
        "async () => (await axe.run()).violations.map(one => [one.id, one.nodes[0].html])"
    )
    assert found == []
    assert opened.errors == []


def test_a_broken_part_is_told(open_page: Open, page_of_buses: Path, tmp_path: Path) -> None:
    text = page_of_buses.read_text("utf-8")
    at = text.index('class="fixes">') + 400
    (tmp_path / "broken.html").write_text(text[:at] + "AAAA" + text[at + 4 :], "utf-8")
    opened = open_page(tmp_path / "broken.html")
    opened.wait_for(
        "() => document.querySelector('.locshare-page-facts').textContent.includes('cannot be read')"
    )
