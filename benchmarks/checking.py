"""Whether each message came once and in order: the keys in what was received, and what they tell."""

from __future__ import annotations

import re
from array import array
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.opening import Peer

__all__ = ["KEY_LENGTH", "check", "keys_in"]

# in each body: publisher (4 hexadecimal digits) and number of its message (12)
KEY = re.compile(rb'"k":"([0-9a-f]{16})"')
KEY_LENGTH = 22
MARK, QUOTE = np.frombuffer(b'"k":"', np.uint8), ord('"')
LARGE = 16 << 10  # bytes of a read, from which on numpy is faster than the expression
MANY = 16  # messages of one length, from which on it is


def keys_in(data: memoryview) -> bytes:
    """Return the keys that lie whole in some bytes, one after the other, 16 characters each.

    Messages of one destination are nearly all of one length, so that those of a large read can
    be had at once: a sixth of what the expression takes. It does the rest.
    """
    found, at = b"", 0
    while (
        len(data) - at > LARGE
        and (first := KEY.search(data, at))
        and (second := KEY.search(data, first.end()))
    ):
        start, length = first.start(), second.start() - first.start()
        count = (len(data) - start - KEY_LENGTH) // length + 1
        if count < MANY:
            break
        rows = np.ndarray((count, KEY_LENGTH), np.uint8, data, start, (length, 1))
        is_key = (rows[:, :5] == MARK).all(axis=1) & (rows[:, -1] == QUOTE)
        until = count if is_key.all() else int(is_key.argmin())
        found += rows[:until, 5:-1].tobytes()
        at = start + (until - 1) * length + KEY_LENGTH
        if until < MANY:
            break
    return found + b"".join(KEY.findall(data, at))


def check(peers: list[Peer], sent: list[array[int]], since: float) -> dict[str, Any]:
    """Return what was lost, doubled or out of order, and the delays of what was sent from `since` on."""
    published = [len(times) for times in sent]
    moments = np.concatenate([np.zeros(0, np.int64), *(np.frombuffer(times, np.int64) for times in sent)])
    first = np.cumsum([0, *published[:-1]])
    lost = doubled = disordered = 0
    delays: list[npt.NDArray[np.int64]] = []
    for peer in peers:
        keys = np.frombuffer(bytes.fromhex(peer.keys.decode()), ">u8").astype(np.int64)
        publishers, numbers = keys >> 48, keys & ((1 << 48) - 1)
        received = np.repeat(np.frombuffer(peer.times, np.int64), np.frombuffer(peer.counts, np.int64))
        made = moments[first[publishers] + numbers]
        delays.append((received - made)[made >= since])
        order = np.argsort(publishers.astype(np.uint16), kind="stable")
        bounds = np.searchsorted(publishers[order], np.arange(len(sent) + 1))
        for which, count in enumerate(published):
            mine = numbers[order[bounds[which] : bounds[which + 1]]]
            if len(mine) == count and np.array_equal(mine, np.arange(count)):
                continue
            unique = len(np.unique(mine))
            lost += count - unique
            doubled += len(mine) - unique
            disordered += int((mine[1:] < np.maximum.accumulate(mine)[:-1]).sum())
    every = np.concatenate(delays) / 1e6 if delays else np.zeros(0)
    p50, p99, worst = np.percentile(every, (50, 99, 100)) if len(every) else (0.0, 0.0, 0.0)
    found = {"p50": float(p50), "p99": float(p99), "worst": float(worst)}
    return {**found, "lost": lost, "doubled": doubled, "disordered": disordered}
