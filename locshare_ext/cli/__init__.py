"""The command line: `jupyter locshare ...`."""
