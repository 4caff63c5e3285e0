"""What Movebank calls the fields of a fix, for frames and files alike: its attribute dictionary."""

from __future__ import annotations

__all__ = ["MOVEBANK_COLUMNS", "MOVEBANK_SENSOR"]

MOVEBANK_SENSOR = "gps"

# Movebank's term -> the frame's column, in their order in a file. Timestamps are UTC as
# `yyyy-MM-dd HH:mm:ss.SSS`, heights and errors metres, ground-speed m/s, headings degrees from north.
# Of which surface an altitude is, a device does not tell; most phones say above the sea.
MOVEBANK_COLUMNS: dict[str, str] = {
    "timestamp": "time",
    "location-long": "lon",
    "location-lat": "lat",
    "height-above-msl": "altitude",
    "ground-speed": "speed",
    "heading": "heading",
    "location-error-numerical": "accuracy",
    "sensor-type": "",  # MOVEBANK_SENSOR in every row
    "individual-local-identifier": "member",
    "tag-local-identifier": "member",
    "study-name": "recording",  # of a live trail the group
}
