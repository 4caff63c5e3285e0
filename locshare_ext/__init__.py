"""Share locations of a group live in Jupyter notebooks."""

from __future__ import annotations

__version__ = "0.1.0"
