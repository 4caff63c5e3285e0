"""A group's numbers as a piece of HTML, in English or Korean; everything that people named is escaped."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from locshare_ext.widget.panel_page import MOST, metres, page, span

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WORDS", "page_of"]

EN = {
    "none": "No fixes yet.",
    "there": "{there} of {members} here",
    "spread": "spread {spread}",
    "farthest": "farthest {member}, {farthest}",
    "pairs": "pairs within {near}: {pairs}",
    "covered": "covered {area}",
    "alone": "Alone: {names}",
    "nobody": "Nobody is alone",
    "more": "and {count} more members",
    "member": "Member",
    "distance": "Distance",
    "duration": "Time",
    "moving": "Moving",
    "fastest": "Fastest",
    "stops": "Stops",
    "gaps": "Gaps",
    "nearest": "Nearest",
    "is_alone": "alone",
    "silent": "silent",
    "stands": "stands {span}",
}
KO = {
    "none": "아직 위치가 없습니다.",
    "there": "{members}명 중 {there}명 있음",
    "spread": "퍼짐 {spread}",
    "farthest": "가장 먼 사람 {member}, {farthest}",
    "pairs": "{near} 이내의 쌍: {pairs}",
    "covered": "다닌 넓이 {area}",
    "alone": "혼자: {names}",
    "nobody": "혼자인 사람 없음",
    "more": "외 {count}명",
    "member": "구성원",
    "distance": "거리",
    "duration": "시간",
    "moving": "이동",
    "fastest": "최고 속도",
    "stops": "정지",
    "gaps": "공백",
    "nearest": "가장 가까운 사람",
    "is_alone": "혼자",
    "silent": "신호 없음",
    "stands": "{span}째 정지",
}
WORDS = {"en": EN, "ko": KO}

# column, class: what goes first where there is no room
COLUMNS = (
    ("distance", ""),
    ("duration", "middling"),
    ("moving", "wide"),
    ("fastest", "wide"),
    ("stops", "middling"),
    ("gaps", "wide"),
    ("nearest", "last"),
)


def page_of(
    title: str, group: dict[str, Any], members: pd.DataFrame, *, near: float, language: str = "en"
) -> str:
    """Return the numbers as HTML; group, members: as `GroupNumbers` tells them."""
    words = WORDS[language]
    body = f"<p>{words['none']}</p>" if group["time"] is None else _body(group, members, near, words)
    return page("numbers", title, _when(group["time"]), body, language)


def _body(group: dict[str, Any], members: pd.DataFrame, near: float, words: dict[str, str]) -> str:
    facts = [words["there"].format(there=group["members"], members=len(members))]
    if group["members"] > 1 and not math.isnan(group["spread"]):
        facts.append(words["spread"].format(spread=metres(group["spread"])))
        member = escape(group["farthest_member"])
        facts.append(words["farthest"].format(member=member, farthest=metres(group["farthest"])))
    facts.append(words["pairs"].format(near=metres(near), pairs=group["pairs"]))
    facts.append(words["covered"].format(area=_area(group["area"])))
    alone = words["nobody"]
    if group["alone"]:
        names = ", ".join(map(escape, group["alone"][:MOST]))
        alone = words["alone"].format(names=names)
    told = " ".join(f'<span class="fact">{fact}</span>' for fact in facts)
    titles = "".join(f'<th scope="col" class="{kind}">{words[name]}</th>' for name, kind in COLUMNS)
    rows = "".join(_row(row, group["time"], words) for row in members.head(MOST).to_dict("records"))
    rest = len(members) - MOST
    more = f"<p>{words['more'].format(count=rest)}</p>" if rest > 0 else ""
    return (
        f"<p>{told}</p><p>{alone}</p><table><thead><tr>"
        f'<th scope="col">{words["member"]}</th>{titles}</tr></thead><tbody>{rows}</tbody></table>{more}'
    )


def _row(row: dict[Any, Any], now: pd.Timestamp, words: dict[str, str]) -> str:
    mark = ""
    if not row["is_there"]:
        mark = f'<span class="mark">{words["silent"]} {span((now - row["seen"]).total_seconds())}</span>'
    elif row["is_alone"]:
        mark = f'<span class="mark is-alone">{words["is_alone"]}</span>'
    stops = str(row["stops"])
    if row["is_there"] and row["stopped_since"] == row["stopped_since"]:
        standing = span((now - row["stopped_since"]).total_seconds())
        mark += f'<span class="mark">{words["stands"].format(span=standing)}</span>'
    other = row["nearest_member"]
    nearest = f"{metres(row['nearest'])} {escape(other)}" if isinstance(other, str) else ""
    cells = {
        "distance": metres(row["length"]),
        "duration": span(row["duration"].total_seconds()),
        "moving": span(row["moving_time"].total_seconds()),
        "fastest": "" if math.isnan(row["max_speed"]) else f"{row['max_speed'] * 3.6:.1f} km/h",
        "stops": stops,
        "gaps": str(row["gaps"]),
        "nearest": nearest,
    }
    told = "".join(f'<td class="{kind}">{cells[name]}</td>' for name, kind in COLUMNS)
    kind = "" if row["is_there"] else ' class="is-gone"'
    return f'<tr{kind}><th scope="row">{escape(row["member"])}{mark}</th>{told}</tr>'


def _area(value: float) -> str:
    return f"{value / 1e4:.1f} ha" if value < 1e6 else f"{value / 1e6:.2f} km²"


def _when(moment: pd.Timestamp | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S UTC")
