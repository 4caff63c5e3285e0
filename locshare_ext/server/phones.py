"""The participants' listener: a port of its own for phones, with nothing of Jupyter's on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tornado.web import Application

from locshare_ext.errors import AccessDenied, InvalidInput
from locshare_ext.model.names import near_names
from locshare_ext.server.base import NothingHere
from locshare_ext.server.front import EVERYWHERE, Front, Tls, bound, make_front, shown_host
from locshare_ext.server.proxies import Proxies
from locshare_ext.server.reach import checked_url, network_address
from locshare_ext.server.routes import routes

if TYPE_CHECKING:
    from locshare_ext.server.site import Site

__all__ = ["PhoneOptions", "Phones"]


@dataclass(frozen=True, slots=True)
class PhoneOptions:
    """How a listener for phones is opened.

    host: the address to listen on, empty for all. port: 0 for a free one. certfile, keyfile:
    for https. public_url: by which phones come if a proxy or a tunnel is before it.
    trusted_proxies: addresses whose X-Forwarded-For is believed. is_allowed: whether one may
    be opened at all.
    """

    host: str = ""
    port: int = 8899
    certfile: str = ""
    keyfile: str = ""
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    is_allowed: bool = True


_ASKED: dict[str, type] = {"host": str, "port": int, "certfile": str, "keyfile": str, "public_url": str}


class Phones:
    """Opens and closes the listener of one server; used on one event loop."""

    def __init__(self, site: Site, options: PhoneOptions) -> None:
        self._site = site
        self._defaults = options
        self._options: PhoneOptions | None = None  # as it is open
        self._front: Front | None = None
        self._inner: Site | None = None

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._front is not None

    async def open(self, asked: dict[str, Any]) -> bool:
        """Listen as is asked, where nothing is asked as is set; returns whether it did not before.

        What is open in another way is closed first, unless the new one cannot be opened. Raises
        AccessDenied if this server may have none, InvalidInput, Unavailable.
        """
        if not self._defaults.is_allowed:
            raise AccessDenied(
                "this server opens no listener for phones (LocShareApp.phones)", code="phones_off"
            )
        options = _wished(self._defaults, asked)
        if options == self._options:
            return False
        tls = Tls(options.certfile, options.keyfile) if options.certfile else None
        proxies = Proxies(options.trusted_proxies)
        same_port = self._options is not None and options.port and options.port == self._options.port
        if same_port:
            await self.close()
        sockets = bound(options.host, options.port)
        await self.close()
        inner = self._site.for_participants(())
        application = Application(
            routes(inner, for_participants=True),
            default_handler_class=NothingHere,
            default_handler_args={"site": inner},
            log_function=lambda handler: None,
            allow_remote_access=True,  # phones name it by any address of this machine
        )
        self._front = make_front(application, self._site.limits, tls=tls, proxies=proxies)
        self._front.add_sockets(sockets)
        self._inner, self._options = inner, options
        self._site.reach.listener = checked_url(options.public_url) or _own_url(
            options, sockets[0].getsockname()[1]
        )
        self._site.log.info("phones may come by %s", self._site.reach.listener)
        return True

    async def close(self, reason: str = "the listener for phones was closed") -> bool:
        """Stop listening, and end what is open by it; returns whether it listened."""
        front, inner = self._front, self._inner
        self._front = self._inner = self._options = None
        self._site.reach.listener = None
        if front is None or inner is None:
            return False
        front.stop()
        await inner.leave(reason)
        await front.close_all_connections()
        return True

    @property
    def connections(self) -> int:
        """WebSockets that are open by it."""
        return 0 if self._inner is None else len(self._inner.sessions)


def _wished(defaults: PhoneOptions, asked: dict[str, Any]) -> PhoneOptions:
    """Return the options with what is asked for; raises InvalidInput."""
    for name, value in asked.items():
        kind = _ASKED.get(name)
        if kind is None:
            near = near_names(name, list(_ASKED), 1)
            hint = f"did you mean `{near[0]}`?" if near else f"expected {', '.join(_ASKED)}"
            raise InvalidInput(f"`{name}` is unknown; {hint}", code="unknown_field", field=name)
        if not isinstance(value, kind) or isinstance(value, bool):
            said = "a whole number" if kind is int else "text"
            raise InvalidInput(f"{name} {value!r} is not {said}", field=name)
    options = replace(defaults, **asked)
    if not 0 <= options.port <= 65_535:
        raise InvalidInput(f"port {options.port} is outside [0, 65535]", field="port")
    if options.keyfile and not options.certfile:
        raise InvalidInput("keyfile goes with certfile, which is missing", field="certfile")
    checked_url(options.public_url)
    return options


def _own_url(options: PhoneOptions, port: int) -> str:
    """Return the URL by which phones in this network come."""
    host = network_address() if options.host in EVERYWHERE else options.host
    return f"{'https' if options.certfile else 'http'}://{shown_host(host or '127.0.0.1')}:{port}/"
