"""`jupyter locshare verify`: is a recording file sound, and as it was written?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from locshare_ext.cli.progress import measured

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Check files; returns 0 when all are sound, else 1."""
    from locshare_ext.formats.verify import verify_geopackage

    are_sound = True
    for name in options.files:
        with measured(Path(name).name, 0, " fixes") as progress:
            verdict = verify_geopackage(name, progress=progress)
        if not options.quiet:
            for one in verdict.findings:
                mark = {True: "ok", False: "FAILED", None: "-"}[one.is_good]
                print(f"  {one.check:<11} {mark:<7} {one.text}")
        if verdict.is_sound:
            if not options.quiet:
                print(f"{name}: sound, as it was written")
        else:
            failed = next((one for one in verdict.findings if one.is_good is False), None)
            why = f"{failed.check}: {failed.text}" if failed is not None else "nothing could be checked"
            print(f"{name}: NOT SOUND ({why})", file=sys.stderr)
        are_sound &= verdict.is_sound
    return 0 if are_sound else 1
