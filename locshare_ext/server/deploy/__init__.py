"""Examples for running `jupyter locshare serve` for good, filled in with its options."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from locshare_ext.errors import InvalidInput
from locshare_ext.server.serving import read_settings

__all__ = ["example"]

_FILES = {"systemd": "locshare.service", "nginx": "nginx.conf", "caddy": "Caddyfile"}
_WORDS = {
    "host": "--host",
    "port": "--port",
    "public_url": "--public-url",
    "base_url": "--base-url",
    "certfile": "--certfile",
    "keyfile": "--keyfile",
}


def example(kind: str, config: str | None, settings: Sequence[str], flags: dict[str, object]) -> str:
    """Return a systemd unit, or what goes into nginx's or Caddy's configuration, for these options.

    kind: `systemd`, `nginx` or `caddy`. The proxies' need public_url. Raises InvalidInput.
    """
    serving, chosen = read_settings(config, settings, flags)
    public = urlsplit(chosen.public_url)
    if kind != "systemd" and not public.hostname:
        raise InvalidInput(
            "say by which address others will come, such as --public-url https://share.example.org/",
            field="public_url",
        )
    words = {
        "command": _command(config, settings, flags),
        "name": public.hostname or "share.example.org",
        "upstream": f"127.0.0.1:{serving.port}",
        "path": serving.base_url,
    }
    text = files(__package__).joinpath(_FILES[kind]).read_text("utf-8")
    return re.sub(r"@([a-z]+)@", lambda found: words[found[1]], text)


def _command(config: str | None, settings: Sequence[str], flags: dict[str, object]) -> str:
    """Return the line that starts the server with these options; what it keeps is in systemd's folder."""
    beside = Path(sys.executable).parent / "jupyter-locshare"
    program = str(beside) if beside.exists() else shutil.which("jupyter-locshare") or str(beside)
    words = [program, "serve"]
    if config:
        words += ["--config", str(Path(config).absolute())]
    for name, word in _WORDS.items():
        if flags.get(name) is not None:
            words += [word, str(flags[name])]
    for name, word in (("allowed_hosts", "--allowed-host"), ("trusted_proxies", "--trusted-proxy")):
        for value in flags.get(name) or []:  # type: ignore[attr-defined]
            words += [word, str(value)]
    for setting in settings:
        words += ["--set", setting]
    if flags.get("invites") is False:
        words.append("--no-invites")
    line = shlex.join(words).replace("%", "%%").replace("$", "$$")  # both mean something to systemd
    for name, word, value in (
        ("store", "--store", "${STATE_DIRECTORY}/log.sqlite3"),
        ("token_file", "--token-file", "${STATE_DIRECTORY}/host-token"),
    ):
        line += f" {word} {shlex.quote(str(flags[name])) if flags.get(name) else value}"
    return line
