"""Puts what the share page needs of others into the package, when that is built.

By npm, from the registry, in the versions and with the checksums of `vendored/package-lock.json`,
each with its licence. What is there already in these versions stays, so that a source
distribution is built into a wheel without a network. By hand: run this file.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parent
WANTED = PAGES / "vendored"
TARGET = PAGES / "static" / "vendor"
FILES = {
    "leaflet.js": "leaflet/dist/leaflet.js",
    "leaflet.css": "leaflet/dist/leaflet.css",
    "leaflet.LICENSE": "leaflet/LICENSE",
    "stomp.js": "@stomp/stompjs/bundles/stomp.umd.min.js",
    "stomp.LICENSE": "@stomp/stompjs/LICENSE",
}
STAMP = "versions.sha256"


def wanted() -> str:
    """Return what names the versions that are wanted."""
    lock = (WANTED / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + repr(sorted(FILES.items())).encode()).hexdigest() + "\n"


def is_there() -> bool:
    """Whether all files are there in the versions that are wanted."""
    stamp = TARGET / STAMP
    return (
        stamp.is_file() and stamp.read_text() == wanted() and all((TARGET / name).is_file() for name in FILES)
    )


def vendor() -> None:
    """Bring the files; raises RuntimeError that says what is missing."""
    if is_there():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            "npm is missing: the share page is built with Leaflet and stompjs (install Node.js)"
        )
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(WANTED / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"npm could not bring what the share page needs: {done.stderr.strip()[-500:]}")
        TARGET.mkdir(parents=True, exist_ok=True)
        for name, source in FILES.items():
            shutil.copyfile(Path(folder) / "node_modules" / source, TARGET / name)
    (TARGET / STAMP).write_text(wanted())


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, without the builder
    pass
else:

    class VendorHook(BuildHookInterface):  # type: ignore[type-arg,misc,unused-ignore]
        """Vendors before anything is packed; a working copy is installed without npm, too."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            try:
                vendor()
            except RuntimeError as error:
                if version != "editable":
                    raise
                self.app.display_warning(f"{error}; until then the share page has no map and no STOMP")


if __name__ == "__main__":
    try:
        vendor()
    except RuntimeError as failure:
        sys.exit(str(failure))
