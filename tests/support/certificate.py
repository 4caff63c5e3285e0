"""A certificate that signs itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

__all__ = ["make_certificate"]


def make_certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """Make a certificate for `DNS:...` and `IP:...` names and its key, in new files each time."""
    number = len(list(folder.glob("*.pem")))
    certfile, keyfile = folder / f"{number}-server.pem", folder / f"{number}-key.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN=t{number}",
         "-addext", f"subjectAltName={','.join(names)}", "-keyout", str(keyfile), "-out", str(certfile)],
        capture_output=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is missing")
    return certfile, keyfile
