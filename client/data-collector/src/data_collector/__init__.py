"""Collect news and calendar events politely for the server."""
