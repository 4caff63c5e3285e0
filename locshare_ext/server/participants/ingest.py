"""`locshare/in/...`: what phone apps send, whose only credential is the invite in their address."""

from __future__ import annotations

import asyncio
from typing import Any

from tornado import web

from locshare_ext.errors import InvalidInput, NotFound, TooFast, Unavailable
from locshare_ext.formats.phones import APPS, Sent, decode, detect
from locshare_ext.formats.phones.gpslogger import batch_profile, profile
from locshare_ext.formats.phones.request import form_of
from locshare_ext.model.credentials import INVITE
from locshare_ext.model.report import Report
from locshare_ext.server.base import Handler
from locshare_ext.server.bodies import check_encoding
from locshare_ext.server.participants.replies import REPLIES, Reply, reply_to_overland
from locshare_ext.services.apps import Taken
from locshare_ext.services.tokens import expired_error

__all__ = ["AppHandler", "BatchesHandler", "InHandler", "ProfileHandler"]

_SPIN = 1.0  # s that who would come again at once waits for an answer
_PLACE = ("lat", "location")  # without one of these in its query a GET is of somebody who looks
_LATER = (409, 429)  # statuses after which a phone is to come again; iOS OwnTracks drops on any 4xx
_MENDED = "host_not_allowed"  # by its owner, who gave phones an address that the server does not know


