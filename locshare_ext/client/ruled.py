"""Rules that a group keeps on its server, besides those that are held in this kernel."""

from __future__ import annotations

from typing import Any, Literal

from locshare_ext.alerts import Rule, rule_from_json, rule_to_json
from locshare_ext.client.alerted import AlertCallback, RuleOrRules, rules_of
from locshare_ext.client.live import Live
from locshare_ext.client.managed import Managed
from locshare_ext.errors import InvalidInput

__all__ = ["Ruled"]

Where = Literal["kernel", "server"]


class Ruled(Live, Managed):
    """The rules of a group, here and there."""

    def alert(
        self,
        rule: RuleOrRules,
        call: AlertCallback | None = None,
        *,
        thread: Literal["feed", "main"] = "feed",
        where: Where = "kernel",
    ) -> None:
        """Hold a rule, or several, to every fix from now on: `Geofence`, `Proximity`, `Silence`, `Speed`.

        where: "kernel" for as long as this one runs, and with each `Alert` of these `call` is called;
        or "server", which keeps them for the group (role manage), and puts what they tell onto its
        log: for `events()`, every map's timeline, and `/topic/group.NAME.events`. Of one rule those
        are up to 100 at once, and one in 2 s for long.

        `on_alert` is called with those of all rules here. A rule replaces the one of its name, and
        the same again changes nothing. Where everybody is already sets off nothing. `rules()` says
        what is held, `off_alert` ends it. Raises InvalidInput, AccessDenied.
        """
        if _check_where(where) == "kernel":
            super().alert(rule, call, thread=thread)
            return
        if call is not None:
            raise InvalidInput('call is for where="kernel"; the server\'s alerts are events', field="call")
        new = {one.name: rule_to_json(one) for one in rules_of(rule)}
        kept = {one["name"]: one for one in self._kept_rules()}
        self.configure(alerts=list({**kept, **new}.values()))

    def off_alert(self, what: str | Rule | AlertCallback, *, where: Where = "kernel") -> None:
        """Hold a rule no longer, by itself or its name; or stop calling a function of `on_alert`.

        Raises InvalidInput for a name that no rule has.
        """
        if _check_where(where) == "kernel":
            super().off_alert(what)
            return
        name = what.name if isinstance(what, Rule) else what
        kept = self._kept_rules()
        left = [one for one in kept if one["name"] != name]
        if len(left) == len(kept):
            held = ", ".join(repr(one["name"]) for one in kept) or "none"
            raise InvalidInput(f"name {name!r} is no rule's on the server; there are {held}", field="name")
        self.configure(alerts=left or None)

    def rules(self, *, where: Where = "kernel") -> list[Rule]:
        """Return the rules that are held here, or on the server."""
        if _check_where(where) == "kernel":
            return super().rules()
        return [rule_from_json(one) for one in self._kept_rules()]

    def _kept_rules(self) -> list[dict[str, Any]]:
        return list(self.settings().get("alerts") or ())


def _check_where(where: str) -> str:
    if where not in ("kernel", "server"):
        raise InvalidInput(f"where {where!r} is unknown; expected 'kernel' or 'server'", field="where")
    return where
