"""The gateway's rim: bus, tokens, password hashing, the dashboards' files and the HTTP server."""
