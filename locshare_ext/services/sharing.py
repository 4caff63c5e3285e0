"""What a member is told before it shares, and what it chooses: consent, precision."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from locshare_ext.broker.access import WATCH, Principal
from locshare_ext.errors import Conflict, InvalidInput
from locshare_ext.model.event import Event
from locshare_ext.model.store import InviteInfo, Selection
from locshare_ext.services.groups import Group, Groups
from locshare_ext.services.invites import Invites
from locshare_ext.services.settings import COARSEST

__all__ = ["Choice", "Sharing", "consent_version", "read_choice"]

_TERMS = "1"  # of what the share page says by itself; another number when that means something else
_MESSAGES = 5
_RECENT = 86_400_000  # ms; older messages of the host are not shown again


def consent_version(text: str | None) -> str:
    """Return what names a consent text: another text has another one."""
    if text is None:
        return _TERMS
    return f"{_TERMS}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a member sets; a field that is not in `fields` stays. precision: m, None: exact."""

    fields: frozenset[str]
    precision: float | None = None
    consent: str | None = None


def read_choice(sent: dict[str, Any]) -> Choice:
    """Read a request's JSON object {"precision", "consent"}; raises InvalidInput."""
    for name in sent:
        if name not in ("precision", "consent"):
            shown = str(name)[:64]
            raise InvalidInput(
                f"field {shown!r} is unknown; expected precision, consent", code="unknown_field", field=shown
            )
    precision, consent = sent.get("precision"), sent.get("consent")
    is_number = isinstance(precision, int | float) and not isinstance(precision, bool)
    if precision is not None and not (is_number and 1 <= precision <= COARSEST):
        raise InvalidInput(
            f"precision {str(precision)[:40]} is not a number of metres in [1, {COARSEST}]", field="precision"
        )
    if consent is not None and not isinstance(consent, str):
        raise InvalidInput("consent is not text: it is the version of what is agreed to", field="consent")
    return Choice(frozenset(sent), None if precision is None else float(precision), consent)


class Sharing:
    """Tells a member who sees what of it until when, and keeps what it chooses; clock: ms."""

    def __init__(self, groups: Groups, invites: Invites, *, clock: Callable[[], int]) -> None:
        self._groups = groups
        self._invites = invites
        self._clock = clock

    async def choose(self, principal: Principal, choice: Choice) -> None:
        """Keep the choice of a member with its own invite, and tell the group of a consent.

        Raises InvalidInput for a credential that is no member's, Conflict when the text is not
        the one that was agreed to, Gone.
        """
        if principal.kind != "invite" or principal.member is None or principal.group is None:
            raise InvalidInput("this credential is for no single member", code="no_member", field="member")
        group = await self._groups.open(principal.group)
        chosen: dict[str, float | str | None] = {}
        if "precision" in choice.fields:
            chosen["precision"] = choice.precision
        if "consent" in choice.fields:
            current = consent_version(group.settings["consent"])
            if choice.consent not in (None, current):
                raise Conflict(
                    f"what the group tells its members is version {current!r} by now: read it again",
                    code="consent_changed",
                    field="consent",
                )
            now = self._clock()
            chosen |= {"consent": choice.consent, "consented": None if choice.consent is None else now}
            self._groups.member_of(group, principal.member)  # raises when there is no room for one more
        before = await self._invites.find(group, principal.id)
        after = await self._invites.amend(principal, **chosen)
        if after.consent != before.consent:
            await self._note(group, after)

    async def _note(self, group: Group, invite: InviteInfo) -> None:
        """Put on the log that a member agreed, and to what, or that it agrees no more."""
        now = self._clock()
        agreed = invite.consent is not None
        event = Event(
            kind="join" if agreed else "leave",
            time=now,
            received=now,
            member=self._groups.member_of(group, invite.member or ""),
            data={"consent": invite.consent} if invite.consent is not None else None,
        )
        await self._groups.note(group, event)
        group.is_stored = True

    async def told(self, principal: Principal, group: Group, retention: int | None) -> dict[str, Any]:
        """Return what a member should know of its sharing; retention: the server's, in s.

        Names of watchers are those of living invites; the host and its notebooks see a group always.
        """
        info = await self._invites.find(group, principal.id)
        watchers = [
            one.member
            for one in await self._invites.all(group)
            if self._invites.state(one) == "living" and ({WATCH, "manage"} & set(one.roles))
        ]
        recordings = await self._groups.store.recordings()
        since = Selection(since=self._clock() - _RECENT, clock="received")
        said = await self._groups.store.events(group.slug, since, kind="message")
        return {
            "precision": info.precision,
            "consented": info.consent,
            "group_precision": group.settings["precision"],
            "retention": group.settings["retention"] or retention,
            "ephemeral": group.settings["ephemeral"],
            "recordings": [one.name for one in recordings if one.log == group.slug and one.until is None],
            "watchers": sorted({name for name in watchers if name is not None and name != principal.member}),
            "open_watchers": None in watchers,
            "messages": [msgspec.to_builtins(entry.item) for entry in said[-_MESSAGES:]],
        }
