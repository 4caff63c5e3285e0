"""A group of which nothing is kept, as a notebook has it."""

from __future__ import annotations

import pytest

from locshare_ext import Group
from locshare_ext.errors import Conflict, InvalidInput
from tests.client.conftest import Collected, attach
from tests.support.served import Served


def test_what_it_has_and_what_it_refuses(served: Served, group: Group, collected: Collected) -> None:
    assert group.configure(ephemeral=True)["ephemeral"] is True
    assert group.settings()["ephemeral"] is True
    group.on_fix(collected.add)
    group.publish(lat=1.0, lon=2.0, time="2026-11-22T10:00Z")
    (fix,) = collected.wait_count(1)
    assert (fix.flags, fix.cursor is None) == ((), False)  # it is as good as any, while the server lives
    assert len(group.trails()) == len(group.latest()) == 1
    with pytest.raises(Conflict, match=r"ephemeral.*cannot be recorded"):
        group.record("walk")
    with pytest.raises(Conflict, match="cannot be recorded"):
        group.record("walk", since="2026-11-22T09:00Z")
    assert group.recordings() == []
    with pytest.raises(Conflict, match="stays so"):
        group.configure(ephemeral=False)
    with pytest.raises(InvalidInput, match="true or false"):
        group.configure(ephemeral="yes")
    assert group.forget(group.me) == 1
    assert len(attach(served, group.name).trails()) == 0
