"""What every handler below locshare/ has: a principal, a body within limits, a way to answer."""

from __future__ import annotations

from asyncio import Future
from typing import Any, NoReturn

from tornado import web

from locshare_ext.broker.access import Principal, Role, require
from locshare_ext.errors import InvalidInput, NotAuthenticated, TooLarge
from locshare_ext.model.names import group_slug, near_names
from locshare_ext.server.answering import ENCODER, HEADERS, METHODS, Answering
from locshare_ext.server.audit import Action
from locshare_ext.server.bodies import (
    JSON_TYPES,
    body_length,
    check_encoding,
    check_media_type,
    has_body,
    read_object,
)
from locshare_ext.server.credentials import check_carrier, sent_credential
from locshare_ext.server.guarding import guarded
from locshare_ext.server.origin import check_host, check_origin, is_cross_site
from locshare_ext.server.progress import cut_unread
from locshare_ext.server.site import Site
from locshare_ext.services.groups import Group

__all__ = ["Handler", "NothingHere"]


class Handler(Answering):
    """A plain tornado handler: no cookies, no XSRF, no identity of its own.

    `prepare` finds the principal by `authenticate`, the one place for that; without one no
    method is reached. Bodies are streamed and limited: what is refused in `prepare` is
    answered only after the body was read, else a proxy's next request over the same
    connection fails. Methods raise our errors; they become the one shape.
    """

    _stream_request_body = True  # what tornado's decorator sets; here for all handlers

    principal: Principal
    action: str | None = None  # asked of Jupyter's authorizer; None: read or write by method
    needs_principal = True
    is_page = False  # for people: the API's document says nothing of it
    has_head = True  # whether HEAD is answered as GET
    body_types: tuple[str, ...] = JSON_TYPES  # media types that are taken
    late_methods: tuple[str, ...] = ()  # that take an invite for a while after it expired
    for_participants = False  # whether a listener of the participants alone has it, too

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in METHODS:
            if name in cls.__dict__:
                setattr(cls, name, guarded(cls.__dict__[name]))
        if "get" in cls.__dict__ and "head" not in cls.__dict__ and cls.has_head:
            cls.head = cls.get  # tornado leaves the body out

    def initialize(self, site: Site) -> None:
        """Take what all handlers share."""
        self.site = site
        self.current_principal: Principal | None = None
        self.refusal: Exception | None = None
        self.body = bytearray()
        self.body_size = 0

    # -- who, and what came

    async def prepare(self) -> None:
        """Find the principal and look at the body's headers."""
        self.site.underway.add(self)
        if self._stream_request_body:
            connection: Any = self.request.connection
            connection.set_max_body_size(self.drain_limit + (1 << 20))
            connection.set_body_timeout(self.site.limits.body_timeout)
        try:
            self.current_principal = await self.authenticate()
            if self.current_principal is not None:
                self.principal = self.current_principal
            elif self.needs_principal and self.request.method != "OPTIONS":
                raise NotAuthenticated("no credential came with the request, and one is needed")
            self._check_body()
        except Exception as error:  # answered by the method, once the body is read
            if not self._stream_request_body:
                raise
            self.refusal = error
            if body_length(self.request) > self.drain_limit:
                self.set_header("Connection", "close")  # too much to read it just for politeness
                raise

    async def authenticate(self) -> Principal | None:
        """Return who sends this: by a credential of ours, else by Jupyter's own rules.

        None: nobody known. Raises AccessDenied for a wrong credential, a host that is not
        ours, and a foreign origin, whatever the credential.
        """
        request, site = self.request, self.site
        self.check_host()
        allowed = check_origin(request.headers, request.host, self.settings)
        if allowed is not None:
            self._allow_origin(allowed)
        if request.method == "OPTIONS":
            return None
        token = self.sent_token()
        if token is not None:  # cookies are ignored, Jupyter is not asked
            late = request.method in self.late_methods
            return await site.credentials.check(token, request.remote_ip or "", late=late)
        check_carrier(request.headers, request.query_arguments.get("token", []))
        if allowed is None and is_cross_site(request.headers):
            return None
        writes = request.method not in ("GET", "HEAD")
        found = await site.identity.principal(self, self.action or ("write" if writes else "read"))
        if found is not None:
            site.reach.note(f"{request.protocol}://{request.host}{self.base_path}")
        return found

    def check_host(self) -> None:
        """Raise AccessDenied if the request is for a host that is not ours."""
        site = self.site
        check_host(
            self.request.host,
            site.allowed_hosts,
            self.settings,
            is_guarded=site.identity.is_guarded,
            public_url=site.reach.public_url,
        )

    def sent_token(self) -> str | None:
        """Return the credential of ours that came, None if none did."""
        return sent_credential(self.request.headers)

    @property
    def base_path(self) -> str:
        """The path below which `locshare/` lies, with `/` at both ends."""
        return str(self.settings.get("base_url", "/"))

    def on_finish(self) -> None:
        """Note that the request was answered."""
        self.site.underway.discard(self)

    def on_connection_close(self) -> None:
        """Note that nobody waits for an answer any more."""
        self.site.underway.discard(self)
        super().on_connection_close()

    def check_still(self) -> None:
        """Look again at who sends this: the body may have taken its time. Raises Gone."""
        if self.current_principal is not None:
            late = self.request.method in self.late_methods
            self.principal = self.site.credentials.check_still(self.current_principal, late=late)

    @property
    def body_limit(self) -> int:
        """The most bytes of a body that are taken."""
        return self.site.limits.body

    @property
    def drain_limit(self) -> int:
        """The most bytes of a body that are read, taken or not."""
        return self.site.limits.drain

    def _check_body(self) -> None:
        request = self.request
        check_encoding(request)
        if request.method in ("POST", "PATCH") and has_body(request):
            check_media_type(request, self.body_types)
        if body_length(request) > self.body_limit:
            raise self._too_large()

    def data_received(self, chunk: bytes) -> Any:
        """Keep a piece of the body, up to the limit; beyond it is read and dropped."""
        self.body_size += len(chunk)
        if self.body_size > self.drain_limit and not self._finished:
            self.set_header("Connection", "close")
            self.send_error(413, exc_info=(TooLarge, self._too_large(), None))
            return None
        if self.refusal is not None:
            return None
        if self.body_size > self.body_limit:
            self.refusal = self._too_large()
            self.body.clear()
            return None
        return self.take(chunk)

    def take(self, chunk: bytes) -> Any:
        """Keep a piece of a body that is within the limit."""
        self.body += chunk

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is over the limit of {self.body_limit} bytes", code="body_too_large")

    # -- what handlers use

    def check_xsrf_cookie(self) -> None:
        """Do nothing: who comes with a cookie is checked by Jupyter's rules in `authenticate`."""

    def set_default_headers(self) -> None:
        """Set the headers of every answer."""
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def require(self, group: str | None, role: Role) -> str:
        """Return the slug of a group if the principal may do this there; raises AccessDenied.

        group: a name in any spelling, None for what concerns no single group.
        """
        slug = None if group is None else group_slug(group)
        require(self.principal, slug, role)
        return slug or ""

    async def find_group(self, name: str, role: Role) -> Group:
        """Return a group that exists, for a principal that may; raises NotFound."""
        return await self.site.groups.find(self.require(name, role))

    def audit(
        self,
        action: Action,
        *,
        group: str | None = None,
        target: str | None = None,
        **more: Any,
    ) -> None:
        """Note what the principal did for others to see; see `Audit.note`."""
        self.site.audit.note(action, self.principal, group=group, target=target, **more)

    def query(self, *known: str) -> dict[str, str]:
        """Return the query's values by name.

        Raises InvalidInput for a name that is not `known` or came twice, and for bytes that are
        no text.
        """
        values: dict[str, str] = {}
        for raw, sent in self.request.query_arguments.items():
            name = raw.encode("latin1").decode(errors="replace")  # tornado's way with bytes
            if name in ("token", "_"):  # Jupyter's credential; against caches
                continue
            if name not in known:
                near = near_names(name[:64], known, 1)
                hint = f"did you mean `{near[0]}`?" if near else f"expected {', '.join(known) or 'none'}"
                raise InvalidInput(
                    f"parameter {name[:64]!r} is unknown; {hint}", code="unknown_parameter", field=name[:64]
                )
            if len(sent) > 1:
                raise InvalidInput(
                    f"parameter `{name}` came {len(sent)} times, expected once",
                    code="duplicate_parameter",
                    field=name,
                )
            values[name] = self.decode_argument(sent[0], name).strip()
        return values

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Return the text of a parameter, or of a part of the path; raises InvalidInput."""
        try:
            return value.decode()
        except UnicodeDecodeError:
            where = "path" if name is None else name
            refusal = InvalidInput(
                f"{where} {value[:40]!r} is not UTF-8", code="invalid_encoding", field=where
            )
        if name is not None:
            raise refusal
        self.refusal = refusal  # of the path: tornado asks for it before the body is read
        return ""

    def json_body(self) -> dict[str, Any]:
        """Return the body's JSON object; raises InvalidInput."""
        return read_object(bytes(self.body))

    def answer(self, value: Any, status: int = 200) -> None:
        """Finish with a value as JSON."""
        self.set_status(status)
        self.finish(ENCODER.encode(value))

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Send what was written; who takes nothing of it for a while is cut, as streams are."""
        sent = super().flush(include_footers)
        connection: Any = self.request.connection
        cut_unread(connection.stream, sent, self.site.limits.stall)
        return sent


Handler.options = guarded(Handler.options)  # type: ignore[method-assign]  # subclasses do so by themselves


class NothingHere(Handler):
    """Whatever else is asked for below locshare/."""

    needs_principal = False

    def _nothing(self, *args: str) -> NoReturn:
        raise web.HTTPError(404)

    get = head = post = put = patch = delete = _nothing
