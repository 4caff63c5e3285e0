"""A roster as a piece of HTML, in English or Korean; everything that people named is escaped."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

from locshare_ext.client.roster import STATES, Person
from locshare_ext.widget.panel_page import MOST, metres, page

__all__ = ["WORDS", "roster_page"]

EN = {
    "none": "Nobody is invited, and nobody shares yet.",
    "there": "{here} of {all} here",
    "fact": "{count} {what}",
    "low": "low battery",
    "more": "and {count} more members",
    "member": "Member",
    "state": "State",
    "age": "Position",
    "heard": "Last heard",
    "battery": "Battery",
    "accuracy": "Accuracy",
    "left": "Invite ends",
    "here": "here",
    "no position": "no position: no GPS?",
    "silent": "silent",
    "lost": "lost: no network, or off?",
    "not joined": "not joined",
    "expired": "invite expired",
    "revoked": "invite revoked",
    "ago": "{span} ago",
    "in": "in {span}",
    "problem": "No news: {reason}",
    "s": "{n} s",
    "min": "{n} min",
    "h": "{n} h",
    "d": "{n} d",
}
KO = {
    "none": "아직 초대한 사람도, 공유하는 사람도 없습니다.",
    "there": "{all}명 중 {here}명 있음",
    "fact": "{what} {count}",
    "low": "배터리 부족",
    "more": "외 {count}명",
    "member": "멤버",
    "state": "상태",
    "age": "위치",
    "heard": "마지막 신호",
    "battery": "배터리",
    "accuracy": "정확도",
    "left": "초대 만료",
    "here": "있음",
    "no position": "위치 없음: GPS 확인",
    "silent": "신호 없음",
    "lost": "끊김: 네트워크나 전원 확인",
    "not joined": "참여 전",
    "expired": "초대 만료됨",
    "revoked": "초대 취소됨",
    "ago": "{span} 전",
    "in": "{span} 후",
    "problem": "새 소식 없음: {reason}",
    "s": "{n}초",
    "min": "{n}분",
    "h": "{n}시간",
    "d": "{n}일",
}
WORDS = {"en": EN, "ko": KO}

# column, class: what goes first where there is no room
COLUMNS = (
    ("state", "state"),
    ("age", "middling"),
    ("heard", ""),
    ("battery", "middling"),
    ("accuracy", "wide"),
    ("left", "wide"),
)
STYLE = """
.locshare-roster th.state, .locshare-roster td.state { text-align: left; white-space: normal; }
.locshare-roster td.state::before { content: ""; display: inline-block; width: 0.6em; height: 0.6em;
  margin-right: 0.5em; border-radius: 50%; background: var(--dot); }
.locshare-roster tr { --dot: var(--jp-border-color1, #888); }
.locshare-roster .is-here { --dot: var(--jp-success-color1, #2e7d32); }
.locshare-roster .is-lost { --dot: var(--jp-error-color1, #c62828); }
.locshare-roster .is-silent, .locshare-roster .is-no-position { --dot: var(--jp-warn-color1, #ef6c00); }
.locshare-roster .mark { border: 1px solid var(--jp-warn-color1, #ef6c00); border-radius: 3px;
  padding: 0 4px; }
@container (max-width: 430px) {
  .locshare-roster :is(th, td) { padding: 2px 4px; white-space: normal; }
  .locshare-roster th:first-child { min-width: 4em; }
  .locshare-roster .mark { margin-left: 0; white-space: normal; }
}
"""
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))  # seconds


def roster_page(
    title: str, people: Sequence[Person], now: int, *, language: str = "en", problem: str | None = None
) -> str:
    """Return a roster as HTML. now: ms; problem: why there is no newer one."""
    words = WORDS[language]
    body = _table(people, now, words) if people else f"<p>{words['none']}</p>"
    if problem is not None:
        body = f'<p role="alert">{words["problem"].format(reason=escape(problem))}</p>' + (
            body if people else ""
        )
    return page("roster", title, "", body, language, STYLE)


def _table(people: Sequence[Person], now: int, words: dict[str, str]) -> str:
    counts = Counter(one.state for one in people)
    facts = [words["there"].format(here=counts["here"], all=len(people))]
    facts += [
        words["fact"].format(count=counts[state], what=words[state])
        for state in STATES
        if counts[state] and state != "here"
    ]
    low = sum(one.is_low for one in people)
    facts += [words["fact"].format(count=low, what=words["low"])] if low else []
    told = "".join(f'<span class="fact">{fact}</span> ' for fact in facts)
    titles = "".join(f'<th scope="col" class="{kind}">{words[name]}</th>' for name, kind in COLUMNS)
    rows = "".join(_row(one, now, words) for one in people[:MOST])
    rest = len(people) - MOST
    more = f"<p>{words['more'].format(count=rest)}</p>" if rest > 0 else ""
    return (
        f'<p>{told}</p><table><thead><tr><th scope="col">{words["member"]}</th>{titles}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{more}"
    )


def _row(one: Person, now: int, words: dict[str, str]) -> str:
    mark = f'<span class="mark">{words["low"]}</span>' if one.is_low else ""
    left = None if one.expires is None or one.state == "revoked" else one.expires - now
    cells = {
        "state": words[one.state],
        "age": _ago(one.age, words),
        "heard": _ago(one.heard_age, words),
        "battery": "" if math.isnan(one.battery) else f"{one.battery:.0%}",
        "accuracy": "" if math.isnan(one.accuracy) else metres(one.accuracy),
        "left": "" if left is None or left <= 0 else words["in"].format(span=_span(left, words)),
    }
    told = "".join(f'<td class="{kind}">{cells[name]}</td>' for name, kind in COLUMNS)
    kind = one.state.replace(" ", "-")
    return f'<tr class="is-{kind}"><th scope="row">{escape(one.member)}{mark}</th>{told}</tr>'


def _ago(age: int | None, words: dict[str, str]) -> str:
    return "" if age is None else words["ago"].format(span=_span(age, words))


def _span(ms: int, words: dict[str, str]) -> str:
    """Return a span in its largest unit, rounded down."""
    seconds = max(ms // 1000, 0)
    size, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    return words[unit].format(n=seconds // size)
