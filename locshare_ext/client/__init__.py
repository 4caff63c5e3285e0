"""The kernel's side: finding a server, following a group, recordings."""
