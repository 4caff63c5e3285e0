"""Around each method of a handler: what comes before it, and who leaves while it answers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from locshare_ext.server.base import Handler

__all__ = ["guarded"]


def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of a handler, run only when nothing was refused in `prepare`.

    Marked as Jupyter's `allow_unauthenticated` marks it: who may come is decided in
    `prepare`, and Jupyter would warn of every method otherwise.
    """
    if hasattr(method, "__allow_unauthenticated"):
        return method

    @functools.wraps(method)
    async def run(self: Handler, *args: Any, **kwargs: Any) -> None:
        if self._finished:
            return
        if self.refusal is not None:
            raise self.refusal
        self.check_still()
        try:
            result = method(self, *args, **kwargs)
            if inspect.isawaitable(result):
                await result
        except StreamClosedError:  # nobody is there to be answered
            self.site.log.debug("%s: the client has left", self._request_summary())

    setattr(run, "__allow_unauthenticated", True)
    return run
