"""Requests to servers, each answer held to what the document says of it."""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from typing import Any
from urllib.parse import quote

import jsonschema
import pyarrow as pa
import requests

from locshare_ext.model.trail import arrow_schema
from tests.support.sites import TOKEN, Sites

__all__ = ["HANDSHAKE", "Asker", "stream"]

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
STREAM = "text/event-stream"


class Asker:
    """Asks the servers of one process; `seen` has the statuses by method and path of the document."""

    def __init__(self, sites: Sites, described: dict[str, Any]) -> None:
        self.sites = sites
        self.described = described
        self.seen: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.session = requests.Session()

    def close(self) -> None:
        self.session.close()

    def __call__(
        self,
        method: str,
        path: str,
        *names: str,
        site: str = "plain",
        token: str | None = TOKEN,
        query: str = "",
        headers: dict[str, str] | None = None,
        body: Any = None,
    ) -> requests.Response:
        """Ask for a path of the document, its parameters being `names`; returns the answer, read to its end.

        body: bytes as they are, anything else as JSON.
        """
        given = iter(names)
        filled = re.sub(r"\{\w+\}", lambda _: quote(next(given), safe="%"), path)
        sent = dict(headers or {})
        if token is not None:
            sent["X-Locshare-Token"] = token
        if body is not None and not isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
            body = json.dumps(body).encode()
        url = f"{self.sites.urls[site]}{filled}{'?' + query if query else ''}"
        with self.session.request(
            method.upper(), url, headers=sent, data=body, timeout=30, stream=True, allow_redirects=False
        ) as answer:
            if answer.status_code != 101 and not answer.headers.get("Content-Type", "").startswith(STREAM):
                answer.content  # noqa: B018 -- read
            self.check(method, path, answer)
        return answer

    def check(self, method: str, path: str, answer: requests.Response) -> None:
        """Note a status; raises AssertionError for an answer that is not as the document has it."""
        status = str(answer.status_code)
        where = f"{method} {path} {status}"
        responses = self.described["paths"][path][method]["responses"]
        assert status in responses, f"{where} is not documented: {answer.content[:300]!r}"
        self.seen[method, path].add(status)
        said = self.followed(responses[status])
        for name, header in said.get("headers", {}).items():
            header = self.followed(header)
            if name in answer.headers:
                self.validate(header["schema"], _typed(answer.headers[name], header["schema"]), where)
            assert name in answer.headers or not header.get("required"), f"{where}: no {name}"
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if "content" not in said:
            assert method == "head" or not kind, f"{where} has {kind}"
            return
        assert kind in said["content"], f"{where} is {kind}"
        if kind == "application/json":
            self.validate(said["content"][kind]["schema"], answer.json(), where)

    def followed(self, part: dict[str, Any]) -> dict[str, Any]:
        """Return a part of the document, or what it refers to."""
        if "$ref" not in part:
            return part
        found: Any = self.described
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return found

    def validate(self, schema: dict[str, Any], value: Any, where: str) -> None:
        whole = {**schema, "components": self.described["components"]}
        problem = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(whole).iter_errors(value))
        assert problem is None, f"{where}: {problem.message if problem else ''} in {value!r}"

    def missing(self) -> list[str]:
        """Return what the document has and nobody saw."""
        return sorted(
            f"{method} {path} {status}"
            for path, item in self.described["paths"].items()
            for method, one in item.items()
            if method != "parameters"
            for status in one["responses"]
            if status not in self.seen[method, path]
        )


def _typed(text: str, schema: dict[str, Any]) -> Any:
    return int(text) if schema.get("type") == "integer" else text


def stream(lat: float) -> bytes:
    """Return an Arrow stream with one fix."""
    row = {"seq": 1, "member": "ann", "time": 1_763_806_275_123, "lat": lat, "lon": 126.978}
    schema = arrow_schema()
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        full = {field.name: row.get(field.name) for field in schema}
        writer.write_table(pa.Table.from_pylist([full], schema=schema))
    return sink.getvalue()
