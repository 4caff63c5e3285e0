"""Enable the extension from a working copy: `python -m locshare_ext.cli.develop`.

An editable install brings neither the server's configuration nor the lab extension
where Jupyter looks for them; this links both, into this environment only.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
LINKS = {
    "share/jupyter/labextensions/locshare-ext": PACKAGE / "widget" / "labextension",
    "etc/jupyter/jupyter_server_config.d/locshare_ext.json": PACKAGE
    / "server/jupyter_server_config.d/locshare_ext.json",
}


def main() -> None:
    """Link the configuration and the lab extension into this environment."""
    for place, source in LINKS.items():
        link = Path(sys.prefix) / place
        if link.is_symlink() or link.is_file():
            link.unlink()
        elif link.is_dir():
            shutil.rmtree(link)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source)


if __name__ == "__main__":
    main()
