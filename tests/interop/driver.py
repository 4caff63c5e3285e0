"""JavaScript clients as processes: told what to do, asked what happened."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests.support.served import Served

__all__ = ["HAS_CLIENTS", "WHY_NOT", "Driver"]

HERE = Path(__file__).parent
HAS_CLIENTS = bool(shutil.which("node")) and (HERE / "node_modules").is_dir()
PATIENCE = 30  # s for anything that a client waits for
WHY_NOT = "node or the JavaScript clients are missing: `npm ci` in tests/interop"
_numbers = itertools.count(1)


class Driver:
    """One client; `next(event)` waits for what it says.

    connected: the headers of CONNECTED.
    script: the client's file without `.mjs`. options: as talk.mjs knows them.
    """

    def __init__(self, script: str, served: Served, **options: Any) -> None:
        url = f"ws://127.0.0.1:{served.port}/locshare/stomp"
        self.process = subprocess.Popen(
            ["node", f"{script}.mjs", url, served.token, json.dumps(options)],
            cwd=HERE,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.connected: dict[str, str] = {}
        self._said: list[dict[str, Any]] = []  # passed over while something else was waited for

    def do(self, command: str, **arguments: Any) -> None:
        """Let it do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.process.stdin.flush()

    def next(self, event: str) -> dict[str, Any]:
        """Return the next of one kind of event."""
        for number, said in enumerate(self._said):
            if said["event"] == event:
                return self._said.pop(number)
        patience = threading.Timer(PATIENCE, self.process.kill)
        patience.start()
        try:
            while (said := self._read()) is not None:
                if said["event"] == event:
                    return said
                self._said.append(said)
        finally:
            patience.cancel()
            patience.join()
        raise AssertionError(f"the client ended, or said no {event!r} in {PATIENCE} s; it said {self._said}")

    def _read(self) -> dict[str, Any] | None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        said: dict[str, Any] | None = json.loads(line) if line else None
        assert said is None or said["event"] != "heartbeat-lost", said
        return said

    def has_said(self, event: str) -> bool:
        """Whether an event was passed over."""
        return any(said["event"] == event for said in self._said)

    def receipt(self) -> str:
        """Return a receipt that nobody asked for yet."""
        return f"r-{next(_numbers)}"

    def subscribe(self, destination: str, **headers: str) -> dict[str, str]:
        """Subscribe, wait for the receipt, return its headers."""
        receipt = self.receipt()
        given = {"id": "0", **headers, "receipt": receipt}
        self.do("subscribe", destination=destination, headers=given)
        return self.until(receipt)

    def publish(self, destination: str, body: str | bytes, **headers: str) -> dict[str, str]:
        """Send, wait for the receipt, return its headers."""
        receipt = self.receipt()
        given = {**headers, "receipt": receipt}
        content = {"body": body} if isinstance(body, str) else {"binary": base64.b64encode(body).decode()}
        self.do("publish", destination=destination, headers=given, **content)
        return self.until(receipt)

    def until(self, receipt: str) -> dict[str, str]:
        """Wait for one receipt."""
        headers: dict[str, str] = self.next("receipt")["headers"]
        assert headers["receipt-id"] == receipt
        return headers

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()
