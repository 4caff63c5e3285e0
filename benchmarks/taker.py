"""A client that takes what one group has, in a process of its own on the generator's processor.

    python -m benchmarks.taker stomp.py|kernel URL TOKEN GROUP FIXES

`stomp.py` counts the MESSAGEs that its listener is given; `kernel` is a notebook's Group,
and what arrives in its columns. Both print `ready`, take FIXES fixes, and print as JSON how
long that took from the first to the last, and what was wrong.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import stomp
from stomp.adapter.ws import WSStompConnection

from benchmarks.processes import LOAD_CPU, pin
from locshare_ext import Group

PATIENCE = 120.0  # s for all of it
NUMBER = re.compile(rb'"n":(\d+)')


@dataclass
class Taken:
    """Counts what comes; from the first that came on it keeps time."""

    wanted: int
    count: int = 0
    begin: tuple[float, float] | None = None
    end: tuple[float, float] = (0.0, 0.0)
    done: threading.Event = field(default_factory=threading.Event)

    def add(self, count: int) -> None:
        if self.begin is None:
            self.begin = _now()
        self.count += count
        if self.count >= self.wanted and not self.done.is_set():
            self.end = _now()
            self.done.set()

    def told(self, numbers: npt.NDArray[np.int64]) -> dict[str, Any]:
        """Return what to print; numbers: those of the fixes, as they came."""
        assert self.begin is not None
        wall, cpu = (after - before for before, after in zip(self.begin, self.end, strict=True))
        unique = len(np.unique(numbers))
        return {
            "seconds": wall,
            "cpu": cpu / wall,
            "lost": self.wanted - unique,
            "doubled": len(numbers) - unique,
            "disordered": int((np.diff(numbers) < 0).sum()),
        }


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


class Listener(stomp.ConnectionListener):  # type: ignore[misc] # stomp.py has no types
    """Keeps the bodies."""

    def __init__(self, taken: Taken) -> None:
        self.taken = taken
        self.bodies: list[bytes] = []
        self.ready = threading.Event()

    def on_receipt(self, frame: Any) -> None:
        self.ready.set()

    def on_message(self, frame: Any) -> None:
        self.bodies.append(frame.body)
        self.taken.add(1)

    def on_error(self, frame: Any) -> None:
        print(f"the server said {frame.headers}", file=sys.stderr)


def by_stomp(host: str, port: int, token: str, group: str, taken: Taken) -> npt.NDArray[np.int64]:
    """Subscribe with stomp.py; returns the numbers of the fixes that came."""
    listener = Listener(taken)
    connection = WSStompConnection(
        [(host, port)],
        ws_path="/locshare/stomp",
        header={"X-Locshare-Token": token},
        binary_mode=True,
        auto_decode=False,
        heartbeats=(10_000, 10_000),
    )
    connection.set_listener("taker", listener)
    connection.connect(wait=True)
    connection.subscribe(f"/topic/group.{group}", "0", ack="auto", headers={"receipt": "s"})
    listener.ready.wait(PATIENCE)
    print("ready", flush=True)
    taken.done.wait(PATIENCE)
    connection.disconnect()
    return np.array([int(found) for found in NUMBER.findall(b"".join(listener.bodies))], np.int64)


def by_kernel(host: str, port: int, token: str, group: str, taken: Taken) -> npt.NDArray[np.int64]:
    """Follow the group as a notebook does; returns the numbers of the fixes that came."""
    batches: list[npt.NDArray[np.int64]] = []
    with_us = Group(f"http://{host}:{port}/locshare/#t={token}&g={group}")

    def on_fixes(batch: Any) -> None:
        if len(batch):
            batches.append(batch.time)
            taken.add(len(batch))

    with_us.ready()
    with_us.listen(on_fixes, lambda status: None)
    print("ready", flush=True)
    taken.done.wait(PATIENCE)
    with_us.close()
    times = np.concatenate(batches)
    return np.asarray(times - times.min())


def main(kind: str, host: str, port: str, token: str, group: str, fixes: str) -> None:
    pin(LOAD_CPU)
    taken = Taken(int(fixes))
    take = by_stomp if kind == "stomp.py" else by_kernel
    numbers = take(host, int(port), token, group, taken)
    print(json.dumps(taken.told(numbers)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
