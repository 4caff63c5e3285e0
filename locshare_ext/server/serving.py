"""How a server without notebooks is reached: its settings, and where they are read from."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from traitlets import Dict, Integer, List, TraitError, Undefined, Unicode, default, validate
from traitlets.config import Config, Configurable
from traitlets.config.loader import (
    ConfigFileNotFound,
    DeferredConfigList,
    DeferredConfigString,
    JSONFileConfigLoader,
    PyFileConfigLoader,
)

from locshare_ext.errors import InvalidInput
from locshare_ext.model.names import near_names
from locshare_ext.server.settings import Settings

if TYPE_CHECKING:
    from locshare_ext.server.site import Identity

__all__ = ["SECTIONS", "Serving", "described", "read_settings"]

_HUB = "JUPYTERHUB_SERVICE_PREFIX"
_INDENT: dict[str, Any] = {"initial_indent": "    ", "subsequent_indent": "    "}


class Serving(Configurable):
    """Where `jupyter locshare serve` listens, and who comes to it; `LocShareServe` in a config file."""

    host = Unicode("127.0.0.1", help="The address to listen on; empty or 0.0.0.0: all of this machine.").tag(
        config=True
    )
    port = Integer(8899, min=0, max=65_535, help="The port to listen on; 0: a free one.").tag(config=True)
    base_url = Unicode(
        "/", help="The path below which all lies, as the proxy passes it on, such as /share/."
    ).tag(config=True)
    certfile = Unicode(
        help="Certificate (PEM, with its chain): with one, https is spoken. SIGHUP reads it again."
    ).tag(config=True)
    keyfile = Unicode(help="Key of the certificate, if it is not in the same file; without a password.").tag(
        config=True
    )
    trusted_proxies = List(
        Unicode(),
        help="Addresses or networks of proxies before the server, such as 127.0.0.1 or 10.0.0.0/8: "
        "X-Forwarded-For, -Proto and -Host are believed from them alone.",
    ).tag(config=True)
    token_file = Unicode(
        help="Keeps the host's token, readable by its owner only. Default: in Jupyter's data directory."
    ).tag(config=True)
    hub_managers = List(
        Unicode(),
        help="As a JupyterHub service: users of the Hub who manage all groups; `@staff` means all in the "
        "Hub's group `staff`. The Hub's admins always do.",
    ).tag(config=True)
    hub_groups = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help="As a JupyterHub service: what users in a group of the Hub may do in the group of the same name "
        "here, such as {'hikers': 'publish watch', 'teachers': 'manage'}; `*` for all others. "
        "Default: {'*': 'publish watch'}.",
    ).tag(config=True)

    @default("host")
    def _host_default(self) -> str:
        return urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", "")).hostname or "127.0.0.1"

    @default("port")
    def _port_default(self) -> int:
        return urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", "")).port or 8899

    @default("base_url")
    def _base_url_default(self) -> str:
        return os.environ.get(_HUB) or "/"

    @default("hub_groups")
    def _hub_groups_default(self) -> dict[str, str]:
        return {"*": "publish watch"}

    @default("trusted_proxies")
    def _trusted_proxies_default(self) -> list[str]:
        return ["127.0.0.1", "::1"] if self.is_hub else []  # the Hub's proxy stands before its services

    @validate("base_url")
    def _slashes(self, proposal: dict[str, Any]) -> str:
        path = "/".join(word for word in proposal["value"].split("/") if word)
        return f"/{path}/" if path else "/"

    @property
    def is_hub(self) -> bool:
        """Whether a JupyterHub runs this as one of its services."""
        return bool(os.environ.get(_HUB)) and bool(os.environ.get("JUPYTERHUB_API_TOKEN"))

    def identity(self) -> Identity | None:
        """Return who has users here: the Hub, or None for nobody. Raises InvalidInput."""
        if not self.is_hub:
            return None
        try:
            from locshare_ext.server.hub import HubIdentity
        except ImportError as error:
            raise InvalidInput(
                'as a service of a JupyterHub, its library is needed: pip install "locshare-ext[hub]"',
                field="hub",
            ) from error

        return HubIdentity(self.hub_managers, self.hub_groups)

    def handlers(self) -> list[Any]:
        """Return tornado's rules besides those of `locshare`: how users of a Hub log in."""
        if not self.is_hub:
            return []
        from locshare_ext.server.hub import login_rules

        return login_rules(self.base_url)


