"""How our credentials begin: by that anybody sees what one is for, and a scanner finds it."""

from __future__ import annotations

__all__ = ["HOST", "INVITE", "KERNEL", "PREFIXES", "PROBE"]

KERNEL = "lsk_"  # the kernel's: in the runtime file
HOST = "lsh_"  # the host's of a server without notebooks
INVITE = "lsi_"  # an invite's, see services.tokens
PROBE = "lsp_"  # of a server that looks whether an address leads to itself; may do nothing
PREFIXES = (KERNEL, HOST, INVITE, PROBE)
