"""What was measured, and whether it reaches its target: printed at once, kept for a file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.load import Outcome, Plan, generate
from benchmarks.peers import Peer, reason_missing, versions

__all__ = ["Options", "Report", "Verdict", "middle"]

BUSY = 0.9  # of a processor: above it the generator may have been the limit


@dataclass(frozen=True, slots=True)
class Options:
    """How long to measure.

    seconds: of each run, more where fewer would say nothing. rounds: of each comparison; the
    middle of them counts. alone: without what has to be installed. ahead: replays run before all
    else on the machine while they are measured.
    """

    seconds: float = 6.0
    rounds: int = 3
    alone: bool = False
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A number beside its target. is_met: None where it could not be measured."""

    topic: str
    what: str
    value: str
    target: str
    is_met: bool | None

    def line(self) -> str:
        word = {True: "pass", False: "MISS", None: "not measured"}[self.is_met]
        return f"  {word:5} {self.topic}, {self.what}: {self.value} (target {self.target})"


@dataclass
class Report:
    """Runs and verdicts, in order."""

    options: Options
    runs: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def compare(
        self, topic: str, peers: Iterable[Peer], plan: Callable[..., Plan]
    ) -> dict[str, list[Outcome]]:
        """Measure peers in turn, as often as there are rounds; each time a server of its own.

        plan: makes the plan for a target and the bytes of its bodies. Returns the outcomes by
        the peer's name, without those that cannot be had here or fail.
        """
        found: dict[str, list[Outcome]] = {}
        wanted = [peer for peer in peers if peer.prepare is None or not self.options.alone]
        available = [peer for peer in wanted if not reason_missing(peer)]
        for _ in range(self.options.rounds):
            for peer in available:
                if outcome := self.once(topic, peer, plan):
                    found.setdefault(peer.name, []).append(outcome)
        return found

    def once(self, topic: str, peer: Peer, plan: Callable[..., Plan]) -> Outcome | None:
        """Measure a new server once; None when it is a server of others that fails."""
        try:
            with peer.start() as target:
                outcome = generate(plan(target, body=peer.body))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            if peer.is_ours:
                raise
            print(f"  {topic}  {peer.name:27}failed: {error}", flush=True)
            return None
        self.runs.append({"topic": topic, "peer": peer.name, **asdict(outcome)})
        print(f"  {topic}  {peer.name:27}{_figures(outcome)}", flush=True)
        return outcome

    def note(self, topic: str, peer: str, text: str, **figures: float | str) -> None:
        """Keep and print a run that was not the generator's."""
        self.runs.append({"topic": topic, "peer": peer, **figures})
        print(f"  {topic}  {peer:27}{text}", flush=True)

    def judge(
        self,
        topic: str,
        what: str,
        value: float | None,
        *,
        least: float | None = None,
        most: float | None = None,
        unit: str = "",
    ) -> None:
        """Hold a number against the least or the most that it may be; None: it could not be had."""
        bound, sign = (least, ">=") if least is not None else (most, "<=")
        assert bound is not None
        is_met = None if value is None else value >= bound if least is not None else value <= bound
        shown = "-" if value is None else f"{_number(value)}{unit}"
        self._add(Verdict(topic, what, shown, f"{sign} {_number(bound)}{unit}", is_met))

    def judge_whole(self, topic: str, outcomes: Iterable[Outcome]) -> None:
        """Say whether each message came once, and in its publisher's order."""
        self.judge_faults(topic, "; ".join(outcome.faults for outcome in outcomes if outcome.faults))

    def judge_faults(self, topic: str, faults: str) -> None:
        what = "lost, doubled or out of order"
        self._add(Verdict(topic, what, faults or "none", "none", not faults))

    def _add(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        print(verdict.line(), flush=True)

    def told(self, after: tuple[int, int] = (0, 0)) -> dict[str, Any]:
        """Return it as it is written; after: how many verdicts and runs there were before what is wanted."""
        verdicts, runs = after
        return {
            "when": time.strftime("%Y-%m-%d", time.gmtime()),
            "machine": machine(),
            "versions": versions(),
            "options": asdict(self.options),
            "verdicts": [asdict(verdict) for verdict in self.verdicts[verdicts:]],
            "runs": self.runs[runs:],
        }

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        path.write_text(json.dumps(self.told(), indent=1) + "\n")


def middle(outcomes: list[Outcome] | None, name: str) -> float | None:
    """Return the median of a figure over the rounds; None for a peer that was left out."""
    if not outcomes:
        return None
    values = sorted(float(getattr(outcome, name)) for outcome in outcomes)
    return values[len(values) // 2] if len(values) % 2 else sum(values[len(values) // 2 - 1 :][:2]) / 2


def ratio(ours: float | None, other: float | None) -> float | None:
    """Return how many times the other, None where one of them is missing."""
    return ours / other if ours is not None and other else None


def machine() -> str:
    """Describe the machine in a line."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() + ", " if names else ""
    return (
        f"{model}{os.cpu_count()} processors, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def _figures(outcome: Outcome) -> str:
    parts = []
    if outcome.delivered:
        parts += [
            f"{outcome.delivered:10,.0f}/s  {outcome.cost:6.2f} us",
            f"p50 {outcome.p50:7.2f} p99 {outcome.p99:7.2f} ms",
            f"server {outcome.server:4.2f} generator {outcome.load:4.2f} others {outcome.others:4.2f}",
        ]
    if outcome.each:
        parts.append(f"{outcome.each / 1024:6.1f} KiB a connection  {outcome.opened:6,.0f} opened/s")
    if outcome.load > BUSY > outcome.server:
        parts.append("the generator was the limit")
    return "  ".join([*parts, outcome.faults])


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
