"""`jupyter locshare bench transports`: what the five transports cost, on this machine."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.comparison import Comparison, Pace

__all__ = ["run"]

USUAL_RATES, USUAL_WATCHERS = "1,10,100", "1,10,100"
INTERVAL = 1.0  # s
STDOUT = "-"
_CHOICES = ("rates", "watchers", "transports", "seconds", "interval")


def run(options: argparse.Namespace) -> int:
    """Measure, and print a table; with --full or --keep all that the notebook shows."""
    _make_room(options)
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending what was started
    try:
        return _whole(options) if options.full or options.keep else _some(options)
    finally:
        signal.signal(signal.SIGTERM, before)


def _some(options: argparse.Namespace) -> int:
    from locshare_ext import comparison
    from locshare_ext.comparison.whole import about_here

    rates, watchers, pace = _grid(options)
    with _progress() as progress:
        frame = comparison.compare(
            rates,
            watchers,
            transports=_words(options.transports),
            pace=pace,
            interval=options.interval or INTERVAL,
            progress=progress,
        )
    about = about_here()
    if options.json != STDOUT:
        _print(frame, about)
    if options.json:
        _write(options.json, {"about": about, "transports": _rows(frame)})
    return 0


def _whole(options: argparse.Namespace) -> int:
    from locshare_ext import comparison

    given = [name for name in _CHOICES if getattr(options, name) is not None]
    if given:
        raise InvalidInput(f"--full and --keep measure what notebook 05 shows: leave out --{given[0]}")
    with _progress() as progress:
        whole = comparison.run("full" if options.full else "small", progress)
    if options.json != STDOUT:
        _print(whole.grid, whole.about)
    if options.json:
        _write(options.json, _all_of(whole))
    if options.keep:
        whole.save(options.keep)
        print(f"kept in {options.keep}", file=sys.stderr)
    return 0


def _make_room(options: argparse.Namespace) -> None:
    """Find out now, and not at the end, that the results cannot be written."""
    try:
        if options.keep:
            Path(options.keep).mkdir(parents=True, exist_ok=True)
        if options.json and options.json != STDOUT:
            Path(options.json).touch()
    except OSError as error:
        raise InvalidInput(f"cannot write {error.filename}: {error.strerror}") from None


def _grid(options: argparse.Namespace) -> tuple[list[float], list[int], Pace]:
    """Return rates, watchers and how long each is measured."""
    from locshare_ext.comparison.whole import SIZES

    small = SIZES["small"]
    rates = _numbers(options.rates or (USUAL_RATES if not options.quick else ""), "--rates") or list(
        small.rates
    )
    numbers = _numbers(options.watchers or (USUAL_WATCHERS if not options.quick else ""), "--watchers")
    watchers = [int(number) for number in numbers] or list(small.watchers)
    if any(number != int(number) for number in numbers):
        raise InvalidInput(f"--watchers {options.watchers} are not whole numbers", field="watchers")
    return rates, watchers, _pace(options)


def _pace(options: argparse.Namespace) -> Pace:
    from locshare_ext.comparison import Pace
    from locshare_ext.comparison.whole import SIZES

    if options.seconds is not None:
        return Pace(options.seconds)
    return SIZES["small"].pace if options.quick else Pace(5.0)


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",") if word.strip()]
    except ValueError:
        raise InvalidInput(f"{option} {text!r} is not numbers with commas, such as 1,10,100") from None


def _words(text: str | None) -> tuple[str, ...]:
    from locshare_ext.transports import TRANSPORTS

    return tuple(word.strip() for word in text.split(",")) if text else TRANSPORTS


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show what is being measured, on a terminal."""
    from tqdm import tqdm

    bar: Any
    with tqdm(bar_format="{elapsed} {desc}", disable=None) as bar:
        yield bar.set_description_str


def _print(frame: pd.DataFrame, about: dict[str, Any]) -> None:
    from locshare_ext.comparison.table import shown

    said = (about["processor"], f"{about['cores']} processors", about["system"], f"Python {about['python']}")
    print(f"{about['date']}: {', '.join(said)}; locshare_ext {about['locshare_ext']} {about['commit'] or ''}")
    print(shown(frame).to_string(index=False, float_format=_short, na_rep=""))
    limited = frame.loc[frame["watchers_busy"] > 0.9, ["transport", "rate", "watchers"]]
    for row in limited.itertuples():
        what = f"{row.transport}, {row.rate:g}/s to {row.watchers}"
        print(f"{what}: the process of the watchers was the limit, and not the server")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _all_of(whole: Comparison) -> dict[str, Any]:
    tables = {"transports": whole.grid, "intervals": whole.intervals, "publishing": whole.speaking}
    tables |= {"groups": whole.groups, "appetite": whole.appetite}
    return {"about": whole.about, **{name: _rows(frame) for name, frame in tables.items()}}


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows for JSON, which has no NaN."""
    return [
        {
            str(name): None if isinstance(value, float) and math.isnan(value) else value
            for name, value in row.items()
        }
        for row in frame.to_dict("records")
    ]


def _write(where: str, value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    if where == STDOUT:
        sys.stdout.write(text)
    else:
        Path(where).write_text(text)
