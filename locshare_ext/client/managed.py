"""What a group's host does: its settings, whom it invites, what is removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from locshare_ext.client import registry
from locshare_ext.client.attached import Attached, warn_unknown
from locshare_ext.client.invites import Invite, Wish, invites_frame, make_invite, revoke_invites
from locshare_ext.client.phone_reach import reach_of
from locshare_ext.client.roster import Person, roster_frame, roster_of
from locshare_ext.client.sheet import check_language, sheet, write_sheet
from locshare_ext.client.times import ms_from
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.model.names import member_name
from locshare_ext.model.setups import setups

if TYPE_CHECKING:
    import os

    import pandas as pd

__all__ = ["Managed"]


class Managed(Attached):
    """What needs the role manage, notes aside."""

    def settings(self) -> dict[str, Any]:
        """Return the group's settings as the server has them, such as `stale`, `lost` and `gap` (s).

        Empty for a group that does not exist yet.
        """
        return dict(self._about(is_warning=False)["settings"])

    def configure(self, **settings: Any) -> dict[str, Any]:
        """Change settings, such as `title="Hikers", stale=30`; None resets one; returns all of them.

        title: what people call it. stale, lost, gap: seconds, see `settings`. retention:
        seconds that fixes are kept, retention_bytes: that they may take. ephemeral: True keeps
        them in the server's memory only, never on a disk; settled before the first fix.
        precision: metres to which positions are rounded before anybody gets them. tz: a zone
        such as Asia/Seoul. consent: what members are told. interval: seconds between requests that
        phones are asked for whose app takes it (Overland). A group that nobody has shared in
        yet begins with it. Raises InvalidInput.
        """
        try:
            answer = self._api.send("PATCH", self._path(), settings)
        except NotFound as error:
            if error.code != "group_not_found":
                raise
            answer = self._api.send("POST", self._path(), {"title": self._title, **settings})
        self._title = str(answer["title"])
        return dict(answer["settings"])

    # invites

    @overload
    def invite(  # type: ignore[overload-overlap]  # one name is an iterable of letters, too
        self,
        member: str | None = ...,
        *,
        roles: str | Sequence[str] | None = ...,
        expires: str | timedelta | datetime | None = ...,
        uses: int | None = ...,
        address: str | None = ...,
    ) -> Invite: ...

    @overload
    def invite(
        self,
        member: Iterable[str],
        *,
        roles: str | Sequence[str] | None = ...,
        expires: str | timedelta | datetime | None = ...,
        address: str | None = ...,
    ) -> list[Invite]: ...

    def invite(
        self,
        member: str | Iterable[str] | None = None,
        *,
        roles: str | Sequence[str] | None = None,
        expires: str | timedelta | datetime | None = None,
        uses: int | None = None,
        address: str | None = None,
    ) -> Invite | list[Invite]:
        """Invite a member, several, or with no name whoever gets the link.

        roles: such as "publish watch", which is the default. expires: a span such as "3h", or
        a moment; 24 h if not given. uses: how many may pick a name with an open invite.
        address: the server's, as those who are invited reach it; as this kernel does if not
        given. Inviting a member again gives the living invite. Raises AccessDenied, Conflict.
        """
        wish = Wish(roles, expires, uses, address)
        if member is None or isinstance(member, str):
            return make_invite(self._api, self._title, member, wish, self._tz)
        names = [member_name(one) for one in member]  # a bad name is told before the first is invited
        return [make_invite(self._api, self._title, name, wish, self._tz) for name in names]

    def invites(self) -> pd.DataFrame:
        """Return one row per invite: id, member, roles, state, times, uses, open connections.

        No secret is in it; a member's living link is given again by `invite(member).link`.
        """
        try:
            told = self._api.get(self._path("invites"))["invites"]
        except NotFound as error:
            warn_unknown(error)
            told = []
        return invites_frame(told)

    def roster(self) -> pd.DataFrame:
        """Return one row per member or invited member, those who want the host's eye first.

        Columns: member; state (`here`, `no position`: heard of, but not where; `silent`, `lost`,
        `not joined`, `expired`, `revoked`); time of the newest position; age of that and of the
        last sign of life; battery (0-1); accuracy (m); invite and when it expires.
        """
        return roster_frame(self._people())

    def _people(self) -> list[Person]:
        about = self._about(is_warning=False)
        told = self._api.get(self._path("invites"))["invites"] if about["settings"] else []
        return roster_of(about, told)

    def sheet(
        self,
        path: str | os.PathLike[str],
        members: Iterable[str],
        *,
        address: str | None = None,
        language: str = "en",
        **wish: Any,
    ) -> Path:
        """Invite members and write their cards to a page to print, eight to a sheet of A4; returns its path.

        Whoever reads the file has the invites: nobody but its owner may open it. address: of
        the server, as phones reach it, if that is not what the server says of itself. wish: as
        of `invite`. Raises InvalidInput where no phone could come, before anybody is invited.
        """
        check_language(language)
        reach = reach_of(self._api, address)
        if not reach.page:
            raise InvalidInput(f"no code that a phone could use: {reach.sentence}", field="address")
        invites = self.invite(list(members), address=address, **wish)
        base = f"{reach.url}locshare/"
        ways = [next(iter(setups(base, one.token, one.member))).link for one in invites]
        return write_sheet(path, sheet(invites, ways, self._title, language))

    def revoke(self, invite: Invite | str) -> int:
        """End an invite now: itself, its id or link; or all living ones of a member; returns how many.

        Whoever is connected with it is told so. Raises NotFound.
        """
        return revoke_invites(self._api, self._name, invite)

    # what is written and removed

    def note(self, text: str, *, at: Any = None, member: str | None = None) -> str:
        """Put a note on the group's timeline, now or at a moment; `events()` has it.

        member: whom it concerns, None for the whole group. Returns its id, for `remove_note`.
        """
        body: dict[str, Any] = {"text": text}
        if at is not None:
            body["time"] = ms_from(at, tz=self._tz, field="at")
        if member is not None:
            body["member"] = member
        return str(self._api.send("POST", self._path("notes"), body)["id"])

    def message(self, text: str) -> str:
        """Say something to all: it is shown on every share page, and on the timeline of every map.

        Returns its id, for `remove_note`.
        """
        return str(self._api.send("POST", self._path("notes"), {"kind": "message", "text": text})["id"])

    def remove_note(self, note: str) -> None:
        """Remove a note or message by its id; one's own, or any with the role manage. Raises NotFound."""
        if not isinstance(note, str):
            raise InvalidInput(f"remove_note wants the id that note() returned, got {type(note).__name__}")
        self._api.send("DELETE", self._path("notes", note))

    def rename(self, member: str, name: str, *, merge: bool = False) -> str:
        """Give a member another name, in all that is kept of it and in its invites; returns the name.

        merge: whether the name may be another member's, as of who came back with another
        phone. Then both are one from now on, under that one's name: fixes that both sent are
        kept once, and what was two cannot be parted again. Raises Conflict for a name that is
        taken, without `merge`; NotFound, InvalidName.
        """
        wish: dict[str, Any] = {"name": name, **({"merge": True} if merge else {})}
        renamed = str(self._api.send("PATCH", self._path("members", member), wish)["member"])
        feed = registry.existing(self._key)
        if feed is not None:
            feed.rename(member, renamed)
        return renamed

    def forget(self, member: str) -> int:
        """Remove every trace of a member, from recordings too, for good; returns how many fixes.

        With an invite of one's own, "me" is oneself. Raises NotFound.
        """
        removed = int(self._api.send("DELETE", self._path("members", member))["forgotten"])
        feed = registry.existing(self._key)
        if feed is not None:
            feed.forget(self.me if member == "me" else member)
        return removed
