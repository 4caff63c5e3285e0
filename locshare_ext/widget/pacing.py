"""When what is sent to the pages: decided here, without threads, clock or widget."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

__all__ = ["Pacing", "Range"]

FRAME_PERIOD = 0.0328  # s between frames to pages that keep up; feeds bring what is new each 33 ms
EARLY = 0.005  # s that one may come before that, as feeds are not that even
WINDOW_FRAMES = 32  # sent and not yet acknowledged: about a second
WINDOW_BYTES = 8 << 20
BLIND_RATE = 8 << 20  # B/s while a cell runs and no acknowledgement can come in
BLIND_BYTES = 256 << 20  # beyond that, one frame a second
PAGE_STALL = 1.5  # s without an acknowledgement: others do not wait for that page
PAGE_SILENCE = 20.0  # s without a word from a page that could have spoken: it is gone
BEAT_PERIOD = 5.0
EXPECTED = ""  # the name of a page that may be there
CHUNK = 65_536  # fixes of history in one message

Range = tuple[int, int]


@dataclass
class _Page:
    acked: int
    heard: float
    wants: list[Range] = field(default_factory=list)  # history, ascending
    waited: float | None = None  # when the first frame went out that it has not acknowledged

    def stalled(self, now: float) -> float:
        """Return for how long it has said nothing, though it had something to acknowledge."""
        return 0.0 if self.waited is None else now - max(self.heard, self.waited)


class Pacing:
    """Keep what was sent in step with what the pages took.

    Frames carry what is new since the last one, so a page that is slow to acknowledge gets
    fewer and fuller frames, and nothing queues up. While a cell runs, acknowledgements lie
    unread in the kernel (they wait for its main thread): then frames go on blindly at a
    bounded rate. `now` is any monotonic clock in seconds; the caller locks.
    """

    def __init__(self) -> None:
        self.sent = 0  # fixes of the log that went out in live frames
        self.sequence = 0  # of the last message with fixes
        self._pages: dict[str, _Page] = {}
        self._unacked: deque[tuple[int, int]] = deque()  # (sequence, bytes)
        self._was_live = False  # whether the last frame was of new fixes
        self._blind = 0  # bytes since the last acknowledgement
        self._due = 0.0
        self._beat_due = 0.0

    @property
    def pages(self) -> int:
        """How many pages are listening."""
        return len(self._pages)

    def hello(self, page: str, have: list[Range], oldest: int, head: int, now: float) -> None:
        """Note a page that asks for what it lacks; `have` are the fixes it holds."""
        if not self._pages:
            self.sent = head
            self._unacked.clear()
        wants = missing(have, oldest, self.sent)
        self._pages.pop(EXPECTED, None)
        self._pages[page] = _Page(self.sequence, now, wants)
        self._blind = 0
        self._beat_due = now

    def expect(self, oldest: int, head: int, now: float) -> None:
        """Serve a page that cannot say hello yet, as the kernel's main thread runs a cell.

        It gets everything, like one that has nothing; when the main thread is free and it
        still says nothing, it is dropped as any silent page.
        """
        if not self._pages:
            self.hello(EXPECTED, [], oldest, head, now)

    def bye(self, page: str) -> None:
        """Forget a page that closed its last view."""
        self._pages.pop(page, None)

    def acknowledge(self, page: str, sequence: int, now: float) -> None:
        """Note that a page took everything up to a message."""
        if page in self._pages:
            self._pages[page].acked = max(self._pages[page].acked, sequence)
            self._pages[page].heard = now
            if self._pages[page].acked >= self.sequence:
                self._pages[page].waited = None
        self._blind = 0
        self._settle(now)

    def restart(self) -> None:
        """Begin again at 0 after the log was cleared; the pages will ask."""
        self.sent = 0
        self._unacked.clear()
        for page in self._pages.values():
            page.wants.clear()

    def next_range(self, head: int, now: float, *, is_busy: bool) -> tuple[Range, bool] | None:
        """Return which fixes to send now and whether they are history, or None."""
        self._drop_silent(now, is_busy)
        self._settle(now)
        if not self._pages or now < self._due - EARLY or not self._may_send(is_busy):
            return None
        if head > self.sent and not (self._was_live and any(page.wants for page in self._pages.values())):
            return (self.sent, head), False
        return self._next_history()  # in turn with what is new, where that never ends

    def note_sent(self, span: Range, size: int, is_history: bool, now: float, *, is_busy: bool) -> int:
        """Note that a range went out in `size` bytes; returns its sequence number."""
        self.sequence += 1
        self._unacked.append((self.sequence, size))
        for page in self._pages.values():
            page.waited = now if page.waited is None else page.waited
        self._was_live = not is_history
        if not is_history:
            self.sent = span[1]
        if is_busy:
            self._blind += size
            slow = 1.0 if self._blind > BLIND_BYTES else size / BLIND_RATE
            self._due = now + max(FRAME_PERIOD, slow)
        else:
            self._due = max(now, self._due) + FRAME_PERIOD
        return self.sequence

    def is_beat_due(self, now: float) -> bool:
        """Whether the pages should hear that the kernel lives; true once per period."""
        if not self._pages or now < self._beat_due:
            return False
        self._beat_due = now + BEAT_PERIOD
        return True

    def wait(self, head: int, now: float) -> float | None:
        """Return the seconds until something may be due; None: only when somebody calls."""
        if not self._pages:
            return None
        has_work = head > self.sent or any(page.wants for page in self._pages.values())
        soon = self._due - EARLY
        if not has_work:
            soon = self._beat_due
        elif soon <= now:  # it is due, and waits for acknowledgements
            soon = now + FRAME_PERIOD / 2
        return max(0.0, min(soon, self._beat_due) - now)

    def _may_send(self, is_busy: bool) -> bool:
        if is_busy:
            return True
        size = sum(bytes_ for _, bytes_ in self._unacked)
        return len(self._unacked) < WINDOW_FRAMES and size < WINDOW_BYTES

    def _next_history(self) -> tuple[Range, bool] | None:
        """Take the newest chunk that some page lacks: what is near now shows first."""
        for page in self._pages.values():
            if page.wants:
                first, last = page.wants.pop()
                if last - first > CHUNK:
                    page.wants.append((first, last - CHUNK))
                    first = last - CHUNK
                return (first, last), True
        return None

    def _drop_silent(self, now: float, is_busy: bool) -> None:
        if is_busy:
            for page in self._pages.values():
                page.heard = max(page.heard, now - PAGE_SILENCE / 2)  # it could not be heard
            return
        for name, page in list(self._pages.items()):
            if page.stalled(now) > PAGE_SILENCE:
                del self._pages[name]

    def _settle(self, now: float) -> None:
        """Forget what was taken by all pages that keep up: one that was reloaded never says that it went."""
        pages = list(self._pages.values())
        awake = [page for page in pages if page.stalled(now) < PAGE_STALL]
        acked = min((page.acked for page in awake or pages), default=self.sequence)
        while self._unacked and self._unacked[0][0] <= acked:
            self._unacked.popleft()


def missing(have: list[Range], first: int, last: int) -> list[Range]:
    """Return the parts of [first, last) that no range of `have` covers, ascending."""
    gaps: list[Range] = []
    for start, end in sorted(have):
        if start > first:
            gaps.append((first, min(start, last)))
        first = max(first, end)
        if first >= last:
            break
    if first < last:
        gaps.append((first, last))
    return [(start, end) for start, end in gaps if start < end]
