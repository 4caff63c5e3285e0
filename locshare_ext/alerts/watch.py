"""Holds rules to the fixes of a group, one after another."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

from locshare_ext.alerts.alert import Alert
from locshare_ext.alerts.holding import Holding, Seen, holding_of
from locshare_ext.alerts.rules import Rule
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock, check_clock
from locshare_ext.model.fix import Fix

__all__ = ["MAX_RULES", "Watch"]

MAX_RULES = 100


class Watch:
    """Rules that are held to a group's fixes; one thread at a time.

    clock: the one that the fixes come by: `received` for live groups, and for recordings as they
    were known; `time` for recordings as they were. A fix that comes later than a newer one of its
    member (a phone's backlog) is a sign of life, and else no news: where somebody was an hour ago
    sets off nothing now. Each fix costs a few microseconds a rule, whatever came before.

    Raises InvalidInput for two rules of one name, and for more than 100.
    """

    def __init__(self, rules: Iterable[Rule] = (), *, clock: Clock = "received") -> None:
        self._clock = check_clock(clock)
        self._rules: tuple[Rule, ...] = ()
        self._holdings: list[Holding] = []
        self._last: dict[str, Seen] = {}
        self._moment = 0
        for rule in rules:
            self.add(rule)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order in which they were added."""
        return self._rules

    @property
    def moment(self) -> int:
        """How far the clock has come, ms."""
        return self._moment

    def add(self, rule: Rule) -> None:
        """Hold one more rule, from now on: where everybody is, or who is silent, sets off nothing."""
        if not isinstance(rule, Rule) or type(rule) is Rule:
            raise InvalidInput(f"a rule is wanted, got {type(rule).__name__}", field="rule")
        if any(rule.name == other.name for other in self._rules):
            raise InvalidInput(f"name {rule.name!r} is another rule's", field="name")
        if len(self._rules) >= MAX_RULES:
            raise InvalidInput(f"there are {MAX_RULES} rules already", field="rule")
        holding = holding_of(rule)
        for seen in self._last.values():
            holding.place(seen)
        holding.advance(self._moment)
        self._rules += (rule,)
        self._holdings.append(holding)

    def remove(self, name: str) -> bool:
        """Hold a rule no longer; returns whether there was one of this name."""
        kept = [at for at, rule in enumerate(self._rules) if rule.name != name]
        is_found = len(kept) < len(self._rules)
        self._rules = tuple(self._rules[at] for at in kept)
        self._holdings = [self._holdings[at] for at in kept]
        return is_found

    def moment_of(self, fix: Fix) -> int:
        """Return when a fix comes, ms on the watch's clock."""
        return fix.received if self._clock == "received" and fix.received else fix.time

    def see(self, fix: Fix) -> list[Alert]:
        """Return what the next fix sets off, after what time alone did until then."""
        moment = self.moment_of(fix)
        alerts = self.advance(moment)
        before = self._last.get(fix.member)
        seen = Seen(fix, moment, before)
        if not seen.is_late:
            self._last[fix.member] = seen
            # without it each would hold all before it
            seen.before = None if before is None else before.alone()
        for holding in self._holdings:
            alerts += holding.see(seen)
        return alerts

    def advance(self, moment: int) -> list[Alert]:
        """Return what time alone sets off until a moment (ms): who has been silent for too long.

        It does not matter how often it is called.
        """
        if moment <= self._moment:
            return []
        self._moment = moment
        if not self._holdings:
            return []
        found = [
            (due, place, alert.member, alert)
            for place, holding in enumerate(self._holdings)
            for due, alert in holding.advance(moment)
        ]
        return [alert for *_, alert in sorted(found, key=itemgetter(0, 1, 2))]

    def due(self) -> int | None:
        """Return the moment (ms) at which time alone may set something off next, None if at none."""
        dues = [due for holding in self._holdings if (due := holding.due()) is not None]
        return min(dues, default=None)

    def begin(self, fixes: Iterable[Fix] = (), *, moment: int = 0) -> None:
        """Begin anew: everybody is where these fixes say, which sets off nothing.

        fixes: the last ones before `moment`; both are of a replay that moves, or of a server
        that starts. Who has been silent for long by then is so already.
        """
        self._last.clear()
        self._holdings = [holding_of(rule) for rule in self._rules]
        self._moment = moment
        for fix in sorted(fixes, key=self.moment_of):
            seen = Seen(fix, self.moment_of(fix), None)
            self._last[fix.member] = seen
            self._moment = max(self._moment, seen.moment)
            for holding in self._holdings:
                holding.place(seen)
        for holding in self._holdings:
            holding.advance(self._moment)

    def forget(self, member: str) -> None:
        """Forget a member; nothing is told of them but what they do from now on."""
        self._last.pop(member, None)
        for holding in self._holdings:
            holding.forget(member)
