"""Invites: made, given again, exchanged, checked, revoked; each for one group and its roles."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from locshare_ext.broker.access import MANAGE, Principal
from locshare_ext.errors import AccessDenied, Conflict, Gone, LocShareError, NotFound, StoreError, Unavailable
from locshare_ext.model.names import fold, member_name
from locshare_ext.model.store import InviteInfo
from locshare_ext.services.groups import Group, Groups
from locshare_ext.services.invite_book import InviteBook, holder_of
from locshare_ext.services.invite_rules import check_alive, check_free, is_left, left_of, state_of, to_wipe
from locshare_ext.services.tokens import (
    InviteKey,
    new_id,
    revoked_error,
    split_token,
    token_of,
    wrong_error,
)
from locshare_ext.services.wishes import Wish

__all__ = ["InviteOptions", "Invites"]

_ENOUGH = 0.9  # of the life asked for: running a cell again must not make another invite
_KEPT = 2  # times `living` rows of a group, the dead included


@dataclass(frozen=True, slots=True)
class InviteOptions:
    """What invites may be; lifetime, longest, grace in seconds.

    is_on: whether there are any at all. lifetime: when nothing else is asked; longest: at
    most. living: of one group at once. grace: how long after its end fixes measured before
    are taken, and an ended invite is remembered.
    """

    is_on: bool = True
    lifetime: float = 86_400.0
    longest: float = 30 * 86_400.0
    living: int = 10_000
    grace: float = 7 * 86_400.0


class Invites:
    """All invites of one server, in memory once one is asked for; used on one event loop.

    on_end: told the ids of invites that ended before their time, and why; what is open by
    them is to be closed. clock: ms since 1970 UTC.
    """

    def __init__(
        self,
        groups: Groups,
        *,
        clock: Callable[[], int],
        key: InviteKey,
        options: InviteOptions | None = None,
        on_end: Callable[[Iterable[str], LocShareError], None] = lambda ids, error: None,
    ) -> None:
        self.options = options or InviteOptions()
        self._groups = groups
        self._clock = clock
        self._key = key
        self._on_end = on_end
        self._book = InviteBook()
        self._loading: asyncio.Task[None] | None = None
        self._is_loaded = False
        groups.companions.append(self)

    # -- by whoever comes with one

    async def check(self, token: str, *, late: bool = False) -> Principal:
        """Return whom a token names.

        late: take one that expired less than the grace ago; its principal's `expires` then
        lies in the past. Raises AccessDenied for a wrong and for an unknown one alike, Gone
        for one that was right.
        """
        if not self.options.is_on:
            raise AccessDenied("invites are switched off on this server", code="invites_off")
        invite_id = split_token(token)
        key = self._key.key or (await self._load_key() if invite_id is not None else None)
        if invite_id is None or key is None:
            raise wrong_error()
        if not hmac.compare_digest(token_of(key, invite_id).encode(), token.encode()):
            raise wrong_error()
        if not self._is_loaded:
            await self._load()
        info = self._book.get(invite_id)
        if info is None:  # the secret is right, so there was one: of a group or a member that is gone
            raise Gone("this invite has ended: ask for a new one", code="invite_revoked")
        check_alive(info, self._clock(), self.options.grace if late else 0.0)
        return holder_of(info)

    def check_still(self, principal: Principal, *, late: bool = False) -> Principal:
        """Return a principal that was checked before as it is now: its member may have a new name.

        late: as in `check`. Raises Gone if its invite has ended since.
        """
        if principal.kind != "invite" or not self._is_loaded:
            return principal
        info = self._book.get(principal.id)
        if info is None:
            raise revoked_error()
        check_alive(info, self._clock(), self.options.grace if late else 0.0)
        return holder_of(info)

    def holds(self, invite_id: str) -> bool:
        """Return whether there is an invite of this id, living or not."""
        return self._book.get(invite_id) is not None

    async def exchange(
        self, principal: Principal, wish: Wish, *, invite_id: str | None = None, late: bool = False
    ) -> InviteInfo:
        """Give the holder of an open invite one for a name of its own; counts one use.

        It has the roles and the end of the open one at most. invite_id: it is to have, and if
        there is one of that id it is given again. late: as in `check`. Raises Conflict for a
        name that is taken, Gone when the open one was used up, AccessDenied for more roles.
        """
        await self._load()
        assert principal.group is not None  # noqa: S101 -- an invite has one
        group = await self._groups.open(principal.group)
        # no await from here to `_new`: of two that want the same name or the last use one is told
        opened = self._book.get(principal.id)
        if opened is None:
            raise revoked_error()
        if invite_id is not None and (known := self._book.get(invite_id)) is not None:
            return known
        check_alive(opened, self._clock(), self.options.grace if late else 0.0)
        roles = opened.roles if wish.roles is None else wish.roles
        if not set(roles) <= set(opened.roles):
            raise AccessDenied(
                f"this invite gives {', '.join(opened.roles)}, not {', '.join(roles)}",
                code="role_missing",
                field="roles",
            )
        name = member_name(wish.member or "")
        horizon = self._clock() - self.options.grace * 1000
        check_free(group, self._book.of_group(group.slug), name, horizon)
        if opened.uses is not None and opened.used >= opened.uses:
            raise Gone(
                f"this invite was used {opened.uses} times, as often as it may be: ask for another",
                code="invite_used_up",
            )
        expires = opened.expires if wish.expires_in is None else self._end(wish.expires_in, opened.expires)
        made = self._new(group, name, roles, expires, origin=opened.id, invite_id=invite_id)
        self._book.put(replace(opened, used=opened.used + 1))
        try:
            if not await self._groups.store.exchange_invite(opened.id, made):
                raise revoked_error()
        except BaseException:
            if (counted := self._book.get(opened.id)) is not None:
                self._book.put(replace(counted, used=counted.used - 1))
            self._book.drop(made.id)
            raise
        await self._wipe(group.slug)
        return made

    async def amend(self, principal: Principal, **chosen: float | str | None) -> InviteInfo:
        """Keep what a member's own invite says of its wishes: precision, consent, consented.

        With another precision what is open by it is closed: it connects again, bound to the new
        one. Raises Gone.
        """
        await self._load()
        info = self._book.get(principal.id)
        if info is None:
            raise revoked_error()
        check_alive(info, self._clock())
        await self._groups.store.put_invite(replace(info, **chosen))  # type: ignore[arg-type]
        if (known := self._book.get(info.id)) is not None:  # it may have ended meanwhile
            self._book.put(replace(known, **chosen))  # type: ignore[arg-type]
            if chosen.get("precision", info.precision) != info.precision:
                again = Unavailable("the precision was changed: connect again", code="precision_changed")
                self._on_end([info.id], again)
        return self._book.get(info.id) or info

    # -- by whoever manages the group

    async def make(self, principal: Principal, group: Group, wish: Wish) -> tuple[InviteInfo, bool]:
        """Return an invite as wished, and whether it is new; a living one of the same is given again.

        The group is one that the store knows. Invites made with an invite end with it, and none
        that outlives it is given again. Raises Conflict when the group has too many.
        """
        await self._load(make_key=True)
        roles = wish.roles or ("publish", "watch")
        name = None if wish.member is None else _known_name(group, member_name(wish.member))
        living = self._living(principal, group.slug, name, roles, wish)
        if living is not None:
            return living, False
        expires = self._end(wish.expires_in, principal.expires)
        origin = principal.id if principal.kind == "invite" else None
        made = self._new(group, name, roles, expires, uses=wish.uses, origin=origin)
        try:
            await self._groups.store.put_invite(made)
        except BaseException:
            self._book.drop(made.id)
            raise
        await self._wipe(group.slug)
        return made, True

    async def all(self, group: Group) -> list[InviteInfo]:
        """Return a group's invites, living and ended, by time of creation."""
        await self._load()
        found = (info for info in self._book.of_group(group.slug) if not is_left(info))
        return sorted(found, key=lambda info: (info.created, info.id))

    async def find(self, group: Group, invite_id: str) -> InviteInfo:
        """Return one invite of a group; raises NotFound."""
        await self._load()
        info = self._book.get(invite_id)
        if info is None or info.log != group.slug or is_left(info):
            raise NotFound(f"invite {invite_id[:64]!r} does not exist", code="invite_not_found")
        return info

    async def revoke(self, group: Group, invite_id: str) -> InviteInfo:
        """End an invite, what is open by it, and what a manager made with it; twice is no error.

        Raises NotFound.
        """
        info = await self.find(group, invite_id)
        if info.revoked is None:
            info = await self._revoke(info)
        if MANAGE in info.roles:  # else there are only those who joined by an open one
            for made in self._book.of_group(group.slug):
                if made.origin == info.id and self.state(made) == "living":
                    await self.revoke(group, made.id)
        return info

    async def token(self, info: InviteInfo) -> str:
        """Return the token of an invite, to be shown (again); raises Unavailable."""
        key = self._key.key or await self._key.load(make=True)
        assert key is not None  # noqa: S101 -- made if there was none
        return token_of(key, info.id)

    def state(self, info: InviteInfo) -> Literal["living", "expired", "revoked"]:
        """Return whether an invite is taken now, and if not why."""
        return state_of(info, self._clock())

    def shows(self, principal: Principal, info: InviteInfo) -> bool:
        """Return whether somebody who manages the group may be given an invite's token.

        It lives, and is no way to stay for who came with an invite that ends before.
        """
        return self.state(info) == "living" and (
            principal.expires is None or info.expires <= principal.expires
        )

    # -- what groups tell their companions

    async def knows(self, group: Group, member: str) -> bool:
        """Whether a member has an invite, even if nothing else."""
        await self._load()
        return bool(self._book.of_member(group.slug, member))

    async def forgetting(self, group: Group, member: str) -> None:
        """End a member's invites: nobody comes back by them, and they tell nothing of it any more."""
        await self._load()
        store = self._groups.store
        for info in self._book.of_member(group.slug, member):
            if info.revoked is None:
                await self._revoke(info)
            await store.delete_invites([info.id])  # with the places of its subscriptions
            self._book.drop(info.id)
            if info.origin is not None:  # else nothing brings it back
                left = left_of(info, self._clock())
                self._book.put(left)
                await store.put_invite(left)

    def renamed(self, group: Group, member: str, name: str) -> None:
        """Let a member's invites name it as it is called now; who is connected connects again."""
        its = self._book.of_member(group.slug, member)
        for info in its:
            self._book.put(replace(info, member=name))
        again = Unavailable(f"the member is called {name!r} now: connect again", code="member_renamed")
        self._on_end([info.id for info in its], again)

    def deleted(self, slug: str) -> None:
        """End all invites of a group that is gone, with its rows."""
        ids = [info.id for info in self._book.of_group(slug)]
        for invite_id in ids:
            self._book.drop(invite_id)
        self._on_end(ids, revoked_error("its group was deleted"))

    # -- inside

    async def _load(self, *, make_key: bool = False) -> None:
        """Have the key and the table in memory; raises StoreError, Unavailable."""
        if self._key.key is None:
            await self._key.load(make=make_key)
        if self._is_loaded:
            return
        if self._loading is None:
            self._loading = asyncio.ensure_future(self._read())
            self._loading.add_done_callback(self._read_done)
        await asyncio.shield(self._loading)

    async def _read(self) -> None:
        for info in await self._groups.store.invites():
            self._book.put(info)
        self._is_loaded = True
        for slug in self._book.groups():
            await self._wipe(slug)

    def _read_done(self, task: asyncio.Task[None]) -> None:
        self._loading = None
        if not task.cancelled():
            task.exception()  # whoever waits is told

    async def _load_key(self) -> bytes | None:
        try:
            return await self._key.load()
        except Unavailable as error:  # names a path, which is for the owner alone
            raise Unavailable(
                "invites cannot be checked on this server now: its owner is told why when making one",
                code=error.code,
            ) from error

    def _living(
        self, principal: Principal, slug: str, name: str | None, roles: tuple[str, ...], wish: Wish
    ) -> InviteInfo | None:
        """Return a living invite that is as good as a new one, None if there is none."""
        least = 0.0 if wish.expires_in is None else wish.expires_in * _ENOUGH * 1000
        now = self._clock()
        if principal.expires is not None:  # a new one would not live longer
            least = min(least, (principal.expires - now) * _ENOUGH)
        found = [
            info
            for info in self._book.of_member(slug, name)
            if self.shows(principal, info)
            and info.expires - now >= least
            and info.roles == roles
            and info.uses == wish.uses
            and (info.uses is None or info.used == 0)
        ]
        return max(found, key=lambda info: info.expires, default=None)

    def _end(self, lifetime: float | None, most: int | None) -> int:
        """Return when (ms) an invite of so many seconds ends, at `most` at the latest."""
        end = self._clock() + round((self.options.lifetime if lifetime is None else lifetime) * 1000)
        return end if most is None else min(end, most)

    def _new(
        self,
        group: Group,
        name: str | None,
        roles: tuple[str, ...],
        expires: int,
        *,
        uses: int | None = None,
        origin: str | None = None,
        invite_id: str | None = None,
    ) -> InviteInfo:
        if (
            sum(self.state(info) == "living" for info in self._book.of_group(group.slug))
            >= self.options.living
        ):
            raise Conflict(
                f"group {group.slug!r} has {self.options.living} living invites, as many as may be: "
                "revoke some first",
                code="too_many_invites",
            )
        made = invite_id or new_id()
        info = InviteInfo(made, group.slug, roles, name, self._clock(), expires, uses, origin=origin)
        self._book.put(info)
        return info

    async def _revoke(self, info: InviteInfo) -> InviteInfo:
        revoked = replace(info, revoked=self._clock())
        await self._groups.store.put_invite(revoked)
        if (known := self._book.get(info.id)) is not None:  # it may have been used meanwhile
            self._book.put(replace(known, revoked=revoked.revoked))
        self._on_end([info.id], revoked_error())
        return revoked

    async def _wipe(self, slug: str) -> None:
        """Remove what ended longer ago than the grace, and the oldest that ended when there are many."""
        horizon = self._clock() - self.options.grace * 1000
        gone = to_wipe(self._book.of_group(slug), self._clock(), horizon, _KEPT * self.options.living)
        if gone:
            with suppress(StoreError):  # another time: who comes with an invite must not wait for this
                await self._groups.store.delete_invites(gone)
                for invite_id in gone:
                    self._book.drop(invite_id)


def _known_name(group: Group, name: str) -> str:
    return group.names.get(fold(name), name)
