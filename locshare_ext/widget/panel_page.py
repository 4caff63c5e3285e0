"""What the pages of panels have in common: looks, numbers as people read them."""

from __future__ import annotations

from html import escape

from locshare_ext.errors import InvalidInput

__all__ = ["LANGUAGES", "MOST", "check_language", "metres", "page", "span"]

LANGUAGES = ("en", "ko")
MOST = 100  # members in a table

STYLE = """
.locshare-facts { container-type: inline-size; color: var(--jp-ui-font-color1, inherit);
  font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); }
.locshare-facts p { margin: 0 0 2px; overflow-wrap: anywhere; }
.locshare-facts .when { color: var(--jp-ui-font-color2, inherit); font-variant-numeric: tabular-nums; }
.locshare-facts .fact { display: inline-block; margin-right: 1.2em; }
.locshare-facts table { border-collapse: collapse; width: 100%; margin-top: 4px;
  font-variant-numeric: tabular-nums; }
.locshare-facts th, .locshare-facts td { padding: 2px 6px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--jp-border-color2, #8884); }
.locshare-facts thead th { font-weight: 600; color: var(--jp-ui-font-color1, inherit); }
.locshare-facts th:first-child { text-align: left; white-space: normal;
  overflow-wrap: anywhere; font-weight: 600; }
.locshare-facts th:first-child { min-width: 6.5em; }
.locshare-facts td.last { white-space: normal; }
.locshare-facts .mark { white-space: nowrap; display: inline-block; font-weight: 400;
  font-size: 12px; margin-left: 6px; }
.locshare-facts .is-alone { text-decoration: underline; }
.locshare-facts tr.is-gone td { color: var(--jp-ui-font-color2, inherit); }
@container (max-width: 620px) { .locshare-facts .wide { display: none; } }
@container (max-width: 430px) { .locshare-facts .middling { display: none; } }
"""


def page(kind: str, title: str, when: str, body: str, language: str, style: str = "") -> str:
    """Return a page; title: what people wrote, when and body: HTML, style: CSS of this kind alone."""
    head = f'<p><strong>{escape(title)}</strong> <span class="when">{when}</span></p>'
    return (
        f"<style>{STYLE}{style}</style>"
        f'<div class="locshare-facts locshare-{kind}" lang="{language}">{head}{body}</div>'
    )


def check_language(language: str) -> str:
    """Return a language if there are words of it; raises InvalidInput."""
    if language not in LANGUAGES:
        raise InvalidInput(
            f"language {language!r} is unknown; expected {' or '.join(LANGUAGES)}", field="language"
        )
    return language


def metres(value: float) -> str:
    """Return a distance as people read it."""
    return f"{value:.0f} m" if value < 999.5 else f"{value / 1000:.{1 if value < 99_950 else 0}f} km"


def span(seconds: float) -> str:
    """Return a span as h:mm:ss, or m:ss below an hour."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
