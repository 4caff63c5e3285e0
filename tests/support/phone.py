"""The share page on a phone: Chromium of its size, with a position that the test moves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import requests

from tests.support.page import ARTIFACTS, PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["PLACE", "Host", "Phone", "seen"]

PLACE = (37.5665, 126.978)


class Host:
    """Who manages the groups of one server, by its API."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/") + "/locshare/"
        self.headers = {"X-Locshare-Token": token}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method, f"{self.url}api/{path}", json=body, headers=self.headers, timeout=30
        )
        assert answer.ok, answer.text
        return answer.json()

    def invite(self, group: str, member: str | None = "ann", **wish: Any) -> dict[str, Any]:
        if member is not None:
            wish["member"] = member
        return dict(self.ask("POST", f"groups/{group}/invites", wish))

    def fixes(self, group: str, member: str = "ann") -> list[dict[str, Any]]:
        found = self.ask("GET", f"groups/{group}/fixes")["fixes"]
        return [one for one in found if one["member"] == member]

    def events(self, group: str) -> list[dict[str, Any]]:
        return list(self.ask("GET", f"groups/{group}/events?format=json")["events"])


class Phone:
    """A page of a phone; `requests` and `errors` collect what it asks for and complains of.

    works_offline: whether it opens without a network, once visited.
    """

    def __init__(
        self,
        browser: Browser,
        *,
        has_permission: bool = True,
        works_offline: bool = False,
        init: str = "",
        width: int = 360,
        height: int = 740,
        **context: Any,
    ) -> None:
        lat, lon = PLACE
        options: dict[str, Any] = {
            "viewport": {"width": width, "height": height},
            "is_mobile": width < 600,
            "has_touch": True,
            "locale": "en-GB",
            "geolocation": {"latitude": lat, "longitude": lon, "accuracy": 5},
            "permissions": ["geolocation"] if has_permission else [],
            "service_workers": "allow" if works_offline else "block",  # it loads all files once more
        }
        self.context = browser.new_context(**{**options, **context})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.requests: list[Any] = []
        self.errors: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request))
        self.page.on("pageerror", lambda error: self.errors.append(f"{error} {error.stack}"))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        if init:
            self.page.add_init_script(init)

    def open(self, host: Host, card: dict[str, Any] | None, *, address: str | None = None) -> Phone:
        """Open the link of an invite, None: the page without one."""
        fragment = "" if card is None else f"#t={card['token']}"
        self.page.goto((address or f"{host.url}share") + fragment)
        self.page.wait_for_selector("html[data-ready=yes]")
        return self

    def join(self, host: Host, card: dict[str, Any]) -> Phone:
        """Open it, agree, and share; returns once a fix is stored."""
        self.open(host, card)
        self.until("consent")
        self.page.click("#agree")
        self.until("off")
        self.page.click("#share")
        self.until("sharing")
        self.wait_for("() => document.getElementById('facts').textContent.includes('Last sent')")
        return self

    def until(self, key: str) -> None:
        """Wait until the page says this at its top."""
        self.page.wait_for_selector(f"#status[data-key={key}]")

    def wait_for(self, script: str, argument: Any = None) -> None:
        self.page.wait_for_function(script, arg=argument)

    def until_waiting(self, count: int) -> None:
        """Wait until so many things wait on the phone."""
        text = f"{count} not sent yet" if count else ""
        self.wait_for(
            "text => { const told = document.getElementById('facts').textContent; "
            "return text ? told.includes(text) : !told.includes('not sent'); }",
            text,
        )

    def move(self, number: int) -> None:
        """Be about a kilometre further north for each number."""
        place = {"latitude": PLACE[0] + 0.01 * number, "longitude": PLACE[1], "accuracy": 5}
        self.context.set_geolocation(place)  # type: ignore[arg-type]

    def look_away(self) -> None:
        """Have the page hidden, as far as it can tell."""
        self._visibility("hidden")

    def look_back(self) -> None:
        """Have the page seen again."""
        self._visibility("visible")

    def _visibility(self, state: str) -> None:
        self.page.evaluate(
            "value => { Object.defineProperty(document, 'visibilityState', {value, configurable: true}); "
            "document.dispatchEvent(new Event('visibilitychange')); }",
            state,
        )

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def screenshot(self, name: str) -> None:
        """Keep a picture of what is seen, for people to look at."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def close(self) -> None:
        with contextlib.suppress(Exception):  # ended with its browser
            self.context.close()


def seen(host: Host, group: str, count: int, member: str = "ann") -> list[dict[str, Any]]:
    """Wait for so many fixes of a member: a long poll returns when more come."""
    cursor = "start"
    found: list[dict[str, Any]] = []
    while len(found) < count:
        page = host.ask("GET", f"groups/{group}/fixes?after={cursor}&wait=30")
        cursor = page["cursor"]
        found += [one for one in page["fixes"] if one["member"] == member]
    return found
