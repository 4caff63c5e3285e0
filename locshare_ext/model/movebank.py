"""What Movebank calls the fields of a fix: its attribute dictionary, for frames and files alike."""

from __future__ import annotations

__all__ = ["MOVEBANK_COLUMNS", "MOVEBANK_SENSOR"]

MOVEBANK_SENSOR = "gps"  # the `sensor-type` of every row

# Movebank's term -> the frame's column, in the order in which Movebank writes them; None: see there.
# Timestamps are UTC as `yyyy-MM-dd HH:mm:ss.SSS`, heights metres, ground-speed m/s, headings degrees
# from north. Of which surface an altitude is, a device does not tell; most phones say above the sea.
MOVEBANK_COLUMNS: dict[str, str | None] = {
    "event-id": None,  # the row's number from 1: Movebank wants it unique in the file
    "visible": None,  # true
    "timestamp": "time",
    "location-long": "lon",
    "location-lat": "lat",
    "ground-speed": "speed",
    "heading": "heading",
    "height-above-msl": "altitude",
    "location-error-numerical": "accuracy",
    "comments": "extra",
    "sensor-type": None,  # MOVEBANK_SENSOR
    "individual-local-identifier": "member",
    "tag-local-identifier": "source",
    "study-name": "recording",
}
