"""Group logs in memory, their readers, and who may do what."""
