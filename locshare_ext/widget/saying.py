"""What goes wrong, on its way to a page, which has words of its own for it."""

from __future__ import annotations

from typing import Any

from locshare_ext.errors import LocShareError

__all__ = ["said_of"]


def said_of(error: LocShareError) -> dict[str, Any]:
    """Return an error as pages take it: {"code", "values", "text"}.

    The page words the codes that it knows, in its reader's language, and shows the text of all others.
    """
    values = {name: value for name, value in error.details.items() if isinstance(value, str | int | float)}
    if error.field is not None:
        values["field"] = error.field
    return {"code": error.code, "values": values, "text": error.message}
