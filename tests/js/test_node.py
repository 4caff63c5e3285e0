"""The page's pure parts, tested by node's own runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

OLDEST = 20  # node's version


def node() -> str:
    """Return the path of a node that is new enough; the test is skipped without one."""
    found = shutil.which("node")
    if found is None:
        pytest.skip(f"node is missing: install Node.js {OLDEST} or newer")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST:
        pytest.skip(f"node {version} is too old: install Node.js {OLDEST} or newer")
    return found


def test_the_page_code_by_itself() -> None:
    done = subprocess.run(
        [node(), "--test", "--test-reporter=spec"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail 0" in done.stdout
    assert "tests 0" not in done.stdout
