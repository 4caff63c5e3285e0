"""Schemathesis tries the API by its document: what it may be sent, and what it may not."""

from __future__ import annotations

import os
import zlib
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from locshare_ext.server.api.imports import FILE_TYPES
from locshare_ext.server.api.openapi.document import document
from locshare_ext.server.api.trails import ARROW
from tests.server.openapi.asking import stream
from tests.support.sites import TOKEN, Sites

EXAMPLES = int(os.environ.get("LOCSHARE_API_EXAMPLES", "5"))  # of each operation; more for a longer run
WALKS = 4 * EXAMPLES
HEADERS = {"X-Locshare-Token": TOKEN}
STREAMS = ("followEvents", "openWebSocket", "openStomp", "followReplay", "openReplay")  # which do not end
REFUSALS = ["400", "401", "403", "404", "405", "409", "410", "413", "415"]
WAIT = 0.05  # s that a long poll may take here
# codes and fields of what is refused though its schema fits: letters of names and texts, zones, moments,
# what does not go with what, and 1.0, which is an integer in JSON Schema alone
BEYOND = {
    "invalid_name",
    "name",
    "no_member",
    "rule_invalid",
    "source_invalid",
    "text",
    "tz",
    "time_out_of_range",
    "time_wrong_type",
    "at",
    "step",
    "paused",  # with a step
    "record",  # without a group
    "time",
    "since",
    "until",  # without since, or before it
    "uses",
}
FIX = {"member": "ann", "time": 1_763_806_275_123, "lat": 37.5665, "lon": 126.978}
THERE = {"group": "hikers", "member": "ann"}
DOOMED = {  # what would take away from the other operations what is there
    "DELETE /locshare/api/groups/{group}": {"group": "doomed"},
    "DELETE /locshare/api/groups/{group}/members/{member}": {"group": "doomed", "member": "ann"},
}
STEADY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


CONFIG = schemathesis.Config.from_dict(
    {
        "seed": 1,
        "auth": {"openapi": {"invite": {"api_key": TOKEN}}},
        "generation": {
            "mode": "all",
            "max-examples": EXAMPLES,
            "deterministic": True,
            "with-security-parameters": False,
        },
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}},
        "phases": {"coverage": {"generate-duplicate-query-parameters": True}},
    }
)
# a copy: what it refers to is written into it, and its parts are those of every document
DESCRIBED = deepcopy(document("/", has_users=False, longest=30 * 86_400.0))
schema = (
    schemathesis.openapi.from_dict(DESCRIBED, config=CONFIG)
    .exclude(operation_id=list(STREAMS))
    .exclude(path_regex="^/locshare/in/")  # what phones send is no matter of schemas, and hardly ever refused
)


@pytest.fixture(scope="module")
def base(sites: Sites) -> str:
    """The server's address."""
    begin_anew(sites.urls["open"])
    return sites.urls["open"]


def begin_anew(base: str) -> None:
    """Leave nothing on the server but a fix of one member in two groups."""
    url = f"{base}/locshare/api"
    with requests.Session() as session:
        session.headers.update(HEADERS)
        for kind, name in (("recordings", "id"), ("groups", "group")):
            for one in session.get(f"{url}/{kind}", timeout=30).json()[kind]:
                session.delete(f"{url}/{kind}/{quote(one[name])}", timeout=30)
        for group in ("hikers", "doomed"):
            assert session.post(f"{url}/groups/{group}/fixes", json=FIX, timeout=30).ok


def steered(case: Any) -> None:
    """Let most cases concern what is there, and none take long."""
    names = case.path_parameters or {}
    for name, value in names.items():
        if name in THERE and zlib.crc32(repr(value).encode()) % 4:
            names[name] = DOOMED.get(case.operation.label, THERE)[name]
    query = case.query or {}
    if isinstance(query.get("wait"), int | float) and 0 < query["wait"] <= 30:
        query["wait"] = WAIT
    if case.operation.definition.raw["operationId"] == "startRecording":
        taken = OF_IMPORTS.get(case.media_type, OF_FILES)
        for name in [name for name in query if name not in taken]:
            del query[name]  # the parameters are for imports, some for those of one kind


# what of the parameters goes with any Arrow stream, and with the file below
OF_IMPORTS = {"application/json": (), ARROW: ("name", "description", "received_known")}
OF_FILES = ("name", "description")
WALK = (
    b'<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
    b'<trkpt lat="1" lon="2"><time>2026-01-26T15:57:02Z</time></trkpt></trkseg></trk></gpx>'
)
schemathesis.openapi.media_type(ARROW, st.sampled_from([stream(lat) for lat in (-90.0, 0.0, 37.5665)]))
for kind in FILE_TYPES:
    schemathesis.openapi.media_type(kind, st.just(WALK))


def is_beyond_schemas(answer: schemathesis.Response) -> bool:
    """Whether a request was refused for what no schema can say."""
    if answer.status_code != 400:
        return False
    if answer.request.method == "HEAD":
        return True  # does not say why; GET does
    error = answer.json()["error"]
    return bool({error["code"], error.get("field")} & BEYOND)


@schema.parametrize()
@STEADY
def test_each_operation(case: Any, base: str) -> None:
    steered(case)
    check(case, case.call(base_url=base, timeout=20))


def check(case: Any, answer: Any, **more: Any) -> None:
    """Hold an answer to the document, with all checks that there are."""
    excluded = []
    if is_beyond_schemas(answer):
        excluded.append(positive_data_acceptance)
    if case.operation.label.startswith("POST") and isinstance(case.body, list):
        excluded.append(negative_data_rejection)  # bad fixes of an array are set aside
    case.validate_response(answer, excluded_checks=excluded, **more)


class Walk(schema.as_state_machine()):  # type: ignore[misc]
    """Goes along the document's links: what was made is read, changed, removed, and then gone."""

    base = ""

    def setup(self) -> None:
        begin_anew(self.base)  # else what a walk can do would depend on those before it

    def get_call_kwargs(self, case: Any) -> dict[str, Any]:
        return {"base_url": self.base, "timeout": 20}

    def before_call(self, case: Any) -> None:
        steered(case)

    def validate_response(self, response: Any, case: Any, additional_checks: Any = (), **more: Any) -> None:
        check(case, response, additional_checks=list(additional_checks))


def test_along_the_links(base: str) -> None:
    Walk.base = base
    Walk.run(settings=settings(STEADY, max_examples=WALKS, stateful_step_count=6))
