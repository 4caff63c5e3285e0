"""The notebook server's extension: endpoints over the services."""
