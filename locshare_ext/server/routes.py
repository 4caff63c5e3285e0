"""Which handler answers which path; the same list in Jupyter's app and in a server of its own."""

from __future__ import annotations

import re
from typing import Any

from locshare_ext.server.api.aside import SetAsideHandler
from locshare_ext.server.api.fixes import FixesHandler
from locshare_ext.server.api.groups import GroupHandler, GroupsHandler, MemberHandler
from locshare_ext.server.api.health import HealthHandler
from locshare_ext.server.api.invites import InviteHandler, InvitesHandler, MeHandler, WaysHandler
from locshare_ext.server.api.notes import NoteHandler, NotesHandler
from locshare_ext.server.api.openapi.handler import OpenApiHandler
from locshare_ext.server.api.phones import PhonesHandler
from locshare_ext.server.api.recorded import (
    RecordingAsidesHandler,
    RecordingEventsHandler,
    RecordingFileHandler,
    RecordingTrailsHandler,
)
from locshare_ext.server.api.recordings import RecordingHandler, RecordingsHandler
from locshare_ext.server.api.replays import ReplayHandler, ReplaysHandler
from locshare_ext.server.api.trails import TrailsHandler
from locshare_ext.server.base import Handler, NothingHere
from locshare_ext.server.pages.host_page import HostFileHandler, HostPageHandler
from locshare_ext.server.participants.ingest import AppHandler, BatchesHandler, InHandler, ProfileHandler
from locshare_ext.server.participants.share import ShareFileHandler, SharePageHandler
from locshare_ext.server.site import Site
from locshare_ext.server.stomp.socket import StompSocket
from locshare_ext.server.streams.plain import PlainSocket
from locshare_ext.server.streams.replayed import ReplayEventsHandler, ReplaySocket
from locshare_ext.server.streams.sse import EventsHandler

__all__ = ["ROUTES", "routes"]

ROUTES: tuple[tuple[str, type[Handler]], ...] = (
    (r"/locshare/stomp", StompSocket),
    (r"/locshare/api/groups", GroupsHandler),
    (r"/locshare/api/groups/([^/]+)", GroupHandler),
    (r"/locshare/api/groups/([^/]+)/fixes", FixesHandler),
    (r"/locshare/api/groups/([^/]+)/trails", TrailsHandler),
    (r"/locshare/api/groups/([^/]+)/events", EventsHandler),
    (r"/locshare/api/groups/([^/]+)/ws", PlainSocket),
    (r"/locshare/api/groups/([^/]+)/notes", NotesHandler),
    (r"/locshare/api/groups/([^/]+)/notes/([^/]+)", NoteHandler),
    (r"/locshare/api/groups/([^/]+)/set-aside", SetAsideHandler),
    (r"/locshare/api/groups/([^/]+)/members/([^/]+)", MemberHandler),
    (r"/locshare/api/groups/([^/]+)/invites", InvitesHandler),
    (r"/locshare/api/groups/([^/]+)/invites/([^/]+)", InviteHandler),
    (r"/locshare/api/groups/([^/]+)/invites/([^/]+)/ways", WaysHandler),
    (r"/locshare/api/me", MeHandler),
    (r"/locshare/api/recordings", RecordingsHandler),
    (r"/locshare/api/recordings/([^/]+)", RecordingHandler),
    (r"/locshare/api/recordings/([^/]+)/trails", RecordingTrailsHandler),
    (r"/locshare/api/recordings/([^/]+)/events", RecordingEventsHandler),
    (r"/locshare/api/recordings/([^/]+)/set-aside", RecordingAsidesHandler),
    (r"/locshare/api/recordings/([^/]+)/file", RecordingFileHandler),
    (r"/locshare/api/replays", ReplaysHandler),
    (r"/locshare/api/replays/([^/]+)", ReplayHandler),
    (r"/locshare/api/replays/([^/]+)/events", ReplayEventsHandler),
    (r"/locshare/api/replays/([^/]+)/ws", ReplaySocket),
    (r"/locshare/?", HostPageHandler),
    (r"/locshare/host/([^/]+)", HostFileHandler),
    (r"/locshare/share", SharePageHandler),
    (r"/locshare/share/([^/]+)", ShareFileHandler),
    (r"/locshare/in/([^/]+)", InHandler),
    (r"/locshare/in/([^/]+)/gpslogger/([^/]+)\.properties", ProfileHandler),
    (r"/locshare/in/([^/]+)/api/v1/overland/batches", BatchesHandler),
    (r"/locshare/in/([^/]+)/gpslogger/api/v1/overland/batches", BatchesHandler),
    (r"/locshare/in/([^/]+)/([^/]+)(?:/.*)?", AppHandler),  # some people put /pub behind
    (r"/locshare/api/phones", PhonesHandler),
    (r"/locshare/api/health", HealthHandler),
    (r"/locshare/api/openapi\.json", OpenApiHandler),
    (r"/locshare(?:/.*)?", NothingHere),  # the last: whatever is left
)


def routes(
    site: Site, base_url: str = "/", *, for_participants: bool = False
) -> list[tuple[str, type[Handler], dict[str, Any]]]:
    """Return tornado's rules for all paths below `locshare`, or those of the participants alone.

    base_url: the path below which they are, with `/` at both ends.
    """
    prefix = re.escape(base_url.rstrip("/"))
    return [
        (prefix + pattern, handler, {"site": site})
        for pattern, handler in ROUTES
        if handler.for_participants or handler is NothingHere or not for_participants
    ]
