"""Libraries that not everybody has installed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from locshare_ext.errors import InvalidInput

__all__ = ["load", "without_deprecations"]


def load(name: str, extra: str) -> Any:
    """Return a library; raises InvalidInput that says how to install it.

    What it says of libraries of its own that are missing is not ours to tell.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != name:
                raise
            raise InvalidInput(
                f'{name} is not installed here; pip install "locshare-ext[{extra}]"', code="not_installed"
            ) from None


@contextmanager
def without_deprecations() -> Iterator[None]:
    """Do not warn of what a library calls that pandas is going to drop: its users cannot help it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield
