"""What is in each fix that is measured: which run, which fix, and when it was sent."""

from __future__ import annotations

import re
import time

__all__ = ["keys_in", "make_fix"]

_KEY = re.compile(rb'"key":"(\d+)-(\d+)-(\d+)"')


def make_fix(run: int, number: int) -> bytes:
    """Return a fix of about 200 bytes, as JSON, that is sent now; runs and numbers count from 0."""
    # CLOCK_MONOTONIC is one for all processes of a machine, and nobody sets it. The latitude tells
    # two fixes of one millisecond apart, of which the second were a duplicate otherwise.
    return (
        b'{"member":"ann","time":%d,"lat":37.%06d,"lon":126.978,"accuracy":5.0,"speed":1.4,"heading":270.0,'
        b'"source":"bench","extra":{"key":"%d-%d-%d"}}'
        % (time.time_ns() // 1_000_000, number % 1_000_000, run, number, time.monotonic_ns())
    )


def keys_in(body: bytes, run: int) -> list[tuple[int, int]]:
    """Return (number, ns when it was sent) of each fix of a run in a body, without decoding it."""
    return [(int(number), int(sent)) for of, number, sent in _KEY.findall(body) if int(of) == run]
