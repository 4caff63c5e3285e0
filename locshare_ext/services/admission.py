"""What of a body is taken: whose each fix is, when it counts, how exact its place may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from locshare_ext.broker.access import MANAGE, Principal
from locshare_ext.errors import Gone, InvalidName, LocShareError
from locshare_ext.model import wire
from locshare_ext.model.clock import utc_text
from locshare_ext.model.coarse import coarsened
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import member_name

__all__ = ["Admission", "nothing_good"]


class Admission:
    """The rules for one body of one principal for a group, by slug, received at `received` (ms).

    member_of: gives a member's name as the group has it, or raises. precision: metres of the
    grid that places are put on, None for as they were measured.
    """

    def __init__(
        self,
        principal: Principal,
        group: str,
        received: int,
        member_of: Callable[[str], str],
        precision: float | None,
    ) -> None:
        self._principal = principal
        self._received = received
        self._member_of = member_of
        self._precision = precision
        # nobody speaks for another, but who may manage
        self._own = None if principal.may(group, MANAGE) else principal.speaker
        has_ended = principal.expires is not None and received >= principal.expires
        self._ended = principal.expires if has_ended else None

    def admit(
        self, decoded: wire.Decoded, raws: Callable[[], Sequence[bytes]]
    ) -> tuple[list[Fix], list[wire.Refused]]:
        """Return the good fixes of a body, and those set aside by their place in it.

        raws: gives what was sent, by place; asked only when something is set aside.
        """
        fixes: list[Fix] = []
        refused = decoded.refused
        own, received, member_of, principal = self._own, self._received, self._member_of, self._principal
        is_plain = self._ended is None and self._precision is None
        for index, sent in decoded.fixes:
            try:
                name = own if own is not None else sent.member
                fix = wire.bind(sent, member_of(principal.speaker if name is None else name), received)
                fixes.append(fix if is_plain else self._checked(fix))
            except LocShareError as error:  # this one is set aside, the others go on
                refused.append(wire.Refused(index, error, b""))
        if refused:
            refused.sort(key=lambda one: one.index)
            sent_as = raws()  # only now: who sends good ones pays nothing for it
            refused = [self.refused(one.index, one.error, sent_as[one.index]) for one in refused]
        return fixes, refused

    def refused(self, index: int, error: LocShareError, raw: bytes) -> wire.Refused:
        """Return what is set aside, with whose it is and who sent it."""
        is_coarse = self._precision is not None
        return wire.Refused(index, error, raw, self._whose(raw), self._principal.id, is_coarse)

    def _whose(self, raw: bytes) -> str | None:
        """Return the member of what was refused; None where a name cannot be told."""
        if self._own is not None:
            return self._own
        try:
            sent = wire.member_in(raw, self._principal.speaker)
            return None if sent is None else member_name(sent)
        except InvalidName:
            return None

    def _checked(self, fix: Fix) -> Fix:
        if self._ended is not None and fix.time >= self._ended:
            raise Gone(
                f"this fix was measured after the invite had expired at {utc_text(self._ended)}: "
                "ask for a new one",
                code="invite_expired",
                field="time",
            )
        return fix if self._precision is None else coarsened(fix, self._precision)


def nothing_good(refused: list[wire.Refused]) -> LocShareError:
    """Return the error of a body without one good fix: that of its first, with all of them."""
    first = refused[0].error
    return type(first)(
        first.message if len(refused) == 1 else f"fix {refused[0].index}: {first.message}",
        code=first.code,
        field=first.field,
        details={"set_aside": [one.as_json() for one in refused]} if len(refused) > 1 else None,
    )
