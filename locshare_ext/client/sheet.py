"""A sheet of invite cards to print and cut: a code to scan for each member."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from locshare_ext.errors import InvalidInput
from locshare_ext.model.setups import qr_path

if TYPE_CHECKING:
    from locshare_ext.client.invites import Invite

__all__ = ["check_language", "sheet", "write_sheet"]

WORDS = {
    "en": {
        "anyone": "For whoever has it",
        "scan": "Scan with the phone's camera",
        "until": "Until {when}",
        "secret": "This code lets in whoever has it. Do not post it.",
    },
    "ko": {
        "anyone": "가진 사람 누구나",
        "scan": "휴대폰 카메라로 찍으세요",
        "until": "{when}까지",
        "secret": "이 코드를 가진 사람은 누구나 들어올 수 있습니다. 공개하지 마세요.",
    },
}

PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
@page {{ size: A4; margin: 10mm; }}
body {{ margin: 0; font: 11pt/1.35 system-ui, sans-serif; color: #000; background: #fff; }}
main {{ display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); }}
section {{ box-sizing: border-box; height: 69mm; padding: 5mm; border: 0.2mm dashed #999;
  display: flex; gap: 4mm; align-items: center; break-inside: avoid; overflow: hidden; }}
svg {{ width: 42mm; height: 42mm; flex: none; }}
h2 {{ margin: 0 0 1mm; font-size: 15pt; overflow-wrap: anywhere; }}
p {{ margin: 0 0 1.5mm; }} .small {{ font-size: 8.5pt; }}
@media (max-width: 600px) {{ main {{ grid-template-columns: minmax(0, 1fr); }} section {{ height: auto; }} }}
</style></head><body><main>
{cards}
</main></body></html>
"""

CARD = """<section>
<svg viewBox="0 0 {width} {width}" role="img" aria-label="{scan}"><path fill="#000" d="{path}"/></svg>
<div><h2>{member}</h2><p>{group}</p><p class="small">{scan}</p><p class="small">{until}</p>
<p class="small">{secret}</p></div></section>"""


def sheet(invites: Sequence[Invite], links: Sequence[str], title: str, language: str = "en") -> str:
    """Return a page of cards, eight to a sheet of A4; links: what each one's code leads to.

    title: of the group. Raises InvalidInput for a language without words.
    """
    words = WORDS[check_language(language)]
    cards = []
    for invite, link in zip(invites, links, strict=True):
        path, width = qr_path(link)
        when = invite.expires.astimezone().strftime("%Y-%m-%d %H:%M %Z")
        cards.append(
            CARD.format(
                width=width,
                path=path,
                member=escape(invite.member or words["anyone"]),
                group=escape(title),
                scan=words["scan"],
                until=words["until"].format(when=escape(when)),
                secret=words["secret"],
            )
        )
    return PAGE.format(language=language, title=escape(title), cards="\n".join(cards))


def check_language(language: str) -> str:
    """Return a language that cards have words in; raises InvalidInput."""
    if language not in WORDS:
        raise InvalidInput(
            f"language {language!r} is unknown; expected {' or '.join(WORDS)}", field="language"
        )
    return language


def write_sheet(path: str | os.PathLike[str], text: str) -> Path:
    """Write a sheet for its owner's eyes only: whoever reads it has the invites."""
    target = Path(path)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)  # of a file that was there, too
        file.write(text)
    return target
