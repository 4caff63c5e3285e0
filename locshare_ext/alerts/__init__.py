"""Alerts: rules that are held to each fix as it comes, live and replayed alike.

A rule says what is to be told (`Geofence`, `Proximity`, `Silence`, `Speed`), a `Watch` holds
rules to a group's fixes in the order in which they are seen, and an `Alert` is what it tells.
Nothing here reads a clock: the moments are those of the fixes, so that a recording that is played
gives the alerts that it gave live.
"""

from __future__ import annotations

from locshare_ext.alerts.alert import Alert
from locshare_ext.alerts.rules import Geofence, Proximity, Rule, Silence, Speed, rule_from_json, rule_to_json
from locshare_ext.alerts.watch import Watch

__all__ = [
    "Alert",
    "Geofence",
    "Proximity",
    "Rule",
    "Silence",
    "Speed",
    "Watch",
    "rule_from_json",
    "rule_to_json",
]
