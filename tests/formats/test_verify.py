"""A recording file is judged check by check."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from locshare_ext.formats import save
from locshare_ext.formats.frame import frame_from_arrow
from locshare_ext.formats.geopackage import read_geopackage, write_geopackage
from locshare_ext.formats.trail import trail_of_frame
from locshare_ext.formats.verify import verify_geopackage

from .helpers import random_table
from .test_geopackage import ASIDE, EVENTS, edit


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "walk.gpkg"
    frame = frame_from_arrow(random_table(3000), group="hikers", recording="walk")
    write_geopackage(path, frame, events=EVENTS, set_aside=ASIDE)
    return path


def failed(path: Path) -> set[str]:
    return {one.check for one in verify_geopackage(path).findings if one.is_good is False}


def test_a_sound_file(file: Path) -> None:
    before = file.read_bytes()
    verdict = verify_geopackage(file)
    assert verdict.is_sound, verdict.findings
    assert verdict.checksum == read_geopackage(file).info["checksum"]
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == ["walk.gpkg"]


@pytest.mark.parametrize(
    ("statement", "checks"),
    [
        ("UPDATE fixes SET speed = 3 WHERE fid = 7", {"checksum"}),
        ("UPDATE fixes SET lat = 200 WHERE fid = 7", {"checksum", "values", "geometries", "index"}),
        ("DELETE FROM rtree_fixes_geom WHERE id = 7", {"index"}),
        ("UPDATE members SET fixes = fixes + 1 WHERE fid = 1", {"counts", "checksum"}),
        (
            "UPDATE manifest SET value = '{\"fixes\": 1, \"members\": 2}' WHERE key = 'counts'",
            {"counts", "checksum"},
        ),
        ("UPDATE events SET kind = 'war'", {"values", "checksum"}),
        ("UPDATE gpkg_geometry_columns SET geometry_type_name = 'POLYGON'", {"GeoPackage"}),
        ("DELETE FROM gpkg_geometry_columns", {"GeoPackage"}),
        ("UPDATE manifest SET value = '9' WHERE key = 'format_version'", {"manifest"}),
        ("ALTER TABLE members RENAME TO somebody", {"tables", "GeoPackage"}),
        ("ALTER TABLE fixes ADD COLUMN more TEXT", {"tables"}),
        ("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM fixes; END", {"tables"}),
        ("UPDATE gpkg_spatial_ref_sys SET definition = 'x' WHERE srs_id = 4326", {"GeoPackage"}),
        ("UPDATE gpkg_contents SET min_x = -200 WHERE table_name = 'fixes'", {"geometries"}),
    ],
)
def test_each_fault_is_found_and_hides_no_other(file: Path, statement: str, checks: set[str]) -> None:
    edit(file, statement)
    assert failed(file) == checks


def test_what_a_gis_keeps_beside_is_named_and_no_fault(file: Path) -> None:
    edit(file, "CREATE TABLE layer_styles (style TEXT)")
    verdict = verify_geopackage(file)
    assert verdict.is_sound
    assert "not looked at: layer_styles" in {one.check: one.text for one in verdict.findings}["tables"]


def test_what_is_no_recording(file: Path, tmp_path: Path) -> None:
    assert failed(tmp_path / "absent.gpkg") == {"file"}
    assert failed(tmp_path) == {"file"}
    cut = tmp_path / "cut.gpkg"
    cut.write_bytes(file.read_bytes()[:-5000])
    assert failed(cut) == {"file"}
    text = tmp_path / "text.gpkg"
    text.write_text("walk")
    assert failed(text) == {"file"}
    assert not verify_geopackage(text).is_sound


def test_any_flipped_byte_of_a_fix_is_found(file: Path, tmp_path: Path) -> None:
    content = bytearray(file.read_bytes())
    place = content.find(b"member 7")
    content[place] ^= 1
    changed = tmp_path / "flipped.gpkg"
    changed.write_bytes(content)
    assert failed(changed)


def test_the_index_is_as_sqlite_would_have_it(tmp_path: Path) -> None:
    """Also with one fix, a full node, one more, and levels of nodes; all at one place, too."""
    for rows in (0, 1, 51, 52, 2602, 20_000):
        table = random_table(rows, extra=False)
        if rows == 52:
            at = table.column_names.index("lat")
            table = table.set_column(at, "lat", [[1.0] * rows]).set_column(at + 1, "lon", [[-0.1] * rows])
        path = tmp_path / f"{rows}.gpkg"
        save(path, trail_of_frame(frame_from_arrow(table, group="g", recording="r")))
        with contextlib.closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT rtreecheck('rtree_fixes_geom')").fetchone() == ("ok",)
            box = "minx <= 60 AND maxx >= -30 AND miny <= 40 AND maxy >= 0"
            found = {row[0] for row in database.execute(f"SELECT id FROM rtree_fixes_geom WHERE {box}")}
            wanted = database.execute(
                "SELECT fid FROM fixes WHERE lon BETWEEN -30 AND 60 AND lat BETWEEN 0 AND 40"
            )
            assert {row[0] for row in wanted} <= found
            for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
                database.create_function(name, 1, lambda _: 0)
            database.execute("DELETE FROM fixes WHERE fid % 3 = 0")  # and it can be changed by others
            assert database.execute("SELECT rtreecheck('rtree_fixes_geom')").fetchone() == ("ok",)


@pytest.mark.process
def test_the_command_gives_a_verdict_and_a_status(file: Path, tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "locshare_ext.cli.main", "verify", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    done = run(str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert "sound, as it was written" in done.stdout
    edit(file, "UPDATE fixes SET speed = 3 WHERE fid = 7")
    done = run(str(file), str(tmp_path / "absent.gpkg"), "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    assert "NOT SOUND (checksum:" in done.stderr
    assert "absent.gpkg: NOT SOUND (file:" in done.stderr
