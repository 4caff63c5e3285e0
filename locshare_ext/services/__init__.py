"""What the server does with logs: publishing, recordings, retention."""
