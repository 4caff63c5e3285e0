"""A group of emulated phones sent out to a server: invited, set up, run, and their invites revoked."""

from __future__ import annotations

import asyncio
import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from locshare_ext.client.http import Api, path_of
from locshare_ext.client.invites import Invite, Wish, make_invite
from locshare_ext.client.phones.apps import App, dealt
from locshare_ext.client.phones.clock import Clock
from locshare_ext.client.phones.fleet import Carried, Fleet, Trouble
from locshare_ext.client.phones.network import Network
from locshare_ext.client.phones.phone import Counts, Phone
from locshare_ext.client.phones.shapes import Handset, Reply, Request
from locshare_ext.errors import LocShareError, NotFound
from locshare_ext.model.names import group_slug
from locshare_ext.transports.address import Server
from locshare_ext.transports.http import Http
from locshare_ext.transports.items import Traffic

__all__ = ["Conditions", "Outing", "handset", "invited", "run_fleet"]

_TOLD = 0.25  # s between two calls of `progress`


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the phones go through, see `Network`: drop in [0, 1), late in seconds, and the seed."""

    drop: float = 0.0
    late: float = 0.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outing:
    """Who goes: the members' phones have the apps in turn.

    expires: until when their invites live, a span.
    """

    group: str
    members: Sequence[str]
    apps: Sequence[App]
    conditions: Conditions = Conditions()
    expires: str = "7d"

    def phones(self, tokens: Mapping[str, str]) -> dict[str, Carried]:
        """Return the members' phones, set up with their invites."""
        seed, drop, late = self.conditions.seed, self.conditions.drop, self.conditions.late
        apps = dealt(self.apps, len(self.members))
        return {
            member: Carried(
                Phone(app, handset(member, number), member),
                Network(f"{seed} {member}", drop=drop, late=late),
                tokens[member],
            )
            for number, (member, app) in enumerate(zip(self.members, apps, strict=True))
        }


def handset(member: str, number: int) -> Handset:
    """Return what a member might have typed as name of the device."""
    plain = unicodedata.normalize("NFKD", member).encode("ascii", "ignore").decode()
    word = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or f"phone-{number + 1}"
    return Handset(device=word, user=word, tid=f"{word[0]}{number % 36:x}"[:2])


@contextlib.contextmanager
def invited(
    api: Api, outing: Outing, *, on_left: Callable[[int, LocShareError], None]
) -> Iterator[dict[str, str]]:
    """Give each member's invite token; those that were made here are revoked at the end.

    on_left: told how many could not be, and why. Raises LocShareError.
    """
    before = _known_invites(api, outing.group)
    made: list[Invite] = []
    try:
        wish = Wish(expires=outing.expires)
        made.extend(make_invite(api, outing.group, member, wish, None) for member in outing.members)
        yield {member: invite.token for member, invite in zip(outing.members, made, strict=True)}
    finally:
        new = [invite for invite in made if invite.id not in before]
        for done, invite in enumerate(new):
            try:
                api.send("DELETE", path_of("groups", invite.group, "invites", invite.id))
            except LocShareError as error:
                on_left(len(new) - done, error)
                break


async def run_fleet(
    server: Server,
    phones: Mapping[str, Carried],
    timed: Iterable[tuple[int, Mapping[str, Any]]],
    clock: Clock,
    *,
    on_trouble: Callable[[Trouble], None] = lambda trouble: None,
    progress: Callable[[Counts], None] = lambda counts: None,
) -> Counts:
    """Have members' phones measure and send until nothing is left; see `Fleet.run`.

    server: its credential is not used. progress: called four times a second, and at the end.
    """
    http = Http(Server(server.url, None, server.ca_file, server.origin), "phones", Traffic())

    async def send(invite: str, request: Request) -> Reply:
        path = f"in/{invite}{request.path}"
        answer = await http.ask(request.method, path, request.query, request.headers, request.body)
        return Reply(answer.status, answer.body)

    fleet = Fleet(phones, send, clock, on_trouble=on_trouble)
    reporting = asyncio.create_task(_report(fleet, progress))
    try:
        return await fleet.run(timed)
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
        progress(fleet.counts())
        await http.close()


async def _report(fleet: Fleet, progress: Callable[[Counts], None]) -> None:
    while True:
        progress(fleet.counts())
        await asyncio.sleep(_TOLD)


def _known_invites(api: Api, group: str) -> set[str]:
    """Return the ids of a group's invites; it may not exist yet."""
    try:
        told = api.get(path_of("groups", group_slug(group), "invites"))
    except NotFound:
        return set()
    return {one["id"] for one in told["invites"]}
