"""The tables of maps in README.md, from what a run of `render` wrote.

python -m benchmarks.render_table FILE [--into README.md]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.table import put, verdict_rows

__all__ = ["tables"]

HEAD = "| case | way | updates/s | delay p50, p95, ms | page, fps | pictures/s | main thread | kernel |"
BEGIN, END = "<!-- maps -->\n", "<!-- end of maps -->\n"


def tables(told: dict[str, Any]) -> str:
    """Return targets and verdicts, then what each way reached, as Markdown."""
    about = f"{told['when']}: {told['machine']}; runs of {told['options']['seconds']:g} s."
    return "\n".join([about, "", *verdict_rows(told["verdicts"]), "", *_ways(told["runs"]), ""])


def _ways(runs: list[dict[str, Any]]) -> list[str]:
    lines = [HEAD, "|---" * HEAD.count(" | ") + "|---|"]
    for one in runs:
        if "drawn" not in one:
            continue
        shares = f"{one['page']:.0%} | {one['kernel']:.0%}"
        lines.append(
            f"| {one['topic']} | {one['peer']} | {one['updates']:.1f} | {one['p50']:.0f}, {one['p95']:.0f} "
            f"| {one['fps']:.0f} | {one['drawn']:.0f} | {shares} |"
        )
    return lines


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.render_table", description=__doc__)
    parser.add_argument("file", type=Path, help="what `python -m benchmarks render --json FILE` wrote")
    parser.add_argument("--into", type=Path, metavar="README", help="put them between its two markers")
    options = parser.parse_args(arguments)
    return put(tables(json.loads(options.file.read_text())), options.into, BEGIN, END)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
