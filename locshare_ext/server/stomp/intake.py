"""What a client has sent, done in the order that it came; what cannot be done yet is waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from locshare_ext.errors import FrameError, LocShareError
from locshare_ext.server.stomp.commands import Commands
from locshare_ext.stomp import ClientEvent, ServerConnection

__all__ = ["Intake"]

_HELD = 128 << 10  # bytes
_AT_ONCE = 50  # things that are awaited in one loop turn, if none of them waits


class Server(Protocol):
    """What an intake needs of its session."""

    @property
    def is_full(self) -> bool:
        """Whether so much is unsent that nothing more is to be done; `go_on` is called when it is not."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be done."""

    def fail(self, error: LocShareError, receipt: str | None = None) -> None:
        """End the connection with an ERROR."""

    def broken(self, error: Exception) -> None:
        """End the connection after a bug of ours."""

    def pause_reading(self) -> None:
        """Read nothing more from the socket."""

    def resume_reading(self) -> None:
        """Read again."""


class Intake:
    """Does what a client asks for; a reader of its connection's bytes.

    While something waits (for the store, for output to drain, for `pause` to end), what comes
    behind it waits too: up to `_HELD` bytes here, so that a client that leaves meanwhile is
    noticed; then the socket is left alone, the client's own buffers fill, and nothing is lost.
    """

    def __init__(self, session: Server, connection: ServerConnection, commands: Commands) -> None:
        self._session = session
        self._connection = connection
        self._commands = commands
        self._loop = asyncio.get_running_loop()
        self._events: deque[ClientEvent | FrameError] = deque()  # parsed, not done
        self._task: asyncio.Task[None] | None = None  # does what must be awaited
        self._pause: asyncio.TimerHandle | None = None
        self._is_reading = True
        self._held = 0  # bytes received since all was done

    @property
    def is_waiting(self) -> bool:
        """Whether the client's bytes are left unread on purpose, so that its silence says nothing."""
        return not self._is_reading or self._pause is not None

    def receive(self, data: bytes) -> None:
        """Take received bytes."""
        try:
            self._parse(data)
        except Exception as error:
            self._session.broken(error)
            return
        self._held += len(data)
        self.go_on()

    def go_on(self) -> None:
        """Do what can be done by now; whatever made it wait calls this when that has ended."""
        if self._task is None and self._pause is None:
            try:
                event = self._do_what_can_be_done()
            except Exception as error:
                self._session.broken(error)
                return
            if event is not None:
                self._task = self._loop.create_task(self._do(event))
        session = self._session
        if not self._events:
            self._held = 0
            if not self._is_reading and not session.is_over:
                self._is_reading = True
                session.resume_reading()
        elif self._is_reading and (self._held > _HELD or session.is_full):
            self._is_reading = False
            session.pause_reading()

    def _do_what_can_be_done(self) -> ClientEvent | FrameError | None:
        """Do all that needs no waiting; returns what comes then, if it can be done now."""
        found = None
        events, commands, session = self._events, self._commands, self._session
        while (events or self._parse(b"")) and not session.is_full:
            if commands.at_once(events[0]):
                events.popleft()
                if self._pause is not None:
                    break
            elif commands.must_wait(events[0]):
                break
            else:
                found = events.popleft()
                break
        commands.flush()
        return found

    def pause(self, seconds: float) -> None:
        """Do and read nothing more for a time; a longer pause counts."""
        when = self._loop.time() + seconds
        if self._pause is not None:
            if self._pause.when() >= when:
                return
            self._pause.cancel()
        self._pause = self._loop.call_at(when, self._on_pause_ended)

    def stop(self) -> None:
        """Do nothing more; what is being done is not cut off."""
        self._events.clear()
        if self._pause is not None:
            self._pause.cancel()

    def _on_pause_ended(self) -> None:
        self._pause = None
        self.go_on()

    def _parse(self, data: bytes) -> bool:
        """Read what the bytes ask for; returns whether that is anything."""
        try:
            found = self._connection.receive_data(data, self._loop.time())
        except FrameError as error:
            self._events.append(error)
            return True
        self._events.extend(found)
        return bool(found)

    async def _do(self, event: ClientEvent | FrameError) -> None:
        """Do what must be awaited, and what comes behind it: a task for each costs as much again."""
        following: ClientEvent | FrameError | None = event
        done = 0
        try:
            while following is not None:
                event = following
                await self._commands.do(event)
                done += 1
                if done % _AT_ONCE == 0:
                    await asyncio.sleep(0)  # others have their turn
                following = self._do_what_can_be_done() if self._pause is None else None
        except LocShareError as error:
            await self._commands.sending.settle()
            self._session.fail(error, getattr(event, "receipt", None))
        except Exception as error:
            self._session.broken(error)
        finally:
            self._task = None
        self.go_on()
