"""What the end of a connection says of its transport: blocked, or is it the server?"""

from __future__ import annotations

from collections.abc import Callable

from locshare_ext.client.connection import HEART_BEAT, HEART_BEAT_TOLERANCE, NOT_REACHED, SILENT
from locshare_ext.client.ladder import Ending
from locshare_ext.errors import LocShareError, ServerNotFound, ServerUnreachable, TooFast, Unavailable
from locshare_ext.transports.refusals import FOREIGN, is_final

__all__ = ["judge", "silence_of"]

# The server's own words for an upgrade that something between has made a plain request of, or for
# a WebSocket through which none of our frames came.
_NO_WEBSOCKET = frozenset({"websocket_expected", "websocket_version", "connect_timeout"})
# Codes of answers that no server of ours gave.
_FOREIGN = frozenset({FOREIGN, "no_extension", Unavailable.default_code})
# s that nothing came before these were told
_SILENCES = {"heart_beat_missed": HEART_BEAT[1] / 1000 * HEART_BEAT_TOLERANCE, "server_slow": 60.0}
# Nobody's fault but the server's: it is there, and cannot.
_BUSY = (Unavailable, TooFast)


def judge(error: LocShareError, *, was_live: bool, ask: Callable[[], object]) -> Ending:
    """Return what an error tells of the transport that ended with it.

    ask: asks the server something by plain HTTP, to tell a block from a server that is down.
    Raises the refusal of the credential that `ask` may raise.
    """
    if error.code in _NO_WEBSOCKET:
        return Ending.BARRED
    if error.code == NOT_REACHED or isinstance(error, ServerNotFound):
        return Ending.UNREACHED
    if _is_said(error):
        return Ending.SAID
    try:
        ask()
    except LocShareError as answer:
        if is_final(answer):
            raise
        if isinstance(answer, _BUSY) or not _is_said(answer):
            return Ending.UNREACHED
    if was_live:
        return Ending.CUT
    status = error.details.get("http_status")
    is_refusal = error.code == FOREIGN or (isinstance(status, int) and status < 500)
    return Ending.BARRED if is_refusal or error.code == SILENT else Ending.FAILED


def silence_of(error: LocShareError) -> float:
    """Return for how many seconds it had been dead before it was found to be: that was no life."""
    return _SILENCES.get(error.code, 0.0)


def _is_said(error: LocShareError) -> bool:
    """Return whether these are the words of a server of ours."""
    return error.code not in _FOREIGN and not isinstance(error, ServerUnreachable | ServerNotFound)
