"""What phone apps send, by app and version."""
