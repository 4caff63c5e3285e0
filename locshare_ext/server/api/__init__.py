"""What programs ask over HTTP: groups, fixes, trails, recordings, health."""
