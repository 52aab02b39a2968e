"""The parsers, the careful HTTP client and the SQLite file."""
