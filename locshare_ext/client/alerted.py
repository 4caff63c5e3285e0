"""Alerts of groups, recordings and replays: rules set, those who are told, what was told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from locshare_ext.alerts import Alert, Rule
from locshare_ext.client.callbacks import CallsFixes
from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AlertCallback", "CallsAlerts", "RuleOrRules", "alerts_frame", "rules_of"]

AlertCallback = Callable[[Alert], Any]
RuleOrRules = Rule | Iterable[Rule]


class CallsAlerts(CallsFixes):
    """Rules that are held to each fix as callbacks see it; live, played and replayed alike."""

    def alert(
        self,
        rule: RuleOrRules,
        call: AlertCallback | None = None,
        *,
        thread: Literal["feed", "main"] = "feed",
    ) -> None:
        """Hold a rule, or several, to every fix from now on: `Geofence`, `Proximity`, `Silence`, `Speed`.

        call: called with each `Alert` of these; `on_alert` is with those of all rules. A rule
        replaces the one of its name, and the same again changes nothing. Where everybody is
        already sets off nothing. `alerts()` has what was told, `rules()` what is held, and
        `off_alert` ends it. Raises InvalidInput.
        """
        rules = rules_of(rule)
        callbacks = self._callbacks(from_now=True)
        if call is not None:  # first: who is called misses nothing
            for one in rules:
                callbacks.add(call, thread=thread, kind="alert", rule=one.name)
        callbacks.watching.set(rules)

    @overload
    def on_alert(self, call: AlertCallback, *, thread: Literal["feed", "main"] = ...) -> AlertCallback: ...

    @overload
    def on_alert(
        self, call: None = ..., *, thread: Literal["feed", "main"] = ...
    ) -> Callable[[AlertCallback], AlertCallback]: ...

    def on_alert(
        self, call: AlertCallback | None = None, *, thread: Literal["feed", "main"] = "feed"
    ) -> AlertCallback | Callable[[AlertCallback], AlertCallback]:
        """Call a function with every `Alert` of the rules set by `alert`; as `on_fix` otherwise."""
        if call is None:
            return lambda function: self.on_alert(function, thread=thread)
        self._callbacks(from_now=True).add(call, thread=thread, kind="alert")
        return call

    def off_alert(self, what: str | Rule | AlertCallback) -> None:
        """Hold a rule no longer, by itself or its name; or stop calling a function of `on_alert`.

        Raises InvalidInput for a name that no rule has.
        """
        callbacks = self._callbacks()
        if callable(what):
            callbacks.remove(what, "alert")
            return
        name = what.name if isinstance(what, Rule) else what
        if not callbacks.remove_rule(name):
            held = ", ".join(repr(rule.name) for rule in callbacks.watching.rules) or "none"
            raise InvalidInput(f"name {name!r} is no rule's; there are {held}", field="name")

    def rules(self) -> list[Rule]:
        """Return the rules that are held here."""
        return list(self._callbacks().watching.rules)

    def alerts(self) -> pd.DataFrame:
        """Return what the rules held here have told, one row each, in that order.

        time, received, rule, kind, member, other, value, lat, lon, text. Up to 10,000, since the
        replay began, or moved, last.
        """
        return alerts_frame(self._callbacks().watching.told())


def rules_of(rule: object) -> list[Rule]:
    """Return the rules of one or several; raises InvalidInput for what is none."""
    rules: list[Rule] = []
    for one in [rule] if isinstance(rule, Rule) or not isinstance(rule, Iterable) else rule:
        if not isinstance(one, Rule) or type(one) is Rule:
            raise InvalidInput(
                f"alert wants a Geofence, Proximity, Silence or Speed, got {type(one).__name__}", field="rule"
            )
        rules.append(one)
    names = [one.name for one in rules]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(f"name {twice!r} is that of two rules", field="name")
    return rules


def alerts_frame(alerts: Sequence[Alert]) -> pd.DataFrame:
    """Return one row per alert, see `CallsAlerts.alerts`."""
    import numpy as np
    import pandas as pd

    from locshare_ext.alerts.alert import KINDS
    from locshare_ext.formats.frame import STR, category, utc_times

    def text(values: list[str | None]) -> Any:
        return pd.array(values, dtype=STR)

    def number(values: list[float | None]) -> Any:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    kinds = np.array([KINDS.index(alert.kind) for alert in alerts], dtype=np.int8)
    return pd.DataFrame(
        {
            "time": utc_times(np.array([alert.time for alert in alerts], dtype=np.int64)),
            "received": utc_times(np.array([alert.received for alert in alerts], dtype=np.int64)),
            "rule": text([alert.rule for alert in alerts]),
            "kind": category(kinds, KINDS),
            "member": text([alert.member for alert in alerts]),
            "other": text([alert.other for alert in alerts]),
            "value": number([alert.value for alert in alerts]),
            "lat": number([alert.lat for alert in alerts]),
            "lon": number([alert.lon for alert in alerts]),
            "text": text([alert.text for alert in alerts]),
        }
    )
