"""An invite as a card in a notebook: a code to scan, a way in for each app, and whether somebody has come."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Mapping
from typing import Any

from ipywidgets import DOMWidget, Layout, VBox
from traitlets import Unicode

from locshare_ext.client.invites import Invite
from locshare_ext.errors import InvalidInput
from locshare_ext.widget.beside import bundle, chosen_route
from locshare_ext.widget.card import card_of, status_of
from locshare_ext.widget.given import group_of
from locshare_ext.widget.layer import MODULE, MODULE_VERSION

__all__ = ["InviteCard"]

log = logging.getLogger(__name__)

PERIOD = 2.0  # s between looks whether somebody has come, while a page shows the card


class _Face(DOMWidget):  # type: ignore[misc]  # ipywidgets is untyped
    """What the page draws; nothing of the invite is in its state."""

    _view_name = Unicode("InviteCardView").tag(sync=True)
    _model_name = Unicode("InviteCardModel").tag(sync=True)
    _view_module = Unicode(MODULE).tag(sync=True)
    _model_module = Unicode(MODULE).tag(sync=True)
    _view_module_version = Unicode(MODULE_VERSION).tag(sync=True)
    _model_module_version = Unicode(MODULE_VERSION).tag(sync=True)


class InviteCard(VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """Show how to come to a group: a code to scan, a link for each app, and a tick when somebody has come.

    group: a group's name, a Group, or a GroupMap of one. member: whom it is for; None for
    whoever has it. invite: one that was made before, in place of a member. address: of the
    server, as phones reach it, if that is not what the server says of itself. Other arguments
    are those of `Group.invite`, such as `expires`. route: as of `TrailLayer`.

    Run again it shows the living invite again. What is secret goes to the page that shows it
    and into no notebook. Where no phone could reach the server there is no code, but what to
    do. Raises AccessDenied, InvalidInput, ServerNotFound.
    """

    def __init__(
        self,
        group: Any,
        member: str | None = None,
        *,
        invite: Invite | None = None,
        address: str | None = None,
        route: str = "auto",
        **wish: Any,
    ) -> None:
        if invite is not None and (member is not None or wish):
            raise InvalidInput("give either an invite, or a member to invite", field="invite")
        self._group = group_of(group, "InviteCard")
        self._address = address
        self.invite = self._group.invite(member, address=address, **wish) if invite is None else invite
        self._wake = threading.Event()
        self._is_asked = False
        self._told: Mapping[str, Any] | None = None
        self._is_closed = False
        self._face = _face_class(chosen_route(route))(_view_count=0)
        self._face.on_msg(self._receive)
        self._face.observe(lambda change: self._wake.set(), "_view_count")
        super().__init__([self._face], layout=Layout(width="100%", min_width="0"))
        threading.Thread(target=self._run, name="locshare-card", daemon=True).start()

    def __repr__(self) -> str:  # what a saved notebook keeps of it
        return f"InviteCard({self._group.title!r})"

    def close(self) -> None:
        """End it, here and on the pages; the invite lives on."""
        self._is_closed = True
        self._wake.set()
        self._face.close()
        super().close()

    def _receive(self, _: Any, content: Mapping[str, Any], buffers: Any) -> None:
        if content.get("op") == "show":
            self._is_asked = True
            self._wake.set()

    def _run(self) -> None:
        """Show the card to the pages that ask, and while one shows it, look whether somebody has come."""
        while not self._is_closed:
            self._wake.clear()
            is_over = True
            try:
                if self._is_asked:
                    self._is_asked = False
                    self._say("card", card=card_of(self._group, self.invite, self._address))
                    self._told = None
                if self._face._view_count:
                    is_over = self._look()
            except Exception:  # the thread's top: another page may have more luck
                log.exception("an invite's card could not be shown")
            self._wake.wait(None if is_over else PERIOD)

    def _look(self) -> bool:
        """Tell the page how the invite stands, if that is news; returns whether nothing more will come."""
        told = status_of(self._group, self.invite)
        if told != self._told:
            self._told = told
            self._say("status", status=told)
        return told["state"] in ("here", "revoked")

    def _say(self, op: str, **said: Any) -> None:
        if not self._is_closed:
            self._face.send({"op": op, **said})


@functools.cache
def _face_class(route: str) -> Any:
    if route == "extension":
        return _Face
    try:
        import anywidget
    except ImportError:
        raise InvalidInput(
            "this front end loads no lab extension, and anywidget is missing: pip install anywidget",
            field="route",
        ) from None

    class Face(anywidget.AnyWidget):
        """The same where no lab extension is loaded."""

        _esm = bundle("card_widget.js")

    return Face
