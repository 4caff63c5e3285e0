"""The tables of README.md, from what a run of the brokers wrote.

python -m benchmarks.table FILE [--into README.md]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

__all__ = ["put", "tables", "verdict_rows"]

BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"
WORDS = {True: "reached", False: "**missed**", None: "not measured"}
FAULTS = "lost, doubled or out of order"


def tables(told: dict[str, Any]) -> str:
    """Return targets and verdicts, then every server's figures, as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    options = told["options"]
    about = f"{told['when']}: {told['machine']}; {versions}"
    length = f"runs of {options['seconds']:g} s, the middle of {options['rounds']}"
    lines = [f"{about}; {length}.", "", *_verdicts(told["verdicts"]), "", *_runs(told["runs"]), ""]
    return "\n".join(lines)


def _verdicts(verdicts: list[dict[str, Any]]) -> list[str]:
    whole = [one for one in verdicts if one["what"] == FAULTS]
    others = [one for one in verdicts if one not in whole]
    faulty = "; ".join(f"{one['topic']}: {one['value']}" for one in whole if not one["is_met"])
    all_of_them = {"target": "none", "value": faulty or "none", "is_met": not faulty}
    return [*verdict_rows(others), _row(f"{FAULTS}, in all of these", all_of_them)]


def verdict_rows(verdicts: list[dict[str, Any]]) -> list[str]:
    """Return a table of targets and what was measured, as lines of Markdown."""
    head = ["| what | target | measured | |", "|---|---|---|---|"]
    return head + [_row(f"{one['topic']}: {one['what']}", one) for one in verdicts]


def _row(what: str, verdict: dict[str, Any]) -> str:
    return f"| {what} | {verdict['target']} | {verdict['value']} | {WORDS[verdict['is_met']]} |"


def _runs(runs: list[dict[str, Any]]) -> list[str]:
    """Return a line for each server and topic: the medians over the rounds."""
    names: tuple[str, ...] = (
        "what",
        "server",
        "deliveries/s",
        "server's CPU of each, us",
        "p50, ms",
        "p99, ms",
    )
    names += ("processors busy: server, generator, others", "memory of a connection, KiB", "opened/s")
    names += (FAULTS,)
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in runs:
        if "delivered" in run:
            grouped.setdefault((run["topic"], run["peer"]), []).append(run)
    for (topic, peer), rounds in grouped.items():
        mid = {
            name: statistics.median(one[name] for one in rounds) for name in rounds[0] if name not in _TEXTS
        }
        faults = sum(one["lost"] + one["doubled"] + one["disordered"] for one in rounds)
        each = f"{mid['each'] / 1024:.1f}" if mid["each"] else ""
        lines.append(
            f"| {topic} | {peer} | {mid['delivered']:,.0f} | {mid['cost']:.2f} | {mid['p50']:.2f} "
            f"| {mid['p99']:.2f} | {mid['server']:.2f}, {mid['load']:.2f}, {mid['others']:.2f} "
            f"| {each} | {mid['opened']:,.0f} | {faults:,} |"
        )
    return lines


_TEXTS = ("topic", "peer")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("file", type=Path, help="what `python -m benchmarks brokers --json FILE` wrote")
    parser.add_argument("--into", type=Path, metavar="README", help="put them between its two markers")
    options = parser.parse_args(arguments)
    return put(tables(json.loads(options.file.read_text())), options.into, BEGIN, END)


def put(text: str, into: Path | None, begin: str, end: str) -> int:
    """Put a text between two markers of a file, or print it without one; returns 2 if it has no markers."""
    if into is None:
        print(text, end="")
        return 0
    before, found_begin, rest = into.read_text().partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        print(f"{into} has no {begin.strip()} and {end.strip()}")
        return 2
    into.write_text(f"{before}{begin}\n{text}\n{end}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
