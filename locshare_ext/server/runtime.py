"""The file by which kernels find the server that started them."""

from __future__ import annotations

import json
import os
import socket
import ssl
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir, secure_write

__all__ = ["ENV", "kernel_host", "remove_runtime_file", "write_runtime_file"]

ENV = "LOCSHARE_RUNTIME"  # kernels inherit it
_EVERYWHERE = ("", "0.0.0.0", "*")  # noqa: S104 -- compared, not bound


def write_runtime_file(url: str, token: str, ca_file: str | None) -> Path:
    """Write the file (0600) and put its path into the environment; returns the path."""
    folder = Path(jupyter_runtime_dir())
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"locshare-{os.getpid()}.json"
    content = {"version": 1, "pid": os.getpid(), "url": url, "token": token, "ca_file": ca_file}
    path.unlink(missing_ok=True)  # a file of a process with our pid, long gone
    with secure_write(str(path)) as file:
        json.dump(content, file)
    os.environ[ENV] = str(path)
    return path


def remove_runtime_file(path: Path) -> None:
    """Remove it; no error if it is gone."""
    path.unlink(missing_ok=True)
    if os.environ.get(ENV) == str(path):
        del os.environ[ENV]


def kernel_host(ip: str, certfile: str) -> tuple[str, str | None]:
    """Return the host by which this machine reaches the server, and its CA file if it needs one.

    ip: what the server listens on. certfile: its certificate, empty without TLS. With TLS
    the host is a name in the certificate that resolves here; a self-signed one is its own CA.
    """
    host = _bracketed(_loopback(ip))
    if not certfile:
        return host, None
    names, is_self_signed = _certificate(certfile)
    here = next((name for name in names if _resolves_here(name, ip)), None)
    return (_bracketed(here) if here else host), (os.path.abspath(certfile) if is_self_signed else None)


def _loopback(ip: str) -> str:
    if ip in _EVERYWHERE or ip == "localhost":
        return "127.0.0.1"
    return "::1" if ip == "::" else ip


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _certificate(certfile: str) -> tuple[list[str], bool]:
    """Return the names in a certificate, and whether it is signed by itself."""
    try:
        # the only decoder of the standard library; there since Python 2.6, though not documented
        decoded: dict[str, Any] = ssl._ssl._test_decode_cert(certfile)  # type: ignore[attr-defined]
    except (OSError, ssl.SSLError, AttributeError):
        return [], False
    names = [str(name) for kind, name in decoded.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    return [name for name in names if "*" not in name], decoded.get("subject") == decoded.get("issuer")


def _resolves_here(name: str, ip: str) -> bool:
    own = {"127.0.0.1", "::1", ip}
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(str(address[4][0]) in own for address in found)
