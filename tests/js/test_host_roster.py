"""The host's page and the notebook say the same of everybody: one rule in two languages."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

from locshare_ext.client.roster import roster_of
from tests.js.test_node import node

PAGE = Path(__file__).parents[2] / "locshare_ext" / "server" / "pages" / "host" / "roster.js"
ASK = f"""
import {{ rosterOf }} from {json.dumps(PAGE.as_uri())};
import {{ readFileSync }} from 'node:fs';
const told = JSON.parse(readFileSync(0, 'utf8')).map(([about, invites]) => rosterOf(about, invites)
  .map(one => [one.member, one.state, one.age, one.heardAge, one.isLow, one.invite?.id ?? null]));
process.stdout.write(JSON.stringify(told));
"""
AGES = (None, 0, 30_000, 30_001, 300_000, 300_001)
STATES = (None, "living", "expired", "revoked")


def case(age: int | None, heard: int | None, state: str | None, by_invite: int | None, name: str) -> Any:
    fix = {"member": name, "lat": 1, "lon": 2, "time": 1, "received": 1, "flags": []}
    members = [] if age is None else [{"member": name, "fix": fix, "age": age, "heard_age": heard or 0}]
    invites = [] if state is None else [invited("i", name.upper(), state, by_invite)]
    return {"settings": {"stale": 30, "lost": 300}, "members": members}, invites


def invited(id_: str, member: str | None, state: str, heard_age: int | None = None) -> dict[str, Any]:
    return {"id": id_, "member": member, "state": state, "heard_age": heard_age, "expires": 1}


def crowd() -> Any:
    names = ("ann", "Bo", "cy", "민지", "Straße", "éa", "Zoe")
    members = []
    for at, name in enumerate(names):
        about, _ = case((at * 60_000), at * 45_000, None, None, name)
        about["members"][0]["fix"]["battery"] = (0.2, 0.9, 0.1)[at % 3]
        members += about["members"]
    invites = [
        invited("1", "ANN", "living"),
        invited("2", "ann", "revoked"),
        invited("3", "STRASSE", "expired"),
    ]
    invites += [
        invited("4", "new", "living"),
        invited("5", "e\u0301a", "living", 5),
        invited("6", None, "living"),
    ]
    return {"settings": {"stale": 60, "lost": 200}, "members": members}, invites


def test_it_is_the_same_rule() -> None:
    cases = [
        case(*one, "ann")
        for one in itertools.product(AGES, AGES, STATES, (None, 10, 300_001))
        if one[0] or one[2]
    ]
    cases.append(crowd())
    done = subprocess.run(
        [node(), "--input-type=module", "--eval", ASK],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    ours = [
        [[one.member, one.state, one.age, one.heard_age, one.is_low, one.invite] for one in roster_of(*case)]
        for case in cases
    ]
    assert json.loads(done.stdout) == ours
    assert {state for people in ours for _, state, *_ in people} >= {"here", "lost", "silent", "expired"}
