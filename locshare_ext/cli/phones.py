"""Fixes sent as phone apps send them: what `simulate --as` and `replay --as` share."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import InvalidInput, LocShareError, NotFound

if TYPE_CHECKING:
    from locshare_ext.client.phones.clock import Clock
    from locshare_ext.client.phones.fleet import Trouble
    from locshare_ext.client.phones.outing import Outing
    from locshare_ext.client.phones.phone import Counts

__all__ = ["add_phone_options", "check_phone_options", "outing_of", "send_as_phones"]

_OPTIONS = ("drop", "late")


def add_phone_options(command: argparse.ArgumentParser) -> None:
    """Give a command --as, --drop and --late."""
    command.add_argument(
        "--as",
        dest="apps",
        metavar="APPS",
        help="send as phone apps do, each in its own format by its own rules, in turn: owntracks, "
        "traccar-v10, overland, gpslogger, osmand and so on, mixed or all; makes an invite for each member "
        "and revokes it at the end",
    )
    command.add_argument(
        "--drop",
        metavar="SHARE",
        type=_share,
        help="with --as: requests that are lost on their way there or back, such as 5%%; the apps send them "
        "again, so nothing is missing but what an app gives up",
    )
    command.add_argument(
        "--late",
        metavar="SPAN",
        help="with --as: how long phones are without network, a fifth of the time, such as 2min; "
        "what they measure then comes late, in the app's own way",
    )


def outing_of(options: argparse.Namespace, members: Sequence[str], *, seed: int, expires: str) -> Outing:
    """Return who goes out with which apps; raises InvalidInput."""
    from locshare_ext.client.phones.apps import chosen
    from locshare_ext.client.phones.outing import Conditions, Outing
    from locshare_ext.model.spans import span_ms

    late = 0.0 if options.late is None else span_ms(options.late, field="late") / 1000
    conditions = Conditions(options.drop or 0.0, late, seed)
    return Outing(options.group, members, chosen(options.apps), conditions, expires)


def check_phone_options(options: argparse.Namespace) -> None:
    """Raise InvalidInput if there are conditions without phones that they could be of."""
    for name in _OPTIONS:
        if options.apps is None and getattr(options, name) is not None:
            raise InvalidInput(f"--{name} goes with --as, the apps that send", field=name)


def send_as_phones(
    options: argparse.Namespace,
    outing: Outing,
    begin: Callable[[], tuple[Iterable[tuple[int, Mapping[str, Any]]], Clock]],
    total: int | None = None,
) -> int:
    """Invite, send until all is delivered or Ctrl-C, revoke, and say what became of it.

    begin: gives the fixes and the clock, once the phones are set up. total: how many fixes.
    """
    from locshare_ext.cli.publishing import locate_server
    from locshare_ext.client.http import Api
    from locshare_ext.client.phones.outing import invited, run_fleet

    api = Api(locate_server(options))
    last: list[Counts] = []
    with contextlib.closing(api), _ended_by_signals():
        try:
            with _shown(total) as show, invited(api, outing, on_left=_say_left) as tokens:

                def progress(counts: Counts) -> None:
                    last[:] = [counts]
                    show(counts)

                phones = outing.phones(tokens)
                timed, clock = begin()
                going = run_fleet(
                    api.server, phones, timed, clock, on_trouble=_say_trouble, progress=progress
                )
                asyncio.run(going)
        finally:
            if last:
                print(_summary(last[0]), file=sys.stderr)
    return 0


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end it as Ctrl-C does: the invites are revoked first."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _shown(total: int | None) -> Iterator[Callable[[Counts], None]]:
    """Show how many fixes were delivered, on a terminal."""
    from tqdm import tqdm

    bar: Any
    with tqdm(total=total, unit=" fixes", disable=None) as bar:

        def show(counts: Counts) -> None:
            bar.update(counts.delivered - bar.n)
            bar.set_postfix_str(f"{counts.waiting} waiting, {counts.requests} requests", refresh=False)

        yield show


def _say_trouble(trouble: Trouble) -> None:
    """Say once for each app and status what the server answers."""
    app, member = trouble.phone.app.name, trouble.phone.member
    if trouble.reply is None:
        print(f"{app}: {trouble.error}; it tries again by its own rules", file=sys.stderr)
    elif trouble.reply.status == 404:
        raise NotFound(
            "the server takes nothing from phone apps: its locshare_ext is of an earlier version",
            code="no_phone_apps",
        )
    else:
        said = trouble.reply.body[:300].decode(errors="replace")
        print(f"{app} of {member!r} was answered {trouble.reply.status}: {said}", file=sys.stderr)


def _say_left(count: int, error: LocShareError) -> None:
    print(f"{count} invites were not revoked, and end by themselves: {error.message}", file=sys.stderr)


def _summary(counts: Counts) -> str:
    words = [f"{counts.delivered} of {counts.measured} fixes delivered in {counts.requests} requests"]
    for count, what in (
        (counts.lost, "requests lost on the way and sent again"),
        (counts.failed, "attempts without network or refused"),
        (counts.replaced, "fixes replaced in an app's queue by another of their second"),
        (counts.given_up, "fixes given up by the apps' own rules"),
        (counts.waiting, "fixes still waiting"),
    ):
        if count:
            words.append(f"{count} {what}")
    return "; ".join(words)


def _share(text: str) -> float:
    number, is_percent = (text[:-1], True) if text.endswith("%") else (text, False)
    try:
        value = float(number) / (100 if is_percent else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0% to below 100%, such as 5% or 0.05")
    return value
