"""Five transports measured side by side, on servers and with watchers of its own.

    from locshare_ext import comparison

    frame = comparison.compare(rates=(1, 10), watchers=(1, 20))
    comparison.columns_help()           # what the columns mean, and their units

    comparison.poll_intervals()         # what polls cost, against how old a fix is
    comparison.speak()                  # publishing, and who watches as well
    comparison.watch_groups()           # several groups at once
    comparison.appetite()               # the memory of our log, and of a broker that keeps everything

    here = comparison.run()             # all of these, small: less than a minute
    kept = comparison.kept()            # the same, larger, as it was measured once
    comparison.judge(kept)              # what is said of the transports, and whether it holds

Everything that is started runs on this machine, on free ports, in a temporary folder, and has
ended when the call returns; nothing of the user's is read or changed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from locshare_ext.comparison.cell import Pace
    from locshare_ext.comparison.claims import judge
    from locshare_ext.comparison.grid import compare, poll_intervals
    from locshare_ext.comparison.manygroups import watch_groups
    from locshare_ext.comparison.memory import AppetitePlan, appetite
    from locshare_ext.comparison.table import columns_help
    from locshare_ext.comparison.twoways import speak
    from locshare_ext.comparison.whole import Comparison, kept, load, run

__all__ = [
    "AppetitePlan",
    "Comparison",
    "Pace",
    "appetite",
    "columns_help",
    "compare",
    "judge",
    "kept",
    "load",
    "poll_intervals",
    "run",
    "speak",
    "watch_groups",
]

_PLACES = {
    "AppetitePlan": "memory",
    "Comparison": "whole",
    "Pace": "cell",
    "appetite": "memory",
    "columns_help": "table",
    "compare": "grid",
    "judge": "claims",
    "kept": "whole",
    "load": "whole",
    "poll_intervals": "grid",
    "run": "whole",
    "speak": "twoways",
    "watch_groups": "manygroups",
}


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(import_module(f"locshare_ext.comparison.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
