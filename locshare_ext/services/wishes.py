"""What somebody asks for who wants an invite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locshare_ext.broker.access import ROLES
from locshare_ext.errors import InvalidInput, InvalidName
from locshare_ext.model.names import member_name, near_names

__all__ = ["MOST_USES", "Wish", "read_wish"]

_FIELDS = ("member", "roles", "expires_in", "uses")
MOST_USES = 1_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """member: None for an open invite. roles: sorted. expires_in: seconds. uses: of an open one.

    What is None was not asked for.
    """

    member: str | None = None
    roles: tuple[str, ...] | None = None
    expires_in: float | None = None
    uses: int | None = None


def read_wish(sent: Mapping[str, Any], *, longest: float) -> Wish:
    """Read a request's JSON object; longest: the most seconds of `expires_in`.

    Raises InvalidInput and InvalidName that name the field.
    """
    for name in sent:
        if name not in _FIELDS:
            near = near_names(str(name)[:64], _FIELDS, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"expected {', '.join(_FIELDS)}"
            raise InvalidInput(
                f"field {str(name)[:64]!r} is unknown; {hint}", code="unknown_field", field=str(name)[:64]
            )
    member = sent.get("member")
    if member is not None and not isinstance(member, str):
        raise InvalidName(f"member {str(member)[:64]!r} is not text", field="member")
    return Wish(
        None if member is None else member_name(member),
        None if sent.get("roles") is None else _roles(sent["roles"]),
        None if sent.get("expires_in") is None else _seconds(sent["expires_in"], longest),
        None if sent.get("uses") is None else _uses(sent["uses"], member),
    )


def _roles(sent: object) -> tuple[str, ...]:
    names = sent.replace(",", " ").split() if isinstance(sent, str) else sent
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidInput(
            f"roles are some of {', '.join(ROLES)}, as a list or as text with spaces between",
            code="roles_unknown",
            field="roles",
        )
    for name in names:
        if name not in ROLES:
            raise InvalidInput(
                f"role {name[:40]!r} is unknown; expected {', '.join(ROLES)}",
                code="roles_unknown",
                field="roles",
            )
    return tuple(sorted(set(names)))


def _seconds(sent: object, longest: float) -> float:
    is_number = isinstance(sent, int | float) and not isinstance(sent, bool)
    if not is_number or not 1 <= sent <= longest:  # type: ignore[operator]
        raise InvalidInput(
            f"expires_in {str(sent)[:40]} is not a number of seconds from 1 to {longest:g} "
            f"({longest / 86_400:g} days)",
            code="expires_in_out_of_range",
            field="expires_in",
        )
    return float(sent)  # type: ignore[arg-type]


def _uses(sent: object, member: object) -> int:
    if member is not None:
        raise InvalidInput(
            "uses is for open invites, which name no member: it counts who joins by them",
            code="uses_out_of_range",
            field="uses",
        )
    if isinstance(sent, bool) or not isinstance(sent, int) or not 1 <= sent <= MOST_USES:
        raise InvalidInput(
            f"uses {str(sent)[:40]} is not a whole number from 1 to {MOST_USES}",
            code="uses_out_of_range",
            field="uses",
        )
    return sent
