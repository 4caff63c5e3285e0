"""Who may do what."""

from __future__ import annotations

import pytest

from locshare_ext.broker.access import MANAGE, PUBLISH, WATCH, Principal, Role, require
from locshare_ext.errors import AccessDenied

HOST = Principal("host", "host")
ANN = Principal("x1", "invite", "hikers", frozenset({PUBLISH, WATCH}), "ann")
SCREEN = Principal("x2", "invite", "hikers", frozenset({WATCH}))
LEADER = Principal("x3", "invite", "hikers", frozenset({MANAGE}))
NOBODY = Principal("x4", "invite", "hikers", frozenset())


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        (HOST, {PUBLISH, WATCH, MANAGE}),
        (ANN, {PUBLISH, WATCH}),
        (SCREEN, {WATCH}),
        (LEADER, {PUBLISH, WATCH, MANAGE}),
        (NOBODY, set()),
    ],
)
@pytest.mark.parametrize("role", [PUBLISH, WATCH, MANAGE])
def test_roles(principal: Principal, may: set[Role], role: Role) -> None:
    if role in may:
        require(principal, "hikers", role)
    else:
        with pytest.raises(AccessDenied, match=f"may not {role}"):
            require(principal, "hikers", role)
    for elsewhere in ("cyclists", "HIKERS", "hikers ", None):
        if principal is HOST:
            require(principal, elsewhere, role)
        else:
            with pytest.raises(AccessDenied, match="is for group 'hikers'"):
                require(principal, elsewhere, role)
