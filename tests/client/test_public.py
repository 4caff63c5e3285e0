"""What the package shows, and that showing it costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import locshare_ext

HEAVY = ("pandas", "numpy", "pyarrow", "stomp", "websocket", "requests", "ipyleaflet", "tornado", "msgspec")


def test_every_public_name_is_there() -> None:
    for name in locshare_ext.__all__:
        assert getattr(locshare_ext, name) is not None
        assert name in dir(locshare_ext)
    with pytest.raises(AttributeError, match="Groop"):
        locshare_ext.Groop  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, locshare_ext; print([name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
