"""Where versions of the settings lie on disk."""
