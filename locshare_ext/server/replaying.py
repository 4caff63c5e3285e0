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
    own = principal.group
    if own is not None and not any(one.id == replay_id and one.group == own for one in site.replays.all()):
        require(principal, None, role)
    replay = site.replays.get(replay_id, field=field)
    require(principal, replay.group, role)
    return replay
