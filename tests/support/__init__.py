"""Real processes and pages for tests."""
