"""Read the command line of `jupyter locshare` and run one command."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from locshare_ext.cli.phones import add_phone_options
from locshare_ext.cli.serve_options import add_serve_options
from locshare_ext.errors import LocShareError
from locshare_ext.formats.registry import Format, readable, suffixes, writable
from locshare_ext.version import __version__

__all__ = ["main", "parser"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (2: bad arguments, 1: it failed)."""
    options = parser().parse_args(arguments)
    module = importlib.import_module(f"locshare_ext.cli.{options.module}")
    try:
        return int(module.run(options) or 0)
    except LocShareError as error:
        print(f"jupyter locshare {options.command}: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="jupyter locshare", description="Share locations of a group live in Jupyter notebooks."
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _demo(commands)
    _simulate(commands)
    _serve(commands)
    _doctor(commands)
    _invite(commands)
    _record(commands)
    _recordings(commands)
    _import(commands)
    _replay(commands)
    _export(commands)
    _verify(commands)
    _bench(commands)
    return top


Commands = argparse._SubParsersAction  # the type that add_subparsers returns has no public name


def _command(
    commands: Commands[argparse.ArgumentParser], name: str, module: str, text: str, example: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"example:  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(module=module)
    return command


def _demo(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "demo",
        "demo",
        "start JupyterLab on the demo notebook with a live group",
        "jupyter locshare demo --from walk.gpx --speed 10",
    )
    command.add_argument(
        "--from", dest="file", metavar="FILE", help="play this recording instead of a simulation"
    )
    _columns(command)
    _speed(command, 1.0)
    command.add_argument("--group", help="the group's name (default: hikers, or as the file is called)")
    command.add_argument("--port", type=int, default=0, help="of JupyterLab (default: a free one)")
    command.add_argument(
        "--folder", help="where the notebooks and the log lie (default: in Jupyter's data folder)"
    )
    command.add_argument("--no-browser", action="store_true", help="only print the URL")


def _simulate(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "simulate",
        "simulate",
        "publish a made-up group of walkers, cyclists and a bus",
        "jupyter locshare simulate hikers --members 12\n"
        "          jupyter locshare simulate --members 200 --rate 1 --as traccar-v10,owntracks "
        "--drop 5% --late 2min",
    )
    command.add_argument("group", nargs="?", default="simulated", help="its name (default: %(default)s)")
    command.add_argument("--members", type=int, default=8, help="how many (default: %(default)s)")
    command.add_argument(
        "--rate", type=_positive, help="fixes a second of each, at most 1 (default: as they move)"
    )
    add_phone_options(command)
    command.add_argument(
        "--seed", type=int, default=1, help="another number, another group (default: %(default)s)"
    )
    command.add_argument(
        "--center", metavar="LAT,LON", default="37.5665,126.978", help="default: %(default)s"
    )
    command.add_argument("--minutes", type=float, help="stop after that many (default: go on until Ctrl-C)")
    _speed(command, 1.0)
    _server(command)


def _serve(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "serve",
        "serve",
        "run the endpoints without notebooks; notebooks attach with Group(link)",
        "jupyter locshare serve --port 8899",
    )
    add_serve_options(command)


def _doctor(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "doctor",
        "doctor",
        "say whether the server works, and by which address phones reach it; exit status 0: they do, 1: not",
        "jupyter locshare doctor",
    )
    _server(command)


def _invite(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "invite",
        "invite",
        "print links with which others join a group from their notebooks and scripts",
        'jupyter locshare invite hikers ann bob --roles "publish watch" --expires 3h',
    )
    command.add_argument("group", help="the group's name")
    command.add_argument(
        "members", nargs="*", metavar="MEMBER", help="one link for each; without any, an open one for all"
    )
    command.add_argument("--roles", help="of publish, watch, manage (default: publish watch)")
    command.add_argument("--expires", metavar="SPAN", help="such as 90min, 3h, 7d (default: 24h)")
    command.add_argument("--uses", type=int, help="how many may join with an open link (default: any number)")
    command.add_argument(
        "--address",
        metavar="URL",
        help="by which others reach the server (default: as it is reached from here)",
    )
    command.add_argument("--list", action="store_true", help="list the group's invites, without their links")
    command.add_argument(
        "--revoke", action="append", metavar="ID", help="end this invite, or a member's; may be given again"
    )
    _server(command)


def _record(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "record",
        "recordings",
        "keep a group's fixes under a name, until `recordings --stop`; prints the recording's id",
        'jupyter locshare record hikers "morning walk" --since 2026-11-22T08:00+09:00',
    )
    command.add_argument("group", help="the group's name")
    command.add_argument("name", help="what the recording is called")
    command.add_argument("--since", metavar="TIME", help="begin there, in the past; RFC 3339 with an offset")
    command.add_argument("--description", metavar="TEXT", help="what it is about")
    _server(command)


def _recordings(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "recordings",
        "recordings",
        "list recordings and imports; stop, close, rename, describe or delete them",
        'jupyter locshare recordings hikers --stop "morning walk"',
    )
    command.add_argument("group", nargs="?", help="only those of this group")
    for name, parts, text in (
        ("stop", ("RECORDING",), "end it, by name or id; what comes late joins it for a day more"),
        ("close", ("RECORDING",), "end it, and take nothing more"),
        ("rename", ("RECORDING", "NAME"), "give it another name"),
        ("describe", ("RECORDING", "TEXT"), "say what it is about"),
        ("delete", ("RECORDING",), "remove it; an import with its fixes"),
    ):
        command.add_argument(
            f"--{name}",
            action="append",
            default=[],
            nargs=None if len(parts) == 1 else len(parts),
            metavar=parts[0] if len(parts) == 1 else parts,
            help=f"{text}; may be given again",
        )
    _server(command)


def _import(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "import",
        "transfer",
        "import a file as a closed recording",
        'jupyter locshare import buses.csv --columns "member=bus,time=when,lat=lat,lon=lon" --tz UTC',
    )
    command.add_argument("file", help=f"{_titles(readable())}; what it is, its content says")
    command.add_argument("--name", help="the recording's name (default: the file's)")
    command.add_argument(
        "--format", metavar="NAME", help=f"what the file is: {', '.join(one.name for one in readable())}"
    )
    command.add_argument("--member", help="whose fixes they all are, for files that do not say")
    _columns(command)
    _server(command)


def _replay(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "replay",
        "replay",
        "play a file into a live group as if it were now; or a recording on its server, for all who follow",
        "jupyter locshare replay walk.gpx --to hikers --speed 10\n"
        '          jupyter locshare replay "morning walk" --recording --speed 60\n'
        "          jupyter locshare replay walk.gpx --as owntracks --drop 5% --late 2min --into hikers",
    )
    command.add_argument(
        "name", metavar="FILE", help=f"{_titles(readable())}; or with --recording a recording's name or id"
    )
    command.add_argument(
        *("--to", "--into"), dest="group", metavar="GROUP", help="the live group that it goes into"
    )
    add_phone_options(command)
    command.add_argument(
        "--recording",
        action="store_true",
        help="replay one that the server keeps, on a topic of its own, 0.1 to 1000 times as fast",
    )
    command.add_argument("--loop", action="store_true", help="begin again at the end, until Ctrl-C")
    command.add_argument("--start", metavar="TIME", help="with --recording: where it begins, RFC 3339")
    command.add_argument(
        "--max-gap",
        type=_positive,
        metavar="S",
        help="with --recording: of longer silences play only the last so many seconds",
    )
    command.add_argument(
        "--clock",
        choices=("time", "received"),
        help="with --recording: as it was (default), or as it was known",
    )
    _columns(command)
    _speed(command, 1.0)
    _server(command)


def _export(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "export",
        "transfer",
        "write a group's trails, or a recording, to a file",
        "jupyter locshare export hikers trails.gpx --last 2h",
    )
    command.add_argument("name", help="a group, or with --recording a recording")
    command.add_argument("file", help=f"by its ending: {', '.join(suffixes())}")
    command.add_argument(
        "--format", metavar="NAME", help=f"whatever its ending: {', '.join(one.name for one in writable())}"
    )
    command.add_argument("--recording", action="store_true", help="NAME is a recording's name or id")
    command.add_argument("--last", metavar="SPAN", help="such as 90s, 30min, 2h, 1d")
    command.add_argument("--since", metavar="TIME", help="RFC 3339 with an offset")
    command.add_argument("--until", metavar="TIME", help="RFC 3339 with an offset")
    command.add_argument("--clock", choices=("time", "received"), default="time", help="default: %(default)s")
    command.add_argument("--force", action="store_true", help="replace the file if it exists")
    command.add_argument(
        "--precision",
        type=_positive,
        metavar="M",
        help="places on a grid of so many metres, without altitude and extra",
    )
    command.add_argument(
        "--pseudonyms",
        metavar="KEYFILE",
        help="members under other names; KEYFILE tells who they are, to you alone, and gives the same "
        "pseudonyms again. Leaves out extra and texts of notes",
    )
    _server(command)


def _verify(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "verify",
        "verify",
        "check that a recording file is sound and as it was written; exit status 0: it is, 1: it is not",
        "jupyter locshare verify walk.gpkg",
    )
    command.add_argument("files", nargs="+", metavar="FILE", help="a GeoPackage of ours")
    command.add_argument("--quiet", action="store_true", help="print nothing but a line for each that is not")


def _bench(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "bench",
        "bench",
        "measure the transports on this machine, with servers and watchers of its own",
        "jupyter locshare bench transports --quick",
    )
    command.add_argument("what", choices=("transports",), help="what is measured")
    size = command.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", action="store_true", help="1 and 10 fixes/s, 1 and 20 watchers: half a minute"
    )
    size.add_argument(
        "--full", action="store_true", help="all that notebook 05 shows, up to 500 watchers: 25 minutes"
    )
    command.add_argument("--rates", metavar="LIST", help="fixes per second (default: 1,10,100)")
    command.add_argument("--watchers", metavar="LIST", help="how many, up to 500 (default: 1,10,100)")
    command.add_argument("--transports", metavar="LIST", help="of them these (default: all five)")
    command.add_argument("--seconds", type=_positive, help="of each rate (default: 5)")
    command.add_argument("--interval", type=_positive, help="s between polls (default: 1)")
    command.add_argument("--json", metavar="FILE", help="write all columns there; -: instead of the table")
    command.add_argument(
        "--keep",
        metavar="FOLDER",
        help="measure all that notebook 05 shows, and write its tables there as CSV",
    )


def _titles(formats: Sequence[Format]) -> str:
    titles = [one.title for one in formats]
    return f"{'; '.join(titles[:-1])} or {titles[-1]}"


def _columns(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--columns",
        metavar="MAP",
        help='columns of a CSV, or of another table: "member=name,time=timestamp,lat=latitude,lon=longitude"',
    )
    command.add_argument("--tz", help="the zone of a CSV's times that name none, such as UTC or Asia/Seoul")
    command.add_argument(
        "--encoding",
        help="of a CSV that is not UTF-8, such as cp1252 or euc-kr (default: as its first bytes say)",
    )


def _speed(command: argparse.ArgumentParser, default: float) -> None:
    command.add_argument(
        "--speed", type=_positive, default=default, help="times as fast as it was (default: %(default)s)"
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _server(command: argparse.ArgumentParser) -> None:
    command.add_argument("--server", metavar="URL", help="default: the notebook server that runs here")
    command.add_argument(
        "--token",
        help="of that server; who else is on this machine can see it, unless server and token come by "
        "LOCSHARE_URL and LOCSHARE_TOKEN instead",
    )


if __name__ == "__main__":
    sys.exit(main())
