"""A simulated group published from a notebook: the past at once, or live on a thread."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from locshare_ext.client.playback import play
from locshare_ext.client.publish import Published
from locshare_ext.client.simulator import SEOUL, TimedFix, names_of, simulate
from locshare_ext.client.times import now_ms
from locshare_ext.errors import InvalidInput, LocShareError

__all__ = ["PAST", "Simulation", "caught_up", "publish_past", "simulated", "simulated_names", "start", "stop"]

_Publish = Callable[[list[dict[str, Any]]], Published]

PAST = 5 * 60_000  # ms of trail that a live simulation has from the start


def simulated(
    start: int,
    *,
    members: int,
    seed: int,
    centre: tuple[float, float] | None,
    seconds: float | None = None,
    **more: Any,
) -> Iterator[TimedFix]:
    """Yield the fixes of a made-up group: half of it walks, an eighth are buses, the others cycle.

    more: as `simulate` takes it.
    """
    walkers, cyclists, buses = _kinds(members)
    return simulate(
        start=start,
        seed=seed,
        centre=SEOUL if centre is None else centre,
        walkers=walkers,
        cyclists=cyclists,
        buses=buses,
        seconds=seconds,
        **more,
    )


def simulated_names(members: int) -> list[str]:
    """Return who is in such a group."""
    walkers, cyclists, buses = _kinds(members)
    return [*names_of("walker", walkers), *names_of("cyclist", cyclists), *names_of("bus", buses)]


def _kinds(members: int) -> tuple[int, int, int]:
    """Return how many walk, cycle and are buses."""
    if isinstance(members, bool) or not isinstance(members, int) or members < 1:
        raise InvalidInput(f"members {members!r} is not a whole number above 0", field="members")
    buses, walkers = members // 8, (members + 1) // 2
    return walkers, members - walkers - buses, buses


def publish_past(
    publish: _Publish,
    minutes: float,
    *,
    members: int = 8,
    seed: int = 1,
    centre: tuple[float, float] | None = None,
) -> Published:
    """Publish the last `minutes` of a made-up group at once."""
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes <= 1440:
        raise InvalidInput(f"minutes {minutes!r} is not in (0, 1440]", field="minutes")
    start = now_ms() - round(minutes * 60_000)
    timed = simulated(start, members=members, seed=seed, centre=centre, seconds=minutes * 60)
    return publish([fix for _, fix in timed])


def caught_up(
    timed: Iterator[TimedFix], send: Callable[[list[dict[str, Any]]], object]
) -> Iterator[TimedFix]:
    """Send at once what was due until now; return the rest, which is due from now on."""
    now = now_ms()
    past: list[dict[str, Any]] = []
    rest: Iterator[TimedFix] = iter(())
    for due, fix in timed:
        if due >= now:
            rest = itertools.chain(((due, fix),), timed)
            break
        past.append(fix)
    if past:
        send(past)
    return rest


class Simulation:
    """A made-up group that is published live until `stop()` or the kernel's end."""

    def __init__(
        self,
        publish: _Publish,
        name: str,
        *,
        members: int = 8,
        seed: int = 1,
        centre: tuple[float, float] | None = None,
    ) -> None:
        self._publish = publish
        self._name = name
        self._members = members
        self._stop = threading.Event()
        self._published = 0
        self._trouble = ""
        timed = simulated(now_ms() - PAST, members=members, seed=seed, centre=centre)
        first = next(timed)  # wrong arguments are told here, not on the thread
        self._thread = threading.Thread(
            target=self._run,
            args=(itertools.chain((first,), timed),),
            name=f"locshare-simulate-{name}",
            daemon=True,
        )
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it still publishes."""
        return self._thread.is_alive()

    @property
    def published(self) -> int:
        """How many fixes were published."""
        return self._published

    def stop(self, timeout: float = 5.0) -> None:
        """End it, waiting up to `timeout` seconds; what was published stays."""
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def __repr__(self) -> str:
        state = "running" if self.is_running else "ended"
        trouble = f", {self._trouble}" if self._trouble else ""
        return f"<Simulation of {self._members} members in {self._name!r}, {state}{trouble}>"

    def _run(self, timed: Iterator[TimedFix]) -> None:
        try:
            play(
                caught_up(timed, self._send),
                self._send,
                shift=False,
                stop=self._stop,
                on_failure=self._failed,
            )
        except LocShareError as error:
            self._trouble = error.message

    def _send(self, fixes: Sequence[dict[str, Any]]) -> None:
        self._publish(list(fixes))
        self._published += len(fixes)
        self._trouble = ""

    def _failed(self, error: Exception) -> None:
        self._trouble = str(error)


_running: dict[tuple[str, ...], Simulation] = {}  # one for each group


def start(key: tuple[str, ...], publish: _Publish, name: str, **options: Any) -> Simulation:
    """Begin a simulation of a group; one that runs is replaced, as a cell may be run again."""
    stop(key)
    running = _running[key] = Simulation(publish, name, **options)
    return running


def stop(key: tuple[str, ...]) -> None:
    """End a group's simulation, if one runs."""
    running = _running.pop(key, None)
    if running is not None:
        running.stop()
