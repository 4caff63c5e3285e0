"""Rules: what is to be told of a group's fixes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, ClassVar

from locshare_ext.alerts.alert import Kind
from locshare_ext.alerts.areas import Circle, area_from_json
from locshare_ext.errors import InvalidInput, InvalidName
from locshare_ext.model.names import fold, member_name
from locshare_ext.model.spans import span_ms

__all__ = ["Geofence", "Proximity", "Rule", "Silence", "Speed", "rule_from_json", "rule_to_json"]

MAX_NAME = 64
MAX_MEMBERS = 1000  # that one rule may name
MAX_SPAN = 30 * 86_400.0  # s
FARTHEST = 100_000.0  # m
Span = float | timedelta | str  # seconds, or as `5min`


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What all rules have: a name, the kinds of alerts that are told, the members that it is about.

    on: of the kinds that the rule has; the ones that change something by default. members: None
    for everybody. Raises InvalidInput naming the field, the value and what was expected.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ()
    usual: ClassVar[tuple[Kind, ...]] = ()

    name: str
    on: Sequence[str] = ()  # a tuple once it is made
    members: Iterable[str] | None = None  # a frozenset once it is made

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or len(self.name) > MAX_NAME:
            raise InvalidInput(
                f"name {str(self.name)[:70]!r} is no name of 1-{MAX_NAME} characters", field="name"
            )
        if not self.name.isprintable():
            raise InvalidInput(f"name {self.name!r} has characters that do not print", field="name")
        self._set("on", _checked_kinds(self.on, self.kinds) or self.usual)
        if self.members is not None:
            self._set("members", _checked_members(self.members))
        self._set("_folded", None if self.members is None else frozenset(map(fold, self.members)))

    def covers(self, member: str) -> bool:
        """Return whether it is about a member."""
        folded: frozenset[str] | None = self._folded  # type: ignore[attr-defined]
        return folded is None or fold(member) in folded

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


@dataclass(frozen=True, kw_only=True)
class Geofence(Rule):
    """Tells who enters and leaves an area.

    area: a circle of lat, lon, radius, a GeoJSON Polygon or MultiPolygon, a geometry of shapely, or
    a row of a GeoDataFrame (in degrees). The first fix of a member counts as `enter` if it lies
    inside. margin: metres beyond the border at which somebody who was inside has left; keeps a
    jittering position from coming and going. `inside` and `outside`, if asked for, are told with
    each fix.

    >>> Geofence(name="camp", area={"lat": 46.2, "lon": 14.1, "radius": 150}, margin=20)
    """

    kinds = ("enter", "exit", "inside", "outside")
    usual = ("enter", "exit")

    area: Any  # an Area once it is made
    margin: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("area", area_from_json(self.area))
        self._set("margin", _within(self.margin, "margin", 0, FARTHEST, "metres"))

    @classmethod
    def circle(cls, name: str, lat: float, lon: float, radius: float, **options: Any) -> Geofence:
        """Return the fence of `radius` metres around a place."""
        return cls(name=name, area=Circle(lat, lon, radius), **options)

    @classmethod
    def from_frame(cls, frame: Any, *, name: str | None = None, **options: Any) -> list[Geofence]:
        """Return a fence for each row of a GeoDataFrame, its geometries in any CRS.

        name: the column that names them; the index does if not given. options: of all fences.
        Raises InvalidInput that names the row.
        """
        if not hasattr(frame, "geometry") or not hasattr(frame, "crs"):
            raise InvalidInput(f"from_frame wants a GeoDataFrame, got {type(frame).__name__}", field="frame")
        if name is not None and name not in frame.columns:
            raise InvalidInput(f"name {name!r} is no column of the frame", field="name")
        if frame.crs is not None:
            frame = frame.to_crs(4326)  # without one it is taken for degrees, as GeoJSON is
        names = frame.index if name is None else frame[name]
        fences = []
        for at, (called, geometry) in enumerate(zip(names, frame.geometry, strict=True)):
            try:
                fences.append(cls(name=str(called), area=geometry, **options))
            except InvalidInput as error:
                raise InvalidInput(f"row {at} ({called}): {error.message}", field=error.field) from None
        if len({fence.name for fence in fences}) < len(fences):
            raise InvalidInput("two rows have one name; a rule's is its own", field="name")
        return fences


@dataclass(frozen=True, kw_only=True)
class Proximity(Rule):
    """Tells who comes near whom, and who is far from each other again.

    near: metres at which a pair has come near. far: metres beyond which it is far again, not below
    `near` (1.2 times it by default). of: only pairs with this member. members: only pairs of two
    of these. max_age: seconds (or a span such as `5min`) after which an old position is nowhere: a
    pair is then no longer known to be near, which is not told.
    """

    kinds = ("near", "far")
    usual = ("near", "far")

    near: float
    far: float = field(default=math.nan)
    of: str | None = None
    max_age: Span = 120.0

    def __post_init__(self) -> None:
        super().__post_init__()
        near = _within(self.near, "near", 0.1, FARTHEST, "metres")
        self._set("near", near)
        is_given = not (isinstance(self.far, float) and math.isnan(self.far))
        self._set("far", _within(self.far, "far", near, FARTHEST * 2, "metres") if is_given else near * 1.2)
        self._set("max_age", _seconds(self.max_age, "max_age"))
        if self.of is not None:
            self._set("of", _member(self.of, "of"))

    @property
    def max_age_ms(self) -> int:
        """`max_age` in ms."""
        return _ms(self.max_age)

    def covers_pair(self, a: str, b: str) -> bool:
        """Return whether it is about a pair."""
        if a == b or not (self.covers(a) and self.covers(b)):
            return False
        return self.of is None or fold(self.of) in (fold(a), fold(b))


@dataclass(frozen=True, kw_only=True)
class Silence(Rule):
    """Tells of whom no fix came for a while, and when one comes again.

    lasting: seconds without a fix, or a span such as `5min`. On a live group by when fixes came, not when
    they were measured. Who never sent anything is not silent yet.
    """

    kinds = ("silent", "heard")
    usual = ("silent", "heard")

    lasting: Span

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("lasting", _seconds(self.lasting, "lasting"))

    @property
    def lasting_ms(self) -> int:
        """`lasting` in ms."""
        return _ms(self.lasting)


@dataclass(frozen=True, kw_only=True)
class Speed(Rule):
    """Tells who moves faster than `above`, and when they are below `below` again, m/s.

    below: not above `above`, 0.9 times it by default. The speed is the fix's own; where it has
    none, the distance from the member's last fix over the time since, unless that is longer than
    `max_age` seconds.
    """

    kinds = ("fast", "slow")
    usual = ("fast", "slow")

    above: float
    below: float = field(default=math.nan)
    max_age: Span = 120.0

    def __post_init__(self) -> None:
        super().__post_init__()
        above = _within(self.above, "above", 0, 100_000, "m/s")
        self._set("above", above)
        is_given = not (isinstance(self.below, float) and math.isnan(self.below))
        self._set("below", _within(self.below, "below", 0, above, "m/s") if is_given else above * 0.9)
        self._set("max_age", _seconds(self.max_age, "max_age"))

    @property
    def max_age_ms(self) -> int:
        """`max_age` in ms."""
        return _ms(self.max_age)


_TYPES: dict[str, type[Rule]] = {
    "geofence": Geofence,
    "proximity": Proximity,
    "silence": Silence,
    "speed": Speed,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}
_NEEDED = {"geofence": "area", "proximity": "near", "silence": "lasting", "speed": "above"}


def rule_from_json(value: object) -> Rule:
    """Return the rule of an object such as `{"rule": "silence", "name": "quiet", "lasting": 300}`.

    The fields are those of the rules; raises InvalidInput for others, and for values that are none.
    """
    if not isinstance(value, Mapping):
        raise InvalidInput(f"a rule is an object, got {type(value).__name__}", field="rule")
    kind = _TYPES.get(value["rule"]) if isinstance(value.get("rule"), str) else None
    if kind is None:
        raise InvalidInput(
            f"rule {str(value.get('rule'))[:40]!r} is unknown; expected one of {', '.join(_TYPES)}",
            field="rule",
        )
    options = {str(name): given for name, given in value.items() if name != "rule"}
    for name, given in options.items():
        if given is None or (name in ("on", "members") and not isinstance(given, list | tuple)):
            arrays = {"on": f"an array of some of {', '.join(kind.kinds)}", "members": "an array of names"}
            expected = arrays.get(name, "a value; leave out what is not said")
            raise InvalidInput(f"{name[:40]} {str(given)[:40]!r} is not {expected}", field=name[:40])
    known = [each.name for each in fields(kind)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InvalidInput(
            f"field {unknown[0][:40]!r} is unknown; a rule of this kind has {', '.join(known)}",
            field=unknown[0][:40],
        )
    for name in ("name", _NEEDED[_NAMES[kind]]):
        if name not in options:
            raise InvalidInput(f"the rule has no {name}", field=name)
    for name in ("lasting", "max_age"):
        if isinstance(options.get(name), str):
            raise InvalidInput(f"{name} {options[name][:40]!r} is no number of seconds", field=name)
    return kind(**options)


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """Return a rule as `rule_from_json` takes it."""
    found: dict[str, Any] = {"rule": _NAMES[type(rule)]}
    for each in fields(rule):
        value = getattr(rule, each.name)
        if value is None:
            continue
        if each.name == "area":
            value = value.to_json()
        elif each.name == "members":
            value = sorted(value)
        elif each.name == "on":
            value = list(value)
        found[each.name] = value
    return found


def _checked_kinds(on: object, kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    asked = on.split() if isinstance(on, str) else on
    if not isinstance(asked, Iterable):
        raise InvalidInput(f"on {str(on)[:40]!r} is none of {', '.join(kinds)}", field="on")
    asked = list(asked)
    for each in asked:
        if each not in kinds:
            raise InvalidInput(f"on {str(each)[:40]!r} is none of {', '.join(kinds)}", field="on")
    return tuple(kind for kind in kinds if kind in asked)


def _checked_members(members: object) -> frozenset[str]:
    named = [members] if isinstance(members, str) else members
    if not isinstance(named, Iterable):
        raise InvalidInput(f"members {str(members)[:40]!r} are no names", field="members")
    found = frozenset(_member(name, "members") for name in named)
    if not 1 <= len(found) <= MAX_MEMBERS:
        raise InvalidInput(f"members are {len(found)}; a rule names 1-{MAX_MEMBERS}", field="members")
    return found


def _member(name: object, of: str) -> str:
    try:
        return member_name(name)  # type: ignore[arg-type]
    except InvalidName as error:
        raise InvalidInput(f"{of}: {error.message}", field=of) from None


def _within(value: object, name: str, low: float, high: float, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidInput(f"{name} {str(value)[:40]!r} is outside [{low:g}, {high:,.0f}] {unit}", field=name)
    return float(value)


def _ms(seconds: Any) -> int:
    """Return seconds, as a rule that was made keeps all spans, in ms."""
    ms: int = round(seconds * 1000)
    return ms


def _seconds(value: object, name: str) -> float:
    if isinstance(value, timedelta | str):
        value = span_ms(value, field=name) / 1000
    return _within(value, name, 1, MAX_SPAN, "seconds")
