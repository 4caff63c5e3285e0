"""Pages for people, as files of the package."""
