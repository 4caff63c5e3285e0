"""Callbacks: replaced by name, never at the cost of the feed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.errors import InvalidInput
from locshare_ext.model.fix import Fix


def fixes(count: int) -> list[Fix]:
    return [Fix(member="ann", time=n, lat=0.0, lon=0.0, flags=()) for n in range(count)]


def counting(into: list[int]) -> Callable[[Fix], None]:
    def count(fix: Fix) -> None:
        into.append(fix.time)

    return count


def test_the_same_name_replaces() -> None:
    callbacks, first, second = Callbacks(), [], []
    callbacks.add(counting(first))
    callbacks.add(counting(second))
    callbacks.run(fixes(3))
    assert (first, second, len(callbacks)) == ([], [0, 1, 2], 1)
    assert callbacks.remove(counting([]))
    assert not callbacks


def test_lambdas_and_methods_are_told_apart() -> None:
    class Counter:
        def __init__(self) -> None:
            self.seen = 0

        def count(self, fix: Fix) -> None:
            self.seen += 1

    callbacks, seen, one, two = Callbacks(), [], Counter(), Counter()
    callbacks.add(lambda fix: seen.append(1))
    callbacks.add(lambda fix: seen.append(2))
    callbacks.add(one.count)
    callbacks.add(two.count)
    callbacks.add(one.count)
    callbacks.run(fixes(2))
    assert (seen, one.seen, two.seen) == ([1, 2, 1, 2], 2, 2)


def test_an_exception_is_shown_once_counted_and_harms_nobody() -> None:
    shown: list[str] = []
    callbacks, seen = Callbacks(shown.append), []

    def broken(fix: Fix) -> None:
        return fix.latitude  # type: ignore[attr-defined]

    callbacks.add(broken)
    callbacks.add(counting(seen))
    callbacks.run(fixes(5))
    assert seen == [0, 1, 2, 3, 4]
    assert len(shown) == 1
    assert "AttributeError" in shown[0]
    assert "return fix.latitude" in shown[0]
    assert "broken" in shown[0]
    assert "callbacks.py" not in shown[0].replace("test_callbacks.py", "")  # the user's own code only
    assert list(callbacks.failures().values()) == [5, 0]


def test_each_kind_of_exception_is_shown_once() -> None:
    shown: list[str] = []
    callbacks = Callbacks(shown.append)

    def broken(fix: Fix) -> None:
        if fix.time % 3 == 0:
            raise KeyError(fix.time)
        if fix.time % 3 == 1:
            raise ValueError(f"{fix.time} is odd")
        raise ValueError("of the same kind, and elsewhere")

    callbacks.add(broken)
    callbacks.run(fixes(9))
    callbacks.run(fixes(9))
    assert [text.count("KeyError") > 0 for text in shown] == [True, False, False]
    assert ["1 is odd" in shown[1], "elsewhere" in shown[2]] == [True, True]
    assert list(callbacks.failures().values()) == [18]


async def test_main_runs_on_the_loop() -> None:
    callbacks, threads = Callbacks(), []
    done = asyncio.Event()

    def look(fix: Fix) -> None:
        threads.append(threading.current_thread())
        if fix.time == 2:
            done.set()

    callbacks.add(look, thread="main")
    feed = threading.Thread(target=callbacks.run, args=(fixes(3),))
    feed.start()
    await asyncio.wait_for(done.wait(), 5)
    feed.join()
    assert threads == [threading.current_thread()] * 3


@pytest.mark.parametrize(
    ("call", "options"), [(3, {}), (print, {"thread": "moon"}), (print, {"thread": "main"})]
)
def test_what_cannot_be_called_back(call: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Callbacks().add(call, **options)
