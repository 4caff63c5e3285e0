"""Enable the extension from a working copy: `python -m locshare_ext.cli.develop`.

An editable install brings neither the server's configuration nor the lab extension to
where Jupyter looks for them; this copies both, into this environment only. They are no
links: a plain install later writes to these places, and its removal deletes them.
"""

from __future__ import annotations

import filecmp
import shutil
import sys
from pathlib import Path

__all__ = ["main"]

PACKAGE = Path(__file__).parent.parent
COPIES = {
    "share/jupyter/labextensions/locshare-ext": PACKAGE / "widget" / "labextension",
    "etc/jupyter/jupyter_server_config.d/locshare_ext.json": PACKAGE
    / "server/jupyter_server_config.d/locshare_ext.json",
}


def main() -> None:
    """Make this environment's copies as the working copy is; what is the same already stays untouched."""
    for place, source in COPIES.items():
        target = Path(sys.prefix) / place
        if target.is_symlink():
            target.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        _mirror(source, target)


def _mirror(source: Path, target: Path) -> None:
    """Copy a file or a folder; a page that is loading just now never finds a file missing."""
    if source.is_dir():
        if target.is_file():
            target.unlink()
        target.mkdir(exist_ok=True)
        kept = {part.name for part in source.iterdir()}
        for part in target.iterdir():
            if part.name not in kept:
                _remove(part)
        for part in source.iterdir():
            _mirror(part, target / part.name)
    elif target.is_symlink() or not target.is_file() or not filecmp.cmp(source, target, shallow=False):
        _remove(target)
        shutil.copyfile(source, target)


def _remove(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
