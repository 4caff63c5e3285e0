"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent

# Nothing may depend on how fast the machine is just now; CI tries the same examples each time.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("steady")


def sample_data() -> Path:
    """Return the folder of real recordings, wherever it is."""
    return Path(os.environ.get("LOCSHARE_SAMPLE_DATA") or ROOT.parent / "shared" / "data").resolve()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings; the tests that need it are skipped without it."""
    folder = sample_data()
    if not folder.is_dir():
        pytest.skip("no sample recordings: set LOCSHARE_SAMPLE_DATA to their folder")
    return folder


def allowed_skips() -> list[str]:
    """Return how the reasons begin for which CI may skip a test."""
    lines = (ROOT / ".ci" / "allowed-skips.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") != "true":
        return
    for report in unexplained_skips(terminalreporter):
        terminalreporter.write_line(f"SKIPPED WITHOUT LEAVE {report.nodeid}: {skip_reason(report)}", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and unexplained_skips(reporter) and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def unexplained_skips(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    allowed = allowed_skips()
    return [
        report
        for report in reporter.stats.get("skipped", [])
        if not any(skip_reason(report).startswith(start) for start in allowed)
    ]


def skip_reason(report: pytest.TestReport) -> str:
    """Return why a test was skipped, without the word that pytest puts before."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")