# section of a config file -> what it sets
SECTIONS: dict[str, type[Configurable]] = {"LocShareApp": Settings, "LocShareServe": Serving}


def read_settings(
    path: str | None, assigned: Sequence[str], flags: dict[str, object]
) -> tuple[Serving, Settings]:
    """Return the settings of a file, overridden by NAME=VALUE and by flags; raises InvalidInput.

    A name without its section is a trait of either. Flags that are None were not given.
    """
    config = _read(path) if path else Config()
    _check_names(config, path or "")
    for name, values in _assigned(assigned).items():
        section, trait = _section_of(name)
        kind = SECTIONS[section].class_traits(config=True)[trait]
        is_list = isinstance(kind, List)
        config[section][trait] = DeferredConfigList(values) if is_list else DeferredConfigString(values[-1])
    for name, value in flags.items():
        if value is not None:
            section, trait = _section_of(name)
            config[section][trait] = value
    try:
        serving = Serving(config=Config({"Serving": config["LocShareServe"]}))
        settings = Settings(config=Config({"Settings": config["LocShareApp"]}))
    except (TraitError, ValueError) as error:
        raise InvalidInput(f"a setting is wrong: {error}", field="settings") from None
    return serving, settings


def described() -> str:
    """Return all settings with their defaults and help, for people."""
    lines = []
    for section, kind in reversed(SECTIONS.items()):
        for name, trait in kind.class_traits(config=True).items():
            default_value = (
                "" if trait.default_value in (None, "", Undefined) else f" = {trait.default_value}"
            )
            lines += [f"{section}.{name}{default_value}", *textwrap.wrap(trait.help, 96, **_INDENT), ""]
    return "\n".join(lines)


def _read(path: str) -> Config:
    where = Path(path).absolute()
    loader = JSONFileConfigLoader if where.suffix == ".json" else PyFileConfigLoader
    try:
        return loader(where.name, path=str(where.parent)).load_config()
    except ConfigFileNotFound:
        raise InvalidInput(f"config file {path} is not there", field="config") from None
    except Exception as error:  # whatever a file of Python statements may raise
        raise InvalidInput(
            f"config file {path} cannot be read: {type(error).__name__}: {error}", field="config"
        ) from error


def _check_names(config: Config, path: str) -> None:
    for section in config:
        if section not in SECTIONS:
            continue  # of Jupyter's own, when the file is shared
        for name in config[section]:
            _trait(section, name, path)


def _assigned(texts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"--set {text!r} has no value; expected NAME=VALUE", field="set")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


def _section_of(name: str) -> tuple[str, str]:
    section, dot, trait = name.rpartition(".")
    if dot:
        if section not in SECTIONS:
            raise InvalidInput(f"setting {name!r} is of neither {' nor '.join(SECTIONS)}", field="set")
        return section, _trait(section, trait, "")
    for section, kind in SECTIONS.items():
        if name in kind.class_trait_names(config=True):
            return section, name
    raise _unknown(
        name, [one for kind in SECTIONS.values() for one in kind.class_trait_names(config=True)], ""
    )


def _trait(section: str, name: str, path: str) -> str:
    known = SECTIONS[section].class_trait_names(config=True)
    if name not in known:
        raise _unknown(f"{section}.{name}", known, path)
    return name


def _unknown(name: str, known: Sequence[str], path: str) -> InvalidInput:
    near = near_names(name.rpartition(".")[2], list(known), 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return InvalidInput(f"setting {name!r}{f' of {path}' if path else ''} is unknown{hint}", field="settings")
