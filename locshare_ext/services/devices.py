"""Phones that come with an open invite: each has a member of its own, known again by its device's id."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from locshare_ext.broker.access import MANAGE, Principal
from locshare_ext.errors import Conflict, InvalidName
from locshare_ext.model.names import BIDI_CONTROLS, member_name
from locshare_ext.services.invite_book import holder_of
from locshare_ext.services.invites import Invites
from locshare_ext.services.tokens import device_invite
from locshare_ext.services.wishes import Wish

__all__ = ["Devices", "Joined"]

_LONGEST = 58  # letters of a name, so that a number fits behind it
_TRIES = 1000  # names tried until one is free
_UNNAMED = "phone"


@dataclass(frozen=True, slots=True)
class Joined:
    """Who a phone is. is_new: whether it came for the first time."""

    principal: Principal
    is_new: bool = False


class Devices:
    """Exchanges an open invite for one of each device that uses it; used on one event loop.

    The invite's id follows from the open one's and the device's, so nothing else is to be kept,
    and a member that was renamed keeps its phone. Whoever has the same open invite and knows a
    device's id can speak as it; who has an invite of their own cannot be spoken for.
    A phone whose member was forgotten, or whose invite was revoked, is out as long as the open
    invite lives: nobody switched it off. Another open invite, or one of its own, lets it in again.
    """

    def __init__(self, invites: Invites) -> None:
        self._invites = invites

    async def holder(self, principal: Principal, device: str, name: str) -> Joined:
        """Return who sends: the invite's member, of an open one the device's.

        device: by which the app knows its phone; name: what to call a new one, made so that
        nobody else has it. An open invite that expired not long ago is taken: a phone may come
        home late. Raises Gone, Conflict, AccessDenied, StoreError.
        """
        if principal.kind != "invite" or principal.member is not None:
            return Joined(principal)
        roles = tuple(sorted(principal.roles - {MANAGE}))
        if not roles:
            principal.speaker  # noqa: B018 -- says that it has no name to share under
        invite_id = device_invite(principal.id, device)
        is_new = False
        for wanted in _names(name):
            try:
                before = self._invites.holds(invite_id)
                wish = Wish(member_name(wanted), roles)
                info = await self._invites.exchange(principal, wish, invite_id=invite_id, late=True)
                is_new = not before
                break
            except InvalidName:
                continue
            except Conflict as error:
                if error.code != "member_taken":
                    raise
        else:
            raise Conflict(f"no name like {name[:64]!r} is free", code="member_taken", field="member")
        return Joined(self._invites.check_still(holder_of(info), late=True), is_new)

    def check_still(self, principal: Principal) -> None:
        """Raise Gone if the invite of who sends has ended since it was looked at."""
        self._invites.check_still(principal, late=True)


def _names(name: str) -> Iterator[str]:
    """Give names to try: as the phone is called, then with a number behind."""
    text = "".join(
        " " if char in "/:" or char in BIDI_CONTROLS or not char.isprintable() else char
        for char in unicodedata.normalize("NFC", name)
    )
    base = " ".join(text.split())[:_LONGEST].strip() or _UNNAMED
    yield base
    for number in range(2, _TRIES):
        yield f"{base} {number}"
