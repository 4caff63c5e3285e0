"""Which replay somebody may watch or steer."""

from __future__ import annotations

from locshare_ext.broker.access import Principal, Role, require
from locshare_ext.server.site import Site
from locshare_ext.services.replay import Replay

__all__ = ["find_replay"]


def find_replay(
    site: Site, principal: Principal, replay_id: str, role: Role, *, field: str | None = None
) -> Replay:
    """Return a replay for who has a role in its recording's group (of an import: in all groups).

    Raises NotFound; and AccessDenied, the same whether there is such a one in another group or not.
    """
    own = (one.id == replay_id and principal.covers(one.group) for one in site.replays.all())
    if principal.is_limited and not any(own):
        require(principal, None, role)
    replay = site.replays.get(replay_id, field=field)
    require(principal, replay.group, role)
    return replay
