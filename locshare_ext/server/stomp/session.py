"""One STOMP connection: what it asks for, done; what it is owed, sent in one write per turn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from locshare_ext.broker.access import Principal
from locshare_ext.errors import InvalidInput, LocShareError, Unavailable
from locshare_ext.model.wire import error_object
from locshare_ext.server.closing import closing_code
from locshare_ext.server.progress import Progress
from locshare_ext.server.site import PROTOCOL, Site
from locshare_ext.server.stomp.commands import Commands
from locshare_ext.server.stomp.intake import Intake
from locshare_ext.server.stomp.peer import Taker, Wire
from locshare_ext.server.websocket import TEXT, message
from locshare_ext.stomp import Due, Limits, ServerConnection, State
from locshare_ext.version import __version__

__all__ = ["Session"]

_numbers = itertools.count(1)
_JSON_ENCODE = msgspec.json.Encoder().encode


class Session:
    """A client's connection, from CONNECT to its end; used on the loop it was made on.

    principal: by Jupyter's identity at the upgrade, None when CONNECT must bring one.
    """

    __slots__ = (
        "__weakref__",
        "_close",
        "_commands",
        "_connection",
        "_intake",
        "_is_gone",
        "_is_listed",
        "_loop",
        "_out",
        "_owed",
        "_progress",
        "_site",
        "_timer",
        "_wire",
        "_woken",
        "address",
        "limits",
        "opcode",
        "principal",
    )

    def __init__(self, site: Site, wire: Wire, principal: Principal | None, address: str) -> None:
        self._site = site
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self.limits = site.limits
        self.address = address
        self.principal = principal
        self.opcode = TEXT
        self._connection = ServerConnection(
            limits=_stomp_limits(site),
            heart_beat=(site.limits.heart_beat,) * 2,
            server=f"locshare-ext/{__version__}",
        )
        self._commands = Commands(site, self)
        self._intake = Intake(self, self._connection, self._commands)
        self._out: list[bytes] = []
        self._owed = 0  # bytes of _out
        self._woken: dict[Taker, None] = {}
        self._is_listed = False  # to be served in this turn
        self._close: tuple[int, str] | None = None  # once all is written
        self._is_gone = False
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(site.limits.connect, self._on_timer)
        self._progress = Progress(wire, site.limits.stall, self._on_stall)
        site.joined(self)

    # -- what the socket calls

    def receive(self, data: bytes, opcode: int) -> None:
        """Take received bytes."""
        if self._connection.state is State.OPENING:
            self.opcode = opcode
        self._intake.receive(data)

    def heard(self) -> None:
        """Note a sign of life that is no data, such as a pong."""
        self._connection.heard(self._loop.time())

    def drained(self) -> None:
        """What was unsent has gone out."""
        self._progress.stop()
        if self._woken or self._out:
            self._list()
        self._intake.go_on()

    def gone(self) -> None:
        """The connection has ended: leave everything."""
        self._is_gone = True
        self._intake.stop()
        self._commands.leave()
        self._woken.clear()
        self._out.clear()
        self._progress.stop()
        if self._timer is not None:
            self._timer.cancel()
        self._site.left(self)

    # -- what the site and the feeds call

    @property
    def version(self) -> str:
        """The agreed version of STOMP."""
        return self._connection.version or "1.0"

    @property
    def is_full(self) -> bool:
        """Whether so much is unsent that nothing more is to be added."""
        return self.is_over or self._wire.unsent > self.limits.unsent

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be answered."""
        return self._is_gone or self._close is not None

    @property
    def owed(self) -> int:
        """Bytes that wait for the end of this turn."""
        return self._owed

    @property
    def is_proved(self) -> bool:
        """Whether a credential was shown."""
        return self.principal is not None

    def ping(self) -> None:
        """Keep proxies from cutting a silent connection."""
        if not self.is_full:
            self._wire.ping()

    def stop(self, reason: str) -> None:
        """End the session from this side: ERROR, then close."""
        if self._connection.state is State.CONNECTED:
            self.fail(Unavailable(reason, code="stream_closed"))
        elif not self.is_over:
            self._end(b"", 1001, reason)

    def woken(self, taker: Taker) -> None:
        """Ask a subscription for its MESSAGEs at the end of this turn, or when there is room."""
        self._woken[taker] = None
        self._list()

    def let_go(self, taker: Taker) -> None:
        """Ask a subscription no more."""
        self._woken.pop(taker, None)

    def accept(self, principal: Principal) -> None:
        """Answer CONNECT: CONNECTED, and what is allowed from now on."""
        self.principal = principal
        if principal.kind == "invite":
            self._connection.limits = replace(
                self._connection.limits,
                frame=min(self.limits.invite_frame, self.limits.frame),
                subscriptions=min(self.limits.invite_subscriptions, self.limits.subscriptions),
            )
        extra = (("locshare-protocol", PROTOCOL),)
        self.send(self._connection.accept(f"s{next(_numbers)}", principal.id, extra))
        self._arm_timer()

    def part(self, receipt: str | None) -> None:
        """Answer DISCONNECT, then close."""
        self._end(b"" if receipt is None else self._connection.receipt(receipt), 1000, "")

    def send(self, frame: bytes) -> None:
        """Send one STOMP frame at the end of this turn, before what feeds have."""
        self.send_framed(message(frame, self.opcode))

    def send_framed(self, data: bytes) -> None:
        """Send what stands in WebSocket messages already."""
        self._out.append(data)
        self._owed += len(data)
        self._list()

    def receipt(self, receipt: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send a RECEIPT."""
        if self._connection.state is not State.OPENING:
            self.send(self._connection.receipt(receipt, headers))

    def fail(self, error: LocShareError, receipt: str | None = None) -> None:
        """Send ERROR, then close; nothing that comes later is read."""
        if self.is_over:
            return
        self._site.log.debug("STOMP connection ended: %s", error.code)
        shape = _JSON_ENCODE({"error": error_object(error)})
        frame = self._connection.error_for(
            error, body=shape, content_type="application/json", receipt=receipt
        )
        self._end(frame, closing_code(error), error.message)

    def serve(self) -> None:
        """Write all that is owed in one write; called once per loop turn."""
        self._is_listed = False
        if self._is_gone:
            return
        wire = self._wire
        out: list[bytes] = []
        unsent = wire.unsent
        if unsent and self._close is None:
            self._progress.watch()
            if unsent > self.limits.unsent:
                return
        if self._out:
            out, self._out, self._owed = self._out, out, 0
        # a subscription keeps its place while something is unsent, and `drained` comes here again
        if self._woken and not unsent and self._close is None:
            self._take(out)
        if out:
            wire.write(out[0] if len(out) == 1 else b"".join(out))
        if self._close is not None:
            code, reason = self._close
            self._is_gone = True  # nothing may follow
            wire.close(code, reason)
            return
        if self._woken and not unsent:
            self._list()

    def on_room(self) -> None:
        """What the intake waited for in the store is done."""
        self._intake.go_on()

    def pause(self, seconds: float) -> None:
        """Do and read nothing more of this client for a time: what it sends waits at its side."""
        self._intake.pause(seconds)

    def pause_reading(self) -> None:
        """Leave the socket alone; the intake says so."""
        self._wire.pause()
        self._list()  # who reads nothing is noticed there

    def resume_reading(self) -> None:
        """Read again; the time without counts as if the client had been heard."""
        self.heard()
        self._wire.resume()

    def broken(self, error: Exception) -> None:
        """End the connection after a bug of ours, with an ERROR if that is to be had."""
        self._site.log.error("a STOMP connection failed", exc_info=error)
        try:
            if not self.is_over:
                self.fail(Unavailable("something went wrong in the server; its log says what"))
                return
        except Exception as second:
            self._site.log.error("its ERROR failed too", exc_info=second)
        self._wire.abort()

    # -- inside

    def _list(self) -> None:
        if not self._is_listed and not self._is_gone:
            self._is_listed = True
            self._site.turn.add(self)

    def _take(self, out: list[bytes]) -> None:
        woken = self._woken
        room = self.limits.turn
        for taker in tuple(woken):
            if room <= 0:
                break
            woken.pop(taker, None)
            data = taker.take(room)
            if data:
                out.append(data)
                room -= len(data)
            if taker.is_behind:
                woken[taker] = None  # behind the others: next turn they are first

    def _on_stall(self) -> None:
        self._site.log.debug("STOMP connection ended: it read nothing for %s s", self.limits.stall)
        self._wire.abort()

    def _end(self, frame: bytes, code: int, reason: str) -> None:
        if frame:
            self.send(frame)
        self._close = (code, reason)
        self._commands.leave()  # what it has not acknowledged is for others, at once
        self._list()

    # -- time

    def _arm_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._connection.next_deadline()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._connection.state is State.CLOSED or self._is_gone:
            return
        if self._connection.state is not State.CONNECTED:
            self.fail(
                InvalidInput(f"CONNECT did not come within {self.limits.connect:g} s", code="connect_timeout")
            )
            return
        if self._intake.is_waiting:
            self.heard()
        due = self._connection.on_time(self._loop.time())
        if due is Due.TIMEOUT:
            self._site.log.debug("STOMP connection ended: its heart-beats stopped")
            self._end(b"", 1002, "no heart-beat")
            return
        if due is Due.BEAT and not self.is_full:
            self.send(self._connection.beat())
        self._arm_timer()


def _stomp_limits(site: Site) -> Limits:
    limits = site.limits
    return Limits(
        frame=limits.frame,
        frame_before_connect=limits.frame_before_connect,
        headers=limits.headers,
        header_line=limits.header_line,
        subscriptions=limits.subscriptions,
        transactions=limits.transactions,
    )
