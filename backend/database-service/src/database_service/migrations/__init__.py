"""The schema of both stores, as numbered files that are never changed once applied."""
