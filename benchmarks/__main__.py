"""Run the benchmarks that are named, or all of them: see README.md."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from pathlib import Path

from benchmarks.processes import open_files
from benchmarks.report import Options, Report

NAMES = (
    "startup",
    "receipts",
    "brokers",
    "streams",
    "transports",
    "store",
    "replay",
    "alerts",
    "durability",
    "steady",
    "frames",
    "formats",
    "pages",
    "phones",
    "render",
)
PARTS = ("fanout", "latency", "connections", "stalled", "clients")  # of brokers


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    open_files()
    times = Options(2.0, 1) if options.quick else Options()
    report = Report(
        Options(
            options.seconds or times.seconds,
            options.rounds or times.rounds,
            alone=options.alone,
            ahead=options.ahead,
        )
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending the servers
    try:
        for name in options.names or NAMES:
            _run(name, report)
    finally:
        if options.json is not None:
            report.write(options.json)
    if report.verdicts:
        print("== verdicts")
        for verdict in report.verdicts:
            print(verdict.line())
    return 0


def _run(name: str, report: Report) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    print(f"== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
    if hasattr(module, "run"):
        module.run(report)
    else:
        module.main()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        choices=(*NAMES, *PARTS),
        default=[],
        help=f"{', '.join(NAMES)} (all if none is named); parts of brokers: {', '.join(PARTS)}",
    )
    parser.add_argument("--quick", action="store_true", help="2 s a run, each once")
    parser.add_argument("--seconds", type=float, help="of each run (default 6)")
    parser.add_argument(
        "--rounds", type=int, help="of each comparison, of which the middle counts (default 3)"
    )
    parser.add_argument("--alone", action="store_true", help="without RabbitMQ and stomp-broker-js")
    parser.add_argument("--ahead", action="store_true", help="replays before all else on the machine (root)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what the brokers' parts measured")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
