"""What is answered where no method does: errors in one shape, what is possible; and what is logged."""

from __future__ import annotations

from asyncio import Future
from types import TracebackType
from typing import Any

import msgspec
from tornado import web

from locshare_ext.errors import LocShareError, StoreError, Unavailable
from locshare_ext.model.wire import error_object
from locshare_ext.server.scrubbing import scrubbed
from locshare_ext.server.site import Site

__all__ = ["ENCODER", "HEADERS", "METHODS", "Answering"]

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
ENCODER = msgspec.json.Encoder()

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Content-Type": "application/json",
}
# headers of requests that a page of an allowed foreign origin may set
_ASKED_WITH = "Authorization, Content-Type, If-None-Match, Last-Event-ID, X-Locshare-Token, X-XSRFToken"
_STATUS_CODES = {404: "not_found", 405: "method_not_allowed", 400: "bad_request", 413: "too_large"}


class Answering(web.RequestHandler):
    """Answers preflights and errors, and logs neither secrets nor places."""

    site: Site

    def options(self, *args: str, **kwargs: str) -> None:
        """Answer a preflight; a foreign origin was refused before."""
        allow = self._allow()
        self.set_header("Allow", allow)
        if "Access-Control-Allow-Origin" in self._headers:
            self.set_header("Access-Control-Allow-Methods", allow)
            self.set_header("Access-Control-Allow-Headers", _ASKED_WITH)
            self.set_header("Access-Control-Max-Age", "600")
        self.set_status(204)
        self.clear_header("Content-Type")

    def _allow_origin(self, origin: str) -> None:
        """Let a page of another origin read the answer."""
        self.set_header("Access-Control-Allow-Origin", origin)
        self.set_header("Access-Control-Expose-Headers", "ETag, Retry-After")
        self.set_header("Vary", "Origin")

    def _allow(self) -> str:
        return ", ".join(name.upper() for name in METHODS if _is_implemented(type(self), name))

    # -- errors and logs

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer an error; one of ours brings its own status."""
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if isinstance(error, LocShareError):
            status_code = error.status
        kept = self._headers.get("Access-Control-Allow-Origin"), self._headers.get("Connection")
        if kept != (None, None) and not self._headers_written:
            kwargs["kept"] = kept
        super().send_error(status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the one shape; what we did not raise on purpose is not explained."""
        origin, connection = kwargs.get("kept", (None, None))
        if origin is not None:
            self._allow_origin(origin)
        if connection is not None or not self._is_read:
            self.set_header("Connection", connection or "close")  # tornado closes it, and says nothing
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if isinstance(error, LocShareError):
            shape = error_object(error)
            if status_code in (429, 503):
                self.set_header("Retry-After", str(error.details.get("retry_after", 5)))
            elif status_code == 401:  # RFC 9110 15.5.2; no browser asks for a password at this one
                self.set_header("WWW-Authenticate", "Bearer")
        else:
            if status_code == 405:
                self.set_header("Allow", self._allow())
            code = _STATUS_CODES.get(status_code, "internal_error" if status_code >= 500 else "refused")
            shape = {"code": code, "message": self._plain_message(status_code)}
        self.finish(ENCODER.encode({"error": shape}))

    @property
    def _is_read(self) -> bool:
        """Whether the request has come to its end."""
        read: Future[None] | None = getattr(self.request, "_body_future", None)
        return read is None or read.done()

    def _plain_message(self, status: int) -> str:
        if status == 405:
            return f"{self.request.method} is not possible here; expected {self._allow()}"
        if status == 404:
            path = scrubbed(self.request.path)[:120]
            return f"there is nothing at {path}; paths have no slash at their end"
        if status >= 500:
            return "something went wrong in the server; its log says what"
        return "the request cannot be understood" if status == 400 else self._reason

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log our own bugs with their traceback, the store's failures, and no more above DEBUG."""
        where = f"{self.request.method} {scrubbed(self.request.path)}"
        if isinstance(value, StoreError):
            self.site.store_failed(f"{where} failed: {value.message}")
        elif isinstance(value, LocShareError) and (value.status < 500 or isinstance(value, Unavailable)):
            self.site.log.debug("%s refused: %s", where, value.code)
        elif isinstance(value, LocShareError):
            self.site.log.warning("%s failed: %s", where, value.message)
        elif isinstance(value, web.HTTPError):
            self.site.log.debug("%s refused: %s", where, value.status_code)
        else:
            self.site.log.error("%s failed", where, exc_info=(typ, value, tb))  # type: ignore[arg-type]

    def _request_summary(self) -> str:
        return f"{self.request.method} {scrubbed(self.request.path)} ({self.request.remote_ip})"

    def _log(self) -> None:
        # not by Jupyter's log function: that one knows nothing of secrets in paths
        ms = 1000 * self.request.request_time()
        self.site.log.debug("%d %s %.1f ms", self.get_status(), self._request_summary(), ms)


def _is_implemented(handler: type[web.RequestHandler], method: str) -> bool:
    return getattr(handler, method) is not getattr(web.RequestHandler, method)