class _InHandler(Handler):
    """Takes the invite in the path, and nothing else, as credential.

    What is stored or set aside is answered as the app wants it; what can be done later is 503,
    and 410 is for an invite that has ended alone: apps drop, keep or repeat by the status.
    """

    for_participants = True
    late_methods = ("GET", "HEAD", "POST", "PUT", "PATCH")  # a phone comes home with what it measured before

    def sent_token(self) -> str | None:
        """Return the invite of the path; other credentials of ours have no business in an address."""
        token = self.path_args[0]
        return token if token.startswith(INVITE) else ""

    def _check_body(self) -> None:
        check_encoding(self.request)  # apps call their bodies whatever they like

    def compute_etag(self) -> None:
        """Return None: a phone that is told that nothing has changed sends it again."""

    @property
    def app(self) -> str | None:
        """The app that the path names, None where it names none."""
        return None

    def check_living(self) -> None:
        """Raise Gone for an invite that has expired, of which only what it sends is taken."""
        expires = self.principal.expires
        if expires is not None and self.site.clock() >= expires:
            raise expired_error(expires)

    async def receive(self, app: str | None, reply: Reply | None = None) -> None:
        """Store what came, or set it aside, and answer as the app wants it.

        app: by whose rules to read it, None to find out. reply: if it is not that of the app.
        """
        sent = self._sent()
        try:
            app = app or detect(sent)
            report = decode(app, sent)
        except InvalidInput as error:
            await self.site.apps.set_aside(self.principal, error, sent.raw)
            self._give(reply or REPLIES[app or "traccar"])
            return
        taken = await self._taken(report, sent, is_certain=REPLIES[app].is_certain)
        self._give(reply or REPLIES[app], None if taken is None else await self._body(app, taken))

    async def _taken(self, report: Report, sent: Sent, *, is_certain: bool) -> Taken | None:
        """Store a report, now or, for who must hear 200 and would not come again, later; None then."""
        apps = self.site.apps
        try:
            taken = await apps.take(self.principal, report)
        except Unavailable:
            if not is_certain or not self.site.held.keep(self.principal, report, sent.size):
                raise
            await asyncio.sleep(_SPIN)
            return None
        except TooFast as error:
            if not is_certain:
                raise
            await asyncio.sleep(_SPIN)
            self.check_still()
            try:
                taken = await apps.take(self.principal, report)
            except TooFast:
                await apps.set_aside(self.principal, error, sent.raw)
                return None
        if taken.is_new:
            self.audit("invite_exchanged", group=taken.group.slug, target=taken.principal.id)
        return taken

    def _sent(self) -> Sent:
        headers = self.request.headers
        return Sent(
            query=self.request.query,
            body=bytes(self.body),
            user=headers.get("X-Limit-U", "").strip(),
            device=headers.get("X-Limit-D", "").strip(),
            now=self.site.clock(),
        )

    async def _body(self, app: str, taken: Taken) -> bytes | None:
        """Return what an app is told besides that it was taken, None for nothing."""
        expires = taken.principal.expires
        if expires is not None and self.site.clock() >= expires:
            return None  # its watching has ended
        if app == "owntracks":
            return await self.site.friends.shown(taken.principal, taken.group)
        if app == "overland":
            return reply_to_overland(taken.group.settings["interval"])
        return None

    def _give(self, reply: Reply, body: bytes | None = None) -> None:
        self.set_status(reply.status)
        self.set_header("Content-Type", reply.media_type)
        self.finish(reply.body if body is None else body)

    def show_page(self) -> None:
        """Send a person to the share page; the fragment is in no log and no Referer."""
        self.check_living()
        below = self.request.path.partition("/locshare/in/")[2]
        up = "../" * (below.count("/") + 1)  # relative: a proxy may have taken a part of the path away
        self.clear_header("Content-Type")
        self.redirect(f"{up}share#t={self.path_args[0]}")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write an error with a status by which no phone loses what it has."""
        if self.app is not None and REPLIES[self.app].is_certain and status_code not in (404, 405):
            self._give(REPLIES[self.app])
            return
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if status_code in _LATER or getattr(error, "code", None) == _MENDED:
            self.set_status(503)
            status_code = 503
        super().write_error(status_code, **kwargs)


class InHandler(_InHandler):
    """`in/{invite}`: any app; a person who opens it is shown the share page."""

    async def get(self, token: str) -> None:
        """Take what old versions of Traccar Client send, else show the page."""
        if _has_place(self.request.query):
            await self.receive(None)
        else:
            self.show_page()

    async def post(self, token: str) -> None:
        """Take what any app sends, told apart by what only that app writes."""
        await self.receive(None)


class AppHandler(_InHandler):
    """`in/{invite}/{app}`."""

    @property
    def app(self) -> str | None:
        """The app that the path names, None where there is no such app."""
        path: list[str] = getattr(self, "path_args", [])  # not there yet when the method itself is refused
        return path[1] if len(path) > 1 and path[1] in APPS else None

    async def get(self, token: str, app: str) -> None:
        """Take what stands in the query; without one it is a person who looks."""
        self._check_known(app)
        if self.request.query or REPLIES[app].is_certain:
            await self.receive(app)
        else:
            self.show_page()

    async def post(self, token: str, app: str) -> None:
        """Take what the app sends; GPSLogger's user may have chosen another method for it."""
        self._check_known(app)
        await self.receive(app)

    put = patch = post

    def _check_known(self, app: str) -> None:
        if app not in APPS:
            raise NotFound(
                f"there is no app {app[:40]!r}; expected {', '.join(APPS)}", code="app_unknown", field="app"
            )


class BatchesHandler(_InHandler):
    """`in/{invite}/api/v1/overland/batches`: where GPSLogger's Dawarich target sends to."""

    async def post(self, token: str) -> None:
        """Take a batch."""
        await self.receive("gpslogger", REPLIES["batches"])


class ProfileHandler(_InHandler):
    """`in/{invite}/gpslogger/{profile}.properties`: settings that GPSLogger fetches by a link."""

    async def get(self, token: str, name: str) -> None:
        """Give `profile`, or `batch` for its Dawarich target."""
        self.check_living()
        url = f"{self._public()}locshare/in/{token}/gpslogger"
        if name == "profile":
            made = profile(url)
        elif name == "batch":
            made = batch_profile(url, self.principal.member or "phone")
        else:
            raise web.HTTPError(404)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(made)

    def _public(self) -> str:
        """Return by which URL phones reach this server: as its owner said, else as this one did."""
        public = self.site.reach.public_url
        return public or f"{self.request.protocol}://{self.request.host}{self.base_path}"


def _has_place(query: str) -> bool:
    try:
        fields = form_of(query)
    except InvalidInput:
        return True  # what nobody types; it is set aside
    return any(name in fields for name in _PLACE)
