"""Inviting on a map: the card goes to the page that asked, and to no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import NotFound
from locshare_ext.widget.card import card_of, status_of

if TYPE_CHECKING:
    from locshare_ext.client.group import Group
    from locshare_ext.client.invites import Invite
    from locshare_ext.widget.layer import TrailLayer

__all__ = ["Inviting"]


class Inviting:
    """Invites for a page, and tells it whether somebody has come; used on one thread."""

    def __init__(self, layer: TrailLayer, group: Group) -> None:
        self._layer = layer
        self._group = group
        self._made: dict[str, Invite] = {}

    def invite(self, asked: Mapping[str, Any]) -> str:
        """Invite `member`, without one whoever gets the card, and show the card to `page`; returns its id."""
        member = str(asked.get("member") or "").strip() or None
        made = self._group.invite(member)
        self._made[made.id] = made
        self._layer.show_card(str(asked.get("page")), card_of(self._group, made))
        return made.id

    def status(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return how the invite `id` stands; nothing of that is a secret."""
        made = self._made.get(str(asked.get("id")))
        if made is None:  # of an earlier life of the kernel
            raise NotFound("this map does not know the invite any more", code="invite_not_found")
        return status_of(self._group, made)
