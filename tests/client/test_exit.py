"""A program that forgets to close ends all the same, at once and in silence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.served import Served

pytestmark = pytest.mark.process

PROGRAM = """
import sys, threading
from locshare_ext import Group

group = Group("exits", server=sys.argv[1], token=sys.argv[2])
came = threading.Event()
group.on_fix(lambda fix: came.set())
group.simulate()
assert came.wait(20)
print("live", [t.name for t in threading.enumerate() if not t.daemon])
"""


def test_a_program_that_forgets_to_close_ends(served: Served) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, served.url, served.token],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("live ['MainThread']", "", 0)
