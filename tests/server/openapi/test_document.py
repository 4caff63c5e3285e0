"""The document is valid, complete, and says what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from locshare_ext.errors import LocShareError
from locshare_ext.model.fix import Fix
from locshare_ext.server.api.openapi.document import document
from locshare_ext.server.base import NothingHere
from locshare_ext.server.routes import ROUTES
from locshare_ext.services.settings import SETTINGS, check_settings
from locshare_ext.services.wishes import read_wish
from locshare_ext.version import __version__

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
MONTH = 30 * 86_400.0


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return document("/", has_users=True, longest=MONTH)


def operations(api: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in api["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def followed(api: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the document, or what it refers to."""
    while "$ref" in part:
        found: Any = api
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def check(api: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    jsonschema.Draft202012Validator({**schema, "components": api["components"]}).validate(value)


@pytest.mark.parametrize("has_users", [True, False])
def test_it_is_valid(has_users: bool) -> None:
    validate(document("/user/ann", has_users=has_users, longest=MONTH))


def test_it_has_every_method_of_every_route_and_no_other(api: dict[str, Any]) -> None:
    routed = {
        (pattern.replace(r"\.", ".").removesuffix("(?:/.*)?"), method)
        for pattern, handler in ROUTES
        for method in METHODS
        if handler is not NothingHere and not handler.is_page
        if "__wrapped__" in vars(getattr(handler, method))
    }
    described = {(re.sub(r"\{\w+\}", "([^/]+)", path), method) for method, path, _ in operations(api)}
    assert described == routed


def test_every_operation_has_a_name_of_its_own_and_says_what_it_needs(api: dict[str, Any]) -> None:
    names = [one["operationId"] for _, _, one in operations(api)]
    assert len(set(names)) == len(names)
    for method, path, one in operations(api):
        assert one["summary"], (method, path)
        assert method in ("head", "options") or "Needs: " in one["description"]


def test_every_reference_leads_somewhere_and_every_component_is_used(api: dict[str, Any]) -> None:
    text = json.dumps(api)
    used = set(re.findall(r'"#/components/(\w+)/(\w+)"', text))
    there = {(kind, name) for kind, parts in api["components"].items() for name in parts}
    assert used <= there
    unused = {name for kind, name in there - used if kind != "securitySchemes"}
    assert unused == {"StreamObject"}  # of messages on WebSockets, which OpenAPI has no place for


def test_examples_are_what_their_schemas_say(api: dict[str, Any]) -> None:
    count = 0
    for _, _, one in operations(api):
        parts = [one.get("requestBody", {}), *(followed(api, part) for part in one["responses"].values())]
        for part in parts:
            for content in part.get("content", {}).values():
                if "example" in content:
                    check(api, content["schema"], content["example"])
                    count += 1
    assert count > 40
    for name, schema in api["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            check(api, {"$ref": f"#/components/schemas/{name}"}, example)


def test_fixes_and_settings_have_the_fields_that_there_are(api: dict[str, Any]) -> None:
    schemas = api["components"]["schemas"]
    assert list(schemas["Fix"]["properties"]) == list(Fix.__struct_fields__)
    for name in ("Settings", "SettingsChange", "NewGroup"):
        assert set(schemas[name]["properties"]) == set(SETTINGS)


def values(schema: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    """Values at the bounds of a schema, and whether each fits."""
    if schema.get("type") in (["number", "null"], ["integer", "null"], "number"):
        low, high = schema["minimum"], schema["maximum"]
        yield from [
            (low, True),
            (high, True),
            (low - 1, False),
            (high + 1, False),
            ("1", False),
            (True, False),
        ]
    if schema.get("type") in (["string", "null"], "string") and "maxLength" in schema:
        most = schema["maxLength"]
        yield from [("x" * most, True), ("x" * (most + 1), False), (1, False), ([], False)]


def is_taken(read: Any, *args: Any, **more: Any) -> bool:
    try:
        read(*args, **more)
    except LocShareError:
        return False
    return True


def test_the_bounds_of_settings_and_wishes_are_those_that_are_checked(api: dict[str, Any]) -> None:
    schemas = api["components"]["schemas"]
    tried = 0
    for name, schema in schemas["SettingsChange"]["properties"].items():
        for value, fits in values(schema):
            assert is_taken(check_settings, {name: value}, "hikers") == fits, (name, value)
            tried += 1
    for name, schema in schemas["InviteWish"]["properties"].items():
        for value, fits in values(schema):
            assert is_taken(read_wish, {name: value}, longest=MONTH) == fits, (name, value)
            tried += 1
    assert tried >= 50


def test_who_may_come_in_is_said_for_each_kind_of_server() -> None:
    alone = document("/", has_users=False, longest=MONTH)
    assert set(alone["components"]["securitySchemes"]) == {"invite", "bearer", "basic"}
    with_users = document("/", has_users=True, longest=MONTH)
    for method, path, one in operations(with_users):
        ways = one["security"]
        if method == "options" or path.startswith("/locshare/in/"):  # the credential is in the path
            assert ways == []
            continue
        cookie = next(way for way in ways if "jupyterCookie" in way)
        assert ("xsrf" in cookie) == (method not in ("get", "head")), path
        assert ({} in ways) == ("101" in one["responses"])


def test_a_server_gives_the_same(described: dict[str, Any]) -> None:
    assert described == json.loads(json.dumps(document("/", has_users=False, longest=MONTH)))


def test_a_server_says_where_it_is(described: dict[str, Any]) -> None:
    assert described["servers"] == [{"url": "/"}]
    assert described["info"]["version"] == __version__
    assert "jupyterToken" not in described["components"]["securitySchemes"]


def test_no_secret_is_in_it(described: dict[str, Any]) -> None:
    from tests.support.sites import TOKEN

    assert TOKEN not in json.dumps(described)
