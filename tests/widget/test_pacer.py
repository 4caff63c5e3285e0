from __future__ import annotations

import threading

from locshare_ext.widget.pacer import Pacer


class Layer:
    """Notes in which threads it is served; asks to be served again after the given waits."""

    def __init__(self, *waits: float | None) -> None:
        self.waits = list(waits)
        self.threads: list[threading.Thread] = []
        self.served = threading.Semaphore(0)
        self.hold: threading.Event | None = None
        self.together = 0
        self.most = 0

    def send_due(self, now: float) -> float | None:
        self.together += 1
        self.most = max(self.most, self.together)
        self.threads.append(threading.current_thread())
        hold, self.hold = self.hold, None
        if hold is not None:
            self.served.release()
            assert hold.wait(10)
        self.together -= 1
        self.served.release()
        return self.waits.pop(0) if self.waits else None


def test_what_is_hurried_is_sent_before_the_call_returns() -> None:
    pacer, layer = Pacer(), Layer()
    pacer.hurry(layer)
    assert layer.threads == [threading.current_thread()]


def test_what_was_not_due_is_sent_later_by_another_thread() -> None:
    pacer, layer = Pacer(), Layer(0.01)
    pacer.hurry(layer)
    for _ in range(2):
        assert layer.served.acquire(timeout=10)
    assert layer.threads[0] is threading.current_thread()
    assert layer.threads[1] is not threading.current_thread()


def test_nobody_waits_while_another_thread_sends() -> None:
    pacer, layer = Pacer(), Layer()
    let_go = layer.hold = threading.Event()
    pacer.wake(layer)
    assert layer.served.acquire(timeout=10)  # the pacer's thread is at it
    pacer.hurry(layer)  # returns, though that goes on
    let_go.set()
    for _ in range(2):
        assert layer.served.acquire(timeout=10)
    assert threading.current_thread() not in layer.threads
    assert layer.most == 1


def test_a_layer_that_fails_is_tried_again(caplog: object) -> None:
    class Failing(Layer):
        def send_due(self, now: float) -> float | None:
            super().send_due(now)
            if len(self.threads) == 1:
                raise RuntimeError("broken")
            return None

    pacer, layer = Pacer(), Failing()
    pacer.hurry(layer)
    for _ in range(2):
        assert layer.served.acquire(timeout=10)
