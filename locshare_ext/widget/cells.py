"""Which cell runs just now: running it again replaces what it made before."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["running_cell"]


def running_cell() -> tuple[str, str] | None:
    """Return the cell's id and this execution's, None outside a notebook or where cells have no ids."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    shell: Any = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    try:
        parent = kernel.get_parent("shell")
        cell, execution = parent["metadata"].get("cellId"), parent["header"]["msg_id"]
    except (AttributeError, KeyError, TypeError, LookupError):
        return None
    return (str(cell), str(execution)) if cell else None
